"""The two-layer network, written neuron by neuron as in the paper.

Indices: i sample, j neuron, k output. Every line is the formula beside it.
"""

from typing import Any, NamedTuple

from refimpl.backend import get_xp, matmul, transpose
from refimpl.network import Network, check_std, check_width, noisy


class Pass(NamedTuple):
    """What one forward pass computed."""

    X: Any  # (..., n, d)
    A: Any  # (..., o, m)
    eta: Any  # (..., 1 or n, m) or None
    z: Any  # (..., n, m) pre-activation
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

    def __init__(self, inputs, width, outputs=1, activation="tanh"):
        d = check_width("inputs", inputs)
        m = check_width("width", width)
        o = check_width("outputs", outputs)
        super().__init__(d, (m,), o, activation, ((m, d), (m,), (o, m)))

    def pack(self, W, b, A):
        """θ (..., P) from W (..., m, d), b (..., m) and A (..., o, m)."""
        return self.join([W, b, A])

    def unpack(self, theta):
        """W (..., m, d), b (..., m) and A (..., o, m): views of `theta`."""
        return tuple(self.split(self.check_theta(theta, finite=False)))

    def init(self, rng, std=None):
        """Random parameters.

        Parameters
        ----------
        rng : Generator, or sequence of R generators
            A sequence gives one network from each.
        std : float, optional
            Standard deviation of every weight and bias. Without it: weights
            N(0, gain²/fan-in), gain² = 2 for ReLU (He) and 1 otherwise (LeCun),
            biases 0.

        Returns
        -------
        theta : (P,) or (R, P)
        """
        if std is not None:
            return self.draw_init(rng, [check_std(std)] * 3)
        (m,), gain = self.hidden, self.activation.gain
        return self.draw_init(rng, [gain * self.inputs**-0.5, 0.0, m**-0.5])

    def input_weights(self, theta, layer=0):
        """Input weight (w_j, b_j) of every hidden neuron: (..., m, d+1)."""
        W, b, _ = self.unpack(theta)
        return get_xp(theta).concatenate([W, b[..., None]], axis=-1)

    def outgoing_weights(self, theta, layer=0):
        """Output weight vector a_j of every hidden neuron: (..., m, o)."""
        return transpose(self.unpack(theta)[2])

    def run(self, theta, X, eta=None):
        """Forward pass, kept for `backward`. Arguments are not checked.

        Equation: eq:two-layer
        """
        W, b, A = self.split(theta)
        noise = None if eta is None else eta[0]
        z = matmul(X, transpose(W)) + b[..., None, :]  # z_ij = w_j·x_i + b_j
        h = self.activation.value(z)  # h_ij = σ(z_ij)
        s = noisy(h, noise)  # s_ij = (1 + η_ij) h_ij
        F = matmul(s, transpose(A))  # f_ik = Σ_j a_kj s_ij
        return Pass(X, A, noise, z, h, s, F)

    def backward(self, run, upstream):
        """Gradient (..., P) of a scalar whose derivatives are `upstream`.

        Equation: eq:two-layer-backward
        """
        dh = 0
        if upstream.output is not None:  # ∂f_ik/∂h_ij = a_kj (1 + η_ij)
            dh = noisy(matmul(upstream.output, run.A), run.eta)
        if upstream.hidden is not None:
            dh = dh + upstream.hidden
        dz = dh * self.activation.slope(run.z, run.hidden)  # ∂h_ij/∂z_ij = σ′(z_ij)
        gradient, (dW, db, dA) = self.empty_gradient(dz)
        matmul(transpose(dz), run.X, out=dW)  # ∂z_ij/∂w_j = x_i
        dz.sum(axis=-2, out=db)  # ∂z_ij/∂b_j = 1
        if upstream.output is None:
            dA[...] = 0
        else:  # ∂f_ik/∂a_kj = (1 + η_ij) h_ij
            matmul(transpose(upstream.output), run.s, out=dA)
        if upstream.weights is not None:
            dA += upstream.weights
        return gradient

    def push(self, run, direction):
        """Directional derivative of the forward pass along `direction` (..., P).

        Equation: eq:two-layer-push
        """
        V, c, B = self.split(direction)
        slope = self.activation.slope(run.z, run.hidden)
        z = matmul(run.X, transpose(V)) + c[..., None, :]  # v_j·x_i + c_j
        h = slope * z  # σ′(z_ij) ż_ij
        s = noisy(h, run.eta)
        F = matmul(s, transpose(run.A)) + matmul(run.s, transpose(B))
        return Push(B, z, h, s, F)

    def backward_push(self, run, push, upstream, upstream_push):
        """Directional derivative of `backward`: the R-operator's second half.

        `upstream_push` holds the directional derivatives of `upstream`.

        Equation: eq:two-layer-r-operator
        """
        dh = dh_push = 0
        if upstream.output is not None:
            dF, dF_push = upstream.output, upstream_push.output
            dh = noisy(matmul(dF, run.A), run.eta)
            dh_push = noisy(matmul(dF_push, run.A) + matmul(dF, push.A), run.eta)
        if upstream.hidden is not None:
            dh = dh + upstream.hidden
            dh_push = dh_push + upstream_push.hidden
        slope = self.activation.slope(run.z, run.hidden)
        curvature = self.activation.curvature(run.z, run.hidden)
        dz = dh_push * slope + dh * curvature * push.z  # (δh σ′)˙ = δḣ σ′ + δh σ″ ż
        gradient, (dW, db, dA) = self.empty_gradient(dz)
        matmul(transpose(dz), run.X, out=dW)
        dz.sum(axis=-2, out=db)
        dA[...] = 0
        if upstream.output is not None:
            dA += matmul(transpose(dF_push), run.s) + matmul(transpose(dF), push.s)
        if upstream.weights is not None:
            dA += upstream_push.weights
        return gradient
