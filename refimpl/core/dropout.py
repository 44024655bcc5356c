"""Dropout noise η: its moments, its draws, and all its values."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from refimpl.arrays import checks, generators, masks, show
from refimpl.arrays.backend import generator_xp
from refimpl.arrays.types import Array, Factors, Generators, PerReplica
from refimpl.core.network import Network, check_net


class Dropout(show.Shown):
    """Dropout that keeps a neuron with probability `keep`.

    η is (1−p)/p with probability p and −1 with probability 1−p, independent for each
    neuron; the layer becomes (1+η) ⊙ f.

    Equation: eq:dropout

    Parameters
    ----------
    keep : float, sequence of float, or array
        p, in (0, 1]. A list or tuple has one entry per hidden layer
        (``layers="all"``); an array has one per replica, its axes lead what is drawn.
    per_sample : bool
        False: one mask for the whole data set, as the paper writes. True: one per
        sample, as frameworks do. R_1 is the same for both, R_2 is not.
    layers : {"last", "all"}
        Dropout after the last hidden layer (the paper's theory) or after every one.

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
        self.layers = masks.check_layers(layers)
        self.keep: Any = masks.check_keeps(keep, layers)
        self.per_sample = checks.check_flag("per_sample", per_sample)

    def moment(self, order: int) -> Any:
        """E η^order; with several layers, a tuple. Equation: eq:moments"""
        order = checks.check_integer("order", order, 0)
        if isinstance(self.keep, tuple):
            return tuple(noise_moment(p, order) for p in self.keep)
        return noise_moment(self.keep, order)

    def draw(
        self,
        net: Network,
        n: int,
        rng: Generators,
        samples: Any = (),
        dtype: Any = float,
    ) -> Any:
        """Random η ``(*samples, 1 or n, m)``, for ``layers="all"`` a tuple of one each.

        `n` counts the samples of the data set; `samples` is the number of masks, or a
        tuple of leading axes. The noise is in the array module of the generator `rng`,
        NumPy's if it is a seed. Of a sequence of generators each fills an entry of the
        first leading axis: a replica sees the same noise whatever is beside it.
        """
        q = self.factors(net, n, rng, samples, dtype)
        eta = tuple(None if isinstance(one, float) else one - 1 for one in q)
        return eta if self.layers == "all" else eta[-1]

    def stream(
        self, net: Network, n: int, rng: Generators, *arguments: Any
    ) -> Iterator[Factors]:
        """`factors` without end, for each step of training. Arguments as for `draw`."""
        rng = generators.as_generator(rng)
        while True:
            yield self.factors(net, n, rng, *arguments)

    def factors(
        self,
        net: Network,
        n: int,
        rng: Generators,
        samples: Any = (),
        dtype: Any = float,
    ) -> Factors:
        """Random q = 1 + η of every hidden layer, 1.0 where there is no noise."""
        rng = generators.as_generator(rng)
        layers = self.shapes(net, n, rng, samples)
        return tuple(
            1.0 if p is None else self.keep_factors(rng, p, shape, dtype)
            for p, shape in layers
        )

    def keep_factors(
        self, rng: Generators, p: PerReplica, shape: tuple, dtype: Any
    ) -> Array:
        """q = κ/p of `shape`, κ = 1 with probability p and else 0, independent entries.

        Equation: eq:dropout
        """
        checks.check_float_type(dtype)
        if isinstance(rng, (list, tuple)):
            each = [p] * len(rng) if isinstance(p, float) else list(p)
            rows = [self.keep_factors(*one, shape[1:], dtype) for one in zip(rng, each)]
            return generator_xp(rng).stack(rows)
        p = p[..., None, None] if getattr(p, "ndim", 0) else p
        return ((rng.random(shape) < p) / p).astype(dtype)

    def shapes(self, net: Network, n: int, rng: Generators, samples: Any) -> list:
        """Of every hidden layer p, or ``None``, and the shape of its noise."""
        lead, rows = masks.lead_of(samples, rng), self._rows(n)
        return [
            (masks.keep_of_replicas(p, lead, rng), lead + (rows, width))
            for p, width in self._layers(net)
        ]

    def enumerate(
        self, net: Network, n: int, start: int = 0, stop: int | None = None
    ) -> tuple[Array, Any]:
        """Every mask with its probability, or those numbered `start` to `stop`.

        Probabilities (K,) and η (K, 1 or n, m); for ``layers="all"`` a tuple, one a
        layer. At most 2^20 masks, and one keep for all replicas; else ``ValueError``.
        """
        total, rows = self.check_count(net, n), self._rows(n)
        numbers = np.arange(*masks.check_range(start, stop, total))
        probabilities, eta = np.ones(len(numbers)), []
        for p, width in self._layers(net):
            if p is not None:
                kept, numbers = masks.numbered(numbers, rows * width)
                probabilities *= np.where(kept, p, 1 - p).prod(axis=1)
                eta.append(np.where(kept, (1 - p) / p, -1.0).reshape(-1, rows, width))
        return probabilities, tuple(eta) if self.layers == "all" else eta[0]

    def count(self, net: Network, n: int) -> int:
        """Number of masks for `net` and `n` samples."""
        rows = self._rows(n)
        return 2 ** sum(rows * m for p, m in self._layers(net) if p is not None)

    def check_count(self, net: Network, n: int) -> int:
        """Number of masks, checked to be few enough to enumerate."""
        return masks.check_count(self.count(net, n), [p for p, _ in self._layers(net)])

    def _rows(self, n):
        """Length of the sample axis of η for `n` samples."""
        n = checks.check_integer("n", n, 1)
        return n if self.per_sample else 1

    def _layers(self, net):
        """Pairs: keep of each hidden layer, or ``None``, and its width."""
        hidden = check_net(net).hidden
        return zip(masks.keep_by_layer(self.keep, self.layers, len(hidden)), hidden)


def check_dropout(drop, name="drop"):
    """`drop`, checked to be a `Dropout`."""
    return checks.check_kind(name, drop, Dropout, "a Dropout")


def as_dropout(drop):
    """`drop`, or, of a `keep` in its place, dropout after the last hidden layer."""
    return drop if isinstance(drop, Dropout) else Dropout(drop)


def last_layer_keep(drop, net, name="drop"):
    """p of the last hidden layer, checked to be the only noisy one."""
    *early, last = (p for p, _ in as_dropout(drop)._layers(net))
    if any(p is not None for p in early):
        raise ValueError(
            f"{name} must act after the last hidden layer only (layers='last'), got "
            "layers='all'; expectation and R2_estimate take any"
        )
    return last


def noise_moment(keep, order):
    """E η^order of one coordinate of η. Equation: eq:moments"""
    return keep * ((1 - keep) / keep) ** order + (1 - keep) * (-1) ** order


def noise_variance(keep):
    """Var η = (1−p)/p. Equation: eq:moments"""
    return (1 - keep) / keep
