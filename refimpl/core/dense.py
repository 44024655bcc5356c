"""One layer of a deep network, h = σ(W x + b), with its four passes by hand."""

from refimpl.arrays.backend import transpose
from refimpl.arrays.checks import check_name
from refimpl.core.activations import ACTIVATIONS


class Dense:
    """A layer of `width` neurons, each of which sees all `inputs`.

    The parameters are (W, b), W (..., width, inputs) and b (..., width).

    Equation: eq:deep
    """

    def __init__(self, inputs, width, activation):
        self.inputs, self.width = inputs, width
        self.shapes = ((width, inputs), (width,))
        self.activation = check_name("activation", activation, ACTIVATIONS)

    def run(self, parameters, x):
        """h (..., n, width) of x (..., n, inputs), and what the other passes need."""
        W, b = parameters
        h = self.activation.value(x @ transpose(W) + b[..., None, :])
        return h, h

    def backward(self, parameters, x, h, dh):
        """Derivatives for (W, b) and x, given that for h. Equation: eq:deep-backward"""
        W, _ = parameters
        dz = dh * self.activation.slope(h)  # δz = δh σ′(z)
        return (transpose(dz) @ x, dz.sum(axis=-2)), dz @ W

    def push(self, parameters, x, h, parameters_push, x_push):
        """ż and ḣ, given Ẇ, ḃ and ẋ. Equation: eq:deep-push"""
        (W, _), (V, c) = parameters, parameters_push
        z_push = x @ transpose(V) + c[..., None, :] + x_push @ transpose(W)
        return z_push, self.activation.slope(h) * z_push

    def backward_push(
        self, parameters, x, h, dh, parameters_push, x_push, z_push, dh_push
    ):
        """Derivatives of `backward` along it, and δx. Equation: eq:deep-r-operator"""
        (W, _), (V, _) = parameters, parameters_push
        slope, curvature = self.activation.slope(h), self.activation.curvature(h)
        dz = dh * slope
        dz_push = dh_push * slope + dh * curvature * z_push
        dW_push = transpose(dz_push) @ x + transpose(dz) @ x_push
        return (dW_push, dz_push.sum(axis=-2)), dz_push @ W + dz @ V, dz @ W
