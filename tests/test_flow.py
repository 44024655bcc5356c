"""Gradient flow and the order-2 moments, by routes that do not share their formulas."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects
from problems import network, risk
from scipy.linalg import expm

import refimpl
from refimpl.flow import gradient_flow, mean_flow, third_derivative
from refimpl.gradient_norm import R2Tilde
from refimpl.iterates import gradient_covariance, mean_iterate
from refimpl.r2 import R2_gradient

KEEP = 0.6


def problem(per_sample=False, seed=0, activation="tanh"):
    rng = np.random.default_rng(seed)
    net = refimpl.TwoLayer(1, 2, 1, activation)
    X = np.linspace(-1, 1, 3)[:, None]
    objective = refimpl.Risk(net, X, np.sin(3 * X))
    drop = refimpl.Dropout(KEEP, per_sample)
    return objective, net.init(rng, std=1.0), drop


@pytest.mark.equation("eq:gradient-flow")
def test_a_linear_flow_is_the_matrix_exponential():
    rng = np.random.default_rng(0)
    B = rng.standard_normal((4, 4))
    A, start, times = B @ B.T, rng.standard_normal(4), [0.0, 0.3, 2.0]
    found = gradient_flow(lambda theta: A @ theta, start, times)
    for row, t in zip(found, times):
        assert_close(row, expm(-t * A) @ start, 1e-11)
    assert_rejects(found[1], expm(-0.31 * A) @ start, 1e-11)


@pytest.mark.equation("eq:gradient-flow")
def test_the_loss_falls_along_its_flow():
    objective, theta, _ = problem()
    path = gradient_flow(objective.gradient, theta, np.linspace(0, 5, 11), 1e-10)
    losses = objective(path)
    assert (np.diff(losses) < 0).all()


@pytest.mark.equation("eq:fluctuation-drift")
@pytest.mark.parametrize("kind", ["two-layer", "deep 2"])
def test_the_third_derivative_is_that_of_the_hessian(kind):
    rng = np.random.default_rng(1)
    net = network(kind, "tanh", outputs=1)
    objective = refimpl.L1(risk(net, rng), KEEP)
    theta, B = rng.standard_normal(net.size), rng.standard_normal((3, net.size))
    C = B.T @ B
    step = 1e-4
    # ∂_a of Σ_bc H_bc C_bc, by central differences: the indices in another order.
    expected = [
        (
            (refimpl.hessian(objective, theta + step * unit) * C).sum()
            - (refimpl.hessian(objective, theta - step * unit) * C).sum()
        )
        / (2 * step)
        for unit in np.eye(net.size)
    ]
    found = third_derivative(objective, theta, C)
    assert_close(found, expected, 1e-6)
    assert_rejects(2 * found, expected, 1e-6)


def test_the_third_derivative_needs_an_analytic_activation():
    objective, theta, _ = problem(activation="relu")
    with pytest.raises(ValueError, match="analytic activation, got ReLU"):
        third_derivative(objective, theta, np.eye(len(theta)))


@pytest.mark.parametrize("times", [[], [-1.0], [1.0, 0.5]])
def test_times_that_do_not_ascend_are_refused(times):
    with pytest.raises(ValueError, match="times must ascend from 0 or above, got"):
        gradient_flow(lambda theta: theta, np.ones(2), times)


@pytest.mark.equation("eq:backward-error", "eq:modified-drift", "eq:mean-iterate")
@pytest.mark.parametrize("per_sample", [False, True])
def test_orders_of_the_mean_iterate(per_sample):
    """1 for R_S, 2 for R_S + R_1, 3 with the mean's finite step, 2 with the paper's."""
    objective, theta, drop = problem(per_sample)
    F = refimpl.L1(objective, KEEP)
    rates, distances = np.array([1e-3, 1e-2]), []
    for epsilon in rates:
        step = R2Tilde(F, epsilon)
        means = mean_iterate(objective, theta, drop, epsilon, 2)

        def paper(t):
            return F.gradient(t) + R2_gradient(objective, t, drop, epsilon)

        drifts = {
            "R_S": objective.gradient,
            "R_S + R_1": F.gradient,
            "modified": lambda t: F.gradient(t) + step.gradient(t),
            "paper": paper,
            "wrong sign": lambda t: F.gradient(t) - step.gradient(t),
            "half": lambda t: F.gradient(t) + 0.5 * step.gradient(t),
        }
        ends = [gradient_flow(g, theta, [2 * epsilon])[0] for g in drifts.values()]
        distances.append(np.linalg.norm(np.array(ends) - means[1], axis=1))
    slopes = np.log10(np.divide(*distances[::-1]))
    expected = [1, 2, 3, 2, 2, 2]
    np.testing.assert_allclose(slopes, expected, atol=0.25, err_msg=str(list(drifts)))


@pytest.mark.equation("eq:covariance-flow")
def test_the_covariance_follows_its_equation():
    """For a short time C = tεΣ, and then C′ = −HC − CH + εΣ."""
    objective, theta, drop = problem()
    epsilon, t = 0.1, 1e-4
    _, covariance = mean_flow(objective, theta, drop, epsilon, [t])
    sigma = gradient_covariance(objective, theta, drop)
    assert_close(covariance[0], t * epsilon * sigma, 1e-3)
    assert_rejects(covariance[0], 2 * t * epsilon * sigma, 1e-4)
    H = refimpl.hessian(refimpl.L1(objective, KEEP), theta)
    # The rate at t, from a difference of the flow, is −HC − CH + εΣ.
    _, (first, second) = mean_flow(objective, theta, drop, epsilon, [0.01, 0.0101])
    rate = (second - first) / 1e-4
    middle = (first + second) / 2
    expected = -H @ middle - middle @ H + epsilon * sigma
    assert_close(rate, expected, 3e-2)


@pytest.mark.equation("eq:mean-flow")
def test_the_moments_are_of_order_2_at_a_fixed_time():
    """Against the exact mean over all mask sequences of few steps."""
    objective, theta, drop = problem()
    time, distances = 0.4, []
    for steps in (3, 6):
        epsilon = time / steps
        mean = mean_iterate(objective, theta, drop, epsilon, steps)[-1]
        moments, _ = mean_flow(objective, theta, drop, epsilon, [time])
        plain = gradient_flow(refimpl.L1(objective, KEEP).gradient, theta, [time])
        distances.append([np.linalg.norm(e[0] - mean) for e in (moments, plain)])
    of_moments, of_plain = np.log2(np.divide(*distances))
    assert 1.7 < of_moments < 2.4
    assert 0.8 < of_plain < 1.4
    assert distances[1][0] < 0.2 * distances[1][1]


@pytest.mark.equation("eq:r2-valley")
def test_the_trace_term_is_the_fluctuation_drift_where_noise_follows_the_hessian():
    """With Σ = cH and HC + CH = εΣ, C = (εc/2) I and ½∇³F:C = (ε/4) ∇ tr(cH)."""
    objective, theta, _ = problem()
    F, c, epsilon = refimpl.L1(objective, KEEP), 0.7, 0.1
    half = epsilon * c / 2
    H = refimpl.hessian(F, theta)
    C = half * np.eye(len(H))
    assert_close(H @ C + C @ H, epsilon * c * H)
    step = 1e-4
    trace_gradient = [
        (
            np.trace(refimpl.hessian(F, theta + step * unit))
            - np.trace(refimpl.hessian(F, theta - step * unit))
        )
        / (2 * step)
        for unit in np.eye(len(theta))
    ]
    drift = 0.5 * third_derivative(F, theta, C)
    assert_close(drift, epsilon / 4 * c * np.array(trace_gradient), 1e-6)
