"""Random problems small enough for oracles, as data."""

import refimpl

ACTIVATIONS = ("tanh", "identity", "relu")
ANALYTIC = ("tanh", "identity")
NETWORKS = ("two-layer", "deep 1", "deep 2", "deep 3")
KEEPS = (0.1, 0.5, 0.9, 1.0)


def network(kind, activation, inputs=2, outputs=2, width=4):
    """Network of one of the kinds of `NETWORKS`."""
    if kind == "two-layer":
        return refimpl.TwoLayer(inputs, width, outputs, activation)
    hidden = {"deep 1": (width,), "deep 2": (3, width), "deep 3": (3, 2, width)}[kind]
    return refimpl.Deep((inputs, *hidden, outputs), activation)


def risk(net, rng, n=3, loss="mse", lead=()):
    """Risk of `net` on `n` random samples."""
    X = rng.standard_normal((*lead, n, net.inputs))
    if loss == "mse":
        return refimpl.Risk(net, X, rng.standard_normal((*lead, n, net.outputs)))
    labels = rng.integers(0, net.outputs, n)
    return refimpl.Risk(net, X, labels, loss=loss)


def noise(net, n, rng, layers="last", per_sample=True, samples=()):
    """Dropout noise that keeps 0.7."""
    drop = refimpl.Dropout(0.7, per_sample=per_sample, layers=layers)
    return drop.draw(net, n, rng, samples)
