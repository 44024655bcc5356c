"""Losses that hold one part of dropout's effect, as objectives to train on.

R_1 is what the noise adds to the loss, R̃_2 what a finite step adds: L1 and L2 add one
of them to R_S, L3 and L4 take one of them away from R_S^drop.
"""

from typing import Any

from refimpl.arrays.types import Array, Factors, PerReplica
from refimpl.core.network import Upstream
from refimpl.core.objective import Differentiable, Objective, OfRisk
from refimpl.core.r1 import R1Penalty
from refimpl.core.r2_tilde import R2Tilde
from refimpl.core.risk import Risk


class _WithPenalty(OfRisk):
    """A risk and a penalty that is made of it."""

    penalty: Any

    @property
    def lead(self) -> tuple[int, ...]:
        """Replica axes of the data and of the penalty's parameter."""
        return self.penalty.lead

    def of_batch(self, batch: Differentiable) -> Any:
        """The same loss of a batch: R_1 is a mean over samples, R̃_2 of their mean
        gradient."""
        part = super().of_batch(batch)
        part.penalty = self.penalty.of_batch(batch)
        return part

    def replicas(self, rows: slice, lead: tuple[int, ...]) -> Any:
        """The same for the entries `rows` of the first of the replica axes `lead`."""
        part = super().replicas(rows, lead)
        part.penalty = self.penalty.replicas(rows, lead)
        return part


class _RiskAndR1(_WithPenalty, Objective):
    """What L1 and L4 share."""

    def __init__(self, risk: Risk, keep: PerReplica) -> None:
        super().__init__(risk)
        self.penalty = R1Penalty(risk, keep)


class L1(_RiskAndR1):
    """R_S + R_1: the mean dropout loss without its noise (the paper's L_1).

    Equation: eq:l1

    Parameters
    ----------
    risk : Risk
        With MSE.
    keep : float, or array of one per replica

    Raises
    ------
    ValueError
        If the loss is not MSE, or keep is outside (0, 1].

    Examples
    --------
    >>> import refimpl
    >>> net = refimpl.TwoLayer(1, 1, activation="identity")
    >>> risk = refimpl.Risk(net, X=[[2.0]], Y=[[0.0]])
    >>> theta = net.pack(W=[[1.0]], b=[0.0], A=[[3.0]])  # f(2) = 3·2
    >>> float(L1(risk, keep=0.5)(theta))  # R_S + R_1, each ½ 6²
    36.0
    """

    def forward(self, theta, q):
        """Forward pass, R_S + R_1 (...), and its `Upstream` derivatives."""
        if any(factor is not None for factor in q):
            raise ValueError("eta must be None: R_S + R_1 has no noise")
        run, risk, (output, *_) = self.risk.forward(theta, q)
        penalty, upstream = self.penalty.of(run)
        return run, risk + penalty, upstream._replace(output=output)

    def upstream_push(self, run, push):
        """Directional derivatives of `forward`'s `Upstream`."""
        output, *_ = self.risk.upstream_push(run, push)
        _, hidden, weights, _ = self.penalty.upstream_push(run, push)
        return Upstream(output, hidden, weights)


class L4(_RiskAndR1):
    """R_S^drop − R_1: the noise of dropout without its mean (the paper's L_4).

    R_1 depends on the activations before the noise, which dropout after the last hidden
    layer leaves as they are: one forward pass serves both terms.

    Equation: eq:l4

    Parameters
    ----------
    risk : Risk
        With MSE.
    keep : float, or array of one per replica
        That of the noise.

    Raises
    ------
    ValueError
        If the loss is not MSE, or keep is outside (0, 1].

    Examples
    --------
    >>> import numpy as np, refimpl
    >>> net = refimpl.TwoLayer(1, 1, activation="identity")
    >>> risk = refimpl.Risk(net, X=[[2.0]], Y=[[0.0]])
    >>> theta = net.pack(W=[[1.0]], b=[0.0], A=[[3.0]])  # f(2) = 3·2
    >>> dropped = np.array([[-1.0]])  # η of the neuron: f = 0
    >>> float(L4(risk, keep=0.5)(theta, dropped))  # 0 − R_1
    -18.0
    """

    def forward(self, theta, q):
        """Forward pass, R_S^drop − R_1 (...), and its `Upstream` derivatives."""
        if any(factor is not None for factor in q[:-1]):
            raise ValueError(
                "eta must be None before the last hidden layer: R_1 is the mean effect "
                "of dropout after that layer only"
            )
        run, risk, (output, *_) = self.risk.forward(theta, q)
        penalty, upstream = self.penalty.of(run)
        weights, energy = -upstream.weights, -upstream.energy
        return run, risk - penalty, Upstream(output, None, weights, energy)

    def upstream_push(self, run, push):
        """Directional derivatives of `forward`'s `Upstream`."""
        output, *_ = self.risk.upstream_push(run, push)
        _, hidden, weights, _ = self.penalty.upstream_push(run, push)
        return Upstream(output, -hidden, -weights)


class _RiskAndR2Tilde(_WithPenalty, Differentiable):
    """What L2 and L3 share. R̃_2 holds ∇R_S^drop, so there is no Hessian product."""

    def __init__(self, risk: Objective, epsilon: PerReplica) -> None:
        super().__init__(risk)
        self.penalty = R2Tilde(risk, epsilon)


class L2(_RiskAndR2Tilde):
    """R_S + R̃_2: the effect of a finite step alone (the paper's L_2).

    The noise η enters R̃_2 only. Without η both terms are those of plain descent.

    Equation: eq:l2

    Parameters
    ----------
    risk : Risk
        Either loss; any layers of dropout.
    epsilon : float, or array of one per replica
        Learning rate.

    Raises
    ------
    ValueError
        If epsilon is negative or not finite.

    Examples
    --------
    >>> import refimpl
    >>> net = refimpl.TwoLayer(1, 1, activation="identity")
    >>> risk = refimpl.Risk(net, X=[[2.0]], Y=[[0.0]])
    >>> theta = net.pack(W=[[1.0]], b=[0.0], A=[[3.0]])  # f(2) = 3·2
    >>> float(L2(risk, epsilon=0.4)(theta))  # ½ 6² + 0.1 · 6² (6² + 3² + 2²)
    194.4
    """

    def value(self, theta: Array, q: Factors) -> Array:
        """R_S + R̃_2 (...)."""
        return self.risk.value(theta, self.net.no_noise) + self.penalty.value(theta, q)

    def value_and_gradient(self, theta: Array, q: Factors) -> tuple[Array, Array]:
        """R_S + R̃_2 (...) and its gradient (..., P)."""
        risk, g = self.risk.value_and_gradient(theta, self.net.no_noise)
        penalty, product = self.penalty.value_and_gradient(theta, q)
        return risk + penalty, g + product


class L3(_RiskAndR2Tilde):
    """R_S^drop − R̃_2: dropout without the effect of a finite step (the paper's L_3).

    One forward pass serves both terms.

    Equation: eq:l3

    Parameters
    ----------
    risk : Risk
        Either loss; any layers of dropout.
    epsilon : float, or array of one per replica
        Learning rate.

    Raises
    ------
    ValueError
        If epsilon is negative or not finite.

    Examples
    --------
    >>> import refimpl
    >>> net = refimpl.TwoLayer(1, 1, activation="identity")
    >>> risk = refimpl.Risk(net, X=[[2.0]], Y=[[0.0]])
    >>> theta = net.pack(W=[[1.0]], b=[0.0], A=[[3.0]])  # f(2) = 3·2
    >>> float(L3(risk, epsilon=0.4)(theta))  # ½ 6² − 0.1 · 6² (6² + 3² + 2²)
    -158.4
    """

    sign = -1

    def value(self, theta: Array, q: Factors) -> Array:
        """R_S^drop ∓ R̃_2 (...)."""
        _, risk, _, _, penalty = self.penalty.forward(theta, q)
        return risk + self.sign * penalty

    def value_and_gradient(self, theta: Array, q: Factors) -> tuple[Array, Array]:
        """R_S^drop ∓ R̃_2 (...) and its gradient (..., P)."""
        run, risk, upstream, g, penalty = self.penalty.forward(theta, q)
        product = self.penalty.hessian_product(run, upstream, g)
        return risk + self.sign * penalty, g + self.sign * product


class FlattenedDropout(L3):
    """R_S^drop + (λ/4) ‖∇R_S^drop‖²: dropout as if at the learning rate λ (Figure 3).

    Trained at a small learning rate, it has the finite-step term of a large one.

    Equation: eq:flattened-dropout

    Parameters
    ----------
    risk : Risk
        Either loss; any layers of dropout.
    epsilon : float, or array of one per replica
        λ.
    """

    sign = 1
