"""Cases of R_2, and R_2 by its definition: the mean over all masks."""

import itertools

import refimpl

NETS = ["two-layer", "deep 2"]
EPSILON = 0.3
# keep ½ is left out of the exact cases: there p = 1 − p and the third moment is 0.
CASES = list(
    itertools.product(
        ["tanh", "relu", "identity"],
        [1, 3],  # outputs
        [0.3, 0.6, 0.9],  # keep
        [{"n": 3, "width": 3, "inputs": 1}, {"n": 2}],
    )
)


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
