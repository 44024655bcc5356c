"""The convex problem of infinite width: descent, a linear programme, shrinkage."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects
from scipy.optimize import linprog, minimize

import refimpl
from refimpl.data import tanh_pair
from refimpl.theory.infinite_width import (
    directions,
    infinite_width_minimum,
    network,
)
from refimpl.theory.linear_networks import linear_minimum

KEEP = 0.6
RADII = np.geomspace(0.1, 10, 15)


def problem(activation, width=6, n=5):
    """A risk on one input, a grid of neurons, and a finer one to certify."""
    rng = np.random.default_rng(n)
    X, Y = rng.standard_normal((n, 1)), rng.standard_normal((n, 1))
    net = refimpl.TwoLayer(1, width, activation=activation)
    grids = [directions(count) for count in (180, 720)]
    if activation == "tanh":
        grids = [(RADII[:, None, None] * grid).reshape(-1, 2) for grid in grids]
    return refimpl.Risk(net, X, Y), *grids


@pytest.mark.equation("eq:infinite-width")
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_no_training_comes_below_it(activation):
    risk, grid, finer = problem(activation)
    found = infinite_width_minimum(risk, KEEP, grid, finer)
    objective = refimpl.L1(risk, KEEP)
    built = network(risk, found)
    ends = []
    for seed in range(8):
        start = np.random.default_rng(seed).standard_normal(risk.net.size)
        start = built + 0.1 * start if seed % 2 else start
        end = minimize(
            lambda z: (float(objective(z)), objective.gradient(z)),
            start,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 3000},
        )
        ends.append(end.fun)
    assert found.bound <= found.value
    assert found.bound > 0.98 * found.value
    # a finer grid's certificate still leaves a little between its neurons
    assert min(ends) > found.bound * (1 - 1e-3)
    assert_rejects(found.bound, 2 * found.bound)


@pytest.mark.equation("eq:infinite-width")
@pytest.mark.parametrize("width", [1, 4, 50])
def test_for_the_identity_it_is_the_shrinkage(width):
    risk, grid, _ = problem("identity", width)
    found = infinite_width_minimum(risk, KEEP, directions(20_000))
    with_ones = np.concatenate([risk.X, np.ones_like(risk.X)], axis=1)
    expected = linear_minimum(with_ones, risk.Y, width, KEEP)
    assert_close(found.value, expected.value, 1e-6)
    assert_close(found.bound, expected.value, 1e-6)
    assert_close(found.outputs, expected.outputs[:, 0], 1e-3)
    other = linear_minimum(with_ones, risk.Y, width, 1 - KEEP)
    assert_rejects(found.value, other.value, 1e-6)


@pytest.mark.equation("eq:atomic-norm")
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_as_dropout_fades_it_is_the_atomic_norm_of_the_targets(activation):
    risk, grid, _ = problem(activation)
    h = risk.net.activation.value(risk.X @ grid[:, :-1].T + grid[:, -1])
    lengths = np.sqrt((h**2).sum(axis=0))
    atoms = (h / np.where(lengths > 0, lengths, 1))[:, lengths > 1e-8 * lengths.max()]
    both = np.concatenate([atoms, -atoms], axis=1)
    norm = linprog(np.ones(both.shape[1]), A_eq=both, b_eq=risk.Y[:, 0]).fun
    dropped = 1e-7
    found = infinite_width_minimum(risk, 1 - dropped, grid)
    (m,), v = risk.net.hidden, dropped / (1 - dropped)
    assert_close(2 * risk.n * m / v * found.value, norm**2, 1e-4)
    assert_close(abs(found.masses).sum(), norm, 1e-4)
    assert len(found.masses) <= risk.n
    assert_rejects(norm**2, norm, 1e-4)


@pytest.mark.equation("eq:atomic-split")
@pytest.mark.parametrize("width", [10, 30, 300])
def test_a_network_of_split_neurons_comes_near(width):
    risk, grid, _ = problem("tanh", width)
    found = infinite_width_minimum(risk, KEEP, grid)
    theta, K = network(risk, found), len(found.masses)
    assert theta.shape == (risk.net.size,)
    assert_close(risk.net.forward(theta, risk.X)[:, 0], found.outputs)
    r1, least = refimpl.R1(risk, theta, KEEP), found.value - risk(theta)
    assert least * (1 - 1e-12) <= r1 <= least * width / (width - K)
    v = (1 - KEEP) / KEEP
    alike = v / (2 * risk.n) * K / width * (found.masses**2).sum()  # width/K of each
    assert alike > 1.05 * r1


@pytest.mark.equation("eq:atomic-dual")
def test_the_bound_is_below_the_value_by_what_the_grid_misses():
    risk, grid, finer = problem("relu")
    fine = infinite_width_minimum(risk, KEEP, finer)
    assert_close(fine.bound, fine.value, 1e-9)  # on its own grid there is no gap
    coarse = infinite_width_minimum(risk, KEEP, directions(12), finer)
    assert coarse.bound < fine.value < coarse.value
    assert_rejects(coarse.bound, coarse.value, 1e-6)


@pytest.mark.equation("eq:atomic-dual")
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_bound_is_not_above_the_value_whatever_the_certificate(activation):
    risk, grid, finer = problem(activation)
    found = infinite_width_minimum(risk, KEEP, grid, finer[1::2])
    assert found.bound <= found.value
    lone = infinite_width_minimum(risk, KEEP, grid, [[0.0, 1.0]])
    assert_close(lone.bound, infinite_width_minimum(risk, KEEP, grid).bound)
    assert_close(lone.bound, lone.value, 1e-9)


def test_on_figure_4_the_optimum_has_two_orientations():
    net = refimpl.TwoLayer(1, 1000)
    risk = refimpl.Risk(net, *tanh_pair())
    radii = np.geomspace(0.02, 50, 20)[:, None, None]
    grid = (radii * directions(360)).reshape(-1, 2)
    found = infinite_width_minimum(risk, 0.9, grid)
    theta = network(risk, found)
    weights = net.input_weights(theta)
    sizes = refimpl.amplitude(weights, net.outgoing_weights(theta))
    count = refimpl.orientation_count(weights, sizes, threshold=0.995, symmetric=True)
    assert count == 2


def test_targets_of_0_need_no_neuron():
    risk, grid, _ = problem("relu")
    silent = refimpl.Risk(risk.net, risk.X, np.zeros((risk.n, 1)))
    found = infinite_width_minimum(silent, 0.5, grid)
    assert not network(silent, found).any()


def test_bad_input_is_named():
    risk, grid, _ = problem("relu")
    with pytest.raises(ValueError, match="keep must be below 1"):
        infinite_width_minimum(risk, 1.0, grid)
    with pytest.raises(ValueError, match=r"grid must have shape \(G, 2\)"):
        infinite_width_minimum(risk, 0.5, np.ones((3, 3)))
    with pytest.raises(ValueError, match=r"certificate must have shape \(G, 2\)"):
        infinite_width_minimum(risk, 0.5, grid, np.ones((3, 3)))
    for keep in (np.array([0.5, 0.6]), "a"):
        with pytest.raises(ValueError, match="keep must be a finite number"):
            infinite_width_minimum(risk, keep, grid)
    own = refimpl.Risk(risk.net, risk.X[None], risk.Y)
    with pytest.raises(ValueError, match="risk must have one data set"):
        infinite_width_minimum(own, 0.5, grid)
    sure = refimpl.Risk(risk.net, risk.X, np.zeros(5, int), loss="cross_entropy")
    with pytest.raises(ValueError, match="R1 holds for loss 'mse'"):
        infinite_width_minimum(sure, 0.5, grid)
    deep = refimpl.Risk(refimpl.Deep((1, 2, 1)), [[1.0]], [[1.0]])
    with pytest.raises(ValueError, match="risk must be of a TwoLayer"):
        infinite_width_minimum(deep, 0.5, grid)
