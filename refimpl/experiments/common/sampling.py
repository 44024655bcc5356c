"""Sample sizes, and the network on which masks are sampled."""

import numpy as np

from refimpl import Risk, TwoLayer
from refimpl.data import tanh_pair


def doublings(limit):
    """1, 2, 4, ... up to `limit`: sample sizes at which a mean is looked at."""
    return 2 ** np.arange(0, int(np.log2(limit)) + 1)


def figure_4(context, width, seed):
    """R_S of Figure 4's two-layer network and θ ~ N(0, m^−0.5), in float64."""
    net = TwoLayer(1, width)
    theta = context.put(net.init(context.rng("init", seed), std=width**-0.25))
    return Risk(net, *tanh_pair()), theta
