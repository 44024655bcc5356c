"""Weight decay, and Gaussian noise on the gradient, are what their formulas say."""

import numpy as np
import problems
import pytest
from oracles import (
    assert_close,
    assert_rejects,
    complex_step_derivative,
    complex_step_gradient,
)

import refimpl
from refimpl.analysis.baselines import GaussianGradientNoise, WeightDecay

RISK, THETA = problems.problem()
ETA = problems.noise(RISK)
STRENGTH = 0.3


@pytest.mark.equation("eq:weight-decay")
@pytest.mark.parametrize("eta", [None, ETA], ids=["plain", "dropout"])
def test_weight_decay_adds_half_the_squared_norm(eta):
    def expected(strength):
        return RISK(THETA, eta) + strength / 2 * sum(x**2 for x in THETA)

    value = WeightDecay(RISK, STRENGTH)(THETA, eta)
    assert_close(value, expected(STRENGTH))
    assert_rejects(value, expected(2 * STRENGTH))


@pytest.mark.equation("eq:weight-decay")
@pytest.mark.parametrize("eta", [None, ETA], ids=["plain", "dropout"])
def test_gradient_and_hessian_of_weight_decay_match_complex_steps(eta):
    decayed = WeightDecay(RISK, STRENGTH)
    v = problems.direction(THETA)
    gradient = decayed.gradient(THETA, eta)
    assert_close(gradient, complex_step_gradient(lambda t: decayed(t, eta), THETA))
    assert_rejects(gradient, RISK.gradient(THETA, eta))
    product = decayed.hvp(THETA, v, eta)
    assert_close(
        product, complex_step_derivative(lambda t: decayed.gradient(t, eta), THETA, v)
    )
    assert_rejects(product, RISK.hvp(THETA, v, eta))


@pytest.mark.equation("eq:weight-decay")
def test_one_strength_per_replica():
    strengths = np.array([0.0, 0.5])
    both = np.stack([THETA, 2 * THETA])
    decayed = WeightDecay(RISK, strengths)
    alone = [WeightDecay(RISK, s) for s in strengths]
    assert_close(decayed(both), [one(t) for one, t in zip(alone, both)])
    assert_close(
        decayed.gradient(both), [one.gradient(t) for one, t in zip(alone, both)]
    )


def test_the_decay_of_a_batch_is_that_of_the_whole():
    decayed = WeightDecay(RISK, STRENGTH)
    batch = decayed.batch(np.array([0, 2]))
    decay = decayed(THETA) - RISK(THETA)
    assert_close(batch(THETA) - RISK.batch(np.array([0, 2]))(THETA), decay)


def noisy_steps(trace, steps=400, rate=0.5, every=1):
    """Noise (steps, R, P) that reached GD whose gradients are zero."""
    rngs = [np.random.default_rng(seed) for seed in range(3)]
    theta = np.stack([THETA, THETA, THETA])
    optimizer = GaussianGradientNoise(refimpl.GD(rate), trace, rngs, every)
    update, path = optimizer.start(theta), [theta.copy()]
    for _ in range(steps):
        update(np.zeros_like(theta))
        path.append(theta.copy())
    return -np.diff(path, axis=0) / rate


@pytest.mark.equation("eq:gaussian-gradient-noise")
def test_the_noise_has_the_trace_asked_for():
    wanted = np.array([0.0, 1.0, 9.0])
    noise = noisy_steps(lambda theta: wanted)
    count = noise.shape[0] * noise.shape[2]
    found = (noise**2).sum(axis=2).mean(axis=0)
    # A sum of squares is χ² with `count` degrees of freedom: relative error √(2/count).
    z = (found[1:] / wanted[1:] - 1) / (2 / count) ** 0.5
    assert found[0] == 0 and np.abs(z).max() < 4
    z_of_a_wrong_factor = (found[1:] / (2 * wanted[1:]) - 1) / (2 / count) ** 0.5
    assert np.abs(z_of_a_wrong_factor).min() > 4


def test_the_trace_is_that_of_the_present_theta():
    seen = []

    def trace(theta):
        seen.append(theta.copy())
        return np.ones(3)

    noisy_steps(trace, steps=5, every=2)
    assert len(seen) == 3 and not np.array_equal(seen[0], seen[1])


def test_matched_noise_has_the_trace_of_dropout(problem):
    risk, theta = problem(width=2)
    drop = refimpl.Dropout(0.7, per_sample=True)
    probabilities, eta = drop.enumerate(risk.net, risk.n)
    gradients = risk.gradient(theta, eta)
    mean = probabilities @ gradients
    expected = probabilities @ ((gradients - mean) ** 2).sum(axis=1)
    assert_close(refimpl.gradient_covariance_trace(risk, theta, drop), expected)


def test_several_generators_must_be_one_a_replica():
    optimizer = GaussianGradientNoise(
        refimpl.GD(0.1), lambda theta: np.ones(2), [np.random.default_rng(0)]
    )
    with pytest.raises(ValueError, match="rng must be one generator, or one per rep"):
        optimizer.start(np.stack([THETA, THETA]))


def test_one_generator_serves_all_replicas_each_with_its_own_size_of_noise():
    traces = np.array([1.0, 9.0, 0.0])
    rng = np.random.default_rng(0)
    optimizer = GaussianGradientNoise(refimpl.GD(1.0), lambda theta: traces, rng)
    theta = np.zeros((3, 40_000))
    optimizer.start(theta)(np.zeros_like(theta))
    np.testing.assert_allclose((theta**2).sum(axis=1), traces, rtol=0.03)
    assert abs(np.corrcoef(theta[:2])[0, 1]) < 0.03


@pytest.mark.parametrize("strength", [-1.0, float("nan"), float("inf"), "a", None])
def test_a_bad_strength_is_refused(strength):
    with pytest.raises(ValueError, match="strength must"):
        WeightDecay(RISK, strength)
