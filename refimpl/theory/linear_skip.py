"""The network of Theorem 1: a two-layer network beside a linear map of the inputs."""

from refimpl.arrays.backend import get_xp, transpose
from refimpl.arrays.flat import check_parts
from refimpl.core.network import Network
from refimpl.core.two_layer import TwoLayer


class LinearSkip(Network):
    """f(x) = Σ_j a_j σ(w_j·x + b_j) + V x + c.

    The neurons are a `TwoLayer` network; the linear map has parameters of its own, last
    in θ. Dropout acts on the neurons, so R_1 is that of the neurons alone.

    Equation: eq:linear-skip

    Parameters
    ----------
    inputs, width, outputs : int
        d, m and d'.
    activation : {"relu", "tanh", "identity"}

    Raises
    ------
    ValueError
        If a size is not a positive integer, or the activation is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> net = LinearSkip(inputs=1, width=1)
    >>> theta = net.pack([[1.0]], [0.0], [[2.0]], V=[[-1.0]], c=[3.0])
    >>> net.forward(theta, np.array([[-1.0], [1.0]]))  # 2σ(x) − x + 3
    array([[4.],
           [4.]])
    """

    def __init__(self, inputs, width, outputs=1, activation="relu"):
        self.neurons = neurons = TwoLayer(inputs, width, outputs, activation)
        d, o = neurons.inputs, neurons.outputs
        shapes = neurons.shapes + ((o, d), (o,))
        super().__init__(d, neurons.hidden, o, activation, shapes)

    def pack(self, W, b, A, V, c):
        """θ (..., P) from the neurons' W, b, A, and V (..., o, d) and c (..., o)."""
        return self.join(check_parts([W, b, A, V, c], self.shapes))

    def unpack(self, theta):
        """W, b, A, V and c: views of `theta`."""
        return tuple(self.split(self.check_theta(theta, finite=False)))

    def init(self, rng, std=None):
        """Random neurons, as `TwoLayer.init` draws them, and a linear map of zero."""
        theta = self.neurons.init(rng, std)
        linear = theta.shape[:-1] + (self.size - self.neurons.size,)
        xp = get_xp(theta)
        return xp.concatenate([theta, xp.zeros(linear, theta.dtype)], axis=-1)

    def run(self, theta, X, q):
        """Forward pass.

        Equation: eq:linear-skip
        """
        run, (V, c) = self.neurons.run(self._of_neurons(theta), X, q), self._map(theta)
        return run._replace(F=run.F + X @ transpose(V) + c[..., None, :])

    def backward(self, run, upstream):
        """Gradient (..., P) of a scalar whose derivatives are `upstream`.

        Equation: eq:linear-skip-backward
        """
        gradient = self.neurons.backward(run, upstream)
        return self._with_map(gradient, run.kept[0], upstream.dF)

    def push(self, run, direction):
        """Directional derivative of the forward pass along `direction` (..., P).

        Equation: eq:linear-skip-backward
        """
        push = self.neurons.push(run, self._of_neurons(direction))
        V, c = self._map(direction)
        return push._replace(F=push.F + run.kept[0] @ transpose(V) + c[..., None, :])

    def backward_push(self, run, push, upstream, upstream_push):
        """Directional derivative of `backward`: the linear map adds no curvature.

        Equation: eq:linear-skip-backward
        """
        product = self.neurons.backward_push(run, push, upstream, upstream_push)
        return self._with_map(product, run.kept[0], upstream_push.dF)

    def _of_neurons(self, theta):
        return theta[..., : self.neurons.size]

    def _map(self, theta):
        """V (..., o, d) and c (..., o)."""
        return self.split(theta)[3:]

    def _with_map(self, of_neurons, X, dF):
        """Gradient (..., P): that of the neurons, and that of V and c."""
        parts = self.neurons.split(of_neurons)
        return self.join([*parts, transpose(dF) @ X, dF.sum(axis=-2)])
