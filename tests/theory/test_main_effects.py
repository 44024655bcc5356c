"""The main effects against enumeration of all masks, R_1, and steps of their value."""

import numpy as np
import pytest
from oracles import (
    assert_close,
    assert_rejects,
    central_gradient,
    complex_step_gradient,
)
from problems import risk as random_risk

import refimpl
from refimpl.arrays import backend
from refimpl.theory.delta_method import delta_regularizer

LOSSES = ("mse", "cross_entropy")


def effect(risk, theta, drop):
    """E R_S^drop − R_S, over all masks."""
    mean = refimpl.expectation(
        lambda eta: risk(theta, eta), drop, risk.net, risk.n
    ).mean
    return mean - risk(theta)


def masks_of_one(keep, sizes, rows):
    """Each neuron's noise alone, all others 0: ``(probability, η of every layer)``."""
    for layer, m in enumerate(sizes):
        for row in range(rows):
            for j in range(m):
                for probability, value in ((1 - keep, -1.0), (keep, 1 / keep - 1)):
                    eta = [np.zeros((rows, size)) for size in sizes]
                    eta[layer][row, j] = value
                    yield probability, tuple(eta)


@pytest.mark.equation("eq:main-effects")
@pytest.mark.parametrize("rows", [1, 3], ids=["shared", "per sample"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_they_sum_what_each_noise_does_alone(activation, loss, rows, problem):
    risk, theta = problem("deep 2", activation, loss=loss)
    drop = refimpl.Dropout(0.7, per_sample=rows > 1, layers="all")
    total = sum(
        probability * (risk(theta, eta) - risk(theta))
        for probability, eta in masks_of_one(0.7, risk.net.hidden, rows)
    )
    found = refimpl.main_effects(risk, theta, drop)
    assert_close(found, total, 1e-11)
    wrong = refimpl.Dropout(0.3, layers="all")
    assert_rejects(refimpl.main_effects(risk, theta, wrong), total, 1e-11)
    assert_rejects(refimpl.main_effects(risk, theta, 0.7), total, 1e-11)


@pytest.mark.equation("eq:main-effects")
@pytest.mark.parametrize(
    "net",
    [
        refimpl.Convolutional((1, 4, 4), (2,), 3, 2, "tanh"),
        refimpl.Transformer(2, 2, 2, 1, 1, 2),
    ],
    ids=["convolutional", "transformer"],
)
def test_they_are_those_of_any_chain_of_layers(net):
    rng = np.random.default_rng(0)
    risk, theta = random_risk(net, rng, 2, "cross_entropy"), net.init(rng)
    total = sum(
        probability * (risk(theta, eta) - risk(theta))
        for probability, eta in masks_of_one(0.7, net.hidden, 1)
    )
    drop = refimpl.Dropout(0.7, layers="all")
    assert_close(refimpl.main_effects(risk, theta, drop), total, 1e-10)
    assert_rejects(refimpl.main_effects(risk, theta, 0.7), total, 1e-10)


@pytest.mark.equation("eq:main-effects")
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("kind", ["two-layer", "deep 2", "deep 3"])
def test_for_mse_after_the_last_layer_they_are_r1(kind, activation, problem):
    risk, theta = problem(kind, activation, replicas=(2,))
    found = refimpl.main_effects(risk, theta, 0.7)
    assert_close(found, refimpl.R1(risk, theta, 0.7))
    assert_rejects(found, refimpl.R1(risk, theta, 0.3))


@pytest.mark.equation("eq:main-effects")
def test_for_one_neuron_they_are_all(problem):
    net = refimpl.Deep((2, 1, 3), "tanh")
    risk, theta = problem(net, loss="cross_entropy")
    drop = refimpl.Dropout(0.6)
    found = refimpl.main_effects(risk, theta, drop)
    assert_close(found, effect(risk, theta, drop))
    assert_rejects(delta_regularizer(risk, theta, drop), effect(risk, theta, drop))


@pytest.mark.equation("eq:main-effects-error")
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_error_is_of_second_order_in_the_share_dropped(activation, loss, problem):
    risk, theta = problem("deep 2", activation, loss=loss)
    dropped, errors = np.array([2e-3, 1e-3]), []
    for share in dropped:
        drop = refimpl.Dropout(1 - share, layers="all")
        exact = effect(risk, theta, drop)
        found = refimpl.main_effects(risk, theta, drop)
        errors.append([found - exact, delta_regularizer(risk, theta, drop) - exact])
    slopes = np.log2(np.abs(np.divide(*errors)))
    assert slopes[0] == pytest.approx(2, abs=0.05)
    assert slopes[1] == pytest.approx(1, abs=0.05)  # the delta method's


@pytest.mark.equation("eq:main-effects-error")
def test_the_error_is_what_pairs_and_more_do():
    """Two neurons: the error is the one pair's, exactly."""
    rng = np.random.default_rng(3)
    net = refimpl.Deep((2, 1, 1, 2), "tanh")
    risk = random_risk(net, rng, 3, "cross_entropy")
    theta = rng.standard_normal(net.size)
    keep, pair = 0.6, 0.0
    weights = {-1.0: 1 - keep, 1 / keep - 1: keep}

    def at(first, second):
        return risk(theta, (np.array([[first]]), np.array([[second]])))

    for x, p in weights.items():
        for y, q in weights.items():
            pair += p * q * (at(x, y) - at(x, 0) - at(0, y) + at(0, 0))
    drop = refimpl.Dropout(keep, layers="all")
    found = refimpl.main_effects(risk, theta, drop)
    assert_close(effect(risk, theta, drop) - found, pair, 1e-10)
    assert_rejects(2 * pair, pair, 1e-10)


@pytest.mark.equation("eq:main-effects-gradient")
@pytest.mark.parametrize("layers", ["last", "all"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_their_gradient(activation, loss, layers, problem):
    risk, theta = problem("deep 2", activation, loss=loss)
    drop = refimpl.Dropout(0.7, layers=layers)

    def value(at):
        return refimpl.main_effects(risk, at, drop)

    if activation == "tanh":
        expected, rtol = complex_step_gradient(value, theta), 1e-11
    else:
        expected, rtol = central_gradient(value, theta), 1e-7
    found = refimpl.main_effects_gradient(risk, theta, drop)
    assert_close(found, expected, rtol)
    assert_rejects(found, found + risk.gradient(theta), rtol)


def test_chunks_and_replicas_do_not_change_them(monkeypatch, problem):
    risk, theta = problem("deep 2", loss="cross_entropy", replicas=(2, 3))
    drop = refimpl.Dropout((0.5, 0.9), layers="all")
    functions = refimpl.main_effects, refimpl.main_effects_gradient
    whole = [fn(risk, theta, drop) for fn in functions]
    for fn, values in zip(functions, whole):
        assert_close(values[1, 2], fn(risk, theta[1, 2], drop))
    monkeypatch.setattr(backend, "CHUNK_ELEMENTS", 50)
    for fn, values in zip(functions, whole):
        assert_close(fn(risk, theta, drop), values)


def test_a_keep_for_each_replica(problem):
    risk, theta = problem("deep 2", replicas=(2,))
    keep = np.array([0.5, 0.9])
    found = refimpl.main_effects(risk, theta, refimpl.Dropout(keep, layers="all"))
    for one, at, p in zip(found, theta, keep):
        drop = refimpl.Dropout(float(p), layers="all")
        assert_close(one, refimpl.main_effects(risk, at, drop))


@pytest.mark.equation("eq:main-effects", "eq:main-effects-gradient")
def test_replica_axes_that_only_keep_or_data_have(problem):
    """One θ: the values are those of R_1, an entry for each keep or data set."""
    theta = problem("deep 2")[1]
    data, _ = problem("deep 2", replicas=(3,), own_data=True)
    one = data.of_data(data.X[0], data.Y[0])
    keep = np.array([0.3, 0.6, 0.9])
    for risk, p in ((one, keep), (data, 0.6), (data, keep)):
        found, gradient = (
            fn(risk, theta, p)
            for fn in (refimpl.main_effects, refimpl.main_effects_gradient)
        )
        assert_close(found, refimpl.R1(risk, theta, p))
        assert_close(gradient, refimpl.R1_gradient(risk, theta, p))
        assert_rejects(found, refimpl.R1(risk, theta, p)[::-1])
    with pytest.raises(ValueError, match="leading axes of theta, data, keep and"):
        refimpl.main_effects(data, theta, keep[:2])


def test_nothing_is_dropped_at_keep_1(problem):
    risk, theta = problem("deep 2")
    drop = refimpl.Dropout(1.0, layers="all")
    assert refimpl.main_effects(risk, theta, drop) == 0
    assert (refimpl.main_effects_gradient(risk, theta, drop) == 0).all()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("keep", [0.9, 0.999])
def test_single_precision_does_not_cancel(loss, keep):
    """The differences of the risk are lost in float32, where the weights are small."""
    rng = np.random.default_rng(0)
    net = refimpl.TwoLayer(5, 200, 2)
    risk = random_risk(net, rng, 6, loss)
    theta = 0.1 * net.init(rng)
    small = theta.astype(np.float32)
    for fn in (refimpl.main_effects, refimpl.main_effects_gradient):
        found = fn(risk, small, keep)
        assert found.dtype == np.float32
        assert_close(found, fn(risk, small.astype(float), keep), 1e-6)
    if loss == "mse":
        expected = refimpl.R1(risk, small.astype(float), keep)
        assert_close(refimpl.main_effects(risk, small, keep), expected, 1e-6)


def test_an_objective_of_ones_own_is_taken():
    net = refimpl.TwoLayer(2, 3)
    risk = random_risk(net, np.random.default_rng(0), 4, "mse")
    decayed, theta = refimpl.WeightDecay(risk, 0.3), np.linspace(-1, 1, net.size)
    expected = refimpl.main_effects(risk, theta, 0.7)  # the decay has no noise
    assert_close(refimpl.main_effects(decayed, theta, 0.7), expected, 1e-11)
