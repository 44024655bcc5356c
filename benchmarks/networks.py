"""The networks and data of all rows, for NumPy and for PyTorch."""

import numpy as np

import refimpl
from refimpl.data.datasets import tanh_pair

SMALL = (1, 1000, 1)
LARGE = (784, 1000, 10)
MIDDLE = (784, 200, 10)


def problem(widths, samples, replicas=1):
    """A two-layer tanh network, X, Y, and θ (R, P) in float32.

    One input: the function of Figure 4. More: random images and labels.
    """
    inputs, width, outputs = widths
    net = refimpl.TwoLayer(inputs, width, outputs)
    rng = np.random.default_rng(0)
    if inputs == 1:
        X, Y = tanh_pair(samples)
    else:
        X = rng.random((samples, inputs))
        Y = np.eye(outputs)[rng.integers(outputs, size=samples)]
    rngs = [np.random.default_rng(seed) for seed in range(replicas)]
    std = width**-0.5 if inputs == 1 else inputs**-0.5 / 2
    return net, X, Y, net.init(rngs, std=std).astype(np.float32)


def trained(widths, samples, steps=500):
    """Risk and θ (P,) after some steps of Adam: where curvature is looked at."""
    net, X, Y, (theta,) = problem(widths, samples)
    risk = refimpl.Risk(net, X, Y)
    return risk, refimpl.train(risk, theta, refimpl.Adam(1e-3), steps).theta


def text(widths, samples):
    """How a row names a network."""
    return f"{'-'.join(map(str, widths))}, n={samples}"


def torch_model(risk, theta):
    """The same network as a PyTorch module, and X and Y as tensors."""
    import torch

    net = risk.net
    (width,) = net.hidden
    model = torch.nn.Sequential(
        torch.nn.Linear(net.inputs, width),
        torch.nn.Tanh(),
        torch.nn.Linear(width, net.outputs, bias=False),
    )
    with torch.no_grad():
        for parameter, values in zip(model.parameters(), net.unpack(theta)):
            parameter.copy_(torch.tensor(np.ascontiguousarray(values)))
    X, Y = (torch.tensor(a, dtype=torch.float32) for a in (risk.X, risk.Y))
    return model, X, Y


def torch_risk(F, Y):
    """R_S of the outputs F, with the paper's ½."""
    return 0.5 * ((F - Y) ** 2).sum(1).mean()
