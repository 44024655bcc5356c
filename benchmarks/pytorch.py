"""The networks and data in PyTorch."""

import numpy as np
import torch


class TwoLayer(torch.nn.Module):
    """A two-layer tanh network that starts from our θ."""

    def __init__(self, net, theta):
        super().__init__()
        (width,) = net.hidden
        self.hidden = torch.nn.Linear(net.inputs, width)
        self.output = torch.nn.Linear(width, net.outputs, bias=False)
        for parameter, values in zip(self.parameters(), net.unpack(theta)):
            parameter.data = tensor(values)

    def forward(self, X, mask=None):
        h = torch.tanh(self.hidden(X))
        return self.output(h if mask is None else h * mask)


def tensor(array):
    """In float32, with the memory of its own."""
    return torch.tensor(np.ascontiguousarray(array), dtype=torch.float32)


def in_pytorch(risk, theta):
    """The network of `risk` at θ (P,), X and Y."""
    return TwoLayer(risk.net, theta), tensor(risk.X), tensor(risk.Y)


def half_mse(F, Y):
    """R_S of the outputs F, with the paper's ½."""
    return 0.5 * ((F - Y) ** 2).sum(1).mean()
