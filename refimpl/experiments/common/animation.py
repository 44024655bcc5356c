"""Figure 4 as it happens, what is kept of it; `film` draws it.

The two-layer network of the first seed is trained with several keep probabilities; at
every look some of its neurons and its output are kept.
"""

import numpy as np

from refimpl import Adam, Risk, angle
from refimpl.data import tanh_pair
from refimpl.experiments.common import features

KEEPS = (1.0, 0.95, 0.9, 0.8, 0.7)
LOOKS, NEURONS, GRID = 25, 300, features.GRID[::4]


def computed(context, setting):
    """Arrays of the film; `setting` is (network, init std, steps, learning rate)."""
    seed = context.seeds(1)[0]
    label = "Figure 4, the film"
    found = context.grid(filmed, setting, label, KEEPS, seeds=[seed])
    found["steps"] = looks(setting[2])
    return {f"film_{name}": array for name, array in found.items()}


def looks(steps):
    """Steps of the snapshots: few early ones, as much happens then, and evenly."""
    early, late = features.early_looks(steps, 500, 8), features.looks(steps, LOOKS)
    return np.unique(np.concatenate([early, late]))


def filmed(setting, context, keep, seed):
    """Network of one keep probability at every look."""
    net, std, steps, rate = setting
    risk = Risk(net, *tanh_pair())
    history = context.train(
        risk,
        features.start(net, std, context, [seed], "init film"),
        Adam(rate),
        steps,
        features.dropout(keep, "all"),
        rng=features.noise(context, [seed], "noise film"),
        snapshots=looks(steps),
    )
    thetas = np.stack([theta[0] for theta in history.snapshots])  # (T, P)
    weights, sizes = features.features(net, thetas, risk.X)
    return {
        "angle": angle(weights)[:, :NEURONS],
        "size": (sizes / sizes.max(axis=-1, keepdims=True))[:, :NEURONS],
        "count": features.orientations(net, thetas, risk.X, features.FINE),
        "output": features.outputs(net, thetas, GRID),
    }
