"""Figure 4 as it happens, what is kept of it; `film` draws it.

The two-layer network of the first seed is trained with several keep probabilities; at
every look some of its neurons and its output are kept.
"""

import numpy as np

from refimpl import Adam, Dropout, Risk, angle
from refimpl.arrays.backend import get_xp
from refimpl.data import tanh_pair
from refimpl.experiments.common import features

KEEPS = (1.0, 0.95, 0.9, 0.8, 0.7)
SNAPSHOTS, NEURONS, GRID = 25, 300, features.GRID[::4]


def computed(context, setting):
    """Arrays of the film; `setting` is (network, init std, steps, learning rate)."""
    seed = context.seeds[0]
    (found,) = context.runs(filmed, setting, [(seed,)], "Figure 4, the film")
    found = found | {"steps": snapshot_steps(setting[2])}
    return {f"film_{name}": array for name, array in found.items()}


def snapshot_steps(steps):
    """Steps of the snapshots: few early ones, as much happens then, and evenly."""
    early = features.evenly_in_log(steps, 500, 8)
    late = features.evenly(steps, SNAPSHOTS)
    return np.unique(np.concatenate([early, late]))


def filmed(setting, context, seed):
    """The networks of all keep probabilities, from one start, at every look."""
    net, std, steps, rate = setting
    risk, same = Risk(net, *tanh_pair()), [seed] * len(KEEPS)
    history = context.train(
        risk,
        features.start(net, std, context, same, "init film"),
        Adam(rate),
        steps,
        Dropout(np.array(KEEPS), per_sample=True, layers="all"),
        rng=context.noise("noise film", same),
        snapshots=snapshot_steps(steps),
    )
    thetas = get_xp(history.theta).stack(history.snapshots, axis=1)  # (K, T, P)
    weights, sizes = features.features(net, thetas, risk.X)
    return {
        "angle": angle(weights)[..., :NEURONS],
        "size": (sizes / sizes.max(axis=-1, keepdims=True))[..., :NEURONS],
        "count": features.orientations(net, thetas, risk.X, features.FINE),
        "output": features.outputs(net, thetas, GRID),
    }
