"""Losses that hold one part of dropout's effect, as objectives to train on.

R_1 is what the noise adds to the loss, R̃_2 what a finite step adds: L1 and L2 add one
of them to R_S, L3 and L4 take one of them away from R_S^drop.
"""

from collections.abc import Callable

from refimpl.arrays.types import Array, Factors, PerReplica
from refimpl.core.objective import Differentiable, OfRisk
from refimpl.core.r1 import R1Penalty
from refimpl.core.r2_tilde import R2Tilde
from refimpl.core.risk import Risk


class Sum(OfRisk, Differentiable):
    """F ± G of two objectives `risk` and `penalty` of the same network and data.

    `noise` says whether F, and whether G sees the noise η; neither: none may be given.
    """

    def __init__(
        self, risk: Differentiable, sign: int, penalty: Differentiable, noise: tuple
    ) -> None:
        self.risk, self.sign, self.penalty, self.noise = risk, sign, penalty, noise
        self.noisy = any(noise)

    def _seen(self, q):
        """The factors that F sees, and those that G sees."""
        return [q if sees else self.net.no_noise for sees in self.noise]

    def value(self, theta: Array, q: Factors) -> Array:
        """F ± G (...)."""
        q_F, q_G = self._seen(q)
        return self.risk.value(theta, q_F) + self.sign * self.penalty.value(theta, q_G)

    def value_and_gradient(self, theta: Array, q: Factors) -> tuple[Array, Array]:
        """F ± G (...) and its gradient (..., P)."""
        q_F, q_G = self._seen(q)
        value, gradient = self.risk.value_and_gradient(theta, q_F)
        extra, extra_gradient = self.penalty.value_and_gradient(theta, q_G)
        return value + self.sign * extra, gradient + self.sign * extra_gradient

    def product(self, theta: Array, q: Factors) -> Callable[[Array], Array]:
        """Function v ↦ ∇²F(θ) v ± ∇²G(θ) v."""
        q_F, q_G = self._seen(q)
        of_F, of_G = self.risk.product(theta, q_F), self.penalty.product(theta, q_G)
        return lambda v: of_F(v) + self.sign * of_G(v)


class L1(Sum):
    """R_S + R_1: the mean dropout loss without its noise (the paper's L_1).

    Arguments are those of `R1`. Equation: eq:l1

    Examples
    --------
    >>> from refimpl.data.example import risk, theta
    >>> float(L1(risk, keep=0.5)(theta))  # R_S + R_1, each ½ 6²
    36.0
    """

    def __init__(self, risk: Risk, keep: PerReplica) -> None:
        super().__init__(risk, +1, R1Penalty(risk, keep), (False, False))


class L2(Sum):
    """R_S + R̃_2: the effect of a finite step alone (the paper's L_2).

    ε is the learning rate, or one per replica; η enters R̃_2 only. Equation: eq:l2

    Examples
    --------
    >>> from refimpl.data.example import risk, theta
    >>> float(L2(risk, epsilon=0.4)(theta))  # ½ 6² + 0.1 · 6² (6² + 3² + 2²)
    194.4
    """

    def __init__(self, risk: Risk, epsilon: PerReplica) -> None:
        super().__init__(risk, +1, R2Tilde(risk, epsilon), (False, True))


class L3(Sum):
    """R_S^drop − R̃_2: dropout without the effect of a finite step (the paper's L_3).

    ε is the learning rate, or one per replica. Equation: eq:l3

    Examples
    --------
    >>> from refimpl.data.example import risk, theta
    >>> float(L3(risk, epsilon=0.4)(theta))  # ½ 6² − 0.1 · 6² (6² + 3² + 2²)
    -158.4
    """

    def __init__(self, risk: Risk, epsilon: PerReplica) -> None:
        super().__init__(risk, -1, R2Tilde(risk, epsilon), (True, True))


class L4(Sum):
    """R_S^drop − R_1: the noise of dropout without its mean (the paper's L_4).

    Arguments are those of `R1`. For dropout after the last hidden layer with that keep;
    with a larger one its mean has no lower bound. Equation: eq:l4

    Examples
    --------
    >>> from refimpl.data.example import risk, theta
    >>> dropped = theta[:1, None] - 2  # η = −1 of the neuron: f = 0
    >>> float(L4(risk, keep=0.5)(theta, dropped))  # 0 − R_1
    -18.0
    """

    def __init__(self, risk: Risk, keep: PerReplica) -> None:
        super().__init__(risk, -1, R1Penalty(risk, keep), (True, False))

    def check_layers(self, noise: list[bool]) -> None:
        """Raise ``ValueError`` if there is noise before the last hidden layer."""
        super().check_layers(noise)
        if any(noise[:-1]):
            raise ValueError(
                "eta must be None before the last hidden layer: R_1 is the mean effect "
                "of dropout after that layer only"
            )


class FlattenedDropout(Sum):
    """R_S^drop + (λ/4) ‖∇R_S^drop‖² (Figure 3). Equation: eq:flattened-dropout"""

    def __init__(self, risk: Risk, epsilon: PerReplica) -> None:
        super().__init__(risk, +1, R2Tilde(risk, epsilon), (True, True))
