"""The largest eigenvalues of an objective's Hessian."""

from refimpl.analysis.hessian import DENSE_SIZE, check_no_replicas, hessian
from refimpl.analysis.lanczos import all_copies, top_by_lanczos
from refimpl.arrays import backend, checks, generators
from refimpl.arrays.backend import get_xp, like
from refimpl.arrays.types import Array, ArrayLike, Generator
from refimpl.core.objective import Differentiable, check_objective
from refimpl.fast.hessian_at import hessian_at

# Array elements that the passes over the samples for a dense Hessian may take: with
# more, iterating is cheaper even where there are few parameters.
DENSE_WORK = 2**30

# Lanczos vectors kept, before ARPACK takes over with as many.
VECTORS = 20


def top_eigenvalues(
    risk: Differentiable,
    theta: ArrayLike,
    k: int = 1,
    tolerance: float = 1e-6,
    rng: Generator | None = None,
) -> Array:
    """The `k` largest eigenvalues of the Hessian, in descending order.

    Dense up to 1,500 parameters, unless samples are very many. Else matrix-free: the
    largest by `lanczos`, and where that takes more than 20 steps, or for more of them,
    by ARPACK through SciPy, which restarts, so that memory stays bounded. CuPy arrays
    stay with `lanczos`. Eigenvalues that are multiple, as of ReLU neurons alike, come
    as often as they are.

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
    theta, _ = check_objective(risk, "risk").check(theta)
    xp, P = get_xp(theta), risk.net.size
    tolerance = checks.check_positive("tolerance", tolerance)
    k = checks.check_integer("k", k, 1, P)
    rng = generators.as_generator(0 if rng is None else rng, xp, several=False)
    rows = theta.reshape(-1, P)
    if not len(rows):  # no replicas
        return xp.empty(theta.shape[:-1] + (k,), theta.dtype)
    check_no_replicas(risk)
    work = P * backend.pass_elements(risk.net, risk.n)
    dense = P <= DENSE_SIZE and work <= DENSE_WORK
    if dense or k >= P - 1:
        values = [xp.linalg.eigvalsh(hessian(risk, row))[::-1][:k] for row in rows]
    else:
        values = [_by_products(risk, row, k, tolerance, rng) for row in rows]
    return xp.stack(values).reshape(theta.shape[:-1] + (k,))


def _by_products(risk, theta, k, tolerance, rng):
    """The `k` largest eigenvalues at `theta` (P,), without the matrix."""
    dtype = "float32" if theta.dtype.itemsize <= 4 else "float64"
    product, on_device = hessian_at(risk, theta), backend.on_device(theta)

    def draw():
        return like(rng.standard_normal(theta.shape[-1], dtype=dtype), theta)

    def solve(product, start, count):
        if on_device:
            return top_by_lanczos(product, start, count, rng, tolerance)
        return _by_arpack(product, start, count, tolerance)

    if k > 1:
        return all_copies(solve, product, draw, k, tolerance)
    start = draw()
    try:
        most = None if on_device else VECTORS
        return top_by_lanczos(product, start, 1, rng, tolerance, most)[0]
    except ArithmeticError:
        return solve(product, start, 1)[0]


def _by_arpack(product, start, count, tolerance):
    """So many of the largest eigenvalues, descending, and their vectors (count, P)."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    operator = LinearOperator(
        (len(start),) * 2, matvec=lambda v: product(v.reshape(-1)), dtype=start.dtype
    )
    values, vectors = eigsh(operator, count, which="LA", tol=tolerance, v0=start)
    return values[::-1].copy(), vectors.T[::-1]
