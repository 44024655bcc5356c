"""The two parts of the Hessian, against the Jacobian of the outputs."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects
from problems import NETWORKS, direction, noise

import refimpl
from refimpl.analysis.gauss_newton import GaussNewton, ResidualCurvature
from refimpl.theory.jacobian import output_jacobian


def output_curvature(objective, theta):
    """∂²ℓ/∂F² (n·o, n·o), from the definition of the loss."""
    F = objective.net.forward(theta, objective.X)
    n, o = F.shape
    if objective.loss is refimpl.core.loss.MSE:
        return np.eye(n * o) / n
    B = np.zeros((n * o, n * o))
    for i, f in enumerate(F):
        s = np.exp(f) / np.exp(f).sum()
        B[i * o : (i + 1) * o, i * o : (i + 1) * o] = (np.diag(s) - np.outer(s, s)) / n
    return B


@pytest.mark.equation("eq:gauss-newton")
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("kind", NETWORKS)
def test_the_gauss_newton_part_is_that_of_the_jacobian(kind, loss, problem):
    objective, theta = problem(kind, n=4, loss=loss)
    J, B = output_jacobian(objective, theta), output_curvature(objective, theta)
    G = refimpl.hessian(GaussNewton(objective), theta)
    assert_close(G, J.T @ B @ J)
    assert_rejects(G, J.T @ J)
    assert_rejects(G, refimpl.hessian(objective, theta))


@pytest.mark.equation("eq:gauss-newton")
@pytest.mark.parametrize("kind", NETWORKS)
def test_the_parts_sum_to_the_hessian(kind, problem):
    objective, theta = problem(kind, n=4)
    parts = [GaussNewton(objective), ResidualCurvature(objective)]
    H = sum(refimpl.hessian(part, theta) for part in parts)
    assert_close(H, refimpl.hessian(objective, theta))
    v, eta = direction(theta), noise(objective)
    with_noise = sum(part.hvp(theta, v, eta) for part in parts)
    assert_close(with_noise, objective.hvp(theta, v, eta))
    assert_rejects(with_noise, objective.hvp(theta, v))


@pytest.mark.equation("eq:gauss-newton")
def test_at_zero_loss_nothing_is_left_out(problem):
    objective, theta = problem("deep 2", outputs=1, n=4)
    fitted = objective.net.forward(theta, objective.X)
    objective = refimpl.Risk(objective.net, objective.X, fitted)
    G = refimpl.hessian(GaussNewton(objective), theta)
    assert_close(G, refimpl.hessian(objective, theta))
    values = np.linalg.eigvalsh(G)
    assert (values > -1e-12).all()
    assert (values > 1e-9 * values.max()).sum() <= objective.n  # rank ≤ n·o


def test_the_parts_have_replica_axes_and_batches(problem):
    objective, theta = problem(n=4)
    both = np.stack([theta, 2 * theta])
    part = GaussNewton(objective)
    assert_close(
        refimpl.hessian(part, both), [refimpl.hessian(part, one) for one in both]
    )
    batch = np.array([0, 3])
    assert_close(
        refimpl.hessian(part.batch(batch), theta),
        refimpl.hessian(GaussNewton(objective.batch(batch)), theta),
    )
    assert_close(part(theta), objective(theta))
    assert_close(part.gradient(theta), objective.gradient(theta))


def test_the_trace_is_that_of_the_tangent_kernel(problem):
    objective, theta = problem("deep 2", n=4)
    trace = refimpl.hessian_trace(GaussNewton(objective), theta).mean
    assert_close(trace, refimpl.theory.jacobian.ntk_trace(objective, theta))
