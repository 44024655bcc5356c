"""The Hessian of R_S of a two-layer network at one θ, by its structure.

A neuron's parameters enter the outputs through that neuron alone. So with J the
Jacobian of the outputs and e = ∂R_S/∂F, the Hessian is Jᵀ (∂²R_S/∂F²) J and, for each
neuron j, a block

    Σ_i ρ_ij σ″_ij x̃_i x̃_iᵀ  in (w_j, b_j),   Σ_i e_ik σ′_ij x̃_i  beside it and a_kj,

with x̃_i = (x_i, 1) and ρ = e A. What does not depend on the vector is computed once.
`Objective.hvp` is the same product for any objective and network, without all this.
"""

from functools import cached_property

from refimpl.arrays import backend
from refimpl.arrays.backend import get_xp, transpose, with_ones
from refimpl.core.network import Pass


def two_layer_hessian(risk, theta):
    """The Hessian at `theta` (..., P), real and checked: the cheaper of the two forms.

    The Jacobian is formed where it is no larger than a chunk of memory, and where there
    are no replicas.
    """
    jacobian = risk.n * risk.net.outputs * risk.net.size
    small = jacobian <= backend.CHUNK_ELEMENTS and theta.ndim == 1 and risk.lead == ()
    return (ByJacobian if small else ByPasses)(risk, theta)


class ByPasses:
    """v ↦ H v by two matrix products with X, and passes over samples and neurons.

    Equation: eq:two-layer-hessian
    """

    def __init__(self, risk, theta):
        self.risk, self.net = risk, risk.net
        self.run = risk.run(theta, self.net.no_noise)
        self.e, self.X = risk.of(self.run)[1].dF, with_ones(self.run.kept[0])
        self.slope = self.net.activation.slope(self.run.h)  # σ′
        self.bend = self.e @ self.run.A  # ρ σ″
        self.bend *= self.net.activation.curvature(self.run.h)

    def __call__(self, v):
        """H v (..., P); axes of directions, if any, before those of θ."""
        V, c, B = self.net.split(v)
        X, A, h = self.run.kept[0], self.run.A, self.run.h
        z_push = X @ transpose(V) + c[..., None, :]
        h_push = self.slope * z_push
        e_push = self._of_output(h_push @ transpose(A) + h @ transpose(B))
        dz = _stacked_product(e_push, self.e, A, B)
        dz *= self.slope
        dz += self.bend * z_push  # z may have fewer replica axes
        dA = transpose(e_push) @ h + transpose(self.e) @ h_push
        return self.net.join([transpose(dz) @ X, dz.sum(axis=-2), dA])

    def trace(self):
        """Tr H (...), by o products of samples and neurons.

        The block of a neuron has Σ_i ρ_ij σ″_ij ‖x̃_i‖² on its diagonal, and with
        L_i = ∂²R_S/∂f_i² the diagonal of Jᵀ L J sums to
        Σ_ij σ′_ij² ‖x̃_i‖² a_jᵀ L_i a_j + Σ_ij h_ij² Tr L_i.

        Equation: eq:two-layer-trace
        """
        F, A, total = self.run.F, self.run.A, self.bend
        xp, squares = get_xp(F), (self.run.h**2).sum(axis=-1, keepdims=True)
        slopes, outer = self.slope**2, 0.0
        for k in range(self.net.outputs):
            unit = xp.zeros_like(F)
            unit[..., k] = 1
            column = self._of_output(unit)  # L_ik′k
            total = total + slopes * (column @ A) * A[..., k : k + 1, :]
            outer = outer + (column[..., k : k + 1] * squares).sum(axis=(-2, -1))
        lengths = (self.X**2).sum(axis=-1, keepdims=True)
        return outer + (lengths * total).sum(axis=(-2, -1))

    def _of_output(self, F):
        """∂²R_S/∂F² times `F` (..., n, o)."""
        return self.risk.push_of(self.run, Pass(F, None, None, None)).dF


class ByJacobian(ByPasses):
    """v ↦ H v by two products with J, and the block of every neuron; no replicas.

    Equation: eq:two-layer-hessian
    """

    @cached_property
    def J(self):
        """Jacobian of the outputs (n·o, P)."""
        X, A, h, xp = self.run.kept[0], self.run.A, self.run.h, get_xp(self.run.h)
        slopes = self.slope[:, None, :] * A  # ∂f_ik/∂b_j (n, o, m)
        n, o = len(h), len(A)
        by_A = xp.eye(o, dtype=h.dtype)[None, :, :, None] * h[:, None, None, :]
        by_W = slopes[..., None] * X[:, None, None, :]
        parts = by_W, slopes, by_A
        return xp.concatenate([part.reshape(n * o, -1) for part in parts], axis=1)

    @cached_property
    def neurons(self):
        """Blocks of the neurons: in (w_j, b_j), and between it and a_kj."""
        X, slope, bend = self.X, self.slope, self.bend
        return _moments(X, X, bend), _moments(X, self.e, slope)

    def __call__(self, v):
        """H v (..., P)."""
        F = v @ self.J.T
        e = self._of_output(F.reshape(v.shape[:-1] + self.run.F.shape))
        (W, b, B), (inner, mixed) = self.net.split(v), self.neurons
        V = get_xp(v).concatenate([transpose(W), b[..., None, :]], axis=-2)
        dV = _times(inner, V) + _times(mixed, B)
        dA = _times(mixed.swapaxes(0, 1), V)
        blocks = self.net.join([transpose(dV[..., :-1, :]), dV[..., -1, :], dA])
        return e.reshape(F.shape) @ self.J + blocks


def _stacked_product(left, right, A, B):
    """left A + right B, as one product where the shapes allow."""
    xp = get_xp(A)
    if left.ndim == right.ndim == A.ndim == B.ndim == 2:
        return xp.concatenate([left, right], axis=1) @ xp.concatenate([A, B])
    return left @ A + right @ B


def _moments(a, b, values):
    """Σ_i a_ik b_il values_ij: (k, l, j)."""
    pairs = (a[:, :, None] * b[:, None, :]).reshape(len(a), -1)
    return (pairs.T @ values).reshape(a.shape[1], b.shape[1], -1)


def _times(blocks, v):
    """Σ_l blocks_klj v_lj of every neuron j: (..., k, j)."""
    return (blocks * v[..., None, :, :]).sum(axis=-2)
