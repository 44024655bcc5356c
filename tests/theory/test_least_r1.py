"""What is least where R_1 is: the toy example, and whether the group norm is met."""

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

KEEP = 0.5


def cosine(one, other):
    return one @ other / np.linalg.norm(one) / np.linalg.norm(other)


def spread_and_cosine(net, theta, X, y):
    """The spread of R_1, and the cosine between the two neurons' input weights."""
    risk = refimpl.Risk(net, X, y)
    assert risk(theta) < 1e-28
    return r1_split(risk, theta, KEEP)[1], cosine(*net.input_weights(theta))


@pytest.mark.equation("eq:toy-example")
def test_relu_neurons_of_equal_contributions_have_one_orientation():
    """Three points that span the inputs (x, 1), all active, no target zero."""
    net = refimpl.TwoLayer(2, 2, 1, "relu")
    X, y = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0]]), np.array([0.5, 0.3, 0.9])
    a = np.array([0.5, 2.0])
    weights = np.linalg.solve(
        np.pad(X, [(0, 0), (0, 1)], constant_values=1.0), y[:, None] / (2 * a)
    ).T
    theta = net.pack(weights[:, :2], weights[:, 2], a[None])
    spread, cosines = spread_and_cosine(net, theta, X, y[:, None])
    assert spread < 1e-30 and cosines > 1 - 1e-12


@pytest.mark.equation("eq:toy-example")
@pytest.mark.parametrize("why", ["a zero target", "fewer points", "tanh"])
def test_otherwise_equal_contributions_leave_the_orientations_apart(why):
    activation = "tanh" if why == "tanh" else "relu"
    net = refimpl.TwoLayer(2, 2, 1, activation)
    X, b = np.eye(2), np.zeros(2)
    if why == "a zero target":  # inactive there, the neurons need not agree on it
        y, a, W = [0.5, 0.0], [0.5, 0.5], [[0.5, -0.1], [0.5, -3.0]]
    elif why == "fewer points":  # two points, three input weights (w, b)
        y, a, W = [0.5, 0.3], [0.5, 0.5], [[0.5, 0.3], [-0.5, -0.7]]
        b = np.array([0.0, 1.0])
    else:  # h parallel, of unlike size: σ⁻¹ turns them apart
        y, a = [0.5, 0.3], [0.26, 2.0]
        W = np.arctanh(np.array(y) / (2 * np.array(a)[:, None]))
    theta = net.pack(W, b, [a])
    spread, cosines = spread_and_cosine(net, theta, X, np.array(y)[:, None])
    assert spread < 1e-30 and cosines < 0.99
    u = contributions(refimpl.Risk(net, X, X[:, :1]), theta)[..., 0]
    assert_close(u, np.array([y, y]) / 2)


@pytest.mark.equation("eq:r1-group-norm")
def test_the_bound_falls_with_the_width_and_the_sum_does_not():
    rng = np.random.default_rng(0)
    net = refimpl.TwoLayer(2, 3, 1)
    X, y = rng.standard_normal((4, 2)), rng.standard_normal((4, 1))
    risk, theta = refimpl.Risk(net, X, y), net.init(rng, std=1.0)
    wide, split = split_neurons(net, theta, 5)
    bound = r1_group_norm(risk, theta, KEEP)
    found = r1_group_norm(refimpl.Risk(wide, X, y), split, KEEP)
    assert_close(found, bound / 5)
    assert_rejects(found, bound)


def sum_of_norms(risk, theta):
    return np.linalg.norm(contributions(risk, theta), axis=(-2, -1)).sum()


@pytest.mark.equation("eq:r1-group-norm")
def test_for_tanh_the_least_sum_need_not_be_attained():
    """Targets that are linear in x: the sum tends to ‖y‖ only as the weight does to 0.

    It would be ‖y‖ for contributions parallel to y alone. At x = 1, 2, 3 no tanh neuron
    is: tanh(b + w), tanh(b + 2w), tanh(b + 3w) rise by equal steps only if the middle
    one is 0, and then they are not parallel to (1, 2, 3).
    """
    x = np.array([1.0, 2.0, 3.0])
    net = refimpl.TwoLayer(1, 4, 1)
    risk = refimpl.Risk(net, x[:, None], x[:, None])
    others = np.array([0.5, 1.0, 1.5])
    excess, weights = [], np.array([0.05, 0.025, 0.0125])
    for w in weights:
        rest = x - np.tanh(w * x) / w  # what the first neuron lacks, O(w²)
        a = np.linalg.solve(np.tanh(np.outer(x, others)), rest)
        theta = net.pack(
            np.append(w, others)[:, None], np.zeros(4), np.append(1 / w, a)[None]
        )
        assert risk(theta) < 1e-20
        excess.append(sum_of_norms(risk, theta) - np.linalg.norm(x))
    assert min(excess) > 0
    np.testing.assert_allclose(np.diff(np.log2(excess)), -2, atol=0.1)
    w, b = np.meshgrid(np.geomspace(1e-3, 10, 200), np.linspace(-10, 10, 401))
    h = np.tanh(w[..., None] * x + b[..., None])
    cosines = np.abs(h @ x) / np.linalg.norm(h, axis=-1) / np.linalg.norm(x)
    assert cosines.max() < 1


@pytest.mark.equation("eq:r1-group-norm")
def test_for_relu_it_is_attained():
    x = np.array([1.0, 2.0, 3.0])
    net = refimpl.TwoLayer(1, 2, 1, "relu")
    risk = refimpl.Risk(net, x[:, None], x[:, None])
    theta = net.pack([[1.0], [2.0]], [0.0, 0.0], [[0.4, 0.3]])
    assert risk(theta) < 1e-28
    assert_close(sum_of_norms(risk, theta), np.linalg.norm(x))
