"""The flows that the mean iterate of dropout is compared with (Eq. 6)."""

from refimpl import L1, R2_gradient
from refimpl.core.r2_tilde import R2Tilde

FLOWS = ("R_S", "R_S + R_1", "R_S + R_1 + (ε/4)‖∇(R_S + R_1)‖²", "R_S + R_1 + R_2")


def drifts(risk, drop, epsilon):
    """Gradients of the losses named in `FLOWS`, each a function of θ."""
    F = L1(risk, drop.keep)
    step = R2Tilde(F, epsilon)
    return (
        risk.gradient,
        F.gradient,
        lambda theta: F.gradient(theta) + step.gradient(theta),
        lambda theta: F.gradient(theta) + R2_gradient(risk, theta, drop, epsilon),
    )
