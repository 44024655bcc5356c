"""The exact mean iterate and the covariance of the gradient."""

from functools import partial
from itertools import combinations

import numpy as np
import pytest
from oracles import assert_close, assert_rejects, worst_z

import refimpl
from refimpl.core.expectation import Estimate
from refimpl.core.r2_tilde import R2Tilde
from refimpl.theory.flow import gradient_flow
from refimpl.theory.gradient_noise import (
    gradient_covariance_trace,
    gradient_covariance_trace_gradient,
)
from refimpl.theory.iterates import (
    batch_gradient_covariance,
    gradient_covariance,
    mean_epoch,
    mean_iterate,
)
from refimpl.theory.r2 import R2_gradient

KEEP, EPSILON = 0.7, 0.2


@pytest.fixture
def small(problem):
    """Function that gives a risk and θ with few masks in all."""
    return partial(problem, inputs=1, outputs=1, width=2, n=2)


@pytest.mark.equation("eq:mean-iterate")
@pytest.mark.parametrize("per_sample", [False, True])
def test_one_step_is_a_step_on_r_s_plus_r_1(per_sample, small):
    objective, theta = small()
    drop = refimpl.Dropout(KEEP, per_sample)
    mean = mean_iterate(objective, theta, drop, EPSILON, 1)[0]
    gradient = refimpl.L1(objective, KEEP).gradient(theta)
    assert_close(mean, theta - EPSILON * gradient)
    assert_rejects(mean, theta - EPSILON * objective.gradient(theta))


@pytest.mark.equation("eq:mean-iterate")
@pytest.mark.parametrize("per_sample", [False, True])
def test_three_steps_are_the_sum_over_all_sequences(per_sample, small):
    objective, theta = small()
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
def test_the_mean_of_many_runs_is_the_mean_iterate(small):
    objective, theta = small("deep 2", width=3)
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


def test_too_many_sequences_are_refused(small):
    objective, theta = small(width=6)
    drop = refimpl.Dropout(0.5)
    with pytest.raises(ValueError, match=r"at most 2\^18 .* got 4 steps of 2\^6 masks"):
        mean_iterate(objective, theta, drop, EPSILON, 4)
    with pytest.raises(ValueError, match="steps must be .* at least 1, got 0"):
        mean_iterate(objective, theta, drop, EPSILON, 0)
    with pytest.raises(ValueError, match="masks in eta must be .* in 1 to 7, got 8"):
        mean_epoch(objective, theta, np.zeros((8, 1, 6)), EPSILON)


@pytest.mark.parametrize("per_sample", [False, True])
def test_replicas_keep_their_axes(per_sample, small):
    objective, theta = small()
    thetas, drop = np.stack([[theta, 2 * theta]] * 2), refimpl.Dropout(KEEP, per_sample)
    thetas[1] += 0.1
    _, deck = refimpl.Dropout(KEEP).enumerate(objective.net, objective.n)
    functions = [
        lambda t: np.moveaxis(mean_iterate(objective, t, drop, EPSILON, 2), 0, -2),
        lambda t: mean_epoch(objective, t, deck, EPSILON),
        lambda t: gradient_covariance(objective, t, drop),
    ]
    for function in functions:
        together = function(thetas)
        for index in np.ndindex(2, 2):
            assert_close(together[index], function(thetas[index]))


@pytest.mark.parametrize("width", [1, 2])
def test_axes_that_only_the_data_or_the_rates_have(width, small):
    """One θ, and n = 2 samples for each of two replicas."""
    data, thetas = small(width=width, replicas=(2,), own_data=True)
    theta, rates = thetas[0], np.array([0.1, 0.2])
    _, deck = refimpl.Dropout(KEEP).enumerate(data.net, data.n)
    functions = [
        lambda risk, rate: mean_iterate(risk, theta, refimpl.Dropout(KEEP), rate, 2)[1],
        lambda risk, rate: mean_epoch(risk, theta, deck, rate),
        lambda risk, rate: gradient_covariance(risk, theta, KEEP),
        lambda risk, _: gradient_covariance(risk, theta, refimpl.Dropout(KEEP, True)),
        lambda risk, _: batch_gradient_covariance(risk, theta, 1),
    ]
    each = [data.of_data(X, Y) for X, Y in zip(data.X, data.Y)]
    for function in functions:
        together = function(data, rates)
        alone = [function(risk, rate) for risk, rate in zip(each, rates)]
        assert_close(together, alone)
        assert_rejects(together, alone[::-1])
    one = [functions[0](each[0], rate) for rate in rates]
    assert_close(functions[0](each[0], rates), one)
    traces = np.trace(functions[2](data, 0), axis1=-2, axis2=-1)
    assert_close(traces, gradient_covariance_trace(data, theta, KEEP))
    for wrong in functions[:2]:
        with pytest.raises(ValueError, match="leading axes of theta, data, keep and"):
            wrong(data, np.full(3, 0.1))
        with pytest.raises(ValueError, match="epsilon must be finite and at least 0"):
            wrong(data, -0.1)


DECKS = {
    "shared, p = 1/2": ({"width": 2, "n": 3}, 0.5, False, [0, 1, 2, 3]),
    "per sample, p = 1/2": ({"width": 1, "n": 2}, 0.5, True, [0, 1, 2, 3]),
    "p = 2/3, the kept one twice": ({"width": 1, "n": 3}, 2 / 3, False, [0, 1, 1]),
}


@pytest.mark.equation("eq:mask-correlation")
@pytest.mark.parametrize("case", DECKS)
def test_the_trace_term_is_that_of_masks_without_replacement(case, small):
    """κ = 1 for a deck gone through once, −(K − 1) for a mask kept for K steps."""
    sizes, keep, per_sample, numbers = DECKS[case]
    objective, theta = small(**sizes)
    drop, F = refimpl.Dropout(keep, per_sample), refimpl.L1(objective, keep)
    probabilities, eta = drop.enumerate(objective.net, objective.n)
    kept_steps, rates, distances = 4, (1e-3, 1e-2), []

    def distance(mean, kappa, time, epsilon):
        def gradient(t):
            trace = gradient_covariance_trace_gradient(objective, t, drop)
            squared = R2Tilde(F, epsilon).gradient(t)
            return F.gradient(t) + squared + kappa * epsilon / 4 * trace

        return np.linalg.norm(gradient_flow(gradient, theta, [time])[0] - mean)

    for epsilon in rates:
        deck_end = mean_epoch(objective, theta, eta[numbers], epsilon)
        time = len(numbers) * epsilon
        row = [distance(deck_end, kappa, time, epsilon) for kappa in (1, 0, 2)]

        def paper(t):
            return F.gradient(t) + R2_gradient(objective, t, drop, epsilon)

        row.append(np.linalg.norm(gradient_flow(paper, theta, [time])[0] - deck_end))
        ends = theta
        for _ in range(kept_steps):
            ends = ends - epsilon * objective.gradient(ends, eta)
        end, time = probabilities @ ends, kept_steps * epsilon
        kappas = (1 - kept_steps, 0, kept_steps - 1)
        row += [distance(end, kappa, time, epsilon) for kappa in kappas]
        distances.append(row)
    slopes = np.log10(np.divide(*distances[::-1]))
    np.testing.assert_allclose(slopes, [3, 2, 2, 3, 3, 2, 2], atol=0.15)


@pytest.mark.equation("eq:gradient-covariance")
@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("kind", ["two-layer", "deep 2"])
def test_the_covariance_is_that_over_all_masks(kind, per_sample, small):
    objective, theta = small(kind, width=3, n=3)
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
def test_its_trace_is_the_closed_form(per_sample, small):
    objective, theta = small(width=4, n=3)
    drop = refimpl.Dropout(KEEP, per_sample)
    trace = np.trace(gradient_covariance(objective, theta, drop))
    assert_close(gradient_covariance_trace(objective, theta, drop), trace)


@pytest.mark.equation("eq:batch-gradient-covariance")
@pytest.mark.parametrize("size", [1, 2, 4, 5])
def test_the_covariance_of_a_batch_is_that_of_all_batches(size, problem):
    risk, theta = problem(outputs=1, n=5, width=3, replicas=(2,))
    batches = [np.array(one) for one in combinations(range(5), size)]
    gradients = np.stack([risk.batch(one).gradient(theta) for one in batches], axis=1)
    deviations = gradients - gradients.mean(axis=1, keepdims=True)
    expected = deviations.swapaxes(1, 2) @ deviations / len(batches)
    found = batch_gradient_covariance(risk, theta, size)
    if size == 5:  # one batch: no noise
        assert not found.any()
    else:
        assert_close(found, expected, 1e-10)
        with_replacement = expected * (5 - 1) / (5 - size)
        if size > 1:
            assert_rejects(found, with_replacement, 1e-10)
