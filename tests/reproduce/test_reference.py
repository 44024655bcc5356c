"""A run compared with the committed one, claim by claim."""

import json
from dataclasses import replace

import pytest
from small_experiments import NAMES, records

from refimpl.experiments.common import framework
from refimpl.reproduce import reference
from refimpl.reproduce.records import save_claims

CLAIM = replace(
    records(NAMES[0])[0], verdict="supported", measured=1.0, interval=(0.5, 1.5)
)
THERE = {
    "verdict": "supported",
    "measured": 1.1,
    "interval": [0.6, 1.6],
    "seeds": 5,
    "first_seed": 0,
}
CASES = {
    "the same verdict": ({}, "as documented"),
    "the same verdict of other numbers": (
        {"measured": 9.0, "interval": [8.0, 10.0]},
        "as documented",
    ),
    "undecided there, the numbers agree": ({"verdict": "undecided"}, "as documented"),
    "undecided there, this value outside": (
        {"verdict": "undecided", "interval": [1.05, 1.6]},
        "decided differently",
    ),
    "undecided there, that value outside": (
        {"verdict": "undecided", "measured": 1.55},
        "decided differently",
    ),
    "undecided here or there, the same count in all seeds there": (
        {"verdict": "undecided", "measured": 1.4, "interval": [1.4, 1.4]},
        "as documented",
    ),
    "the same count in all seeds, and out of reach": (
        {"verdict": "undecided", "measured": 1.6, "interval": [1.6, 1.6]},
        "decided differently",
    ),
    "undecided there, no interval": (
        {"verdict": "undecided", "interval": None},
        "decided differently",
    ),
    "opposite, the numbers agree": ({"verdict": "refuted"}, "decided differently"),
    "opposite, other seeds": ({"verdict": "refuted", "seeds": 4}, "not comparable"),
    "the same verdict, other seeds": ({"seeds": None}, "not comparable"),
    "as many, but others": ({"first_seed": 1000}, "not comparable"),
    "not attempted there": ({"verdict": "not attempted"}, "not comparable"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_claim_is_compared(case):
    changes, expected = CASES[case]
    assert reference.compare(CLAIM, THERE | changes) == expected


def test_undecided_here_is_compared_like_undecided_there():
    here = replace(CLAIM, verdict="undecided")
    assert reference.compare(here, THERE) == "as documented"
    assert reference.compare(here, THERE | {"measured": 2.0}) == "decided differently"


def test_what_is_not_attempted_or_not_documented_cannot_be_compared():
    skipped = replace(CLAIM, verdict="not attempted", measured=None, interval=None)
    same = THERE | {"verdict": "not attempted"}
    assert reference.compare(skipped, THERE) == "not comparable"
    assert reference.compare(skipped, same) == "not comparable"
    assert reference.compare(CLAIM, None) == "not comparable"


@pytest.mark.parametrize("other", [{"preset": "paper"}, {"data": "mnist"}, {"id": "x"}])
def test_only_the_same_preset_data_and_claim_are_a_reference(other):
    documented = {"default": {"none": {CLAIM.id: THERE | {"verdict": "refuted"}}}}
    compared = reference.compared(CLAIM, documented)
    assert compared.reference == "refuted"
    assert compared.comparison == "decided differently"
    compared = reference.compared(replace(CLAIM, **other), documented)
    assert compared.reference is None and compared.comparison == "not comparable"


def test_it_is_made_of_the_committed_claims(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reference, "FILE", tmp_path / "reference.json")
    folders = [tmp_path / name for name in ("default", "again", "paper")]
    later = [replace(one, measured=7.0) for one in records(NAMES[0])[:1]]
    paper = [replace(one, preset="paper", data="mnist") for one in records(NAMES[1])]
    paper[0] = replace(paper[0], interval=(float("-inf"), float("inf")))
    for folder, claims in zip(folders, (records(NAMES[0]), later, paper)):
        folder.mkdir()
        save_claims(folder, claims)
    assert reference.main(folders) == 0
    printed = capsys.readouterr().out
    assert "default, data none: 4 claims\npaper, data mnist: 4 claims\n" in printed
    text = reference.FILE.read_text(encoding="utf-8")
    assert text.count('"verdict"') == 8 and "\n   " in text
    assert all(line.count('"verdict"') <= 1 for line in text.splitlines())
    made = reference.load()
    own = made["default"]["none"]
    assert own[f"{NAMES[0]}-up"]["measured"] == 7.0
    assert own[f"{NAMES[0]}-down"]["verdict"] == "refuted"
    assert made["paper"]["mnist"][f"{NAMES[1]}-up"]["interval"] is None
    for claim in [*records(NAMES[0])[1:3], paper[1]]:
        assert reference.compared(claim, made).comparison == "as documented"


def test_claims_that_cannot_be_read_leave_it_as_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reference, "FILE", tmp_path / "reference.json")
    assert reference.main([]) == 2
    assert "usage" in capsys.readouterr().err
    (tmp_path / "claims.json").write_text('[{"id": "a"}]')
    assert reference.main([tmp_path]) == 2
    assert "statement is missing" in capsys.readouterr().err
    assert reference.main([tmp_path / "nowhere"]) == 2
    assert not reference.FILE.exists()
    assert (tmp_path / "claims.json").exists()  # not moved aside


def test_the_one_that_ships_is_of_claims_that_there_are():
    known = {c.id for n in framework.names() for c in framework.load(n).CLAIMS}
    documented = json.loads(reference.FILE.read_text(encoding="utf-8"))
    assert documented.keys() <= set(framework.PRESETS)
    for by_data in documented.values():
        assert by_data.keys() <= {"digits", "mnist", "none"}
        for claims in by_data.values():
            assert claims.keys() <= known
