"""What a network is: θ as one vector, a forward pass, and three passes made of it.

A scalar objective of this project depends on the network through three quantities: the
outputs F, the activations h of the last hidden layer (before noise) and the output
weights A. A network supplies, by hand (`two_layer`, `deep`),

``run(theta, X, q)``           forward pass: F, h, A
``backward(run, upstream)``    gradient of a scalar, given its derivatives for F, h, A
``push(run, direction)``       directional derivative of the forward pass
``backward_push(...)``         directional derivative of the backward pass (R-operator)

They take the noise as factors q = 1 + η, one entry per hidden layer, 1.0 for no noise.
Their arguments are not checked.
"""

import math
from typing import Any, NamedTuple

from refimpl.arrays import flat, shapes, show
from refimpl.arrays.backend import get_xp, like, transpose
from refimpl.arrays.checks import check_kind, check_name
from refimpl.arrays.types import Array, ArrayLike, Factors, Generators, Noise, Std
from refimpl.core.activations import ACTIVATIONS


class Pass(NamedTuple):
    """What a forward pass computed; or, of `push`, its directional derivatives."""

    F: Any  # (..., n, o) outputs
    h: Any  # (..., n, m) activations of the last hidden layer, before noise
    A: Any  # (..., o, m) output weights
    kept: Any  # what the network's other passes need besides


class Upstream(NamedTuple):
    """Derivatives of a scalar with respect to F, h and A."""

    dF: Any  # (..., n, o)
    dh: Any = 0.0  # (..., n, m)
    dA: Any = 0.0  # (..., o, m)


class Network(show.Shown):
    """Base of `TwoLayer` and of chains of layers.

    ``inputs`` and ``outputs`` are d and d', ``hidden`` the widths of the hidden layers,
    ``width`` the last, ``size`` the number of parameters P, and ``shapes`` those of the
    parameter arrays in θ: W and b of every layer in turn.
    """

    def __init__(self, inputs, hidden, outputs, activation, shapes):
        self.inputs, self.hidden, self.outputs = inputs, hidden, outputs
        self.width = hidden[-1]
        self.activation = check_name("activation", activation, ACTIVATIONS)
        self.shapes = tuple(shapes)
        self.size = sum(math.prod(shape) for shape in self.shapes)

    def forward(self, theta: ArrayLike, X: ArrayLike, eta: Noise = None) -> Array:
        """Outputs F (..., n, o) for θ (..., P) and X (..., n, d), both finite.

        Dropout noise η is (..., 1, m) shared by all samples or (..., n, m) per sample;
        a tuple has one entry per hidden layer, ``None`` for none.
        """
        theta, X = self.check_theta(theta), shapes.check_inputs(X, self.inputs)
        q = shapes.check_noise(eta, theta, X.shape[-2], self.hidden)
        shapes.broadcast_lead("theta, X and eta", *shapes.leads(theta, q), X.shape[:-2])
        return self.run(theta, like(X, theta), q).F

    def init(self, rng: Generators, std: Std = None) -> Array:
        """Random θ (P,); of a sequence of R generators (R, P), one network from each.

        `std` is that of every weight and bias, or one per layer. Without it weights are
        N(0, gain²/fan-in), gain² = 2 for ReLU (He) and 1 otherwise (LeCun), also 1 for
        the linear output layer, and biases 0.
        """
        stds = flat.standard_stds(self.shapes, std, self.activation.gain)
        return flat.gaussian(rng, stds, self.shapes)

    def input_weights(self, theta: ArrayLike, layer: int = 0) -> Array:
        """Input weight (w_j, b_j) of every neuron of hidden layer `layer` (from 0)."""
        layer = shapes.check_layer(layer, len(self.hidden))
        W, b = self.split(self.check_theta(theta, finite=False))[2 * layer :][:2]
        return get_xp(W).concatenate([W, b[..., None]], axis=-1)

    def outgoing_weights(self, theta: ArrayLike, layer: int = 0) -> Array:
        """Weights that leave every neuron of hidden layer `layer`: (..., m, m')."""
        layer = shapes.check_layer(layer, len(self.hidden))
        parts = self.split(self.check_theta(theta, finite=False))
        return transpose(parts[2 * layer + 2])

    def activations(self, run: Pass) -> list[Array]:
        """Activations of every hidden layer of a forward pass, before noise."""
        return [run.h]

    @property
    def no_noise(self) -> Factors:
        """The noise factors of a network without dropout."""
        return (1.0,) * len(self.hidden)

    def split(self, theta):
        """Views of `theta` (..., P), one per parameter array."""
        return flat.split(theta, self.shapes)

    def join(self, arrays):
        """θ (..., P) from the parameter arrays."""
        return flat.join(arrays, self.shapes)

    def check_theta(self, theta, name="theta", finite=True):
        """`theta` as an array, its last axis checked to be P and its values finite."""
        return shapes.check_parameters(name, theta, self.size, finite)


def check_net(net):
    """`net`, checked to be a network."""
    return check_kind("net", net, Network, "a network, TwoLayer or Deep")
