"""Lanczos iteration with full reorthogonalisation.

Serves where SciPy does not reach (CuPy arrays, whose own ``eigsh`` has open reports of
wrong results on clustered and low-rank spectra). Restarts with a fresh direction when
the Krylov space is exhausted, so multiple eigenvalues are found with multiplicity.
"""

from refimpl.backend import get_xp


def lanczos(matvec, start, steps, rng=None):
    """Tridiagonal T = Q A Qᵀ of a symmetric operator on the Krylov space of `start`.

    Equation: eq:lanczos

    Parameters
    ----------
    matvec : callable
        (P,) to (P,), symmetric.
    start : (P,)
        Not zero.
    steps : int
        At most P.
    rng : Generator, optional
        Draws the new direction when the Krylov space is exhausted; without it the
        iteration ends there.

    Returns
    -------
    diagonal : (K,)
    off_diagonal : (K−1,)
    Q : (K, P)
        Orthonormal rows, K ≤ `steps`.
    """
    xp = get_xp(start)
    Q = xp.empty((steps, len(start)), dtype=start.dtype)
    diagonal, off_diagonal, scale = [], [], 0.0
    q = start / xp.linalg.norm(start)
    for k in range(steps):
        Q[k] = q
        w = matvec(q)
        diagonal.append(float(q @ w))
        w = _orthogonal(w, Q[: k + 1])
        beta = float(xp.linalg.norm(w))
        scale = max(scale, abs(diagonal[-1]), beta)
        if k + 1 == steps:
            break
        if beta <= 100 * float(xp.finfo(start.dtype).eps) * scale:
            if rng is None:
                break
            beta = 0.0  # an invariant subspace: go on orthogonally to it
            w = xp.asarray(rng.standard_normal(len(start)), dtype=start.dtype)
            w = _orthogonal(w, Q[: k + 1])
        q = w / xp.linalg.norm(w)
        off_diagonal.append(beta)
    count = len(diagonal)
    return xp.asarray(diagonal), xp.asarray(off_diagonal[: count - 1]), Q[:count]


def top_by_lanczos(matvec, start, k, rng, tolerance=1e-10, max_steps=None):
    """The `k` largest eigenvalues, in descending order: (k,).

    The Krylov space is doubled until the residual of each of the k Ritz pairs is below
    `tolerance` times the largest Ritz value in magnitude.

    Raises
    ------
    ArithmeticError
        If they have not converged after `max_steps` (all P by default).
    """
    xp = get_xp(start)
    P = len(start)
    max_steps = P if max_steps is None else min(max_steps, P)
    steps = min(max_steps, max(4 * k, 32))
    while True:
        diagonal, off_diagonal, Q = lanczos(matvec, start, steps, rng)
        T = xp.diag(diagonal) + xp.diag(off_diagonal, 1) + xp.diag(off_diagonal, -1)
        values, vectors = xp.linalg.eigh(T)
        top = vectors[:, ::-1][:, :k].T @ Q  # (k, P) Ritz vectors
        ritz = values[::-1][:k]
        largest = float(abs(values).max())
        residuals = [
            float(xp.linalg.norm(matvec(v) - value * v)) for v, value in zip(top, ritz)
        ]
        if max(residuals) <= tolerance * max(largest, 1e-300) or steps == P:
            return ritz
        if steps == max_steps:
            raise ArithmeticError(
                f"{k} eigenvalues have not converged in {steps} Lanczos steps: "
                f"residual {max(residuals):.3g}"
            )
        steps = min(2 * steps, max_steps)


def _orthogonal(w, Q):
    """Part of `w` orthogonal to the rows of Q; twice is enough (Kahan, Parlett)."""
    for _ in range(2):
        w = w - Q.T @ (Q @ w)
    return w
