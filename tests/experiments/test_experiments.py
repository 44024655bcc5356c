"""Every experiment has what `framework` asks of it; its statistics are right."""

import dataclasses
import io

import numpy as np
import pytest
from scipy import stats

from refimpl.arrays.backend import get_xp
from refimpl.core.risk import Risk
from refimpl.experiments.common import context as context_module
from refimpl.experiments.common import framework, statistics, style
from refimpl.experiments.common.context import Context


@pytest.mark.parametrize("name", framework.names())
def test_an_experiment_is_complete(name):
    module = framework.load(name)
    assert framework.title(module)
    assert tuple(module.PRESETS) == framework.PRESETS
    for config in module.PRESETS.values():
        assert isinstance(config, module.Config)
        with pytest.raises(dataclasses.FrozenInstanceError):
            config.seeds = 1
    assert all(isinstance(claim, framework.Claim) for claim in module.CLAIMS)
    fields = {field.name for field in dataclasses.fields(module.Config)}
    assert set(getattr(module, "PAPER_SETTINGS", {})) <= fields
    assert all(callable(getattr(module, part)) for part in ("run", "check", "plot"))


# Sizes at which an experiment shows that its parts fit together, and nothing else.
TINY = {
    "seeds": 2,
    "networks": 2,
    "trials": 2,
    "problems": 1,
    "steps": 40,
    "steps_three": 20,
    "before": 20,
    "after": 40,
    "draws": 2**10,
    "runs": 20,
    "time": 0.5,
    "probes": 4,
}


# Of the measures that take longest, a device's are left to ``-m "slow or gpu"``.
LONG = {"noise_and_hessian", "orders_of_the_modified_equation"}
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
    train, forward = context_module.train, Risk.forward

    def watched_train(objective, theta, *args, **options):
        trained.add(get_xp(theta))
        return train(objective, theta, *args, **options)

    def watched_forward(self, theta, q):
        measured.add(get_xp(theta))
        return forward(self, theta, q)

    monkeypatch.setattr(context_module, "train", watched_train)
    monkeypatch.setattr(Risk, "forward", watched_forward)
    return trained, measured


@pytest.mark.parametrize("name, xp", CASES, indirect=["xp"])
def test_an_experiment_runs_from_end_to_end(name, xp, monkeypatch):
    trained, measured = modules_of_theta(monkeypatch)
    module = framework.load(name)
    config = module.PRESETS["quick"]
    fields = {field.name for field in dataclasses.fields(config)}
    tiny = {field: value for field, value in TINY.items() if field in fields}
    config = dataclasses.replace(config, **tiny)
    context = Context(name, backend="numpy" if xp is np else "cupy")
    arrays = module.run(config, context)
    assert {type(values) for values in arrays.values()} <= {np.ndarray, np.float64}
    assert trained <= {xp} and xp in measured
    results = module.check(arrays)
    assert [result.claim for result in results] == list(module.CLAIMS)
    if xp is not np:  # the figures are drawn on the host
        return
    with style.applied():
        figures = module.plot(arrays)
        assert figures.keys() == module.CAPTIONS.keys()
        for figure in figures.values():
            figure.savefig(io.BytesIO())


def test_a_title_is_the_whole_first_paragraph():
    title = framework.title(framework.load("fig07_high_dimension"))
    assert title.startswith("Dropout condenses") and title.endswith("(Figure 7a, b)")


def test_claim_names_are_unique():
    ids = [c.id for name in framework.names() for c in framework.load(name).CLAIMS]
    assert len(ids) == len(set(ids))


def test_random_streams_depend_on_names_and_seed_only():
    draw = Context("a").rng("noise", 1).random()
    assert draw == Context("a", seed_count=9).rng("noise", 1).random()
    others = [("a", "noise", 2), ("a", "init", 1), ("b", "noise", 1)]
    for name, stream, seed in others:
        assert draw != Context(name).rng(stream, seed).random()


def test_the_paired_interval_is_students():
    differences = np.random.default_rng(0).normal(1.0, 2.0, 8)
    effect = statistics.paired(differences)
    expected = stats.ttest_1samp(differences, 0, alternative="two-sided")
    np.testing.assert_allclose(effect.interval, expected.confidence_interval(0.95))
    one_sided = stats.ttest_1samp(differences, 0, alternative="greater").pvalue
    np.testing.assert_allclose(effect.p, one_sided)


def test_one_seed_decides_nothing():
    assert statistics.paired([5.0]).interval == (-np.inf, np.inf)


def test_the_slope_of_a_power_law_is_its_exponent():
    x = np.array([1.0, 2.0, 4.0, 8.0])
    fit = statistics.slope(x, 3 * x**-0.5)
    np.testing.assert_allclose(fit.mean, -0.5)
    np.testing.assert_allclose(fit.interval, (-0.5, -0.5))
