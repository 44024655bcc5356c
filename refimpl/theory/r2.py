"""R_2: the mean over masks of what a finite step with one mask adds to the loss."""

import math

from refimpl.arrays.backend import chunks, get_xp, pass_elements, per_replica
from refimpl.arrays.masks import masks_beside
from refimpl.arrays.shapes import broadcast_lead
from refimpl.arrays.types import Array, ArrayLike, Generator, PerReplica
from refimpl.core.dropout import Dropout, as_dropout, last_layer_keep
from refimpl.core.expectation import Estimate, monte_carlo
from refimpl.core.modified_losses import L1
from refimpl.core.r2_tilde import R2Tilde
from refimpl.core.risk import Risk, check_risk
from refimpl.theory.gradient_noise import (
    gradient_covariance_trace,
    gradient_covariance_trace_gradient,
)
from refimpl.theory.replicas import with_replicas

# Arrays over samples and neurons that R_2 and its gradient hold of a network at once.
NETWORK_ARRAYS = 24


def R2(risk: Risk, theta: ArrayLike, drop: Dropout, epsilon: PerReplica) -> Array:
    """R_2 = (ε/4) E_η ‖∇_θ R_S^drop(θ, η)‖², exact.

    The mean squared norm is the squared norm of the mean gradient, ∇(R_S + R_1), plus
    the trace of the covariance.

    Equation: eq:r2, eq:r2-split

    Parameters
    ----------
    risk : Risk
        With MSE.
    theta : (..., P)
    drop : Dropout, or keep
        After the last hidden layer. The convention ``drop.per_sample`` matters: a
        `keep` means one mask for all samples.
    epsilon : float, or array of one per replica
        Learning rate.

    Returns
    -------
    value : (...)
        Costs are stated at `gradient_covariance_trace`.

    Raises
    ------
    ValueError
        If the loss is not MSE, noise enters before the last hidden layer, or a `Deep`
        network is too large for the exact value: `R2_estimate` serves these. If epsilon
        is negative or not finite.

    Examples
    --------
    >>> import refimpl
    >>> net = refimpl.TwoLayer(1, 1, activation="identity")
    >>> risk = refimpl.Risk(net, [[0.0]], [[0.0]])
    >>> theta = net.pack([[0.0]], [1.0], [[1.0]])
    >>> float(R2(risk, theta, refimpl.Dropout(0.5), 1.0))  # ¼ · ½ ‖2·(2, 2)‖²
    4.0

    References
    ----------
    Zhang and Xu, Implicit Regularization of Dropout, Eq. (5).
    """
    return _in_groups(_value, risk, theta, drop, epsilon)


def _value(risk, theta, drop, epsilon):
    trace = gradient_covariance_trace(risk, theta, drop)
    mean = L1(risk, last_layer_keep(drop, risk.net)).gradient(theta)
    return 0.25 * per_replica(epsilon, mean) * ((mean * mean).sum(axis=-1) + trace)


def R2_gradient(
    risk: Risk, theta: ArrayLike, drop: Dropout, epsilon: PerReplica
) -> Array:
    """Gradient (..., P) of `R2`, by hand: arguments and limits are those of `R2`.

    With g and H the gradient and Hessian of R_S + R_1: (ε/2) H g, plus (ε/4) times the
    gradient of the trace. It equals (ε/2) E_η H^drop g^drop.

    Equation: eq:r2-gradient

    Examples
    --------
    >>> import numpy as np, refimpl
    >>> net = refimpl.TwoLayer(1, 1, activation="identity")
    >>> risk = refimpl.Risk(net, [[0.0]], [[0.0]])
    >>> theta = net.pack([[0.0]], [1.0], [[1.0]])
    >>> R2_gradient(risk, theta, refimpl.Dropout(0.5), 1.0)  # of 2 a²b² (a² + b²)
    array([ 0., 12., 12.])
    """
    return _in_groups(_gradient, risk, theta, drop, epsilon)


def _gradient(risk, theta, drop, epsilon):
    trace_gradient = gradient_covariance_trace_gradient(risk, theta, drop)
    loss = L1(risk, last_layer_keep(drop, risk.net))
    product = loss.hvp(theta, loss.gradient(theta))
    return 0.25 * per_replica(epsilon, product, axes=1) * (2 * product + trace_gradient)


def R2_estimate(
    risk: Risk,
    theta: ArrayLike,
    drop: Dropout,
    epsilon: PerReplica,
    samples: int,
    rng: Generator,
) -> Estimate:
    """Monte-Carlo mean of R̃_2(θ, η): R_2 for any network, loss and layers of dropout.

    Unbiased, for it is a mean of independent draws of what R_2 is the expectation of.

    Equation: eq:r2

    Parameters
    ----------
    risk : Risk
    theta : (..., P)
        Replicas see the same masks.
    drop : Dropout, or keep
        With one probability per layer, not per replica.
    epsilon : float, or array of one per replica
    samples : int
        Number of masks, at least 2.
    rng : Generator

    Returns
    -------
    Estimate
        ``mean`` and ``standard_error``, each (...).

    Raises
    ------
    ValueError
        If samples is below 2, keep is an array, or epsilon is negative or not finite.

    Examples
    --------
    >>> import numpy as np, refimpl
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> drop, rng = refimpl.Dropout(keep=0.5), np.random.default_rng(0)
    >>> mean, error = R2_estimate(risk, theta, drop, 0.1, 1000, rng)
    >>> bool(abs(mean - refimpl.R2(risk, theta, drop, 0.1)) < 4 * error)
    True
    """
    return _mean_over_masks(R2Tilde.__call__, risk, theta, drop, epsilon, samples, rng)


def R2_gradient_estimate(
    risk: Risk,
    theta: ArrayLike,
    drop: Dropout,
    epsilon: PerReplica,
    samples: int,
    rng: Generator,
) -> Estimate:
    """Monte-Carlo mean of ∇R̃_2 = (ε/2) H^drop g^drop: the gradient of R_2.

    ``mean`` and ``standard_error`` are (..., P). Any network, loss and layers of
    dropout; arguments as for `R2_estimate`.

    Equation: eq:r2-gradient

    Examples
    --------
    >>> import numpy as np, refimpl
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> drop, rng = refimpl.Dropout(keep=0.5), np.random.default_rng(0)
    >>> mean, error = R2_gradient_estimate(risk, theta, drop, 0.1, 1000, rng)
    >>> exact = refimpl.R2_gradient(risk, theta, drop, 0.1)
    >>> bool((abs(mean - exact) < 4 * error).all())
    True
    """
    return _mean_over_masks(R2Tilde.gradient, risk, theta, drop, epsilon, samples, rng)


def _in_groups(fn, risk, theta, drop, epsilon):
    """``fn(risk, theta, drop, epsilon)``, with checked arguments, for as many replicas
    at a time as a chunk of memory allows."""
    penalty, drop = R2Tilde(check_risk(risk), epsilon), as_dropout(drop)
    theta, _ = penalty.check(theta)
    lead, epsilon, keep = theta.shape[:-1], penalty.epsilon, drop.keep
    names, own = "theta, data and epsilon, keep", getattr(keep, "shape", ())
    shape = broadcast_lead(names, lead, penalty.lead, own)
    each = NETWORK_ARRAYS * math.prod(lead[1:]) * risk.n * sum(risk.net.hidden)
    parts = chunks(lead[0], each) if lead else []
    if shape != lead or len(parts) < 2:
        return fn(risk, theta, drop, epsilon)

    def of(rows, values, axes=0):
        """The entries `rows` of the first replica axis, where there is one."""
        own = getattr(values, "shape", ())[: getattr(values, "ndim", 0) - axes]
        return values[rows] if len(own) == len(lead) and own[0] > 1 else values

    found = []
    for rows in (slice(*part) for part in parts):
        data = risk.of_data(of(rows, risk.X, 2), of(rows, risk.Y, 2))
        own = drop
        if hasattr(keep, "shape"):
            own = Dropout(of(rows, keep), drop.per_sample, drop.layers)
        found.append(fn(data, theta[rows], own, of(rows, epsilon)))
    return get_xp(theta).concatenate(found)


def _mean_over_masks(fn, risk, theta, drop, epsilon, samples, rng):
    """Monte-Carlo mean of ``fn(penalty, theta, eta)`` over η, R̃_2 the penalty."""
    penalty, drop = R2Tilde(risk, epsilon), as_dropout(drop)
    theta = with_replicas(penalty, theta, penalty.epsilon)
    keeps = drop.keep if isinstance(drop.keep, tuple) else (drop.keep,)
    if not all(isinstance(keep, float) for keep in keeps):
        raise ValueError(
            "keep must be one number per layer for an estimate, got an array"
        )
    net, n, lead = risk.net, risk.n, theta.shape[:-1]

    def each_mask(eta):
        return fn(penalty, theta, masks_beside(eta, len(lead)))

    elements = pass_elements(net, n) * math.prod(lead)
    return monte_carlo(each_mask, drop, net, n, samples, rng, elements)
