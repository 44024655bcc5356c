"""Experiments by name or by figure of the paper, and the list of them."""

import difflib
import re
import textwrap

from refimpl.experiments.common import framework
from refimpl.reproduce import expected_times
from refimpl.reproduce.formats import duration


def select(wanted):
    """Names of the experiments that the words `wanted` mean; all without any.

    A word is a name, the beginning of one, or a figure: ``fig04``, ``fig4``,
    ``fig14``, ``fig12a``.

    Raises
    ------
    ValueError
        If a word means none; it names the nearest.
    """
    known = framework.names()
    if not wanted:
        return known
    selected = []
    for word in wanted:
        matches = [
            one
            for one in known
            if one == word
            or word not in known
            and (one.startswith(f"{word}_") or shows(one, word))
        ]
        if not matches:
            near = difflib.get_close_matches(word, known, 3, 0)
            raise ValueError(f"no experiment {word!r}; the nearest: {', '.join(near)}")
        selected += [one for one in matches if one not in selected]
    return selected


def figures(name):
    """The paper's figures that the experiment `name` is about: ["1a", "1b"].

    They are in its name and in the sources of its claims; an experiment that is not
    named for a figure only goes beyond those it mentions.
    """
    own = re.match(r"fig0*(\d+[a-z]?)_", name)
    if not own:
        return []
    sources = (claim.source for claim in framework.load(name).CLAIMS)
    cited = (re.match(r"Figure (\d+[a-z]?)", source) for source in sources)
    found = {own[1], *(match[1] for match in cited if match)}
    found -= {_number(figure) for figure in found if not figure.isdigit()}
    return sorted(found, key=lambda figure: (int(_number(figure)), figure))


def _number(figure):
    return figure.rstrip("abcdefgh")


def shows(name, word):
    """Whether the experiment `name` is about the figure `word`: "fig4", "fig12a"."""
    figure = re.fullmatch(r"fig(?:ure)?[ .]*0*(\d+)([a-z]?)", word.lower())
    if not figure:
        return False
    number, part = figure.groups()
    found = figures(name)
    # A figure whose parts are not told apart holds the panels that the paper has.
    panel = part and part in "abcdefgh" and number in found
    return bool(panel) or any(
        one == number + part or not part and _number(one) == number for one in found
    )


def listing(names):
    """Lines: name, figure, title, time and claims of the experiments `names`."""
    times = expected_times.times()
    lines = []
    for name in names:
        module = framework.load(name)
        took = (
            duration(times[preset][name]) if name in times[preset] else "not measured"
            for preset in framework.PRESETS
        )
        shown = " ".join([name, *(f"[Figure {one}]" for one in figures(name))])
        lines += _wrapped(shown, "", "  ") + _wrapped(framework.title(module))
        told = ", ".join(map(" ".join, zip(framework.PRESETS, took)))
        lines += _wrapped(f"time: {told}")
        for claim in module.CLAIMS:
            text = f"- {claim.id} ({claim.source}): {claim.statement}"
            lines += _wrapped(text, " " * 4, " " * 6)
    times = f"Times: {times['machine']}, all cores for one experiment."
    return [*lines, "", *_wrapped(times, "", "")]


def _wrapped(text, first=" " * 4, rest=" " * 4):
    """Lines of at most 80 columns."""
    return textwrap.wrap(text, 80, initial_indent=first, subsequent_indent=rest)
