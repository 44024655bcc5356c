"""Activation functions σ with their first and second derivatives.

Each derivative receives the pre-activation ``z`` and the activation ``h = σ(z)`` that
the forward pass kept, so that nothing is computed twice.
"""

from refimpl.backend import get_xp


class Identity:
    """σ(z) = z. Odd and analytic.

    Equation: eq:activations
    """

    odd = True
    analytic = True
    gain = 1.0

    @staticmethod
    def value(z):
        """σ(z)."""
        return z

    @staticmethod
    def slope(z, h):
        """σ′(z) = 1."""
        return get_xp(z).ones_like(z)

    @staticmethod
    def curvature(z, h):
        """σ″(z) = 0."""
        return get_xp(z).zeros_like(z)


class ReLU:
    """σ(z) = max(z, 0). Its first two derivatives at 0 are taken as 0.

    Equation: eq:activations
    """

    odd = False
    analytic = False
    gain = 2.0**0.5

    @staticmethod
    def value(z):
        """σ(z)."""
        return get_xp(z).maximum(z, 0)

    @staticmethod
    def slope(z, h):
        """σ′(z): 1 where z > 0, else 0 (also at z = 0)."""
        return (z > 0).astype(z.dtype)

    @staticmethod
    def curvature(z, h):
        """σ″(z) = 0 (also at z = 0)."""
        return get_xp(z).zeros_like(z)


class Tanh:
    """σ(z) = tanh z. Odd and analytic.

    Equation: eq:activations
    """

    odd = True
    analytic = True
    gain = 1.0

    @staticmethod
    def value(z):
        """σ(z)."""
        return get_xp(z).tanh(z)

    @staticmethod
    def slope(z, h):
        """σ′(z) = 1 − h²."""
        return 1 - h * h

    @staticmethod
    def curvature(z, h):
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
