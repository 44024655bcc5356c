"""R_2, its split into mean and covariance, its gradient: exact against all masks."""

import itertools

import numpy as np
import oracles
import pytest

import refimpl
from refimpl import backend, gradient_noise
from refimpl import gradient_noise_deep as deep
from refimpl import gradient_noise_two_layer as two_layer
from refimpl.gradient_noise import gradient_covariance_trace
from refimpl.r2 import R2, R2_estimate, R2_gradient, R2_gradient_estimate

EPSILON = 0.3
# keep ½ is left out of the exact cases: there p = 1 − p and the third moment is 0.
CASES = list(
    itertools.product(
        ["tanh", "relu", "identity"],
        [1, 3],  # outputs
        [0.3, 0.6, 0.9],  # keep
        [(3, 3, 1), (2, 4, 2)],  # n, m, d
    )
)
CONVENTIONS = [
    pytest.param(False, id="shared", marks=pytest.mark.equation("eq:r2-shared")),
    pytest.param(True, id="per-sample", marks=pytest.mark.equation("eq:r2-per-sample")),
]
NETS = ["TwoLayer", "Deep"]


def problem(activation="tanh", outputs=2, sizes=(3, 3, 2), net="TwoLayer", seed=0):
    """A random risk, and θ whose ReLU neurons are mostly active."""
    n, m, d = sizes
    rng = np.random.default_rng([seed, n, m, d, outputs])
    if net == "TwoLayer":
        net = refimpl.TwoLayer(d, m, outputs, activation)
        theta = net.init(rng, std=0.8)
        biases = [net.unpack(theta)[1]]
    else:
        net = refimpl.Deep((d, 3, m, outputs), activation)
        theta = net.init(rng, std=0.8)
        biases = [b for _, b in net.unpack(theta)]
    for b in biases:  # views of theta
        b += 0.5
    X, Y = rng.standard_normal((n, d)), rng.standard_normal((n, outputs))
    return refimpl.Risk(net, X, Y), theta


def mean_over_masks(fn, risk, drop):
    return refimpl.expectation(fn, drop, risk.net, risk.n).mean


def enumerated(risk, theta, drop):
    """R_2 by its definition: the mean over all masks."""

    def squared_norm(eta):
        return (risk.gradient(theta, eta) ** 2).sum(axis=-1)

    return 0.25 * EPSILON * mean_over_masks(squared_norm, risk, drop)


def enumerated_gradient(risk, theta, drop):
    """(ε/2) E H g, the mean over all masks."""

    def product(eta):
        return risk.hvp(theta, risk.gradient(theta, eta), eta)

    return 0.5 * EPSILON * mean_over_masks(product, risk, drop)


@pytest.mark.equation("eq:r2")
@pytest.mark.parametrize("per_sample", CONVENTIONS)
@pytest.mark.parametrize("activation, outputs, keep, sizes", CASES)
def test_r2_is_the_exact_mean_over_masks(activation, outputs, keep, sizes, per_sample):
    risk, theta = problem(activation, outputs, sizes)
    drop = refimpl.Dropout(keep, per_sample)
    actual = R2(risk, theta, drop, EPSILON)
    oracles.assert_close(actual, enumerated(risk, theta, drop))


@pytest.mark.equation("eq:r2-deep")
@pytest.mark.parametrize("per_sample", CONVENTIONS)
@pytest.mark.parametrize("activation, outputs, keep, sizes", CASES)
def test_r2_of_a_deep_net_is_the_exact_mean_over_masks(
    activation, outputs, keep, sizes, per_sample
):
    risk, theta = problem(activation, outputs, sizes, "Deep")
    drop = refimpl.Dropout(keep, per_sample)
    actual = R2(risk, theta, drop, EPSILON)
    oracles.assert_close(actual, enumerated(risk, theta, drop))


def without(order, value=lambda v: 0.0):
    """Moments of the noise, that of `order` replaced."""

    def moments(keep):
        true = [refimpl.Dropout(keep).moment(k) for k in (2, 3, 4)]
        true[order - 2] = value(true[0])
        return tuple(true)

    return moments


MOMENTS = {
    "no variance": without(2),
    "no third moment": without(3),
    "no fourth moment": without(4),
    "a Gaussian's fourth moment": without(4, lambda v: 3 * v * v),
}


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("per_sample", CONVENTIONS)
@pytest.mark.parametrize("wrong", MOMENTS)
@pytest.mark.parametrize("activation, keep", [("tanh", 0.6), ("relu", 0.9)])
def test_r2_with_a_wrong_moment_is_rejected(
    wrong, activation, keep, per_sample, net, monkeypatch
):
    risk, theta = problem(activation, net=net)
    drop = refimpl.Dropout(keep, per_sample)
    expected = enumerated(risk, theta, drop)
    expected_gradient = enumerated_gradient(risk, theta, drop)
    monkeypatch.setattr(gradient_noise, "noise_moments", MOMENTS[wrong])
    oracles.assert_rejects(R2(risk, theta, drop, EPSILON), expected)
    gradient = R2_gradient(risk, theta, drop, EPSILON)
    oracles.assert_rejects(gradient, expected_gradient)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("per_sample", CONVENTIONS)
@pytest.mark.parametrize(
    "keep, flip, factor",
    [(0.4, False, 1.0), (0.6, True, 1.0), (0.6, False, 2.0)],
    ids=["1 - p for p", "the other convention", "factor 2"],
)
def test_r2_of_other_noise_is_rejected(keep, flip, factor, per_sample, net):
    risk, theta = problem(net=net)
    drop = refimpl.Dropout(0.6, per_sample)
    wrong = refimpl.Dropout(keep, per_sample != flip)
    oracles.assert_rejects(
        R2(risk, theta, wrong, factor * EPSILON), enumerated(risk, theta, drop)
    )
    oracles.assert_rejects(
        R2_gradient(risk, theta, wrong, factor * EPSILON),
        enumerated_gradient(risk, theta, drop),
    )


@pytest.mark.equation("eq:r2-split")
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("keep", [0.3, 0.9999])
def test_the_trace_is_that_of_the_covariance_over_masks(keep, per_sample, net):
    risk, theta = problem(net=net)
    drop = refimpl.Dropout(keep, per_sample)
    mean = mean_over_masks(lambda eta: risk.gradient(theta, eta), risk, drop)
    oracles.assert_close(mean, refimpl.L1(risk, keep).gradient(theta))

    def deviation(eta):
        return ((risk.gradient(theta, eta) - mean) ** 2).sum(axis=-1)

    trace = gradient_covariance_trace(risk, theta, drop)
    oracles.assert_close(trace, mean_over_masks(deviation, risk, drop))
    r2 = 0.25 * EPSILON * ((mean**2).sum() + trace)
    oracles.assert_close(R2(risk, theta, drop, EPSILON), r2)
    oracles.assert_rejects(0.25 * EPSILON * (mean**2).sum(), r2)


@pytest.mark.equation("eq:r2-shared")
def test_shared_r2_is_a_sum_over_kept_neurons_and_their_pairs():
    # For dropout itself: (ε/4p) (‖∇(R_S + R_1)‖² + v Σ_{j≠l} ‖∂Q_jl/∂(w_j, b_j, a_j)‖²)
    risk, theta = problem(outputs=2, sizes=(3, 4, 2))
    keep, net = 0.7, risk.net
    W, b, A = net.unpack(theta)
    X1 = np.concatenate([risk.X, np.ones((3, 1))], axis=1)
    h = np.tanh(risk.X @ W.T + b)
    pairs = 0.0
    for j, other in itertools.permutations(range(4), 2):
        by_output = A[:, other] * (h[:, j] @ h[:, other])
        by_input = A[:, j] @ A[:, other] * (X1.T @ ((1 - h[:, j] ** 2) * h[:, other]))
        pairs += (by_output**2).sum() + (by_input**2).sum()
    mean = refimpl.L1(risk, keep).gradient(theta)
    scale, v = 0.25 * EPSILON / keep, (1 - keep) / keep
    expected = scale * ((mean**2).sum() + v * pairs / 3**2)
    oracles.assert_close(R2(risk, theta, refimpl.Dropout(keep), EPSILON), expected)


@pytest.mark.equation("eq:r2-gradient")
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize(
    "outputs, keep, sizes", [(1, 0.4, (5, 4, 1)), (3, 0.8, (4, 6, 3))]
)
@pytest.mark.parametrize("activation", ["tanh", "identity"])
def test_r2_gradient_is_the_complex_step_of_r2(
    activation, outputs, keep, sizes, per_sample, net
):
    risk, theta = problem(activation, outputs, sizes, net)
    drop = refimpl.Dropout(keep, per_sample)
    expected = oracles.complex_step_gradient(
        lambda t: R2(risk, t, drop, EPSILON), theta
    )
    oracles.assert_close(R2_gradient(risk, theta, drop, EPSILON), expected)


@pytest.mark.equation("eq:r2-gradient")
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("outputs", [1, 3])
def test_r2_gradient_for_relu_is_the_central_difference_of_r2(outputs, per_sample, net):
    risk, theta = problem("relu", outputs, (4, 5, 2), net)
    drop = refimpl.Dropout(0.7, per_sample)
    expected = oracles.central_gradient(lambda t: R2(risk, t, drop, EPSILON), theta)
    actual = R2_gradient(risk, theta, drop, EPSILON)
    oracles.assert_close(actual, expected, rtol=1e-7)
    oracles.assert_rejects(actual, 2 * expected, rtol=1e-7)


@pytest.mark.equation("eq:r2-gradient")
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("activation, outputs, keep, sizes", CASES[::3])
def test_r2_gradient_is_the_mean_hessian_gradient_product(
    activation, outputs, keep, sizes, per_sample, net
):
    risk, theta = problem(activation, outputs, sizes, net)
    drop = refimpl.Dropout(keep, per_sample)
    oracles.assert_close(
        R2_gradient(risk, theta, drop, EPSILON), enumerated_gradient(risk, theta, drop)
    )


@pytest.mark.parametrize("per_sample", [False, True])
def test_a_r2_gradient_without_curvature_is_rejected(per_sample, monkeypatch):
    risk, theta = problem()
    drop = refimpl.Dropout(0.6, per_sample)
    expected = enumerated_gradient(risk, theta, drop)
    oracles.assert_close(R2_gradient(risk, theta, drop, EPSILON), expected)
    flat = staticmethod(np.zeros_like)
    monkeypatch.setattr(risk.net.activation, "curvature", flat)
    oracles.assert_rejects(R2_gradient(risk, theta, drop, EPSILON), expected)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("per_sample", [False, True])
def test_replicas_beside_each_other_are_replicas_alone(per_sample, net):
    risk, theta = problem(outputs=2, net=net)
    rng = np.random.default_rng(1)
    thetas = theta + 0.1 * rng.standard_normal((2, 3, theta.size))
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
def test_data_may_differ_between_replicas(per_sample, net):
    risk, theta = problem(net=net)
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
def test_chunks_do_not_change_r2(per_sample, net, monkeypatch):
    risk, theta = problem(sizes=(7, 5, 2), net=net)
    drop = refimpl.Dropout(0.6, per_sample)
    value = R2(risk, theta, drop, EPSILON)
    gradient = R2_gradient(risk, theta, drop, EPSILON)
    monkeypatch.setattr(backend, "CHUNK_ELEMENTS", 500)
    oracles.assert_close(R2(risk, theta, drop, EPSILON), value)
    oracles.assert_close(R2_gradient(risk, theta, drop, EPSILON), gradient)


@pytest.mark.equation("eq:r2-deep")
@pytest.mark.parametrize("per_sample", CONVENTIONS)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_both_routes_agree_beyond_enumeration(activation, per_sample):
    risk, theta = problem(activation, 2, (6, 25, 3))
    moments = gradient_noise.noise_moments(0.8)
    arguments = risk, theta, moments, per_sample
    oracles.assert_close(two_layer.trace(*arguments), deep.trace(*arguments))
    oracles.assert_close(
        two_layer.trace_gradient(*arguments), deep.trace_gradient(*arguments)
    )


@pytest.mark.parametrize("net", NETS)
def test_without_dropout_r2_is_the_plain_gradient_norm(net):
    risk, theta = problem(net=net)
    drop, g = refimpl.Dropout(1.0), risk.gradient(theta)
    expected = 0.25 * EPSILON * (g**2).sum()
    oracles.assert_close(R2(risk, theta, drop, EPSILON), expected)
    expected = 0.5 * EPSILON * risk.hvp(theta, g)
    oracles.assert_close(R2_gradient(risk, theta, drop, EPSILON), expected)


def test_layers_all_is_layers_last_for_one_hidden_layer():
    risk, theta = problem()
    last, every = refimpl.Dropout(0.6), refimpl.Dropout([0.6], layers="all")
    assert R2(risk, theta, every, EPSILON) == R2(risk, theta, last, EPSILON)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("per_sample", [False, True])
def test_r2_keeps_single_precision(per_sample, net):
    risk, theta = problem(net=net)
    for keep in (0.6, np.array([0.6])):
        drop = refimpl.Dropout(keep, per_sample)
        single = theta[None].astype(np.float32)
        value, gradient = (f(risk, single, drop, EPSILON) for f in (R2, R2_gradient))
        assert value.dtype == gradient.dtype == np.float32
        exact = R2(risk, theta[None], drop, EPSILON)
        oracles.assert_close(value, exact, rtol=1e-5)


SAMPLES = 20_000


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("per_sample", [False, True])
def test_the_estimates_are_unbiased(per_sample, net):
    risk, theta = problem(net=net)
    thetas, drop = np.stack([theta, 1.3 * theta]), refimpl.Dropout(0.6, per_sample)
    for exact, sampled in [(R2, R2_estimate), (R2_gradient, R2_gradient_estimate)]:
        rng = np.random.default_rng(2)
        estimate = sampled(risk, thetas, drop, EPSILON, SAMPLES, rng)
        z, bound = oracles.worst_z(estimate, exact(risk, thetas, drop, EPSILON))
        assert z < bound
        other = refimpl.Dropout(0.6, not per_sample)
        z, bound = oracles.worst_z(estimate, exact(risk, thetas, other, EPSILON))
        assert z > 2 * bound


@pytest.mark.equation("eq:r2")
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_the_estimate_takes_any_loss_and_layers(loss):
    risk, theta = problem(outputs=2, net="Deep")
    targets = risk.Y if loss == "mse" else np.array([0, 1, 1])
    risk = refimpl.Risk(risk.net, risk.X, targets, loss)
    drop = refimpl.Dropout([0.8, 0.6], layers="all")
    rng = np.random.default_rng(3)
    estimate = R2_estimate(risk, theta, drop, EPSILON, SAMPLES, rng)
    z, bound = oracles.worst_z(estimate, enumerated(risk, theta, drop))
    assert z < bound
    swapped = refimpl.Dropout([0.6, 0.8], layers="all")
    z, bound = oracles.worst_z(estimate, enumerated(risk, theta, swapped))
    assert z > 2 * bound


def test_r2_says_what_it_does_not_cover():
    risk, theta = problem(net="Deep")
    drop, rng = refimpl.Dropout(0.5), np.random.default_rng(0)
    labels = refimpl.Risk(risk.net, risk.X, np.array([0, 1, 1]), "cross_entropy")
    wide = refimpl.Deep((1, 2000, 2000, 1))
    large = refimpl.Risk(wide, np.zeros((100, 1)), np.zeros((100, 1)))
    for fn in (R2, R2_gradient):
        with pytest.raises(ValueError, match="loss 'mse'.*R2_estimate"):
            fn(labels, theta, drop, EPSILON)
        with pytest.raises(ValueError, match="layers='all'.*R2_estimate"):
            fn(risk, theta, refimpl.Dropout(0.5, layers="all"), EPSILON)
        with pytest.raises(ValueError, match="limited to.*R2_estimate"):
            fn(large, np.zeros(wide.size), drop, EPSILON)
        for epsilon in (-0.1, float("nan"), float("inf"), 1j):
            with pytest.raises(ValueError, match="epsilon must be finite"):
                fn(risk, theta, drop, epsilon)
    with pytest.raises(ValueError, match="keep must be one number per layer"):
        keep = np.array([0.5, 0.6])
        R2_estimate(risk, theta, refimpl.Dropout(keep), EPSILON, 10, rng)
    with pytest.raises(ValueError, match="samples must be"):
        R2_estimate(risk, theta, drop, EPSILON, 1, rng)
