"""R_S + R_1 reaches the accuracy, R_S and R_1 that dropout reaches (Figure 2).

A two-layer network on images (the paper: 784-1000-10 on the first 1000 of MNIST; the
digits of the package where MNIST is absent) is trained on R_S^drop and on R_S + R_1
over a range of p, and on R_S.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from refimpl import GD, L1, R1
from refimpl.experiments.common import features, panels, style
from refimpl.experiments.common.claims import Claim, above, between, decided, ours
from refimpl.experiments.common.classification import (
    accuracy,
    data_name,
    images,
    two_layer,
)
from refimpl.experiments.common.looks import LABELS, listed, titled
from refimpl.experiments.common.statistics import paired, paired_ratio

STARTS = ("wide", "standard")
LOSSES = ("R_S^drop", "L1")


@dataclass(frozen=True)
class Config:
    """The paper gives network, data, p and learning rate 5e-3; tanh, full batches,
    one mask per sample and the number of steps are ours, and so is the initialisation,
    which decides how much there is to gain: with N(0, std²) for every parameter R_S
    stays near the kernel regime and generalises badly, as in the paper; the standard
    initialisation is the control.
    """

    width: int = 200
    n_train: int = 200
    std: float = 0.3
    keeps: tuple = (0.6, 0.7, 0.8, 0.9, 0.95)
    rate: float = 5e-3
    steps: int = 5_000
    seeds: int = 3


PRESETS = {
    "quick": Config(width=60, n_train=60, std=0.4, keeps=(0.6, 0.9), steps=1_500),
    "default": Config(),
    "paper": Config(
        width=1000, n_train=1000, std=0.2, keeps=(0.6, 0.8, 0.95), steps=2_000, seeds=2
    ),
}
PAPER_SETTINGS = {"width": 1000, "n_train": 1000, "keeps": "0.6 to 0.95", "rate": 5e-3}
CAPTIONS = {
    "fig02_same_risk_and_r1": (
        "Against the keep probability, for R_S^drop, R_S + R_1 and R_S: (a) test "
        "accuracy, (b) R_S and (c) R_1 at the minima, from the wide initialisation; "
        "(d) test accuracy from the standard one. Median and range over seeds."
    ),
}

WIDE = (
    "The scale of the wide initialisation was chosen because from it R_S generalises "
    "as badly as in the paper."
)
BETTER = (
    "Dropout and R_S + R_1 both reach a higher test accuracy than R_S from {} "
    "initialisation (two-layer network on images)."
)
WORSE = (
    "accuracy of the worse of dropout and R_S + R_1, each averaged over p, minus that "
    "of R_S, mean over seeds, paired"
)
CLAIMS = (
    *(
        Claim(
            f"fig02-{name}",
            f"Dropout and R_S + R_1 reach the same {symbol} (two-layer network on "
            "images).",
            "Figure 2",
            f"{symbol} of R_S + R_1 over that of dropout, geometric mean over p and "
            "seeds",
            between(0.95, 1.05),
            explored=WIDE,
        )
        for name, symbol in (("risk", "R_S"), ("r1", "R_1"))
    ),
    Claim(
        "fig02-accuracy",
        "Dropout and R_S + R_1 reach the same test accuracy (two-layer network on "
        "images).",
        "Figure 2",
        "accuracy of dropout minus that of R_S + R_1, mean over p and seeds, paired",
        between(-0.01, 0.01),
        explored=WIDE,
    ),
    Claim(
        "fig02-better",
        BETTER.format("a wide"),
        "Figure 2",
        WORSE,
        above(0),
        explored=WIDE,
    ),
    ours(
        "fig02-better-standard",
        BETTER.format("the standard"),
        WORSE,
        above(0),
        note="From the standard initialisation R_S generalises as well as dropout: "
        "there is nothing to gain.",
        anchor="generalisation",
    ),
)


def run(config, context):
    """Train on all losses from both initialisations.

    Returns
    -------
    arrays : dict
        With 2 starts, K keep probabilities, 2 losses (R_S^drop, R_S + R_1) and S
        seeds: ``accuracy``, ``risk``, ``r1`` (2, K, 2, S); ``plain_accuracy`` (2, S)
        of R_S; ``keeps``; ``data``.
    """
    seeds = context.seeds(config.seeds)
    grid = partial(context.grid, minimum, config, "Figure 2", STARTS)
    plain = grid([1.0], ["R_S"], seeds)["accuracy"][:, 0, 0]
    return {
        "seeds": np.array(seeds),
        "keeps": np.array(config.keeps),
        "data": np.array(data_name(context)),
        "plain_accuracy": plain,
    } | grid(config.keeps, LOSSES, seeds)


def minimum(config, context, start, keep, loss, seed):
    """One network."""
    data = images(context, config.n_train, seed)
    net, risk = two_layer(data, config.width)
    std = config.std if start == "wide" else None
    theta = context.train(
        L1(risk, keep) if loss == "L1" else risk,
        features.start(net, std, context, [seed], f"init {start}")[0],
        GD(config.rate),
        config.steps,
        features.dropout(keep) if loss == "R_S^drop" else None,
        rng=context.noise("noise", seed),
    ).theta.astype(float)
    return {
        "accuracy": accuracy(net, theta, data),
        "risk": risk(theta),
        "r1": R1(risk, theta, keep),
    }


def check(arrays):
    """Results of `CLAIMS`."""
    wide, standard = arrays["accuracy"].mean(axis=1)  # (2 losses, S)
    measured, details = {"fig02-accuracy": paired(wide[0] - wide[1])}, {}
    for name in ("risk", "r1"):
        dropout, with_r1 = np.moveaxis(arrays[name][0], 1, 0)  # (K, S)
        measured[f"fig02-{name}"] = paired_ratio(with_r1, dropout)
        by_p = np.exp(np.log(with_r1 / dropout).mean(axis=-1)).round(3)
        details[f"fig02-{name}"] = f"{arrays['data']}; by p: {by_p.tolist()}"
    for name, found, plain in zip(
        ("fig02-better", "fig02-better-standard"),
        (wide, standard),
        arrays["plain_accuracy"],
    ):
        measured[name] = paired(found.min(axis=0) - plain)
        means = listed(("R_S", *LOSSES), [plain.mean(), *found.mean(axis=-1)], ".3f")
        details[name] = f"mean accuracies on {arrays['data']}: {means}"
    return decided(CLAIMS, measured, details)


def plot(arrays):
    """The paper's three panels, median and range over seeds, and the control."""
    figure, axes = style.figure(1, 4, width=12.0, height=2.8)
    keeps = arrays["keeps"]
    shown = (
        ("accuracy", 0, "test accuracy", "accuracy"),
        ("risk", 0, "loss", "$R_S$"),
        ("r1", 0, "regularizer", "$R_1$"),
        ("accuracy", 1, "accuracy, standard start", "accuracy"),
    )
    looks = (
        {"color": style.RED, "marker": "o", "label": LABELS["R_S^drop"]},
        {"color": style.BLUE, "marker": "s", "label": "$R_S + R_1$"},
    )
    for panel, (name, start, title, label) in zip(axes[0], shown):
        for k, look in enumerate(looks):
            values = arrays[name][start, :, k].T  # (S, K)
            panels.spread(panel, keeps, values, (0, 0.5, 1), ms=4, **look)
        if name == "accuracy":
            plain = np.tile(arrays["plain_accuracy"][start], (len(keeps), 1)).T
            look = {"color": style.BLACK, "label": "$R_S$"}
            panels.spread(panel, keeps, plain, (0, 0.5, 1), **look)
        titled(panel, title, "keep probability $p$", label)
    axes[0, 0].legend()
    style.letter(axes)
    return {"fig02_same_risk_and_r1": figure}
