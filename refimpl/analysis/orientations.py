"""Neurons as vectors: orientation, amplitude, and which of them take part.

Everything takes input weights (..., m, d+1), rows (w_j, b_j), as
``net.input_weights(theta)`` gives them.
"""

import math

from refimpl.arrays.backend import get_xp, like
from refimpl.arrays.checks import as_real, check_finite
from refimpl.arrays.shapes import broadcast_lead, check_inputs, check_layer
from refimpl.arrays.types import Array, ArrayLike
from refimpl.core.network import Network, check_net


def orientation(weights: ArrayLike) -> Array:
    """Unit vectors along the input weights: (..., m, d+1). A zero weight stays zero.

    Equation: eq:orientation

    Examples
    --------
    >>> orientation([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    weights = check_weights(weights)
    weights = weights / _largest(weights)
    return weights / get_xp(weights).maximum(_norm(weights), 0.5)  # from 1 on, or 0


def _largest(vectors):
    """Largest entry in size (..., 1), or 1 of zero: its square may leave the range."""
    largest = abs(vectors).max(axis=-1, keepdims=True)
    return get_xp(vectors).where(largest > 0, largest, 1)


def _norm(vectors):
    return get_xp(vectors).sqrt((vectors * vectors).sum(axis=-1, keepdims=True))


def _length(vectors):
    """Euclidean norm (..., 1)."""
    scale = _largest(vectors)
    return scale * _norm(vectors / scale)


def angle(weights: ArrayLike) -> Array:
    """Orientation of two-dimensional input weights as an angle in [−π, π): (..., m).

    Equation: eq:orientation

    Examples
    --------
    >>> angle([[0.0, 2.0], [1.0, 0.0]])
    array([1.57079633, 0.        ])
    """
    weights = check_weights(weights)
    if weights.shape[-1] != 2:
        raise ValueError(
            f"weights must have shape (..., m, 2) for an angle, got {weights.shape}"
        )
    xp = get_xp(weights)
    angles = xp.arctan2(weights[..., 1], weights[..., 0])
    return xp.where(angles >= math.pi, -math.pi, angles)


def amplitude(weights: ArrayLike, outgoing: ArrayLike) -> Array:
    """A_j = ‖a_j‖ ‖(w_j, b_j)‖: (..., m).

    Equation: eq:amplitude

    Parameters
    ----------
    weights : (..., m, d+1)
    outgoing : (..., m, o)

    Examples
    --------
    >>> amplitude(weights=[[3.0, 4.0]], outgoing=[[2.0]])  # 2·5
    array([10.])
    """
    weights, outgoing = check_weights(weights), check_weights(outgoing, "outgoing")
    broadcast_lead("weights and outgoing", weights.shape[:-2], outgoing.shape[:-2])
    if outgoing.shape[-2] != weights.shape[-2]:
        raise ValueError(
            f"outgoing must have shape (..., {weights.shape[-2]}, o), one row per "
            f"weight, got shape {outgoing.shape}"
        )
    return (_length(weights) * _length(outgoing))[..., 0]


def cosine_similarity(weights: ArrayLike) -> Array:
    """Cosines of the angles between all pairs of input weights: (..., m, m).

    Equation: eq:cosine-similarity

    Examples
    --------
    >>> cosine_similarity([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]])
    array([[ 1.,  0., -1.],
           [ 0.,  1.,  0.],
           [-1.,  0.,  1.]])
    """
    unit = orientation(weights)
    return unit @ unit.swapaxes(-1, -2)


def active(net: Network, theta: ArrayLike, X: ArrayLike, layer: int = 0) -> Array:
    """Neurons whose activation is not zero on every sample: (..., m), bool.

    A ReLU neuron that is inactive on all samples feels no gradient, and in the first
    hidden layer learns no more: leave it out of every measure here. Of
    convolutions and tokens each place counts as a neuron of its own.

    Equation: eq:active

    Examples
    --------
    >>> import refimpl
    >>> net = refimpl.TwoLayer(1, 2, activation="relu")
    >>> theta = net.pack(W=[[1.0], [-1.0]], b=[0.0, 0.0], A=[[1.0, 1.0]])
    >>> active(net, theta, [[1.0], [2.0]])  # the second neuron sees x < 0 only
    array([ True, False])
    """
    theta, X = check_net(net).check_theta(theta), check_inputs(X, net.inputs)
    layer = check_layer(layer, len(net.hidden))
    broadcast_lead("theta and X", theta.shape[:-1], X.shape[:-2])
    run = net.run(theta, like(X, theta), net.no_noise)
    return (net.activations(run)[layer] != 0).any(axis=-2)


def check_weights(weights, name="weights"):
    """`weights` as a finite array (..., m, d+1), m at least 1."""
    weights = as_real(name, weights)
    if weights.ndim < 2 or 0 in weights.shape[-2:]:
        raise ValueError(
            f"{name} must have shape (..., m, d+1) with m at least 1, got shape "
            f"{weights.shape}"
        )
    check_finite(name, weights)
    return weights
