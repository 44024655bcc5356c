"""Moving on the zero-loss set {θ : R_S(θ) = 0}.

Its tangent directions are the null space of the output Jacobian J. A step along them
leaves the set only to second order, and Gauss–Newton brings it back.
"""

from refimpl.arrays.backend import get_xp, like
from refimpl.arrays.checks import check_integer, check_positive
from refimpl.core.loss import MSE
from refimpl.theory.jacobian import output_jacobian

# Singular values of J below this share of the largest count as zero: neurons that are
# inactive, or parallel, make J rank-deficient.
RANK_TOLERANCE = 1e-10


def project_to_tangent(risk, theta, v):
    """Part of `v` that changes no output on the data to first order: (I − J⁺J) v.

    Shape (..., P), like θ and v. It lies in the null space of J(θ), which is the
    tangent of the zero-loss set where J has full row rank.

    Equation: eq:zero-loss-projection

    Examples
    --------
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> moved = project_to_tangent(risk, theta, [1.0, 0.0, 0.0])  # J = (6, 3, 2)
    >>> bool(abs(moved @ [6.0, 3.0, 2.0]) < 1e-12)
    True
    """
    v = risk.net.check_theta(v, "v")
    J = output_jacobian(risk, theta)
    return v - _solve(J, (J @ v[..., None])[..., 0])


def to_zero_loss(risk, theta, tolerance=1e-12, steps=50):
    """Nearby θ (..., P) with R_S(θ) = 0, by Gauss–Newton: θ ← θ − J⁺ (f − y).

    With MSE. After at most so many `steps` no |f_k(x_i) − y_ik| is above `tolerance`,
    which is for double precision; else ``ValueError``.

    Equation: eq:zero-loss-correction

    Examples
    --------
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> float(risk(theta)), float(risk(to_zero_loss(risk, theta))) < 1e-20
    (18.0, True)
    """
    if risk.loss is not MSE:
        raise ValueError("zero loss is attained for loss 'mse' only, got another loss")
    steps = check_integer("steps", steps, 0)
    theta, left = corrected(risk, risk.check(theta)[0], tolerance, steps)
    if not left.max() <= tolerance:
        raise ValueError(
            f"theta must be near the zero-loss set: after {steps} corrections a "
            f"residual is {left.max():g}, above the tolerance {tolerance:g}"
        )
    return theta


def corrected(risk, theta, tolerance, steps=50):
    """θ (..., P) after so many steps of Gauss–Newton, or after fewer where all have no
    residual above `tolerance`; and the largest |f_k(x_i) − y_ik| of each (...).

    Examples
    --------
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> nearer, left = corrected(risk, theta, 1e-9, steps=1)
    >>> bool(left < 6)
    True
    """
    for step in range(steps + 1):
        residual = _residual(risk, theta)
        left = abs(residual).max(axis=-1)
        if step == steps or (left <= tolerance).all():
            return theta, left
        theta = theta - _solve(output_jacobian(risk, theta), residual)


def follow_zero_loss(risk, theta, objective, step_size, steps, tolerance=1e-12):
    """Descend `objective` on the zero-loss set.

    Each step goes along the projected gradient and is then corrected back to R_S = 0.

    The path is (steps + 1, ..., P), its first entry the corrected start `theta`, which
    is near the set. `objective` is of the same network: ``R1Penalty(risk, keep)``.
    `step_size` is positive, and `steps` at least 0; else ``ValueError``. Where a step
    leads too far from the set, `to_zero_loss` says so.

    Equation: eq:zero-loss-flow, eq:theorem-1

    Examples
    --------
    >>> import refimpl
    >>> from refimpl.data.example import net, theta  # f(2) = 3·2
    >>> from refimpl.core.r1 import R1Penalty
    >>> fit = refimpl.Risk(net, X=[[2.0]], Y=[[6.0]])
    >>> path = follow_zero_loss(fit, theta, R1Penalty(fit, 0.5), 0.01, steps=3)
    >>> path.shape, bool((fit(path) < 1e-20).all())
    ((4, 3), True)
    """
    steps = check_integer("steps", steps, 0)
    step_size = check_positive("step_size", step_size)
    path = [to_zero_loss(risk, theta, tolerance)]
    for _ in range(steps):
        descent = project_to_tangent(risk, path[-1], -objective.gradient(path[-1]))
        path.append(to_zero_loss(risk, path[-1] + step_size * descent, tolerance))
    return get_xp(path[0]).stack(path)


def _solve(J, residual):
    """J⁺ r: the shortest change of θ that changes the outputs by r, or nearly so."""
    inverse = get_xp(J).linalg.pinv(J, rcond=RANK_TOLERANCE)  # (..., P, n·o)
    return (inverse @ residual[..., None])[..., 0]


def _residual(risk, theta):
    """f_k(x_i) − y_ik, in the order of the rows of J: (..., n·o)."""
    D = risk.run(theta, risk.net.no_noise).F - like(risk.Y, theta)
    return D.reshape(D.shape[:-2] + (-1,))
