"""Losses as functions of the outputs F (..., n, o): value, gradient, Hessian product.

All are means over samples, so the gradient carries 1/n.
"""

from refimpl.arrays.backend import get_xp
from refimpl.arrays.checks import as_real, check_finite


class MSE:
    """(1/2n) Σ_i ‖f(x_i) − y_i‖², with the paper's ½ and a sum over outputs.

    Frameworks' MSE has no ½ and averages over outputs: theirs is 2/o times this one.

    Equation: eq:mse
    """

    @staticmethod
    def check_targets(Y, n, outputs):
        """Targets (..., n, o) as a finite array."""
        Y = as_real("Y", Y)
        if Y.ndim < 2 or Y.shape[-2:] != (n, outputs):
            raise ValueError(
                f"Y must have shape (..., {n}, {outputs}): samples of X by outputs of "
                f"the network, got shape {Y.shape}"
            )
        check_finite("Y", Y)
        return Y

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
    """−(1/n) Σ_i Σ_k y_ik log softmax(f(x_i))_k, shifted by the largest output.

    Equation: eq:cross-entropy
    """

    @staticmethod
    def check_targets(Y, n, outputs):
        """Targets (..., n, o): rows that sum to 1, from labels (n,) or such rows."""
        xp = get_xp(Y)
        try:
            labels = xp.asarray(Y)
        except (TypeError, ValueError):
            labels = as_real("Y", Y)
        if labels.ndim == 1 and labels.dtype.kind in "iu" and len(labels) == n:
            if len(labels) and not (0 <= labels.min() and labels.max() < outputs):
                raise ValueError(
                    f"Y must hold labels 0 to {outputs - 1}, got "
                    f"{int(labels.min())} to {int(labels.max())}"
                )
            return (labels[:, None] == xp.arange(outputs)).astype(float)
        Y = as_real("Y", Y)
        if Y.ndim < 2 or Y.shape[-2:] != (n, outputs):
            raise ValueError(
                f"Y must be integer labels ({n},) or probabilities "
                f"(..., {n}, {outputs}), got shape {Y.shape} of {Y.dtype}"
            )
        check_finite("Y", Y)
        if (Y < 0).any() or (abs(Y.sum(axis=-1) - 1) > 1e-6).any():
            raise ValueError(
                "Y must hold probabilities, each row summing to 1, got rows that sum "
                f"to {float(Y.sum(axis=-1).min())} to {float(Y.sum(axis=-1).max())}"
            )
        return Y

    @staticmethod
    def value_and_gradient(F, Y):
        """Loss (...,) and its gradient (..., n, o) with respect to F."""
        xp, n = get_xp(F), F.shape[-2]
        # The largest real part: a constant shift, so complex steps pass through.
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
        SV = S * V
        return (SV - S * SV.sum(axis=-1, keepdims=True)) / F.shape[-2]


LOSSES = {"mse": MSE, "cross_entropy": CrossEntropy}


def get_loss(name):
    """Loss called `name`.

    Raises
    ------
    ValueError
        If there is no such loss.
    """
    try:
        return LOSSES[name]
    except (KeyError, TypeError):
        raise ValueError(
            f"loss must be one of {', '.join(LOSSES)}, got {name!r}"
        ) from None
