"""The second-order regularizer against R_1, enumeration and complex steps."""

from functools import partial

import numpy as np
import pytest
from oracles import assert_close, assert_rejects

import refimpl
from refimpl.arrays import backend
from refimpl.theory.delta_method import activation_hessians, delta_regularizer


@pytest.fixture
def small(problem):
    """Function that gives a risk on two samples, of three classes, and θ."""
    return partial(problem, outputs=3, n=2, width=3, loss="cross_entropy")


@pytest.mark.equation("eq:delta-all-layers")
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("kind", ["two-layer", "deep 2", "deep 3"])
def test_for_mse_after_the_last_layer_it_is_r1(kind, activation, small):
    objective, theta = small(kind, activation, loss="mse")
    found = delta_regularizer(objective, theta, refimpl.Dropout(0.7))
    assert_close(found, refimpl.R1(objective, theta, 0.7))
    assert_rejects(2 * found, refimpl.R1(objective, theta, 0.7))


@pytest.mark.equation("eq:delta-all-layers")
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("kind", ["two-layer", "deep 2", "deep 3"])
def test_it_is_the_second_derivative_in_each_coordinate_of_the_noise(kind, loss, small):
    objective, theta = small(kind, loss=loss)
    drop = refimpl.Dropout(0.6, layers="all")
    variance, step, total = drop.moment(2), 5e-3, 0.0
    stencil = np.array([-1, 16, -30, 16, -1]) / (12 * step**2)  # to step⁴
    for layer, width in enumerate(objective.net.hidden):
        for j in range(width):
            eta = [np.zeros((5, 1, m)) for m in objective.net.hidden]
            eta[layer][:, 0, j] = step * np.arange(-2, 3)
            total += 0.5 * variance * stencil @ objective(theta, tuple(eta))
    found = delta_regularizer(objective, theta, drop)
    assert_close(found, total, 1e-6)
    last = delta_regularizer(objective, theta, refimpl.Dropout(0.6))
    if kind != "two-layer":
        assert_rejects(last, total, 1e-6)


@pytest.mark.equation("eq:delta-cross-entropy")
def test_for_cross_entropy_it_is_the_softmax_covariance(small):
    objective, theta = small()
    W, b, A = objective.net.unpack(theta)
    h = np.tanh(objective.X @ W.T + b)
    total = 0.0
    for i in range(2):
        s = np.exp(A @ h[i]) / np.exp(A @ h[i]).sum()
        H = np.diag(s) - np.outer(s, s)
        total += sum(h[i, j] ** 2 * A[:, j] @ H @ A[:, j] for j in range(3))
    expected = 0.3 / 0.7 / (2 * 2) * total
    assert_close(delta_regularizer(objective, theta, refimpl.Dropout(0.7)), expected)


@pytest.mark.equation("eq:delta-error")
@pytest.mark.parametrize("keep, order", [(0.5, 4), (0.8, 3)])
def test_the_error_is_of_the_next_order_in_the_size_of_the_effect(keep, order, small):
    objective, theta = small(seed=3)
    W, b, A = objective.net.unpack(theta)
    drop, sizes, errors = refimpl.Dropout(keep), np.array([0.02, 0.04]), []
    for size in sizes:
        scaled = objective.net.pack(W, b, size * A)
        mean = refimpl.expectation(
            lambda eta: objective(scaled, eta), drop, objective.net, 2
        ).mean
        effect = mean - objective(scaled)
        errors.append([effect - delta_regularizer(objective, scaled, drop), effect])
    slopes = np.log2(np.abs(np.divide(errors[1], errors[0])))
    assert slopes[0] == pytest.approx(order, abs=0.35)
    assert slopes[1] == pytest.approx(2, abs=0.1)


@pytest.mark.equation("eq:delta-error")
def test_the_relative_error_does_not_vanish_as_p_tends_to_1(small):
    objective, theta = small(seed=3)
    relative = []
    for keep in (0.99, 0.9999):
        drop = refimpl.Dropout(keep)
        mean = refimpl.expectation(
            lambda eta: objective(theta, eta), drop, objective.net, 2
        ).mean
        effect = mean - objective(theta)
        relative.append(delta_regularizer(objective, theta, drop) / effect - 1)
    assert abs(relative[1]) > 0.01
    assert relative[0] == pytest.approx(relative[1], rel=0.2)


@pytest.mark.parametrize("per_sample", [False, True])
def test_it_helps_where_neurons_do_little(per_sample, small):
    """At moderate weights it removes most of the error of R_S."""
    objective, theta = small("deep 2", width=4)
    theta, net = theta / 2, objective.net
    drop = refimpl.Dropout(0.8, per_sample, layers="all")
    mean = refimpl.expectation(
        lambda eta: objective(theta, eta), drop, net, objective.n
    ).mean
    effect = mean - objective(theta)
    assert abs(delta_regularizer(objective, theta, drop) / effect - 1) < 0.2


def test_chunks_and_leading_axes_do_not_change_it(monkeypatch, small):
    objective, theta = small("deep 2", n=5)
    thetas = np.stack([theta, 0.5 * theta])
    drop = refimpl.Dropout((0.5, 0.9), layers="all")
    whole = delta_regularizer(objective, thetas, drop)
    assert_close(whole[1], delta_regularizer(objective, 0.5 * theta, drop))
    monkeypatch.setattr(backend, "CHUNK_ELEMENTS", 50)
    assert_close(delta_regularizer(objective, thetas, drop), whole)


@pytest.mark.equation("eq:delta-all-layers")
def test_data_of_several_replicas_some_samples_at_a_time(monkeypatch, small):
    risk, thetas = small("deep 2", n=6, replicas=(2,), own_data=True)
    theta, drop = thetas[0], refimpl.Dropout(0.6, layers="all")
    alone = [
        delta_regularizer(risk.of_data(*one), theta, drop)
        for one in zip(risk.X, risk.Y)
    ]
    assert_close(delta_regularizer(risk, theta, drop), alone)
    monkeypatch.setattr(backend, "CHUNK_ELEMENTS", 50)
    assert_close(delta_regularizer(risk, theta, drop), alone)
    assert_rejects(alone[::-1], alone)
    last = delta_regularizer(risk, theta, refimpl.Dropout(0.6))
    assert_close(delta_regularizer(risk, theta, 0.6), last)  # a keep for a Dropout


def test_the_hessians_are_symmetric(small):
    objective, theta = small("deep 3")
    for H in activation_hessians(objective, theta):
        assert_close(H, H.swapaxes(-1, -2))


def test_layers_without_second_derivatives_are_refused():
    net = refimpl.Convolutional((1, 2, 2), (1,), 2, 1, "tanh")
    risk = refimpl.Risk(net, np.ones((1, 4)), np.ones((1, 1)))
    theta = net.init(np.random.default_rng(0))
    assert delta_regularizer(risk, theta, refimpl.Dropout(0.5)) > 0
    with pytest.raises(ValueError, match="risk must be of a TwoLayer or Deep network"):
        delta_regularizer(risk, theta, refimpl.Dropout(0.5, layers="all"))
