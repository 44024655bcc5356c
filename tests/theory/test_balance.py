"""The balance of neurons, over real steps with real masks."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects

import refimpl
from refimpl.theory.balance import balance, mean_balance_step

EPSILON = 0.3


@pytest.mark.equation("eq:balance")
@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("activation", ["relu", "identity"])
@pytest.mark.parametrize("kind", ["two-layer", "deep 3"])
def test_a_step_adds_the_balance_of_the_gradient(
    kind, activation, loss, per_sample, problem
):
    risk, theta = problem(kind, activation, loss=loss)
    drop = refimpl.Dropout(0.6, per_sample, layers="all")
    eta = drop.draw(risk.net, risk.n, np.random.default_rng(0), 5)
    g = risk.gradient(theta, eta)  # of five masks
    for layer in range(len(risk.net.hidden)):
        before = balance(risk.net, theta, layer)
        after = balance(risk.net, theta - EPSILON * g, layer)
        expected = EPSILON**2 * balance(risk.net, g, layer)
        assert_close(after, before + expected, 1e-12)
        assert_rejects(after, before - expected, 1e-12)


@pytest.mark.equation("eq:balance")
def test_a_batch_adds_its_own(problem):
    risk, theta = problem(activation="relu")
    batch = risk.batch(np.array([0, 2]))
    g = batch.gradient(theta)
    after = balance(risk.net, theta - EPSILON * g)
    expected = balance(risk.net, theta) + EPSILON**2 * balance(risk.net, g)
    assert_close(after, expected)


@pytest.mark.equation("eq:balance")
def test_tanh_has_a_change_of_first_order(problem):
    risk, theta = problem(activation="tanh")
    g = risk.gradient(theta)
    sizes, changes = np.array([2e-3, 1e-3]), []
    for epsilon in sizes:
        after = balance(risk.net, theta - epsilon * g)
        changes.append(abs(after - balance(risk.net, theta)).max())
    assert np.log2(changes[0] / changes[1]) == pytest.approx(1, abs=0.01)


@pytest.mark.equation("eq:balance-mean")
@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("kind", ["two-layer", "deep 2"])
def test_its_mean_over_all_masks(kind, per_sample, problem):
    risk, theta = problem(kind, "relu")
    drop, last = refimpl.Dropout(0.6, per_sample), len(risk.net.hidden) - 1

    def after(eta):
        at = theta - EPSILON * risk.gradient(theta, eta)
        return balance(risk.net, at, last)

    mean = refimpl.expectation(after, drop, risk.net, risk.n).mean
    found = mean_balance_step(risk, theta, drop, EPSILON)
    assert_close(found, mean - balance(risk.net, theta, last), 1e-11)
    other = refimpl.Dropout(0.6, not per_sample)
    assert_rejects(found, mean_balance_step(risk, theta, other, EPSILON), 1e-11)
    g = risk.gradient(theta) + refimpl.R1_gradient(risk, theta, 0.6)
    without = EPSILON**2 * balance(risk.net, g, last)  # the covariance left out
    assert_rejects(found, without, 1e-11)


@pytest.mark.equation("eq:balance-mean")
def test_noise_brings_the_neurons_of_one_sample_to_balance():
    """Outgoing weights, large at the start, shrink until |a_j| = h_j / ‖(x, 1)‖."""
    net, X = refimpl.TwoLayer(2, 3, activation="relu"), np.array([[0.6, -0.3]])
    risk, rng = refimpl.Risk(net, X, [[1.0]]), np.random.default_rng(0)
    theta = net.pack(0.1 * np.ones((3, 2)), [0.1, 0.2, 0.3], [[1.2, 1.0, 0.8]])
    drop = refimpl.Dropout(0.5)
    noisy = refimpl.train(risk, theta, refimpl.GD(0.05), 40_000, drop, rng=rng).theta
    W, b, A = net.unpack(noisy)
    np.testing.assert_allclose(A[0], (W @ X[0] + b) / np.hypot(0.45**0.5, 1), rtol=1e-6)
    mean = refimpl.train(refimpl.L1(risk, 0.5), theta, refimpl.GD(0.01), 20_000).theta
    np.testing.assert_allclose(balance(net, mean), balance(net, theta), atol=0.02)
    assert abs(balance(net, theta)).max() > 1


@pytest.mark.equation("eq:balance-mean")
def test_a_single_neuron_comes_to_rest_unbalanced():
    """At f = py no mask has a gradient; the way there is a product of known factors."""
    net, X, p = refimpl.TwoLayer(2, 1, activation="relu"), [[0.6, -0.3]], 0.5
    risk, rng = refimpl.Risk(net, X, [[1.0]]), np.random.default_rng(0)
    theta = net.pack([[0.1, 0.1]], [0.2], [[1.2]])
    drop, square = refimpl.Dropout(p), 1 + 0.45

    def unbalance(theta):
        W, b, A = net.unpack(theta)
        return float(A[0, 0] ** 2 - (W @ X[0] + b)[0] ** 2 / square)

    product = unbalance(theta)
    for _ in range(2_000):
        eta = drop.draw(net, risk.n, rng)
        q = 1 + float(np.ravel(eta)[0])
        r = float(net.forward(theta, X)[0, 0]) * q - 1
        product *= 1 - (0.05 * r * q) ** 2 * square
        theta = theta - 0.05 * risk.gradient(theta, eta)
    np.testing.assert_allclose(unbalance(theta), product, rtol=1e-9)
    assert product > 0.5
    np.testing.assert_allclose(net.forward(theta, X), p, rtol=1e-9)
