"""R_2 and its split into mean and covariance: exact against all masks."""

import itertools

import numpy as np
import oracles
import pytest
from r2_cases import (
    CASES,
    EPSILON,
    NETS,
    enumerated,
    enumerated_gradient,
    mean_over_masks,
)

import refimpl
from refimpl.arrays import backend
from refimpl.theory import gradient_noise
from refimpl.theory.gradient_noise import gradient_covariance_trace
from refimpl.theory.r2 import R2, R2_estimate, R2_gradient, R2_gradient_estimate

CONVENTIONS = [
    pytest.param(False, id="shared", marks=pytest.mark.equation("eq:r2-shared")),
    pytest.param(True, id="per-sample", marks=pytest.mark.equation("eq:r2-per-sample")),
]


@pytest.mark.equation("eq:r2")
@pytest.mark.parametrize("per_sample", CONVENTIONS)
@pytest.mark.parametrize("activation, outputs, keep, sizes", CASES)
def test_r2_is_the_exact_mean_over_masks(
    activation, outputs, keep, sizes, per_sample, problem
):
    risk, theta = problem("two-layer", activation, outputs, **sizes)
    drop = refimpl.Dropout(keep, per_sample)
    actual = R2(risk, theta, drop, EPSILON)
    oracles.assert_close(actual, enumerated(risk, theta, drop))


@pytest.mark.equation("eq:r2-deep")
@pytest.mark.parametrize("per_sample", CONVENTIONS)
@pytest.mark.parametrize("activation, outputs, keep, sizes", CASES)
def test_r2_of_a_deep_net_is_the_exact_mean_over_masks(
    activation, outputs, keep, sizes, per_sample, problem
):
    risk, theta = problem("deep 2", activation, outputs, **sizes)
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
    wrong, activation, keep, per_sample, net, monkeypatch, problem
):
    risk, theta = problem(net, activation)
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
def test_r2_of_other_noise_is_rejected(keep, flip, factor, per_sample, net, problem):
    risk, theta = problem(net)
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
def test_the_trace_is_that_of_the_covariance_over_masks(keep, per_sample, net, problem):
    risk, theta = problem(net)
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
def test_shared_r2_is_a_sum_over_kept_neurons_and_their_pairs(problem):
    # For dropout itself: (ε/4p) (‖∇(R_S + R_1)‖² + v Σ_{j≠l} ‖∂Q_jl/∂(w_j, b_j, a_j)‖²)
    risk, theta = problem()
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


SAMPLES = 20_000


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("per_sample", [False, True])
def test_the_estimates_are_unbiased(per_sample, net, problem):
    risk, theta = problem(net)
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
def test_the_estimate_takes_any_loss_and_layers(loss, problem):
    risk, theta = problem("deep 2", loss=loss)
    drop = refimpl.Dropout([0.8, 0.6], layers="all")
    rng = np.random.default_rng(3)
    estimate = R2_estimate(risk, theta, drop, EPSILON, SAMPLES, rng)
    z, bound = oracles.worst_z(estimate, enumerated(risk, theta, drop))
    assert z < bound
    swapped = refimpl.Dropout([0.6, 0.8], layers="all")
    z, bound = oracles.worst_z(estimate, enumerated(risk, theta, swapped))
    assert z > 2 * bound


def test_r2_says_what_it_does_not_cover(problem):
    risk, theta = problem("deep 2")
    labels, _ = problem("deep 2", loss="cross_entropy")
    drop, rng = refimpl.Dropout(0.5), np.random.default_rng(0)
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


@pytest.mark.parametrize("per_sample", [True, False])
def test_replicas_in_groups_are_as_all_at_once(per_sample, monkeypatch, problem):
    objective, theta = problem(n=5, replicas=(3,), own_data=True)
    drop = refimpl.Dropout(np.array([0.5, 0.7, 0.9]), per_sample=per_sample)
    case = objective, theta, drop, np.array([0.1, 0.2, 0.3])
    value, gradient = refimpl.R2(*case), refimpl.R2_gradient(*case)
    monkeypatch.setattr(backend, "CHUNK_ELEMENTS", 2 * 24 * 5 * 4)
    oracles.assert_close(refimpl.R2(*case), value)
    oracles.assert_close(refimpl.R2_gradient(*case), gradient)
    for k in range(3):
        alone = refimpl.Risk(objective.net, objective.X[k], objective.Y[k])
        single = refimpl.Dropout(float(drop.keep[k]), per_sample=per_sample)
        found = refimpl.R2(alone, theta[k], single, float(case[3][k]))
        oracles.assert_close(found, value[k])


@pytest.mark.equation("eq:r2")
@pytest.mark.parametrize("replicas", [(), (2,)])
def test_the_estimates_take_a_learning_rate_for_each_replica(replicas, problem):
    risk, theta = problem(replicas=replicas)
    drop, rates = refimpl.Dropout(0.6), np.array([0.1, 0.3])
    for sampled in (R2_estimate, R2_gradient_estimate):
        both = sampled(risk, theta, drop, rates, 50, np.random.default_rng(4))
        for k, rate in enumerate(rates):
            one = theta[k] if replicas else theta
            rng = np.random.default_rng(4)
            alone = sampled(risk, one, drop, float(rate), 50, rng)
            oracles.assert_close(both.mean[k], alone.mean)
            oracles.assert_close(both.standard_error[k], alone.standard_error)
