"""Spectral density of a Hessian by stochastic Lanczos quadrature.

For a unit vector v the measure Σ_i (vᵀu_i)² δ(λ − λ_i) over the eigenpairs (λ_i, u_i)
is, as far as polynomials of degree 2K − 1 can tell, the K nodes and weights that K
Lanczos steps from v give. Over random v its mean is the spectral density.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from refimpl.analysis.hessian import check_no_replicas
from refimpl.analysis.lanczos import krylov
from refimpl.arrays import checks, generators
from refimpl.arrays.backend import get_xp, like
from refimpl.arrays.types import Array, ArrayLike, Generator
from refimpl.core.expectation import Estimate
from refimpl.core.objective import Differentiable, check_objective
from refimpl.fast.hessian_at import hessian_at


class Quadrature(NamedTuple):
    """Nodes and weights of every probe; the weights of a probe sum to 1."""

    nodes: Any  # (probes, K)
    weights: Any  # (probes, K)

    def mean_of(self, fn: Callable[[Any], Array]) -> Estimate:
        """(1/P) Tr fn(H): mean over probes, and its standard error.

        Parameters
        ----------
        fn : callable
            Of an array of eigenvalues, entry by entry; may add axes at the end.
        """
        values = fn(self.nodes)  # (probes, K, ...)
        weights = self.weights.reshape(self.weights.shape + (1,) * (values.ndim - 2))
        each = (weights * values).sum(axis=1)
        error = each.std(axis=0, ddof=1) / len(each) ** 0.5
        return Estimate(each.mean(axis=0), error)


def quadrature(
    risk: Differentiable,
    theta: ArrayLike,
    steps: int = 40,
    probes: int = 10,
    rng: Generator | None = None,
) -> Quadrature:
    """Lanczos quadrature of the Hessian of `risk` at θ.

    Equation: eq:lanczos-quadrature

    Parameters
    ----------
    risk : Objective
        Or a part of its Hessian: `GaussNewton`, `ResidualCurvature`.
    theta : (P,)
    steps : int
        Lanczos steps K a probe, 1 to P.
    probes : int
        Random start vectors, at least 2.
    rng : Generator, optional
        Draws the start vectors; a fixed one without it.

    Returns
    -------
    Quadrature

    Raises
    ------
    ValueError
        If theta is not one vector, data or keep have replica axes, or a number is out
        of range.

    Examples
    --------
    >>> import numpy as np, refimpl
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> rule = quadrature(risk, theta, steps=3, probes=5)
    >>> bool(np.allclose(rule.nodes, refimpl.top_eigenvalues(risk, theta, 3)[::-1]))
    True

    References
    ----------
    Golub and Welsch (1969); Lin, Saad and Yang (2016); Ghorbani et al. (2019).
    """
    theta, _ = check_objective(risk, "risk").check(theta)
    checks.as_real("theta", theta)
    if theta.ndim != 1:
        raise ValueError(f"theta must have shape (P,), got {theta.shape}")
    check_no_replicas(risk)
    xp, P = get_xp(theta), len(theta)
    steps = checks.check_integer("steps", steps, 1, P)
    probes = checks.check_integer("probes", probes, 2)
    rng = generators.as_generator(0 if rng is None else rng, xp, several=False)
    product = hessian_at(risk, theta)
    nodes, weights = xp.zeros((2, probes, steps), dtype=theta.dtype)
    for k in range(probes):
        v = xp.asarray(rng.standard_normal(P), dtype=theta.dtype)
        # Without a generator Lanczos ends with the Krylov space of v: the rest of the
        # nodes repeats one, with weight 0.
        *_, space = krylov(product, v, steps)
        values, vectors = space.ritz()
        nodes[k] = float(values[-1])
        nodes[k, : len(values)] = xp.asarray(values)
        weights[k, : len(values)] = xp.asarray(vectors[0] ** 2)
    return Quadrature(nodes, weights)


def spectral_density(rule: Quadrature, grid: ArrayLike, width: float) -> Estimate:
    """Density of eigenvalues on `grid`, smoothed with a Gaussian of `width`.

    It integrates to 1 over all λ. The smoothing is of the density, not of its estimate:
    what is estimated is the convolution of the two.

    Equation: eq:spectral-density

    Parameters
    ----------
    rule : Quadrature
    grid : (G,)
        λ.
    width : float
        Standard deviation of the Gaussian.

    Returns
    -------
    Estimate
        ``mean`` and ``standard_error``, each (G,).

    Raises
    ------
    ValueError
        If the width is not positive, or the grid not finite numbers (G,).

    Examples
    --------
    >>> import numpy as np, refimpl
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> rule, grid = refimpl.quadrature(risk, theta, steps=3), np.linspace(-99, 99, 199)
    >>> density = spectral_density(rule, grid, width=3.0).mean
    >>> round(float(density.sum()), 6)  # the grid has spacing 1
    1.0
    """
    checks.check_kind("rule", rule, Quadrature, "a Quadrature")
    xp = get_xp(rule.nodes)
    grid = like(checks.as_real("grid", grid), rule.nodes)
    if grid.ndim != 1:
        raise ValueError(f"grid must have shape (G,), got {grid.shape}")
    checks.check_finite("grid", grid)
    width = checks.check_positive("width", width)
    norm = width * (2 * xp.pi) ** 0.5

    def gaussian(values):
        return xp.exp(-0.5 * ((grid - values[..., None]) / width) ** 2) / norm

    return rule.mean_of(gaussian)
