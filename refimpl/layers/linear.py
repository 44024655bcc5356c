"""Layers without parameters, linear in x: one function and its transpose."""

from refimpl.arrays.backend import get_xp


class Linear:
    """h = T(x): the R-operator of a linear map is the map.

    A subclass supplies ``apply`` and ``transpose``. Equation: eq:linear-layers
    """

    shapes = ()

    def run(self, parameters, x):
        """T(x); the other passes need nothing."""
        return self.apply(x), None

    def backward(self, parameters, x, memory, dh):
        """Tᵀ(δh), no parameters."""
        return (), self.transpose(dh)

    def push(self, parameters, x, memory, parameters_push, x_push):
        """T(ẋ)."""
        return None, self.apply(x_push)

    def backward_push(
        self, parameters, x, memory, dh, parameters_push, x_push, z_push, dh_push
    ):
        """Tᵀ of the derivative of δh."""
        return (), self.transpose(dh_push)


class ChannelsLast(Linear):
    """Images (c, h, w), as data sets store them, to (h, w, c)."""

    def __init__(self, image):
        self.c, self.h, self.w = image
        self.inputs = self.width = self.c * self.h * self.w

    def apply(self, x):
        images = x.reshape(x.shape[:-1] + (self.c, self.h * self.w))
        return images.swapaxes(-1, -2).reshape(x.shape)

    def transpose(self, dh):
        images = dh.reshape(dh.shape[:-1] + (self.h * self.w, self.c))
        return images.swapaxes(-1, -2).reshape(dh.shape)


class MeanPool(Linear):
    """Means of squares of side 2 of an image (h, w, c), each channel alone."""

    side = 2

    def __init__(self, h, w, c):
        self.halves = h // self.side, w // self.side, c
        self.inputs, self.width = h * w * c, h * w * c // self.side**2

    def apply(self, x):
        h, w, c = self.halves
        squares = x.reshape(x.shape[:-1] + (h, self.side, w, self.side, c))
        # Four views added: a mean over two axes goes through memory in small steps.
        corners = [(i, j) for i in range(self.side) for j in range(self.side)]
        total = sum(squares[..., i, :, j, :] for i, j in corners)
        return (total / self.side**2).reshape(x.shape[:-1] + (self.width,))

    def transpose(self, dh):
        h, w, c = self.halves
        lead, side = dh.shape[:-1], self.side
        share = (dh / side**2).reshape(lead + (h, 1, w, 1, c))
        spread = get_xp(dh).broadcast_to(share, lead + (h, side, w, side, c))
        return spread.reshape(lead + (self.inputs,))


class TokenMean(Linear):
    """The mean over tokens: (..., n, tokens · width) to (..., n, width)."""

    def __init__(self, tokens, width):
        self.tokens, self.inputs, self.width = tokens, tokens * width, width

    def apply(self, x):
        return x.reshape(x.shape[:-1] + (self.tokens, self.width)).mean(axis=-2)

    def transpose(self, dh):
        lead = dh.shape[:-1]
        each = get_xp(dh).broadcast_to(
            (dh / self.tokens)[..., None, :], lead + (self.tokens, self.width)
        )
        return each.reshape(lead + (self.inputs,))
