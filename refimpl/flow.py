"""Flows: gradient flow, and the mean of dropout's iterates to second order.

Host only: the integration is SciPy's, in float64.
"""

from refimpl.backend import get_xp
from refimpl.gradient_norm import R2Tilde
from refimpl.iterates import gradient_covariance
from refimpl.modified_loss import L1

STEP = 1e-30  # of the complex step: its square vanishes in rounding


def gradient_flow(gradient, theta, times, tolerance=1e-13):
    """Solution of θ′ = −∇G(θ) at the given times.

    Equation: eq:gradient-flow

    Parameters
    ----------
    gradient : callable
        ∇G: (P,) to (P,), such as ``objective.gradient``.
    theta : (P,)
        Start.
    times : sequence of float (T,)
        Ascending, from 0.
    tolerance : float
        Relative tolerance of the integration (order 8).

    Returns
    -------
    theta : (T, P)

    Raises
    ------
    ValueError
        If the times do not ascend from 0 or above.
    ArithmeticError
        If the integration fails.
    """
    return _integrate(lambda t: -gradient(t), theta, times, tolerance)


def third_derivative(objective, theta, C):
    """∇³F : C, the third derivative contracted with a covariance: (P,).

    Σ_k of the second directional derivative of ∇F along the scaled eigenvectors of C,
    each the derivative of a Hessian-vector product by a complex step, which is exact to
    rounding.

    Equation: eq:fluctuation-drift, eq:r2-valley

    Parameters
    ----------
    objective : Objective
        With an analytic activation (tanh, identity).
    theta : (P,)
    C : (P, P)
        Symmetric, positive semidefinite up to rounding.

    Raises
    ------
    ValueError
        If the activation is not analytic.
    """
    if not objective.net.activation.analytic:
        raise ValueError(
            "third_derivative needs an analytic activation, got "
            f"{objective.net.activation.__name__}"
        )
    xp = get_xp(theta)
    values, vectors = xp.linalg.eigh(C)
    V = vectors.T * xp.sqrt(xp.maximum(values, 0))[:, None]  # rows: C = Σ v vᵀ
    return objective.hvp(theta + 1j * STEP * V, V).imag.sum(axis=0) / STEP


def mean_flow(risk, theta, drop, epsilon, times, tolerance=1e-10):
    """Mean and covariance of dropout's iterates to second order, at fixed times.

    The moments of the stochastic modified equation of order 2, closed at the second:
    θ̄′ = −∇F − (ε/4)∇‖∇F‖² − ½ ∇³F : C and C′ = −HC − CH + εΣ, with F = R_S + R_1 and Σ
    the covariance of ∇R_S^drop. Error O(ε²) in θ̄ at fixed times.

    Equation: eq:mean-flow, eq:covariance-flow

    Parameters
    ----------
    risk : Risk
        With MSE, an analytic activation, and few enough masks to enumerate.
    theta : (P,)
    drop : Dropout
        After the last hidden layer.
    epsilon : float
        Learning rate.
    times : sequence of float (T,)

    Returns
    -------
    mean : (T, P)
    covariance : (T, P, P)
    """
    xp, P = get_xp(theta), risk.net.size
    F = L1(risk, drop.keep)
    step = R2Tilde(F, epsilon)  # (ε/4)‖∇F‖²

    def rate(state):
        mean, C = state[:P], state[P:].reshape(P, P)
        drift = F.gradient(mean) + step.gradient(mean)
        drift = drift + 0.5 * third_derivative(F, mean, C)
        HC = F.hvp(mean, C)  # rows of C are directions: (HCᵀ)ᵀ = CH
        noise = epsilon * gradient_covariance(risk, mean, drop)
        return xp.concatenate([-drift, (noise - HC - HC.T).reshape(-1)])

    start = xp.concatenate([theta, xp.zeros(P * P)])
    states = _integrate(rate, start, times, tolerance)
    return states[:, :P], states[:, P:].reshape(-1, P, P)


def _integrate(rate, start, times, tolerance):
    from scipy.integrate import solve_ivp

    times = [float(t) for t in times]
    if not times or times[0] < 0 or any(s > t for s, t in zip(times, times[1:])):
        raise ValueError(f"times must ascend from 0 or above, got {times}")
    if times[-1] == 0:
        return get_xp(start).stack([start] * len(times))
    solution = solve_ivp(
        lambda _, state: rate(state),
        (0.0, times[-1]),
        start,
        method="DOP853",
        t_eval=times,
        rtol=tolerance,
        atol=1e-2 * tolerance,
    )
    if not solution.success:
        raise ArithmeticError(f"the flow was not integrated: {solution.message}")
    return solution.y.T
