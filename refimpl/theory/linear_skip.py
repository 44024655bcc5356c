"""The network of Theorem 1: a two-layer network beside a linear map of the inputs."""

from refimpl.arrays.backend import get_xp, matmul, transpose
from refimpl.core.network import Network, contiguous_views
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
        return self.join([W, b, A, V, c])

    def unpack(self, theta):
        """W, b, A, V and c: views of `theta`."""
        return tuple(self.split(self.check_theta(theta, finite=False)))

    def split(self, theta):
        """[W, b, A, V, c] as views of `theta`: the neurons', then rows (V, c)."""
        linear = self._linear(theta)
        return [
            *self.neurons.split(self._of_neurons(theta)),
            linear[..., :-1],
            linear[..., -1],
        ]

    def prepare(self, X):
        """Rows (x_i, 1): (..., n, d+1)."""
        return self.neurons.prepare(X)

    def init(self, rng, std=None):
        """Random neurons, as `TwoLayer.init` draws them, and a linear map of zero."""
        theta = self.neurons.init(rng, std)
        linear = theta.shape[:-1] + (self.size - self.neurons.size,)
        xp = get_xp(theta)
        return xp.concatenate([theta, xp.zeros(linear, theta.dtype)], axis=-1)

    def input_weights(self, theta, layer=0):
        """Input weight (w_j, b_j) of every neuron: (..., m, d+1)."""
        return self.neurons.input_weights(self._of_neurons(theta))

    def outgoing_weights(self, theta, layer=0):
        """Output weight vector a_j of every neuron: (..., m, o)."""
        return self.neurons.outgoing_weights(self._of_neurons(theta))

    def run(self, theta, X, q=None):
        """Forward pass, kept for `backward`. Arguments are not checked.

        Equation: eq:linear-skip
        """
        run = self.neurons.run(self._of_neurons(theta), X, q)
        linear = matmul(X, transpose(self._linear(theta)))  # V x_i + c
        return run._replace(output=run.output + linear)

    def backward(self, run, upstream, last=False):
        """Gradient (..., P) of a scalar whose derivatives are `upstream`.

        Equation: eq:linear-skip-backward
        """
        gradient = self.neurons.backward(run, upstream, last)
        return self._with_linear(gradient, run.X, upstream.output)

    def push(self, run, direction):
        """Directional derivative of the forward pass along `direction` (..., P).

        Equation: eq:linear-skip-backward
        """
        push = self.neurons.push(run, self._of_neurons(direction))
        linear = matmul(run.X, transpose(self._linear(direction)))
        return push._replace(output=push.output + linear)

    def backward_push(self, run, push, upstream, upstream_push):
        """Directional derivative of `backward`: the linear map adds no curvature.

        Equation: eq:linear-skip-backward
        """
        product = self.neurons.backward_push(run, push, upstream, upstream_push)
        return self._with_linear(product, run.X, upstream_push.output)

    def _of_neurons(self, theta):
        return theta[..., : self.neurons.size]

    def _linear(self, theta):
        """Rows (V, c) of the linear map: (..., o, d+1), a view."""
        shape = (self.outputs, self.inputs + 1)
        return contiguous_views(theta[..., self.neurons.size :], (shape,))[0]

    def _with_linear(self, of_neurons, X, dF):
        """Gradient (..., P): that of the neurons, and that of (V, c), dFᵀ (x, 1)."""
        xp = get_xp(of_neurons)
        gradient = xp.zeros(of_neurons.shape[:-1] + (self.size,), of_neurons.dtype)
        gradient[..., : self.neurons.size] = of_neurons
        if dF is not None:
            self._linear(gradient)[...] = matmul(transpose(dF), X)
        return gradient
