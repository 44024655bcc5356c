"""What a run ends with: short, in full where it differs, coloured where wanted."""

import io
import re
from dataclasses import replace

import pytest
from small_experiments import NAMES, records

from refimpl.reproduce import terminal
from refimpl.reproduce.measure import Outcome

UP, DOWN, NEAR, FEW = records(NAMES[0])
ESCAPE = "\x1b["


@pytest.fixture(autouse=True)
def columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def default_run():
    """122 claims, 24 of them not supported, all with long texts and much to name."""
    statement = (
        "Networks that are trained with dropout after every hidden layer come to "
        "flatter minima than those trained without it, by the trace of the Hessian."
    )
    note = "The masks that all samples share make it larger than the paper says. " * 2
    origins = ("paper", "companion", "project")
    claims = []
    for k in range(122):
        claim = replace(
            UP,
            id=f"generalisation-dropout-{k}",
            statement=statement,
            origin=origins[k % 3],
            p=0.0 if k < 70 else 0.01 if k < 79 else None,
            comparison="as documented",
            note=note,
            explored="the threshold" if k % 5 == 0 else "",
        )
        if k >= 120:
            claim = replace(FEW, statement=statement)
        elif k >= 98:
            claim = replace(claim, verdict=("refuted", "undecided")[k % 2])
        claims.append(claim)
    return claims


def test_the_default_run_ends_with_at_most_60_lines():
    lines = terminal.ending(default_run(), {})
    assert len(lines) + 1 <= 60  # and where the results are
    assert all(len(line) <= 100 for line in lines)
    text = " ".join(" ".join(lines).split())
    assert (
        "122 claims: 98 supported, 11 refuted, 11 undecided, 2 need --mnist; all as "
        "documented"
    ) in text
    parts = re.findall(r"(?:the paper's|its companions'|ours) (\d+): ", text)
    assert len(parts) == 3 and sum(map(int, parts)) == 122
    assert "79 claims, 79 of them supported, 70 after Holm's" in text
    assert "not those that the report names" in text


def test_what_is_not_supported_says_number_rule_and_note():
    lines = terminal.ending([UP, DOWN, NEAR, FEW], {})
    assert lines[:4] == [
        "✗ The fig98_levels are below zero. 1.01 ± 0.11, rule: below 0. They are drawn "
        "around one.",
        "? The fig98_levels are near one. 1.01 ± 0.11, rule: between 1 and 9. It "
        "straddles.",
        "– needs --mnist DIR: The fig98_levels are few.",
        "",
    ]
    assert "above zero" not in "\n".join(lines)


def test_a_long_note_is_cut_at_two_lines():
    lines = terminal.short(replace(DOWN, note="because of this and that " * 20))
    assert len(lines) == 2 and lines[1].endswith(" …") and len(lines[1]) <= 100


def test_what_differs_is_said_in_full():
    here = replace(NEAR, comparison="decided differently", source="Figure 3")
    there = {"verdict": "refuted", "measured": 0.5, "interval": [0.4, 0.6]}
    lines = terminal.ending([UP, here], {"default": {"none": {here.id: there}}})
    assert lines[:7] == [
        "Decided differently from the committed run:",
        f"? undecided  {here.id}  (Figure 3)",
        "    The fig98_levels are near one.",
        "    measured 1.01 ± 0.11; mean of R_S over seeds: between 1 and 9",
        "    It straddles.",
        "    found while exploring: the lower end was 0 at first",
        "    decided differently: committed as refuted, 0.50 ± 0.10",
    ]
    assert sum("are near one" in line for line in lines) == 1


def test_verbose_says_every_claim_in_full():
    text = "\n".join(terminal.ending([UP, DOWN, NEAR, FEW], {}, verbose=True))
    for claim in (UP, DOWN, NEAR, FEW):
        assert f"{claim.verdict}  {claim.id}  ({claim.source})" in text
        assert claim.criterion in text
    assert "`x` of R_S" in text and "They are drawn around one." in text


def test_marks_are_coloured_on_a_terminal_that_wants_it(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert terminal.has_color(Terminal())
    assert not terminal.has_color(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "")  # as if it were not set
    assert terminal.has_color(Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not terminal.has_color(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not terminal.has_color(Terminal())


@pytest.mark.parametrize("verbose", [False, True])
def test_without_colour_there_is_no_escape_and_with_it_the_words_are_the_same(verbose):
    plain = terminal.ending([UP, DOWN, NEAR, FEW], {}, False, verbose)
    colored = terminal.ending([UP, DOWN, NEAR, FEW], {}, True, verbose)
    assert not any(ESCAPE in line for line in plain)
    assert sum(ESCAPE in line for line in colored) == (4 if verbose else 3)
    for verdict, color in terminal.COLORS.items():
        colored = [line.replace(f"{ESCAPE}{color}m", "") for line in colored]
    assert [line.replace(f"{ESCAPE}0m", "") for line in colored] == plain


def test_what_ended_is_told_in_lines_that_break_at_words(monkeypatch):
    monkeypatch.setattr(terminal, "width", lambda: 60)
    title = "Dropout condenses " * 6
    for seconds, words in ((12.3, "12 s"), (None, "from the folder")):
        told = terminal.done(Outcome("fig04", title, [UP, UP, DOWN, FEW], seconds))
        assert told.startswith("fig04: Dropout condenses Dropout")
        assert " ".join(told.split()).endswith(f"; {words} 2 ✓ 1 ✗ 1 –")
        lines = ("[22/22] " + told).splitlines()
        assert len(lines) > 1 and max(map(len, lines)) <= 60
        assert set(told.split()) >= {"Dropout", "condenses"}
