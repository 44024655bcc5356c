"""Dropout condenses the input weights (Figure 4).

The paper's networks of width 1000, two-layer and three-layer tanh, on its 15 points
that match tanh(x − 6) + tanh(x + 6), trained without dropout (p = 1) and with it
(p = 0.9, after every hidden layer, one mask per sample); and the two-layer network with
ReLU, which is ours.
"""

from dataclasses import dataclass

import numpy as np

from refimpl import Adam, Deep, Risk, TwoLayer
from refimpl.data import tanh_pair
from refimpl.experiments.common import animation, condensed, features, panels, style
from refimpl.experiments.common.claims import Claim, above, decided
from refimpl.experiments.common.looks import listed
from refimpl.experiments.common.statistics import paired

CASES = {
    "two": "two-layer tanh",
    "three": "three-layer tanh",
    "relu": "two-layer ReLU",
}
KEEPS = (1.0, 0.9)
LOOKS = 20


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
    keeps 1000 and 1e-3.
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
        first_std=0.5,
    ),
    "default": Config(),
    "paper": Config(
        width_three=1000, steps=200_000, steps_three=30_000, rate_three=1e-3
    ),
}
PAPER_SETTINGS = {"width": 1000, "width_three": 1000, "rate": 1e-3, "rate_three": 1e-3}
CAPTIONS = {
    f"fig04_{case}": (
        f"The {label} network, without dropout and with it. {panels.TRAININGS}"
    )
    for case, label in CASES.items()
}

EXPLORED = {
    "two": "Adam and the initialisation are those of a trial in which the panels came "
    "out as the paper prints them.",
    "three": "Width, initialisation, learning rate and steps of the default were set "
    "by trial so that the weights condense within a run.",
}
NOTES = {
    ("three", "few-lines"): "At the paper's learning rate the first layer is still on "
    "its way to few orientations after the 30,000 steps of the paper preset.",
    ("three", "without"): "A few of the three-layer network's orientations gather "
    "without dropout too, at the paper's learning rate and at the default's.",
    ("relu", "without"): "The mean change is less than one orientation; with five "
    "seeds its interval is more than one wide and can reach −1.",
}


MEASURES = (
    (
        "condenses",
        "With dropout the input weights of the {} network on Figure 4's points lie on "
        "fewer orientations than without.",
        f"{condensed.COUNT}, p=1 minus p=0.9, mean over seeds, paired",
        above(0),
    ),
    (
        "few-lines",
        "With dropout the features of the {} network on Figure 4's points lie on a few "
        "lines: the paper shows two directions and their opposites.",
        f"{condensed.MEDIAN}, at p=0.9",
        condensed.FEW,
    ),
    (
        "without",
        "Without dropout the orientations of the {} network on Figure 4's points stay "
        "as spread as at initialisation.",
        f"{condensed.CHANGE}, at p=1",
        condensed.KEPT,
    ),
    (
        "smooth",
        "On Figure 4's points the output of the {} network oscillates without dropout "
        "and is smooth with it.",
        "total variation of the output on [−12, 12] (the target's is 4), p=1 minus "
        "p=0.9, mean over seeds, paired",
        above(0),
    ),
)


def _claim(case, measure, statement, quantity, rule):
    source, origin = ("Figure 4", "paper")
    if case == "relu":
        source, origin = ("this project", "project")
    statement, note = statement.format(CASES[case]), NOTES.get((case, measure), "")
    anchor, name = "figure-4" if note else "", f"fig04-{case}-{measure}"
    words = (origin, note, anchor, EXPLORED.get(case, ""))
    return Claim(name, statement, source, quantity, rule, *words)


CLAIMS = tuple(_claim(case, *one) for case in CASES for one in MEASURES)


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
        For each case ``{case}_steps`` (T,) and what `features.record` keeps, with 2
        keep probabilities first: ``{case}_count`` (2, S, T) and so on.
    """
    seeds = context.seeds(config.seeds)
    # Small networks share one set of array operations; large ones fill a core.
    alone = [(seed,) for seed in seeds]
    groups = {"two": [tuple(seeds)], "three": alone, "relu": [tuple(seeds)]}
    arrays = features.fixed(seeds)
    for case in CASES:
        axes = ([case], KEEPS, groups[case])
        found = context.grid(trained, config, f"Figure 4, {CASES[case]}", *axes)
        arrays[f"{case}_steps"] = features.looks(setting(config, case)[2], LOOKS)
        for name, values in found.items():  # (1, 2, groups, seeds of a group, ...)
            joined = values.reshape(len(KEEPS), len(seeds), *values.shape[4:])
            arrays[f"{case}_{name}"] = joined
    return arrays | animation.computed(context, setting(config, "two"))


def trained(config, context, case, keep, *seeds):
    """Networks of one case and keep probability; seeds (S, ...) first."""
    net, std, steps, rate = setting(config, case)
    risk = Risk(net, *tanh_pair())
    history = context.train(
        risk,
        features.start(net, std, context, seeds, f"init {case}"),
        Adam(rate),
        steps,
        features.dropout(keep, "all"),
        rng=features.noise(context, seeds, f"noise {case}"),
        snapshots=features.looks(steps, LOOKS),
    )
    return features.record(risk, history)


def check(arrays):
    """Results of `CLAIMS`."""
    measured, details = {}, {}
    for case in CASES:
        name, counts = f"fig04-{case}", arrays[f"{case}_count"]  # (2, S, T)
        plain, dropout = counts[..., -1]
        smooth = features.total_variation(arrays[f"{case}_output"])  # (2, S)
        measured |= {
            f"{name}-condenses": paired(plain - dropout),
            f"{name}-few-lines": np.median(dropout),
            f"{name}-without": condensed.change(counts[0]),
            f"{name}-smooth": paired(smooth[0] - smooth[1]),
        }
        by_seed = f"p=1 {plain.tolist()}, p=0.9 {dropout.tolist()}"
        details[f"{name}-condenses"] = f"by seed: {by_seed}"
        means = listed(("p=1", "p=0.9"), smooth.mean(axis=-1), ".3g")
        details[f"{name}-smooth"] = f"mean total variation: {means}"
    return decided(CLAIMS, measured, details)


films = animation.files


def plot(arrays):
    """Figure 4 of each network: outputs and features of the first seed."""
    figures = {}
    looks = {"$p = 1$": style.BLUE, "$p = 0.9$": style.RED}
    for case, name in CASES.items():
        own = {key.removeprefix(f"{case}_"): array for key, array in arrays.items()}
        figure = panels.trainings(own, looks)
        m = own["weights"].shape[-2]
        figure.suptitle(f"{name} network, width {m}, first seed", fontsize=9)
        figures[f"fig04_{case}"] = figure
    return figures
