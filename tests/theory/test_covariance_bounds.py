"""The trace of the gradient's covariance, shared mask against a mask per sample."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects
from problems import network
from problems import risk as random_risk

import refimpl
from refimpl.theory.r2 import gradient_covariance_trace

KEEP = 0.8


def traces(risk, theta):
    """Of the shared and of the per-sample convention."""
    return [
        gradient_covariance_trace(risk, theta, refimpl.Dropout(KEEP, per_sample))
        for per_sample in (False, True)
    ]


@pytest.mark.equation("eq:r2-per-sample")
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_shared_mask_has_at_most_n_times_the_trace(activation):
    ratios = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        net = network("two-layer", activation, outputs=1, width=6)
        risk = random_risk(net, rng, 5)
        shared, per_sample = traces(risk, rng.standard_normal(net.size))
        assert 0 <= shared <= 5 * per_sample
        ratios.append(shared / per_sample)
    # Random gradients point in many directions: the ratio is far from n.
    assert min(ratios) < 1 < np.median(ratios) < 2.5 < max(ratios) < 4


@pytest.mark.equation("eq:r2-per-sample")
def test_the_bound_is_met_by_equal_samples_and_opposite_ones_may_cancel():
    rng = np.random.default_rng(0)
    net = refimpl.TwoLayer(2, 6, 1)
    theta, x = net.init(rng, std=1.0), rng.standard_normal((1, 2))
    f = net.forward(theta, x)
    equal = refimpl.Risk(net, np.repeat(x, 4, axis=0), np.repeat(f + 1, 4, axis=0))
    shared, per_sample = traces(equal, theta)
    assert_close(shared, 4 * per_sample)
    assert_rejects(shared, per_sample)
    ratios = []
    for c in (1, 3, 10):
        X, Y = np.repeat(x, 2, axis=0), f + np.array([[c], [-c]])
        shared, per_sample = traces(refimpl.Risk(net, X, Y), theta)
        ratios.append(shared / per_sample)
    np.testing.assert_allclose(ratios, [1.07, 0.227, 0.0228], rtol=5e-3)


@pytest.mark.equation("eq:r2-shared")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dropped", [1e-2, 1e-4, 1e-6, 1e-8])
def test_what_cancels_leaves_rounding_and_no_negative_trace(dropped, dtype):
    """One neuron at zero loss: ∇R_S^drop = q η ∇Φ, and the trace is v³ ‖∇Φ‖²."""
    net = refimpl.TwoLayer(1, 1)
    X = np.array([[0.5], [-1.0], [2.0]], dtype)
    for w in np.linspace(0.1, 2, 20):
        theta = net.pack([[w]], [0.2], [[1.3]]).astype(dtype)
        risk = refimpl.Risk(net, X, net.forward(theta, X))
        phi = refimpl.R1_gradient(risk, theta.astype(float), 0.5)  # R_1 at v = 1
        v = dropped / (1 - dropped)
        found = gradient_covariance_trace(risk, theta, 1 - dropped)
        limit = 10 * np.finfo(dtype).eps * v * (phi @ phi)
        assert found.dtype == dtype and found >= 0
        assert abs(found - v**3 * (phi @ phi)) < limit
        if dropped == 1e-2:
            assert_rejects(found, v**2 * (phi @ phi), 1e-6)
