"""Test accuracy against the number of training images, for five ways of training.

Gradient descent on R_S, SGD, dropout, R_S + R_1 and weight decay, from the same
initialisations.
"""

from dataclasses import dataclass

import numpy as np

from refimpl.analysis.baselines import WeightDecay
from refimpl.core.dropout import Dropout
from refimpl.core.modified_losses import L1
from refimpl.core.optimizers import GD
from refimpl.experiments.common import style
from refimpl.experiments.common.classification import (
    accuracy,
    data_name,
    images,
    two_layer,
)
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.framework import Claim
from refimpl.experiments.common.statistics import paired

STARTS = ("wide", "standard")
DECAYS = (1e-3, 1e-2, 3e-2)
METHODS = ("GD", "SGD", "dropout", "R_S + R_1") + tuple(
    f"weight decay {strength:g}" for strength in DECAYS
)


@dataclass(frozen=True)
class Config:
    """All ours. Two-layer tanh, MSE, a learning rate at which all are stable, the same
    number of steps for all; SGD's batches are a tenth of the images. From a wide start,
    N(0, std²), as in Figure 2, and from the standard one. Weight decay at several
    strengths, as nothing tells which one is fair.
    """

    width: int = 100
    std: float = 0.3
    samples: tuple = (50, 100, 200, 400)
    keep: float = 0.8
    rate: float = 1e-2
    steps: int = 2_000
    seeds: int = 4


PRESETS = {
    "quick": Config(width=40, samples=(40, 100), steps=1_000, seeds=3),
    "default": Config(),
    "paper": Config(samples=(50, 200, 1000), steps=4_000, seeds=5),
}
CAPTIONS = {
    "generalisation": (
        "Test accuracy against the number of training images for gradient descent, "
        "SGD, dropout, R_S + R_1 and weight decay, (a) from a wide initialisation, (b) "
        "from the standard one. Mean and standard error over seeds."
    ),
}


def _claims(start):
    end = "" if start == "wide" else "-standard"
    words = f"from the {start} initialisation"
    criterion = (
        "test accuracy of {} minus that of {}, mean over the numbers of images, paired "
        "over seeds; the 95% interval is above 0"
    )
    return (
        Claim(
            f"generalisation-dropout{end}",
            f"Dropout generalises better than gradient descent {words}.",
            "this project, after Figures 2 and 12",
            criterion.format("dropout", "GD"),
        ),
        Claim(
            f"generalisation-r1{end}",
            f"So does R_S + R_1, without noise, {words}.",
            "this project, after Figure 2",
            criterion.format("R_S + R_1", "GD"),
        ),
        Claim(
            f"generalisation-sgd{end}",
            f"Dropout generalises better than SGD {words}.",
            "this project",
            criterion.format("dropout", "SGD"),
        ),
        Claim(
            f"generalisation-decay{end}",
            f"Dropout generalises better than weight decay {words}.",
            "this project",
            "test accuracy of dropout minus that of weight decay, the strength with "
            "the best mean, mean over the numbers of images, paired over seeds; the "
            "95% interval is above 0",
        ),
    )


CLAIMS = tuple(claim for start in STARTS for claim in _claims(start))


def run(config, context):
    """Train every method on every number of images.

    Returns
    -------
    arrays : dict
        With 2 starts, 7 `METHODS`, N ``samples`` and S seeds: ``accuracy`` and
        ``risk`` (2, 7, N, S).
    """
    seeds = context.seeds(config.seeds)
    tasks = [
        (start, method, n, seed)
        for start in STARTS
        for method in METHODS
        for n in config.samples
        for seed in seeds
    ]
    parts = context.runs(trained, config, tasks, "generalisation")
    shape = (len(STARTS), len(METHODS), len(config.samples), len(seeds))
    return {
        "seeds": np.array(seeds),
        "samples": np.array(config.samples),
        "data": np.array(data_name(context)),
    } | stacked(parts, shape)


def trained(config, context, start, method, n, seed):
    """One network."""
    data = images(context, n, seed)
    net, risk = two_layer(data, config.width)
    objective = risk
    if method == "R_S + R_1":
        objective = L1(risk, config.keep)
    if method.startswith("weight decay"):
        objective = WeightDecay(risk, float(method.split()[-1]))
    std = config.std if start == "wide" else None
    theta = context.train(
        objective,
        context.put(
            net.init(context.rng(f"init {start}", seed), std).astype(np.float32)
        ),
        GD(config.rate),
        config.steps,
        Dropout(config.keep, per_sample=True) if method == "dropout" else None,
        n // 10 if method == "SGD" else None,
        rng=context.noise(f"noise {method}", seed),
    ).theta
    return {"accuracy": accuracy(net, theta, data), "risk": risk(theta)}


def check(arrays):
    """Results of `CLAIMS`."""
    results = []
    for which, start in enumerate(STARTS):
        means = arrays["accuracy"][which].mean(axis=1)  # (methods, S)
        found = dict(zip(METHODS, means))
        decay = max(METHODS[4:], key=lambda method: found[method].mean())
        detail = f"mean accuracies on {arrays['data']}: " + ", ".join(
            f"{method} {values.mean():.3f}" for method, values in found.items()
        )
        pairs = (("dropout", "GD"), ("R_S + R_1", "GD"), ("dropout", "SGD"))
        for claim, (one, other) in zip(
            CLAIMS[4 * which : 4 * which + 4], (*pairs, ("dropout", decay))
        ):
            effect = paired(found[one] - found[other])
            words = detail if other == "GD" and one == "dropout" else ""
            passed = effect.interval[0] > 0
            results.append(
                claim.result(passed, effect.mean, effect.interval, None, words)
            )
    return results


def plot(arrays):
    """Accuracy against the number of images, by start."""
    figure, axes = style.figure(1, 2, width=9.0, height=3.0, sharey=True)
    colors = (style.BLACK, style.ORANGE, style.RED, style.BLUE) + (style.GREEN,) * 3
    dashes = ("-",) * 4 + (":", "--", "-.")
    for panel, start, values in zip(axes[0], STARTS, arrays["accuracy"]):
        for method, color, dash, accuracies in zip(METHODS, colors, dashes, values):
            mean = accuracies.mean(axis=-1)
            half = accuracies.std(axis=-1, ddof=1) / accuracies.shape[-1] ** 0.5
            label = "$R_S + R_1$" if method == "R_S + R_1" else method
            panel.errorbar(
                arrays["samples"], mean, half, color=color, ls=dash, label=label
            )
        panel.set(
            title=f"{start} initialisation, {arrays['data']}",
            xlabel="training images $n$",
            ylabel="test accuracy (± standard error)",
            xscale="log",
            xticks=arrays["samples"],
            xticklabels=[f"{n}" for n in arrays["samples"]],
        )
        panel.minorticks_off()
    axes[0, 1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    style.letter(axes)
    return {"generalisation": figure}
