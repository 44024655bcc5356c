"""Theorem 2: at zero loss the trace of the Hessian falls along R_S + R_1."""

import numpy as np
import pytest
from oracles import (
    assert_close,
    assert_rejects,
    complex_step_derivative,
    complex_step_gradient,
)
from problems import NETWORKS, direction

import refimpl
from refimpl.core.r1 import R1Penalty
from refimpl.theory.jacobian import (
    ntk_trace,
    ntk_trace_gradient,
    ntk_trace_rate,
    output_jacobian,
)
from refimpl.theory.zero_loss import to_zero_loss


@pytest.mark.equation("eq:output-jacobian", "eq:ntk-trace")
@pytest.mark.parametrize("kind", NETWORKS)
def test_the_jacobian_holds_the_derivatives_of_the_outputs(kind, problem):
    objective, theta = problem(kind, replicas=(2,))
    net = objective.net
    J = output_jacobian(objective, theta)
    expected = [
        complex_step_gradient(
            lambda t: net.forward(t, objective.X)[..., i, k], theta[1]
        )
        for i in range(3)
        for k in range(2)
    ]
    assert_close(J[1], expected)
    assert_close(ntk_trace(objective, theta)[1], np.sum(np.square(expected)) / 3)


@pytest.mark.equation("eq:ntk-trace-gradient")
@pytest.mark.parametrize("kind", NETWORKS)
def test_the_gradient_of_the_trace_is_its_derivative(kind, problem):
    objective, theta = problem(kind)
    v = direction(theta)
    found = ntk_trace_gradient(objective, theta)
    expected = complex_step_derivative(lambda t: ntk_trace(objective, t), theta, v)
    assert_close(found @ v, expected)
    assert_rejects(2 * found @ v, expected)


@pytest.mark.equation("eq:hessian-trace-at-zero-loss")
@pytest.mark.parametrize("outputs", [1, 2])
def test_at_zero_loss_it_is_the_trace_of_the_hessian(outputs, problem):
    objective, theta = problem("deep 2", outputs=outputs)
    net = objective.net
    fitted = refimpl.Risk(net, objective.X, net.forward(theta, objective.X))
    trace = ntk_trace(fitted, theta)
    assert_close(refimpl.hessian_trace(fitted, theta).mean, trace)
    assert_rejects(refimpl.hessian_trace(objective, theta).mean, trace)


@pytest.mark.equation("eq:theorem-2")
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("seed", range(25))
def test_the_trace_falls_along_r1_for_relu(seed, bias, outputs, problem):
    n, m = 4, 20
    sizes = dict(outputs=outputs, n=n, inputs=3, width=m)
    objective, theta = problem(activation="relu", seed=seed, **sizes)
    net = objective.net
    W, b, A = net.unpack(theta)
    b *= bias
    # Zero loss by the output weights alone, so that the biases stay as they are.
    h = np.maximum(objective.X @ W.T + b, 0)
    A = A + np.linalg.lstsq(h, objective.Y - h @ A.T, rcond=None)[0].T
    theta = net.pack(W, b, A)
    assert objective(theta) < 1e-20
    both, alone = refimpl.L1(objective, 0.7), R1Penalty(objective, 0.7)
    rate = ntk_trace_rate(objective, theta, both)
    assert rate < 0
    assert_close(rate, ntk_trace_rate(objective, theta, alone), 1e-8)
    # The closed form of the proof, with (x, 1) and (w, b) for x and w.
    X1 = np.concatenate([objective.X, np.ones((n, 1))], axis=1)
    weights = net.input_weights(theta)
    total, active = 0.0, h > 0
    for j in range(m):
        M = (X1 * active[:, j : j + 1]).T @ X1
        beta, norms = (h[:, j] ** 2).sum(), (X1**2).sum(axis=1) @ active[:, j]
        total += (A[:, j] ** 2).sum() * (
            outputs * ((M @ weights[j]) ** 2).sum() + beta * norms
        )
    c = 0.3 / 0.7 / n
    assert_close(rate, -2 * c / n * total, 1e-8)
    assert_rejects(rate, -c / n * total, 1e-8)


@pytest.mark.equation("eq:theorem-2")
def test_for_tanh_the_trace_can_rise():
    """One neuron, one sample: the sign is that of a²(1 − h²) − 1."""
    net = refimpl.TwoLayer(1, 1)
    for a in (0.8, 2.0):
        theta = net.pack([[0.5]], [0.0], [[a]])
        objective = refimpl.Risk(net, [[1.0]], net.forward(theta, [[1.0]]))
        # Without bias: its entries of both gradients are left out.
        gradients = [
            g[[0, 2]]
            for g in (
                ntk_trace_gradient(objective, theta),
                R1Penalty(objective, 0.5).gradient(theta),
            )
        ]
        h = np.tanh(0.5)
        slope = 1 - h**2
        # The bias adds a²σ′² to the trace; so the w-entry has twice the a² part.
        gradients[0] -= [a**2 * 2 * slope * (-2 * h * slope), 2 * a * slope**2]
        rate = -gradients[0] @ gradients[1]
        expected = 4 * a**2 * h**2 * slope**2 * (a**2 * slope - 1)
        assert_close(rate, expected)
        assert (rate > 0) == (a == 2.0)


def test_gauss_newton_networks_obey_the_theorem_too(problem):
    objective, theta = problem(activation="relu", outputs=1, n=5, width=30)
    theta = to_zero_loss(objective, theta)
    assert ntk_trace_rate(objective, theta, refimpl.L1(objective, 0.5)) < 0
