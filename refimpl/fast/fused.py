"""The elementwise parts of a training step, each of them one kernel on a device.

The networks here are small: on a device a step takes as long as it takes to launch its
kernels, so there should be few. Each function is its own plain formula, which NumPy
computes as it stands and which CuPy compiles, once for each combination of types.

In a formula a number meets an array before it meets another number: of two numbers
alone CuPy takes the product in half precision.
"""

from functools import cache, partial, wraps

from refimpl.arrays.backend import get_xp


def fused(formula):
    """`formula(xp, *arrays)` as a function of the arrays and numbers."""

    @cache
    def kernel(xp):
        compute = partial(formula, xp)
        if xp.__name__ == "numpy":
            return compute
        return xp.fuse(kernel_name=formula.__name__)(compute)

    @wraps(formula)
    def call(*arrays):
        return kernel(get_xp(*arrays))(*arrays)

    return call


@fused
def factors(xp, bits, level, scale):
    """Dropout's factors q: `scale` where random `bits` are at most `level`."""
    return (bits <= level) * scale


@fused
def noisy_slope_of_tanh(xp, h, q, s):
    """q σ′(z) = q − h s, with h = tanh z and s = q h."""
    return q - h * s


@fused
def noisy_slope_of_relu(xp, h, q):
    """q σ′(z), with h = max(z, 0)."""
    return q * (h > 0)


@fused
def gd(xp, theta, gradient, rate):
    """θ ← θ − lr ∇, in place."""
    theta -= gradient * rate


@fused
def adam(xp, theta, first, second, gradient, rate, correction, epsilon, beta1, beta2):
    """Adam's step, in place; see `optimizers.Adam` for what the numbers are."""
    first *= beta1
    first += gradient
    second *= beta2
    second += gradient * gradient
    theta -= first * correction * rate / (xp.sqrt(second) + epsilon)
