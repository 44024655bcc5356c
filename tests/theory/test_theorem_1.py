"""Theorem 1: at zero loss R_1 can be lowered in both cases, and rests where it must."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects, complex_step_derivative
from scipy.linalg import null_space

import refimpl
from refimpl.core.r1 import R1Penalty
from refimpl.theory.kinks import convexity_changes, fewest_convexity_changes, kinks
from refimpl.theory.linear_skip import LinearSkip
from refimpl.theory.zero_loss import follow_zero_loss, project_to_tangent, to_zero_loss

X = np.arange(6.0)
KEEP = 0.8


def with_kinks(intercepts, slope_changes, facing):
    """Zero-loss risk of a network with these kinks, and its parameters."""
    facing, t = np.array(facing, dtype=float), np.array(intercepts)
    net = LinearSkip(1, len(t))
    W, b, A = facing[:, None], -facing * t, np.array([slope_changes], dtype=float)
    theta = net.pack(W, b, A, [[0.3]], [-0.2])
    Y = net.forward(theta, X[:, None])
    return refimpl.Risk(net, X[:, None], Y), theta


# Two neurons of opposite slope change with at most one data point between (case i), for
# the four facings; and a change of convexity that is hidden in one interval.
CASE_1 = {
    f"{name}, {between} between": ((1.5, 1.5 + gap), (1.0, -0.7), facing)
    for name, facing in {
        "right right": (1, 1),
        "left left": (-1, -1),
        "right left": (1, -1),
        "left right": (-1, 1),
    }.items()
    for between, gap in {"no point": 0.3, "one point": 1.0}.items()
}
# Two neurons of one facing and different intercepts in an inner interval (case ii).
CASE_2 = {
    "right, one sign": ((2.2, 2.7), (1.0, 0.5), (1, 1)),
    "right, two signs": ((2.2, 2.7), (1.0, -0.5), (1, 1)),
    "left, one sign": ((3.2, 3.7), (1.0, 0.5), (-1, -1)),
    "last inner interval": ((3.2, 3.7), (-1.0, -0.5), (1, 1)),
}
# Fewest convexity changes, and no two neurons that could share: nothing to gain.
CONDENSED = {
    "one kink": ((2.5,), (1.0,), (1,)),
    "two kinks far apart": ((1.5, 3.5), (1.0, -1.0), (1, 1)),
    "two copies": ((2.5, 2.5), (0.5, 0.5), (1, 1)),
}


@pytest.mark.equation("eq:theorem-1", "eq:zero-loss-projection", "eq:zero-loss-flow")
@pytest.mark.parametrize("case", CASE_1 | CASE_2)
def test_r1_falls_on_the_zero_loss_set(case):
    objective, theta = with_kinks(*(CASE_1 | CASE_2)[case])
    penalty = R1Penalty(objective, KEEP)
    assert objective(theta) < 1e-28
    descent = project_to_tangent(objective, theta, -penalty.gradient(theta))
    rate = penalty.gradient(theta) @ descent
    assert rate < -1e-3 * penalty(theta)
    # R_S stays 0 to second order: the outputs change by O(ε²), R_S by O(ε⁴).
    steps = np.array([1e-3, 1e-2])
    losses = [objective(theta + step * descent) for step in steps]
    assert np.log10(losses[1] / losses[0]) == pytest.approx(4, abs=0.3)
    against = [objective(theta - step * penalty.gradient(theta)) for step in steps]
    assert against[0] > 10 * losses[0]
    path = follow_zero_loss(objective, theta, penalty, 1e-2, 5)
    assert (objective(path) < 1e-24).all()
    assert (np.diff(penalty(path)) < 0).all()


@pytest.mark.equation("eq:theorem-1")
@pytest.mark.parametrize("case", CONDENSED)
def test_r1_rests_on_condensed_configurations(case):
    objective, theta = with_kinks(*CONDENSED[case])
    penalty = R1Penalty(objective, KEEP)
    descent = project_to_tangent(objective, theta, -penalty.gradient(theta))
    assert np.abs(penalty.gradient(theta)).max() > 1e-2
    np.testing.assert_allclose(descent, 0, atol=1e-9)


@pytest.mark.equation("eq:convexity-changes", "eq:fewest-convexity-changes")
@pytest.mark.parametrize("case", CASE_1 | CASE_2 | CONDENSED)
def test_no_network_has_fewer_changes_than_its_data_need(case):
    objective, theta = with_kinks(*(CASE_1 | CASE_2 | CONDENSED)[case])
    found = convexity_changes(objective.net, theta, X)
    needed = fewest_convexity_changes(X, objective.Y[:, 0])
    assert found >= needed
    if case in CONDENSED:
        assert found == needed


# Position and slope change of each kink, and the changes of convexity between 0 and 5.
CHANGES = {
    "three that cancel": ([(1, -1), (2, 0.1), (2, 0.2), (2, -0.3), (3, -1)], 0),
    "two whose sum has the other sign": ([(1, -1), (2, 1), (2, -3), (3, -1)], 0),
    "two whose sum keeps the first sign": ([(1, -1), (2, 3), (2, -1), (3, -1)], 2),
    "at the ends, where nothing is seen": ([(0, 1), (2, -1), (5, 1)], 0),
    "a silent neuron between": ([(1, 1), (2, 0), (3, 1)], 0),
    "beyond the ends": ([(-1, 1), (2, -1), (3, 1), (6, -1)], 1),
    "small, but no rounding": ([(1, -1), (2, 1e-12), (3, -1)], 2),
}


@pytest.mark.equation("eq:convexity-changes")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CHANGES)
def test_changes_are_counted_between_kinks_that_bend(case, dtype):
    kinked, expected = CHANGES[case]
    if case.startswith("small") and dtype is np.float32:
        kinked = [(t, 1e-5 if k == 1e-12 else k) for t, k in kinked]
    t, k = np.transpose(kinked)
    net = refimpl.TwoLayer(1, len(t), activation="relu")
    theta = net.pack(np.ones((len(t), 1)), -t, k[None]).astype(dtype)
    assert convexity_changes(net, theta, X) == expected


@pytest.mark.equation("eq:fewest-convexity-changes")
def test_fewest_changes_are_the_sign_changes_of_the_second_differences():
    assert fewest_convexity_changes(X, X**2) == 0
    assert fewest_convexity_changes(X, 3 * X - 1) == 0
    assert fewest_convexity_changes(X, np.array([0, 1, 0, 1, 0, 1.0])) == 3
    steep, near = np.array([1e10, 0, 1, 0, 1, 0]), np.r_[0, 1e-10, 1:5]
    assert fewest_convexity_changes(X, steep) == 3
    assert fewest_convexity_changes(near, np.array([0, 1, 0, 1, 0, 1.0])) == 3
    tenths = (X / 10).astype(np.float32)  # on one line, but for rounding
    assert fewest_convexity_changes(tenths, 1 + tenths) == 0
    with pytest.raises(ValueError, match="x must be at least 3 ascending numbers"):
        fewest_convexity_changes(X[:2], X[:2])
    with pytest.raises(ValueError, match="x must ascend, got "):
        fewest_convexity_changes(X[::-1], X)
    with pytest.raises(ValueError, match="y must be finite, got 6 NaN"):
        fewest_convexity_changes(X, np.full(6, np.nan))
    with pytest.raises(ValueError, match=r"y must have shape \(6,\) like x"):
        fewest_convexity_changes(X, X[:4])


@pytest.mark.equation("eq:kinks")
def test_kinks_are_where_and_how_the_slope_changes():
    objective, theta = with_kinks((1.5, 3.25), (1.0, -0.7), (1, -1))
    found = kinks(objective.net, theta)
    assert_close(found.intercepts, [1.5, 3.25])
    assert_close(found.slope_changes, [1.0, -0.7])
    np.testing.assert_array_equal(found.facing, [1, -1])
    step = 0.1
    for t, change in zip(*found[:2]):
        f = objective.net.forward(theta, [[t - step], [t], [t + step]])[:, 0]
        assert_close((f[2] - 2 * f[1] + f[0]) / step, change, 1e-10)
    with pytest.raises(ValueError, match="ReLU network of one input and one output"):
        kinks(refimpl.TwoLayer(2, 3), np.ones(12))


@pytest.mark.equation("eq:zero-loss-flow", "eq:zero-loss-projection")
def test_a_step_goes_along_the_projected_gradient_and_r1_falls_by_its_square():
    """J and the null space by steps and singular values, of a smooth network."""
    rng = np.random.default_rng(0)
    net = refimpl.TwoLayer(2, 5, 2)
    risk = refimpl.Risk(net, rng.standard_normal((3, 2)), rng.random((3, 2)))
    theta = to_zero_loss(risk, net.init(rng, std=1.0))
    penalty = R1Penalty(risk, KEEP)
    J = complex_step_derivative(
        lambda at: net.run(at, risk.X, (1.0,)).F, theta, np.eye(net.size)
    )
    tangent = null_space(J.reshape(net.size, -1).T)
    gradient = penalty.gradient(theta)
    along = tangent @ (tangent.T @ gradient)

    def step(size, direction):
        return to_zero_loss(risk, theta - size * direction)

    path = follow_zero_loss(risk, theta, penalty, 0.1, 2)
    assert_close(path[1], step(0.1, along), 1e-10)
    assert_rejects(path[1], step(0.05, along), 1e-10)
    assert_rejects(path[1], step(0.1, gradient), 1e-10)  # comes back, but elsewhere
    assert_close(path[2], follow_zero_loss(risk, path[1], penalty, 0.1, 1)[1], 1e-10)
    small = 1e-6
    before, after = penalty(follow_zero_loss(risk, theta, penalty, small, 1))
    assert_close((before - after) / small, along @ along, 1e-4)
    assert_rejects(gradient @ gradient, along @ along, 1e-4)


@pytest.mark.equation("eq:zero-loss-correction")
def test_gauss_newton_reaches_zero_loss():
    rng = np.random.default_rng(0)
    net = refimpl.TwoLayer(2, 10)
    objective = refimpl.Risk(net, rng.standard_normal((4, 2)), rng.random((4, 1)))
    theta = to_zero_loss(objective, net.init(rng, std=1.0))
    F = net.forward(theta, objective.X)
    np.testing.assert_allclose(F, objective.Y, atol=1e-12)
    line = refimpl.TwoLayer(1, 1, 1, "identity")
    narrow = refimpl.Risk(line, [[0], [1], [2]], [[0], [1], [0]])
    with pytest.raises(ValueError, match="theta must be near the zero-loss set"):
        to_zero_loss(narrow, np.ones(3))
