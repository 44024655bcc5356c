"""The L-layer network of the paper: a chain of layers, with noise between them.

Layer l of the code is layer l + 1 of the paper: ``layers[0]`` is (W^[1], b^[1]). The
output layer is a layer whose activation is the identity.
"""

from collections.abc import Sequence

from refimpl.arrays.backend import get_xp
from refimpl.arrays.flat import check_pairs, check_parts
from refimpl.arrays.shapes import check_widths
from refimpl.arrays.types import Array, ArrayLike
from refimpl.core.dense import Dense
from refimpl.core.network import Network, Pass


class Deep(Network):
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
        d, *hidden, o = self.widths = check_widths(widths)
        kinds = [activation] * len(hidden) + ["identity"]
        self.layers = [Dense(*one) for one in zip(self.widths, self.widths[1:], kinds)]
        shapes = [shape for layer in self.layers for shape in layer.shapes]
        super().__init__(d, tuple(hidden), o, activation, shapes)

    def pack(self, layers: Sequence[tuple[ArrayLike, ArrayLike]]) -> Array:
        """θ (..., P) from [(W, b)], W (..., m_l, m_{l−1}) and b (..., m_l)."""
        return self.join(check_parts(check_pairs(layers), self.shapes))

    def unpack(self, theta: ArrayLike) -> list[tuple[Array, Array]]:
        """[(W, b)] of every layer: views of `theta`."""
        return self._pairs(self.check_theta(theta, finite=False))

    def _pairs(self, theta):
        arrays = self.split(theta)
        return list(zip(arrays[::2], arrays[1::2]))

    def run(self, theta, X, q):
        """Forward pass. Equation: eq:deep"""
        kept, s = [], X
        for layer, (W, b), factor in zip(self.layers, self._pairs(theta), (*q, 1.0)):
            h = layer.run((W, b), s)  # f^[l] = σ(W s + b)
            kept.append((layer, (W, b), s, h, factor))
            s = factor * h  # what the next layer receives, q = 1 + η
        return Pass(s, kept[-2][3], W, kept)

    def activations(self, run: Pass) -> list[Array]:
        """Activations of every hidden layer of a forward pass, before noise."""
        return [h for _, _, _, h, _ in run.kept[:-1]]

    def backward(self, run, upstream):
        """Gradient (..., P), from `upstream`. Equation: eq:deep-backward"""
        ds, dh, dA = upstream
        gradient = []
        for (layer, own, x, h, q), more in zip(run.kept[::-1], self._at_last(dh)):
            own_gradient, ds = layer.backward(own, x, h, q * ds + more)
            gradient = [*own_gradient, *gradient]
        gradient[-2] = gradient[-2] + dA
        return self.join(gradient)

    def push(self, run, direction):
        """Directional derivative of `run`. Equation: eq:deep-push"""
        kept, s_push = [], get_xp(run.F).zeros_like(run.kept[0][2])  # Ẋ = 0
        for (layer, own, x, h, q), (V, c) in zip(run.kept, self._pairs(direction)):
            z_push, h_push = layer.push(own, x, h, (V, c), s_push)
            kept.append(((V, c), s_push, z_push, h_push))
            s_push = q * h_push
        return Pass(s_push, kept[-2][3], V, kept)

    def backward_push(self, run, push, upstream, upstream_push):
        """Directional derivative of `backward`. Equation: eq:deep-r-operator"""
        (ds, dh, _), (ds_push, dh_push, dA_push) = upstream, upstream_push
        layers = zip(run.kept[::-1], push.kept[::-1])
        more = zip(self._at_last(dh), self._at_last(dh_push))
        gradient_push = []
        for (one, along), (dh, dh_push) in zip(layers, more):
            (layer, own, x, h, q), (V, x_push, z_push, _) = one, along
            dh, dh_push = q * ds + dh, q * ds_push + dh_push
            own_push, ds_push = layer.backward_push(
                own, x, h, dh, V, x_push, z_push, dh_push
            )
            _, ds = layer.backward(own, x, h, dh)
            gradient_push = [*own_push, *gradient_push]
        gradient_push[-2] = gradient_push[-2] + dA_push
        return self.join(gradient_push)

    def _at_last(self, dh):
        """`dh` at the last hidden layer, 0 at the others, from the outputs down."""
        return [0.0, dh] + [0.0] * (len(self.layers) - 2)
