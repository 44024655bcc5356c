"""Parameters as one vector; the two networks agree; forward by hand."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects
from problems import ACTIVATIONS, NETWORKS, arrays, network, noise

import refimpl


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.equation("eq:two-layer")
def test_two_layer_is_the_sum_over_neurons(problem):
    risk, theta = problem(n=4, width=3)
    net, X, eta = risk.net, risk.X, noise(risk)
    W, b, A = net.unpack(theta)
    F = np.zeros((4, 2))
    for i in range(4):
        for j in range(3):
            F[i] += A[:, j] * (1 + eta[i, j]) * np.tanh(W[j] @ X[i] + b[j])
    assert_close(net.forward(theta, X, eta), F, 1e-14)
    assert_rejects(net.forward(theta, X), F)


@pytest.mark.equation("eq:deep", "eq:dropout")
def test_deep_is_the_composition_of_its_layers(problem):
    risk, theta = problem("deep 2", "relu", n=5)
    net, X, eta = risk.net, risk.X, noise(risk, layers="all")
    (W1, b1), (W2, b2), (W3, b3) = net.unpack(theta)
    h1 = (1 + eta[0]) * np.maximum(X @ W1.T + b1, 0)
    h2 = (1 + eta[1]) * np.maximum(h1 @ W2.T + b2, 0)
    assert_close(net.forward(theta, X, eta), h2 @ W3.T + b3, 1e-14)
    assert_rejects(net.forward(theta, X, (None, eta[1])), h2 @ W3.T + b3)


@pytest.mark.parametrize("kind", NETWORKS)
def test_pack_inverts_unpack(kind, rng):
    net = network(kind, "tanh")
    theta = rng.standard_normal((3, net.size))
    parts = net.unpack(theta)
    packed = net.pack(*parts) if kind == "two-layer" else net.pack(parts)
    np.testing.assert_array_equal(packed, theta)


@pytest.mark.parametrize("kind", NETWORKS)
def test_unpack_gives_views(kind, rng):
    net = network(kind, "tanh")
    theta = np.zeros(net.size)
    for array in arrays(net, theta):
        array += 1
    np.testing.assert_array_equal(theta, 1)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_deep_without_output_bias_is_two_layer(activation, loss, rng):
    two = refimpl.TwoLayer(2, 4, 3, activation)
    deep = refimpl.Deep((2, 4, 3), activation)
    W, b, A = rng.standard_normal((4, 2)), rng.standard_normal(4), np.ones((3, 4))
    V, c, B = rng.standard_normal((4, 2)), rng.standard_normal(4), np.eye(3, 4)
    zero = np.zeros(3)
    X, Y = rng.standard_normal((5, 2)), np.eye(3)[[0, 1, 2, 0, 1]]
    of_two, of_deep = refimpl.Risk(two, X, Y, loss), refimpl.Risk(deep, X, Y, loss)
    eta = noise(of_two)
    theta, v = two.pack(W, b, A), two.pack(V, c, B)
    theta_deep, v_deep = deep.pack([(W, b), (A, zero)]), deep.pack([(V, c), (B, zero)])
    assert_close(of_deep(theta_deep, eta), of_two(theta, eta), 1e-14)
    for of, of_deep_one in (
        (of_two.gradient(theta, eta), of_deep.gradient(theta_deep, eta)),
        (of_two.hvp(theta, v, eta), of_deep.hvp(theta_deep, v_deep, eta)),
    ):
        (W_deep, b_deep), (A_deep, _) = deep.unpack(of_deep_one)
        for part, part_deep in zip(two.unpack(of), (W_deep, b_deep, A_deep)):
            assert_close(part_deep, part, 1e-13)


def test_init_has_the_documented_deviations(rng):
    net = refimpl.Deep((500, 400, 300), "relu")
    (W, b), (A, c) = net.unpack(net.init(rng))
    np.testing.assert_allclose([W.std(), A.std()], [0.004**0.5, 400**-0.5], rtol=0.02)
    assert not b.any() and not c.any()
    (W, b), (A, c) = net.unpack(net.init(rng, std=(0.5, 2.0)))
    np.testing.assert_allclose(
        [W.std(), b.std(), A.std(), c.std()], [0.5, 0.5, 2.0, 2.0], rtol=0.15
    )
    W, b, A = refimpl.TwoLayer(400, 500).unpack(refimpl.TwoLayer(400, 500).init(rng))
    np.testing.assert_allclose([W.std(), A.std()], [0.05, 500**-0.5], rtol=0.1)


@pytest.mark.parametrize("kind", NETWORKS)
def test_one_generator_a_replica_makes_replicas_independent_of_each_other(kind):
    net = network(kind, "tanh")
    together = net.init([np.random.default_rng(k) for k in range(3)], std=1.0)
    alone = net.init(np.random.default_rng(2), std=1.0)
    np.testing.assert_array_equal(together[2], alone)


@pytest.mark.parametrize("kind", NETWORKS)
def test_input_and_outgoing_weights_are_those_of_the_layer(kind, rng):
    net = network(kind, "tanh")
    theta = rng.standard_normal((2, net.size))
    parts = arrays(net, theta)
    for layer in range(len(net.hidden)):
        W, b, out = parts[2 * layer : 2 * layer + 3]
        weights = net.input_weights(theta, layer)
        np.testing.assert_array_equal(weights[..., :-1], W)
        np.testing.assert_array_equal(weights[..., -1], b)
        outgoing = net.outgoing_weights(theta, layer)
        np.testing.assert_array_equal(outgoing, out.swapaxes(-1, -2))
