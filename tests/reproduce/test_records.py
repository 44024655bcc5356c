"""Records come back as they were written; damaged ones say which field is wrong."""

import json
from dataclasses import asdict, replace

import pytest
from small_experiments import NAMES, module, records

from refimpl.experiments.common import framework
from refimpl.experiments.common.context import Context
from refimpl.reproduce import describe, options
from refimpl.reproduce import records as kept

CLAIMS = records(NAMES[0])


def run_record():
    context = Context(NAMES[0], seed_count=3)
    run = describe.run_record(module(NAMES[0]), "quick", context, "none", "key")
    made = describe.computation(1.25, {"numpy": "2.0"})
    figures = [kept.FigureRecord("levels", "(a) Levels.")]
    return replace(run, computation=made, figures=figures)


def test_claims_come_back(tmp_path):
    kept.save_claims(tmp_path, CLAIMS)
    assert kept.load_claims(tmp_path) == (CLAIMS, None)


def test_a_claim_says_all_that_is_known_of_it():
    up, down, near, few = (one.to_json() for one in CLAIMS)
    assert " ".join(up) == (
        "id statement source origin criterion measured interval p verdict reference "
        "comparison note anchor explored detail experiment preset data seeds "
        "first_seed"
    )
    assert up["criterion"] == "mean of R_S over seeds: above 0"
    assert down["origin"] == "companion" and down["anchor"] == "figure-8"
    assert down["detail"] == "`x` of R_S" and down["note"]
    assert near["explored"] == "the lower end was 0 at first"
    assert few["measured"] is None and few.keys() == up.keys() - {"interval", "p"}


def test_the_rule_is_the_end_of_the_criterion():
    assert [one.rule for one in CLAIMS] == [
        "above 0",
        "below 0",
        "between 1 and 9",
        "at most 4",
    ]


def test_claims_hold_no_number_that_json_lacks(tmp_path):
    odd = replace(CLAIMS[0], measured=float("nan"), interval=(0.0, float("inf")))
    kept.save_claims(tmp_path, [odd])
    (loaded,), _ = kept.load_claims(tmp_path)
    assert loaded.measured is None and loaded.interval == (0.0, float("inf"))


DAMAGES = {
    "verdict must be one of supported, refuted, undecided, ": {"verdict": "pass"},
    "origin must be one of paper, companion, project": {"origin": "mine"},
    "measured must be int | float | None, got 'x'": {"measured": "x"},
    "interval must be two numbers, got [1]": {"interval": [1]},
    "interval must be two numbers, got [0.0, 'x']": {"interval": [0.0, "x"]},
    "seeds must be int | None": {"seeds": "five"},
    "id must be str, got None": {"id": None},
}


@pytest.mark.parametrize("words", DAMAGES)
def test_a_claim_with_a_wrong_field_names_it(tmp_path, words):
    damaged = CLAIMS[0].to_json() | DAMAGES[words]
    (tmp_path / "claims.json").write_text(json.dumps([damaged]))
    claims, problem = kept.load_claims(tmp_path)
    assert claims == [] and "claims.json is damaged" in problem and words in problem
    assert (tmp_path / "claims.damaged.json").exists()
    assert not (tmp_path / "claims.json").exists()


@pytest.mark.parametrize("field", ["id", "statement", "verdict", "data", "seeds"])
def test_a_claim_without_a_field_names_it(field):
    content = CLAIMS[0].to_json()
    del content[field]
    with pytest.raises(ValueError, match=f"{field} is missing"):
        kept.ClaimRecord.from_json(content)


@pytest.mark.parametrize("text", ["", "[", "{}", "[1]", '"', "\x00"])
def test_a_file_that_holds_no_claims_is_damaged(tmp_path, text):
    (tmp_path / "claims.json").write_text(text)
    claims, problem = kept.load_claims(tmp_path)
    assert claims == [] and "claims.json is damaged" in problem


def test_a_folder_without_records_is_no_problem(tmp_path):
    assert kept.load_claims(tmp_path) == ([], None)
    assert kept.load_run(tmp_path) == (None, None)


def test_a_run_comes_back(tmp_path):
    run = run_record()
    kept.save_run(tmp_path, run)
    assert kept.load_run(tmp_path) == (run, None)
    kept.save_run(tmp_path, replace(run, computation=None))
    assert kept.load_run(tmp_path)[0].computation is None


@pytest.mark.parametrize(
    "change, words",
    [
        ({"title": 1}, "title must be str, got 1"),
        ({"figures": [{"name": "a"}]}, "caption is missing"),
        ({"settings": ["a"]}, "an object was expected, got 'a'"),
        ({"computation": {"seconds": "1"}}, "finished is missing"),
    ],
)
def test_a_run_with_a_wrong_field_names_it(tmp_path, change, words):
    (tmp_path / "run.json").write_text(json.dumps(asdict(run_record()) | change))
    run, problem = kept.load_run(tmp_path)
    assert run is None and "run.json is damaged" in problem and words in problem


def test_pictures_are_those_of_the_experiments_that_take_them():
    with_pictures, without = module("a"), module("b")
    with_pictures.PICTURES = True
    given = {"digits": {}, "mnist": {"mnist": "folder"}, "cifar10": {"cifar": "folder"}}
    flags = {"digits": "", "mnist": "--mnist DIR", "cifar10": "--cifar DIR"}
    for data, folders in given.items():
        context = Context("a", **folders)
        assert framework.data_set(with_pictures, context) == data
        assert framework.data_set(without, context) == "none"
        words = describe.command(context, "quick", data).split()
        assert words[2:] == ["--quick", *flags[data].split(), "a"]


def test_one_data_set_of_pictures_at_a_time():
    with pytest.raises(options.BadUsage, match="--cifar and --mnist are two data sets"):
        options.check_cifar("folder", "folder")
