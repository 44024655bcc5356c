"""Test accuracy against the number of training images, for five ways of training.

Gradient descent on R_S, SGD, dropout, R_S + R_1 and weight decay, from the same
initialisations.
"""

from dataclasses import dataclass

import numpy as np

from refimpl import GD, L1, Dropout, WeightDecay
from refimpl.experiments.common import features, style
from refimpl.experiments.common.claims import Claim, above, decided
from refimpl.experiments.common.classification import (
    accuracy,
    data_name,
    images,
    two_layer,
)
from refimpl.experiments.common.looks import legend_beside, listed, titled
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
    )
}


BEST = "weight decay, the strength with the best mean"
NEITHER = (
    "From the standard initialisation dropout and R_S + R_1 gain nothing on the "
    "digits, and lose 2 points on MNIST."
)
DECAY = (
    "Weight decay of the best strength does {}; its strength was chosen by the test "
    "accuracy, dropout's rate was not."
)
COMPARED = (
    ("dropout", "dropout", "gradient descent", "Figures 2 and 12", "", NEITHER),
    ("r1", "R_S + R_1, without noise,", "gradient descent", "Figure 2", "", NEITHER),
    ("sgd", "dropout", "SGD", "", "", NEITHER),
    ("decay", "dropout", BEST, "", DECAY.format("as well"), DECAY.format("better")),
)
EXPLORED = (
    "The wide initialisation was chosen because from it R_S generalises as badly as in "
    "the paper; the standard one is the control."
)
CLAIMS = tuple(
    Claim(
        f"generalisation-{name}{'' if where == 'wide' else '-standard'}",
        f"From the {where} initialisation {one} generalises better than "
        f"{other.partition(',')[0]}.",
        f"this project, after {source}" if source else "this project",
        f"test accuracy of {one.partition(',')[0]} minus that of {other}, mean over "
        "the numbers of images, paired over seeds",
        above(0),
        origin="project",
        note=wide if where == "wide" else standard,
        anchor="generalisation" if where == "standard" or wide else "",
        explored=EXPLORED if where == "wide" else "",
    )
    for where in STARTS
    for name, one, other, source, wide, standard in COMPARED
)


def run(config, context):
    """Train every method on every number of images.

    Returns
    -------
    arrays : dict
        With 2 starts, 7 `METHODS`, N ``samples`` and S seeds: ``accuracy`` and
        ``risk`` (2, 7, N, S).
    """
    seeds = context.seeds(config.seeds)
    axes = (STARTS, METHODS, config.samples, seeds)
    return {
        "seeds": np.array(seeds),
        "samples": np.array(config.samples),
        "data": np.array(data_name(context)),
    } | context.grid(trained, config, "generalisation", *axes)


def trained(config, context, where, method, n, seed):
    """One network."""
    data = images(context, n, seed)
    net, risk = two_layer(data, config.width)
    objective = risk
    if method == "R_S + R_1":
        objective = L1(risk, config.keep)
    if method.startswith("weight decay"):
        objective = WeightDecay(risk, float(method.split()[-1]))
    std = config.std if where == "wide" else None
    theta = context.train(
        objective,
        features.start(net, std, context, [seed], f"init {where}")[0],
        GD(config.rate),
        config.steps,
        Dropout(config.keep, per_sample=True) if method == "dropout" else None,
        n // 10 if method == "SGD" else None,
        rng=context.noise(f"noise {method}", seed),
    ).theta
    return {"accuracy": accuracy(net, theta, data), "risk": risk(theta)}


def check(arrays):
    """Results of `CLAIMS`."""
    measured, details = {}, {}
    for where, accuracies in zip(("", "-standard"), arrays["accuracy"]):
        found = dict(zip(METHODS, accuracies.mean(axis=1)))  # (S,) each
        decay = max(METHODS[4:], key=lambda method: found[method].mean())
        for name, one, other in (
            ("dropout", "dropout", "GD"),
            ("r1", "R_S + R_1", "GD"),
            ("sgd", "dropout", "SGD"),
            ("decay", "dropout", decay),
        ):
            difference = found[one] - found[other]
            measured[f"generalisation-{name}{where}"] = paired(difference)
        means = listed(found, [values.mean() for values in found.values()], ".3f")
        detail = f"mean accuracies on {arrays['data']}: {means}"
        details[f"generalisation-dropout{where}"] = detail
    return decided(CLAIMS, measured, details)


def plot(arrays):
    """Accuracy against the number of images, by start."""
    figure, axes = style.figure(1, 2, width=9.0, height=3.0, sharey=True)
    colors = (style.BLACK, style.ORANGE, style.RED, style.BLUE) + (style.GREEN,) * 3
    dashes, x = ("-",) * 4 + (":", "--", "-."), arrays["samples"]
    for panel, where, values in zip(axes[0], STARTS, arrays["accuracy"]):
        for method, color, dash, accuracies in zip(METHODS, colors, dashes, values):
            mean = accuracies.mean(axis=-1)
            half = accuracies.std(axis=-1, ddof=1) / accuracies.shape[-1] ** 0.5
            label = method.replace("R_S + R_1", "$R_S + R_1$")
            panel.errorbar(x, mean, half, color=color, ls=dash, label=label)
        y = "test accuracy (± standard error)"
        title = f"{where} initialisation, {arrays['data']}"
        titled(panel, title, "training images $n$", y, xscale="log")
        panel.set_xticks(x, [f"{n}" for n in x])
        panel.minorticks_off()
    legend_beside(axes[0, 1])
    style.letter(axes)
    return {"generalisation": figure}
