"""Dropout condenses ten-dimensional input weights on two opposite orientations
(Figure 7a, b).

A two-layer tanh network learns a teacher with one tanh neuron, with p = 1 and p = 0.5;
then the cosine similarities of all pairs of input weights are looked at.
"""

from dataclasses import dataclass

import numpy as np

from refimpl.analysis import condensation
from refimpl.core.dropout import Dropout
from refimpl.core.optimizers import Adam
from refimpl.core.risk import Risk
from refimpl.core.two_layer import TwoLayer
from refimpl.data.datasets import teacher
from refimpl.experiments.common import features, style
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.framework import Claim
from refimpl.experiments.common.statistics import paired

KEEPS = (1.0, 0.5)
LOOKS = 20


@dataclass(frozen=True)
class Config:
    """The paper gives the dimension, the teacher's one neuron and p; all else is ours.

    The teacher is tanh(2 u·x) with a unit vector u, and the inputs are N(0, I), each
    seed with its own. Every parameter starts at N(0, std²). Steps until the number of
    orientations has stopped falling at p = 0.5. The width decides: at 500, five to
    eighteen orientations are left, and more at 1000 (``paper``).
    """

    inputs: int = 10
    samples: int = 80
    width: int = 200
    std: float = 0.2
    steepness: float = 2.0
    seeds: int = 5
    steps: int = 30_000
    rate: float = 1e-3


PRESETS = {
    "quick": Config(width=60, std=0.3, steps=12_000, rate=2e-3, seeds=3),
    "default": Config(),
    "paper": Config(width=1000, steps=100_000),
}
PAPER_SETTINGS = {"inputs": 10}
CAPTIONS = {
    "fig07_high_dimension": (
        "(a), (b) Cosine similarity of every pair of input weights, neurons sorted, "
        "with p = 1 and with p = 0.5. (c) Number of orientations against steps, all "
        "seeds and the median."
    ),
}

CLAIMS = (
    Claim(
        "fig07-two-orientations",
        "With p = 0.5 the input weights lie on two opposite orientations.",
        "Figure 7b",
        f"{features.COUNT} at p=0.5, largest over seeds; at most 2",
    ),
    Claim(
        "fig07-teacher",
        "These are the teacher's orientation and its opposite.",
        "this project",
        "mean over neurons, weighted with their amplitude, of |cosine| between (w, b) "
        "and the teacher's, at p=0.5: mean over seeds; the lower end of the 95% "
        "interval is above 0.95",
    ),
    Claim(
        "fig07-without",
        "Without dropout they do not condense.",
        "Figure 7a",
        f"{features.COUNT}: geometric mean over seeds of trained over initial at p=1; "
        "at least 0.9",
    ),
)


def run(config, context):
    """Train with both keep probabilities.

    Returns
    -------
    arrays : dict
        With 2 keep probabilities, S seeds and T snapshots at ``steps`` (T,): ``count``
        (2, S, T); at the end ``amplitude`` (2, S, m), ``cosine`` (2, S, m) with the
        teacher, ``loss`` (2, S), and ``similarity`` (2, m, m) of all pairs of the first
        seed, sorted.
    """
    seeds = context.seeds(config.seeds)
    tasks = [(keep, seed) for keep in KEEPS for seed in seeds]
    parts = context.runs(trained, config, tasks, "Figure 7")
    measured = stacked(parts, (len(KEEPS), len(seeds)))
    weights, sizes = measured.pop("weights")[:, 0], measured["amplitude"][:, 0]
    similarity = [
        condensation.cosine_similarity(w[principal_order(w, a)])
        for w, a in zip(weights, sizes)
    ]
    fixed = {"seeds": np.array(seeds), "steps": features.looks(config.steps, LOOKS)}
    return fixed | {"similarity": np.stack(similarity)} | measured


def principal_order(weights, sizes):
    """Order of the neurons along the principal direction of their orientations."""
    units = condensation.orientation(weights)
    _, vectors = np.linalg.eigh((units * sizes[:, None]).T @ units)
    return np.argsort(units @ vectors[:, -1])


def trained(config, context, keep, seed):
    """One network."""
    rng = context.rng("data", seed)
    u = rng.standard_normal((1, config.inputs))
    W = config.steepness * u / np.linalg.norm(u)
    X = rng.standard_normal((config.samples, config.inputs))
    net = TwoLayer(config.inputs, config.width)
    risk = Risk(net, X, teacher(W, [0.0], [[1.0]], X))
    history = context.train(
        risk,
        features.start(net, config.std, context, [seed])[0],
        Adam(config.rate),
        config.steps,
        Dropout(keep, per_sample=True) if keep < 1 else None,
        rng=context.noise("noise", seed),
        snapshots=features.looks(config.steps, LOOKS),
    )
    weights, sizes = features.features(net, history.theta, X)
    along = context.put(np.append(W, 0) / np.linalg.norm(W))
    return {
        "count": features.path(net, history.snapshots, X),
        "weights": weights,
        "amplitude": sizes,
        "cosine": condensation.orientation(weights) @ along,
        "loss": risk(history.theta),
    }


def check(arrays):
    """Results of `CLAIMS`."""
    two, along, without = CLAIMS
    counts, sizes = arrays["count"], arrays["amplitude"][1]
    cosines = np.abs(arrays["cosine"][1])
    effect = paired((sizes * cosines).sum(axis=-1) / sizes.sum(axis=-1))
    ratio = paired(np.log(counts[0, :, -1] / counts[0, :, 0]))
    kept = np.exp(ratio.mean)
    at_end = ", ".join(
        f"p={keep:g} {count[:, -1].tolist()}" for keep, count in zip(KEEPS, counts)
    )
    worst = counts[1, :, -1].max()
    return [
        two.result(worst <= 2, worst, detail=f"by seed: {at_end}"),
        along.result(effect.interval[0] > 0.95, effect.mean, effect.interval),
        without.result(kept >= 0.9, kept, np.exp(ratio.interval)),
    ]


def plot(arrays):
    """Cosine similarities, sorted, of the first seed; orientations of all seeds."""
    figure, axes = style.figure(1, 3, width=10.0, height=3.0)
    for k, keep in enumerate(KEEPS):
        panel = axes[0, k]
        image = panel.imshow(
            arrays["similarity"][k],
            cmap="RdBu_r",
            vmin=-1,
            vmax=1,
            interpolation="nearest",
        )
        panel.set(
            title=f"cosine similarity, p = {keep:g}",
            xlabel="neuron, sorted",
            ylabel="neuron, sorted",
        )
    figure.colorbar(image, ax=axes[0, :2].tolist(), label="cosine", shrink=0.9)
    for counts, keep, color in zip(arrays["count"], KEEPS, (style.BLUE, style.RED)):
        features.plot_counts(
            axes[0, 2], arrays["steps"], counts, color, f"p = {keep:g}"
        )
    axes[0, 2].set(title="orientations, all seeds", yscale="log")
    axes[0, 2].legend()
    style.letter(axes)
    return {"fig07_high_dimension": figure}
