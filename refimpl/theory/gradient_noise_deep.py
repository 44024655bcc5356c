"""tr Cov ∇R_S^drop of any network with dropout after the last hidden layer.

For MSE the dropout loss is a quadratic polynomial in the noise,

    R_S^drop(θ, η) = R_S + Σ_l η_l b_l(θ) + ½ Σ_{l,l′} η_l η_l′ Q_ll′(θ),

b_l = (1/n) Σ_ik r_ik a_kl h_il and Q_ll′ = (1/n) Σ_ik a_kl h_il a_kl′ h_il′. Its
gradient has the gradients of these scalars as coefficients: one pass backward each, and
one Hessian-vector product each for the gradient of the trace.
"""

from refimpl.arrays.backend import (
    chunks,
    pass_elements,
    per_replica,
    transpose,
    unit_vectors,
)
from refimpl.core.network import Upstream

# Multiply-adds that an exact trace may take, about: minutes on one core.
MAX_COST = 2**38


def check_cost(risk):
    """Raise ``ValueError`` if the exact trace would take too long."""
    m, n, P = risk.net.hidden[-1], risk.n, risk.net.size
    passes = m * (m + 3) // 2
    if passes * n * P > MAX_COST:
        raise ValueError(
            f"R2 of such a network is limited to m(m+3)/2·n·P = 2^38 = {MAX_COST:.2g} "
            f"operations, got {passes * n * P:.2g} for m = {m} neurons in the last "
            f"hidden layer, n = {n} samples and P = {P} parameters; R2_estimate takes "
            "any size"
        )


def trace(risk, theta, moments, per_sample):
    """tr Cov ∇R_S^drop (...). Arguments are as `gradient_noise` prepares them.

    Equation: eq:r2-deep, eq:r2-per-sample
    """
    if not per_sample:
        return _trace(risk, theta, moments)
    parts = _single_samples(risk, theta, moments)
    return sum(_trace(*part).sum(axis=-1) for part in parts) / risk.n**2


def trace_gradient(risk, theta, moments, per_sample):
    """Gradient (..., P) of `trace`.

    Equation: eq:r2-gradient
    """
    if not per_sample:
        return _trace_gradient(risk, theta, moments)
    parts = _single_samples(risk, theta, moments)
    return sum(_trace_gradient(*part).sum(axis=-2) for part in parts) / risk.n**2


def _trace(risk, theta, moments):
    """Σ_l [v ‖∇b_l‖² + m₃ ∇b_l·∇Q_ll + ¼(m₄ − v²) ‖∇Q_ll‖²] + v² Σ_{l<l′} ‖∇Q_ll′‖²."""
    v, third, fourth = (per_replica(one, theta) for one in moments)
    noise, total = _Polynomial(risk, theta), 0
    for j in range(risk.net.hidden[-1]):
        b, Q = noise.linear_gradient(j), noise.quadratic_gradient(j, j, j + 1)[0]
        total = total + v * _dot(b, b) + third * _dot(b, Q)
        total = total + 0.25 * (fourth - v * v) * _dot(Q, Q)
        for start, stop in noise.chunks(j + 1):
            Q = noise.quadratic_gradient(j, start, stop)
            total = total + v * v * _dot(Q, Q).sum(axis=0)
    return total


def _trace_gradient(risk, theta, moments):
    """Gradient of `_trace`: each squared norm by the Hessian of its own scalar."""
    v, third, fourth = (per_replica(one, theta, axes=1) for one in moments)
    noise, total = _Polynomial(risk, theta), 0
    for j in range(risk.net.hidden[-1]):
        b, Q = noise.linear_gradient(j), noise.quadratic_gradient(j, j, j + 1)[0]
        along_b = 2 * v * b + third * Q
        along_Q = third * b + 0.5 * (fourth - v * v) * Q
        total = total + noise.linear_hvp(j, along_b)
        total = total + noise.quadratic_hvp(j, j, j + 1, along_Q[None])[0]
        for start, stop in noise.chunks(j + 1):
            Q = noise.quadratic_gradient(j, start, stop)
            product = noise.quadratic_hvp(j, start, stop, Q)
            total = total + 2 * v * v * product.sum(axis=0)
    return total


class _Polynomial:
    """Coefficients of R_S^drop as a polynomial in η: ∇b_l, ∇Q_ll′, and products of
    their Hessians with a vector.

    With D_l = (h ∘ e_l) Aᵀ (n, o), the outputs of neuron l: n b_l = ⟨r, D_l⟩ and
    n Q_ll′ = ⟨D_l, D_l′⟩.
    """

    def __init__(self, risk, theta):
        self.risk, self.net = risk, risk.net
        self.run = risk.run(theta, risk.net.no_noise)
        self.r = risk.of(self.run)[1].dF  # residual over n
        self.h, self.A, self.n = self.run.h, self.run.A, risk.n

    def chunks(self, first):
        """Ranges of the neurons from `first` on, to take beside each other."""
        each = self.r[..., 0, 0].size * pass_elements(self.net, self.n)
        m = self.h.shape[-1]
        return [(first + i, first + j) for i, j in chunks(m - first, each)]

    def linear_gradient(self, j):
        """∇b_j (..., P)."""
        return self.net.backward(self.run, self._linear(j))

    def quadratic_gradient(self, j, start, stop):
        """∇Q_jl (stop − start, ..., P) for l from `start` to `stop`."""
        return self.net.backward(self.run, self._quadratic(j, start, stop))

    def linear_hvp(self, j, v):
        """Hessian of b_j times v (..., P)."""
        push = self.net.push(self.run, v)
        mask, r_push = self._mask(j, j + 1)[0], push.F / self.n
        D_push = self._outputs_push(mask, push)
        change = self._half_push(mask, self.r, r_push, push)
        change = change._replace(dF=D_push / self.n)
        return self.net.backward_push(self.run, push, self._linear(j), change)

    def quadratic_hvp(self, j, start, stop, v):
        """Hessian of Q_jl times v_l (stop − start, ..., P) for l in the range."""
        push = self.net.push(self.run, v)
        one, others = self._mask(j, j + 1), self._mask(start, stop)
        halves = [
            self._half_push(
                mask,
                self._outputs(other) / self.n,
                self._outputs_push(other, push) / self.n,
                push,
            )
            for mask, other in ((one, others), (others, one))
        ]
        return self.net.backward_push(
            self.run, push, self._quadratic(j, start, stop), _sum(*halves)
        )

    def _linear(self, j):
        """Derivatives of b_j = ⟨r, D_j⟩/n."""
        mask = self._mask(j, j + 1)[0]
        return self._half(mask, self.r)._replace(dF=self._outputs(mask) / self.n)

    def _quadratic(self, j, start, stop):
        """Derivatives of Q_jl = ⟨D_j, D_l⟩/n, l on the leading axis."""
        one, others = self._mask(j, j + 1), self._mask(start, stop)
        return _sum(
            self._half(one, self._outputs(others) / self.n),
            self._half(others, self._outputs(one) / self.n),
        )

    def _half(self, mask, E):
        """Derivatives of ⟨E, D⟩, D = (h ∘ mask) Aᵀ, with E (..., n, o) held fixed."""
        masked = mask * self.h
        return Upstream(0 * E, mask * (E @ self.A), transpose(E) @ masked)

    def _half_push(self, mask, E, E_push, push):
        """Directional derivatives of `_half`, by the product rule."""
        return Upstream(
            0 * E_push,
            mask * (E_push @ self.A + E @ push.A),
            transpose(E_push) @ (mask * self.h) + transpose(E) @ (mask * push.h),
        )

    def _outputs(self, mask):
        """D = (h ∘ mask) Aᵀ (..., n, o)."""
        return (mask * self.h) @ transpose(self.A)

    def _outputs_push(self, mask, push):
        """Directional derivative of `_outputs`."""
        masked, masked_push = mask * self.h, mask * push.h
        return masked_push @ transpose(self.A) + masked @ transpose(push.A)

    def _mask(self, start, stop):
        """Unit vectors e_l (stop − start, ..., 1, m) for l from `start` to `stop`."""
        return unit_vectors(self.h, self.h.shape[-1], start, stop, self.h.ndim - 1)


def _single_samples(risk, theta, moments):
    """Every sample as a data set of one: (risk, θ, moments) with a last leading axis
    that counts samples, some at a time."""
    elements = theta[..., 0].size * pass_elements(risk.net, 1)
    moments = [one if isinstance(one, float) else one[..., None] for one in moments]
    for start, stop in chunks(risk.n, elements):
        X, Y = (a[..., start:stop, None, :] for a in (risk.X, risk.Y))
        yield risk.of_data(X, Y), theta[..., None, :], moments


def _sum(one, other):
    return Upstream(*(a + b for a, b in zip(one, other)))


def _dot(a, b):
    return (a * b).sum(axis=-1)
