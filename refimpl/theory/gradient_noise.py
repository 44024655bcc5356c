"""The covariance of dropout's gradient: how far one mask's gradient is from the mean.

Its trace is the part of R_2 that is not the squared norm of the mean gradient. Here are
the checks and the choice of the route; the formulas are in `gradient_noise_two_layer`
and `gradient_noise_deep`.
"""

from refimpl.arrays.types import Array, ArrayLike
from refimpl.core.dropout import Dropout, as_dropout, last_layer_keep, noise_moment
from refimpl.core.loss import MSE
from refimpl.core.risk import Risk, check_risk
from refimpl.core.two_layer import TwoLayer
from refimpl.theory import gradient_noise_deep, gradient_noise_two_layer


def gradient_covariance_trace(risk: Risk, theta: ArrayLike, drop: Dropout) -> Array:
    """tr Cov_η ∇R_S^drop(θ, η), exact: E‖∇R_S^drop‖² − ‖∇(R_S + R_1)‖².

    It is computed as a sum of (co)variances, never as this difference. Its rounding
    error is a rounding unit times v ‖∇R_S‖² and v (1+v²) ‖∇Φ‖², Φ = R_1/v and
    v = (1−p)/p. The trace is of that size too, except where ∇(R_S + R_1) is small and
    pairs of neurons add little, as where no two are active on one sample: there it may
    be lost in rounding. It is never below 0.

    Equation: eq:r2-split

    Parameters
    ----------
    risk : Risk
        With MSE.
    theta : (..., P)
    drop : Dropout, or keep
        After the last hidden layer. The result depends on ``drop.per_sample``: with a
        mask per sample it is smaller by at most the factor n, and may be larger.

    Returns
    -------
    trace : (...)
        Cost for n samples, m neurons, o outputs: `TwoLayer` O(o² n m) per sample and
        O(o² n² m) shared. `Deep`: m(m+3)/2 passes backward.

    Raises
    ------
    ValueError
        If the loss is not MSE, noise enters before the last hidden layer, or a `Deep`
        network is too large; `R2_estimate` serves these cases.

    Examples
    --------
    >>> import refimpl
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> drop = refimpl.Dropout(keep=0.5)  # ∇ is 0 or 4·6·(6, 3, 2): half their distance
    >>> float(gradient_covariance_trace(risk, theta, drop))  # (2·6)² (6² + 3² + 2²)
    7056.0
    """
    theta, moments, route = _prepare(risk, theta, drop)
    trace = route.trace(risk, theta, moments, as_dropout(drop).per_sample)
    return trace * (trace.real >= 0)  # where all cancels, rounding may be below 0


def gradient_covariance_trace_gradient(risk, theta, drop):
    """Gradient (..., P) of `gradient_covariance_trace`, by hand.

    Equation: eq:r2-gradient

    Cost: a few times that of the value.
    """
    theta, moments, route = _prepare(risk, theta, drop)
    return route.trace_gradient(risk, theta, moments, as_dropout(drop).per_sample)


def noise_moments(keep):
    """E η², E η³ and E η⁴: all that R_2 needs to know of the noise.

    Equation: eq:moments
    """
    return tuple(noise_moment(keep, order) for order in (2, 3, 4))


def _prepare(risk, theta, drop):
    """θ checked, the moments of the noise, and the module with the formulas."""
    if check_risk(risk).loss is not MSE:
        raise ValueError(
            "R2 in closed form holds for loss 'mse', got a risk with another loss; "
            "R2_estimate takes any"
        )
    theta, _ = risk.check(theta)
    moments = noise_moments(last_layer_keep(drop, risk.net))
    if isinstance(risk.net, TwoLayer):
        return theta, moments, gradient_noise_two_layer
    gradient_noise_deep.check_cost(risk)
    return theta, moments, gradient_noise_deep
