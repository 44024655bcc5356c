"""R̃_2: the squared gradient norm that one step of descent adds to the loss."""

from refimpl.arrays.backend import per_replica
from refimpl.arrays.checks import broadcast_lead, check_nonnegative
from refimpl.core.network import Upstream
from refimpl.core.objective import Differentiable, OfRisk


class R2Tilde(OfRisk, Differentiable):
    """R̃_2(θ, η) = (ε/4) ‖∇_θ R_S^drop(θ, η)‖², with gradient (ε/2) H g.

    g and H are gradient and Hessian of R_S^drop; both come from one forward pass. Holds
    for any network, either loss and any layers of dropout.

    Equation: eq:r2-tilde, eq:backward-error

    Parameters
    ----------
    risk : Objective
        The risk; of another objective F it is (ε/4) ‖∇F‖², as for R_S + R_1 in
        `flow`.
    epsilon : float, or array of one per replica
        Learning rate.

    Raises
    ------
    ValueError
        If epsilon is negative or not finite.
    """

    of_replicas = ("epsilon",)

    def __init__(self, risk, epsilon):
        super().__init__(risk)
        self.epsilon = check_nonnegative("epsilon", epsilon)

    @property
    def lead(self):
        """Replica axes of data and epsilon."""
        epsilon = getattr(self.epsilon, "shape", ())
        return broadcast_lead("data and epsilon", self.risk.lead, epsilon)

    def forward(self, theta, q):
        """Forward pass, R_S^drop (...), its `Upstream`, its gradient, R̃_2 (...)."""
        run, risk, upstream = self.risk.forward(theta, q)
        # Copies: a pass backward may overwrite what it is given.
        copies = (None if part is None else part.copy() for part in upstream)
        g = self.net.backward(run, Upstream(*copies))
        quarter = 0.25 * per_replica(self.epsilon, g)
        return run, risk, upstream, g, quarter * (g * g).sum(axis=-1)

    def hessian_product(self, run, upstream, g):
        """(ε/2) H g (..., P), from what `forward` returned."""
        push = self.net.push(run, g)
        upstream_push = self.risk.upstream_push(run, push)
        product = self.net.backward_push(run, push, upstream, upstream_push)
        return 0.5 * per_replica(self.epsilon, g, axes=1) * product

    def value(self, theta, q):
        """R̃_2 (...)."""
        return self.forward(theta, q)[-1]

    def value_and_gradient(self, theta, q):
        """R̃_2 (...) and its gradient (..., P)."""
        run, _, upstream, g, value = self.forward(theta, q)
        return value, self.hessian_product(run, upstream, g)
