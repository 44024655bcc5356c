"""The mean dropout loss with Gaussian noise on the outputs, in the place of dropout's.

After the last hidden layer the noise of output i is Σ_j η_j u_ij, u_ij = a_j h_ij: a
sum over neurons. With many neurons it is nearly N(0, v Σ_j u_ij u_ijᵀ), however large.
"""

from itertools import product

import numpy as np

from refimpl.arrays.backend import chunks, get_xp, like, per_replica
from refimpl.arrays.checks import check_integer
from refimpl.core.dropout import last_layer_keep, noise_variance
from refimpl.theory.contributions import contributions
from refimpl.theory.replicas import with_replicas

MAX_POINTS = 200_000  # of the quadrature, which has nodes^outputs
MAX_NODES = 300  # along an axis: from 372 on weights are not finite


def central_limit_regularizer(risk, theta, keep, nodes=20):
    """E ℓ(f + ξ) − ℓ(f) with ξ_i ~ N(0, v Σ_j u_ij u_ijᵀ): what dropout adds, nearly.

    For dropout after the last hidden layer, with any loss and either mask convention.
    Exact for MSE, where it is R_1. The error is that of the central limit theorem: it
    falls with the width if all contributions do, whatever the size of their sum.

    Value (...) for θ (..., P) and one keep, or one per replica, by a Gauss–Hermite rule
    of as many `nodes` along each eigenvector of the covariance, 2 to 300, and
    nodes^outputs at most 200,000; else ``ValueError``.

    Equation: eq:central-limit

    Examples
    --------
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> value = central_limit_regularizer(risk, theta, keep=0.5)
    >>> float(value.round(9))  # R_1, for MSE
    18.0

    References
    ----------
    Wang and Manning, Fast dropout training, ICML 2013.
    """
    outputs = risk.net.outputs
    nodes = check_integer("nodes", nodes, 2, MAX_NODES)
    if nodes**outputs > MAX_POINTS:
        raise ValueError(
            f"nodes must give at most {MAX_POINTS} points for {outputs} outputs, got "
            f"{nodes}^{outputs}"
        )
    keep = last_layer_keep(keep, risk.net, "keep")
    u = contributions(risk, with_replicas(risk, theta, keep))  # (..., m, n, o)
    xp, v = get_xp(u), per_replica(noise_variance(keep), u, axes=3)
    covariance = v * xp.einsum("...mik,...mil->...ikl", u, u)
    variances, vectors = xp.linalg.eigh(covariance)
    root = vectors * xp.sqrt(xp.clip(variances, 0, None))[..., None, :]
    F = risk.net.forward(theta, risk.X)
    Y = like(risk.Y, F)
    points, weights = (like(array, u) for array in _gauss_hermite(nodes, outputs))
    value, _ = risk.loss.value_and_gradient(F, Y)
    total = 0 * value
    for start, stop in chunks(len(points), root[..., 0].size):
        noise = xp.moveaxis(root @ points[start:stop].T, -1, 0)  # (K, ..., n, o)
        there, _ = risk.loss.value_and_gradient(F + noise, Y)
        total = total + xp.tensordot(weights[start:stop], there - value, 1)
    return total


def _gauss_hermite(nodes, dimensions):
    """Points (K, dimensions) and weights (K,) of a mean over N(0, I)."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    points = np.array(list(product(x, repeat=dimensions)))
    weights = np.array(list(product(w / w.sum(), repeat=dimensions))).prod(axis=-1)
    return points, weights
