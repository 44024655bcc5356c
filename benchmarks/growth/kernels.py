"""What is timed: the kernels that every experiment is made of, by size."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import refimpl
from benchmarks.networks import problem
from refimpl.fast.enumeration import mean_over_masks
from refimpl.fast.hessian_at import hessian_at

KEEP = 0.9
STEPS = 4  # of training in a run


@dataclass(frozen=True)
class Axis:
    """A size that grows while the others stay.

    Attributes
    ----------
    name : str
    sizes : tuple of int
        Ascending.
    fitted : int
        How many of the largest the exponent is fitted to.
    expected : float
        The exponent by counting operations.
    others : dict
        The sizes that stay, where they are not the kernel's own.
    """

    name: str
    sizes: tuple
    fitted: int
    expected: float = 1
    others: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Kernel:
    """A piece of work by its size: ``at(n=..., ...)`` makes a function to be timed."""

    name: str
    at: Callable[..., Any]
    axes: tuple


def powers(first, last):
    """2^first to 2^last."""
    return tuple(2**k for k in range(first, last + 1))


def case(n, m, replicas=None):
    """Risk of 1-m-1 and θ, of one network or of replicas."""
    net, X, Y, theta = problem((1, m, 1), n, replicas or 1)
    return refimpl.Risk(net, X, Y), theta if replicas else theta[0]


def step(make, dropout):
    """Steps of Adam on an objective of R_S."""

    def at(n=64, m=1024, replicas=None):
        risk, theta = case(n, m, replicas)
        objective, rng = make(risk), np.random.default_rng(0)
        if replicas:
            rng = [np.random.default_rng(seed) for seed in range(replicas)]
        rule, drop = refimpl.Adam(1e-3), refimpl.Dropout(KEEP) if dropout else None
        return lambda: refimpl.train(objective, theta, rule, STEPS, drop, rng=rng)

    return at


def r2(per_sample):
    """R_2 and its gradient."""

    def at(n=64, m=1024, replicas=None):
        risk, theta = case(n, m, replicas)
        drop = refimpl.Dropout(KEEP, per_sample=per_sample)

        def run():
            refimpl.R2(risk, theta, drop, 0.01)
            refimpl.R2_gradient(risk, theta, drop, 0.01)

        return run

    return at


def hessian_product(n=64, m=1024, products=16):
    """A Hessian times some vectors, set-up included."""
    risk, theta = case(n, m)
    v = np.random.default_rng(0).standard_normal((products, theta.size))
    v = v.astype(theta.dtype)

    def run():
        product = hessian_at(risk, theta)
        for row in v:
            product(row)

    return run


def enumeration(n=64, masks=2**14):
    """The mean of R_S^drop and of its gradient over all masks."""
    risk, theta = case(n, masks.bit_length() - 1)
    drop = refimpl.Dropout(KEEP, per_sample=False)
    return lambda: mean_over_masks(risk, theta, drop)


def monte_carlo(n=64, m=256, masks=64):
    """Mean of the gradient of R_S^drop over random masks."""
    risk, theta = case(n, m)
    drop, rng = refimpl.Dropout(KEEP), np.random.default_rng(0)

    def gradient(eta):
        return risk.gradient(theta, eta)

    how = "monte_carlo", masks, rng
    return lambda: refimpl.expectation(gradient, drop, risk.net, risk.n, *how)


SAMPLES, NEURONS = Axis("n", powers(4, 12), 5), Axis("m", powers(8, 16), 5)
REPLICAS = Axis("replicas", powers(0, 7), 6)
R2_SAMPLES, R2_NEURONS = Axis("n", powers(4, 11), 5), Axis("m", powers(7, 14), 5)
KERNELS = (
    Kernel("dropout step", step(lambda risk: risk, True), (SAMPLES, NEURONS, REPLICAS)),
    Kernel(
        "R_S + R_1 step",
        step(lambda risk: refimpl.L1(risk, KEEP), False),
        (SAMPLES, NEURONS, REPLICAS),
    ),
    Kernel("R_2, a mask per sample", r2(True), (R2_SAMPLES, R2_NEURONS, REPLICAS)),
    Kernel(
        "R_2, one mask for all",
        r2(False),
        (Axis("n", powers(5, 12), 4, 2, {"m": 256}), R2_NEURONS, REPLICAS),
    ),
    Kernel(
        "Hessian product",
        hessian_product,
        (Axis("n", powers(5, 12), 4, 1, {"m": 256}), Axis("m", powers(7, 14), 4)),
    ),
    Kernel(
        "enumeration",
        enumeration,
        (Axis("n", powers(4, 11), 6), Axis("masks", powers(10, 18), 6)),
    ),
    Kernel(
        "Monte-Carlo gradient",
        monte_carlo,
        (
            Axis("n", powers(4, 10), 5),
            Axis("m", powers(6, 12), 5),
            Axis("masks", powers(2, 10), 6),
        ),
    ),
)
