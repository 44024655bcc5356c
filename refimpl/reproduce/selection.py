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
    figure = re.fullmatch(r"fig(?:ure)?[ .]*0*(\d+)([a-h]?)", word.lower())
    if not figure:
        return False
    number, part = figure.groups()
    return any(
        one == number + part or (one if part else _number(one)) == number
        for one in figures(name)
    )


def listing():
    """Lines: name, figure, title, time and claims of every experiment."""
    times = expected_times.times()
    lines = []
    for name in framework.names():
        module = framework.load(name)
        took = (
            duration(times[preset][name]) if name in times[preset] else "not measured"
            for preset in framework.PRESETS
        )
        lines += [
            " ".join([name, *(f"[Figure {figure}]" for figure in figures(name))]),
            f"    {framework.title(module)}",
            "    time: " + ", ".join(map(" ".join, zip(framework.PRESETS, took))),
        ]
        lines += [f"    - {c.id} ({c.source}): {c.statement}" for c in module.CLAIMS]
    lines += ["", f"Times: {times['machine']}, all cores for one experiment."]
    return [part for line in lines for part in _wrapped(line)]


def _wrapped(line):
    """A line as lines of 80 letters, those after the first indented by two more."""
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(line, 80, subsequent_indent=indent) or [""]
