"""Losses as means over samples of the outputs F (..., n, o), with derivatives."""

from refimpl.arrays.backend import get_xp
from refimpl.arrays.shapes import check_distributions, check_targets


class MSE:
    """(1/2n) Σ_i ‖f(x_i) − y_i‖², with the paper's ½ and a sum over outputs.

    Frameworks' MSE has no ½ and averages over outputs: theirs is 2/o times this one.
    Equation: eq:mse
    """

    check_targets = staticmethod(check_targets)

    @staticmethod
    def value_and_gradient(F, Y):
        """Loss (...,) and its gradient (..., n, o) with respect to F."""
        n, D = F.shape[-2], F - Y
        return (D * D).sum(axis=(-2, -1)) * (0.5 / n), D / n

    @staticmethod
    def hvp(F, Y, V):
        """Hessian with respect to F, times V (..., n, o)."""
        return V / F.shape[-2]


class CrossEntropy:
    """−(1/n) Σ_i Σ_k y_ik log softmax(f(x_i))_k. Equation: eq:cross-entropy"""

    check_targets = staticmethod(check_distributions)

    @staticmethod
    def value_and_gradient(F, Y):
        """Loss (...,) and its gradient (..., n, o) with respect to F."""
        xp, n = get_xp(F), F.shape[-2]
        # Shifted by the largest real part, so that complex steps pass through.
        F = F - F.real.max(axis=-1, keepdims=True)
        E = xp.exp(F)
        Z = E.sum(axis=-1, keepdims=True)
        value = (xp.log(Z[..., 0]) - (Y * F).sum(axis=-1)).sum(axis=-1) / n
        return value, (E / Z - Y) / n

    @staticmethod
    def hvp(F, Y, V):
        """Hessian with respect to F, times V: (diag s − s sᵀ) v / n per sample."""
        E = get_xp(F).exp(F - F.real.max(axis=-1, keepdims=True))
        S = E / E.sum(axis=-1, keepdims=True)
        # Twice: s·v is a constant, which it does not see, and where s is nearly 1 the
        # difference is rounding; after it v is 0 there, and nothing cancels.
        V = V - (S * V).sum(axis=-1, keepdims=True)
        return S * (V - (S * V).sum(axis=-1, keepdims=True)) / F.shape[-2]


LOSSES = {"mse": MSE, "cross_entropy": CrossEntropy}
