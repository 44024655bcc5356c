"""Claims as a table: in the terminal, and in Markdown."""

import shutil
import textwrap

MARKS = {"pass": "PASS", "fail": "FAIL", "not attempted": "----"}


def number(value):
    """Four significant digits, or a dash."""
    return "–" if value is None else f"{value:.4g}"


def measured(claim):
    """``value [low, high]`` or ``value ± error`` of a claim's record."""
    text = number(claim["measured"])
    if "interval" in claim:
        low, high = claim["interval"]
        text += f" [{number(low)}, {number(high)}]"
    elif "standard_error" in claim:
        text += f" ± {number(claim['standard_error'])}"
    return text


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


def markdown(claims):
    """The claims as a Markdown table, one row each."""
    lines = [
        "| claim | source | criterion | measured | verdict |",
        "| --- | --- | --- | --- | --- |",
    ]
    for claim in claims:
        cells = (
            claim["statement"],
            claim["source"],
            claim["criterion"],
            "; ".join(filter(None, (measured(claim), claim.get("detail")))),
            claim["verdict"],
        )
        row = " | ".join(cell.replace("|", "\\|") for cell in cells)
        lines.append(f"| {row} |")
    return "\n".join(lines) + "\n"
