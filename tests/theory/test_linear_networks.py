"""Linear networks: the closed-form minimum, and dropout in every layer."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects
from scipy.optimize import minimize

import refimpl
from refimpl.theory.linear_networks import (
    equalised,
    linear_dropout_effect,
    linear_minimum,
    shrunk,
)

# (n, d, o, width, keep): wide, narrow, one output, no noise, few samples, one neuron
CASES = [
    (8, 4, 3, 6, 0.5),
    (8, 4, 3, 2, 0.5),
    (8, 3, 1, 5, 0.2),
    (6, 4, 3, 3, 1.0),
    (3, 5, 4, 7, 0.8),
    (9, 3, 5, 1, 0.6),
]


def data(n, d, o, seed=0):
    rng = np.random.default_rng([seed, n, d, o])
    X = rng.standard_normal((n, d))
    return X, X @ rng.standard_normal((d, o)) + 0.3 * rng.standard_normal((n, o))


def loss(X, Y, width, keep):
    """R_S + R_1 and its gradient in (W, A), no biases: our own objective, masked."""
    net = refimpl.TwoLayer(X.shape[1], width, Y.shape[1], "identity")
    objective = refimpl.L1(refimpl.Risk(net, X, Y), keep)
    free = np.concatenate(
        [np.full(width * X.shape[1], True), np.full(width, False)]
        + [np.full(width * Y.shape[1], True)]
    )

    def value_and_gradient(z):
        theta = np.zeros(net.size)
        theta[free] = z
        return float(objective(theta)), objective.gradient(theta)[free]

    return objective, value_and_gradient, free.sum()


@pytest.mark.equation("eq:linear-minimum")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_minimum_is_attained_and_no_descent_comes_below(case):
    *sizes, width, keep = case
    X, Y = data(*sizes)
    found = linear_minimum(X, Y, width, keep)
    objective, value_and_gradient, P = loss(X, Y, width, keep)
    assert_close(objective(found.theta), found.value, 1e-10)
    assert_close(objective.net.forward(found.theta, X), found.outputs, 1e-9)
    ends = [
        minimize(
            value_and_gradient,
            np.random.default_rng(seed).standard_normal(P),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-10},
        ).fun
        for seed in range(6)
    ]
    assert min(ends) >= found.value * (1 - 1e-9)
    assert_close(min(ends), found.value, 1e-6)


@pytest.mark.equation("eq:linear-minimum")
def test_biases_do_not_help_where_data_are_centred_and_do_elsewhere():
    X, Y = data(8, 4, 3)
    for centred in (True, False):
        if centred:
            X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
        else:
            Y = Y + 1.0
        found = linear_minimum(X, Y, 6, 0.5)
        objective, *_ = loss(X, Y, 6, 0.5)
        with_biases = min(
            minimize(
                lambda z: (float(objective(z)), objective.gradient(z)),
                np.random.default_rng(seed).standard_normal(objective.net.size),
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-10},
            ).fun
            for seed in range(6)
        )
        if centred:
            assert_close(with_biases, found.value, 1e-6)
        else:
            assert with_biases < 0.9 * found.value


@pytest.mark.equation("eq:linear-r1")
@pytest.mark.parametrize("rank, m", [(1, 1), (3, 3), (3, 8), (5, 40)])
def test_r1_of_the_best_factorisation_is_the_squared_nuclear_norm(rank, m):
    rng = np.random.default_rng(rank)
    X = rng.standard_normal((9, 6))
    F = X @ rng.standard_normal((6, rank)) @ rng.standard_normal((rank, 5))
    U, s, V = np.linalg.svd(F, full_matrices=False)
    B = equalised(np.sqrt(s[:rank]), m)
    net = refimpl.TwoLayer(6, m, 5, "identity")
    H, A = U[:, :rank] @ B.T, V[:rank].T @ B.T
    theta = net.pack((np.linalg.pinv(X) @ H).T, np.zeros(m), A)
    risk = refimpl.Risk(net, X, F)
    assert abs(float(risk(theta))) < 1e-20
    bound = (0.3 / 0.7) / (2 * 9 * m) * s.sum() ** 2
    assert_close(refimpl.R1(risk, theta, 0.7), bound, 1e-10)
    assert_rejects((s**2).sum(), s.sum() ** 2 / m if m != 1 else 2 * s.sum() ** 2)
    for seed in range(20):  # another factorisation of the same outputs has more
        M = np.random.default_rng(seed).standard_normal((m, m)) / np.sqrt(m)
        M = M + np.eye(m)
        W, _, _ = net.unpack(theta)
        other = net.pack(M.T @ W, np.zeros(m), A @ np.linalg.inv(M).T)
        assert_close(net.forward(other, X), F, 1e-6)
        assert refimpl.R1(risk, other, 0.7) >= bound * (1 - 1e-10)


@pytest.mark.equation("eq:linear-r1")
@pytest.mark.parametrize("r, m", [(1, 1), (1, 7), (3, 3), (4, 9), (3, 200)])
def test_rows_of_one_length(r, m):
    scales = np.random.default_rng(r).uniform(0.1, 2, r)
    B = equalised(scales, m)
    assert_close(B.T @ B, np.diag(scales**2), 1e-12)
    assert_close((B**2).sum(axis=1), np.full(m, (scales**2).sum() / m), 1e-12)


@pytest.mark.equation("eq:linear-minimum")
def test_shrinkage_is_the_least_by_its_conditions():
    """It is where the slope is 0, and not negative at s_k = 0."""
    y, v = np.array([3.0, 2.0, 0.5, 0.1]), 0.7
    for m in (4, 10, 1000):
        s, threshold = shrunk(y, m, v)
        assert 0 < (s > 0).sum() < 4 or m == 1000
        slope = 2 * (s - y) + 2 * v / m * s.sum()
        assert abs(slope[s > 0]).max() < 1e-12
        assert (slope[s == 0] >= 0).all()
        assert threshold == pytest.approx(v / m * s.sum())
    assert (shrunk(y, 2, v)[0] > 0).sum() == 2
    assert not shrunk(0 * y, 3, v)[0].any()


@pytest.mark.equation("eq:linear-dropout")
@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("keep", [0.7, (0.5, 0.9)])
def test_every_layer_dropped_against_all_masks(keep, per_sample, problem):
    net = refimpl.Deep((2, 2, 3, 2), "identity")
    risk, theta = problem(net, n=2)
    drop = refimpl.Dropout(keep, per_sample, layers="all")
    mean = refimpl.expectation(lambda eta: risk(theta, eta), drop, net, risk.n).mean
    found = linear_dropout_effect(risk, theta, drop)
    assert_close(found, mean - risk(theta), 1e-11)
    assert_rejects(found, refimpl.main_effects(risk, theta, drop), 1e-11)


@pytest.mark.equation("eq:linear-dropout")
def test_after_the_last_layer_it_is_r1_and_replicas_are_kept(problem):
    risk, theta = problem("deep 3", "identity", replicas=(2, 3))
    found = linear_dropout_effect(risk, theta, 0.7)
    assert_close(found, refimpl.R1(risk, theta, 0.7))
    assert_rejects(found, refimpl.R1(risk, theta, 0.3))
    drop = refimpl.Dropout((0.5, 0.9, 0.7), layers="all")
    whole = linear_dropout_effect(risk, theta, drop)
    assert_close(whole[1, 2], linear_dropout_effect(risk, theta[1, 2], drop))


def test_what_is_no_linear_network_is_refused(problem):
    for risk, words in (
        (problem("deep 2", "tanh")[0], "risk must be of a linear Deep network"),
        (problem("deep 2", "identity", loss="cross_entropy")[0], "loss 'mse'"),
    ):
        with pytest.raises(ValueError, match=words):
            linear_dropout_effect(risk, np.zeros(risk.net.size), 0.5)
    with pytest.raises(ValueError, match="Y must have shape"):
        linear_minimum(np.ones((2, 3)), np.ones((3, 1)), 2, 0.5)
    with pytest.raises(ValueError, match="keep must be a finite number"):
        linear_minimum(*data(4, 2, 1), 2, np.array([0.5, 0.6]))
    for X in (np.ones((2, 3, 1)), [1.0]):
        with pytest.raises(ValueError, match=r"X and Y must be \(n, d\) and \(n, o\)"):
            linear_minimum(X, X, 2, 0.5)
