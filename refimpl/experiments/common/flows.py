"""The mean iterate of dropout, sampled, and the flows it is compared with (Eq. 6)."""

import numpy as np

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


def sampled_mean(risk, theta, drop, epsilon, time, count, rng):
    """Mean of θ at a time of `count` runs, and the norm of its standard error.

    Control variate: beside each run θ goes the linearisation δ about the noise-free
    path φ with the same masks, δ ← δ − ε(H^drop(φ) δ + ∇R_S^drop(φ) − ∇F(φ)). Its mean
    is exactly 0, as masks of different steps are independent, and θ − δ varies tens of
    times less than θ.
    """
    F, net, phi = L1(risk, drop.keep), risk.net, theta
    runs = np.repeat(theta[None], count, axis=0)
    delta = np.zeros_like(runs)
    for _ in range(round(time / epsilon)):
        q = drop.factors(net, risk.n, rng, count)
        mean_gradient, at_phi = F.gradient(phi), risk.run(phi, q)
        upstream, push = risk.of(at_phi)[1], net.push(at_phi, delta)
        change = net.backward_push(at_phi, push, upstream, risk.push_of(at_phi, push))
        change += net.backward(at_phi, upstream) - mean_gradient
        delta -= epsilon * change
        runs -= epsilon * risk.value_and_gradient(runs, q)[1]
        phi = phi - epsilon * mean_gradient
    values = runs - delta
    error = values.std(axis=0, ddof=1) / count**0.5
    return values.mean(axis=0), np.linalg.norm(error)
