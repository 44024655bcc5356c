"""The exact mean iterate and the covariance of the gradient."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects, worst_z
from problems import network, risk

import refimpl
from refimpl.expectation import Estimate
from refimpl.gradient_noise import gradient_covariance_trace
from refimpl.iterates import gradient_covariance, mean_iterate

KEEP, EPSILON = 0.7, 0.2


def problem(kind="two-layer", width=2, n=2):
    rng = np.random.default_rng(0)
    net = network(kind, "tanh", inputs=1, outputs=1, width=width)
    return risk(net, rng, n), rng.standard_normal(net.size)


@pytest.mark.equation("eq:mean-iterate")
@pytest.mark.parametrize("per_sample", [False, True])
def test_one_step_is_a_step_on_r_s_plus_r_1(per_sample):
    objective, theta = problem()
    drop = refimpl.Dropout(KEEP, per_sample)
    mean = mean_iterate(objective, theta, drop, EPSILON, 1)[0]
    gradient = refimpl.L1(objective, KEEP).gradient(theta)
    assert_close(mean, theta - EPSILON * gradient)
    assert_rejects(mean, theta - EPSILON * objective.gradient(theta))


@pytest.mark.equation("eq:mean-iterate")
@pytest.mark.parametrize("per_sample", [False, True])
def test_three_steps_are_the_sum_over_all_sequences(per_sample):
    objective, theta = problem()
    drop = refimpl.Dropout(KEEP, per_sample)
    probabilities, eta = drop.enumerate(objective.net, objective.n)

    def follow(theta, steps):
        if steps == 0:
            return theta
        return sum(
            p * follow(theta - EPSILON * objective.gradient(theta, e), steps - 1)
            for p, e in zip(probabilities, eta)
        )

    steps = 2 if per_sample else 3
    means = mean_iterate(objective, theta, drop, EPSILON, steps)
    for k in range(steps):
        assert_close(means[k], follow(theta, k + 1))
    assert_rejects(means[1], follow(theta, 1))


@pytest.mark.equation("eq:mean-iterate")
def test_the_mean_of_many_runs_is_the_mean_iterate():
    objective, theta = problem("deep 2", width=3)
    drop = refimpl.Dropout(KEEP, per_sample=False, layers="all")
    runs = refimpl.train(
        objective,
        np.repeat(theta[None], 20_000, axis=0),
        refimpl.GD(EPSILON),
        2,
        drop,
        rng=np.random.default_rng(1),
    ).theta
    estimate = Estimate(runs.mean(axis=0), runs.std(axis=0) / 20_000**0.5)
    mean = mean_iterate(objective, theta, drop, EPSILON, 2)[-1]
    moved = estimate.standard_error > 1e-12
    estimate = Estimate(estimate.mean[moved], estimate.standard_error[moved])
    worst, bound = worst_z(estimate, mean[moved])
    assert worst < bound
    one_step_more = mean_iterate(objective, theta, drop, EPSILON, 1)[-1]
    assert worst_z(estimate, one_step_more[moved])[0] > 3 * bound


def test_too_many_sequences_are_refused():
    objective, theta = problem(width=6)
    with pytest.raises(ValueError, match=r"at most 2\^16 sequences .* got 64\^3 for 4"):
        mean_iterate(objective, theta, refimpl.Dropout(0.5), EPSILON, 4)


@pytest.mark.equation("eq:gradient-covariance")
@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("kind", ["two-layer", "deep 2"])
def test_the_covariance_is_that_over_all_masks(kind, per_sample):
    objective, theta = problem(kind, width=3, n=3)
    drop = refimpl.Dropout(KEEP, per_sample)
    probabilities, eta = drop.enumerate(objective.net, objective.n)
    gradients = objective.gradient(theta, eta)
    mean = probabilities @ gradients
    deviations = gradients - mean
    expected = np.einsum("k,ka,kb->ab", probabilities, deviations, deviations)
    found = gradient_covariance(objective, theta, drop)
    assert_close(found, expected)
    other = gradient_covariance(objective, theta, refimpl.Dropout(KEEP, not per_sample))
    assert_rejects(other, expected)


@pytest.mark.equation("eq:gradient-covariance", "eq:r2-split")
@pytest.mark.parametrize("per_sample", [False, True])
def test_its_trace_is_the_closed_form(per_sample):
    objective, theta = problem(width=4, n=3)
    drop = refimpl.Dropout(KEEP, per_sample)
    trace = np.trace(gradient_covariance(objective, theta, drop))
    assert_close(gradient_covariance_trace(objective, theta, drop), trace)
