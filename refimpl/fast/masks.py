"""Dropout's factors q = 1 + η = κ/p, with κ_ij = 1 where neuron j is kept, else 0.

Drawing a small mask takes longer to begin than to do, so `stream` draws the masks of
several steps of training at once.
"""

from math import prod

import numpy as np

from refimpl.arrays.backend import CHUNK_ELEMENTS, empty, generator_xp, per_replica
from refimpl.fast import fused
from refimpl.fast.bernoulli import bernoulli

# Events of one generator that are drawn at once: an eighth of a megabyte; and the
# largest number of steps they serve.
AHEAD, STEPS = 2**17, 64

# Random bits of an event on a device. CuPy's integers overflow from 31 bits on, without
# an error (its issue 9745).
BITS = 30


def draw(rng, p, shape, dtype):
    """Factors q of `shape` (*samples, 1 or n, m).

    Parameters
    ----------
    rng : Generator, or sequence of R generators, one for each of the first axis
    p : float, or array of the first axes of `shape`
    shape : tuple of int
    dtype : dtype
    """
    return next(_endless(_check(rng, shape), p, shape, 1, np.dtype(dtype)))


def stream(rng, p, shape, dtype):
    """Endless factors q of `shape`, one array for each step.

    Arguments as for `draw`. How many steps are drawn at once depends on what one
    generator draws, so that a replica with a generator of its own sees the same masks
    whatever replicas are beside it.
    """
    one = shape[1:] if isinstance(rng, (list, tuple)) else shape
    ahead = AHEAD if generator_xp(rng) is np else CHUNK_ELEMENTS
    steps = min(max(1, ahead // max(1, prod(one))), STEPS)
    return _endless(_check(rng, shape), p, shape, steps, np.dtype(dtype))


def _endless(rng, p, shape, steps, dtype):
    xp = generator_xp(rng)
    if xp is not np:
        level, scale = _levels(xp, p, dtype)
        while True:
            bits = None  # its memory serves for the next
            bits = _bits(xp, rng, (steps, *shape))
            for step in range(steps):
                yield fused.factors(bits[step], level, scale)
    while True:
        kept = None  # its memory serves for the next
        kept = _events(rng, p, (steps, *shape))
        for step in range(steps):
            yield _factors(kept[step], p, dtype)


def _events(rng, p, shape):
    """κ as bool, of `shape` (steps, *samples, 1 or n, m)."""
    if not isinstance(rng, (list, tuple)):
        return bernoulli(rng, p, shape)
    each = [p] * len(rng) if isinstance(p, float) else list(p)
    each = [one if getattr(one, "ndim", 0) else float(one) for one in each]
    kept = np.empty(shape, dtype=bool)
    for replica, (one, keep) in enumerate(zip(rng, each)):
        kept[:, replica] = bernoulli(one, keep, shape[:1] + shape[2:])
    return kept


def _factors(kept, p, dtype):
    """q = κ/p."""
    q = empty(kept.shape, kept, dtype)
    q[...] = kept
    q *= per_replica(1 / p, q, axes=2)
    return q


def _bits(xp, rng, shape):
    """`BITS` random bits for each event, drawn on a device."""
    if not isinstance(rng, (list, tuple)):
        return rng.integers(0, 2**BITS, shape, dtype=np.uint32)
    own = shape[:1] + shape[2:]
    return xp.stack([one.integers(0, 2**BITS, own, dtype=np.uint32) for one in rng], 1)


def _levels(xp, p, dtype):
    """The level that random bits do not exceed with probability p, to 2^−31, and 1/p.

    Arrays of the device that broadcast to the noise.
    """
    p = xp.asarray(p, dtype=np.float64)
    p = p.reshape(p.shape + (1, 1))
    level = xp.maximum(xp.rint(p * 2.0**BITS) - 1, 0).astype(np.uint32)
    return level, (1 / p).astype(dtype)


def _check(rng, shape):
    """`rng`, checked to be as many generators as the first axis is long, or one."""
    several = isinstance(rng, (list, tuple))
    if several and (len(shape) < 3 or shape[0] != len(rng)):
        raise ValueError(
            f"samples must begin with the number of generators, {len(rng)}, "
            f"got {shape[:-2]}"
        )
    return rng
