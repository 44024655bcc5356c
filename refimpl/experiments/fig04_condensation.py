"""Dropout condenses the input weights (Figure 4).

The paper's networks of width 1000, two-layer and three-layer tanh, on its 15 points
that match tanh(x − 6) + tanh(x + 6), trained without dropout (p = 1) and with it
(p = 0.9, after every hidden layer, one mask per sample); and the two-layer network with
ReLU, which is ours.
"""

from dataclasses import dataclass

import numpy as np

from refimpl.core.deep import Deep
from refimpl.core.dropout import Dropout
from refimpl.core.optimizers import Adam
from refimpl.core.risk import Risk
from refimpl.core.two_layer import TwoLayer
from refimpl.data.datasets import tanh_pair
from refimpl.experiments.common import features, style
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.framework import Claim
from refimpl.experiments.common.statistics import paired

CASES = {
    "two": "two-layer tanh",
    "three": "three-layer tanh",
    "relu": "two-layer ReLU",
}
KEEPS = (1.0, 0.9)


@dataclass(frozen=True)
class Config:
    """The paper gives width, points, keep, activation and learning rate 1e-3; the
    optimiser, the initialisation and the number of steps are ours.

    Adam, as plain gradient descent needs many times the steps. Two-layer: every
    parameter N(0, m^−0.2), the linear regime. Three-layer: W and b of the first layer
    N(0, first_std²), the others N(0, 1/m), which keeps the second layer out of
    saturation. A step of the three-layer network costs forty times one of the two-layer
    network at the same width, so the default takes half the width and a learning rate
    of 5e-3 there, with which the weights condense within thousands of steps; ``paper``
    keeps 1000 and 1e-3. Without dropout that learning rate turns weights too, and more
    so the narrower the network.
    """

    width: int = 1000
    width_three: int = 500
    seeds: int = 5
    steps: int = 60_000
    steps_three: int = 10_000
    rate: float = 1e-3
    rate_three: float = 5e-3
    first_std: float = 0.3


PRESETS = {
    "quick": Config(
        width=100,
        width_three=100,
        seeds=3,
        steps=14_000,
        steps_three=5_000,
        rate_three=5e-3,
        first_std=0.5,
    ),
    "default": Config(),
    "paper": Config(
        width_three=1000, steps=200_000, steps_three=30_000, rate_three=1e-3, seeds=5
    ),
}
PAPER_SETTINGS = {"width": 1000, "width_three": 1000, "rate": 1e-3, "rate_three": 1e-3}
CAPTIONS = {
    f"fig04_{case}": (
        f"The {label} network. (a), (b) Its output without dropout and with it, and "
        "the training points. (c), (d) Amplitude against orientation of each neuron of "
        "the first hidden layer, at the start and after training, without dropout and "
        "with it. (e) Orientations that carry 90% of the amplitude, all seeds."
    )
    for case, label in CASES.items()
}


def _claims(case, name):
    return (
        Claim(
            f"fig04-{case}-condenses",
            f"With dropout the input weights of the {name} network lie on fewer "
            "orientations than without.",
            "this project" if case == "relu" else "Figure 4",
            f"{features.COUNT}: mean over seeds of p=1 minus p=0.9, paired; the 95% "
            "interval is above 0",
        ),
        Claim(
            f"fig04-{case}-few-lines",
            f"With dropout the features of the {name} network lie on a few lines: the "
            "paper shows two directions and their opposites.",
            "this project" if case == "relu" else "Figure 4",
            f"{features.COUNT} at p=0.9, largest over seeds; at most {features.FEW}",
        ),
        Claim(
            f"fig04-{case}-without",
            f"Without dropout the orientations of the {name} network stay as spread as "
            "at initialisation.",
            "this project" if case == "relu" else "Figure 4",
            f"{features.COUNT}: mean over seeds of trained minus initial at p=1; at "
            "least −1",
        ),
        Claim(
            f"fig04-{case}-smooth",
            f"The output of the {name} network oscillates without dropout and is "
            "smooth with it.",
            "this project" if case == "relu" else "Figure 4",
            "total variation of the output on [−12, 12] (the target's is 4): mean over "
            "seeds of p=1 minus p=0.9, paired; the 95% interval is above 0",
        ),
    )


CLAIMS = tuple(claim for item in CASES.items() for claim in _claims(*item))


def setting(config, case):
    """Network, init std, steps and learning rate of one of `CASES`."""
    if case == "three":
        m = config.width_three
        net, std = Deep((1, m, m, 1), "tanh"), (config.first_std, m**-0.5, m**-0.5)
        return net, std, config.steps_three, config.rate_three
    net = TwoLayer(1, config.width, activation="relu" if case == "relu" else "tanh")
    return net, features.linear_regime(config.width), config.steps, config.rate


def run(config, context):
    """Train the networks with and without dropout.

    Returns
    -------
    arrays : dict
        For each case, with K keep probabilities and S seeds: ``output`` (K, S, G) on
        the grid, ``weights`` (2, K, S, m, 2) and ``amplitude`` (2, K, S, m) of the
        first hidden layer, initial and trained, ``count`` (2, K, S) of orientations,
        ``loss`` (K, S).
    """
    X, Y = tanh_pair()
    seeds = context.seeds(config.seeds)
    tasks = []
    for case in CASES:
        # Small networks share one set of array operations; large ones fill a core.
        groups = [[seed] for seed in seeds] if case == "three" else [seeds]
        tasks += [(case, keep, *group) for keep in KEEPS for group in groups]
    parts = dict(zip(tasks, context.runs(trained, config, tasks, "Figure 4")))
    arrays = {"seeds": np.array(seeds), "x": X, "y": Y, "grid": features.GRID}
    for case in CASES:
        rows = [  # the groups of one keep probability, joined along the seeds
            {
                name: np.concatenate([parts[t][name] for t in tasks if t[:2] == key])
                for name in parts[tasks[0]]
            }
            for key in [(case, keep) for keep in KEEPS]
        ]
        for name, values in stacked(rows).items():
            if name in ("weights", "amplitude", "count"):
                values = np.moveaxis(values, 2, 0)
            arrays[f"{case}_{name}"] = values
    return arrays


def trained(config, context, case, keep, *seeds):
    """Networks of one case and keep probability; seeds (S, ...) first."""
    X, Y = tanh_pair()
    net, std, steps, rate = setting(config, case)
    risk = Risk(net, X, Y)
    start = features.start(net, std, context, seeds, f"init {case}")
    theta = context.train(
        risk,
        start,
        Adam(rate),
        steps,
        Dropout(keep, per_sample=True, layers="all") if keep < 1 else None,
        rng=features.noise(context, seeds, f"noise {case}"),
    ).theta
    both = np.stack([start, theta], axis=1)  # (S, 2, P)
    weights, sizes = features.features(net, both, X)
    return {
        "weights": weights,
        "amplitude": sizes,
        "count": features.orientations(net, both, X),
        "output": features.outputs(net, theta, features.GRID),
        "loss": risk(theta),
    }


def check(arrays):
    """Results of `CLAIMS`."""
    results = []
    for case in CASES:
        fewer, few, spread, smooth = (c for c in CLAIMS if f"-{case}-" in c.id)
        initial, final = arrays[f"{case}_count"]  # (K, S)
        variation = features.total_variation(arrays[f"{case}_output"])  # (K, S)
        effect = paired(final[0] - final[1])
        detail = f"by seed: p=1 {final[0].tolist()}, p=0.9 {final[1].tolist()}"
        passed = effect.interval[0] > 0
        results.append(fewer.result(passed, effect.mean, effect.interval, None, detail))
        results.append(few.result(final[1].max() <= features.FEW, final[1].max()))
        change = paired(final[0] - initial[0])
        results.append(spread.result(change.mean >= -1, change.mean, change.interval))
        effect = paired(variation[0] - variation[1])
        detail = f"mean total variation: p=1 {variation[0].mean():.2f}, "
        detail += f"p=0.9 {variation[1].mean():.2f}"
        passed = effect.interval[0] > 0
        results.append(
            smooth.result(passed, effect.mean, effect.interval, None, detail)
        )
    return results


def plot(arrays):
    """Figure 4 of each network for the first seed: outputs, and features."""
    return {f"fig04_{case}": plot_case(arrays, case) for case in CASES}


def plot_case(arrays, case):
    """The paper's panels, outputs and features of p = 1 and p = 0.9; all seeds."""
    figure, axes = style.figure(
        1, 5, width=13.0, height=2.6, width_ratios=[1, 1, 1, 1, 0.6]
    )
    for k, keep in enumerate(KEEPS):
        output = arrays[f"{case}_output"][k, 0]
        panel = axes[0, k]
        features.plot_output(panel, arrays["grid"], output, arrays["x"], arrays["y"])
        panel.set(title=f"p = {keep:g}, output", ylim=(-3, 3))
        stages = {
            stage: (
                arrays[f"{case}_weights"][when, k, 0],
                arrays[f"{case}_amplitude"][when, k, 0],
            )
            for when, stage in enumerate(("initial", "trained"))
        }
        features.plot_features(axes[0, 2 + k], stages, title=f"p = {keep:g}, features")
    panel = axes[0, 4]
    for when, (color, stage) in enumerate(zip((style.SKY, style.RED), stages)):
        for k, counts in enumerate(arrays[f"{case}_count"][when]):  # (S,)
            seeds = np.linspace(-0.15, 0.15, len(counts))
            name = stage if k == 0 else None
            panel.plot(k + seeds, counts, "o", color=color, ms=3, label=name)
    panel.set(
        title="orientations, all seeds",
        xlim=(-0.5, 1.5),
        xticks=range(len(KEEPS)),
        xticklabels=[f"p = {keep:g}" for keep in KEEPS],
    )
    panel.set_ylim(bottom=0)
    panel.legend(loc="upper left", bbox_to_anchor=(1, 1))
    axes[0, 0].legend(loc="upper left")
    style.letter(axes)
    m = arrays[f"{case}_weights"].shape[-2]
    figure.suptitle(f"{CASES[case]} network, width {m}, seed 0", fontsize=9)
    return figure
