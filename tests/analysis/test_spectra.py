"""Stochastic Lanczos quadrature against dense eigenvalues, on awkward spectra too."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects, worst_z

import refimpl
from refimpl.analysis import spectra as spectrum
from refimpl.analysis.gauss_newton import GaussNewton
from refimpl.core.objective import Differentiable


P = 30


class Matrix(Differentiable):
    """½ θᵀAθ, whose Hessian is the symmetric matrix A."""

    net, n = refimpl.TwoLayer(1, P // 3), 1

    def __init__(self, values, rng):
        Q, _ = np.linalg.qr(rng.standard_normal((P, P)))
        self.A = (Q * values) @ Q.T

    def product(self, theta, q):
        return lambda v: self.A @ v


SPECTRA = {
    "spread": np.linspace(-1, 3, P),
    "rank 3": np.concatenate([np.zeros(P - 3), [1.0, 2.0, 5.0]]),
    "clusters": np.repeat([0.0, 1.0, 1.001], P // 3),
    "zero": np.zeros(P),
}
GRID = np.linspace(-2, 6, 41)


def smoothed(values, weights, width):
    """Σ weight · Gaussian on the grid."""
    shapes = np.exp(-0.5 * ((GRID[:, None] - values) / width) ** 2)
    return shapes @ weights / (width * np.sqrt(2 * np.pi))


@pytest.mark.equation("eq:lanczos-quadrature")
@pytest.mark.parametrize("name", SPECTRA)
def test_with_all_steps_the_rule_of_a_probe_is_exact(name):
    matrix = Matrix(SPECTRA[name], np.random.default_rng(0))
    theta, rng = np.zeros(P), np.random.default_rng(1)
    rule = spectrum.quadrature(matrix, theta, P, 2, rng)
    values, U = np.linalg.eigh(matrix.A)
    again = np.random.default_rng(1)
    for k in range(2):
        v = again.standard_normal(P)
        shares = (U.T @ v) ** 2 / (v @ v)  # (vᵀu_i)² of the unit vector
        found = smoothed(rule.nodes[k], rule.weights[k], 0.3)
        assert_close(found, smoothed(values, shares, 0.3), 1e-9)
        if name != "zero":
            assert_rejects(found, smoothed(values, np.full(P, 1 / P), 0.3), 1e-9)


@pytest.mark.equation("eq:lanczos-quadrature")
@pytest.mark.parametrize("name", SPECTRA)
def test_few_steps_are_exact_for_low_moments(name):
    matrix = Matrix(SPECTRA[name], np.random.default_rng(0))
    theta, steps = np.zeros(P), 4
    few = spectrum.quadrature(matrix, theta, steps, 3, np.random.default_rng(1))
    many = spectrum.quadrature(matrix, theta, P, 3, np.random.default_rng(1))

    def moments(order):
        return [rule.mean_of(lambda values: values**order).mean for rule in (few, many)]

    for order in range(2 * steps):
        np.testing.assert_allclose(*moments(order), rtol=1e-9, atol=1e-12)
    if name == "spread":
        assert_rejects(*moments(2 * steps), 1e-9)


@pytest.mark.equation("eq:spectral-density")
@pytest.mark.parametrize("name", ["spread", "rank 3", "clusters"])
def test_the_mean_over_probes_is_the_density(name):
    matrix = Matrix(SPECTRA[name], np.random.default_rng(0))
    rule = spectrum.quadrature(matrix, np.zeros(P), 12, 400, np.random.default_rng(2))
    density = spectrum.spectral_density(rule, GRID, 0.4)
    exact = smoothed(SPECTRA[name], np.full(P, 1 / P), 0.4)
    seen = exact > 1e-3
    density = refimpl.Estimate(density.mean[seen], density.standard_error[seen])
    z, bound = worst_z(density, exact[seen])
    assert z < bound
    shifted = smoothed(SPECTRA[name] + 0.2, np.full(P, 1 / P), 0.4)
    z, bound = worst_z(density, shifted[seen])
    assert z > bound


@pytest.mark.equation("eq:spectral-density")
def test_the_density_of_a_hessian_integrates_to_one(problem):
    objective, theta = problem("deep 2", n=4)
    rule = spectrum.quadrature(objective, theta, 20, 50, np.random.default_rng(0))
    values = np.linalg.eigvalsh(refimpl.hessian(objective, theta))
    grid = np.linspace(values[0] - 2, values[-1] + 2, 2001)
    density = spectrum.spectral_density(rule, grid, 0.1)
    assert_close(np.trapezoid(density.mean, grid), 1.0, 1e-6)
    trace = rule.mean_of(lambda x: len(theta) * x)
    z, bound = worst_z(trace, values.sum())
    assert z < bound


def test_the_share_of_large_eigenvalues_at_zero_loss_is_the_rank(problem):
    objective, theta = problem(outputs=1, width=8)
    rng = np.random.default_rng(0)
    rule = spectrum.quadrature(GaussNewton(objective), theta, 10, 2000, rng)
    share = rule.mean_of(lambda values: (values > 1e-8).astype(float))
    z, bound = worst_z(share, 3 / len(theta))
    assert z < bound and share.standard_error < 0.01


@pytest.mark.parametrize(
    "arguments, words",
    [
        (dict(steps=0), "steps must be an integer"),
        (dict(steps=P + 1), "steps must be an integer"),
        (dict(probes=1), "probes must be an integer"),
        (dict(theta=np.zeros((2, P))), r"theta must have shape \(P,\)"),
    ],
)
def test_bad_arguments_are_refused(arguments, words):
    matrix = Matrix(np.zeros(P), np.random.default_rng(0))
    with pytest.raises(ValueError, match=words):
        spectrum.quadrature(matrix, **({"theta": np.zeros(P), "steps": 5} | arguments))


@pytest.mark.parametrize("width", [0, -1.0, float("nan"), float("inf")])
def test_a_bad_width_is_refused(width):
    rule = spectrum.Quadrature(np.zeros((2, 1)), np.ones((2, 1)))
    with pytest.raises(ValueError, match="width must be positive and finite"):
        spectrum.spectral_density(rule, GRID, width)


@pytest.mark.equation("eq:lanczos-quadrature")
def test_a_function_of_positive_eigenvalues_is_not_asked_for_zero():
    """The log-determinant, where a Krylov space ends before its steps are taken."""
    matrix = Matrix(np.repeat([0.5, 2.0, 4.0], P // 3), np.random.default_rng(5))
    rule = spectrum.quadrature(matrix, np.zeros(P), 10, 400, np.random.default_rng(6))
    with np.errstate(all="raise"):
        z, bound = worst_z(rule.mean_of(np.log), np.log(4) / 3)
    assert z < bound
