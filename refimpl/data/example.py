"""The smallest problem, for the examples in docstrings.

One linear neuron, f(x) = a (w x + b) at w = 1, b = 0, a = 3, and one sample, x = 2 with
the target 0: f(2) = 6.
"""

from refimpl.core.risk import Risk
from refimpl.core.two_layer import TwoLayer

net = TwoLayer(inputs=1, width=1, activation="identity")
theta = net.pack(W=[[1.0]], b=[0.0], A=[[3.0]])
risk = Risk(net, X=[[2.0]], Y=[[0.0]])
