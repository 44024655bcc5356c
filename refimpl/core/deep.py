"""Chains of layers with noise between: ``layers[l]`` is layer l + 1 of the paper."""

from collections import namedtuple
from collections.abc import Sequence

from refimpl.arrays.backend import get_xp
from refimpl.arrays.flat import check_pairs, check_parts
from refimpl.arrays.shapes import check_widths
from refimpl.arrays.types import Array, ArrayLike
from refimpl.core.dense import Dense
from refimpl.core.network import Network, Pass

# What a layer keeps of a pass: its parameters and input, what its other passes need,
# the noise that follows and the activations before it; of `push` their derivatives.
Kept = namedtuple("Kept", "layer own x memory q h")
KeptPush = namedtuple("KeptPush", "own x memory h")


class Chain(Network):
    """A chain of layers, each hidden one followed by noise. Equation: eq:layers"""

    def __init__(self, layers, activation):
        self.layers = layers
        d, *hidden, o = layers[0].inputs, *(layer.width for layer in layers)
        shapes = [shape for layer in layers for shape in layer.shapes]
        super().__init__(d, tuple(hidden), o, activation, shapes)

    def pack(self, layers: Sequence[Sequence[ArrayLike]]) -> Array:
        """θ (..., P) from [(W, b)], or whatever arrays each layer has."""
        return self.join(check_parts(check_pairs(layers), self.shapes))

    def unpack(self, theta: ArrayLike) -> list[tuple[Array, ...]]:
        """[(W, b)] of every layer: views of `theta`."""
        return self._own(self.check_theta(theta, finite=False))

    def _own(self, theta):
        arrays = iter(self.split(theta))
        return [tuple(next(arrays) for _ in layer.shapes) for layer in self.layers]

    def run(self, theta, X, q):
        """Forward pass. Equation: eq:deep"""
        kept, s = [], X
        for layer, own, factor in zip(self.layers, self._own(theta), (*q, 1.0)):
            h, memory = layer.run(own, s)  # f^[l] = σ(W s + b)
            kept.append(Kept(layer, own, s, memory, factor, h))
            s = factor * h  # what the next layer receives, q = 1 + η
        return Pass(s, kept[-2].h, own[0], kept)

    def activations(self, run: Pass) -> list[Array]:
        """Activations of every hidden layer of a forward pass, before noise."""
        return [one.h for one in run.kept[:-1]]

    def backward(self, run, upstream):
        """Gradient (..., P), from `upstream`. Equation: eq:deep-backward"""
        ds, dh_last, dA = upstream
        gradient, last = [], self.layers[-2]
        for layer, own, x, memory, q, _ in reversed(run.kept):
            dh = q * ds + (dh_last if layer is last else 0.0)
            own_gradient, ds = layer.backward(own, x, memory, dh)
            gradient = [*own_gradient, *gradient]
        gradient[-2] = gradient[-2] + dA
        return self.join(gradient)

    def push(self, run, direction):
        """Directional derivative of `run`. Equation: eq:deep-push"""
        kept, s_push = [], get_xp(run.F).zeros_like(run.kept[0].x)  # Ẋ = 0
        for (layer, own, x, memory, q, _), v in zip(run.kept, self._own(direction)):
            z_push, h_push = layer.push(own, x, memory, v, s_push)
            kept.append(KeptPush(v, s_push, z_push, h_push))
            s_push = q * h_push
        return Pass(s_push, kept[-2].h, v[0], kept)

    def backward_push(self, run, push, upstream, upstream_push):
        """Directional derivative of `backward`. Equation: eq:deep-r-operator"""
        (ds, dh_last, _), (ds_push, dh_last_push, dA_push) = upstream, upstream_push
        gradient_push, last = [], self.layers[-2]
        for one, (v, x_push, z_push, _) in zip(reversed(run.kept), reversed(push.kept)):
            layer, own, x, memory, q, _ = one
            dh = q * ds + (dh_last if layer is last else 0.0)
            dh_push = q * ds_push + (dh_last_push if layer is last else 0.0)
            own_push, ds_push, ds = layer.backward_push(
                own, x, memory, dh, v, x_push, z_push, dh_push
            )
            gradient_push = [*own_push, *gradient_push]
        gradient_push[-2] = gradient_push[-2] + dA_push
        return self.join(gradient_push)


class Deep(Chain):
    """f^[l] = σ(W^[l] f^[l−1] + b^[l]), f^[L] = W^[L] f^[L−1] + b^[L].

    Equation: eq:deep

    Parameters
    ----------
    widths : sequence of int
        (m_0, ..., m_L): inputs, hidden widths, outputs; at least one hidden layer, all
        positive; else ``ValueError``.
    activation : {"relu", "tanh", "identity"}

    Examples
    --------
    >>> net = Deep((2, 5, 4, 3))
    >>> net.size
    54
    """

    def __init__(self, widths: Sequence[int], activation: str = "relu") -> None:
        self.widths = check_widths(widths)
        *hidden, last = zip(self.widths, self.widths[1:])
        layers = [Dense(*sizes, activation) for sizes in hidden]
        super().__init__([*layers, Dense(*last, "identity")], activation)
