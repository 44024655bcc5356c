"""The gradient of R_2, and both over replicas, data sets, chunks and routes."""

import numpy as np
import oracles
import pytest
from r2_cases import CASES, EPSILON, NETS, enumerated_gradient

import refimpl
from refimpl.arrays import backend
from refimpl.theory import gradient_noise
from refimpl.theory import gradient_noise_deep as deep
from refimpl.theory import gradient_noise_two_layer as two_layer
from refimpl.theory.r2 import R2, R2_gradient


@pytest.mark.equation("eq:r2-gradient")
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("activation, outputs, keep, sizes", CASES[::3])
def test_r2_gradient_is_the_mean_hessian_gradient_product(
    activation, outputs, keep, sizes, per_sample, net, problem
):
    risk, theta = problem(net, activation, outputs, **sizes)
    drop = refimpl.Dropout(keep, per_sample)
    oracles.assert_close(
        R2_gradient(risk, theta, drop, EPSILON), enumerated_gradient(risk, theta, drop)
    )


@pytest.mark.parametrize("per_sample", [False, True])
def test_a_r2_gradient_without_curvature_is_rejected(per_sample, monkeypatch, problem):
    risk, theta = problem()
    drop = refimpl.Dropout(0.6, per_sample)
    expected = enumerated_gradient(risk, theta, drop)
    oracles.assert_close(R2_gradient(risk, theta, drop, EPSILON), expected)
    flat = staticmethod(np.zeros_like)
    monkeypatch.setattr(risk.net.activation, "curvature", flat)
    oracles.assert_rejects(R2_gradient(risk, theta, drop, EPSILON), expected)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("per_sample", [False, True])
def test_replicas_beside_each_other_are_replicas_alone(per_sample, net, problem):
    risk, thetas = problem(net, replicas=(2, 3))
    keep, epsilon = np.array([0.3, 0.6, 1.0]), np.array([0.1, 0.2, 0.4])
    drop = refimpl.Dropout(keep, per_sample)
    values = R2(risk, thetas, drop, epsilon)
    gradients = R2_gradient(risk, thetas, drop, epsilon)
    assert values.shape == (2, 3) and gradients.shape == thetas.shape
    for index in np.ndindex(2, 3):
        one = refimpl.Dropout(keep[index[1]], per_sample)
        arguments = risk, thetas[index], one, epsilon[index[1]]
        oracles.assert_close(values[index], R2(*arguments))
        oracles.assert_close(gradients[index], R2_gradient(*arguments))


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("per_sample", [False, True])
def test_data_may_differ_between_replicas(per_sample, net, problem):
    risk, theta = problem(net)
    X, drop = np.stack([risk.X, 2 * risk.X]), refimpl.Dropout(0.6, per_sample)
    both = refimpl.Risk(risk.net, X, risk.Y)
    values = R2(both, theta, drop, EPSILON)
    gradients = R2_gradient(both, theta, drop, EPSILON)
    for value, gradient, inputs in zip(values, gradients, X):
        one = refimpl.Risk(risk.net, inputs, risk.Y)
        oracles.assert_close(value, R2(one, theta, drop, EPSILON))
        oracles.assert_close(gradient, R2_gradient(one, theta, drop, EPSILON))


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("per_sample", [False, True])
def test_chunks_do_not_change_r2(per_sample, net, monkeypatch, problem):
    risk, theta = problem(net, n=7, width=5)
    drop = refimpl.Dropout(0.6, per_sample)
    value = R2(risk, theta, drop, EPSILON)
    gradient = R2_gradient(risk, theta, drop, EPSILON)
    monkeypatch.setattr(backend, "CHUNK_ELEMENTS", 500)
    oracles.assert_close(R2(risk, theta, drop, EPSILON), value)
    oracles.assert_close(R2_gradient(risk, theta, drop, EPSILON), gradient)


@pytest.mark.equation("eq:r2-deep")
@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_both_routes_agree_beyond_enumeration(activation, per_sample, problem):
    risk, theta = problem(activation=activation, n=6, inputs=3, width=25)
    moments = gradient_noise.noise_moments(0.8)
    arguments = risk, theta, moments, per_sample
    oracles.assert_close(two_layer.trace(*arguments), deep.trace(*arguments))
    oracles.assert_close(
        two_layer.trace_gradient(*arguments), deep.trace_gradient(*arguments)
    )


@pytest.mark.parametrize("net", NETS)
def test_without_dropout_r2_is_the_plain_gradient_norm(net, problem):
    risk, theta = problem(net)
    drop, g = refimpl.Dropout(1.0), risk.gradient(theta)
    expected = 0.25 * EPSILON * (g**2).sum()
    oracles.assert_close(R2(risk, theta, drop, EPSILON), expected)
    expected = 0.5 * EPSILON * risk.hvp(theta, g)
    oracles.assert_close(R2_gradient(risk, theta, drop, EPSILON), expected)


def test_layers_all_is_layers_last_for_one_hidden_layer(problem):
    risk, theta = problem()
    last, every = refimpl.Dropout(0.6), refimpl.Dropout([0.6], layers="all")
    assert R2(risk, theta, every, EPSILON) == R2(risk, theta, last, EPSILON)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("per_sample", [False, True])
def test_r2_keeps_single_precision(per_sample, net, problem):
    risk, theta = problem(net)
    for keep in (0.6, np.array([0.6])):
        drop = refimpl.Dropout(keep, per_sample)
        single = theta[None].astype(np.float32)
        value, gradient = (f(risk, single, drop, EPSILON) for f in (R2, R2_gradient))
        assert value.dtype == gradient.dtype == np.float32
        exact = R2(risk, theta[None], drop, EPSILON)
        oracles.assert_close(value, exact, rtol=1e-5)
