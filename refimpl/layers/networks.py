"""A convolutional network and a transformer: chains of layers, as `Deep` is.

Every stage is one hidden layer, after which there may be dropout, each of its numbers a
neuron; a linear layer follows the last, as Lemma 1 asks.
"""

from collections.abc import Sequence

from refimpl.arrays import checks, shapes
from refimpl.arrays.backend import get_xp, transpose
from refimpl.arrays.types import Array, ArrayLike
from refimpl.core.activations import ACTIVATIONS
from refimpl.core.deep import Chain
from refimpl.core.dense import Dense
from refimpl.layers.attention import Attention, Embedding, LayerNorm
from refimpl.layers.composite import Residual, Stage, Tokenwise
from refimpl.layers.conv import Conv
from refimpl.layers.linear import MeanPool, TokenMean

# Numbers in windows and activations of images that go through a step together (`fast`).
CACHED = 2**20


class Layered(Chain):
    """A chain whose hidden layers have neurons somewhere within.

    ``neurons`` holds, for each hidden layer, the number of the array in θ that has a
    row of input weights for each neuron; the array after it their biases.
    """

    @property
    def elements(self) -> int:
        """Numbers that the hidden layers compute of a sample, windows and all."""
        return sum(map(elements, self.layers[:-1]))

    def input_weights(self, theta: ArrayLike, layer: int = 0) -> Array:
        """Input weight (w_j, b_j) of every filter or neuron of hidden layer `layer`."""
        at, parts = self._of(theta, layer)
        W, b = parts[at : at + 2]
        return get_xp(W).concatenate([W, b[..., None]], axis=-1)

    def outgoing_weights(self, theta: ArrayLike, layer: int = 0) -> Array:
        """Weights (..., m, k) with which the next layer sees each filter or neuron."""
        at, parts = self._of(theta, layer)
        W, m = parts[at + 2], self.shapes[at][0]
        W = W.reshape(W.shape[:-1] + (W.shape[-1] // m, m))
        return W.reshape(W.shape[:-3] + (W.shape[-3] * W.shape[-2], m)).swapaxes(-1, -2)

    def _of(self, theta, layer):
        layer = shapes.check_layer(layer, len(self.hidden))
        theta = self.check_theta(theta, finite=False)
        return self.neurons[layer], self.split(theta)


class Convolutional(Layered):
    """Filters of 3×3 and mean pooling of 2×2, again and again; a dense hidden layer.

    Equation: eq:conv

    Parameters
    ----------
    image : (int, int, int)
        (c, h, w): channels, height and width. A row of X is an image in this order,
        c · h · w numbers. Height and width are halved by every entry of `channels`.
    channels : sequence of int
        Filters of each convolution; at least one.
    hidden : int
        Width of the last hidden layer.
    outputs : int
    activation : {"relu", "tanh", "identity"}
    residual : bool
        Whether each convolution is followed by another whose result is added to its
        own, before pooling.

    Raises
    ------
    ValueError
        If a size is no positive integer, or the image cannot be halved that often.

    Examples
    --------
    >>> net = Convolutional(image=(1, 8, 8), channels=(4, 6), hidden=5, outputs=10)
    >>> net.hidden  # 4 filters on 4×4 pixels, 6 filters on 2×2, 5 neurons
    (64, 24, 5)
    """

    kept_as = {"hidden": "width"}

    def __init__(
        self,
        image: Sequence[int],
        channels: Sequence[int],
        hidden: int,
        outputs: int,
        activation: str = "relu",
        residual: bool = False,
    ) -> None:
        checks.check_name("activation", activation, ACTIVATIONS)
        self.residual = checks.check_flag("residual", residual)
        self.image = _sizes("image", image, 3)
        self.channels = _sizes("channels", channels)
        c, h, w = self.image
        halvings = 2 ** len(self.channels)
        if h % halvings or w % halvings:
            raise ValueError(
                f"image must have height and width that {halvings} divides, to be "
                f"pooled once for each of channels {self.channels}, got {self.image}"
            )
        layers, self.neurons, at = [], [], 0
        for filters in self.channels:
            parts = [Conv(h, w, c, filters, activation, first=not layers)]
            if self.residual:
                parts.append(Residual(Conv(h, w, filters, filters, activation)))
            layers.append(Stage(*parts, MeanPool(h, w, filters)))
            self.neurons.append(at)
            at += len(layers[-1].shapes)
            c, h, w = filters, h // 2, w // 2
        hidden = checks.check_integer("hidden", hidden, 1)
        outputs = checks.check_integer("outputs", outputs, 1)
        layers.append(Dense(c * h * w, hidden, activation))
        self.neurons.append(at)
        super().__init__([*layers, Dense(hidden, outputs, "identity")], activation)
        self.block = max(1, CACHED // self.elements)

    def run(self, theta, X, q):
        """Forward pass, on images with their channels last."""
        c, h, w = self.image
        images = transpose(X.reshape(X.shape[:-1] + (c, h * w)))
        return super().run(theta, images.reshape(X.shape), q)


class Transformer(Layered):
    """Tokens embedded, blocks of attention and of a two-layer network, their mean.

    Each is applied to the normalised tokens and added to them. The last hidden layer
    is dense, on the mean over tokens.

    Equation: eq:attention

    Parameters
    ----------
    tokens, features : int
        A row of X is `tokens` tokens of `features` numbers, one after the other.
    width : int
        Numbers of a token within, and neurons of the last hidden layer.
    heads : int
        Divides `width`.
    blocks, outputs : int
    activation : {"relu", "tanh", "identity"}

    Raises
    ------
    ValueError
        If a size is no positive integer, or `heads` does not divide `width`.

    Examples
    --------
    >>> net = Transformer(tokens=8, features=8, width=6, heads=2, blocks=1, outputs=10)
    >>> net.hidden  # 8 tokens of 6 numbers, 6 neurons
    (48, 6)
    """

    def __init__(
        self,
        tokens: int,
        features: int,
        width: int,
        heads: int,
        blocks: int,
        outputs: int,
        activation: str = "relu",
    ) -> None:
        checks.check_name("activation", activation, ACTIVATIONS)
        tokens, features = (
            checks.check_integer(name, size, 1)
            for name, size in (("tokens", tokens), ("features", features))
        )
        width = checks.check_integer("width", width, 1)
        heads = checks.check_integer("heads", heads, 1)
        blocks = checks.check_integer("blocks", blocks, 1)
        outputs = checks.check_integer("outputs", outputs, 1)
        if width % heads:
            raise ValueError(f"heads must divide width {width}, got {heads}")
        self.tokens, self.features = tokens, features
        self.heads, self.blocks = heads, blocks
        layers, self.neurons, at = [], [], 0
        for block in range(blocks):
            first = Embedding(tokens, features, width)
            parts = [
                Residual(
                    Tokenwise(tokens, LayerNorm(width)),
                    Attention(tokens, width, heads),
                ),
                Residual(
                    Tokenwise(tokens, LayerNorm(width)),
                    Tokenwise(tokens, Dense(width, 2 * width, activation)),
                    Tokenwise(tokens, Dense(2 * width, width, "identity")),
                ),
            ]
            layers.append(Stage(*parts) if block else Stage(first, *parts))
            at += len(layers[-1].shapes)
            self.neurons.append(at - 4)  # the two-layer network comes last
        layers.append(
            Stage(
                Tokenwise(tokens, LayerNorm(width)),
                TokenMean(tokens, width),
                Dense(width, width, activation),
            )
        )
        self.neurons.append(at + 2)
        super().__init__([*layers, Dense(width, outputs, "identity")], activation)


def elements(layer):
    """Numbers that a layer computes of a sample, those within it too."""
    if hasattr(layer, "layers"):
        return sum(map(elements, layer.layers))
    if hasattr(layer, "layer"):
        return layer.tokens * elements(layer.layer)
    return getattr(layer, "elements", layer.width)


def _sizes(name, values, count=None):
    """`values` as a tuple of positive int, `count` of them if given."""
    try:
        sizes = tuple(values)
    except TypeError:
        sizes = ()
    if not sizes or isinstance(values, str) or count and len(sizes) != count:
        allowed = f"{count} positive integers" if count else "positive integers"
        raise ValueError(f"{name} must be {allowed}, got {values!r}")
    return tuple(checks.check_integer(name, one, 1) for one in sizes)
