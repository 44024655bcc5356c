"""Dropout's factors from random bytes, the masks of several steps at once.

Plain: `keep_factors` of ``core.dropout``, q = κ/p with κ = [u < p] for a uniform
number u of 53 bits each (`bernoulli` needs eight), drawn step by step.
"""

from collections.abc import Iterator
from itertools import repeat
from math import prod
from typing import Any

import numpy as np

from refimpl.arrays.backend import CHUNK_ELEMENTS, generator_xp, per_replica
from refimpl.arrays.checks import check_float_type
from refimpl.arrays.generators import as_generator
from refimpl.arrays.limits import check_fits
from refimpl.arrays.types import Array, Factors, Generators, PerReplica
from refimpl.core import dropout
from refimpl.core.network import Network
from refimpl.fast import fused
from refimpl.fast.bernoulli import bernoulli

# Events of one generator that are drawn at once: an eighth of a megabyte; and the
# largest number of steps they serve.
AHEAD, STEPS = 2**17, 64

# Random bits of an event on a device. CuPy's integers overflow from 31 bits on, without
# an error (its issue 9745).
BITS = 30


class Dropout(dropout.Dropout):
    __doc__ = dropout.Dropout.__doc__

    def keep_factors(
        self, rng: Generators, p: PerReplica, shape: tuple, dtype: Any
    ) -> Array:
        """q = κ/p of `shape`, independent entries."""
        return next(_endless(rng, p, shape, 1, dtype))

    def stream(
        self,
        net: Network,
        n: int,
        rng: Generators,
        samples: Any = (),
        dtype: Any = float,
    ) -> Iterator[Factors]:
        """`factors` without end, for each step of training; several steps at once.

        How many depends on what one generator draws, so that a replica with a generator
        of its own sees the same masks whatever replicas are beside it.
        """
        rng = as_generator(rng)
        ahead = AHEAD if generator_xp(rng) is np else CHUNK_ELEMENTS
        layers = []
        for p, shape in self.shapes(net, n, rng, samples):
            one = shape[1:] if isinstance(rng, (list, tuple)) else shape
            steps = min(max(1, ahead // max(1, prod(one))), STEPS)
            layers.append(_endless(rng, p, shape, steps, dtype))
        # Not zip(*layers), which would hold the last q while it draws the next.
        return (tuple(map(next, layers)) for _ in repeat(None))


def _endless(rng, p, shape, steps, dtype):
    """Factors of one layer, drawn for so many `steps` at a time."""
    check_float_type(dtype)
    return repeat(1.0) if p is None else _drawn(rng, p, shape, steps, np.dtype(dtype))


def _drawn(rng, p, shape, steps, dtype):
    xp = generator_xp(rng)
    check_fits(f"noise of shape {shape}", prod(shape), xp.empty(0, dtype))
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
            q = kept[step].astype(dtype)
            q *= per_replica(1 / p, q, axes=2)
            yield q


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
