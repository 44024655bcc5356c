"""The L-layer network of the paper: forward, backward and R-operator by hand.

Layer l of the code is layer l + 1 of the paper: ``layers[0]`` is (W^[1], b^[1]).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from refimpl.arrays.backend import get_xp, matmul, transpose
from refimpl.arrays.checks import check_std, check_width
from refimpl.arrays.types import Array, ArrayLike, Generators
from refimpl.core.network import Network, contiguous_views, masked, noisy


class Pass(NamedTuple):
    """What one forward pass computed; a list has one entry per hidden layer."""

    layers: Any  # [(W, b)], one per layer
    q: Any  # noise factor 1 + η of each hidden layer, or None
    h: Any  # [(..., n, m_l)] activations f^[l], before noise
    s: Any  # [X, (..., n, m_l), ...] what each layer receives
    output: Any  # (..., n, o)

    @property
    def hidden(self):
        """Activations of the last hidden layer, before noise (..., n, m)."""
        return self.h[-1]

    @property
    def A(self):
        """Output weights W^[L] (..., o, m)."""
        return self.layers[-1][0]

    @property
    def q_last(self):
        """Noise factor of the last hidden layer."""
        return self.q[-1]


class Push(NamedTuple):
    """Directional derivatives of a `Pass` along a direction in parameter space."""

    layers: Any  # the direction itself, [(V, c)]
    z: Any
    h: Any
    s: Any
    output: Any

    @property
    def hidden(self):
        """Derivative of the last hidden layer's activations (..., n, m)."""
        return self.h[-1]

    @property
    def A(self):
        """Direction of the output weights (..., o, m)."""
        return self.layers[-1][0]


class Deep(Network):
    """f^[l] = σ(W^[l] f^[l−1] + b^[l]), f^[L] = W^[L] f^[L−1] + b^[L].

    Equation: eq:deep

    Parameters
    ----------
    widths : sequence of int
        (m_0, ..., m_L): inputs, hidden widths, outputs; at least one hidden layer.
    activation : {"relu", "tanh", "identity"}

    Raises
    ------
    ValueError
        If there is no hidden layer, a width is not a positive integer, or the
        activation is unknown.

    Examples
    --------
    >>> net = Deep((2, 5, 4, 3))
    >>> net.size
    54
    """

    def __init__(self, widths: Sequence[int], activation: str = "relu") -> None:
        try:
            sizes = tuple(widths)
        except TypeError:
            sizes = ()
        if len(sizes) < 3:
            raise ValueError(
                "widths must have at least three entries (inputs, hidden, outputs), "
                f"got {widths}"
            )
        self.widths = tuple(check_width("widths", m) for m in sizes)
        shapes = []
        for fan_in, m in zip(self.widths, self.widths[1:]):
            shapes += [(m, fan_in), (m,)]
        super().__init__(
            self.widths[0], self.widths[1:-1], self.widths[-1], activation, shapes
        )

    def pack(self, layers: Sequence[tuple[ArrayLike, ArrayLike]]) -> Array:
        """θ (..., P) from [(W, b)], W (..., m_l, m_{l−1}) and b (..., m_l)."""
        try:
            arrays = [array for layer in layers for array in layer]
        except TypeError:
            raise ValueError(
                f"layers must be pairs (W, b), one per layer, got {layers!r}"
            ) from None
        return self.join(arrays)

    def unpack(self, theta: ArrayLike) -> list[tuple[Array, Array]]:
        """[(W, b)] of every layer: views of `theta`."""
        return self._layers(self.check_theta(theta, finite=False))

    def init(
        self, rng: Generators, std: float | Sequence[float] | None = None
    ) -> Array:
        """Random parameters.

        Parameters
        ----------
        rng : Generator, or sequence of R generators
            A sequence gives one network from each.
        std : float or sequence of float, optional
            Standard deviation of every weight and bias, or one per layer. Without it:
            weights N(0, gain²/fan-in), gain² = 2 for ReLU (He) and 1 otherwise
            (LeCun), also 1 for the linear output layer; biases 0.

        Returns
        -------
        theta : (P,) or (R, P)
        """
        if std is not None:
            stds = check_std(std, layers=len(self.shapes) // 2)
            return self.draw_init(rng, [s for s in stds for _ in ("W", "b")])
        stds = []
        for fan_in in self.widths[:-1]:
            stds += [self.activation.gain * fan_in**-0.5, 0.0]
        stds[-2] = self.widths[-2] ** -0.5
        return self.draw_init(rng, stds)

    def split(self, theta):
        """[W, b, W, b, ...] as views of `theta`."""
        return contiguous_views(theta, self.shapes)

    def input_weights(self, theta: ArrayLike, layer: int = 0) -> Array:
        """Input weight (w_j, b_j) of every neuron of hidden layer `layer` (from 0)."""
        W, b = self.unpack(theta)[self.check_layer(layer)]
        return get_xp(theta).concatenate([W, b[..., None]], axis=-1)

    def outgoing_weights(self, theta: ArrayLike, layer: int = 0) -> Array:
        """Weights that leave every neuron of hidden layer `layer`: (..., m, m')."""
        return transpose(self.unpack(theta)[self.check_layer(layer) + 1][0])

    def run(self, theta, X, q=None):
        """Forward pass, kept for `backward`. Arguments are not checked.

        Equation: eq:deep
        """
        layers = self._layers(theta)
        qs = self.no_noise if q is None else q
        hs, ss = [], [X]
        for (W, b), q in zip(layers, qs):
            z = matmul(ss[-1], transpose(W))
            z += b[..., None, :]
            hs.append(self.activation.value(z))
            ss.append(noisy(hs[-1], q))
        W, b = layers[-1]
        F = matmul(ss[-1], transpose(W)) + b[..., None, :]
        return Pass(layers, qs, hs, ss, F)

    def backward(self, run, upstream, last=False):
        """Gradient (..., P) of a scalar whose derivatives are `upstream`.

        Equation: eq:deep-backward
        """
        dh = self.to_hidden(run, upstream)
        gradient = None
        for layer in reversed(range(len(self.hidden))):
            dz = dh
            dz *= self.activation.slope(run.h[layer])
            if gradient is None:
                gradient = self.empty_gradient(dz)
                arrays = self.split(gradient)
            dW, db = arrays[2 * layer : 2 * layer + 2]
            matmul(transpose(dz), run.s[layer], out=dW)
            dz.sum(axis=-2, out=db)
            if layer > 0:
                dh = masked(matmul(dz, run.layers[layer][0]), run.q[layer - 1])
        dW, db = arrays[-2:]
        if upstream.output is None:
            dW[...] = 0
            db[...] = 0
        else:
            matmul(transpose(upstream.output), run.s[-1], out=dW)
            db[...] = upstream.output.sum(axis=-2)
        if upstream.weights is not None:
            dW += upstream.weights
        return gradient

    def push(self, run, direction):
        """Directional derivative of the forward pass along `direction` (..., P).

        Equation: eq:deep-push
        """
        layers = self._layers(direction)
        zs, hs, ss = [], [], [None]
        for layer, (V, c) in enumerate(layers[:-1]):
            z = matmul(run.s[layer], transpose(V)) + c[..., None, :]
            if layer > 0:
                z = z + matmul(ss[-1], transpose(run.layers[layer][0]))
            h = self.activation.slope(run.h[layer]) * z
            zs.append(z)
            hs.append(h)
            ss.append(noisy(h, run.q[layer]))
        V, c = layers[-1]
        F = matmul(run.s[-1], transpose(V)) + c[..., None, :]
        F = F + matmul(ss[-1], transpose(run.A))
        return Push(layers, zs, hs, ss, F)

    def backward_push(self, run, push, upstream, upstream_push):
        """Directional derivative of `backward`: the R-operator's second half.

        `upstream_push` holds the directional derivatives of `upstream`.

        Equation: eq:deep-r-operator
        """
        dF, dF_push = upstream.output, upstream_push.output
        dh_push = self.to_hidden(run, upstream_push)
        if dF is not None:
            dh_push = dh_push + masked(matmul(dF, push.A), run.q_last)
        dh = self.to_hidden(run, upstream)
        gradient = None
        for layer in reversed(range(len(self.hidden))):
            slope = self.activation.slope(run.h[layer])
            curvature = self.activation.curvature(run.h[layer])
            dz = dh * slope
            dz_push = dh_push * slope + dh * curvature * push.z[layer]
            if gradient is None:
                gradient = self.empty_gradient(dz_push)
                arrays = self.split(gradient)
            dW, db = arrays[2 * layer : 2 * layer + 2]
            matmul(transpose(dz_push), run.s[layer], out=dW)
            dz_push.sum(axis=-2, out=db)
            if layer > 0:
                dW += matmul(transpose(dz), push.s[layer])
                W, V = run.layers[layer][0], push.layers[layer][0]
                q = run.q[layer - 1]
                dh = masked(matmul(dz, W), q)
                dh_push = masked(matmul(dz_push, W) + matmul(dz, V), q)
        dW, db = arrays[-2:]
        dW[...] = 0
        db[...] = 0
        if dF is not None:
            dW += matmul(transpose(dF_push), run.s[-1])
            dW += matmul(transpose(dF), push.s[-1])
            db += dF_push.sum(axis=-2)
        if upstream.weights is not None:
            dW += upstream_push.weights
        return gradient

    def _layers(self, theta):
        arrays = self.split(theta)
        return list(zip(arrays[::2], arrays[1::2]))
