"""Dropout noise η: its moments, its draws, and all its values."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from refimpl.arrays.backend import generator_xp, move
from refimpl.arrays.checks import (
    check_flag,
    check_float_type,
    check_generator,
    check_in_range,
    check_integer,
    check_kind,
)
from refimpl.arrays.types import Array, Factors, Generators, PerReplica
from refimpl.core.network import Network, check_net

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
            if not keep:
                raise ValueError("keep must have one entry per hidden layer, got none")
            if layers == "last" and len(keep) > 1:
                raise ValueError(
                    f"keep must be one probability when layers='last', got {len(keep)}"
                )
            self.keep: Any = tuple(check_keep(p) for p in keep)
        else:
            self.keep = check_keep(keep)
        self.per_sample = check_flag("per_sample", per_sample)
        self.layers = layers

    def moment(self, order: int) -> Any:
        """E η^order; with several layers, a tuple.

        Equation: eq:moments
        """
        order = check_integer("order", order, 0)
        if isinstance(self.keep, tuple):
            return tuple(noise_moment(p, order) for p in self.keep)
        return noise_moment(self.keep, order)

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
        eta = tuple(
            None if p is None else self.factors(rng, p, shape, dtype) - 1
            for p, shape in self.shapes(net, n, rng, samples, dtype)
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
        """Random factors q = 1 + η without end, one for each step of training.

        Arguments as for `draw`; a tuple with one entry per hidden layer, (*samples, 1
        or n, m), or 1.0 where there is no noise.
        """
        layers = list(self.shapes(net, n, rng, samples, dtype))
        while True:
            yield tuple(
                1.0 if p is None else self.factors(rng, p, shape, dtype)
                for p, shape in layers
            )

    def factors(self, rng: Generators, p: PerReplica, shape: Any, dtype: Any) -> Array:
        """q = κ/p, κ = 1 with probability p and else 0, independent entries.

        Equation: eq:dropout
        """
        if isinstance(rng, (list, tuple)):
            each = [p] * len(rng) if isinstance(p, float) else list(p)
            rows = [self.factors(*one, shape[1:], dtype) for one in zip(rng, each)]
            return generator_xp(rng).stack(rows)
        p = p[..., None, None] if getattr(p, "ndim", 0) else p
        return ((rng.random(shape) < p) / p).astype(dtype)

    def shapes(
        self, net: Network, n: int, rng: Generators, samples: Any, dtype: Any
    ) -> Iterator[tuple[Any, tuple[int, ...]]]:
        """Of every hidden layer p, or ``None``, and the shape of its noise."""
        check_float_type(dtype)
        check_generator(rng)
        lead = tuple(samples) if isinstance(samples, (tuple, list)) else (samples,)
        lead = tuple(check_integer("samples", count, 0) for count in lead)
        several = isinstance(rng, (list, tuple))
        if several and lead[:1] != (len(rng),):
            raise ValueError(
                f"samples must begin with the number of generators, {len(rng)}, "
                f"got {lead}"
            )
        xp, rows = generator_xp(rng), self._rows(n)
        for p, width in zip(self._keep_of_layers(net), net.hidden):
            yield _of_replicas(p, lead, xp), lead + (rows, width)

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
        stop = total if stop is None else min(check_integer("stop", stop, 0), total)
        numbers = np.arange(start, stop)
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
            eta = np.where(kept, (1 - p) / p, -1.0)
            entries.append(eta.reshape(-1, rows, width))
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
                f"data set have 2^{total.bit_length() - 1}"
            )
        return total

    def _rows(self, n):
        """Length of the sample axis of η for `n` samples."""
        n = check_integer("n", n, 1)
        return n if self.per_sample else 1

    def _keep_of_layers(self, net):
        """keep of every hidden layer, ``None`` where there is no dropout."""
        layers = len(check_net(net).hidden)
        own = isinstance(self.keep, tuple)
        if self.layers == "last":
            return (None,) * (layers - 1) + (self.keep if own else (self.keep,))
        if own and len(self.keep) != layers:
            raise ValueError(
                f"keep must have one entry per hidden layer ({layers}), "
                f"got {len(self.keep)}"
            )
        return self.keep if own else (self.keep,) * layers


def check_dropout(drop, name="drop"):
    """`drop`, checked to be a `Dropout`."""
    return check_kind(name, drop, Dropout, "a Dropout")


def check_keep(keep):
    """`keep` as a float or an array of floats, all in (0, 1]."""
    return check_in_range("keep", keep, 0, 1, "lie in (0, 1]")


def last_layer_keep(drop, net):
    """Probability of keeping a neuron of the last hidden layer, the only noisy one.

    Raises
    ------
    ValueError
        If an earlier layer has noise too.
    """
    if check_dropout(drop).layers == "all" and len(net.hidden) > 1:
        raise ValueError(
            "drop must act after the last hidden layer only (layers='last'), got "
            f"layers='all' for {len(net.hidden)} hidden layers; R2_estimate takes any"
        )
    (keep,) = drop.keep if isinstance(drop.keep, tuple) else (drop.keep,)
    return keep


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


def _of_replicas(p, lead, xp):
    """`p` as it is, or, of an array, one entry per leading index of the noise."""
    if p is None or isinstance(p, float):
        return p
    try:
        return xp.broadcast_to(move(p, xp), lead)
    except ValueError:
        raise ValueError(
            "keep must be one number or broadcast to the replicas, of shape "
            f"{lead}, got an array of shape {p.shape}"
        ) from None
