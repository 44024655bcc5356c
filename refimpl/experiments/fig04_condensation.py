"""Dropout condenses the input weights of tanh networks (Figure 4).

The paper's networks of width 1000, two-layer and three-layer, on its 15 points that
match tanh(x − 6) + tanh(x + 6), trained without dropout (p = 1) and with it (p = 0.9,
after every hidden layer, one mask per sample).
"""

from dataclasses import dataclass

import numpy as np

from refimpl import condensation
from refimpl.datasets import tanh_pair
from refimpl.deep import Deep
from refimpl.experiments import style
from refimpl.experiments.framework import Claim
from refimpl.experiments.statistics import paired
from refimpl.noise import Dropout
from refimpl.optimizers import Adam
from refimpl.risk import Risk
from refimpl.training import train
from refimpl.two_layer import TwoLayer

DEPTHS = {"two": "two-layer", "three": "three-layer"}
KEEPS = (1.0, 0.9)


@dataclass(frozen=True)
class Config:
    """The paper gives width, points, keep, activation and learning rate 1e-3; the
    optimiser, the initialisation and the number of steps are ours.

    Adam, as plain gradient descent needs many times the steps. Two-layer: every
    parameter N(0, m^−0.2), the linear regime. Three-layer: W and b of the first layer
    N(0, first_std²), the others N(0, 1/m), which keeps the second layer out of
    saturation. A step of the three-layer network costs forty times one of the two-layer
    network, so the default takes a learning rate of 5e-3 there, with which the weights
    condense within thousands of steps; ``paper`` keeps 1e-3.
    """

    width: int = 1000
    seeds: int = 5
    steps_two: int = 60_000
    steps_three: int = 10_000
    rate_two: float = 1e-3
    rate_three: float = 5e-3
    first_std: float = 0.3


PRESETS = {
    "quick": Config(
        width=100,
        steps_two=16_000,
        steps_three=10_000,
        rate_three=4e-3,
        first_std=0.5,
    ),
    "default": Config(),
    "paper": Config(
        seeds=10, steps_two=200_000, steps_three=60_000, rate_three=1e-3
    ),
}

COUNT = "number of orientations (cosine similarity above 0.95, signed) that carry 90% "
COUNT += "of the amplitude of the first hidden layer"


def _claims(depth, name):
    return (
        Claim(
            f"fig04-{depth}-condenses",
            f"With dropout the input weights of the {name} network lie on fewer "
            "orientations than without.",
            "Figure 4",
            f"{COUNT}: mean over seeds of p=1 minus p=0.9, paired; the 95% interval "
            "is above 0",
        ),
        Claim(
            f"fig04-{depth}-few-lines",
            f"With dropout the features of the {name} network lie on a few lines: the "
            "paper shows two directions and their opposites.",
            "Figure 4",
            f"{COUNT} at p=0.9, largest over seeds; at most 4",
        ),
        Claim(
            f"fig04-{depth}-without",
            f"Without dropout the orientations of the {name} network stay as spread as "
            "at initialisation.",
            "Figure 4",
            f"{COUNT}: mean over seeds of trained minus initial at p=1; at least −1",
        ),
        Claim(
            f"fig04-{depth}-smooth",
            f"The output of the {name} network oscillates without dropout and is "
            "smooth with it.",
            "Figure 4",
            "total variation of the output on [−12, 12] (the target's is 4): mean over "
            "seeds of p=1 minus p=0.9, paired; the 95% interval is above 0",
        ),
    )


CLAIMS = tuple(claim for item in DEPTHS.items() for claim in _claims(*item))


def networks(config):
    """Network, init std, steps and learning rate of both depths."""
    m = config.width
    return {
        "two": (TwoLayer(1, m), m**-0.1, config.steps_two, config.rate_two),
        "three": (
            Deep((1, m, m, 1), "tanh"),
            (config.first_std, m**-0.5, m**-0.5),
            config.steps_three,
            config.rate_three,
        ),
    }


def run(config, context):
    """Train both networks with and without dropout.

    Returns
    -------
    arrays : dict
        Per depth, with K keep probabilities and S seeds: ``output`` (K, S, G) on the
        grid, ``weights`` (2, K, S, m, 2) and ``amplitude`` (2, K, S, m) of the first
        hidden layer, initial and trained, ``loss`` (K, S).
    """
    X, Y = tanh_pair()
    seeds = context.seeds(config.seeds)
    grid = np.linspace(-12, 12, 481)
    arrays = {"seeds": np.array(seeds), "x": X, "y": Y, "grid": grid}
    for depth, (net, std, steps, rate) in networks(config).items():
        risk = Risk(net, X, Y)
        # Small networks share one set of array operations; large ones fill a core.
        groups = [seeds] if depth == "two" else [[seed] for seed in seeds]
        tasks = [(keep, group) for keep in KEEPS for group in groups]
        total = steps * len(tasks)
        with context.progress(total, f"Figure 4, {DEPTHS[depth]}") as bar:

            def trained(task):
                keep, group = task
                start = net.init([context.rng(f"init {depth}", s) for s in group], std)
                start = start.astype(np.float32)
                history = train(
                    risk,
                    start,
                    Adam(rate),
                    steps,
                    Dropout(keep, per_sample=True, layers="all") if keep < 1 else None,
                    rng=[context.rng(f"noise {depth}", seed) for seed in group],
                    progress=context.track(bar),
                )
                return np.stack([start, history.theta]), risk(history.theta)

            parts = context.map(trained, tasks)
        count = len(groups)
        for name, values in {
            "theta": [part[0] for part in parts],
            "loss": [part[1] for part in parts],
        }.items():
            axis = 1 if name == "theta" else 0
            rows = [
                np.concatenate(values[k * count : (k + 1) * count], axis=axis)
                for k in range(len(KEEPS))
            ]
            arrays[f"{depth}_{name}"] = np.stack(rows, axis=axis)
        theta = arrays.pop(f"{depth}_theta")  # (2, K, S, P)
        weights = net.input_weights(theta)
        arrays[f"{depth}_weights"] = weights
        arrays[f"{depth}_amplitude"] = condensation.amplitude(
            weights, net.outgoing_weights(theta)
        )
        arrays[f"{depth}_output"] = net.forward(theta[1], grid[:, None])[..., 0]
    return arrays


def counts(arrays, depth):
    """Number of orientations (2, K, S): initial and trained, by keep and seed."""
    return condensation.orientation_count(
        arrays[f"{depth}_weights"], arrays[f"{depth}_amplitude"]
    )


def check(arrays):
    """Results of `CLAIMS`."""
    results = []
    for depth, name in DEPTHS.items():
        fewer, few, spread, smooth = (
            claim for claim in CLAIMS if f"-{depth}-" in claim.id
        )
        initial, trained = counts(arrays, depth)
        variation = np.abs(np.diff(arrays[f"{depth}_output"])).sum(axis=-1)  # (K, S)
        effect = paired(trained[0] - trained[1])
        results.append(
            fewer.result(
                effect.interval[0] > 0,
                effect.mean,
                effect.interval,
                detail=f"by seed: p=1 {trained[0].tolist()}, "
                f"p=0.9 {trained[1].tolist()}",
            )
        )
        results.append(few.result(trained[1].max() <= 4, trained[1].max()))
        change = paired(trained[0] - initial[0])
        results.append(spread.result(change.mean >= -1, change.mean, change.interval))
        effect = paired(variation[0] - variation[1])
        results.append(
            smooth.result(
                effect.interval[0] > 0,
                effect.mean,
                effect.interval,
                detail=f"mean total variation: p=1 {variation[0].mean():.2f}, "
                f"p=0.9 {variation[1].mean():.2f}",
            )
        )
    return results


def plot(arrays):
    """Figure 4 of each network for the first seed: outputs, and features."""
    return {f"fig04_{depth}_layer": _panels(arrays, depth) for depth in DEPTHS}


def _panels(arrays, depth):
    figure, axes = style.figure(1, 4, width=11.0, height=2.6)
    for k, keep in enumerate(KEEPS):
        panel = axes[0, k]
        panel.plot(arrays["grid"], arrays[f"{depth}_output"][k, 0], color=style.BLUE)
        panel.plot(arrays["x"], arrays["y"], "*", color=style.RED, ms=7, label="data")
        panel.set(title=f"p = {keep:g}, output", xlabel="$x$", ylabel="$f(x)$")
        panel.set_ylim(-3, 3)
        panel = axes[0, 2 + k]
        weights = arrays[f"{depth}_weights"][:, k, 0]  # (2, m, 2)
        amplitude = arrays[f"{depth}_amplitude"][:, k, 0]
        stages = ("initial", "trained")
        for when, (label, color) in enumerate(zip(stages, (style.SKY, style.RED))):
            panel.plot(
                condensation.angle(weights[when]),
                amplitude[when] / amplitude[when].max(),
                "o",
                color=color,
                ms=2.5,
                mew=0,
                alpha=0.6,
                label=label,
                rasterized=True,
            )
        panel.set(
            title=f"p = {keep:g}, features",
            xlabel="orientation of $(w_j, b_j)$ (rad)",
            ylabel=r"amplitude $A_j\,/\,\max A$",
            xlim=(-np.pi, np.pi),
            xticks=[-np.pi, 0, np.pi],
            xticklabels=["$-π$", "0", "$π$"],
        )
    for panel, scale in ((axes[0, 1], 1), (axes[0, 3], 2)):
        panel.legend(loc="upper left", bbox_to_anchor=(1, 1), markerscale=scale)
    style.letter(axes)
    m = arrays[f"{depth}_weights"].shape[-2]
    figure.suptitle(f"{DEPTHS[depth]} tanh network, width {m}, seed 0", fontsize=9)
    return figure
