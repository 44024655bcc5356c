"""Steps of gradient descent with dropout of a convolutional network."""

import numpy as np

import refimpl
from benchmarks.networks import KEEP
from benchmarks.rows import Row, Side

IMAGE, CHANNELS, HIDDEN, OUTPUTS, SAMPLES = (1, 28, 28), (16, 32), 64, 10, 1000
RATE, STEPS = 1e-2, 2


def problem():
    """R_S of random images and labels, and θ (P,), in float32."""
    net = refimpl.Convolutional(IMAGE, CHANNELS, HIDDEN, OUTPUTS)
    rng = np.random.default_rng(0)
    X = rng.random((SAMPLES, net.inputs))
    Y = np.eye(OUTPUTS)[rng.integers(OUTPUTS, size=SAMPLES)]
    return refimpl.Risk(net, X, Y), net.init(rng).astype(np.float32)


def ours():
    """By `refimpl.train`; R_S at the end."""
    risk, theta = problem()
    drop, rule = refimpl.Dropout(KEEP, per_sample=True), refimpl.GD(RATE)

    def work():
        rng = np.random.default_rng(0)
        return refimpl.train(risk, theta, rule, STEPS, drop, rng=rng)

    return Side(work, lambda ran: float(risk(ran.theta)), scale=1 / STEPS)


def model(net, theta):
    """The network in PyTorch, from our θ: filters and pixels in its order."""
    import torch
    from torch import nn

    from benchmarks.pytorch import tensor

    layers, c = [nn.Unflatten(1, IMAGE)], IMAGE[0]
    for filters in CHANNELS:
        layers += [nn.Conv2d(c, filters, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2)]
        c = filters
    pixels = (IMAGE[1] // 4) * (IMAGE[2] // 4)
    dense = [nn.Linear(c * pixels, HIDDEN), nn.ReLU(), nn.Dropout(1 - KEEP)]
    made = nn.Sequential(*layers, nn.Flatten(), *dense, nn.Linear(HIDDEN, OUTPUTS))
    own = [m for m in made if isinstance(m, (nn.Conv2d, nn.Linear))]
    with torch.no_grad():
        for number, (module, (W, b)) in enumerate(zip(own, net.unpack(theta))):
            if isinstance(module, nn.Conv2d):
                W = W.reshape(len(W), 3, 3, -1).transpose(0, 3, 1, 2)
            elif number == len(CHANNELS):
                W = W.reshape(len(W), pixels, c).swapaxes(1, 2).reshape(len(W), -1)
            module.weight.data, module.bias.data = tensor(W), tensor(b)
    return made


def eager():
    """By PyTorch, operation by operation."""
    import torch

    from benchmarks.pytorch import half_mse, tensor

    risk, theta = problem()
    X, Y = tensor(risk.X), tensor(risk.Y)

    def work():
        torch.manual_seed(0)
        net = model(risk.net, theta).train()
        optimizer = torch.optim.SGD(net.parameters(), RATE)
        for _ in range(STEPS):
            optimizer.zero_grad(set_to_none=True)
            half_mse(net(X), Y).backward()
            optimizer.step()
        return net

    def loss(net):
        with torch.no_grad():
            return float(half_mse(net.eval()(X), Y))

    return Side(work, loss, scale=1 / STEPS)


NAME = f"dropout, convolutional 1x28x28, channels 16-32, n={SAMPLES}, GD"
ROWS = (Row(NAME, "loss", ours, {"eager": eager}, {"eager": 1.0}),)
