"""R_S + R_1 reaches the accuracy, R_S and R_1 that dropout reaches (Figure 2).

A two-layer network on images (the paper: 784-1000-10 on the first 1000 of MNIST; the
digits of the package where MNIST is absent) is trained on R_S^drop and on R_S + R_1
over a range of p, and on R_S.
"""

from dataclasses import dataclass

import numpy as np

from refimpl.core.dropout import Dropout
from refimpl.core.modified_losses import L1
from refimpl.core.optimizers import GD
from refimpl.core.r1 import R1
from refimpl.experiments.common import style
from refimpl.experiments.common.classification import (
    accuracy,
    data_name,
    images,
    two_layer,
)
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.framework import Claim
from refimpl.experiments.common.statistics import paired, paired_ratio

STARTS = ("wide", "standard")


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
        "(d) test accuracy from the standard one. Mean and range over seeds."
    ),
}

CLAIMS = (
    Claim(
        "fig02-risk",
        "R_S at the minima of R_S^drop and of R_S + R_1 agrees.",
        "Figure 2",
        "R_S of R_S + R_1 over that of dropout, geometric mean over p, by seed: the "
        "95% interval lies in 0.95 to 1.05",
    ),
    Claim(
        "fig02-r1",
        "So does R_1.",
        "Figure 2",
        "R_1 of R_S + R_1 over that of dropout, geometric mean over p, by seed: the "
        "95% interval lies in 0.95 to 1.05",
    ),
    Claim(
        "fig02-accuracy",
        "So does the test accuracy.",
        "Figure 2",
        "accuracy of dropout minus that of R_S + R_1, mean over p: mean over seeds; "
        "at most 0.01 in absolute value",
    ),
    Claim(
        "fig02-better",
        "Both are better than R_S.",
        "Figure 2",
        "accuracy of the worse of the two minus that of R_S, mean over p, paired over "
        "seeds; the 95% interval is above 0",
    ),
    Claim(
        "fig02-better-standard",
        "Both are better than R_S from the standard initialisation too.",
        "this project",
        "the same from the standard initialisation; the 95% interval is above 0",
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
    tasks = [
        (start, keep, loss, seed)
        for start in STARTS
        for keep in config.keeps
        for loss in ("R_S^drop", "L1")
        for seed in seeds
    ]
    plain = [(start, 1.0, "R_S", seed) for start in STARTS for seed in seeds]
    parts = context.runs(minimum, config, tasks + plain, "Figure 2")
    arrays = stacked(
        parts[: len(tasks)], (len(STARTS), len(config.keeps), 2, len(seeds))
    )
    alone = stacked(parts[len(tasks) :], (len(STARTS), len(seeds)))
    return {
        "seeds": np.array(seeds),
        "keeps": np.array(config.keeps),
        "data": np.array(data_name(context)),
        "plain_accuracy": alone["accuracy"],
    } | arrays


def minimum(config, context, start, keep, loss, seed):
    """One network."""
    data = images(context, config.n_train, seed)
    net, risk = two_layer(data, config.width)
    std = config.std if start == "wide" else None
    theta = context.train(
        L1(risk, keep) if loss == "L1" else risk,
        context.put(
            net.init(context.rng(f"init {start}", seed), std).astype(np.float32)
        ),
        GD(config.rate),
        config.steps,
        Dropout(keep, per_sample=True) if loss == "R_S^drop" else None,
        rng=context.noise("noise", seed),
    ).theta.astype(float)
    return {
        "accuracy": accuracy(net, theta, data),
        "risk": risk(theta),
        "r1": R1(risk, theta, keep),
    }


def check(arrays):
    """Results of `CLAIMS`."""
    risk, r1, same, better, standard = CLAIMS
    name = f"{arrays['data']}"
    results = []
    for claim, values in ((risk, arrays["risk"][0]), (r1, arrays["r1"][0])):
        ratio = np.exp(np.log(values[:, 1] / values[:, 0]).mean(axis=0))
        effect = paired_ratio(ratio, 1)
        low, high = effect.interval
        passed = 0.95 < low and high < 1.05
        each = np.exp(np.log(values[:, 1] / values[:, 0]).mean(axis=1)).round(3)
        detail = f"{name}; by p: {each.tolist()}"
        results.append(claim.result(passed, effect.mean, effect.interval, None, detail))
    found = arrays["accuracy"].mean(axis=1)  # (2 starts, 2 losses, S)
    gap = paired(found[0, 0] - found[0, 1])
    results.append(same.result(abs(gap.mean) <= 0.01, gap.mean, gap.interval))
    for which, claim in enumerate((better, standard)):
        plain = arrays["plain_accuracy"][which]
        effect = paired(found[which].min(axis=0) - plain)
        detail = f"mean accuracies on {name}: R_S {plain.mean():.3f}, dropout "
        detail += (
            f"{found[which, 0].mean():.3f}, R_S + R_1 {found[which, 1].mean():.3f}"
        )
        passed = effect.interval[0] > 0
        results.append(claim.result(passed, effect.mean, effect.interval, None, detail))
    return results


def plot(arrays):
    """The paper's three panels, mean and range over seeds, and the control."""
    figure, axes = style.figure(1, 4, width=12.0, height=2.8)
    panels = (
        ("accuracy", 0, "test accuracy", "accuracy"),
        ("risk", 0, "loss", "$R_S$"),
        ("r1", 0, "regularizer", "$R_1$"),
        ("accuracy", 1, "accuracy, standard start", "accuracy"),
    )
    looks = ((style.RED, "o", r"$R_S^\mathrm{drop}$"), (style.BLUE, "s", "$R_S + R_1$"))
    for panel, (name, start, title, label) in zip(axes[0], panels):
        for which, (color, marker, words) in enumerate(looks):
            values = arrays[name][start, :, which]  # (K, S)
            _band(panel, arrays["keeps"], values, color, marker, words)
        if name == "accuracy":
            plain = arrays["plain_accuracy"][start]
            plain = np.broadcast_to(plain, (len(arrays["keeps"]), len(plain)))
            _band(panel, arrays["keeps"], plain, style.BLACK, "", "$R_S$")
        panel.set(title=title, xlabel="keep probability $p$", ylabel=label)
    axes[0, 0].legend()
    style.letter(axes)
    return {"fig02_same_risk_and_r1": figure}


def _band(panel, x, values, color, marker, label):
    low, high = values.min(axis=-1), values.max(axis=-1)
    panel.fill_between(x, low, high, color=color, alpha=0.2, lw=0)
    panel.plot(x, values.mean(axis=-1), marker=marker, ms=4, color=color, label=label)
