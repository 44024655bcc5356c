"""Claims in the terminal: what differs, what is not supported, and totals."""

import os
import shutil
import textwrap
from collections import Counter

from refimpl.reproduce import reference, summary
from refimpl.reproduce.formats import duration, estimate

COLORS = {"supported": 32, "refuted": 31, "undecided": 33, "not attempted": 2}


def is_fancy(stream):
    """Whether `stream` is a terminal that can do more than print lines."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def has_color(stream):
    """Whether `stream` shows colours and wants them (https://no-color.org)."""
    return is_fancy(stream) and not os.environ.get("NO_COLOR")


def width():
    """Columns of the terminal."""
    return max(60, shutil.get_terminal_size((100, 24)).columns)


def marked(verdict, color):
    """The mark of a verdict, in its colour where there is `color`."""
    mark = summary.MARKS[verdict]
    return f"\x1b[{COLORS[verdict]}m{mark}\x1b[0m" if color else mark


def ending(claims, documented, color=False, verbose=False):
    """Lines that end a run.

    Parameters
    ----------
    claims : list of ClaimRecord
    documented : dict
        `reference.load`.
    color : bool
    verbose : bool
        Every claim in full.
    """
    differ = [one for one in claims if one.comparison == reference.DIFFERENT]
    rest = [one for one in claims if one.verdict != "supported" and one not in differ]
    blocks = []
    if verbose:
        blocks.append([line for one in claims for line in full(one, documented, color)])
    elif rest:
        blocks.append([line for one in rest for line in short(one, color)])
    if differ:
        lines = [line for one in differ for line in full(one, documented, color)]
        blocks.insert(0, ["Decided differently from the committed run:", *lines])
    return [line for block in blocks for line in (*block, "")] + totals(claims)


def short(claim, color=False):
    """Two lines: the statement, what was measured, the rule, the note, cut to fit.

    What was not attempted has one: the reason, and the statement.
    """
    attempted = claim.verdict != "not attempted"
    text = f"{claim.detail}: {claim.statement}"
    if attempted:
        value = f"{measured(claim)}, rule: {claim.rule}"
        text = f"{claim.statement} {value}. {claim.note}"
    count = 2 if attempted else 1
    first, *more = textwrap.wrap(text, width() - 2, max_lines=count, placeholder=" …")
    return [f"{marked(claim.verdict, color)} {first}", *(f"  {one}" for one in more)]


def full(claim, documented, color=False):
    """All that there is to say of a claim, a paragraph each."""
    found = reference.find(documented, claim)
    texts = [
        claim.statement,
        f"measured {measured(claim)}; {claim.criterion}",
        claim.detail,
        "" if claim.verdict == "supported" else claim.note,
        claim.explored and f"found while exploring: {claim.explored}",
    ]
    if found:
        there = " ".join(estimate(found["measured"], found["interval"])).rstrip()
        texts.append(f"{claim.comparison}: committed as {found['verdict']}, {there}")
    head = f"{claim.verdict}  {claim.id}  ({claim.source})"
    lines, indent = [f"{marked(claim.verdict, color)} {head}"], " " * 4
    for text in texts:
        lines += textwrap.wrap(
            text, width(), initial_indent=indent, subsequent_indent=indent
        )
    return lines


def measured(claim):
    """``0.65 ± 0.11`` or ``25 [10, 63]``."""
    return " ".join(estimate(claim.measured, claim.interval)).rstrip()


def totals(claims):
    """Lines: counts of verdicts in all and by origin, comparison, correction."""
    compared = f"{summary.counts(claims)}; {summary.comparison(claims)}"
    plural = "s"[: len(claims) != 1]
    lines = textwrap.wrap(f"{len(claims)} claim{plural}: {compared}", width())
    for origin, whose in summary.WHOSE.items():
        part = [one for one in claims if one.origin == origin]
        if part:
            lines.append(f"  {whose} {len(part)}: {summary.counts(part)}")
    left = summary.correction(claims, named=False)
    sentences = f"{left} {summary.exploration(claims)}"
    return lines + textwrap.wrap(sentences, width())


def done(outcome):
    """Name, title, time and verdicts of a `measure.Outcome`, broken at words."""
    took = "from the folder" if outcome.seconds is None else duration(outcome.seconds)
    found = Counter(claim.verdict for claim in outcome.claims)
    counts = [f"{found[word]} {summary.MARKS[word]}" for word in COLORS if found[word]]
    end = "  ".join([f"; {took}", *counts])
    end, indent = end.replace(" ", "\xa0").replace(";\xa0", "; "), " " * 8
    line = f"{outcome.name}: {outcome.title}{end}"
    lines = textwrap.wrap(
        line, width(), initial_indent=indent, subsequent_indent=indent
    )
    return "\n".join(lines).lstrip().replace("\xa0", " ")
