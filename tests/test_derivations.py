"""The derivations as Markdown: mathematics that code hosts render, keys that exist."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "derivations"
FILES = sorted(FOLDER.glob("*.md"))
SAFE = re.compile(r"\$`[^`]+`\$")  # inline, not read as Markdown
CODE = re.compile(r"`[^`]*`")
DISPLAY = re.compile(r"^\$\$.*?\$\$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"\$[^$]+\$")
PUNCTUATION = set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


def inline_formulas(text):
    """Inline formulas of a paragraph that a host reads as Markdown first."""
    return INLINE.findall(CODE.sub("", SAFE.sub("", text)))


def paragraphs(text):
    """Paragraphs and table rows without displayed formulas, blank-line separated."""
    for block in re.split(r"\n\s*\n", DISPLAY.sub("", text)):
        yield from block.splitlines() if block.startswith("|") else [block]


def emphasis(paragraph):
    """A piece of mathematics between `_` or `*` that CommonMark reads as emphasis.

    A delimiter opens if text follows it and does not precede it (or punctuation does),
    and closes the other way round; a pair inside formulas swallows what is between.
    """
    inside = [False] * (len(paragraph) + 1)
    hidden = CODE.sub(lambda m: " " * len(m[0]), SAFE.sub(_blank, paragraph))
    for formula in INLINE.finditer(hidden):
        inside[formula.start() : formula.end()] = [True] * len(formula[0])
    for mark in "_*":
        opened = None
        for place, character in enumerate(hidden):
            if character != mark or not inside[place]:
                continue
            before = hidden[place - 1 : place] or " "
            after = hidden[place + 1 : place + 2] or " "
            left = not after.isspace() and (
                after not in PUNCTUATION or before.isspace() or before in PUNCTUATION
            )
            right = not before.isspace() and (
                before not in PUNCTUATION or after.isspace() or after in PUNCTUATION
            )
            word = mark == "_"  # inside a word `_` is no delimiter, `*` is
            closes = right and (not word or not left or after in PUNCTUATION)
            if closes and opened is not None:
                return paragraph[opened : place + 1]
            if left and (not word or not right or before in PUNCTUATION):
                opened = place if opened is None else opened
    return None


def _blank(match):
    return " " * len(match[0])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_formulas_hold_no_macro_that_hosts_refuse(path):
    assert "\\operatorname" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_backslash_of_an_inline_formula_is_read_as_an_escape(path):
    """Markdown makes `,` of `\\,`: spaces and braces are written in words."""
    for paragraph in paragraphs(path.read_text(encoding="utf-8")):
        for formula in inline_formulas(paragraph):
            found = re.search(r"\\[!-/:-@\[-`{-~]", formula)
            assert not found, f"{found[0]} in {formula}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_subscript_is_read_as_emphasis(path):
    found = [emphasis(p) for p in paragraphs(path.read_text(encoding="utf-8"))]
    assert not any(found), [one for one in found if one]


def test_the_rule_for_emphasis_finds_what_breaks():
    assert emphasis(r"$(u_j)_{ik}$ and $\mathbb E_\eta$") is not None
    assert emphasis(r"$a^*$ and $b^*$") is not None
    assert emphasis(r"$\sum_j u_j$, $R_S$ and $x_{i+1}$") is None
    assert emphasis(r"$`(u_j)_{ik}`$ and $\mathbb E_\eta$") is None


def test_every_cited_key_is_a_reference_and_every_reference_is_cited():
    texts = {path.name: path.read_text(encoding="utf-8") for path in FILES}
    keys = re.findall(r"^### (\w+)$", texts.pop("references.md"), re.MULTILINE)
    cited = set()
    for name, text in texts.items():
        for key, anchor in re.findall(r"\[(\w+)\]\(references\.md#(\w+)\)", text):
            assert anchor == key.lower(), f"{key} in {name} links to #{anchor}"
            cited.add(key)
    assert sorted(cited) == sorted(keys)
