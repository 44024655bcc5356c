"""README says what the code does and what the committed run measured."""

import re
from pathlib import Path

import committed
from committed import written

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CLAIMS, OF_PAPER = committed.claims(), committed.claims("paper")


def test_it_is_read_in_three_minutes():
    assert len(README.split()) <= 750


def test_its_program_prints_what_it_says(capsys):
    program, output = re.search(
        r"```python\n(.*?)```\n```\n(.*?)```", README, re.S
    ).groups()
    exec(compile(program, "README.md", "exec"), {})
    shown = capsys.readouterr().out.splitlines()
    for line, expected in zip(shown, output.splitlines(), strict=True):
        *words, number = line.split()
        *same, documented = expected.split()
        assert words == same
        assert abs(float(number) / float(documented) - 1) < 1e-12


def test_its_claims_are_those_of_the_committed_runs():
    rows = re.findall(
        r"^\| (.*) \(`([\w-]+)`\) \| (.*) \| (.*) \| (.*) \|$", README, re.M
    )
    assert len(rows) >= 5
    for _, claim, measured, at_scale, verdict in rows:
        assert verdict == CLAIMS[claim]["verdict"]
        assert measured == written(CLAIMS[claim])
        known = written(OF_PAPER[claim]) if claim in OF_PAPER else "not run"
        assert at_scale == known


def test_its_counts_are_those_of_the_committed_run():
    found = [one["verdict"] for one in CLAIMS.values()]
    text = README.replace("\n", " ")
    total, supported, refuted, undecided = re.search(
        r"(\d+) claims: (\d+) supported, (\d+) refuted, (\d+) undecided", text
    ).groups()
    assert int(total) == len(found)
    assert int(supported) == found.count("supported")
    assert int(refuted) == found.count("refuted")
    assert int(undecided) == found.count("undecided")


def test_its_links_lead_somewhere():
    for target in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (ROOT / target).exists(), target
