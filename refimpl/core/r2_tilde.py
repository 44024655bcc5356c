"""R̃_2: the squared gradient norm that one step of descent adds to the loss."""

from refimpl.arrays.backend import per_replica
from refimpl.arrays.checks import check_nonnegative
from refimpl.arrays.types import PerReplica
from refimpl.core.objective import Differentiable, OfRisk, check_objective


class R2Tilde(OfRisk, Differentiable):
    """R̃_2(θ, η) = (ε/4) ‖∇_θ R_S^drop(θ, η)‖², with gradient (ε/2) H g.

    g and H are gradient and Hessian of R_S^drop: any network, either loss, any layers
    of dropout. `risk` may be another objective F, such as R_S + R_1: (ε/4) ‖∇F‖². The
    learning rate `epsilon` is at least 0, one number or one per replica.

    Equation: eq:r2-tilde, eq:backward-error
    """

    by_replica = ("epsilon",)

    def __init__(self, risk: Differentiable, epsilon: PerReplica) -> None:
        self.risk = check_objective(risk, "risk")
        self.epsilon = check_nonnegative("epsilon", epsilon)

    def value(self, theta, q):
        """R̃_2 (...)."""
        return self._of(self.risk.value_and_gradient(theta, q)[1])

    def value_and_gradient(self, theta, q):
        """R̃_2 (...) and its gradient (..., P)."""
        _, g = self.risk.value_and_gradient(theta, q)
        Hg = self.risk.product(theta, q)(g)
        return self._of(g), 0.5 * per_replica(self.epsilon, g, axes=1) * Hg

    def _of(self, g):
        return 0.25 * per_replica(self.epsilon, g) * (g * g).sum(axis=-1)
