"""R̃_2 and what is made of it, by one forward pass in place of up to three.

Plain: ``core.r2_tilde.R2Tilde`` asks the risk for its gradient and for a Hessian
product, and ``core.modified_losses.L3`` for its value and gradient again.
"""

from refimpl.arrays.backend import per_replica
from refimpl.arrays.types import Array, Factors, PerReplica
from refimpl.core import modified_losses, r2_tilde
from refimpl.core.objective import Objective
from refimpl.core.risk import Risk


class R2Tilde(r2_tilde.R2Tilde):
    __doc__ = r2_tilde.R2Tilde.__doc__

    def parts(self, theta: Array, q: Factors) -> tuple[Array, ...]:
        """R_S^drop, its gradient g, R̃_2 and (ε/2) H g."""
        net, risk = self.net, self.risk
        run = risk.run(theta, q)
        value, upstream = risk.of(run)
        g = net.backward(run, upstream)
        push = net.push(run, g)
        Hg = net.backward_push(run, push, upstream, risk.push_of(run, push))
        squared = (g * g).sum(axis=-1)
        half = 0.5 * per_replica(self.epsilon, g, axes=1) * Hg
        return value, g, 0.25 * per_replica(self.epsilon, g) * squared, half

    def value_and_gradient(self, theta: Array, q: Factors) -> tuple[Array, Array]:
        """R̃_2 (...) and its gradient (..., P)."""
        if isinstance(self.risk, Objective):
            return self.parts(theta, q)[2:]
        return super().value_and_gradient(theta, q)


class _WithR2Tilde:
    """A loss whose penalty is the R̃_2 above."""

    def __init__(self, risk: Risk, epsilon: PerReplica) -> None:
        super().__init__(risk, epsilon)
        self.penalty = R2Tilde(risk, epsilon)


class L2(_WithR2Tilde, modified_losses.L2):
    __doc__ = modified_losses.L2.__doc__


class _OnePass(_WithR2Tilde):
    """R_S^drop ± R̃_2."""

    def value_and_gradient(self, theta: Array, q: Factors) -> tuple[Array, Array]:
        """Value (...) and gradient (..., P)."""
        value, g, penalty, change = self.penalty.parts(theta, q)
        return value + self.sign * penalty, g + self.sign * change


class L3(_OnePass, modified_losses.L3):
    __doc__ = modified_losses.L3.__doc__


class FlattenedDropout(_OnePass, modified_losses.FlattenedDropout):
    __doc__ = modified_losses.FlattenedDropout.__doc__
