"""Iterates of gradient descent with dropout, averaged exactly over all their masks."""

from refimpl.backend import get_xp, like
from refimpl.expectation import weighted_sum
from refimpl.noise import Dropout

MAX_SEQUENCES = 2**16


def mean_iterate(risk, theta, drop, epsilon, steps):
    """E θ_k of θ_{k+1} = θ_k − ε ∇R_S^drop(θ_k, η_k), fresh η_k at every step.

    Exact: all sequences of masks are followed.

    Equation: eq:mean-iterate, eq:modified-drift

    Parameters
    ----------
    risk : Objective
    theta : (P,)
    drop : Dropout
    epsilon : float
    steps : int

    Returns
    -------
    mean : (steps, P)
        After 1, 2, ..., `steps` steps.

    Raises
    ------
    ValueError
        If more than 2^16 sequences lead to the last step.
    """
    theta, _ = risk.check(theta)
    xp = get_xp(theta)
    masks = drop.count(risk.net, risk.n)
    if masks ** (steps - 1) > MAX_SEQUENCES:
        raise ValueError(
            f"steps must leave at most 2^16 sequences of masks before the last step, "
            f"got {masks}^{steps - 1} for {steps} steps"
        )
    probabilities, eta = drop.enumerate(risk.net, risk.n)
    # The axis of the masks of this step, then that of the sequences so far.
    eta = tuple(e[:, None] for e in eta) if isinstance(eta, tuple) else eta[:, None]
    ends, weights, means = theta[None], like([1.0], theta), []
    for step in range(steps):
        gradients = risk.gradient(ends, eta)  # (K, S, P)
        mean_gradient = weighted_sum(probabilities, gradients)
        means.append(weights @ (ends - epsilon * mean_gradient))
        if step + 1 < steps:
            ends = (ends - epsilon * gradients).reshape(-1, risk.net.size)
            weights = (like(probabilities, theta)[:, None] * weights).reshape(-1)
    return xp.stack(means)


def gradient_covariance(risk, theta, drop):
    """Covariance (P, P) of ∇R_S^drop over the masks, exact.

    With a mask per sample the gradients of the samples are independent, so their
    covariances add: the masks of one sample at a time are enumerated.

    Equation: eq:gradient-covariance

    Parameters
    ----------
    risk : Risk
    theta : (P,)
    drop : Dropout
    """
    theta, _ = risk.check(theta)
    xp, n = get_xp(theta), risk.n
    if drop.per_sample:
        risk = risk.batch(xp.arange(n)[:, None])  # n data sets of one sample
    one_mask = Dropout(drop.keep, layers=drop.layers)
    probabilities, eta = one_mask.enumerate(risk.net, risk.n)
    if drop.per_sample:
        eta = tuple(e[:, None] for e in eta) if isinstance(eta, tuple) else eta[:, None]
    gradients = risk.gradient(theta, eta)  # (K, P) or (K, n, P)
    deviations = gradients - weighted_sum(probabilities, gradients)
    scaled = deviations * xp.sqrt(like(probabilities, theta)).reshape(
        (-1,) + (1,) * (deviations.ndim - 1)
    )
    scaled = scaled.reshape(-1, risk.net.size)
    covariance = scaled.T @ scaled
    return covariance / n**2 if drop.per_sample else covariance
