"""R̃_2 and what is made of it, by one forward pass in place of up to three.

Plain: ``core.r2_tilde.R2Tilde`` asks the risk for its gradient and for a Hessian
product, and ``core.modified_losses.L3`` for its value and gradient again.

Of a two-layer network the passes are written out, as in `two_layer`: q σ′ and q ḣ serve
the gradient g and H g, arrays are overwritten when they have served, and with one
output the sums over samples come before what depends on the neuron alone.
"""

from refimpl.arrays.backend import get_xp, per_replica, transpose
from refimpl.arrays.types import Array, Factors, PerReplica
from refimpl.core import modified_losses, r2_tilde
from refimpl.core.activations import Tanh
from refimpl.core.objective import Objective
from refimpl.core.risk import Risk
from refimpl.fast import two_layer


class R2Tilde(r2_tilde.R2Tilde):
    __doc__ = r2_tilde.R2Tilde.__doc__

    def parts(self, theta: Array, q: Factors) -> tuple[Array, ...]:
        """R_S^drop, its gradient g, R̃_2 and (ε/2) H g."""
        net, risk = self.net, self.risk
        if two_layer.applies(risk, theta, q):
            value, g, Hg = two_layer.in_parts(gradient_and_product, risk, theta, *q)
        else:
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
        if not isinstance(self.risk, Objective):
            return super().value_and_gradient(theta, q)
        value, g, penalty, change = self.penalty.parts(theta, q)
        return value + self.sign * penalty, g + self.sign * change


class L3(_OnePass, modified_losses.L3):
    __doc__ = modified_losses.L3.__doc__


class FlattenedDropout(_OnePass, modified_losses.FlattenedDropout):
    __doc__ = modified_losses.FlattenedDropout.__doc__


def gradient_and_product(risk, theta, q):
    """R_S^drop (...), its gradient g and H g (..., P), where `two_layer.applies`."""
    net, loss, xp = risk.net, risk.loss, get_xp(theta)
    single_output = net.outputs == 1
    A, tanh = net.split(theta)[-1], net.activation is Tanh
    h = two_layer.activations(risk, theta)
    s = h if isinstance(q, float) else q * h
    F = s @ transpose(A)
    value, dF = loss.value_and_gradient(F, risk.Y)
    if tanh:
        slope = h * s
        xp.subtract(q, slope, out=slope)  # q σ′ = q − h s
    else:
        slope = q * net.activation.slope(h)
    g, Hg = (xp.empty(F.shape[:-2] + theta.shape[-1:], theta.dtype) for _ in range(2))
    dW, db, B = net.split(g)
    xp.matmul(transpose(dF), s, out=B)
    if single_output:
        dFX = transpose(dF * risk.X1)
        G = dFX @ slope  # ∂/∂(w_j, b_j) = a_j G_j
        _into(dW, db, A * G)
    else:
        dh = dF @ A
        dz = dh * slope
        xp.matmul(transpose(dz), risk.X, out=dW)
        dz.sum(axis=-2, out=db)
    push = two_layer.inner(risk, g)
    push *= slope  # ṡ = q ḣ
    F_push = push @ transpose(A)
    F_push += s @ transpose(B)
    dF_push = loss.hvp(F, risk.Y, F_push)
    dW, db, dA = net.split(Hg)
    xp.matmul(transpose(dF_push), s, out=dA)
    dA += transpose(dF) @ push
    if tanh:
        push *= h  # q σ″ ż = −2 h ṡ; of the other activations σ″ is 0
    if single_output:
        G *= B
        change = transpose(dF_push * risk.X1) @ slope
        if tanh:
            change -= 2 * (dFX @ push)
        _into(dW, db, G + A * change)
    else:
        xp.matmul(dF_push, A, out=dz)
        dz += dF @ B
        dz *= slope
        if tanh:
            dh *= push
            dh *= 2
            dz -= dh
        xp.matmul(transpose(dz), risk.X, out=dW)
        dz.sum(axis=-2, out=db)
    return value, g, Hg


def _into(dW, db, weights):
    """Input weights' (..., d+1, m) put into those of W and b."""
    dW[...] = transpose(weights[..., :-1, :])
    db[...] = weights[..., -1, :]
