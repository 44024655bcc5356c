"""Random problems small enough for oracles."""

import numpy as np

import refimpl
from refimpl.arrays.backend import like

ACTIVATIONS = ("tanh", "identity", "relu")
ANALYTIC = ("tanh", "identity")
NETWORKS = ("two-layer", "deep 1", "deep 2", "deep 3")
KEEPS = (0.1, 0.5, 0.9, 1.0)


def network(kind, activation="tanh", inputs=2, outputs=2, width=4):
    """Network of one of the kinds of `NETWORKS`."""
    if kind == "two-layer":
        return refimpl.TwoLayer(inputs, width, outputs, activation)
    hidden = {"deep 1": (width,), "deep 2": (3, width), "deep 3": (3, 2, width)}[kind]
    return refimpl.Deep((inputs, *hidden, outputs), activation)


def problem(
    net="two-layer",
    activation="tanh",
    outputs=2,
    n=3,
    loss="mse",
    inputs=2,
    width=4,
    replicas=(),
    own_data=False,
    seed=0,
    xp=np,
):
    """A risk on normal data, and normal θ: the same for the same arguments.

    Parameters
    ----------
    net : one of `NETWORKS`, or a network
        Of a network the sizes and the activation are its own.
    replicas : tuple of int
        Leading axes of θ.
    own_data : bool
        Whether the data have these axes too.
    xp : array module
        In which all arrays are.

    Returns
    -------
    risk : Risk
    theta : (*replicas, P)
        Of standard deviation 0.7. The biases of hidden layers are about 1, so that most
        ReLU neurons are active.
    """
    if isinstance(net, str):
        net = network(net, activation, inputs, outputs, width)
    sizes = net.inputs, *net.hidden, net.outputs, n, *replicas
    rng = np.random.default_rng([seed, *sizes])
    theta = 0.7 * rng.standard_normal((*replicas, net.size))
    for layer in range(len(net.hidden)):
        arrays(net, theta)[2 * layer + 1][...] += 1
    lead = replicas if own_data else ()
    X = rng.standard_normal((*lead, n, net.inputs))
    Y = rng.standard_normal((*lead, n, net.outputs))
    if loss == "cross_entropy":
        Y = np.eye(net.outputs)[Y.argmax(axis=-1)]
    return refimpl.Risk(net, xp.asarray(X), xp.asarray(Y), loss), xp.asarray(theta)


def arrays(net, theta):
    """Every parameter array, layer by layer, as views of θ."""
    parts = net.unpack(theta)
    if isinstance(net, refimpl.Deep):
        return [array for layer in parts for array in layer]
    return list(parts)


def direction(theta):
    """A direction for each θ."""
    return like(np.random.default_rng(1).standard_normal(theta.shape), theta)


def noise(risk, per_sample=True, layers="last", samples=()):
    """Dropout noise for the samples of `risk` that keeps 0.7."""
    drop = refimpl.Dropout(0.7, per_sample, layers)
    eta = drop.draw(risk.net, risk.n, np.random.default_rng(2), samples)
    if layers == "all":
        return tuple(like(one, risk.X) for one in eta)
    return like(eta, risk.X)


def risk(net, rng, n=3, loss="mse"):
    """Risk of `net` on `n` samples drawn from `rng`."""
    X = rng.standard_normal((n, net.inputs))
    if loss == "mse":
        return refimpl.Risk(net, X, rng.standard_normal((n, net.outputs)))
    return refimpl.Risk(net, X, rng.integers(0, net.outputs, n), loss=loss)
