"""Curvature of an objective: Hessian, largest eigenvalues, trace.

Any `Objective` serves; the experiments take R_S with dropout off.
"""

from typing import Protocol, runtime_checkable

from refimpl.analysis.lanczos import top_by_lanczos
from refimpl.arrays import backend, checks, generators
from refimpl.arrays.backend import chunks, get_xp, like
from refimpl.arrays.limits import check_fits
from refimpl.arrays.types import Array, ArrayLike, Factors, Generator
from refimpl.core.expectation import Estimate
from refimpl.fast.hessian_at import hessian_at, trace_at

# Up to this many parameters the dense Hessian is cheaper than iterating, unless its
# passes over the samples take more than so many array elements.
DENSE_SIZE, DENSE_WORK = 1500, 2**30

# Lanczos vectors kept, before ARPACK takes over with as many.
VECTORS = 20


@runtime_checkable
class HasProduct(Protocol):
    """What the measures of curvature take: an objective with a Hessian product."""

    def check(self, theta: ArrayLike) -> tuple[Array, Factors]: ...
    def hvp(self, theta: ArrayLike, v: ArrayLike) -> Array: ...


def hessian(risk: HasProduct, theta: ArrayLike) -> Array:
    """Dense Hessian, by one Hessian-vector product per parameter.

    Equation: eq:hessian

    Parameters
    ----------
    risk : Objective
    theta : (..., P)

    Returns
    -------
    H : (..., P, P)
        Symmetric up to rounding.

    Raises
    ------
    ValueError
        If data or keep have replica axes that theta has not.

    Examples
    --------
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> hessian(risk, theta)  # in (w, b, a), of ½ (a (2w + b))²
    array([[36., 18., 24.],
           [18.,  9., 12.],
           [24., 12.,  4.]])
    """
    theta = _check_replicas(risk, theta)
    xp, P = get_xp(theta), risk.net.size
    check_fits(f"the Hessian in {P:,} parameters", theta.size * P, theta)
    H = xp.empty(theta.shape + (P,), dtype=theta.dtype)
    for start, stop, columns in _hvp_chunks(risk, theta, hessian_at(risk, theta)):
        H[..., start:stop, :] = columns
    return H


def top_eigenvalues(
    risk: HasProduct,
    theta: ArrayLike,
    k: int = 1,
    tolerance: float = 1e-6,
    rng: Generator | None = None,
) -> Array:
    """The `k` largest eigenvalues of the Hessian, in descending order.

    Dense up to 1,500 parameters, unless samples are very many. Else matrix-free:
    `lanczos`, and where that takes more than 20 steps ARPACK through SciPy, which
    restarts, so that memory stays bounded. CuPy arrays stay with `lanczos`.

    Equation: eq:top-eigenvalues

    Parameters
    ----------
    risk : Objective
    theta : (..., P)
    k : int
        1 to P.
    tolerance : float
        Relative accuracy of the matrix-free eigenvalues.
    rng : Generator, optional
        Draws the start vector; a fixed one without it.

    Returns
    -------
    eigenvalues : (..., k)

    Raises
    ------
    ValueError
        If k is not in 1 to P, or data or keep have replica axes of their own: each
        theta is taken in turn.

    Examples
    --------
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> values = top_eigenvalues(risk, theta, k=3)
    >>> round(float(values.sum()), 12)  # the trace: 36 + 9 + 4
    49.0
    """
    theta, _ = with_product(risk).check(theta)
    xp, P = get_xp(theta), risk.net.size
    tolerance = checks.check_positive("tolerance", tolerance)
    k = checks.check_integer("k", k, 1, P)
    rng = generators.as_generator(0 if rng is None else rng, xp)
    rows = theta.reshape(-1, P)
    if not len(rows):  # no replicas
        return xp.empty(theta.shape[:-1] + (k,), theta.dtype)
    _check_replicas(risk, rows[0])
    dense = P <= DENSE_SIZE and P * _hvp_elements(risk, rows[0]) <= DENSE_WORK
    if dense or k >= P - 1:
        values = [xp.linalg.eigvalsh(hessian(risk, row))[::-1][:k] for row in rows]
    else:
        values = [_by_products(risk, row, k, tolerance, rng) for row in rows]
    return xp.stack(values).reshape(theta.shape[:-1] + (k,))


def hessian_trace(
    risk: HasProduct,
    theta: ArrayLike,
    method: str | None = None,
    probes: int = 100,
    rng: Generator | None = None,
) -> Estimate:
    """Trace of the Hessian.

    Exact in closed form for R_S of a `TwoLayer`, and by P products for small networks.
    Otherwise by Hutchinson's estimator: for probes v of independent signs E vᵀHv is
    Tr H, as E v vᵀ = I. Its variance, 2 Σ_{i≠j} H_ij², is estimated from the probes.

    Equation: eq:trace, eq:two-layer-trace

    Parameters
    ----------
    risk : Objective
    theta : (..., P)
    method : {"exact", "hutchinson"}, optional
        Unless said otherwise exact for R_S of a `TwoLayer`, and below 1,500 parameters.
    probes : int
        Number of Hutchinson probes, at least 2.
    rng : Generator, optional
        Draws the probes; a fixed one without it.

    Returns
    -------
    Estimate
        ``mean`` and ``standard_error`` (0 where exact), each (...).

    Raises
    ------
    ValueError
        If the method is unknown, there are fewer than 2 probes, or data or keep have
        replica axes that theta has not.

    Examples
    --------
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> float(hessian_trace(risk, theta).mean)  # 36 + 9 + 4
    49.0
    >>> estimate = hessian_trace(risk, theta, "hutchinson", probes=1000)
    >>> bool(abs(estimate.mean - 49) < 4 * estimate.standard_error)
    True
    """
    theta = _check_replicas(risk, theta)
    xp, P = get_xp(theta), risk.net.size
    if method not in (None, "exact", "hutchinson"):
        raise ValueError(f"method must be 'exact' or 'hutchinson', got {method!r}")
    trace = trace_at(risk, theta) if method != "hutchinson" else None
    product = hessian_at(risk, theta) if trace is None else None
    if trace is None and (method == "exact" or method is None and P <= DENSE_SIZE):
        trace = _diagonal_sum(risk, theta, product)
    if trace is not None:
        return Estimate(trace, xp.zeros_like(trace))
    probes = checks.check_integer("probes", probes, 2)
    rng, samples = generators.as_generator(0 if rng is None else rng, xp), []
    for start, stop in chunks(probes, _hvp_elements(risk, theta)):
        v = like(rng.integers(0, 2, (stop - start,) + theta.shape), theta)
        v = 2 * v - 1
        samples.append((v * product(v)).sum(axis=-1))
    samples = xp.concatenate(samples)  # (probes, ...)
    error = samples.std(axis=0, ddof=1) / probes**0.5
    return Estimate(samples.mean(axis=0), error)


def _check_replicas(risk, theta):
    """`theta` checked; the directions' axis is put before its leading axes, so these
    must be all there are."""
    theta, q = with_product(risk).check(theta)
    checks.as_real("theta", theta)
    lead = theta.shape[:-1]
    if getattr(risk, "lead", lead) != ():  # the value says how all axes fit
        lead = risk.value(theta, q).shape
    if lead != theta.shape[:-1]:
        raise ValueError(
            f"theta must have the replica axes of data and keep, {lead}, "
            f"got {theta.shape[:-1]}"
        )
    return theta


def with_product(risk):
    """`risk`, checked to have a Hessian product."""
    allowed = "an objective with a Hessian product"
    return checks.check_kind("risk", risk, HasProduct, allowed)


def _hvp_chunks(risk, theta, product):
    """Rows ``start`` to ``stop`` of the Hessian (..., stop − start, P), in turn."""
    xp, P = get_xp(theta), risk.net.size
    for start, stop in chunks(P, _hvp_elements(risk, theta)):
        unit = backend.unit_vectors(theta, P, start, stop, theta.ndim - 1)
        yield start, stop, xp.moveaxis(product(unit), 0, -2)


def _diagonal_sum(risk, theta, product):
    trace = get_xp(theta).zeros(theta.shape[:-1], dtype=theta.dtype)
    for start, stop, columns in _hvp_chunks(risk, theta, product):
        square = columns[..., start:stop]
        trace = trace + square.diagonal(axis1=-2, axis2=-1).sum(axis=-1)
    return trace


def _hvp_elements(risk, theta):
    """Array elements that one direction's Hessian-vector product needs."""
    return theta[..., 0].size * backend.pass_elements(risk.net, risk.n)


def _by_products(risk, theta, k, tolerance, rng):
    """The `k` largest eigenvalues at `theta` (P,), without the matrix."""
    dtype = "float32" if theta.dtype.itemsize <= 4 else "float64"
    start = like(rng.standard_normal(theta.shape[-1], dtype=dtype), theta)
    product = hessian_at(risk, theta)
    if backend.on_device(theta):
        return top_by_lanczos(product, start, k, rng, tolerance)
    if k == 1:
        try:
            return top_by_lanczos(product, start, k, rng, tolerance, VECTORS)
        except ArithmeticError:
            pass
    from scipy.sparse.linalg import LinearOperator, eigsh

    operator = LinearOperator(
        (risk.net.size,) * 2, matvec=lambda v: product(v.reshape(-1)), dtype=theta.dtype
    )
    values = eigsh(operator, k, which="LA", tol=tolerance, v0=start)[0]
    return values[::-1].copy()
