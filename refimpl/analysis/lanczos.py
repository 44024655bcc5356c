"""Lanczos iteration with full reorthogonalisation.

Every step is looked at, so an eigenvalue to a loose tolerance takes few products.
Serves also where SciPy does not reach (CuPy arrays, whose own ``eigsh`` has open
reports of wrong results on clustered and low-rank spectra). Restarts with a fresh
direction when the Krylov space is exhausted, so multiple eigenvalues are found with
multiplicity.
"""

from typing import Any, NamedTuple

import numpy as np

from refimpl.arrays.backend import get_xp

# Steps before the eigenvalues are looked at, where more than one is wanted: fewer may
# not have seen one that is multiple.
LEAST_STEPS = 32

# A second subtraction is due if the first leaves less than this part of the norm
# (Daniel, Gragg, Kaufman and Stewart 1976).
CANCELLED = 0.7


class Krylov(NamedTuple):
    """What some steps have built: T = Q A Qᵀ is tridiagonal.

    The lists and Q grow with further steps.
    """

    diagonal: Any  # (K,)
    off_diagonal: Any  # (K,): the last entry leads to the next vector
    Q: Any  # (K, P) orthonormal rows
    exhausted: bool  # the span of Q is invariant

    def ritz(self):
        """Ritz values (K,), ascending, and the vectors (K, K) of T."""
        d, e = np.asarray(self.diagonal), np.asarray(self.off_diagonal[:-1])
        return np.linalg.eigh(np.diag(d) + np.diag(e, 1) + np.diag(e, -1))


def krylov(matvec, start, steps, rng=None):
    """Lanczos steps from `start` (P,), not zero: one `Krylov` after each of them.

    `matvec` is symmetric, (P,) to (P,); there are at most P `steps`. A generator `rng`
    draws a new direction when the Krylov space is exhausted; without it the iteration
    ends there.

    Equation: eq:lanczos
    """
    xp, eps = get_xp(start), float(np.finfo(start.dtype).eps)
    Q = xp.empty((min(steps, LEAST_STEPS), len(start)), dtype=start.dtype)
    diagonal, off_diagonal, scale = [], [], 0.0
    q = start / xp.linalg.norm(start)
    for k in range(steps):
        if k == len(Q):
            more = min(k, steps - k)
            Q = xp.concatenate([Q, xp.empty((more, len(q)), dtype=q.dtype)])
        Q[k] = q
        w = matvec(q)
        alpha = float(q @ w)
        w = w - alpha * q
        if k > 0:
            w -= off_diagonal[-1] * Q[k - 1]
        w, beta = _orthogonal(w, Q[: k + 1])
        scale = max(scale, abs(alpha), beta)
        exhausted = beta <= 100 * eps * scale
        diagonal.append(alpha)
        off_diagonal.append(0.0 if exhausted else beta)
        yield Krylov(diagonal, off_diagonal, Q[: k + 1], exhausted)
        if exhausted:
            if rng is None or k + 1 == steps:
                return
            w = xp.asarray(rng.standard_normal(len(start)), dtype=start.dtype)
            w, beta = _orthogonal(*_orthogonal(w, Q[: k + 1])[:1], Q[: k + 1])
        q = w / beta


def all_copies(solve, matvec, draw, k, tolerance):
    """The `k` largest eigenvalues, descending, with their multiplicity: (k,).

    A Krylov space holds one vector of each eigenspace. So the largest of what is left
    when all that is found is moved below it is asked for, from another start, until it
    is not larger than what is found by more than `tolerance` times the largest.

    Parameters
    ----------
    solve : callable
        ``solve(matvec, start, count)``: so many of the largest eigenvalues, descending,
        and their vectors (count, P).
    matvec : callable
    draw : callable
        Makes a start vector (P,).
    """
    start = draw()
    xp, P = get_xp(start), len(start)

    def largest(matvec, start, count):
        if not float(xp.linalg.norm(matvec(start))):  # all are 0: no space to grow
            return xp.zeros(count, start.dtype), xp.zeros((count, P), start.dtype)
        return solve(matvec, start, count)

    values, V = largest(matvec, start, k)
    while True:
        below = values[-1] - abs(values).max()

        def rest(v):
            known = (V @ v) @ V
            w = matvec(v - known)
            return w - (V @ w) @ V + below * known

        start = draw()
        more, U = largest(rest, start - (V @ start) @ V, 1)
        if not more[0] > values[-1] + tolerance * abs(values).max():
            return values
        values, V = xp.concatenate([values, more]), xp.concatenate([V, U])
        order = xp.argsort(-values)[:k]
        values, V = values[order], V[order]


def top_by_lanczos(matvec, start, k, rng, tolerance=1e-10, max_steps=None):
    """The `k` largest eigenvalues, in descending order (k,), and vectors (k, P).

    Steps are taken until the residual of each of the k Ritz pairs is below `tolerance`
    times the largest Ritz value in magnitude.

    Raises
    ------
    ArithmeticError
        If they have not converged after `max_steps` (all P by default).
    """
    P = len(start)
    max_steps = P if max_steps is None else min(max_steps, P)
    least = min(max_steps, 2 if k == 1 else max(4 * k, LEAST_STEPS))
    for space in krylov(matvec, start, max_steps, None if k == 1 else rng):
        steps = len(space.diagonal)
        if steps < least and not (k == 1 and space.exhausted):
            continue
        values, vectors = space.ritz()
        residuals = abs(space.off_diagonal[-1] * vectors[-1, -k:])
        largest = max(float(abs(values).max()), 1e-300)
        if residuals.max() <= tolerance * largest or steps == P:
            xp, last = get_xp(start), slice(None, -k - 1, -1)
            mixed = xp.asarray(vectors[:, last].T, dtype=start.dtype)
            return xp.asarray(values[last], dtype=start.dtype), mixed @ space.Q
    raise ArithmeticError(
        f"{k} eigenvalues have not converged in {max_steps} Lanczos steps: "
        f"residual {residuals.max() / largest:.3g} of the largest"
    )


def _orthogonal(w, Q):
    """Part of `w` orthogonal to the rows of Q, and its norm.

    Twice is enough (Kahan, Parlett), and once where little is taken away.
    """
    xp = get_xp(w)
    before = float(xp.linalg.norm(w))
    w = w - (Q @ w) @ Q
    after = float(xp.linalg.norm(w))
    if after < CANCELLED * before:
        w = w - (Q @ w) @ Q
        after = float(xp.linalg.norm(w))
    return w, after
