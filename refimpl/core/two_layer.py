"""The two-layer network, written neuron by neuron as in the paper.

Indices: i sample, j neuron, k output. Every line is the formula beside it. The paper's
input weight of neuron j is the vector (w_j, b_j): with inputs (x, 1), the bias needs no
line of its own. θ holds the matrix with these columns, then A, so that every row of
either runs over the neurons.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from refimpl.arrays.backend import get_xp, matmul, transpose
from refimpl.arrays.checks import check_std, check_width
from refimpl.arrays.types import Array, ArrayLike, Generators
from refimpl.core.network import Network, contiguous_views, masked, noisy


class Pass(NamedTuple):
    """What one forward pass computed."""

    X: Any  # (..., n, d+1) rows (x_i, 1)
    A: Any  # (..., o, m)
    q_last: Any  # (..., 1 or n, m) noise factor 1 + η, or None
    hidden: Any  # (..., n, m) activation h, before noise
    s: Any  # (..., n, m) dropped-out activation
    output: Any  # (..., n, o)


class Push(NamedTuple):
    """Directional derivatives of a `Pass` along a direction in parameter space."""

    A: Any  # (..., o, m)
    z: Any  # (..., n, m)
    hidden: Any  # (..., n, m)
    s: Any  # (..., n, m)
    output: Any  # (..., n, o)


class TwoLayer(Network):
    """f_k(x) = Σ_j a_kj σ(w_j·x + b_j), no output bias.

    Equation: eq:two-layer

    Parameters
    ----------
    inputs, width, outputs : int
        d, m and d'.
    activation : {"tanh", "relu", "identity"}

    Raises
    ------
    ValueError
        If a size is not a positive integer, or the activation is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> net = TwoLayer(inputs=1, width=2)
    >>> theta = net.pack(W=[[1.0], [2.0]], b=[0.0, 0.0], A=[[1.0, -1.0]])
    >>> net.forward(theta, np.array([[0.0]]))
    array([[0.]])
    """

    def __init__(
        self, inputs: int, width: int, outputs: int = 1, activation: str = "tanh"
    ) -> None:
        d = check_width("inputs", inputs)
        m = check_width("width", width)
        o = check_width("outputs", outputs)
        super().__init__(d, (m,), o, activation, ((m, d), (m,), (o, m)))
        self._blocks = ((d + 1, m), (o, m))

    def pack(self, W: ArrayLike, b: ArrayLike, A: ArrayLike) -> Array:
        """θ (..., P) from W (..., m, d), b (..., m) and A (..., o, m)."""
        return self.join([W, b, A])

    def unpack(self, theta: ArrayLike) -> tuple[Array, ...]:
        """W (..., m, d), b (..., m) and A (..., o, m): views of `theta`."""
        return tuple(self.split(self.check_theta(theta, finite=False)))

    def split(self, theta):
        """[W, b, A] as views of `theta`."""
        weights, A = contiguous_views(theta, self._blocks)
        return [transpose(weights[..., :-1, :]), weights[..., -1, :], A]

    def prepare(self, X):
        """Rows (x_i, 1): (..., n, d+1)."""
        xp = get_xp(X)
        return xp.concatenate([X, xp.ones_like(X[..., :1])], axis=-1)

    def init(
        self, rng: Generators, std: float | Sequence[float] | None = None
    ) -> Array:
        """Random parameters.

        Parameters
        ----------
        rng : Generator, or sequence of R generators
            A sequence gives one network from each.
        std : float or (float, float), optional
            Standard deviation of every weight and bias; of W and b, and of A. Without
            it: weights N(0, gain²/fan-in), gain² = 2 for ReLU (He) and 1 otherwise
            (LeCun), also 1 for A; biases 0.

        Returns
        -------
        theta : (P,) or (R, P)
        """
        if std is not None:
            hidden, output = check_std(std, layers=2)
            return self.draw_init(rng, [hidden, hidden, output])
        (m,), gain = self.hidden, self.activation.gain
        return self.draw_init(rng, [gain * self.inputs**-0.5, 0.0, m**-0.5])

    def input_weights(self, theta: ArrayLike, layer: int = 0) -> Array:
        """Input weight (w_j, b_j) of every hidden neuron: (..., m, d+1)."""
        self.check_layer(layer)
        theta = self.check_theta(theta, finite=False)
        return transpose(contiguous_views(theta, self._blocks)[0])

    def outgoing_weights(self, theta: ArrayLike, layer: int = 0) -> Array:
        """Output weight vector a_j of every hidden neuron: (..., m, o)."""
        self.check_layer(layer)
        return transpose(self.unpack(theta)[2])

    def run(self, theta, X, q=None):
        """Forward pass, kept for `backward`. Arguments are not checked.

        Equation: eq:two-layer
        """
        weights, A = contiguous_views(theta, self._blocks)
        (q,) = self.no_noise if q is None else q
        z = matmul(X, weights)  # z_ij = w_j·x_i + b_j
        h = self.activation.value(z)  # h_ij = σ(z_ij)
        s = noisy(h, q)  # s_ij = q_ij h_ij, q = 1 + η
        F = matmul(s, transpose(A))  # f_ik = Σ_j a_kj s_ij
        return Pass(X, A, q, h, s, F)

    def backward(self, run, upstream, last=False):
        """Gradient (..., P) of a scalar whose derivatives are `upstream`.

        Equation: eq:two-layer-backward
        """
        if not self._is_single(upstream):
            dz = self._to_preactivation(run, upstream)
            gradient = self.empty_gradient(dz)
            dweights, dA = contiguous_views(gradient, self._blocks)
            matmul(transpose(run.X), dz, out=dweights)  # ∂z_ij/∂(w_j, b_j) = (x_i, 1)
            if upstream.output is None:
                dA[...] = 0
            else:  # ∂f_ik/∂a_kj = s_ij
                matmul(transpose(upstream.output), run.s, out=dA)
        else:
            # δz_ij = δf_i a_j ∂s_ij/∂z_ij + δE_j h_ij σ′_ij: with one output a_j and
            # δE_j leave the sums over i.
            dF_X = upstream.output * run.X
            gradient = self.empty_gradient(dF_X)
            dweights, dA = contiguous_views(gradient, self._blocks)
            matmul(transpose(upstream.output), run.s, out=dA)
            slope = self._noisy_slope(run, in_place=last)
            matmul(transpose(dF_X), slope, out=dweights)
            dweights *= run.A
            if upstream.energy is not None:
                if run.q_last is not None:
                    slope = self.activation.slope(run.hidden)
                slope *= run.hidden
                dweights += upstream.energy * matmul(transpose(run.X), slope)
        if upstream.weights is not None:
            dA += upstream.weights
        return gradient

    def _is_single(self, upstream):
        """Whether the derivatives are those of one output, and of energies perhaps."""
        dF, hidden, _, energy = upstream
        if self.outputs > 1 or dF is None or hidden is not None:
            return False
        return energy is None or energy.shape[:-2] == dF.shape[:-2]

    def _to_preactivation(self, run, upstream):
        """Derivatives (..., n, m) with respect to z."""
        if upstream.hidden is None and upstream.energy is None:
            dz = matmul(upstream.output, run.A)
            dz *= self._noisy_slope(run)
        else:
            dz = self.to_hidden(run, upstream)
            dz *= self.activation.slope(run.hidden)  # ∂h_ij/∂z_ij = σ′(z_ij)
        return dz

    def _noisy_slope(self, run, in_place=False):
        """∂s_ij/∂z_ij = q_ij σ′(z_ij), in the place of s if that is allowed."""
        h, q, s = run.hidden, run.q_last, run.s
        if q is None:
            return self.activation.slope(h)
        return self.activation.noisy_slope(h, q, s, out=s if in_place else None)

    def push(self, run, direction):
        """Directional derivative of the forward pass along `direction` (..., P).

        Equation: eq:two-layer-push
        """
        V, B = contiguous_views(direction, self._blocks)
        z = matmul(run.X, V)  # ż_ij = v_j·(x_i, 1)
        h = self.activation.slope(run.hidden) * z  # ḣ_ij = σ′(z_ij) ż_ij
        s = noisy(h, run.q_last)
        F = matmul(s, transpose(run.A)) + matmul(run.s, transpose(B))
        return Push(B, z, h, s, F)

    def backward_push(self, run, push, upstream, upstream_push):
        """Directional derivative of `backward`: the R-operator's second half.

        `upstream_push` holds the directional derivatives of `upstream`.

        Equation: eq:two-layer-r-operator
        """
        dF, dF_push = upstream.output, upstream_push.output
        dh_push = self.to_hidden(run, upstream_push)
        if dF is not None:
            dh_push = dh_push + masked(matmul(dF, push.A), run.q_last)
        dh = self.to_hidden(run, upstream)
        slope = self.activation.slope(run.hidden)
        curvature = self.activation.curvature(run.hidden)
        dz = dh_push * slope + dh * curvature * push.z  # (δh σ′)˙ = δḣ σ′ + δh σ″ ż
        gradient = self.empty_gradient(dz)
        dweights, dA = contiguous_views(gradient, self._blocks)
        matmul(transpose(run.X), dz, out=dweights)
        dA[...] = 0
        if dF is not None:
            dA += matmul(transpose(dF_push), run.s) + matmul(transpose(dF), push.s)
        if upstream.weights is not None:
            dA += upstream_push.weights
        return gradient
