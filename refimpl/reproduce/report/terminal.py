"""Claims as a table in the terminal, and how their numbers are written."""

import shutil
import textwrap

MARKS = {"pass": "PASS", "fail": "FAIL", "not attempted": "----"}


def number(value):
    """Four significant digits, or a dash."""
    return "–" if value is None else f"{value:.4g}"


def spread(claim):
    """``[low, high]`` or ``± error`` of a claim's record, or nothing."""
    if "interval" in claim:
        low, high = claim["interval"]
        return f"[{number(low)}, {number(high)}]"
    if "standard_error" in claim:
        return f"± {number(claim['standard_error'])}"
    return ""


def measured(claim):
    """``value [low, high]`` or ``value ± error`` of a claim's record."""
    return f"{number(claim['measured'])} {spread(claim)}".rstrip()


def table(claims):
    """Lines of the table of claims, as wide as the terminal."""
    width = max(60, min(110, shutil.get_terminal_size((100, 24)).columns))
    lines = []
    for claim in claims:
        lines.append(f"{MARKS[claim['verdict']]}  {claim['id']}  ({claim['source']})")
        for text in (
            claim["statement"],
            f"measured {measured(claim)}; criterion: {claim['criterion']}",
            claim.get("detail", ""),
        ):
            lines += textwrap.wrap(
                text, width, initial_indent="      ", subsequent_indent="      "
            )
    counts = {mark: 0 for mark in MARKS}
    for claim in claims:
        counts[claim["verdict"]] += 1
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    return lines + ["", f"{len(claims)} claims: {summary}"]
