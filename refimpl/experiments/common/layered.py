"""Networks that see pictures as such: filters on pixels, or rows as tokens."""

from refimpl import Convolutional, Risk, Transformer
from refimpl.data import one_hot

CHANNELS = {64: 1, 784: 1, 3072: 3}  # of the digits, MNIST, CIFAR-10, by pixels


def image(data):
    """Channels, height and width of square pictures, as a row of X has them."""
    pixels = data.X.shape[-1]
    side = round((pixels / CHANNELS[pixels]) ** 0.5)
    return CHANNELS[pixels], side, side


def by_rows(X, image):
    """Pictures (n, c · h · w) as tokens, one a row of pixels: (n, h · c · w)."""
    return X.reshape(len(X), *image).swapaxes(1, 2).reshape(X.shape)


def convolutional(config, data, residual=False):
    """Risk of a network of ``config.channels`` and ``config.hidden``: MSE against
    one-hot labels, for which R_1 is exact."""
    sizes = image(data), config.channels, config.hidden, 10
    net = Convolutional(*sizes, residual=residual)
    return Risk(net, data.X, one_hot(data.labels))


def transformer(config, data):
    """Risk of a network of ``config.width``, ``heads`` and ``blocks``, as of
    `convolutional`, and the pictures by rows, one a token."""
    c, h, w = shape = image(data)
    data = data._replace(X=by_rows(data.X, shape), X_test=by_rows(data.X_test, shape))
    net = Transformer(h, c * w, config.width, config.heads, config.blocks, 10)
    return Risk(net, data.X, one_hot(data.labels)), data
