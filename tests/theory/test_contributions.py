"""R_1 as a sum over neurons' contributions; the toy example; splitting."""

from functools import partial

import numpy as np
import pytest
from oracles import assert_close, assert_rejects

import refimpl
from refimpl.theory.contributions import (
    contributions,
    r1_group_norm,
    r1_split,
    split_neurons,
)
from refimpl.theory.zero_loss import project_to_tangent

KEEP = 0.7


@pytest.fixture
def pair(problem):
    """Function that gives a risk and two θ."""
    return partial(problem, replicas=(2,))


@pytest.mark.equation("eq:contributions")
@pytest.mark.parametrize("kind", ["two-layer", "deep 2"])
def test_r1_is_the_sum_of_their_squares_and_the_output_their_sum(kind, pair):
    objective, theta = pair(kind)
    u = contributions(objective, theta)
    scale = (1 - KEEP) / KEEP / (2 * objective.n)
    squares = (u**2).sum(axis=(-3, -2, -1))
    assert_close(refimpl.R1(objective, theta, KEEP), scale * squares)
    F = objective.net.forward(theta, objective.X)
    if kind != "two-layer":
        F = F - objective.net.unpack(theta)[-1][1][..., None, :]
    assert_close(u.sum(axis=-3), F)


@pytest.mark.equation("eq:toy-example")
def test_r1_splits_in_what_the_outputs_fix_and_a_spread(pair):
    objective, theta = pair()
    fixed, spread = r1_split(objective, theta, KEEP)
    assert_close(fixed + spread, refimpl.R1(objective, theta, KEEP))
    assert (spread > 0).all()
    # Equal contributions: no spread, whatever the outputs.
    W, b, A = objective.net.unpack(theta)
    equal = objective.net.pack(
        W[:, :1] + np.zeros_like(W), b[:, :1] + np.zeros_like(b), A[..., :1] + 0 * A
    )
    _, spread = r1_split(objective, equal, KEEP)
    np.testing.assert_allclose(spread, 0, atol=1e-15)


@pytest.mark.equation("eq:toy-example")
def test_the_toy_example_ends_with_parallel_output_vectors():
    """Two neurons, two points: the flow of R_1 at zero loss aligns both with y."""
    from refimpl.core.r1 import R1Penalty
    from refimpl.theory.zero_loss import follow_zero_loss

    net = refimpl.TwoLayer(2, 2, 1, "tanh")
    y = np.array([[0.5], [0.3]])
    objective = refimpl.Risk(net, np.eye(2), y)
    theta = net.init(np.random.default_rng(1), std=0.7)
    path = follow_zero_loss(objective, theta, R1Penalty(objective, 0.5), 1.0, 400)
    start, end = (contributions(objective, t)[..., 0] for t in (path[0], path[-1]))

    def angles(u):
        return u @ y[:, 0] / np.linalg.norm(u, axis=1) / np.linalg.norm(y)

    assert angles(start).min() < 0.9
    assert angles(end).min() > 0.9999
    _, spread = r1_split(objective, path[-1], 0.5)
    assert spread < 1e-4 * refimpl.R1(objective, path[0], 0.5)


def toy(z, a, y=(1.0, 0.6)):
    """Net, risk of target y and θ (P,) with activations tanh z (2, 2) by neuron."""
    net, X = refimpl.TwoLayer(2, 2), np.array([[1.0, 0.2], [-0.3, 1.0]])
    W = np.linalg.solve(X, np.transpose(z)).T
    return refimpl.Risk(net, X, np.array(y)[:, None]), net.pack(W, np.zeros(2), [a])


def downhill(risk, theta):
    """Length of the gradient of R_1 at zero loss."""
    gradient = refimpl.R1_gradient(risk, theta, KEEP)
    return np.linalg.norm(project_to_tangent(risk, theta, gradient))


@pytest.mark.equation("eq:toy-stationary")
def test_the_toy_example_rests_at_equal_contributions_whatever_the_weights():
    a, y = np.array([0.8, -1.7]), np.array([1.0, 0.6])
    risk, theta = toy(np.arctanh(y / 2 / a[:, None]), a)
    assert risk(theta) < 1e-28 and r1_split(risk, theta, KEEP)[1] < 1e-28
    assert downhill(risk, theta) < 1e-14
    unequal = np.stack([[0.6, 0.3], [0.4, 0.3]])  # the same sum
    risk, theta = toy(np.arctanh(unequal / a[:, None]), a)
    assert risk(theta) < 1e-28 and downhill(risk, theta) > 1e-3


@pytest.mark.equation("eq:toy-stationary")
def test_a_silent_neuron_rests_across_the_targets_and_is_no_minimum():
    y, a = np.array([1.0, 0.6]), np.array([0.0, 2.0])
    second = np.arctanh(y / 2)
    across, turned = np.array([-0.3, 0.5]), np.array([-0.2, 0.5])
    risk, theta = toy([np.arctanh(across), second], a)
    assert risk(theta) < 1e-28 and downhill(risk, theta) < 1e-14
    risk, moved = toy([np.arctanh(turned), second], a)
    assert downhill(risk, moved) > 1e-3  # of the same R_1: down from there
    np.testing.assert_allclose(*(r1_split(risk, t, KEEP)[1] for t in (theta, moved)))


@pytest.mark.equation("eq:toy-stationary")
def test_saturated_the_gradient_falls_with_the_activation_and_pulls_one_point_back():
    y, best = np.array([1.0, 0.6]), 0.4  # (1, 1)·y/2 over 2
    lengths, pulls = [], []
    for z in (4.0, 5.0, 6.0):
        h = np.tanh([z, z])
        a = h @ y / 2 / (h @ h)
        other = y - a * h
        risk, theta = toy([[z, z], np.arctanh(other)], [a, 1.0])
        assert risk(theta) < 1e-28 and abs(a - best) < 1e-3
        step = project_to_tangent(risk, theta, -refimpl.R1_gradient(risk, theta, KEEP))
        W, b, _ = risk.net.unpack(step)
        lengths.append(np.linalg.norm(step))
        pulls.append(np.sign(risk.X @ W[0] + b[0]))
    np.testing.assert_allclose(np.diff(np.log(lengths)), -2, atol=0.02)
    assert_close(pulls, [[1, -1]] * 3)


@pytest.mark.equation("eq:r1-splitting")
def test_splitting_keeps_the_function_and_divides_r1(pair):
    objective, theta = pair()
    wide, split = split_neurons(objective.net, theta, 3)
    other = refimpl.Risk(wide, objective.X, objective.Y)
    X = objective.X
    assert_close(wide.forward(split, X), objective.net.forward(theta, X))
    r1 = refimpl.R1(objective, theta, KEEP)
    assert_close(refimpl.R1(other, split, KEEP), r1 / 3)
    assert_rejects(refimpl.R1(other, split, KEEP), r1)
    for copies in (0, 1.5, True):
        with pytest.raises(ValueError, match="copies must be an integer of at least 1"):
            split_neurons(objective.net, theta, copies)


@pytest.mark.equation("eq:r1-group-norm")
def test_the_group_norm_bounds_r1_and_does_not_see_splitting(pair):
    objective, theta = pair()
    bound = r1_group_norm(objective, theta, KEEP)
    assert (bound < refimpl.R1(objective, theta, KEEP)).all()
    wide, split = split_neurons(objective.net, theta, 5)
    other = refimpl.Risk(wide, objective.X, objective.Y)
    m = objective.net.hidden[0]
    assert_close(5 * m * r1_group_norm(other, split, KEEP), m * bound)
    # Met where all contributions have one norm.
    W, b, A = objective.net.unpack(theta)
    norms = np.linalg.norm(contributions(objective, theta), axis=(-2, -1))
    equal = objective.net.pack(W, b, A / norms[:, None, :])
    assert_close(
        r1_group_norm(objective, equal, KEEP), refimpl.R1(objective, equal, KEEP)
    )


@pytest.mark.equation("eq:toy-example", "eq:r1-group-norm")
def test_they_take_and_refuse_what_r1_does(pair):
    risk, theta = pair()
    keep = np.array([0.3, 0.9])
    for at in (theta, theta[0]):
        r1 = refimpl.R1(risk, at, keep)
        assert_close(sum(r1_split(risk, at, keep)), r1)
        assert_rejects(sum(r1_split(risk, at, keep[::-1].copy())), r1)
        ats = np.broadcast_to(at, theta.shape)
        norms = [r1_group_norm(risk, *one) for one in zip(ats, keep)]
        assert_close(r1_group_norm(risk, at, keep), norms)
    other, _ = pair(loss="cross_entropy")
    refused = [(risk, keep, "keep must lie in") for keep in (0, 1.5, "a", -1.0)]
    refused += [(other, 0.5, "R1 holds for loss 'mse'")]
    refused += [(risk, np.full(3, 0.5), "leading axes of theta, ")]
    for fn in (r1_split, r1_group_norm):
        for of, keep, message in refused:
            with pytest.raises(ValueError, match=message):
                fn(of, theta, keep)
