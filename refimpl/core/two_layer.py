"""The two-layer network, written neuron by neuron as in the paper.

Indices: i sample, j neuron, k output. Every line is the formula beside it; q = 1 + η.
"""

from refimpl.arrays.backend import transpose
from refimpl.arrays.checks import check_integer
from refimpl.arrays.flat import check_parts
from refimpl.arrays.types import Array, ArrayLike
from refimpl.core.network import Network, Pass


class TwoLayer(Network):
    """f_k(x) = Σ_j a_kj σ(w_j·x + b_j), no output bias.

    Equation: eq:two-layer

    Parameters
    ----------
    inputs, width, outputs : int
        d, m and d', positive; else ``ValueError``.
    activation : {"tanh", "relu", "identity"}

    Examples
    --------
    >>> net = TwoLayer(inputs=1, width=2)
    >>> theta = net.pack(W=[[1.0], [2.0]], b=[0.0, 0.0], A=[[1.0, -1.0]])
    >>> net.forward(theta, [[0.0]])
    array([[0.]])
    """

    def __init__(
        self, inputs: int, width: int, outputs: int = 1, activation: str = "tanh"
    ) -> None:
        d, m = check_integer("inputs", inputs, 1), check_integer("width", width, 1)
        o = check_integer("outputs", outputs, 1)
        super().__init__(d, (m,), o, activation, ((m, d), (m,), (o, m)))

    def pack(self, W: ArrayLike, b: ArrayLike, A: ArrayLike) -> Array:
        """θ (..., P) from W (..., m, d), b (..., m) and A (..., o, m)."""
        return self.join(check_parts([W, b, A], self.shapes))

    def unpack(self, theta: ArrayLike) -> tuple[Array, ...]:
        """W (..., m, d), b (..., m) and A (..., o, m): views of `theta`."""
        return tuple(self.split(self.check_theta(theta, finite=False)))

    def run(self, theta, X, q):
        """Forward pass. Equation: eq:two-layer"""
        W, b, A = self.split(theta)
        z = X @ transpose(W) + b[..., None, :]  # z_ij = w_j·x_i + b_j
        h = self.activation.value(z)  # h_ij = σ(z_ij)
        s = q[-1] * h  # s_ij = q_ij h_ij
        F = s @ transpose(A)  # f_ik = Σ_j a_kj s_ij
        return Pass(F, h, A, (X, q[-1], s))

    def backward(self, run, upstream):
        """Gradient (..., P), from `upstream`. Equation: eq:two-layer-backward"""
        (X, q, s), (dF, dh, dA) = run.kept, upstream
        dh = q * (dF @ run.A) + dh  # ∂f_ik/∂h_ij = a_kj q_ij
        dz = dh * self.activation.slope(run.h)  # ∂h_ij/∂z_ij = σ′(z_ij)
        dW = transpose(dz) @ X  # ∂z_ij/∂w_j = x_i
        db = dz.sum(axis=-2)  # ∂z_ij/∂b_j = 1
        dA = transpose(dF) @ s + dA  # ∂f_ik/∂a_kj = s_ij
        return self.join([dW, db, dA])

    def push(self, run, direction):
        """Directional derivative of `run`. Equation: eq:two-layer-push"""
        (V, c, A_push), (X, q, s) = self.split(direction), run.kept
        z_push = X @ transpose(V) + c[..., None, :]  # ż_ij = v_j·x_i + c_j
        h_push = self.activation.slope(run.h) * z_push  # ḣ_ij = σ′(z_ij) ż_ij
        s_push = q * h_push  # ṡ_ij = q_ij ḣ_ij; ḟ_ik = Σ_j (a_kj ṡ_ij + ȧ_kj s_ij)
        F_push = s_push @ transpose(run.A) + s @ transpose(A_push)
        return Pass(F_push, h_push, A_push, (z_push, s_push))

    def backward_push(self, run, push, upstream, upstream_push):
        """Directional derivative of `backward`. Equation: eq:two-layer-r-operator"""
        (X, q, s), (z_push, s_push) = run.kept, push.kept
        (dF, dh, _), (dF_push, dh_push, dA_push) = upstream, upstream_push
        dh = q * (dF @ run.A) + dh
        dh_push = q * (dF_push @ run.A + dF @ push.A) + dh_push
        slope, bend = self.activation.slope(run.h), self.activation.curvature(run.h)
        dz_push = dh_push * slope + dh * bend * z_push  # (δh σ′)˙
        dA_push = transpose(dF_push) @ s + transpose(dF) @ s_push + dA_push
        return self.join([transpose(dz_push) @ X, dz_push.sum(axis=-2), dA_push])
