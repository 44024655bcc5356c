"""Dropout noise η: its moments, its draws, and all its values."""

import math
from numbers import Real

import numpy as np

from refimpl.backend import generator_xp, get_xp

MAX_MASKS = 2**20


class Dropout:
    """Dropout that keeps a neuron with probability `keep`.

    η is (1−p)/p with probability p and −1 with probability 1−p, independent for each
    neuron; the layer becomes (1+η) ⊙ f.

    Equation: eq:dropout

    Parameters
    ----------
    keep : float, sequence of float, or array
        p. A list or tuple has one entry per hidden layer (``layers="all"``). An array
        has one entry per replica and broadcasts against the leading axes drawn.
    per_sample : bool
        False: one mask for the whole data set, as the paper writes. True: one per
        sample, as frameworks do. R_1 is the same for both, R_2 is not.
    layers : {"last", "all"}
        Dropout after the last hidden layer (the paper's theory) or after every one.

    Raises
    ------
    ValueError
        If keep is outside (0, 1], or another argument is none of the above.

    Examples
    --------
    >>> drop = Dropout(keep=0.8)
    >>> round(drop.moment(2), 12)  # variance (1−p)/p
    0.25
    """

    def __init__(self, keep, per_sample=False, layers="last"):
        if layers not in ("last", "all"):
            raise ValueError(f"layers must be 'last' or 'all', got {layers!r}")
        if not isinstance(per_sample, (bool, np.bool_)):
            raise ValueError(f"per_sample must be True or False, got {per_sample!r}")
        if isinstance(keep, (list, tuple)):
            if layers == "last" and len(keep) != 1:
                raise ValueError(
                    "keep must be one probability when layers='last', got "
                    f"{len(keep)}"
                )
            self.keep = tuple(check_keep(p) for p in keep)
        else:
            self.keep = check_keep(keep)
        self.per_sample, self.layers = bool(per_sample), layers

    def moment(self, order):
        """E η^order; with several layers, a tuple.

        Equation: eq:moments
        """
        keeps = self.keep if isinstance(self.keep, tuple) else (self.keep,)
        moments = tuple(noise_moment(p, order) for p in keeps)
        return moments if isinstance(self.keep, tuple) else moments[0]

    def draw(self, net, n, rng, samples=(), dtype=float):
        """Random η.

        Parameters
        ----------
        net : TwoLayer or Deep
        n : int
            Number of samples of the data set.
        rng : Generator, or sequence of R generators
            NumPy's or CuPy's; the noise is in the generator's array module. A sequence
            fills the first of the leading axes, one generator each, so that a replica
            sees the same noise whatever replicas are beside it.
        samples : int or tuple of int
            Leading axes.
        dtype : dtype

        Returns
        -------
        eta : (*samples, 1 or n, m)
            For ``layers="all"`` a tuple, one entry per hidden layer.
        """
        samples = (samples,) if isinstance(samples, int) else tuple(samples)
        many = isinstance(rng, (list, tuple))
        if many and samples[:1] != (len(rng),):
            raise ValueError(
                f"samples must begin with the number of generators, {len(rng)}, "
                f"got {samples}"
            )
        rows = n if self.per_sample else 1
        entries = []
        for width, p in self._noisy_layers(net):
            shape = samples + (rows, width)
            if many:
                uniform = [r.random(shape[1:], dtype=dtype) for r in rng]
                uniform = generator_xp(rng[0]).stack(uniform)
            else:
                uniform = rng.random(shape, dtype=dtype)
            if not isinstance(p, float):
                p = p[..., None, None]
            kept = (uniform < p).astype(dtype)
            entries.append(kept * get_xp(kept).asarray(1 / p, dtype=dtype) - 1)
        return tuple(entries) if self.layers == "all" else entries[0]

    def enumerate(self, net, n, start=0, stop=None):
        """Every mask with its probability, or those numbered `start` to `stop`.

        Returns
        -------
        probabilities : (K,)
        eta : (K, 1 or n, m)
            For ``layers="all"`` a tuple, one entry per hidden layer.

        Raises
        ------
        ValueError
            If there are more than 2^20 masks, or keep differs between replicas.
        """
        total = self.count(net, n)
        if total > MAX_MASKS:
            raise ValueError(
                f"enumerate is limited to 2^20 = {MAX_MASKS} masks, this network and "
                f"data set have 2^{total.bit_length() - 1} = {_short(total)}"
            )
        rows = n if self.per_sample else 1
        numbers = np.arange(start, total if stop is None else min(stop, total))
        probabilities, entries = np.ones(len(numbers)), []
        for width, p in self._noisy_layers(net):
            if not isinstance(p, float):
                raise ValueError(
                    "keep must be one number per layer to enumerate, got an array of "
                    f"shape {p.shape}"
                )
            bits = rows * width
            kept = (numbers[:, None] >> np.arange(bits)) & 1 == 1  # (K, bits)
            numbers = numbers >> bits
            counts = kept.sum(axis=1)
            probabilities *= p**counts * (1.0 - p) ** (bits - counts)
            entries.append(np.where(kept, (1 - p) / p, -1.0))
            entries[-1] = entries[-1].reshape(-1, rows, width)
        return probabilities, tuple(entries) if self.layers == "all" else entries[0]

    def count(self, net, n):
        """Number of masks for `net` and `n` samples."""
        rows = n if self.per_sample else 1
        return 2 ** sum(rows * width for width, _ in self._noisy_layers(net))

    def _noisy_layers(self, net):
        """(width, keep) of every layer that is dropped out."""
        widths = net.hidden if self.layers == "all" else net.hidden[-1:]
        keeps = self.keep
        if not isinstance(keeps, tuple):
            keeps = (keeps,) * len(widths)
        if len(keeps) != len(widths):
            raise ValueError(
                f"keep must have one entry per hidden layer ({len(widths)}), "
                f"got {len(keeps)}"
            )
        return list(zip(widths, keeps))


def check_keep(keep):
    """`keep` as a float or an array of floats, all in (0, 1]."""
    if isinstance(keep, Real) and not isinstance(keep, bool):
        if not 0 < keep <= 1:
            raise ValueError(f"keep must lie in (0, 1], got {keep}")
        return float(keep)
    if getattr(keep, "dtype", None) is None or keep.dtype.kind not in "fiu":
        raise ValueError(f"keep must be a number in (0, 1], got {keep!r}")
    if not ((keep > 0) & (keep <= 1)).all():
        raise ValueError(f"keep must lie in (0, 1], got {keep}")
    return float(keep) if keep.ndim == 0 else keep


def noise_moment(keep, order):
    """E η^order of one coordinate of η.

    Equation: eq:moments
    """
    return keep * ((1 - keep) / keep) ** order + (1 - keep) * (-1) ** order


def noise_variance(keep):
    """Var η = (1−p)/p.

    Equation: eq:moments
    """
    return (1 - keep) / keep


def _short(number):
    return str(number) if number < 10**12 else f"about 10^{math.floor(math.log10(number))}"
