"""Iterates of gradient descent with dropout, averaged exactly over all their masks.

Means are (..., P) and covariances (..., P, P) for θ (..., P), with the replica axes of
the data and of a learning rate too. Where there is too much to follow, ``ValueError``,
or ``MemoryError``.
"""

from itertools import permutations

from refimpl.arrays.backend import get_xp, like, per_replica, transpose, weighted_sum
from refimpl.arrays.checks import check_integer, check_nonnegative
from refimpl.arrays.limits import check_fits
from refimpl.arrays.masks import masks_beside
from refimpl.core.dropout import Dropout, as_dropout
from refimpl.core.risk import check_risk
from refimpl.theory.replicas import with_replicas

MAX_BITS = 18  # of the number of sequences that are followed side by side
MAX_DECK = 7  # masks: 7! orders


def mean_iterate(risk, theta, drop, epsilon, steps):
    """E θ_k of θ_{k+1} = θ_k − ε ∇R_S^drop(θ_k, η_k), fresh η_k at every step.

    Exact: all sequences of masks are followed, at most 2^18. The mean (steps, ..., P)
    is that after 1, 2, ..., `steps` steps from `theta`; any objective that sees the
    noise serves as `risk`.

    Equation: eq:mean-iterate, eq:modified-drift

    Examples
    --------
    >>> import refimpl
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> drop = refimpl.Dropout(keep=0.5)
    >>> mean_iterate(risk, theta, drop, 0.01, steps=1)  # θ − 0.01 ∇(R_S + R_1)
    array([[ 0.28, -0.36, 2.76]])
    """
    epsilon, drop = check_nonnegative("epsilon", epsilon), as_dropout(drop)
    theta = with_replicas(risk, theta, epsilon)
    epsilon = per_replica(epsilon, theta, axes=1)
    steps = check_integer("steps", steps, 1)
    bits = drop.count(risk.net, risk.n).bit_length() - 1
    if steps * bits > MAX_BITS:
        raise ValueError(
            f"steps must give at most 2^{MAX_BITS} sequences of masks, got {steps} "
            f"steps of 2^{bits} masks"
        )
    # At the last step: the gradients, and the ends.
    check_fits("the iterates", 2 * 2 ** (steps * bits) * theta.size, theta)
    probabilities, eta = drop.enumerate(risk.net, risk.n)
    probabilities = like(probabilities, theta)
    # Axes: the masks of this step, the sequences so far, those of θ.
    eta = masks_beside(eta, theta.ndim)
    ends, weights, means = theta[None], like([1.0], theta), []
    for _ in range(steps):
        ends = ends - epsilon * risk.gradient(ends, eta)  # (K, S, ..., P)
        ends = ends.reshape((-1,) + theta.shape)
        weights = (probabilities[:, None] * weights).reshape(-1)
        means.append(weighted_sum(weights, ends))
    return get_xp(theta).stack(means)


def mean_epoch(risk, theta, eta, epsilon):
    """E θ_M after one pass through a deck of M masks, each used once, in random order.

    Not dropout as it is used, but the case for which R_2 is exact to second order.
    Exact: all M! orders are followed, M at most 7. The deck is `eta` (M, 1 or n, m); it
    stands for dropout if it holds every mask as often as its probability says.

    Equation: eq:mask-correlation

    Examples
    --------
    >>> import numpy as np
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> deck = np.array([[[1.0]], [[-1.0]]])  # kept, dropped: each once
    >>> mean_epoch(risk, theta, deck, 0.01)  # θ − 0.01 · 4 · 6 · (6, 3, 2)
    array([-0.44, -0.72,  2.52])
    """
    epsilon = check_nonnegative("epsilon", epsilon)
    theta = with_replicas(risk, theta, epsilon)
    epsilon = per_replica(epsilon, theta, axes=1)
    masks = check_integer("number of masks in eta", len(eta), 1, MAX_DECK)
    orders = list(permutations(range(masks)))
    ends = theta[None]
    for step in zip(*orders):  # a mask for every order
        step_eta = masks_beside(eta[list(step)], theta.ndim - 1)
        ends = ends - epsilon * risk.gradient(ends, step_eta)  # (M!, ..., P)
    return ends.mean(axis=0)


def gradient_covariance(risk, theta, drop):
    """Covariance of ∇R_S^drop over the masks, at most 2^20 of a sample; exact.

    With a mask per sample the gradients of the samples are independent, so their
    covariances add: the masks of one sample at a time are enumerated.

    Equation: eq:gradient-covariance

    Examples
    --------
    >>> import numpy as np, refimpl
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> drop = refimpl.Dropout(keep=0.5)
    >>> float(np.trace(gradient_covariance(risk, theta, drop)))  # (2·6)² (6² + 3² + 2²)
    7056.0
    """
    theta, drop = with_replicas(risk, theta), as_dropout(drop)
    xp, n = get_xp(theta), risk.n
    if drop.per_sample:
        risk, theta = _single_samples(risk), theta[..., None, :]
    one_mask = Dropout(drop.keep, layers=drop.layers)
    count = one_mask.check_count(risk.net, risk.n)
    check_fits("the gradients of all masks", 3 * count * theta.size, theta)
    probabilities, eta = one_mask.enumerate(risk.net, risk.n)
    gradients = risk.gradient(theta, masks_beside(eta, theta.ndim - 1))  # (K, ..., P)
    deviations = gradients - weighted_sum(probabilities, gradients)
    deviations = xp.moveaxis(deviations, 0, -2)  # (..., K, P)
    weighted = like(probabilities, theta)[:, None] * deviations
    covariance = transpose(deviations) @ weighted
    return covariance.sum(axis=-3) / n**2 if drop.per_sample else covariance


def batch_gradient_covariance(risk, theta, size):
    """Covariance of ∇R_S over batches drawn without replacement, exact.

    SGD's noise, beside which dropout's is put: `size` samples a batch, 1 to n.

    Equation: eq:batch-gradient-covariance

    Examples
    --------
    >>> import numpy as np, refimpl
    >>> from refimpl.data.example import net, theta  # f(2) = 3·2
    >>> pair = refimpl.Risk(net, X=[[2.0], [2.0]], Y=[[0.0], [2.0]])
    >>> C = batch_gradient_covariance(pair, theta, size=1)  # of the gradients 6J, 4J
    >>> float(np.trace(C))
    49.0
    """
    theta, n = with_replicas(check_risk(risk), theta), risk.n
    size = check_integer("size", size, 1, n)
    gradients = _single_samples(risk).gradient(theta[..., None, :])  # (..., n, P)
    deviations = gradients - gradients.mean(axis=-2, keepdims=True)
    share = (n - size) / (size * max(n - 1, 1))
    return share / n * (transpose(deviations) @ deviations)


def _single_samples(risk):
    """Every sample as a data set of one: a last leading axis counts them."""
    return risk.of_data(risk.X[..., None, :], risk.Y[..., None, :])
