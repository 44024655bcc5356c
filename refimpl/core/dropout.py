"""Dropout noise η: its moments, its draws, and all its values."""

import math
from collections.abc import Iterator, Sequence
from itertools import repeat
from numbers import Real
from typing import Any

import numpy as np

from refimpl.arrays.backend import generator_xp, move
from refimpl.arrays.checks import (
    check_flag,
    check_float_type,
    check_generator,
    check_integer,
    check_net,
)
from refimpl.arrays.types import Array, Factors, Generators, PerReplica
from refimpl.core.network import Network
from refimpl.core.replicas import take
from refimpl.fast import masks

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
        has one entry per replica and broadcasts to the leading axes drawn.
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

    def __init__(
        self,
        keep: PerReplica | Sequence[float],
        per_sample: bool = False,
        layers: str = "last",
    ) -> None:
        if layers not in ("last", "all"):
            raise ValueError(f"layers must be 'last' or 'all', got {layers!r}")
        if isinstance(keep, (list, tuple)):
            if layers == "last" and len(keep) != 1:
                raise ValueError(
                    f"keep must be one probability when layers='last', got {len(keep)}"
                )
            if not keep:
                raise ValueError("keep must have one entry per hidden layer, got none")
            self.keep = tuple(check_keep(p) for p in keep)
        else:
            self.keep = check_keep(keep)
        self.per_sample = check_flag("per_sample", per_sample)
        self.layers = layers

    def moment(self, order: int) -> Any:
        """E η^order; with several layers, a tuple.

        Equation: eq:moments
        """
        order = check_integer("order", order, 0)
        keeps = self.keep if isinstance(self.keep, tuple) else (self.keep,)
        moments = tuple(noise_moment(p, order) for p in keeps)
        return moments if isinstance(self.keep, tuple) else moments[0]

    def draw(
        self,
        net: Network,
        n: int,
        rng: Generators,
        samples: int | Sequence[int] = (),
        dtype: Any = float,
    ) -> Any:
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
        check_float_type(dtype)
        for count in samples if isinstance(samples, (tuple, list)) else (samples,):
            check_integer("samples", count, 0)
        eta = tuple(
            None if p is None else masks.draw(rng, p, shape, dtype) - 1
            for p, shape in self._layers(net, n, rng, samples)
        )
        return eta if self.layers == "all" else eta[-1]

    def stream(
        self,
        net: Network,
        n: int,
        rng: Generators,
        samples: int | Sequence[int] = (),
        dtype: Any = float,
    ) -> Iterator[Factors]:
        """Random q = 1 + η without end, as the passes of the network take it.

        One for each step of training; masks of several steps are drawn at once.
        Arguments as for `draw`.

        Yields
        ------
        q : tuple
            One entry per hidden layer: (*samples, 1 or n, m), or ``None``.
        """
        layers = [
            repeat(None) if p is None else masks.stream(rng, p, shape, dtype)
            for p, shape in self._layers(net, n, rng, samples)
        ]
        # Not zip(*layers), which would hold the last q while it draws the next.
        return (tuple(map(next, layers)) for _ in repeat(None))

    def replicas(self, rows: slice, lead: tuple[int, ...]) -> "Dropout":
        """The same for the entries `rows` of the first of the replica axes `lead`."""
        if isinstance(self.keep, (float, tuple)):
            return self
        return Dropout(take(self.keep, rows, lead), self.per_sample, self.layers)

    def _layers(self, net, n, rng, samples):
        """Of every hidden layer p, or ``None``, and the shape of its noise."""
        check_generator(rng)
        lead = tuple(samples) if isinstance(samples, (tuple, list)) else (samples,)
        rows, xp = self._rows(n), generator_xp(rng)
        for p, width in zip(self._keep_of_layers(net), net.hidden):
            p = None if p is None else _keep_of_replicas(p, lead, xp)
            yield p, lead + (rows, width)

    def enumerate(
        self, net: Network, n: int, start: int = 0, stop: int | None = None
    ) -> tuple[Array, Any]:
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
        total, rows = self.check_count(net, n), self._rows(n)
        start = check_integer("start", start, 0)
        if stop is not None:
            stop = check_integer("stop", stop, 0)
        numbers = np.arange(start, total if stop is None else min(stop, total))
        probabilities, entries = np.ones(len(numbers)), []
        for p, width in zip(self._keep_of_layers(net), net.hidden):
            if p is None:
                continue
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

    def count(self, net: Network, n: int) -> int:
        """Number of masks for `net` and `n` samples."""
        rows, keeps = self._rows(n), self._keep_of_layers(net)
        return 2 ** sum(rows * m for m, p in zip(net.hidden, keeps) if p is not None)

    def check_count(self, net: Network, n: int) -> int:
        """Number of masks, checked to be few enough to enumerate."""
        total = self.count(net, n)
        if total > MAX_MASKS:
            raise ValueError(
                f"enumerate is limited to 2^20 = {MAX_MASKS} masks, this network and "
                f"data set have 2^{total.bit_length() - 1} = {_short(total)}"
            )
        return total

    def _rows(self, n):
        """Length of the sample axis of η for `n` samples."""
        n = check_integer("n", n, 1)
        return n if self.per_sample else 1

    def _keep_of_layers(self, net):
        """keep of every hidden layer, ``None`` where there is no dropout."""
        layers = len(check_net(net).hidden)
        if self.layers == "last":
            keep = self.keep[0] if isinstance(self.keep, tuple) else self.keep
            return (None,) * (layers - 1) + (keep,)
        if not isinstance(self.keep, tuple):
            return (self.keep,) * layers
        if len(self.keep) != layers:
            raise ValueError(
                f"keep must have one entry per hidden layer ({layers}), "
                f"got {len(self.keep)}"
            )
        return self.keep


def check_keep(keep):
    """`keep` as a float or an array of floats, all in (0, 1]."""
    if isinstance(keep, Real) and not isinstance(keep, bool):
        if not 0 < keep <= 1:
            raise ValueError(f"keep must lie in (0, 1], got {keep}")
        return float(keep)
    if getattr(keep, "dtype", None) is None or keep.dtype.kind not in "fiu":
        raise ValueError(f"keep must be a number in (0, 1], got {keep!r}")
    if keep.size == 0 or not ((keep > 0) & (keep <= 1)).all():
        raise ValueError(f"keep must lie in (0, 1], got {keep}")
    return float(keep) if keep.ndim == 0 else keep


def noise_moment(keep, order):
    """E η^order of one coordinate of η.

    Equation: eq:moments

    Examples
    --------
    >>> [round(noise_moment(0.8, order), 12) for order in (1, 2, 3)]
    [0.0, 0.25, -0.1875]
    """
    return keep * ((1 - keep) / keep) ** order + (1 - keep) * (-1) ** order


def noise_variance(keep):
    """Var η = (1−p)/p.

    Equation: eq:moments

    Examples
    --------
    >>> noise_variance(0.5)
    1.0
    """
    return (1 - keep) / keep


def _keep_of_replicas(p, samples, xp):
    """`p` as it is, or, of an array, one entry per leading index of the noise, in the
    module `xp` of the noise."""
    if isinstance(p, float):
        return p
    try:
        return xp.broadcast_to(move(p, xp), samples)
    except ValueError:
        raise ValueError(
            "keep must be one number or broadcast to the replicas, of shape "
            f"{samples}, got an array of shape {p.shape}"
        ) from None


def _short(number):
    digits = math.floor(math.log10(number))
    return str(number) if digits < 12 else f"about 10^{digits}"
