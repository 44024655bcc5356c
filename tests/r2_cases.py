"""Random problems for R_2, and R_2 by its definition: the mean over all masks."""

import itertools

import numpy as np

import refimpl

NETS = ["TwoLayer", "Deep"]
EPSILON = 0.3
# keep ½ is left out of the exact cases: there p = 1 − p and the third moment is 0.
CASES = list(
    itertools.product(
        ["tanh", "relu", "identity"],
        [1, 3],  # outputs
        [0.3, 0.6, 0.9],  # keep
        [(3, 3, 1), (2, 4, 2)],  # n, m, d
    )
)


def problem(activation="tanh", outputs=2, sizes=(3, 3, 2), net="TwoLayer", seed=0):
    """A random risk, and θ whose ReLU neurons are mostly active."""
    n, m, d = sizes
    rng = np.random.default_rng([seed, n, m, d, outputs])
    if net == "TwoLayer":
        net = refimpl.TwoLayer(d, m, outputs, activation)
        theta = net.init(rng, std=0.8)
        biases = [net.unpack(theta)[1]]
    else:
        net = refimpl.Deep((d, 3, m, outputs), activation)
        theta = net.init(rng, std=0.8)
        biases = [b for _, b in net.unpack(theta)]
    for b in biases:  # views of theta
        b += 0.5
    X, Y = rng.standard_normal((n, d)), rng.standard_normal((n, outputs))
    return refimpl.Risk(net, X, Y), theta


def mean_over_masks(fn, risk, drop):
    return refimpl.expectation(fn, drop, risk.net, risk.n).mean


def enumerated(risk, theta, drop):
    """R_2 by its definition: the mean over all masks."""

    def squared_norm(eta):
        return (risk.gradient(theta, eta) ** 2).sum(axis=-1)

    return 0.25 * EPSILON * mean_over_masks(squared_norm, risk, drop)


def enumerated_gradient(risk, theta, drop):
    """(ε/2) E H g, the mean over all masks."""

    def product(eta):
        return risk.hvp(theta, risk.gradient(theta, eta), eta)

    return 0.5 * EPSILON * mean_over_masks(product, risk, drop)
