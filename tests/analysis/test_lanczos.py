"""Our own Lanczos against dense eigenvalues, on easy and on awkward spectra."""

import numpy as np
import pytest
from oracles import assert_close

from refimpl.analysis.lanczos import krylov, top_by_lanczos

P = 40
SPECTRA = {
    "spread": np.linspace(-1, 3, P),
    "rank 3": np.concatenate([np.zeros(P - 3), [1.0, 2.0, 5.0]]),
    "triple": np.concatenate([np.linspace(0, 1, P - 3), [4.0, 4.0, 4.0]]),
    "clustered": np.concatenate([np.zeros(P - 4), 1 + 1e-9 * np.arange(4)]),
    "zero": np.zeros(P),
    "negative": -np.arange(1.0, P + 1),
}


def matrix(spectrum, rng):
    Q, _ = np.linalg.qr(rng.standard_normal((P, P)))
    return (Q * SPECTRA[spectrum]) @ Q.T


@pytest.mark.equation("eq:lanczos")
@pytest.mark.parametrize("spectrum", SPECTRA)
def test_the_largest_eigenvalues_come_with_multiplicity(spectrum):
    rng = np.random.default_rng(0)
    A = matrix(spectrum, rng)
    found, _ = top_by_lanczos(lambda v: A @ v, rng.standard_normal(P), 3, rng)
    expected = np.sort(SPECTRA[spectrum])[::-1][:3]
    np.testing.assert_allclose(found, expected, atol=1e-9, rtol=1e-9)


@pytest.mark.equation("eq:lanczos")
@pytest.mark.parametrize("spectrum", ["spread", "triple"])
def test_q_is_orthonormal_and_tridiagonalises(spectrum):
    rng = np.random.default_rng(1)
    A = matrix(spectrum, rng)
    *_, space = krylov(lambda v: A @ v, rng.standard_normal(P), P, rng)
    Q, off = space.Q, space.off_diagonal[:-1]
    T = np.diag(space.diagonal) + np.diag(off, 1) + np.diag(off, -1)
    assert_close(Q @ Q.T, np.eye(P))
    assert_close(Q @ A @ Q.T, T)
    values, vectors = space.ritz()
    assert_close((vectors * values) @ vectors.T, T)


def test_without_a_generator_it_ends_with_the_krylov_space():
    rng = np.random.default_rng(2)
    A = matrix("rank 3", rng)
    *_, space = krylov(lambda v: A @ v, rng.standard_normal(P), 20)
    assert len(space.diagonal) == len(space.Q) == 4  # three eigenvectors, null space


def test_too_few_steps_are_an_error():
    rng = np.random.default_rng(3)
    A = matrix("clustered", rng) + matrix("spread", rng)
    with pytest.raises(ArithmeticError, match="have not converged in 5 Lanczos steps"):
        top_by_lanczos(lambda v: A @ v, rng.standard_normal(P), 2, rng, max_steps=5)
