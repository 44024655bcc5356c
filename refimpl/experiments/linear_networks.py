"""Dropout solved: a linear network arrives at the closed-form minimum of R_S + R_1.

The minimum over all linear networks is a shrinkage of the data's singular values
(`refimpl.linear_minimum`). Networks are trained on R_S + R_1 and with dropout, and on
R_S as the control, from the same starts.
"""

from dataclasses import dataclass

import numpy as np

from refimpl import GD, L1, Risk, TwoLayer, linear_minimum
from refimpl.experiments.common import panels, style
from refimpl.experiments.common.claims import above, at_least, at_most, below
from refimpl.experiments.common.claims import decided, ours, rules
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.features import dropout, evenly, in_stages
from refimpl.experiments.common.labels import LABELS, against_steps, plot_rule, titled
from refimpl.experiments.common.statistics import paired

LOSSES = ("R_S", "R_S^drop", "R_S + R_1")
SNAPSHOTS = 40
LEFT = 0.01  # of the largest singular value: what counts as one


@dataclass(frozen=True)
class Config:
    """All ours. Six inputs, four outputs that are near rank two, 40 samples, centred:
    biases do not help. The learning rate falls to a fifth after each quarter of the
    steps, so that dropout's noise dies down; float64. Parameters start as N(0, std²),
    closer to 0 in a wide network, where the first steps run off from 0.3."""

    width: int = 20
    keep: float = 0.3
    seeds: int = 10
    steps: int = 20_000
    rate: float = 0.05
    std: float = 0.3


QUICK = Config(seeds=3, steps=6_000)
PAPER = Config(width=200, seeds=10, steps=200_000, std=0.1)

EXCESS = "R_S + R_1 at the end over its minimum, minus 1"
CLAIMS = (
    ours(
        "linear-r1",
        "Trained on R_S + R_1 a linear network arrives at the closed-form minimum, the "
        "shrinkage of the singular values.",
        f"{EXCESS}, median over seeds",
        at_most(1e-9),
    ),
    ours(
        "linear-dropout",
        "Trained with dropout at a falling learning rate a linear network arrives at "
        "the closed-form minimum of R_S + R_1.",
        f"{EXCESS}, mean over seeds",
        below(0.01),
    ),
    ours(
        "linear-rank",
        "Dropout on a linear network gives up those directions of the data that are "
        "below the threshold of the shrinkage, and no others.",
        "share of seeds in which as many singular values of the outputs are above 1% "
        "of the largest as the shrinkage leaves, dropout",
        at_least(1),
    ),
    ours(
        "linear-alike",
        "With dropout the neurons of a linear network come to contribute alike.",
        "standard deviation of ‖a_j‖‖h_j‖ over its mean, at the end, mean over seeds",
        below(0.1),
    ),
    ours(
        "linear-without",
        "Without dropout a linear network stays away from the minimum of R_S + R_1.",
        f"{EXCESS}, training on R_S, mean over seeds",
        above(0.5),
    ),
)


def data(context, seed):
    """Centred X (40, 6) and Y (40, 4), near rank two."""
    rng = context.rng("data", seed)
    X = rng.standard_normal((40, 6))
    strong = rng.standard_normal((6, 2)) @ rng.standard_normal((2, 4))
    weak, noise = rng.standard_normal((6, 4)), rng.standard_normal((40, 4))
    Y = X @ (strong + 0.15 * weak) + 0.3 * noise
    return X - X.mean(axis=0), Y - Y.mean(axis=0)


def run(config, context):
    """Train every seed on each loss.

    Arrays: ``steps`` (T,); ``least`` (S,) minima of R_S + R_1; ``objective`` (3, S, T)
    the same at the networks of 3 `LOSSES`; ``values`` (3, S, 4) singular values of the
    outputs at the end, ``shares`` (3, S, m); ``targets`` and ``shrunk`` (S, 4).
    """
    seeds = context.seeds
    fixed = stacked([solution(config, context, seed) for seed in seeds])
    fixed |= {"steps": evenly(config.steps, SNAPSHOTS)}
    return fixed | context.grid(trained, config, "linear", LOSSES, seeds=seeds)


def solution(config, context, seed):
    """The minimum, and the singular values of its outputs and of the targets."""
    X, Y = data(context, seed)
    found = linear_minimum(X, Y, config.width, config.keep)
    reached = X @ np.linalg.lstsq(X, Y)[0]
    return {
        "least": found.value,
        "targets": np.linalg.svd(reached, compute_uv=False),
        "shrunk": np.linalg.svd(found.outputs, compute_uv=False),
    }


def trained(config, context, loss, *seeds):
    """Training of all seeds on one loss."""
    X, Y = map(np.stack, zip(*(data(context, seed) for seed in seeds)))
    net = TwoLayer(6, config.width, 4, "identity")
    risk = Risk(net, context.put(X), context.put(Y))
    mean = L1(risk, config.keep)
    rngs = [context.rng("init", seed) for seed in seeds]
    theta = context.put(net.init(rngs, config.std))
    drop = dropout(config.keep) if loss == "R_S^drop" else None
    goal = mean if loss == "R_S + R_1" else risk
    stages = [(goal, GD(config.rate / 5**part), config.steps // 4) for part in range(4)]
    noise, wanted = context.noise("noise", seeds), evenly(config.steps, SNAPSHOTS)
    path = in_stages(context, theta, wanted, stages, drop, noise)
    theta = path[-1]
    W, _, A = net.unpack(theta)
    h = risk.X @ W.swapaxes(-1, -2)  # (S, n, m)
    return {
        "objective": np.stack([mean(at) for at in path], axis=-1),
        "values": np.linalg.svd(net.forward(theta, risk.X), compute_uv=False),
        "shares": ((h**2).sum(axis=-2) * (A**2).sum(axis=-2)) ** 0.5,
    }


def excess(arrays):
    """R_S + R_1 over its minimum, minus 1: (3, S, T)."""
    return arrays["objective"] / arrays["least"][:, None] - 1


def rank(values):
    """Number of singular values (..., 4) that are not small beside the largest."""
    return (values > LEFT * values[..., :1]).sum(axis=-1)


def check(arrays):
    without, noisy, r1 = excess(arrays)[..., -1]
    shares = arrays["shares"]
    scatter = shares.std(axis=-1) / shares.mean(axis=-1)  # (3, S)
    found, expected = rank(arrays["values"][1]), rank(arrays["shrunk"])
    measured = {
        "linear-r1": np.median(abs(r1)),
        "linear-dropout": paired(noisy),
        "linear-rank": (found == expected).mean(),
        "linear-alike": paired(scatter[1]),
        "linear-without": paired(without),
    }
    details = {
        "linear-rank": f"found {found.tolist()}, of the shrinkage {expected.tolist()}, "
        f"of the targets {rank(arrays['targets']).tolist()}",
        "linear-alike": f"on R_S {scatter[0].mean():.2g}, on R_S + R_1 "
        f"{scatter[2].mean():.2g}",
    }
    return decided(CLAIMS, measured, details)


def plot(arrays):
    """Linear networks trained on R_S, with dropout, and on R_S + R_1. (a) R_S + R_1
    over its closed-form minimum, minus 1, against steps, every seed and the median. (b)
    Singular values of the outputs at the end against those of the targets, first seed,
    and the shrinkage by which the minimum is given. (c) The neurons' shares ‖a_j‖‖h_j‖
    over their mean, sorted, first seed.
    """
    figure, axes = style.figure(1, 3, width=9.5, height=2.9)
    distance, singular, alike = axes[0]
    colors = (style.BLACK, style.RED, style.BLUE)
    targets = arrays["targets"][0]
    for k, (color, loss) in enumerate(zip(colors, LOSSES)):
        label = LABELS[loss]
        above_zero = np.maximum(excess(arrays)[k], 1e-16)
        panels.seeds(distance, arrays["steps"], above_zero, color, label)
        marker = {"marker": "osx"[k], "ms": 5 + 3 * (k == 0), "mfc": "none"}
        marker |= {"ls": "", "color": color, "label": label}
        singular.plot(targets, arrays["values"][k, 0], **marker)
        shares = np.sort(arrays["shares"][k, 0])[::-1]
        alike.plot(shares / shares.mean(), color=color, label=label)
    plot_rule(distance, rules(CLAIMS)["linear-dropout"])
    against_steps(distance, "excess", r"$(R_S + R_1)\,/\,\min - 1$", yscale="log")
    line = np.linspace(0, 1.05 * targets.max(), 200)
    shrunk = np.maximum(line - (targets[0] - arrays["shrunk"][0, 0]), 0)
    singular.plot(line, shrunk, color="0.5", lw=1, zorder=1, label="shrinkage")
    titled(singular, "singular values", "of the targets", "of $f(X)$")
    singular.legend()
    y = r"$\|a_j\|\|h_j\|\,/\,$mean"
    titled(alike, "shares of the neurons", "neuron, sorted", y, ylim=(0, None))
    alike.legend()
    return {"linear_networks": figure}
