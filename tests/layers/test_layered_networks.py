"""Convolutional networks and transformers: the same theory holds for their features."""

import tracemalloc

import numpy as np
import pytest
from oracles import (
    assert_close,
    assert_rejects,
    complex_step_derivative,
    complex_step_gradient,
)
from problems import direction, noise
from scipy.signal import correlate2d

import refimpl
from refimpl.arrays.backend import pass_elements
from refimpl.layers.conv import Conv

MADE = {
    "conv": dict(image=(2, 4, 4), channels=(3, 2), hidden=4, outputs=2),
    "residual": dict(
        image=(1, 4, 2), channels=(2,), hidden=4, outputs=2, residual=True
    ),
    "transformer": dict(
        tokens=3, features=2, width=4, heads=2, blocks=2, outputs=2
    ),
}


def network(kind, activation="tanh"):
    make = refimpl.Transformer if kind == "transformer" else refimpl.Convolutional
    return make(**MADE[kind], activation=activation)


def case(kind, xp=np, n=2, lead=()):
    """A risk and θ (*lead, P)."""
    net, rng = network(kind), np.random.default_rng(0)
    X, Y = (rng.standard_normal((n, m)) for m in (net.inputs, net.outputs))
    theta = 0.5 * rng.standard_normal((*lead, net.size))
    return refimpl.Risk(net, xp.asarray(X), xp.asarray(Y)), xp.asarray(theta)


over_kinds = pytest.mark.parametrize("kind", MADE)
over_conventions = pytest.mark.parametrize("per_sample", [False, True])
KEEP, EPSILON = 0.6, 0.3


@pytest.mark.equation("eq:layers", "eq:hvp")
@pytest.mark.parametrize("layers", [None, "last", "all"])
@over_kinds
def test_derivatives_of_the_risk_are_complex_steps(kind, layers):
    risk, theta = case(kind)
    eta = None if layers is None else noise(risk, layers=layers)
    v = direction(theta)
    gradient = risk.gradient(theta, eta)
    assert_close(gradient, complex_step_gradient(lambda t: risk(t, eta), theta))
    expected = complex_step_derivative(lambda t: risk.gradient(t, eta), theta, v)
    assert_close(risk.hvp(theta, v, eta), expected)
    if layers:
        assert_rejects(risk.gradient(theta), gradient)


@pytest.mark.equation("eq:r1", "eq:r1-gradient")
@over_conventions
@over_kinds
def test_r1_is_the_exact_mean_over_masks(kind, per_sample):
    risk, theta = case(kind)
    drop, arguments = refimpl.Dropout(KEEP, per_sample), (risk.net, risk.n)
    L1 = refimpl.L1(risk, KEEP)
    mean = refimpl.expectation(lambda eta: risk(theta, eta), drop, *arguments).mean
    assert_close(L1(theta), mean)
    assert_rejects(risk(theta) + 2 * refimpl.R1(risk, theta, KEEP), mean)
    slopes = refimpl.expectation(
        lambda eta: risk.gradient(theta, eta), drop, *arguments
    ).mean
    assert_close(L1.gradient(theta), slopes)
    assert_rejects(risk.gradient(theta), slopes)


@pytest.mark.equation("eq:r1", "eq:r1-gradient")
@pytest.mark.parametrize(
    "net",
    [
        refimpl.Convolutional((1, 4, 4), (3, 2), 12, 2),
        refimpl.Convolutional((1, 4, 2), (2,), 12, 2, residual=True),
        refimpl.Transformer(3, 2, 12, 3, 1, 2),
    ],
    ids=repr,
)
def test_r1_is_the_exact_mean_over_the_masks_of_twelve_neurons(net):
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((3, net.inputs)), rng.standard_normal((3, 2))
    risk, theta = refimpl.Risk(net, X, Y), 0.5 * rng.standard_normal(net.size)
    drop, L1 = refimpl.Dropout(KEEP), refimpl.L1(risk, KEEP)
    for fn, found, wrong in (
        (risk, L1(theta), risk(theta)),
        (risk.gradient, L1.gradient(theta), risk.gradient(theta)),
    ):
        mean = refimpl.expectation(lambda eta: fn(theta, eta), drop, net, risk.n).mean
        assert_close(found, mean)
        assert_rejects(wrong, mean)


@pytest.mark.equation("eq:r2", "eq:r2-deep", "eq:r2-per-sample", "eq:r2-gradient")
@over_conventions
@over_kinds
def test_r2_is_the_exact_mean_over_masks(kind, per_sample):
    risk, theta = case(kind)
    drop = refimpl.Dropout(KEEP, per_sample)

    def squares(eta):
        slope = risk.gradient(theta, eta)
        return EPSILON / 4 * (slope * slope).sum(axis=-1)

    def products(eta):
        return EPSILON / 2 * risk.hvp(theta, risk.gradient(theta, eta), eta)

    for fn, found in ((squares, refimpl.R2), (products, refimpl.R2_gradient)):
        mean = refimpl.expectation(fn, drop, risk.net, risk.n).mean
        assert_close(found(risk, theta, drop, EPSILON), mean)
        other = refimpl.Dropout(1 - KEEP, per_sample)
        assert_rejects(found(risk, theta, other, EPSILON), mean)


@over_kinds
def test_curvature_training_and_lines_take_these_networks(kind, xp):
    risk, theta = case(kind, xp, n=3, lead=(2,))
    H = refimpl.hessian(risk, theta[0])
    assert_close(refimpl.hessian_trace(risk, theta[0]).mean, xp.trace(H), 1e-9)
    top = refimpl.top_eigenvalues(risk, theta[0], 1)
    assert_close(top, xp.linalg.eigvalsh(H)[-1:], 1e-6)
    line = refimpl.loss_along(risk, theta, direction(theta), [0.0, 0.1])
    assert_close(line[0], risk(theta))
    rngs = [np.random.default_rng(seed) for seed in range(2)]
    for layers in ("last", "all"):
        drop = refimpl.Dropout(0.8, per_sample=True, layers=layers)
        history = refimpl.train(risk, theta, refimpl.GD(0.01), 3, drop, rng=rngs)
        assert history.theta.shape == theta.shape
    plain = refimpl.train(risk, theta, refimpl.GD(0.01), 1)
    assert_close(plain.theta, theta - 0.01 * risk.gradient(theta))


@over_kinds
def test_a_network_is_packed_and_started(kind):
    risk, theta = case(kind, lead=(2,))
    net = risk.net
    assert_close(net.pack(net.unpack(theta)), theta)
    start = net.init(np.random.default_rng(0))
    assert start.shape == (net.size,) and np.isfinite(net.forward(start, risk.X)).all()


def test_what_feeds_a_filter_and_what_it_feeds():
    net = network("conv")
    theta = np.arange(float(net.size))
    parts = [array for layer in net.unpack(theta) for array in layer]
    for layer, (m, fan_in, out) in enumerate([(3, 18, 18), (2, 27, 4), (4, 2, 2)]):
        weights = net.input_weights(theta, layer)
        assert weights.shape == (m, fan_in + 1)
        assert_close(weights[:, :-1], parts[2 * layer])
        assert net.outgoing_weights(theta, layer).shape == (m, out)
    W = parts[2].reshape(2, 9, 3)  # the second convolution, a channel of the first
    assert_close(net.outgoing_weights(theta, 0)[1], W[:, :, 1].ravel())
    net = network("transformer")
    theta = np.zeros(net.size)
    assert net.input_weights(theta, 0).shape == (8, 5)  # of a block's network
    assert net.input_weights(theta, 2).shape == (4, 5)  # of the last hidden layer
    assert net.outgoing_weights(theta, 2).shape == (4, 2)


def test_an_image_moved_by_a_pixel_moves_the_activations():
    """Where no filter meets the edge, and before pooling."""
    layer, rng = Conv(8, 8, 1, 2, "tanh"), np.random.default_rng(0)
    parameters = [rng.standard_normal(shape) for shape in layer.shapes]
    image = np.zeros((1, 8, 8))
    image[0, 2:5, 2:5] = rng.standard_normal((3, 3))
    both = np.concatenate([image, np.roll(image, 1, axis=2)]).reshape(2, 64)
    first, moved = layer.run(parameters, both)[0].reshape(2, 8, 8, 2)
    assert_close(moved[1:-1, 2:-1], first[1:-1, 1:-2])
    assert_rejects(moved[1:-1, 2:-1], first[1:-1, 2:-1])


BAD = {
    "an image that cannot be halved": (
        dict(image=(1, 6, 8), channels=(2, 2)),
        r"image must have height and width that 4 divides.*got \(1, 6, 8\)",
    ),
    "an image without channels": (
        dict(image=(8, 8)),
        r"image must be 3 positive integers, got \(8, 8\)",
    ),
    "no pixels": (
        dict(image=(1, 0, 8)),
        "image must be an integer of at least 1, got 0",
    ),
    "no convolution": (
        dict(channels=()),
        r"channels must be positive integers, got \(\)",
    ),
    "half a filter": (
        dict(channels=(2.5,)),
        "channels must be an integer of at least 1, got 2.5",
    ),
    "no neuron": (dict(hidden=0), "hidden must be an integer of at least 1, got 0"),
    "no output": (dict(outputs=0), "outputs must be an integer of at least 1, got 0"),
    "residual in words": (
        dict(residual="no"),
        "residual must be True or False, got 'no'",
    ),
    "no such function": (
        dict(activation="gelu"),
        "activation must be one of .* got 'gelu'",
    ),
}
BAD_TRANSFORMERS = {
    "heads that do not fit": (dict(heads=3), "heads must divide width 4, got 3"),
    "no heads": (dict(heads=0), "heads must be an integer of at least 1, got 0"),
    "no tokens": (dict(tokens=0), "tokens must be an integer of at least 1, got 0"),
    "no features": (dict(features=0), "features must be an integer of at .* got 0"),
    "no width": (dict(width=-1), "width must be an integer of at least 1, got -1"),
    "a width of 6.0": (dict(width=6.0), "width must be an integer of .* got 6.0"),
    "no blocks": (dict(blocks=0), "blocks must be an integer of at least 1, got 0"),
    "no outputs": (dict(outputs=0), "outputs must be an integer of at least 1, got 0"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_convolutional_network_is_refused(name):
    change, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        refimpl.Convolutional(**{**MADE["conv"], **change})


@pytest.mark.parametrize("name", BAD_TRANSFORMERS)
def test_a_wrong_transformer_is_refused(name):
    change, message = BAD_TRANSFORMERS[name]
    with pytest.raises(ValueError, match=message):
        refimpl.Transformer(**{**MADE["transformer"], **change})


@over_kinds
def test_images_with_wrong_axes_are_refused(kind):
    net = network(kind)
    message = rf"X must have shape \(..., n, {net.inputs}\)"
    with pytest.raises(ValueError, match=message):
        net.forward(np.zeros(net.size), np.zeros((2, net.inputs + 1)))
    with pytest.raises(ValueError, match="X must have shape"):
        net.forward(np.zeros(net.size), np.zeros((2, 4, 4, 2, 1)))


@pytest.mark.parametrize(
    "net",
    [
        refimpl.Convolutional((1, 8, 8), (6, 8), 5, 2),
        refimpl.Convolutional((2, 8, 8), (6, 8), 5, 2, residual=True),
        refimpl.Transformer(12, 4, 8, 2, 2, 2),
    ],
    ids=repr,
)
def test_a_direction_takes_no_more_memory_than_is_planned_for_it(net):
    rng, n, directions = np.random.default_rng(0), 10, 4
    X, Y = rng.random((n, net.inputs)), rng.random((n, 2))
    product = refimpl.Risk(net, X, Y).hessian_at(net.init(rng))
    v = rng.standard_normal((directions, net.size))
    tracemalloc.start()
    product(v)
    taken = tracemalloc.get_traced_memory()[1] / v.itemsize / directions
    tracemalloc.stop()
    assert taken < pass_elements(net, n) < 10 * taken


def test_a_row_of_pictures_is_channels_then_rows_then_columns():
    net, rng = refimpl.Convolutional((2, 4, 6), (3,), 2, 1), np.random.default_rng(0)
    theta, images = rng.standard_normal(net.size), rng.standard_normal((5, 2, 4, 6))
    W, b = net.split(theta)[:2]
    filters = W.reshape(3, 3, 3, 2)  # of each: rows, columns, channels

    def convolved(image, one, bias):
        channels = [correlate2d(image[c], one[..., c], "same") for c in (0, 1)]
        h = np.maximum(sum(channels) + bias, 0)
        return h.reshape(2, 2, 3, 2).mean(axis=(1, 3))

    wanted = [[convolved(x, *each) for each in zip(filters, b)] for x in images]
    run = net.run(theta, images.reshape(5, -1), net.no_noise)
    found = net.activations(run)[0].reshape(5, 2, 3, 3)
    assert_close(found, np.moveaxis(wanted, 1, -1))
    assert_rejects(found[..., ::-1, :], np.moveaxis(wanted, 1, -1))
