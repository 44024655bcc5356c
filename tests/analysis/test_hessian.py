"""Hessian, largest eigenvalues and trace against the dense Hessian."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects, central_gradient
from problems import NETWORKS, network, risk
from scipy import stats

import refimpl
from refimpl.analysis import hessian as curvature
from refimpl.arrays import backend


def problem(kind="deep 2", lead=(), outputs=2, loss="mse"):
    rng = np.random.default_rng(0)
    net = network(kind, "tanh", outputs=outputs)
    return risk(net, rng, n=4, loss=loss), rng.standard_normal((*lead, net.size))


@pytest.mark.equation("eq:hessian")
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("kind", NETWORKS)
def test_the_hessian_is_the_derivative_of_the_gradient(kind, loss):
    objective, theta = problem(kind, loss=loss)
    H = refimpl.hessian(objective, theta)
    assert_close(H, H.T)
    step = 1e-30j * np.eye(len(theta))
    expected = np.array([objective.gradient(theta + s).imag / 1e-30 for s in step])
    assert_close(H, expected)
    assert_close(H, central_gradient_of_gradient(objective, theta), 1e-6)


def central_gradient_of_gradient(objective, theta):
    return np.array(
        [
            central_gradient(lambda t: objective.gradient(t)[..., k], theta)
            for k in range(len(theta))
        ]
    )


def test_hessian_trace_and_eigenvalues_keep_replica_axes():
    objective, theta = problem(lead=(2, 3))
    P = objective.net.size
    H = refimpl.hessian(objective, theta)
    assert H.shape == (2, 3, P, P)
    assert_close(H[1, 2], refimpl.hessian(objective, theta[1, 2]))
    trace = refimpl.hessian_trace(objective, theta)
    assert_close(trace.mean, np.trace(H, axis1=-2, axis2=-1))
    assert not trace.standard_error.any()
    top = refimpl.top_eigenvalues(objective, theta, 3)
    assert_close(top, np.linalg.eigvalsh(H)[..., ::-1][..., :3])


def test_replicas_may_have_data_of_their_own():
    rng = np.random.default_rng(2)
    net = network("two-layer", "tanh")
    objective, theta = risk(net, rng, lead=(2,)), rng.standard_normal((2, net.size))
    H = refimpl.hessian(objective, theta)
    for k in range(2):
        alone = refimpl.Risk(net, objective.X[k], objective.Y[k])
        assert_close(H[k], refimpl.hessian(alone, theta[k]))
    trace = refimpl.hessian_trace(objective, theta).mean
    assert_close(trace, np.trace(H, axis1=-2, axis2=-1))


def test_chunks_do_not_change_the_hessian(monkeypatch):
    objective, theta = problem(lead=(2,))
    whole = refimpl.hessian(objective, theta)
    monkeypatch.setattr(backend, "CHUNK_ELEMENTS", 1000)
    assert_close(refimpl.hessian(objective, theta), whole)
    trace = refimpl.hessian_trace(objective, theta).mean
    assert_close(trace, np.trace(whole, axis1=-2, axis2=-1))


@pytest.mark.equation("eq:top-eigenvalues")
@pytest.mark.parametrize("route", ["_arpack", "_own"])
@pytest.mark.parametrize("low_rank", [False, True])
def test_matrix_free_eigenvalues_are_those_of_the_hessian(route, low_rank, monkeypatch):
    objective, theta = problem("deep 3")
    if low_rank:  # zero loss, one output: the rank of H is at most n
        objective, theta = problem("two-layer", outputs=1)
        fitted = objective.net.forward(theta, objective.X)
        objective = refimpl.Risk(objective.net, objective.X, fitted)
    expected = np.linalg.eigvalsh(refimpl.hessian(objective, theta))[::-1][:3]
    monkeypatch.setattr(curvature, "DENSE_SIZE", 1)
    if route == "_own":
        monkeypatch.setattr(curvature, "_arpack", curvature._own)
    found = refimpl.top_eigenvalues(objective, theta, 3, tolerance=1e-9)
    assert_close(found, expected, 1e-8)
    assert_rejects(found[::-1], expected, 1e-8)


@pytest.mark.parametrize("tolerance", [1e-1, 1e-2])
def test_a_loose_tolerance_saves_products(tolerance, monkeypatch):
    rng = np.random.default_rng(4)
    objective, _ = problem("two-layer", outputs=1)
    theta, count = rng.standard_normal(objective.net.size), 0

    def counted(risk, theta):
        def product(v):
            nonlocal count
            count += 1
            return risk.hvp(theta, v)

        return product

    exact = np.linalg.eigvalsh(refimpl.hessian(objective, theta))[-1]
    monkeypatch.setattr(curvature, "DENSE_SIZE", 1)
    monkeypatch.setattr(curvature, "hessian_at", counted)
    (found,) = refimpl.top_eigenvalues(objective, theta, tolerance=tolerance)
    assert abs(found / exact - 1) < tolerance and count <= 8
    refimpl.top_eigenvalues(objective, theta, tolerance=1e-12)
    assert count > 12


@pytest.mark.equation("eq:trace")
def test_hutchinson_is_unbiased_and_knows_its_error():
    objective, theta = problem("two-layer")
    H = refimpl.hessian(objective, theta)
    exact, probes = np.trace(H), 8000
    rng = np.random.default_rng(1)
    estimate = refimpl.hessian_trace(objective, theta, "hutchinson", probes, rng)
    z = (estimate.mean - exact) / estimate.standard_error
    assert abs(z) < stats.norm.isf(1e-4)
    off_diagonal = H - np.diag(np.diag(H))
    error = np.sqrt(2 * (off_diagonal**2).sum() / probes)
    np.testing.assert_allclose(estimate.standard_error, error, rtol=0.1)
    # The error is small against the effect: half or twice the trace is rejected.
    assert abs(exact) / estimate.standard_error > 20


@pytest.mark.equation("eq:trace")
def test_large_networks_are_estimated(monkeypatch):
    objective, theta = problem()  # deep: a two-layer network has a closed form
    monkeypatch.setattr(curvature, "DENSE_SIZE", 1)
    estimate = refimpl.hessian_trace(objective, theta)
    again = refimpl.hessian_trace(objective, theta)
    assert estimate.standard_error > 0 and estimate == again
