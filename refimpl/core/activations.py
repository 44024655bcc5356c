"""Activation functions σ with their first and second derivatives.

The derivatives are functions of the activation h = σ(z), which is all that a forward
pass keeps. ``gain`` scales the standard initialisation (He, LeCun).

Equation: eq:activations
"""

from refimpl.arrays.backend import get_xp


class Identity:
    """σ(z) = z. Odd and analytic."""

    odd, analytic, gain = True, True, 1.0

    @staticmethod
    def value(z):
        return z

    @staticmethod
    def slope(h):  # σ′(z)
        return get_xp(h).ones_like(h)

    @staticmethod
    def curvature(h):  # σ″(z)
        return get_xp(h).zeros_like(h)


class ReLU:
    """σ(z) = max(z, 0). Its first two derivatives at 0 are taken as 0."""

    odd, analytic, gain = False, False, 2.0**0.5

    @staticmethod
    def value(z):
        return get_xp(z).maximum(z, 0)

    @staticmethod
    def slope(h):  # 1 where z > 0, which is where h > 0, else 0
        return (h > 0).astype(h.dtype)

    @staticmethod
    def curvature(h):
        return get_xp(h).zeros_like(h)


class Tanh:
    """σ(z) = tanh z. Odd and analytic."""

    odd, analytic, gain = True, True, 1.0

    @staticmethod
    def value(z):
        return get_xp(z).tanh(z)

    @staticmethod
    def slope(h):  # σ′(z) = 1 − tanh² z
        return 1 - h * h

    @staticmethod
    def curvature(h):  # σ″(z) = −2 tanh z (1 − tanh² z)
        return -2 * h * (1 - h * h)


ACTIVATIONS = {"identity": Identity, "relu": ReLU, "tanh": Tanh}
