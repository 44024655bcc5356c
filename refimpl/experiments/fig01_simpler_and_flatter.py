"""Dropout's output is simpler, and its minimum flatter (Figure 1).

The paper's two-layer ReLU network of width 1000 on its six points that match
½σ(−x − ⅓) + ½σ(x − ⅓), trained with and without dropout: its outputs and kinks, and
the loss along random filter-normalised directions.
"""

from dataclasses import dataclass

import numpy as np

from refimpl.analysis.landscape import loss_along, normalize_filters
from refimpl.core.dropout import Dropout
from refimpl.core.optimizers import Adam
from refimpl.core.risk import Risk
from refimpl.core.two_layer import TwoLayer
from refimpl.data.datasets import relu_pair
from refimpl.experiments.common import features, lines, style
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.framework import Claim
from refimpl.experiments.common.statistics import paired, paired_ratio
from refimpl.theory.kinks import kinks

BINS = 50
NORMALISED = {"layer": "a whole layer as the filter, as in the paper", "row": "a row"}


@dataclass(frozen=True)
class Config:
    """The paper gives network, points and learning rate. Keep probability, optimiser,
    initialisation and steps are ours, and those of Figure 4: p = 0.9, one mask per
    sample, Adam, N(0, m^−0.2). By 40,000 steps the outputs have stopped changing.
    """

    width: int = 1000
    keep: float = 0.9
    seeds: int = 5
    steps: int = 40_000
    rate: float = 1e-3
    directions: int = 20


PRESETS = {
    "quick": Config(width=100, steps=10_000, rate=3e-3),
    "default": Config(),
    "paper": Config(seeds=10, steps=100_000, directions=100),
}
PAPER_SETTINGS = {"width": 1000, "rate": 1e-3}
CAPTIONS = {
    "fig01_simpler_and_flatter": (
        "(a) Outputs of the networks trained without dropout and with it, and the six "
        "points. (b), (c) Slope changes of one network by where they lie, without "
        "dropout and with it. (d), (e) Loss along random directions from both minima, "
        "median and 10% to 90%, with a whole layer and with a row as the filter."
    ),
}

CLAIMS = (
    Claim(
        "fig01a-simpler",
        "With dropout the output has less variation of slope.",
        "Figure 1a",
        "total variation of the output's slope between neighbouring points of a grid "
        "of 500 intervals on [−5/3, 5/3] (1 for the target): mean over seeds of p=1 "
        "minus p=0.9, paired; the 95% interval is above 0",
    ),
    Claim(
        "fig01a-convexity",
        "With dropout the output is nearer to convex, as the target is.",
        "Figure 1a",
        "total decrease of the same slope (0 for a convex function): mean over seeds "
        "of p=1 minus p=0.9, paired; the 95% interval is above 0",
    ),
    Claim(
        "fig01a-intercepts",
        "With dropout the intercepts −b/w of the neurons cluster.",
        "Figure 1a, Theorem 1",
        f"number of {BINS} equal parts of [−5/3, 5/3] that hold 90% of the slope "
        "changes |a w| in it: mean over seeds of p=1 minus p=0.9, paired; the 95% "
        "interval is above 0",
    ),
    *(
        Claim(
            f"fig01b-flatter-{filters}",
            "Along random filter-normalised directions the loss rises less with "
            f"dropout ({words}).",
            "Figure 1b" if filters == "layer" else "Figure 1b, as in Li et al. (2018)",
            "L(½) − L(0), averaged over directions and both signs: geometric mean over "
            "seeds of p=1 over p=0.9, same directions; the 95% interval is above 1",
        )
        for filters, words in NORMALISED.items()
    ),
)


def run(config, context):
    """Train with and without dropout.

    Returns
    -------
    arrays : dict
        With 2 keep probabilities and S seeds: ``output`` (2, S, 501) on ``grid``;
        ``intercepts`` and ``slope_changes`` (2, S, m) of the neurons; ``loss`` (2, S);
        ``line`` (2, S, 2 normalisations, D, A), R_S along directions at ``alphas``.
    """
    X, Y = relu_pair()
    seeds = context.seeds(config.seeds)
    tasks = [(keep, *seeds) for keep in (1.0, config.keep)]
    parts = stacked(context.runs(minimum, config, tasks, "Figure 1"))
    fixed = {"seeds": np.array(seeds), "x": X, "y": Y, "grid": grid(X)}
    return fixed | {"alphas": lines.ALPHAS} | parts


def grid(X):
    """500 intervals between the outer points."""
    return np.linspace(X.min(), X.max(), 501)


def minimum(config, context, keep, *seeds):
    """Networks trained with one keep probability."""
    X, Y = relu_pair()
    net = TwoLayer(1, config.width, activation="relu")
    risk = Risk(net, X, Y)
    theta = context.train(
        risk,
        features.start(net, features.linear_regime(config.width), context, seeds),
        Adam(config.rate),
        config.steps,
        Dropout(keep, per_sample=True) if keep < 1 else None,
        rng=features.noise(context, seeds),
    ).theta
    theta = theta.astype(float)
    bends = kinks(net, theta)
    # The same directions for both keep probabilities: paired.
    gaussian = [
        context.rng("directions", seed).standard_normal((config.directions, net.size))
        for seed in seeds
    ]
    line = [
        loss_along(risk, theta[:, None], d, lines.ALPHAS)  # (A, S, D)
        for d in (
            normalize_filters(net, np.stack(gaussian), theta[:, None], filters)
            for filters in NORMALISED
        )
    ]
    return {
        "line": np.moveaxis(np.stack(line), (0, 1, 2, 3), (1, 3, 0, 2)),  # (S, 2, D, A)
        "output": features.outputs(net, theta, grid(X)),
        "intercepts": bends.intercepts,
        "slope_changes": bends.slope_changes,
        "loss": risk(theta),
    }


def slope_steps(arrays):
    """Changes of slope from one interval of the grid to the next: (2, S, 499)."""
    spacing = np.diff(arrays["grid"])[0]
    return np.diff(arrays["output"].astype(float), n=2) / spacing


def filled_parts(arrays):
    """Number of parts of the interval that hold 90% of the slope changes: (2, S)."""
    edges = np.linspace(arrays["x"].min(), arrays["x"].max(), BINS + 1)
    sizes = np.abs(arrays["slope_changes"])
    counts = np.empty(sizes.shape[:2])
    for index in np.ndindex(counts.shape):
        held, _ = np.histogram(arrays["intercepts"][index], edges, weights=sizes[index])
        shares = np.sort(held)[::-1].cumsum() / held.sum()
        counts[index] = 1 + (shares < features.MASS).sum()
    return counts


def check(arrays):
    """Results of `CLAIMS`."""
    steps = slope_steps(arrays)
    results = []
    for claim, values, name in zip(
        CLAIMS,
        (np.abs(steps).sum(-1), np.maximum(-steps, 0).sum(-1), filled_parts(arrays)),
        ("total variation of slope", "total decrease of slope", "parts"),
    ):
        effect = paired(values[0] - values[1])
        detail = f"mean {name}: p=1 {values[0].mean():.3g}, "
        detail += f"with dropout {values[1].mean():.3g}"
        passed = effect.interval[0] > 0
        results.append(claim.result(passed, effect.mean, effect.interval, None, detail))
    rises = lines.rise(arrays["line"], arrays["loss"][..., None])
    for which, claim in enumerate(CLAIMS[3:]):
        effect = paired_ratio(rises[0, :, which], rises[1, :, which])
        passed = effect.interval[0] > 1
        results.append(claim.result(passed, effect.mean, effect.interval))
    return results


def plot(arrays):
    """Outputs, kinks of the first seed, and the loss along directions."""
    figure, axes = style.figure(2, 3, width=9.0, height=2.7)
    looks = ((style.BLUE, "$p = 1$"), (style.RED, "with dropout"))
    for k, (color, label) in enumerate(looks):
        panel = axes[0, 0]
        for seed, output in enumerate(arrays["output"][k]):
            alpha, width = (1, 1.5) if seed == 0 else (0.3, 0.7)
            name = label if seed == 0 else None
            panel.plot(
                arrays["grid"], output, color=color, alpha=alpha, lw=width, label=name
            )
        panel = axes[0, 1 + k]
        edges = np.linspace(arrays["x"].min(), arrays["x"].max(), BINS + 1)
        panel.hist(
            arrays["intercepts"][k, 0],
            edges,
            weights=np.abs(arrays["slope_changes"][k, 0]),
            color=color,
        )
        panel.set(
            title=f"kinks, {label}",
            xlabel="intercept $-b_j/w_j$",
            ylabel=r"$\sum_j |a_j w_j|$ in each part",
        )
        for which, filters in enumerate(NORMALISED):
            panel = axes[1, which]
            lines.plot_band(panel, arrays["line"][k, :, which], color, label)
            panel.set(
                title=f"loss, filter: {filters}",
                xlabel=r"$\alpha$",
                ylabel=r"$R_S(\theta + \alpha d)$",
            )
    axes[1, 0].legend(loc="upper center")
    axes[1, 2].remove()
    panel = axes[0, 0]
    panel.plot(arrays["x"], arrays["y"], "*", color=style.BLACK, ms=7, label="data")
    panel.set(title="output", xlabel="$x$", ylabel="$f(x)$")
    panel.legend(loc="upper center")
    style.letter(axes.ravel()[:5])
    return {"fig01_simpler_and_flatter": figure}
