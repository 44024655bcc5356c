"""Flows: gradient flow, and the mean of dropout's iterates to second order.

Host only: the integration is SciPy's, in float64.
"""

from refimpl.arrays.backend import get_xp, like, move, per_replica, to_numpy
from refimpl.arrays.backend import transpose
from refimpl.arrays.checks import as_floating, as_real, check_callable
from refimpl.core.dropout import last_layer_keep
from refimpl.core.modified_losses import L1
from refimpl.core.r2_tilde import R2Tilde
from refimpl.theory.iterates import gradient_covariance
from refimpl.theory.replicas import with_replicas

STEP = 1e-30  # of the complex step: its square vanishes in rounding
MOST_GROWTH = 10  # of the moments, in sizes of the flow without noise
MOST_EVALUATIONS = 50_000  # of a rate of change


def gradient_flow(gradient, theta, times, tolerance=1e-13):
    """Solution (T, ..., P) of θ′ = −∇G(θ), from `theta` (..., P), at the given times.

    `gradient` is ∇G, such as ``objective.gradient``. The times (T,) ascend from 0 or
    above, else ``ValueError``; `tolerance` is the relative one of the integration, of
    order 8, which wants a smooth G. Where it fails, as it may at kinks (ReLU) where no
    step is small enough: ``ArithmeticError``.

    Equation: eq:gradient-flow

    Examples
    --------
    >>> flow = gradient_flow(lambda theta: theta, [2.0], times=[0.0, 1.0])
    >>> flow[:, 0].round(6)  # 2 e⁻ᵗ
    array([2.      , 0.735759])
    """
    theta = as_floating("theta", theta)
    check_callable("gradient", gradient)

    def rate(state):
        found = gradient(state)
        if getattr(found, "shape", None) != state.shape:
            raise ValueError(
                f"gradient must return an array of theta's shape {state.shape}, got "
                f"{getattr(found, 'shape', repr(found))}"
            )
        return -found

    return _integrate(rate, theta, times, tolerance)


def third_derivative(objective, theta, C):
    """∇³F : C (..., P), the third derivative contracted with a symmetric C (..., P, P).

    Σ_k λ_k times the second derivative of ∇F along the eigenvectors of C, each the
    derivative of a Hessian-vector product by a complex step, exact to rounding. The
    activation must be analytic (tanh, identity), else ``ValueError``.

    Equation: eq:fluctuation-drift, eq:r2-valley

    Examples
    --------
    >>> import numpy as np
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> third_derivative(risk, theta, np.diag([1.0, 0.0, 0.0])).round(9)  # ∂²∇F/∂w²
    array([ 0.,  0., 24.])
    """
    if not objective.net.activation.analytic:
        raise ValueError(
            "third_derivative needs an analytic activation, got "
            f"{objective.net.activation.__name__}"
        )
    theta, C = _with_replicas(objective, theta, C)
    xp = get_xp(theta)
    eigenvalues, vectors = xp.linalg.eigh(C)
    V = xp.moveaxis(vectors, -1, 0)  # (P, ..., P), an eigenvector per row
    along = objective.hvp(theta + 1j * STEP * V, V).imag / STEP
    return (xp.moveaxis(eigenvalues, -1, 0)[..., None] * along).sum(axis=0)


def moment_rates(risk, mean, C, drop, epsilon):
    """Rates of change of the mean and the covariance of dropout's iterates.

    θ̄′ = −∇F − (ε/4)∇‖∇F‖² − ½ ∇³F : C and C′ = −HC − CH + εΣ, with F = R_S + R_1, its
    Hessian H and Σ the covariance of ∇R_S^drop, all at θ̄: shapes (..., P) and
    (..., P, P), like `mean` and `C`.

    `risk` has MSE, an analytic activation, and few enough masks to enumerate; `drop`
    acts after the last hidden layer; `epsilon` is the learning rate, or one per
    replica.

    Equation: eq:mean-flow, eq:covariance-flow

    Examples
    --------
    >>> import numpy as np, refimpl
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> drop = refimpl.Dropout(keep=0.5)
    >>> mean, C = moment_rates(risk, theta, np.zeros((3, 3)), drop, epsilon=0.1)
    >>> float(np.trace(C).round(9))  # ε tr Σ = 0.1 (2·6)² (6² + 3² + 2²)
    705.6
    """
    F = L1(risk, last_layer_keep(drop, risk.net))
    squared = R2Tilde(F, epsilon)
    mean, C = _with_replicas(squared, mean, C)
    drift = F.gradient(mean) + squared.gradient(mean)
    drift = drift + 0.5 * third_derivative(F, mean, C)
    xp = get_xp(mean)  # a row of C is a direction: this is C H
    HC = xp.moveaxis(F.hvp(mean, xp.moveaxis(C, -2, 0)), 0, -2)
    noise = gradient_covariance(risk, mean, drop)
    noise = per_replica(squared.epsilon, noise, axes=2) * noise
    return -drift, noise - HC - transpose(HC)


def mean_flow(risk, theta, drop, epsilon, times, tolerance=1e-10):
    """Mean and covariance of dropout's iterates to second order, at fixed times.

    The moments of the stochastic modified equation of order 2, closed at the second:
    `moment_rates` integrated from θ with no spread. Error O(ε²) at fixed times. Where ε
    is too large for the closure the moments run away: ``ArithmeticError`` says when.

    Mean (T, ..., P) and covariance (T, ..., P, P). Arguments and limits are those of
    `moment_rates`; `times` and `tolerance` are as for `gradient_flow`.

    Equation: eq:mean-flow, eq:covariance-flow

    Examples
    --------
    >>> import refimpl
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> drop = refimpl.Dropout(keep=0.5)
    >>> mean, covariance = mean_flow(risk, 0.1 * theta, drop, 0.01, times=[0.0, 1.0])
    >>> mean.shape, covariance.shape
    ((2, 3), (2, 3, 3))
    """
    theta = with_replicas(R2Tilde(risk, epsilon), theta)
    xp, P = get_xp(theta), risk.net.size

    def joined(mean, C):  # the mean as a row above those of C
        return xp.concatenate([mean[..., None, :], C], axis=-2)

    def rate(state):
        mean, C = state[..., 0, :], state[..., 1:, :]
        return joined(*moment_rates(risk, mean, C, drop, epsilon))

    start = joined(theta, xp.zeros(theta.shape + (P,), theta.dtype))
    mean_loss = L1(risk, last_layer_keep(drop, risk.net))
    plain = gradient_flow(mean_loss.gradient, theta, times, tolerance)
    largest = max(float(abs(theta).max()), float(abs(plain).max()))
    bound = MOST_GROWTH * (1 + largest)
    states = _integrate(rate, start, times, tolerance, bound)
    return states[..., 0, :], states[..., 1:, :]


def _with_replicas(objective, theta, C):
    """θ (..., P) and C (..., P, P), each with the replica axes of both and the data."""
    C, P = as_floating("C", C), objective.net.size
    if C.shape[-2:] != (P, P):
        raise ValueError(f"C must have shape (..., {P}, {P}), got {C.shape}")
    theta = with_replicas(objective, theta, C[..., 0, 0])
    return theta, get_xp(theta).broadcast_to(C, theta.shape + theta.shape[-1:])


def _integrate(rate, start, times, tolerance, bound=float("inf")):
    """States (T, ...) at `times` of the equation state′ = rate(state).

    ``ArithmeticError`` if an entry grows beyond `bound`, or after `MOST_EVALUATIONS`:
    what runs off to infinity in finite time, and what jumps back and forth at a kink,
    takes ever smaller steps, and no end of them.
    """
    from scipy.integrate import solve_ivp

    times = to_numpy(as_real("times", times))
    if times.ndim != 1:
        raise ValueError(f"times must be a sequence of numbers (T,), got {times}")
    times = [float(t) for t in times]
    ascend = all(s < t for s, t in zip(times, times[1:]))
    if not times or not ascend or not 0 <= times[0] <= times[-1] < float("inf"):
        raise ValueError(f"times must ascend from 0 or above, got {times}")
    if times[-1] == 0:
        return start[None]

    def room(_, state):
        return bound - abs(state).max()

    room.terminal, xp, evaluations = True, get_xp(start), 0

    def change(time, state):
        nonlocal evaluations
        evaluations += 1
        if evaluations > MOST_EVALUATIONS:
            raise ArithmeticError(
                f"the flow was not integrated: {MOST_EVALUATIONS} evaluations came to "
                f"time {time:.6g} of {times[-1]:.6g}, as at a kink where no step is "
                "small enough"
            )
        return to_numpy(rate(move(state.reshape(start.shape), xp))).ravel()

    solution = solve_ivp(
        change,
        (0.0, times[-1]),
        to_numpy(start).ravel(),
        method="DOP853",
        t_eval=times,
        rtol=tolerance,
        atol=1e-2 * tolerance,
        events=room,
    )
    if solution.status == 1:
        raise ArithmeticError(
            f"an entry is beyond {bound:.3g} at time {solution.t_events[0][0]:.3g} of "
            f"{times[-1]:.3g}: the moments run away, epsilon is too large for them"
        )
    if not solution.success:
        raise ArithmeticError(f"the flow was not integrated: {solution.message}")
    return like(solution.y.T.reshape((-1,) + start.shape), start)
