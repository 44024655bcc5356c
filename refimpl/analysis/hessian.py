"""Curvature of an objective: its Hessian and the trace.

Any `Objective` serves; the experiments take R_S with dropout off.
"""

from refimpl.arrays import backend, checks, generators
from refimpl.arrays.backend import chunks, get_xp, like
from refimpl.arrays.limits import check_fits
from refimpl.arrays.types import Array, ArrayLike, Generator
from refimpl.core.expectation import Estimate
from refimpl.core.objective import Differentiable, check_objective
from refimpl.fast.hessian_at import hessian_at, trace_at

# Up to this many parameters the dense Hessian is cheaper than iterating.
DENSE_SIZE = 1500


def hessian(risk: Differentiable, theta: ArrayLike) -> Array:
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
    theta = check_replicas(risk, theta)
    xp, P = get_xp(theta), risk.net.size
    check_fits(f"the Hessian in {P:,} parameters", theta.size * P, theta)
    H = xp.empty(theta.shape + (P,), dtype=theta.dtype)
    for start, stop, columns in _hvp_chunks(risk, theta, hessian_at(risk, theta)):
        H[..., start:stop, :] = columns
    return H


def hessian_trace(
    risk: Differentiable,
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
    theta = check_replicas(risk, theta)
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
    rng = generators.as_generator(0 if rng is None else rng, xp, several=False)
    samples = []
    for start, stop in chunks(probes, _hvp_elements(risk, theta)):
        v = like(rng.integers(0, 2, (stop - start,) + theta.shape), theta)
        v = 2 * v - 1
        samples.append((v * product(v)).sum(axis=-1))
    samples = xp.concatenate(samples)  # (probes, ...)
    error = samples.std(axis=0, ddof=1) / probes**0.5
    return Estimate(samples.mean(axis=0), error)


def check_replicas(risk, theta):
    """`theta` checked; the directions' axis is put before its leading axes, so these
    must be all there are."""
    theta, q = check_objective(risk, "risk").check(theta)
    checks.as_real("theta", theta)
    lead = theta.shape[:-1]
    if risk.lead != ():  # the value says how all axes fit
        lead = risk.value(theta, q).shape
    if lead != theta.shape[:-1]:
        raise ValueError(
            f"theta must have the replica axes of data and keep, {lead}, "
            f"got {theta.shape[:-1]}"
        )
    return theta


def check_no_replicas(risk):
    """Raise ``ValueError`` if data or keep have replica axes, though theta may."""
    if risk.lead != ():
        raise ValueError(
            "risk must have no replica axes of its own, of data or keep, got "
            f"{risk.lead}"
        )


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
