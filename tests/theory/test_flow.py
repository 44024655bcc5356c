"""Gradient flow and the order-2 moments, by routes that do not share their formulas."""

from functools import partial

import numpy as np
import pytest
from oracles import assert_close, assert_rejects, central_difference
from scipy.linalg import expm

import refimpl
from refimpl.core.r2_tilde import R2Tilde
from refimpl.theory import flow
from refimpl.theory.flow import gradient_flow, mean_flow, moment_rates, third_derivative
from refimpl.theory.iterates import gradient_covariance, mean_iterate
from refimpl.theory.r2 import R2_gradient

KEEP = 0.6


@pytest.fixture
def small(problem):
    """Function that gives a risk and θ with few masks in all."""
    return partial(problem, inputs=1, outputs=1, width=2)


def contracted(objective, theta, C, step=1e-4):
    """∂_a of Σ_bc H_bc C_bc by central differences: the indices in another order."""

    def sum_over_c(t):
        return (refimpl.hessian(objective, t) * C).sum()

    units = np.eye(len(theta))
    return [central_difference(sum_over_c, theta, unit, step) for unit in units]


@pytest.mark.equation("eq:gradient-flow")
def test_a_linear_flow_is_the_matrix_exponential():
    rng = np.random.default_rng(0)
    B = rng.standard_normal((4, 4))
    A, starts, times = B @ B.T, rng.standard_normal((2, 4)), [0.0, 0.3, 2.0]
    found = gradient_flow(lambda theta: theta @ A, starts, times)
    for row, t in zip(found, times):
        assert_close(row, starts @ expm(-t * A), 1e-11)
    assert_rejects(found[1], starts @ expm(-0.31 * A), 1e-11)
    assert_rejects(found[1], starts @ expm(0.3 * A), 1e-11)
    assert_close(gradient_flow(lambda theta: theta, starts, [0.0]), starts[None])


@pytest.mark.equation("eq:gradient-flow")
def test_the_loss_falls_along_its_flow(small):
    objective, theta = small()
    path = gradient_flow(objective.gradient, theta, np.linspace(0, 5, 11), 1e-10)
    assert (np.diff(objective(path)) < 0).all()
    # dG/dt = −‖∇G‖²; a flow of another speed is rejected.
    h = 1e-5
    before, middle, after = gradient_flow(objective.gradient, theta, [1 - h, 1, 1 + h])
    rate = (objective(after) - objective(before)) / (2 * h)
    squared_norm = (objective.gradient(middle) ** 2).sum()
    assert_close(rate, -squared_norm, 1e-7)
    assert_rejects(rate, -2 * squared_norm, 1e-7)


@pytest.mark.equation("eq:fluctuation-drift")
@pytest.mark.parametrize("kind", ["two-layer", "deep 2"])
def test_the_third_derivative_is_that_of_the_hessian(kind, problem):
    risk, thetas = problem(kind, outputs=1, replicas=(2,))
    objective, P = refimpl.L1(risk, KEEP), risk.net.size
    B = np.random.default_rng(1).standard_normal((2, P, P))
    C = B + B.swapaxes(-1, -2)  # eigenvalues of either sign
    found = third_derivative(objective, thetas, C)
    for row, theta, matrix in zip(found, thetas, C):
        assert_close(row, contracted(objective, theta, matrix), 1e-6)
    assert_rejects(2 * found[0], contracted(objective, thetas[0], C[0]), 1e-6)
    assert_rejects(found[0], contracted(objective, thetas[0], abs(C[0])), 1e-6)


def test_the_third_derivative_needs_an_analytic_activation(small):
    objective, theta = small(activation="relu")
    with pytest.raises(ValueError, match="analytic activation, got ReLU"):
        third_derivative(objective, theta, np.eye(len(theta)))


TIMES = [[], [-1.0], [1.0, 0.5], [1.0, 1.0], [0.0, float("nan")], [float("inf")]]


@pytest.mark.parametrize("times", TIMES)
def test_times_that_do_not_ascend_are_refused(times):
    with pytest.raises(ValueError, match="times must ascend from 0 or above, got"):
        gradient_flow(lambda theta: theta, np.ones(2), times)


def test_moments_are_those_of_noise_after_the_last_layer(small):
    objective, theta = small("deep 2")
    every = refimpl.Dropout(KEEP, layers="all")
    with pytest.raises(ValueError, match="drop must act after the last hidden layer"):
        mean_flow(objective, theta, every, 0.1, [1.0])


@pytest.mark.equation("eq:backward-error", "eq:modified-drift", "eq:mean-iterate")
@pytest.mark.parametrize("per_sample", [False, True])
def test_orders_of_the_mean_iterate(per_sample, small):
    """1 for R_S, 2 for R_S + R_1, 3 with the mean's finite step, 2 with the paper's."""
    objective, theta = small()
    drop = refimpl.Dropout(KEEP, per_sample)
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
    np.testing.assert_allclose(slopes, expected, atol=0.15, err_msg=str(list(drifts)))


@pytest.mark.equation("eq:covariance-flow", "eq:mean-flow")
@pytest.mark.parametrize("per_sample", [False, True])
def test_the_moments_move_as_their_equations_say(per_sample, small):
    """At any spread C, each term by a route of its own, none of them small."""
    objective, theta = small()
    drop = refimpl.Dropout(KEEP, per_sample)
    F, epsilon, P = refimpl.L1(objective, KEEP), 0.3, objective.net.size
    B = np.random.default_rng(2).standard_normal((P, P))
    C = 0.1 * B @ B.T
    mean_rate, C_rate = moment_rates(objective, theta, C, drop, epsilon)

    H = refimpl.hessian(F, theta)
    noise = epsilon * gradient_covariance(objective, theta, drop)
    assert_close(C_rate, -H @ C - C @ H + noise)
    for wrong in (noise, -H @ C - C @ H, H @ C + C @ H + noise, noise - 2 * C @ H):
        assert_rejects(C_rate, wrong)

    def squared_norm(t):
        return (F.gradient(t) ** 2).sum()

    g, spread = F.gradient(theta), np.array(contracted(F, theta, C))
    units = np.eye(P)
    step = [central_difference(squared_norm, theta, unit, 1e-5) for unit in units]
    step = epsilon / 4 * np.array(step)
    assert_close(mean_rate, -g - step - spread / 2, 1e-6)
    for wrong in (-g - spread / 2, -g - step, -g - step - spread, -g - step / 2):
        assert_rejects(mean_rate, wrong, 1e-6)


@pytest.mark.parametrize("own_data", [False, True], ids=["rates", "data and rates"])
def test_replicas_of_the_data_and_of_the_rate(own_data, small):
    risk, thetas = small(replicas=(2,), own_data=own_data)
    each = (
        [risk.of_data(*one) for one in zip(risk.X, risk.Y)] if own_data else [risk] * 2
    )
    rates, drop, P = np.array([0.1, 0.2]), refimpl.Dropout(KEEP), risk.net.size
    B = np.random.default_rng(2).standard_normal((2, P, P))
    C = B + B.swapaxes(1, 2)
    for theta in (thetas[0], thetas):
        starts = np.broadcast_to(theta, thetas.shape)
        for spread in (C[0], C):
            spreads = np.broadcast_to(spread, C.shape)
            found = moment_rates(risk, theta, spread, drop, rates)
            for index, arguments in enumerate(zip(each, starts, spreads, rates)):
                *where, rate = arguments
                alone = moment_rates(*where, drop, rate)
                for part, expected in zip(found, alone):
                    assert_close(part[index], expected, 1e-11)
            assert_rejects(found[1][0], found[1][1])
        found = mean_flow(risk, theta, drop, rates, [0.2], 1e-6)
        for index, (one, start, rate) in enumerate(zip(each, starts, rates)):
            alone = mean_flow(one, start, drop, rate, [0.2], 1e-6)
            for part, expected in zip(found, alone):
                assert_close(part[:, index], expected, 1e-5)


def test_moments_that_run_away_are_told_and_not_followed():
    net, X = refimpl.TwoLayer(1, 2), np.linspace(-1, 1, 3)[:, None]
    theta = 2 * np.random.default_rng(12).standard_normal(net.size)
    moments = partial(mean_flow, refimpl.Risk(net, X, np.sin(3 * X)), theta)
    with pytest.raises(ArithmeticError, match="at time 0.3.* of 2: the moments run"):
        moments(refimpl.Dropout(0.5), 0.5, [2.0], 1e-3)
    moments(refimpl.Dropout(0.5), 0.5, [0.2], 1e-3)


def test_moments_of_networks_that_grow_are_followed():
    """From a small start to outputs of 1000, with next to no noise: 170 times."""
    risk = refimpl.Risk(refimpl.TwoLayer(1, 1, 1, "identity"), [[1.0]], [[1000.0]])
    start, drop = np.full(3, 0.1), refimpl.Dropout(0.8)
    (mean,), (C,) = mean_flow(risk, start, drop, 1e-9, [0.02])
    plain = gradient_flow(refimpl.L1(risk, 0.8).gradient, start, [0.02])[0]
    assert abs(plain).max() > 20
    assert_close(mean, plain, 1e-6)
    assert abs(C).max() < 1e-10


def exact_moments(objective, theta, drop, epsilon, steps):
    """Mean and covariance of the iterate over all sequences of masks."""
    probabilities, eta = drop.enumerate(objective.net, objective.n)
    ends, weights = theta[None], np.ones(1)
    for _ in range(steps):
        gradients = objective.gradient(ends, eta[:, None])
        ends = (ends - epsilon * gradients).reshape(-1, len(theta))
        weights = (probabilities[:, None] * weights).ravel()
    deviations = ends - weights @ ends
    return weights @ ends, (weights[:, None] * deviations).T @ deviations


@pytest.mark.equation("eq:covariance-flow", "eq:mean-flow")
@pytest.mark.parametrize("per_sample", [False, True])
def test_the_moments_are_of_order_2_at_a_fixed_time(per_sample, small):
    """Against all sequences of masks; one neuron, so that many steps can be followed.

    The paper's flow and that of R_S + R_1 have order 1, and so has a covariance that
    does not relax: the controls.
    """
    sizes = {"n": 2} if per_sample else {"n": 3}
    objective, theta = small(width=1, **sizes)
    drop = refimpl.Dropout(KEEP, per_sample)
    F, time = refimpl.L1(objective, KEEP), 1.0
    distances = []
    for steps in (4, 8) if per_sample else (8, 16):
        epsilon = time / steps
        mean, covariance = exact_moments(objective, theta, drop, epsilon, steps)
        if steps < 16:
            means = mean_iterate(objective, theta, drop, epsilon, steps)
            assert_close(means[-1], mean)
        (found,), (C,) = mean_flow(objective, theta, drop, epsilon, [time])

        def paper(t):
            return F.gradient(t) + R2_gradient(objective, t, drop, epsilon)

        plain, paper_end = (
            gradient_flow(gradient, theta, [time], 1e-11)[0]
            for gradient in (F.gradient, paper)
        )
        path = gradient_flow(F.gradient, theta, (np.arange(20) + 0.5) / 20, 1e-8)
        no_relaxing = epsilon * gradient_covariance(objective, path, drop).mean(axis=0)
        differences = (found - mean, C - covariance, plain - mean, paper_end - mean)
        differences += (no_relaxing - covariance,)
        distances.append([np.linalg.norm(d) for d in differences])
    slopes = np.log2(np.divide(*distances))
    np.testing.assert_allclose(slopes, [2, 2, 1, 1, 1], atol=0.35)


@pytest.mark.equation("eq:r2-valley")
def test_along_a_valley_the_trace_term_is_the_fluctuation_drift(small):
    """Zero loss, more parameters than samples; Σ = cH, as noise in labels has it."""
    objective, theta = small()
    net = objective.net
    F = refimpl.Risk(net, objective.X, net.forward(theta, objective.X))
    c, epsilon = 0.7, 0.1
    H = refimpl.hessian(F, theta)
    values, vectors = np.linalg.eigh(H)
    flat = values < 1e-10
    assert flat.sum() == net.size - objective.n  # so the rank is constant nearby
    along, across = vectors[:, flat], vectors[:, ~flat]
    C = epsilon * c / 2 * across @ across.T
    assert_close(H @ C + C @ H, epsilon * c * H)

    trace_gradient = np.array(contracted(F, theta, np.eye(net.size)))
    drift = 0.5 * third_derivative(F, theta, C)
    expected = epsilon / 4 * c * trace_gradient
    assert_close(along.T @ drift, along.T @ expected, 1e-6)
    assert_rejects(along.T @ drift, 2 * along.T @ expected, 1e-6)
    assert_rejects(across.T @ drift, across.T @ expected, 1e-6)  # along, and only along
    # Noise of equal size across, Σ = cΠ, gives another drift.
    even = epsilon * c / 2 * across @ np.diag(1 / values[~flat]) @ across.T
    wrong = 0.5 * third_derivative(F, theta, even)
    assert_rejects(along.T @ wrong, along.T @ expected, 1e-6)


def test_a_flow_that_no_step_follows_is_given_up(monkeypatch):
    """θ′ = −sign θ stays at the kink, where its direction jumps at every step."""
    monkeypatch.setattr(flow, "MOST_EVALUATIONS", 5_000)
    with pytest.raises(ArithmeticError, match="5000 evaluations came to time 1 of 2"):
        gradient_flow(np.sign, [1.0], [2.0])
