"""The network of Theorem 1: its passes against complex steps."""

import numpy as np
import pytest
from oracles import assert_close, complex_step_derivative, complex_step_gradient
from problems import direction, noise

import refimpl
from refimpl.theory.linear_skip import LinearSkip


@pytest.fixture
def case(problem):
    """Risk, θ, a direction, and noise."""
    objective, theta = problem(LinearSkip(2, 4, 2, "tanh"))
    return objective, theta, direction(theta), noise(objective)


@pytest.mark.equation("eq:linear-skip")
def test_it_is_the_two_layer_network_and_a_linear_map(case):
    objective, theta, _, eta = case
    net, X = objective.net, objective.X
    W, b, A, V, c = net.unpack(theta)
    neurons = net.neurons.forward(net.neurons.pack(W, b, A), X, eta)
    assert_close(net.forward(theta, X, eta), neurons + X @ V.T + c, 1e-14)
    np.testing.assert_array_equal(net.pack(W, b, A, V, c), theta)


@pytest.mark.equation("eq:linear-skip-backward")
def test_gradient_and_hvp_are_its_derivatives(case):
    objective, theta, v, eta = case
    for one, e in ((objective, eta), (refimpl.L1(objective, 0.7), None)):
        expected = complex_step_gradient(lambda t: one(t, e), theta)
        assert_close(one.gradient(theta, e), expected)
        product = complex_step_derivative(lambda t: one.gradient(t, e), theta, v)
        assert_close(one.hvp(theta, v, e), product)


def test_r1_is_that_of_the_neurons_alone(case):
    objective, theta, _, _ = case
    net = objective.net
    mean = refimpl.expectation(
        lambda eta: objective(theta, eta), refimpl.Dropout(0.6), net, 3
    ).mean
    assert_close(objective(theta) + refimpl.R1(objective, theta, 0.6), mean)
    start = net.init([np.random.default_rng(k) for k in range(2)], std=1.0)
    assert start.shape == (2, net.size) and not start[:, net.neurons.size :].any()
