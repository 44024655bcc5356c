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
        """Tᵀ of the derivative of δh, and of δh."""
        return (), self.transpose(dh_push), self.transpose(dh)


class MeanPool(Linear):
    """Means of squares of side 2 of an image (h, w, c), each channel alone."""

    def __init__(self, h, w, c):
        self.halves = h // 2, w // 2, c
        self.inputs, self.width = h * w * c, h * w * c // 4

    def apply(self, x):
        h, w, c = self.halves
        lines = x.reshape(x.shape[:-1] + (h, 2, 2 * w * c))
        # A line to the next first: long ones add faster than the few channels.
        pairs = (lines[..., 0, :] + lines[..., 1, :]).reshape(
            x.shape[:-1] + (h, w, 2, c)
        )
        total = pairs[..., 0, :] + pairs[..., 1, :]
        return (total * 0.25).reshape(x.shape[:-1] + (self.width,))

    def transpose(self, dh):
        share = (dh * 0.25).reshape(dh.shape[:-1] + self.halves)
        spread = share.repeat(2, axis=-2).repeat(2, axis=-3)
        return spread.reshape(dh.shape[:-1] + (self.inputs,))


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
