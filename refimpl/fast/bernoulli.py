"""Independent events of probability p, faster than a uniform number each.

The plain formula is ``rng.random(shape) < p``. NumPy's generators spend most of its
time on bits that the comparison does not need, and dropout's masks are a large part of
a training step.
"""

import math

import numpy as np

# Bit generators whose raw numbers are 64 random bits each.
RAW_64 = (np.random.PCG64, np.random.PCG64DXSM, np.random.SFC64, np.random.Philox)


def bernoulli(rng, p, shape):
    """Bool array of `shape`, each entry True with probability p, independently.

    Eight random bits a place: they are below c = ⌈256 p⌉ with probability c/256, a
    little more than p. The rest is taken away by a Poisson number of hits, N λ on
    average, that fall on the N places anywhere: each place is hit, independently of the
    others, with probability 1 − e^−λ. With λ = log(c / 256 p) what is True and not hit
    has the probability p, to double precision. For an array p, one per leading index,
    the plain formula is used.

    Equation: eq:bernoulli

    Examples
    --------
    >>> events = bernoulli(np.random.default_rng(0), 0.9, (1000, 1000))
    >>> bool(abs(events.mean() - 0.9) < 1e-3)
    True
    """
    if not isinstance(p, float):
        return rng.random(shape) < p[..., None, None]
    size = int(math.prod(shape))  # not NumPy's: its sign would make words floats
    c = math.ceil(256 * p)
    bits = _words(rng, -(-size // 8)).view(np.uint8)[:size]
    kept = np.less(bits, c, out=bits.view(bool))  # in the place of the bits
    hits = rng.poisson(size * math.log(c / (256 * p))) if c > 256 * p else 0
    if hits and size:
        kept[_words(rng, hits) % size] = False  # the remainder is uniform to 2^-40
    return kept.reshape(shape)


def _words(rng, count):
    """`count` numbers of 64 random bits."""
    if isinstance(rng.bit_generator, RAW_64):
        return rng.bit_generator.random_raw(count)
    return rng.integers(2**64 - 1, size=count, dtype=np.uint64, endpoint=True)
