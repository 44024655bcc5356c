"""Along a ReLU network's flow the trace falls between kinks and jumps at them."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects
from problems import direction

import refimpl
from refimpl.core.r1 import R1Penalty
from refimpl.theory.jacobian import ntk_trace, ntk_trace_change, ntk_trace_rate
from refimpl.theory.zero_loss import to_zero_loss


def at_zero_loss(seed, width=20, n=6):
    rng = np.random.default_rng(seed)
    net = refimpl.TwoLayer(3, width, 1, "relu")
    X, Y = rng.standard_normal((n, 3)), rng.standard_normal((n, 1))
    risk = refimpl.Risk(net, X, Y)
    return risk, to_zero_loss(risk, net.init(rng, std=width**-0.25))


@pytest.mark.equation("eq:ntk-trace-jump", "eq:ntk-trace")
def test_the_trace_jumps_at_a_kink_and_risk_and_r1_do_not():
    risk, theta = at_zero_loss(0)
    W, b, A = (array.copy() for array in risk.net.unpack(theta))
    neuron, sample = 4, 2
    b[neuron] = -W[neuron] @ risk.X[sample]  # its kink lies at this sample
    unit = risk.net.pack(0 * W, np.eye(len(b))[neuron], 0 * A)
    on_kink = risk.net.pack(W, b, A)
    either_side = on_kink + np.array([[1e-9], [-1e-9]]) * unit
    on, off = ntk_trace(risk, either_side)
    jump = A[0, neuron] ** 2 * ((risk.X[sample] ** 2).sum() + 1) / risk.n
    assert_close(on - off, jump, 1e-6)
    assert_rejects(on - off, jump * risk.n, 1e-6)
    between, jumped = ntk_trace_change(risk, either_side[1], either_side[0])
    assert_close(jumped, jump, 1e-6)
    assert abs(between) < 1e-6
    for value in (risk, R1Penalty(risk, 0.8)):
        on, off = value(either_side)
        assert abs(on - off) < 1e-7


@pytest.mark.equation("eq:ntk-trace-jump")
def test_of_several_outputs_both_changes_are_those_of_the_trace(problem):
    """Of the Jacobian's squares, summed with the kinks where they were, and crossed."""
    risk, theta = problem(activation="relu", outputs=3, n=5)
    moved = theta + 0.8 * direction(theta)
    before, z = (risk.X @ W.T + b for W, b, _ in map(risk.net.unpack, (theta, moved)))
    crossed = 1.0 * (z > 0) - (before > 0)
    assert crossed.min() == -1 and crossed.max() == 1
    length, A = (risk.X**2).sum(axis=1)[:, None] + 1, risk.net.unpack(moved)[2]
    jump = (crossed * (3 * z**2 + (A**2).sum(axis=0) * length)).sum() / risk.n
    between, jumped = ntk_trace_change(risk, theta, moved)
    assert_close(jumped, jump)
    assert_close(between + jumped, ntk_trace(risk, moved) - ntk_trace(risk, theta))
    one = jump - 2 * (crossed * z**2).sum() / risk.n  # as if z counted for one output
    assert_rejects(jumped, one)


@pytest.mark.equation("eq:ntk-trace-jump", "eq:theorem-2")
def test_between_kinks_the_trace_falls_and_its_rises_are_jumps():
    """Steps of 0.01 along the flow of R_S + R_1 from zero loss, to time 5."""
    step, rises, jumps_up = 0.01, [], []
    for seed in range(8):
        risk, theta = at_zero_loss(seed)
        objective = refimpl.L1(risk, 0.8)
        ran = refimpl.train(
            objective, theta, refimpl.GD(step), 500, snapshots=range(501)
        )
        path = np.stack(ran.snapshots)
        smooth, jump = ntk_trace_change(risk, path[:-1], path[1:])
        trace = ntk_trace(risk, path)
        assert_close(smooth + jump, np.diff(trace), 1e-9)
        assert_rejects(smooth, np.diff(trace), 1e-9)
        assert (smooth < 0).all()
        rises.append((smooth + jump) / trace[0])
        jumps_up.append(jump / trace[0])
    rises, jumps_up = np.concatenate(rises), np.concatenate(jumps_up)
    assert rises.max() > 0.01
    assert (jumps_up[rises > 0] > 0).all()


@pytest.mark.equation("eq:theorem-2")
def test_for_three_layers_the_trace_can_rise():
    """One sample x = 1, n = v = 1, no kink near."""
    net = refimpl.Deep((1, 2, 2, 1), "relu")
    W1, W2 = np.ones((2, 1)), np.array([[1.0, -0.99], [-2.0, 3.0]])
    a = np.array([[1.0, 0.1]])
    theta = net.pack([(W1, np.zeros(2)), (W2, np.zeros(2)), (a, np.zeros(1))])
    risk = refimpl.Risk(net, [[1.0]], net.forward(theta, [[1.0]]))
    found = ntk_trace_rate(risk, theta, R1Penalty(risk, 0.5))
    assert found > 0.9
    # Along the weights alone, and from both functions written out.
    step = 1e-6

    def values(weights):
        V1, V2, c = weights[:2], weights[2:6].reshape(2, 2), weights[6:]
        h = V2 @ V1  # both layers are active
        trace = (h**2).sum() + (c**2).sum() * (V1**2).sum() + ((c @ V2) ** 2).sum()
        return np.array([trace, 0.5 * (c**2 * h**2).sum()])

    weights = np.concatenate([W1.ravel(), W2.ravel(), a.ravel()])
    slopes = [
        (values(weights + step * unit) - values(weights - step * unit)) / (2 * step)
        for unit in np.eye(8)
    ]
    trace_gradient, r1_gradient = np.transpose(slopes)
    without_biases = -trace_gradient @ r1_gradient
    assert without_biases == pytest.approx(0.470079, abs=1e-6)
    assert_rejects(found, without_biases, 1e-6)  # biases move too
