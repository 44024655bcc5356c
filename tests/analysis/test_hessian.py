"""Hessian, largest eigenvalues and trace against the dense Hessian."""

import numpy as np
import pytest
from oracles import (
    assert_close,
    assert_rejects,
    central_gradient,
    complex_step_gradient,
)
from problems import NETWORKS
from scipy import stats

import refimpl
from refimpl.analysis import eigenvalues, hessian
from refimpl.arrays import backend


@pytest.mark.equation("eq:hessian")
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("kind", NETWORKS)
def test_the_hessian_is_the_derivative_of_the_gradient(kind, loss, problem):
    objective, theta = problem(kind, n=4, loss=loss)
    H = refimpl.hessian(objective, theta)
    assert_close(H, H.T)
    assert_close(H, complex_step_gradient(objective.gradient, theta))
    assert_close(H, central_gradient(objective.gradient, theta), 1e-6)


def test_hessian_trace_and_eigenvalues_keep_replica_axes(problem):
    objective, theta = problem("deep 2", n=4, replicas=(2, 3))
    P = objective.net.size
    H = refimpl.hessian(objective, theta)
    assert H.shape == (2, 3, P, P)
    assert_close(H[1, 2], refimpl.hessian(objective, theta[1, 2]))
    trace = refimpl.hessian_trace(objective, theta)
    assert_close(trace.mean, np.trace(H, axis1=-2, axis2=-1))
    assert not trace.standard_error.any()
    top = refimpl.top_eigenvalues(objective, theta, 3)
    assert_close(top, np.linalg.eigvalsh(H)[..., ::-1][..., :3])


def test_replicas_may_have_data_of_their_own(problem):
    objective, theta = problem(replicas=(2,), own_data=True)
    H = refimpl.hessian(objective, theta)
    for k in range(2):
        alone = refimpl.Risk(objective.net, objective.X[k], objective.Y[k])
        assert_close(H[k], refimpl.hessian(alone, theta[k]))
    trace = refimpl.hessian_trace(objective, theta).mean
    assert_close(trace, np.trace(H, axis1=-2, axis2=-1))


def test_chunks_do_not_change_the_hessian(monkeypatch, problem):
    objective, theta = problem("deep 2", n=4, replicas=(2,))
    whole = refimpl.hessian(objective, theta)
    monkeypatch.setattr(backend, "CHUNK_ELEMENTS", 1000)
    assert_close(refimpl.hessian(objective, theta), whole)
    trace = refimpl.hessian_trace(objective, theta).mean
    assert_close(trace, np.trace(whole, axis1=-2, axis2=-1))


@pytest.mark.equation("eq:top-eigenvalues")
@pytest.mark.parametrize("route", ["ARPACK", "ours alone, as on a device"])
@pytest.mark.parametrize("low_rank", [False, True])
def test_matrix_free_eigenvalues_are_those_of_the_hessian(
    route, low_rank, monkeypatch, problem
):
    objective, theta = problem("deep 3", n=4)
    if low_rank:  # zero loss, one output: the rank of H is at most n
        objective, theta = problem(outputs=1, n=4)
        fitted = objective.net.forward(theta, objective.X)
        objective = refimpl.Risk(objective.net, objective.X, fitted)
    expected = np.linalg.eigvalsh(refimpl.hessian(objective, theta))[::-1][:3]
    monkeypatch.setattr(eigenvalues, "DENSE_SIZE", 1)
    if route != "ARPACK":
        monkeypatch.setattr(backend, "on_device", lambda array: True)
    found = refimpl.top_eigenvalues(objective, theta, 3, tolerance=1e-9)
    assert_close(found, expected, 1e-8)
    assert_rejects(found[::-1], expected, 1e-8)


@pytest.mark.equation("eq:top-eigenvalues")
@pytest.mark.parametrize("route", ["ARPACK", "ours alone, as on a device"])
@pytest.mark.parametrize("apart", [0, 4, 9])
def test_eigenvalues_of_neurons_alike_come_as_often_as_they_are(
    apart, route, monkeypatch
):
    """ReLU neurons that are the same line and feed nothing: at zero loss all but one
    direction of the outgoing weights share an eigenvalue; `apart` are of their own."""
    net, X = refimpl.TwoLayer(1, 30, activation="relu"), np.linspace(0, 1, 5)[:, None]
    W, A = np.ones((30, 1)), np.zeros((1, 30))
    W[:apart, 0] += np.arange(1, apart + 1)
    A[0, :20] = np.where(np.arange(20) % 2, 1, -1)
    theta = net.pack(W, 0.5 * np.ones(30), A)
    objective = refimpl.Risk(net, X, net.forward(theta, X) + 1)
    expected = np.linalg.eigvalsh(refimpl.hessian(objective, theta))[::-1][:12]
    assert np.diff(expected)[1:].max() > -1e-9 or apart  # multiple, or close to it
    monkeypatch.setattr(eigenvalues, "DENSE_SIZE", 1)
    if route != "ARPACK":
        monkeypatch.setattr(backend, "on_device", lambda array: True)
    found = refimpl.top_eigenvalues(objective, theta, 12, tolerance=1e-10)
    assert_close(found, expected, 1e-8)


def test_a_hessian_of_zero_has_eigenvalues_of_zero(monkeypatch):
    net = refimpl.TwoLayer(1, 4, activation="relu")
    theta, X = net.pack(-np.ones((4, 1)), -np.ones(4), np.ones((1, 4))), np.ones((2, 1))
    monkeypatch.setattr(eigenvalues, "DENSE_SIZE", 1)
    for k in (1, 3):
        found = refimpl.top_eigenvalues(refimpl.Risk(net, X, [1, 2]), theta, k)
        np.testing.assert_array_equal(found, np.zeros(k))


def test_with_very_many_samples_no_hessian_is_formed(monkeypatch, problem):
    objective, theta = problem(outputs=1, n=4)
    expected = np.linalg.eigvalsh(refimpl.hessian(objective, theta))[-1:]
    monkeypatch.setattr(eigenvalues, "DENSE_WORK", 1)
    monkeypatch.setattr(eigenvalues, "hessian", lambda *_: pytest.fail("formed"))
    found = refimpl.top_eigenvalues(objective, theta, 1, tolerance=1e-9)
    assert_close(found, expected, 1e-8)


@pytest.mark.parametrize("tolerance", [1e-1, 1e-2])
def test_a_loose_tolerance_saves_products(tolerance, monkeypatch, problem):
    objective, theta = problem(outputs=1, n=4)
    count = 0

    def counted(risk, theta):
        def product(v):
            nonlocal count
            count += 1
            return risk.hvp(theta, v)

        return product

    exact = np.linalg.eigvalsh(refimpl.hessian(objective, theta))[-1]
    monkeypatch.setattr(eigenvalues, "DENSE_SIZE", 1)
    monkeypatch.setattr(eigenvalues, "hessian_at", counted)
    (found,) = refimpl.top_eigenvalues(objective, theta, tolerance=tolerance)
    assert abs(found / exact - 1) < tolerance and count <= 8
    refimpl.top_eigenvalues(objective, theta, tolerance=1e-12)
    assert count > 12


@pytest.mark.equation("eq:trace")
def test_hutchinson_is_unbiased_and_knows_its_error(problem):
    objective, theta = problem(n=4)
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
def test_large_networks_are_estimated(monkeypatch, problem):
    objective, theta = problem(
        "deep 2", n=4
    )  # deep: a two-layer network has a closed form
    monkeypatch.setattr(hessian, "DENSE_SIZE", 1)
    estimate = refimpl.hessian_trace(objective, theta)
    again = refimpl.hessian_trace(objective, theta)
    assert estimate.standard_error > 0 and estimate == again
