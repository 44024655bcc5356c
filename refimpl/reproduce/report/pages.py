"""The HTML page and its Markdown twin; their templates escape all they are given."""

import hashlib
import re
from base64 import b64encode
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from latex2mathml.converter import convert
from markupsafe import Markup, escape

from refimpl.experiments.common.claims import VERDICTS
from refimpl.reproduce.formats import duration, estimate, number
from refimpl.reproduce.summary import MARKS

NOTES = "derivations/09-notes-on-the-paper.md"
# `code`, and letters with an index or exponent: R_S^drop, m^−0.2.
CODE = r"`+(?P<code>[^`]+)`+"
SYMBOL = (
    r"(?<![\w^])(?P<letter>[^\W\d_]\u0303?|\d+)(?=[_^])(?:_(?P<index>[^\W_]+))?"
    r"(?:\^(?P<exponent>drop|[−-]?\d+(?:\.\d+)?|[−-]?\d*[^\W\d_]|\([\s\d.±−-]+\)))?"
    r"(?![\w^])(?P<end>[.,;:)]*)"
)
INLINE = re.compile(f"{CODE}|{SYMBOL}")


def html(content):
    """The report as one HTML page that loads nothing and runs its own script only."""
    page = _environment(autoescape=True)
    page.filters.update(words=words, math=formula, sources=sources, choices=choices)
    script = (Path(__file__).parent / "tools.js").read_text(encoding="utf-8")
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page.globals.update(script=Markup(script), script_hash=f"sha256-{digest}")
    return page.get_template("report.html.jinja").render(content=content)


def markdown(content):
    """The report as Markdown; figures are links to the results folder."""
    page = _environment(finalize=escape_markdown)
    return page.get_template("report.md.jinja").render(content=content)


def _environment(**options):
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )
    made.globals.update(notes=NOTES, verdicts=VERDICTS)
    made.filters.update(
        estimate=lambda claim: estimate(claim.measured, claim.interval),
        duration=duration,
        setting=setting,
        mark=lambda verdict: MARKS.get(str(verdict), "–"),
    )
    return made


def sources(claim):
    """What a claim is about, one by one: figures without their panels, theorems.

    Words that only say more begin small: `another network`, `remark`.
    """
    text = re.sub(r"\((?!\d+\))[^)]*\)", "", str(claim.source))
    figures = re.findall(r"Figures? (\d+)[a-z–-]*(?: and (\d+))?", text)
    rest = re.split("[,;]", re.sub("Figures? [^,;]*", "", text))
    named = re.compile("[A-Z]|arXiv|this project")
    rest = [one.strip() for one in rest if named.match(one.strip())]
    return [f"Figure {one}" for pair in figures for one in pair if one] + rest


def choices(claims):
    """The two filters that depend on the claims: name and what can be chosen."""
    found = {name for claim in claims for name in sources(claim)}
    figures = {name for name in found if re.fullmatch(r"Figure \d+", name)}
    by_number = sorted(figures, key=lambda name: int(name.split()[1]))
    return [("source", sorted(found - figures)), ("figure", by_number)]


def words(text):
    """Plain text as HTML: code in code's type, symbols with an index as MathML."""
    text, parts, end = re.sub(r"(?<=\w)'", "’", str(text)), [], 0
    for match in INLINE.finditer(text):
        parts += [escape(text[end : match.start()]), _inline(match)]
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])


def _inline(match):
    code, letter, index, exponent, end = match.group(
        "code", "letter", "index", "exponent", "end"
    )
    if code:
        return Markup("<code>{}</code>").format(code)
    latex = rf"\tilde {letter[0]}" if letter[1:] == "\u0303" else letter
    for sign, part in (("_", index), ("^", exponent)):
        if part and len(part) > 1 and part.isalpha():
            latex += rf"{sign}{{\text{{{part}}}}}"
        elif part:
            part = part.strip("()").replace("−", "-").replace("±", r"\pm")
            latex += f"{sign}{{{part}}}"
    # What ends the clause is not to begin a line.
    return Markup('<span class="nowrap">{}{}</span>').format(formula(latex), end)


def formula(latex, display="inline"):
    """A formula in LaTeX as MathML."""
    return Markup(convert(str(latex).strip(), display=display))


def setting(value):
    """A setting's value: numbers short, sequences with commas."""
    if isinstance(value, list):
        return ", ".join(setting(one) for one in value)
    if isinstance(value, int):
        return f"{value:,}"
    return number(value) if isinstance(value, float) else str(value)


def escape_markdown(value):
    """`value` as text that Markdown shows as it is, on one line."""
    text = " ".join(str(value).split())
    text = re.sub(r"([\\*<>|~&$])", r"\\\1", text)
    text = text.replace("](", "\\](")
    return re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", text)
