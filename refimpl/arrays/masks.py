"""Shapes of dropout masks, whose keep is whose, and masks by number."""

import numpy as np

from refimpl.arrays.backend import beside, generator_xp, get_xp, move
from refimpl.arrays.checks import check_in_range, check_integer
from refimpl.arrays.generators import check_generator

MAX_MASKS = 2**20


def keep_by_layer(keep, layers, count):
    """`keep` of each of `count` hidden layers, ``None`` where there is no dropout.

    Parameters
    ----------
    keep : float, array, or tuple with one entry per layer
    layers : {"last", "all"}
    count : int
    """
    own = isinstance(keep, tuple)
    if layers == "last":
        return (None,) * (count - 1) + (keep if own else (keep,))
    if own and len(keep) != count:
        raise ValueError(
            f"keep must have one entry per hidden layer ({count}), got {len(keep)}"
        )
    return keep if own else (keep,) * count


def lead_of(samples, rng):
    """`samples` as a tuple of leading axes, checked to begin with those of `rng`."""
    check_generator(rng)
    lead = tuple(samples) if isinstance(samples, (tuple, list)) else (samples,)
    lead = tuple(check_integer("samples", count, 0) for count in lead)
    if isinstance(rng, (list, tuple)) and lead[:1] != (len(rng),):
        raise ValueError(
            f"samples must begin with the number of generators, {len(rng)}, got {lead}"
        )
    return lead


def keep_of_replicas(keep, lead, rng):
    """`keep` as it is, or, of an array, one entry per leading index of the noise."""
    if keep is None or isinstance(keep, float):
        return keep
    xp = generator_xp(rng)
    try:
        return xp.broadcast_to(move(keep, xp), lead)
    except ValueError:
        raise ValueError(
            "keep must be one number or broadcast to the replicas, of shape "
            f"{lead}, got an array of shape {keep.shape}"
        ) from None


def numbered(numbers, bits):
    """Masks (K, bits), as bool, that are the last binary digits of `numbers`.

    Returns the masks, and the numbers without these digits.
    """
    return (numbers[:, None] >> np.arange(bits)) & 1 == 1, numbers >> bits


def masks_beside(eta, axes):
    """η with so many `axes` of length 1 after that of the masks."""
    if isinstance(eta, tuple):
        return tuple(beside(one, axes) for one in eta)
    return beside(eta, axes)


def check_layers(layers):
    """`layers`, checked to be a word that says which hidden layers have noise."""
    if layers not in ("last", "all"):
        raise ValueError(f"layers must be 'last' or 'all', got {layers!r}")
    return layers


def check_keep(keep):
    """`keep` as a float or an array of floats, all in (0, 1]."""
    return check_in_range("keep", keep, 0, 1, "lie in (0, 1]")


def check_keeps(keep, layers):
    """`keep` as `check_keep` returns it, or a tuple with one entry per hidden layer."""
    if not isinstance(keep, (list, tuple)):
        return check_keep(keep)
    if not keep:
        raise ValueError("keep must have one entry per hidden layer, got none")
    if layers == "last" and len(keep) > 1:
        raise ValueError(
            f"keep must be one probability when layers='last', got {len(keep)}"
        )
    return tuple(check_keep(p) for p in keep)


def check_count(total, keeps):
    """`total` number of masks, checked to be few enough, with one keep a layer."""
    if total > MAX_MASKS:
        raise ValueError(
            f"enumerate is limited to 2^20 = {MAX_MASKS} masks, this network and "
            f"data set have 2^{total.bit_length() - 1}"
        )
    for keep in keeps:
        if keep is not None and not isinstance(keep, float):
            raise ValueError(
                "keep must be one number per layer to enumerate, got an array of "
                f"shape {keep.shape}"
            )
    return total


def check_range(start, stop, total):
    """`start` and `stop` of numbers below `total`, which `stop` is by default."""
    start = check_integer("start", start, 0)
    return start, total if stop is None else min(check_integer("stop", stop, 0), total)


def in_module(stream, xp):
    """Factors q, moved to `xp` where they are drawn elsewhere."""
    for q in stream:
        here = all(isinstance(one, float) or get_xp(one) is xp for one in q)
        yield (
            q
            if here
            else tuple(one if isinstance(one, float) else move(one, xp) for one in q)
        )


def draw_batch(rng, n, size, lead):
    """Indices of the samples of one step: (size,), or (*lead, size)."""
    if isinstance(rng, (list, tuple)):
        rows = [draw_batch(one, n, size, lead[1:]) for one in rng]
        return get_xp(*rows).stack(rows)
    return rng.random((*lead, n)).argsort(axis=-1)[..., :size]
