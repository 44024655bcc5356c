"""Where the delta method's error falls, and where it does not."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects

import refimpl
from refimpl.theory.delta_method import delta_regularizer


def effect(risk, theta, drop):
    """What dropout adds to the loss on average, over all masks."""
    mean = refimpl.expectation(
        lambda eta: risk(theta, eta), drop, risk.net, risk.n
    ).mean
    return mean - risk(theta)


def random_problem(seed, activation="tanh", widths=(2, 4, 4, 3), n=3):
    rng = np.random.default_rng(seed)
    net = refimpl.Deep(widths, activation)
    X, labels = rng.standard_normal((n, 2)), rng.integers(0, widths[-1], n)
    risk = refimpl.Risk(net, X, labels, loss="cross_entropy")
    return risk, net.init(rng, std=0.7)


def scaled(net, theta, size):
    """θ with the output weights times `size` and no output bias."""
    *layers, (W, b) = net.unpack(theta)
    return net.pack([*layers, (size * W, 0 * b)])


@pytest.mark.equation("eq:delta-error")
@pytest.mark.parametrize("layers, orders", [("last", (2, 3)), ("all", (1, 1))])
def test_with_noise_before_the_last_layer_effect_and_error_are_of_one_order(
    layers, orders
):
    drop, sizes, slopes = refimpl.Dropout(0.8, layers=layers), (1e-3, 2e-3), []
    for seed in range(20):
        risk, theta = random_problem(seed)
        values = []
        for size in sizes:
            small = scaled(risk.net, theta, size)
            exact = effect(risk, small, drop)
            values.append([exact, exact - delta_regularizer(risk, small, drop)])
        slopes.append(np.log2(np.abs(np.divide(values[1], values[0]))))
    # The median: in single networks a leading term may be small.
    np.testing.assert_allclose(np.median(slopes, axis=0), orders, atol=0.1)


@pytest.mark.equation("eq:delta-error")
def test_a_kink_that_a_mask_crosses_is_missed_by_second_derivatives():
    """x → wx → aσ(· + b) with b < 0: the neuron is silent when its input is dropped."""
    w, b, a, y = 1.0, -0.4, 0.8, 0.2
    net = refimpl.Deep((1, 1, 1, 1), "relu")
    theta = net.pack(
        [
            (np.array([[w]]), np.zeros(1)),
            (np.eye(1), np.array([b])),
            (np.array([[a]]), np.zeros(1)),
        ]
    )
    risk = refimpl.Risk(net, [[1.0]], [[y]])
    misses = []
    for keep in (0.9, 0.99, 0.999):
        drop = refimpl.Dropout((keep, 1.0), layers="all")  # the first layer's noise
        kept, f = a * (w / keep + b), a * (w + b)
        exact = 0.5 * (keep * (kept - y) ** 2 + (1 - keep) * y**2 - (f - y) ** 2)
        assert_close(effect(risk, theta, drop), exact)
        delta = delta_regularizer(risk, theta, drop)
        smooth = 0.5 * (1 - keep) / keep * (a * w) ** 2
        assert_close(delta, smooth)
        assert_rejects(delta, exact)
        misses.append(delta / exact - 1)
    limit = (a * w) ** 2 / (y**2 - (f - y) ** 2 + 2 * a * w * (f - y)) - 1
    assert misses[-1] == pytest.approx(limit, rel=0.01)
    assert limit > 0.5


@pytest.mark.equation("eq:delta-error")
def test_relu_is_missed_more_than_tanh_and_the_more_so_near_p_1():
    errors = {}
    for activation in ("tanh", "relu"):
        for keep in (0.9, 0.999):
            drop, found = refimpl.Dropout(keep, layers="all"), []
            for seed in range(60):
                risk, theta = random_problem(seed, activation)
                exact = effect(risk, theta, drop)
                found.append(abs(delta_regularizer(risk, theta, drop) / exact - 1))
            errors[activation, keep] = np.median(found)
    assert 0.1 < errors["tanh", 0.999] < 0.3  # 0.24
    assert errors["relu", 0.999] > 0.4  # 0.50
    assert errors["relu", 0.9] == pytest.approx(errors["relu", 0.999], rel=0.1)


@pytest.mark.equation("eq:delta-cross-entropy")
def test_the_delta_term_fades_where_the_effect_of_dropout_grows():
    """Logits times c: masks that misclassify make the mean loss grow as c."""
    rng = np.random.default_rng(2)
    net = refimpl.TwoLayer(2, 10, 3)
    X, labels = rng.standard_normal((6, 2)), np.arange(6) % 3
    risk = refimpl.Risk(net, X, labels, loss="cross_entropy")
    theta = net.init(rng, std=0.7)
    while risk(theta) > 0.02:
        theta = theta - 0.5 * risk.gradient(theta)
    W, b, A = net.unpack(theta)
    drop = refimpl.Dropout(0.8)

    def scores(eta):
        return net.forward(theta, X, eta)

    def overtaken(eta):  # by how much another class leads, where it does
        F = scores(eta)
        return (F.max(axis=-1) - F[..., np.arange(6), labels]).mean(axis=-1)

    limit = refimpl.expectation(overtaken, drop, net, 6).mean
    exact, delta = np.transpose(
        [
            [effect(risk, t, drop), delta_regularizer(risk, t, drop)]
            for t in (net.pack(W, b, c * A) for c in (1, 3, 10, 100))
        ]
    )
    assert exact[-1] == pytest.approx(100 * limit, rel=1e-2)
    assert limit > 1e-3
    assert (np.diff(delta) < 0).all() and 0 < delta[-1] < 1e-100
    assert exact[-1] > 10 * exact[0] > 10 * delta[0]
