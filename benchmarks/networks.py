"""The networks and data of all rows."""

import numpy as np

import refimpl

SMALL = (1, 1000, 1)
LARGE = (784, 1000, 10)
MIDDLE = (784, 200, 10)
KEEP = 0.9


def problem(widths, samples, replicas=1):
    """R_S of a two-layer tanh network, and θ (R, P) in float32.

    One input: the function of Figure 4. More: random images and labels.
    """
    inputs, width, outputs = widths
    net, rng = refimpl.TwoLayer(inputs, width, outputs), np.random.default_rng(0)
    if inputs == 1:
        X, Y = refimpl.datasets.tanh_pair(samples)
    else:
        X = rng.random((samples, inputs))
        Y = np.eye(outputs)[rng.integers(outputs, size=samples)]
    rngs = [np.random.default_rng(seed) for seed in range(replicas)]
    std = width**-0.5 if inputs == 1 else inputs**-0.5 / 2
    return refimpl.Risk(net, X, Y), net.init(rngs, std=std).astype(np.float32)


def trained(widths, samples):
    """R_S, and θ (P,) after some steps of Adam: where curvature is looked at."""
    risk, (theta,) = problem(widths, samples)
    steps = 500 if widths[0] == 1 else 5
    return risk, refimpl.train(risk, theta, refimpl.Adam(1e-3), steps).theta


def text(widths, samples):
    """How a row names a network."""
    return f"{'-'.join(map(str, widths))}, n={samples}"


def with_length(found):
    """A value and a gradient as two numbers: the value, the gradient's length."""
    value, gradient = found
    return float(value), float(np.linalg.norm(gradient))
