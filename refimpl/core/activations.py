"""Activation functions σ with their first and second derivatives.

The derivatives are functions of the activation ``h = σ(z)``, so the forward pass keeps
h alone, and may put it where z was.
"""

from refimpl.arrays.backend import get_xp, multiply, on_device
from refimpl.fast import fused


class Identity:
    """σ(z) = z. Odd and analytic.

    Equation: eq:activations
    """

    odd = True
    analytic = True
    gain = 1.0

    @staticmethod
    def value(z):
        """σ(z), in the place of z."""
        return z

    @staticmethod
    def slope(h):
        """σ′(z) = 1."""
        return get_xp(h).ones_like(h)

    @staticmethod
    def noisy_slope(h, q, s, out=None):
        """q σ′(z), with the dropped-out activation s = q h; `out` may be s."""
        return multiply(q, Identity.slope(h), out)

    @staticmethod
    def curvature(h):
        """σ″(z) = 0."""
        return get_xp(h).zeros_like(h)


class ReLU:
    """σ(z) = max(z, 0). Its first two derivatives at 0 are taken as 0.

    Equation: eq:activations
    """

    odd = False
    analytic = False
    gain = 2.0**0.5

    @staticmethod
    def value(z):
        """σ(z), in the place of z."""
        return get_xp(z).maximum(z, 0, out=z)

    @staticmethod
    def slope(h):
        """σ′(z): 1 where z > 0, which is where h > 0, else 0."""
        return (h > 0).astype(h.dtype)

    @staticmethod
    def noisy_slope(h, q, s, out=None):
        """q σ′(z), with the dropped-out activation s = q h; `out` may be s."""
        if on_device(h):
            return fused.noisy_slope_of_relu(h, q)
        return multiply(q, ReLU.slope(h), out)

    @staticmethod
    def curvature(h):
        """σ″(z) = 0 (also at z = 0)."""
        return get_xp(h).zeros_like(h)


class Tanh:
    """σ(z) = tanh z. Odd and analytic.

    Equation: eq:activations
    """

    odd = True
    analytic = True
    gain = 1.0

    @staticmethod
    def value(z):
        """σ(z), in the place of z."""
        return get_xp(z).tanh(z, out=z)

    @staticmethod
    def slope(h):
        """σ′(z) = 1 − h²."""
        slope = multiply(h, h)
        return get_xp(h).subtract(1, slope, out=slope)

    @staticmethod
    def noisy_slope(h, q, s, out=None):
        """q σ′(z) = q − h s, with the dropped-out activation s = q h; out may be s."""
        if on_device(h):
            return fused.noisy_slope_of_tanh(h, q, s)
        slope = multiply(h, s, out)
        return get_xp(h).subtract(q, slope, out=slope)

    @staticmethod
    def curvature(h):
        """σ″(z) = −2 h (1 − h²)."""
        return -2 * h * (1 - h * h)


ACTIVATIONS = {"identity": Identity, "relu": ReLU, "tanh": Tanh}


def get_activation(name):
    """Activation called `name`.

    Raises
    ------
    ValueError
        If there is no such activation.
    """
    try:
        return ACTIVATIONS[name]
    except (KeyError, TypeError):
        raise ValueError(
            f"activation must be one of {', '.join(ACTIVATIONS)}, got {name!r}"
        ) from None
