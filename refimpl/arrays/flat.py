"""Parameters as one vector θ (..., P): its views, and θ of its parts."""

import math
from functools import cache
from itertools import accumulate

from refimpl.arrays.backend import get_xp
from refimpl.arrays.checks import as_floating
from refimpl.arrays.generators import as_generator
from refimpl.arrays.shapes import broadcast_lead, check_std


def split(theta, shapes):
    """Views of `theta` (..., P) with `shapes`, one after the other."""
    lead = theta.shape[:-1]
    return [theta[..., at].reshape(lead + shape) for at, shape in _places(shapes)]


@cache
def _places(shapes):
    """Where in θ the arrays of `shapes` stand, and their shapes."""
    stops = list(accumulate(map(math.prod, shapes), initial=0))
    return list(zip(map(slice, stops, stops[1:]), shapes))


def join(arrays, shapes):
    """θ (..., P) from arrays that end with `shapes`; their leading axes broadcast."""
    leads = [a.shape[: a.ndim - len(shape)] for a, shape in zip(arrays, shapes)]
    lead, xp = leads[0], get_xp(*arrays)
    if leads.count(lead) < len(leads):
        lead = broadcast_lead("parameters", *leads)
        arrays = [xp.broadcast_to(a, lead + shape) for a, shape in zip(arrays, shapes)]
    parts = [a.reshape(lead + (math.prod(shape),)) for a, shape in zip(arrays, shapes)]
    return xp.concatenate(parts, axis=-1)


def check_parts(arrays, shapes):
    """Parameter arrays, checked to end with `shapes`."""
    arrays = [as_floating("parameter arrays", array) for array in arrays]
    if len(arrays) != len(shapes):
        raise ValueError(f"parameters must be {len(shapes)} arrays, got {len(arrays)}")
    for k, (array, shape) in enumerate(zip(arrays, shapes), start=1):
        if array.shape[max(0, array.ndim - len(shape)) :] != shape:
            raise ValueError(
                f"parameter array {k} of {len(shapes)} must have trailing shape "
                f"{shape}, got shape {array.shape}"
            )
    return arrays


def check_pairs(layers):
    """The arrays W, b, W, b, ... of `layers`, pairs (W, b)."""
    try:
        return [array for layer in layers for array in layer]
    except TypeError:
        raise ValueError(
            f"layers must be pairs (W, b), one per layer, got {layers!r}"
        ) from None


def gaussian(rng, stds, shapes):
    """θ (P,) with independent N(0, std²) entries, a std for each of `shapes`.

    A sequence of R generators gives (R, P): one vector from each.
    """
    rng = as_generator(rng)
    if isinstance(rng, (list, tuple)):
        rows = [gaussian(one, stds, shapes) for one in rng]
        return get_xp(*rows).stack(rows)
    arrays = [s * rng.standard_normal(shape) for s, shape in zip(stds, shapes)]
    return join(arrays, shapes)


def standard_stds(shapes, std, gain):
    """Standard deviations of the arrays W, b, W, b, ... of a network.

    Parameters
    ----------
    shapes : sequence of tuple of int
    std : float, sequence of one per layer, or None
        Without it gain²/fan-in for the variance of weights, 1/fan-in in the last layer,
        and 0 for biases.
    gain : float
    """
    layers = (len(shapes) + 1) // 2
    if std is not None:
        by_layer = check_std(std, layers)
        return [by_layer[k // 2] for k in range(len(shapes))]
    gains = [gain] * (layers - 1) + [1.0]
    return [
        gains[k // 2] * shape[-1] ** -0.5 if len(shape) == 2 else 0.0
        for k, shape in enumerate(shapes)
    ]
