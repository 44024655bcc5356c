"""Dropout, and R_S + R_1 without its noise, find flatter minima (Figure 12a).

The same deep networks are trained on images from the same initialisations by gradient
descent on R_S, on R_S^drop (one mask per sample, after the last hidden layer or after
every one) and on R_S + R_1; then the curvature of R_S at the minima is compared, with
dropout off.
"""

from dataclasses import dataclass

import numpy as np

from refimpl.analysis.hessian import hessian_trace, top_eigenvalues
from refimpl.analysis.landscape import loss_along, normalize_filters
from refimpl.core.deep import Deep
from refimpl.core.dropout import Dropout
from refimpl.core.modified_losses import L1
from refimpl.core.optimizers import GD
from refimpl.core.risk import Risk
from refimpl.data.datasets import one_hot
from refimpl.experiments.common import lines, style
from refimpl.experiments.common.classification import accuracy, data_name, images
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.framework import Claim
from refimpl.experiments.common.statistics import paired, paired_ratio

OBJECTIVES = ("R_S", "R_S^drop", "R_S + R_1", "R_S^drop, all layers")


@dataclass(frozen=True)
class Config:
    """The paper gives MNIST, a deep fully connected network and, recalled from its
    appendix, 784-1024-1024-10; the rest is ours, and the default is digits.

    MSE against one-hot labels, for which R_1 is exact; full-batch gradient descent, so
    that the masks are the only noise. The standard initialisation. Curvature in
    float64.
    """

    hidden: tuple = (128, 128)
    n_train: int = 1000
    keep: float = 0.8
    learning_rate: float = 0.1
    steps: int = 3000
    seeds: int = 4
    probes: int = 60
    directions: int = 5


PRESETS = {
    "quick": Config(hidden=(32, 32), n_train=150, steps=1500, probes=40, directions=3),
    "default": Config(),
    "paper": Config(hidden=(256, 256), steps=6_000, seeds=3, probes=100, directions=20),
}
PAPER_SETTINGS = {"hidden": "1024, 1024 (recalled)", "keep": "0.8 and 0.5 (recalled)"}
CAPTIONS = {
    "fig12a_flat_minima": (
        "Minima of R_S, R_S^drop, R_S + R_1, and R_S^drop with dropout in every layer: "
        "(a) loss along random directions, median and 10% to 90%; (b) trace and (c) "
        "largest eigenvalue of the Hessian of R_S, a dot a seed."
    ),
}

RATIO = "geometric mean over seeds of GD over "
CLAIMS = (
    Claim(
        "fig12a-trace-dropout",
        "Dropout's minimum has a smaller Hessian trace than gradient descent's.",
        "Section on flatness, Figure 12 (other networks)",
        "Tr of the Hessian of R_S: " + RATIO + "dropout, same initialisations; the 95% "
        "interval is above 1",
    ),
    Claim(
        "fig12a-top-dropout",
        "Dropout's minimum has a smaller largest Hessian eigenvalue.",
        "this project",
        "largest eigenvalue of the Hessian of R_S: " + RATIO + "dropout; the 95% "
        "interval is above 1",
    ),
    Claim(
        "fig12a-line-dropout",
        "Along random filter-normalised directions the loss rises less around "
        "dropout's minimum.",
        "Figures 1b and 12",
        "L(½) − L(0) averaged over directions and both signs: " + RATIO + "dropout; "
        "the 95% interval is above 1",
    ),
    Claim(
        "fig12a-trace-r1",
        "R_1 alone, without the noise, flattens too.",
        "Theorem 2",
        "Tr of the Hessian of R_S: " + RATIO + "R_S + R_1; the 95% interval is above 1",
    ),
    Claim(
        "fig12a-r1-accounts",
        "R_1 accounts for dropout's flatness.",
        "Section on flatness",
        "Tr of the Hessian of R_S: geometric mean over seeds of R_S + R_1 over "
        "dropout; the 95% interval lies in 0.9 to 1.1",
    ),
    Claim(
        "fig12a-line-all",
        "With dropout after every hidden layer too the loss rises less along random "
        "filter-normalised directions.",
        "Figure 12a",
        "L(½) − L(0) averaged over directions and both signs: " + RATIO + "dropout "
        "after every hidden layer; the 95% interval is above 1",
    ),
    Claim(
        "fig12a-trace-all",
        "And its minimum has a smaller Hessian trace.",
        "Figure 12a",
        "Tr of the Hessian of R_S: " + RATIO + "dropout after every hidden layer; the "
        "95% interval is above 1",
    ),
    Claim(
        "fig12a-accuracy-all",
        "It generalises better.",
        "Figure 12a (98.7% with, 98.1% without)",
        "test accuracy with dropout after every hidden layer minus that of gradient "
        "descent, paired over seeds; the 95% interval is above 0",
    ),
)


def run(config, context):
    """Train every seed on every objective and measure the curvature of R_S.

    Returns
    -------
    arrays : dict
        With S seeds and 4 objectives: ``trace``, ``trace_error``, ``top``, ``loss``
        and ``accuracy`` (S, 4); ``alphas`` (A,) and ``line`` (S, 4, D, A), R_S along
        the directions.
    """
    seeds = context.seeds(config.seeds)
    tasks = [(seed, which) for seed in seeds for which in range(len(OBJECTIVES))]
    parts = context.runs(minimum, config, tasks, "Figure 12a")
    measured = stacked(parts, (len(seeds), len(OBJECTIVES)))
    fixed = {"seeds": np.array(seeds), "alphas": lines.ALPHAS}
    return fixed | {"data": np.array(data_name(context))} | measured


def minimum(config, context, seed, which):
    """Train one network; what is measured at its minimum."""
    data = images(context, config.n_train, seed)
    net = Deep((data.X.shape[1], *config.hidden, 10), "relu")
    risk = Risk(net, data.X, one_hot(data.labels))
    start = context.put(net.init(context.rng("init", seed)).astype(np.float32))
    noisy = OBJECTIVES[which].startswith("R_S^drop")
    layers = "all" if "all" in OBJECTIVES[which] else "last"
    theta = context.train(
        L1(risk, config.keep) if OBJECTIVES[which] == "R_S + R_1" else risk,
        start,
        GD(config.learning_rate),
        config.steps,
        Dropout(config.keep, per_sample=True, layers=layers) if noisy else None,
        rng=context.noise("noise", seed),
    ).theta.astype(float)
    # Probes and directions are the same for all minima of a seed: paired.
    rng = context.noise("measure", seed)
    trace = hessian_trace(risk, theta, "hutchinson", config.probes, rng)
    top = top_eigenvalues(risk, theta, tolerance=1e-3, rng=rng)[0]
    gaussian = rng.standard_normal((config.directions, net.size))
    direction = normalize_filters(net, gaussian, theta)
    line = loss_along(risk, theta, direction, lines.ALPHAS).T  # (D, A)
    return {
        "trace": trace.mean,
        "trace_error": trace.standard_error,
        "top": top,
        "loss": risk(theta),
        "accuracy": accuracy(net, theta, data),
        "line": line,
    }


def check(arrays):
    """Results of `CLAIMS`."""
    trace, top, line = (
        arrays["trace"],
        arrays["top"],
        lines.rise(arrays["line"], arrays["loss"]),
    )
    error = (arrays["trace_error"] / trace).max()
    noise = f"largest relative standard error of a trace {error:.1%}"
    means = ", ".join(
        f"{name} {value:.4g}" for name, value in zip(OBJECTIVES, trace.mean(axis=0))
    )
    dropout, eigenvalue, along, alone, accounts, line_all, trace_all, right = CLAIMS
    results = []
    for claim, values, which, detail in (
        (dropout, trace, 1, f"mean traces: {means}; {noise}"),
        (eigenvalue, top, 1, ""),
        (along, line, 1, ""),
        (alone, trace, 2, noise),
    ):
        effect = paired_ratio(values[:, 0], values[:, which])
        passed = effect.interval[0] > 1
        results.append(claim.result(passed, effect.mean, effect.interval, None, detail))
    effect = paired_ratio(trace[:, 2], trace[:, 1])
    low, high = effect.interval
    results.append(
        accounts.result(0.9 < low and high < 1.1, effect.mean, effect.interval)
    )
    for claim, values in ((line_all, line), (trace_all, trace)):
        effect = paired_ratio(values[:, 0], values[:, 3])
        passed = effect.interval[0] > 1
        results.append(claim.result(passed, effect.mean, effect.interval))
    effect = paired(arrays["accuracy"][:, 3] - arrays["accuracy"][:, 0])
    detail = f"mean accuracy on {arrays['data']}: " + ", ".join(
        f"{name} {value:.4f}"
        for name, value in zip(OBJECTIVES, arrays["accuracy"].mean(axis=0))
    )
    passed = effect.interval[0] > 0
    return [*results, right.result(passed, effect.mean, effect.interval, None, detail)]


def plot(arrays):
    """Loss along directions, and trace and largest eigenvalue by seed."""
    figure, axes = style.figure(1, 3, width=9.0, height=2.8)
    looks = (
        (style.BLACK, "o", "-", "$R_S$ (gradient descent)"),
        (style.RED, "s", "-", r"$R_S^\mathrm{drop}$"),
        (style.SKY, "^", "--", "$R_S + R_1$"),
        (style.PURPLE, "D", "-", r"$R_S^\mathrm{drop}$, all"),
    )
    panel = axes[0, 0]
    for which, (color, _, dashes, label) in enumerate(looks):
        lines.plot_band(panel, arrays["line"][:, which], color, label, dashes)
    panel.set(
        title="loss along directions: median, 10–90%",
        xlabel=r"$\alpha$ (whole layers as filters)",
        ylabel=r"$L(\alpha) = R_S(\theta + \alpha d)$",
    )
    panel.legend(loc="upper center")
    panel.set_ylim(0, 1.35 * panel.get_ylim()[1])
    for panel, name, title, label in (
        (axes[0, 1], "trace", "trace", r"$\mathrm{Tr}\,\nabla^2 R_S$"),
        (axes[0, 2], "top", "largest eigenvalue", r"$\lambda_{\max}(\nabla^2 R_S)$"),
    ):
        values = arrays[name]
        for row in values:
            panel.plot(range(4), row, color="0.75", lw=0.8, zorder=1)
        for which, (color, marker, *_) in enumerate(looks):
            column = values[:, which]
            panel.plot([which] * len(column), column, marker, color=color, ms=4)
        panel.set(title=title, ylabel=label, xlim=(-0.5, 3.5), xticks=range(4))
        panel.set_xticklabels(["$R_S$", *(label for *_, label in looks[1:])])
        panel.set_ylim(bottom=0)
    style.letter(axes)
    return {"fig12a_flat_minima": figure}
