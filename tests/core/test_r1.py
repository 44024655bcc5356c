"""Lemma 1: R_S + R_1 is the mean dropout loss, and its gradient the mean gradient."""

import itertools

import numpy as np
import pytest
from oracles import (
    assert_close,
    assert_rejects,
    central_difference,
    complex_step_derivative,
    complex_step_gradient,
    worst_z,
)
from problems import ACTIVATIONS, ANALYTIC, KEEPS, direction

import refimpl
from refimpl.core.dropout import noise_variance
from refimpl.core.r1 import R1Penalty

KINDS = ("two-layer", "deep 1", "deep 2")
# activation × outputs × kind × keep × convention: 216 random problems.
PROBLEMS = list(itertools.product(ACTIVATIONS, (1, 2, 3), KINDS, KEEPS, (False, True)))


@pytest.mark.equation("eq:r1", "eq:r1-gradient", "eq:l1")
@pytest.mark.parametrize("index", range(len(PROBLEMS)))
def test_r1_is_the_exact_mean_over_masks(index, problem):
    activation, outputs, kind, keep, per_sample = PROBLEMS[index]
    objective, theta = problem(kind, activation, outputs, n=2, seed=index)
    net, n = objective.net, objective.n
    drop = refimpl.Dropout(keep, per_sample)
    mean = refimpl.expectation(lambda eta: objective(theta, eta), drop, net, n).mean
    value, penalty = objective(theta), refimpl.R1(objective, theta, keep)
    assert_close(value + penalty, mean)
    assert_close(refimpl.L1(objective, keep)(theta), mean)
    mean_gradient = refimpl.expectation(
        lambda eta: objective.gradient(theta, eta), drop, net, n
    ).mean
    gradient = objective.gradient(theta)
    penalty_gradient = refimpl.R1_gradient(objective, theta, keep)
    assert_close(gradient + penalty_gradient, mean_gradient)
    assert_close(refimpl.L1(objective, keep).gradient(theta), mean_gradient)
    if keep < 1 and penalty > 1e-3:
        assert_rejects(value, mean)
        assert_rejects(value + 2 * penalty, mean)
        assert_rejects(value + n * penalty, mean)
        assert_rejects(gradient, mean_gradient)
        assert_rejects(gradient + 2 * penalty_gradient, mean_gradient)
        assert_rejects(gradient + n * penalty_gradient, mean_gradient)
        if keep != 0.5:
            swapped = refimpl.R1(objective, theta, 1 - keep)
            assert_rejects(value + swapped, mean)
            swapped = refimpl.R1_gradient(objective, theta, 1 - keep)
            assert_rejects(gradient + swapped, mean_gradient)


@pytest.mark.equation("eq:r1")
def test_r1_is_the_sum_over_samples_neurons_and_outputs(problem):
    objective, theta = problem("deep 2")
    (W1, b1), (W2, b2), (W3, _) = objective.net.unpack(theta)
    h = np.tanh(np.tanh(objective.X @ W1.T + b1) @ W2.T + b2)
    p, n = 0.7, 3
    total = 0.0
    for i in range(n):
        for j in range(4):
            total += np.sum((W3[:, j] * h[i, j]) ** 2)
    expected = (1 - p) / (2 * n * p) * total
    assert_close(refimpl.R1(objective, theta, p), expected, 1e-14)
    rows = sum(np.sum((W3[k] * h[i, k]) ** 2) for i in range(n) for k in range(2))
    assert_rejects((1 - p) / (2 * n * p) * rows, expected)  # rows for columns


@pytest.mark.equation("eq:r1-gradient")
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_gradient_and_hvp_of_r1_are_its_derivatives(kind, activation, problem):
    objective, theta = problem(kind, activation)
    penalty = R1Penalty(objective, 0.6)
    v = direction(theta)
    gradient, product = penalty.gradient(theta), penalty.hvp(theta, v)
    if activation in ANALYTIC:
        assert_close(gradient, complex_step_gradient(penalty, theta))
        assert_close(product, complex_step_derivative(penalty.gradient, theta, v))
    else:
        assert_close(gradient @ v, central_difference(penalty, theta, v), 1e-6)
        expected = central_difference(penalty.gradient, theta, v)
        assert_close(product, expected, 1e-6)
    both = refimpl.L1(objective, 0.6)
    assert_close(both.hvp(theta, v), objective.hvp(theta, v) + product)


@pytest.mark.equation("eq:r1-gradient")
@pytest.mark.parametrize("per_sample", [False, True])
def test_monte_carlo_gradients_at_width_1000_have_the_mean_of_lemma_1(
    per_sample, problem
):
    objective, _ = problem(outputs=1, n=5, width=1000)
    net, rng = objective.net, np.random.default_rng(4)
    theta = net.init(rng, std=1000**-0.25)
    keep, drop = 0.6, refimpl.Dropout(0.6, per_sample)
    estimate = refimpl.expectation(
        lambda eta: objective.gradient(theta, eta),
        drop,
        net,
        5,
        "monte_carlo",
        4000,
        rng,
    )
    worst, bound = worst_z(estimate, refimpl.L1(objective, keep).gradient(theta))
    assert worst < bound
    for wrong in (
        objective.gradient(theta),
        objective.gradient(theta) + 2 * refimpl.R1_gradient(objective, theta, keep),
        refimpl.L1(objective, 1 - keep).gradient(theta),
    ):
        worst, bound = worst_z(estimate, wrong)
        assert worst > bound


@pytest.mark.equation("eq:r1")
@pytest.mark.parametrize("kind", KINDS)
def test_keeps_broadcast_against_one_theta(kind, problem):
    objective, theta = problem(kind)
    keeps, v = np.array([0.3, 0.8, 1.0]), np.ones(len(theta))
    many = refimpl.L1(objective, keeps)
    for k, keep in enumerate(keeps):
        one = refimpl.L1(objective, keep)
        assert_close(many(theta)[k], one(theta))
        assert_close(many.gradient(theta)[k], one.gradient(theta))
        assert_close(many.hvp(theta, v)[k], one.hvp(theta, v))


@pytest.mark.equation("eq:r1")
def test_r1_takes_one_keep_per_replica(problem):
    objective, theta = problem()
    thetas, keeps = np.stack([theta, -2 * theta]), np.array([0.3, 0.8])
    together = refimpl.R1(objective, thetas, keeps)
    gradients = refimpl.L1(objective, keeps).gradient(thetas)
    for k, keep in enumerate(keeps):
        assert_close(together[k], refimpl.R1(objective, thetas[k], keep))
        assert_close(gradients[k], refimpl.L1(objective, keep).gradient(thetas[k]))


@pytest.mark.equation("eq:r1")
def test_frameworks_mse_rescales_r1_by_two_over_the_outputs(problem):
    objective, theta = problem(outputs=3, n=2)
    drop = refimpl.Dropout(0.7, per_sample=True)

    def frameworks(eta):
        F = objective.net.forward(theta, objective.X, eta)
        return ((F - objective.Y) ** 2).mean(axis=(-2, -1))

    mean = refimpl.expectation(frameworks, drop, objective.net, 2).mean
    F = objective.net.forward(theta, objective.X)
    plain = ((F - objective.Y) ** 2).mean()
    assert_close(plain + 2 / 3 * refimpl.R1(objective, theta, 0.7), mean)
    assert_rejects(plain + refimpl.R1(objective, theta, 0.7), mean)


def test_r1_is_not_the_mean_for_cross_entropy_or_earlier_layers(problem):
    objective, theta = problem("deep 2", outputs=3, n=2)
    everywhere = refimpl.Dropout(0.5, layers="all")
    mean = refimpl.expectation(
        lambda eta: objective(theta, eta), everywhere, objective.net, 2
    ).mean
    assert_rejects(refimpl.L1(objective, 0.5)(theta), mean)
    entropy, _ = problem("deep 2", loss="cross_entropy")
    with pytest.raises(ValueError, match="R1 holds for loss 'mse'.*main_effects"):
        refimpl.R1(entropy, theta, 0.5)


@pytest.mark.equation("eq:moments")
def test_the_variance_is_the_second_moment():
    for keep in KEEPS:
        assert_close(noise_variance(keep), refimpl.Dropout(keep).moment(2))
