"""Every experiment has what `framework` asks of it; its statistics are right."""

import dataclasses
import re
from collections import Counter
from pathlib import Path

import committed
import numpy as np
import pytest

from refimpl.arrays.backend import get_xp
from refimpl.core.risk import Risk
from refimpl.experiments.common import claims, framework, style
from refimpl.experiments.common import context as context_module
from refimpl.experiments.common.context import Context
from refimpl.reproduce import code_version


@pytest.mark.parametrize("name", framework.names())
def test_an_experiment_is_complete(name):
    module = framework.load(name)
    assert framework.title(module)
    for config in (framework.config(module, preset) for preset in framework.PRESETS):
        assert isinstance(config, module.Config)
        with pytest.raises(dataclasses.FrozenInstanceError):
            config.seeds = 1
    assert all(isinstance(claim, claims.Claim) for claim in module.CLAIMS)
    fields = {field.name for field in dataclasses.fields(module.Config)}
    assert set(getattr(module, "PAPER_SETTINGS", {})) <= fields
    assert all(callable(getattr(module, part)) for part in ("run", "check", "plot"))


PRESENTATION = {
    "claims",
    "condensed",
    "film",
    "labels",
    "panels",
    "statistics",
    "style",
}
PRESENTATION |= {"sweeps"}


@pytest.mark.parametrize("name", framework.names())
def test_a_result_does_not_depend_on_its_presentation(name):
    reached = code_version.modules(framework.load(name).__file__)
    common = {file.stem for file in reached if file.parent.name == "common"}
    assert {"risk", "training"} & {file.stem for file in reached}
    assert common & PRESENTATION == set()


# Sizes at which an experiment shows that its parts fit together, and nothing else.
TINY = {
    "seeds": 2,
    "problems": 1,
    "steps": 80,
    "steps_three": 80,
    "before": 20,
    "after": 40,
    "draws": 2**10,
    "runs": 20,
    "time": 0.5,
    "probes": 4,
    "directions": 2,
    "lanczos_steps": 8,
    "path": 100,
    "nulls": 10,
}


# Of the measures that take longest, a device's are left to ``-m "slow or gpu"``.
LONG = {
    "fig12b_other_networks",
    "hessian_along_training",
    "noise_and_hessian",
    "orders_of_the_modified_equation",
}
CASES = [
    pytest.param(
        name,
        module,
        marks=[pytest.mark.slow] * (module == "strict" and name in LONG),
    )
    for name in framework.names()
    for module in ("numpy", "strict")
] + [pytest.param(name, "cupy", marks=pytest.mark.gpu) for name in framework.names()]


def modules_of_theta(monkeypatch):
    """Array modules in which networks are trained, and in which a risk is computed."""
    trained, measured = set(), set()
    train, run = context_module.train, Risk.run

    def watched_train(objective, theta, *args, **options):
        trained.add(get_xp(theta))
        return train(objective, theta, *args, **options)

    def watched_run(self, theta, q):
        measured.add(get_xp(theta))
        return run(self, theta, q)

    monkeypatch.setattr(context_module, "train", watched_train)
    monkeypatch.setattr(Risk, "run", watched_run)
    return trained, measured


@pytest.mark.parametrize("name, xp", CASES, indirect=["xp"])
def test_an_experiment_runs_from_end_to_end(name, xp, monkeypatch):
    trained, measured = modules_of_theta(monkeypatch)
    module = framework.load(name)
    config = framework.config(module, "quick")
    fields = {field.name for field in dataclasses.fields(config)}
    tiny = {field: value for field, value in TINY.items() if field in fields}
    config = dataclasses.replace(config, **tiny)
    context = Context(name, backend="numpy" if xp is np else "cupy")
    arrays = framework.run(module, config, context)
    assert trained <= {xp} and xp in measured
    results = module.check(arrays)
    assert {name: result.claim for name, result in results.items()} == {
        claim.id: claim for claim in module.CLAIMS
    }
    assert all(result.verdict in claims.VERDICTS for result in results.values())
    if xp is not np:  # the figures are drawn on the host
        return
    with style.applied():
        figures = module.plot(arrays)
        assert figures.keys() == framework.captions(module).keys()
        for figure in figures.values():
            figure.draw_without_rendering()


def test_a_title_is_the_whole_first_paragraph():
    title = framework.title(framework.load("fig07_high_dimension"))
    assert title.startswith("Dropout condenses") and title.endswith("(Figure 7a, b)")


CLAIMS = [c for name in framework.names() for c in framework.load(name).CLAIMS]
NOTES = Path(__file__).parents[2] / "derivations" / "09-notes-on-the-paper.md"


def test_claims_and_their_statements_are_unique():
    for field in ("id", "statement"):
        counts = Counter(getattr(claim, field) for claim in CLAIMS)
        assert [one for one, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_claim_can_be_read_alone_and_decided(claim):
    assert claim.origin in claims.ORIGINS
    assert (claim.source == "this project") <= (claim.origin == "project")
    assert re.fullmatch(r"[A-ZΔ∇].*\.", claim.statement)
    assert not re.match(r"(It|So|And|There|Both|They)\b", claim.statement)
    assert isinstance(claim.rule, claims.Rule) and claim.rule.thresholds
    assert claim.criterion == f"{claim.quantity}: {claim.rule.text}"
    for text in (claim.note, claim.explored):
        assert text == "" or text.endswith(".")


def anchors():
    """What the headings of the notes on the paper are linked by."""
    headings = re.findall(r"^#+ (.*)$", NOTES.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def test_a_claim_with_a_note_points_at_the_notes_on_the_paper():
    assert {"r_2-and-the-mean-iterate", "figures-13-and-14"} <= anchors()
    for claim in CLAIMS:
        assert bool(claim.note) == bool(claim.anchor), claim.id
        assert claim.anchor in anchors() | {""}, claim.id


def test_what_is_not_supported_has_a_note():
    notes = {claim.id: claim.note for claim in CLAIMS}
    for folder in ("", "paper", "mnist-quick"):
        for name, one in committed.claims(folder).items():
            if one["verdict"] in ("refuted", "undecided", "not attempted"):
                assert notes[name], f"{name} in {folder}"


def test_random_streams_depend_on_names_and_seed_only():
    draw = Context("a").rng("noise", 1).random()
    assert draw == Context("a", seed_count=9).rng("noise", 1).random()
    others = [("a", "noise", 2), ("a", "init", 1), ("b", "noise", 1)]
    for name, stream, seed in others:
        assert draw != Context(name).rng(stream, seed).random()


def test_an_experiment_that_lacks_a_part_is_named(monkeypatch):
    module = framework.load("toy_example")
    monkeypatch.delattr(module, "QUICK")
    with pytest.raises(TypeError, match="toy_example must have QUICK"):
        framework.load("toy_example")
