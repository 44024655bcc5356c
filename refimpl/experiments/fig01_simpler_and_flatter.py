"""Dropout's output is simpler, and its minimum flatter (Figure 1).

The paper's two-layer ReLU network of width 1000 on its six points that match
½σ(−x − ⅓) + ½σ(x − ⅓), trained with and without dropout: its outputs and kinks, and
the loss along random filter-normalised directions.
"""

from dataclasses import dataclass

import numpy as np

from refimpl import Adam, Risk, TwoLayer, loss_along, normalize_filters
from refimpl.data import relu_pair
from refimpl.experiments.common import features, lines, panels, style
from refimpl.experiments.common.claims import Claim, above, decided
from refimpl.experiments.common.labels import listed, plot_columns, titled
from refimpl.experiments.common.statistics import paired, paired_ratio
from refimpl.theory.kinks import kinks

GRID = np.linspace(-5 / 3, 5 / 3, 501)  # between the outer points
BINS = 50
MOST = 1000  # of the ratios that are drawn
FILTERS = ("layer", "row")


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


QUICK = Config(width=100, steps=10_000, rate=3e-3)
PAPER = Config(seeds=10, steps=100_000, directions=100)
PAPER_SETTINGS = {"width": 1000, "rate": 1e-3}

NETWORK = "two-layer ReLU network on six points"
PAIRED = "p=1 minus p=0.9, mean over seeds, paired"
CLAIMS = (
    Claim(
        "fig01a-simpler",
        f"With dropout the output varies less in slope than without ({NETWORK}).",
        "Figure 1a",
        "total variation of the output's slope between neighbouring points of a grid "
        f"of 500 intervals on [−5/3, 5/3] (1 for the target), {PAIRED}",
        above(0),
    ),
    Claim(
        "fig01a-convexity",
        "With dropout the output is nearer to convex, as the target is, than without "
        f"({NETWORK}).",
        "Figure 1a",
        f"total decrease of the same slope (0 for a convex function), {PAIRED}",
        above(0),
    ),
    Claim(
        "fig01a-intercepts",
        "With dropout the intercepts −b/w of the neurons cluster more than without "
        f"({NETWORK}).",
        "Figure 1a, Theorem 1",
        f"number of {BINS} equal parts of [−5/3, 5/3] that hold 90% of the slope "
        f"changes |a w| in it, {PAIRED}",
        above(0),
    ),
    *(
        Claim(
            f"fig01b-flatter-{filters}",
            "Along random filter-normalised directions the loss rises less with "
            f"dropout than without ({NETWORK}; the filter is {words}).",
            source,
            "L(½) − L(0), averaged over directions and both signs, p=1 over p=0.9, "
            "same directions, geometric mean over seeds",
            above(1),
            origin,
        )
        for filters, words, source, origin in (
            ("layer", "a whole layer, as in the paper", "Figure 1b", "paper"),
            ("row", "a row, as in Li et al. 2018", "this project", "project"),
        )
    ),
)


def run(config, context):
    """Train with and without dropout.

    Arrays, with 2 keep probabilities and S seeds: ``output`` (2, S, 501) on ``grid``;
    ``intercepts`` and ``slope_changes`` (2, S, m) of the neurons; ``loss`` (2, S);
    ``line`` (2, S, 2 normalisations, D, A), R_S along directions at `lines.ALPHAS`.
    """
    X, Y = relu_pair()
    axes, seeds = [(1.0, config.keep)], context.seeds
    found = context.grid(minimum, config, "Figure 1", *axes, seeds=seeds)
    return {"x": X, "y": Y, "grid": GRID} | found


def minimum(config, context, keep, *seeds):
    """Networks trained with one keep probability."""
    net = TwoLayer(1, config.width, activation="relu")
    risk = Risk(net, *relu_pair())
    theta = context.train(
        risk,
        features.start(net, features.linear_regime(config.width), context, seeds),
        Adam(config.rate),
        config.steps,
        features.dropout(keep),
        rng=context.noise("noise", seeds),
    ).theta.astype(float)
    bends = kinks(net, theta)
    # The same directions for both keep probabilities: paired.
    rngs = [context.rng("directions", seed) for seed in seeds]
    gaussian = [rng.standard_normal((config.directions, net.size)) for rng in rngs]
    line = []
    for filters in FILTERS:
        directions = normalize_filters(net, np.stack(gaussian), theta[:, None], filters)
        values = loss_along(risk, theta[:, None], directions, lines.ALPHAS)  # (A, S, D)
        line.append(np.moveaxis(values, 0, -1))
    return {
        "line": np.stack(line, axis=1),  # (S, 2, D, A)
        "output": features.outputs(net, theta, GRID),
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


def measures(arrays):
    """What claims are about, without dropout and with it: pairs of (S,), by claim."""
    steps = slope_steps(arrays)
    rises = np.moveaxis(lines.rise(arrays["line"], arrays["loss"][..., None]), 2, 0)
    return {
        "fig01a-simpler": np.abs(steps).sum(-1),
        "fig01a-convexity": np.maximum(-steps, 0).sum(-1),
        "fig01a-intercepts": filled_parts(arrays),
    } | {f"fig01b-flatter-{name}": pair for name, pair in zip(FILTERS, rises)}


def check(arrays):
    measured, details = {}, {}
    for name, (plain, dropout) in measures(arrays).items():
        ratio = name.startswith("fig01b")
        measured[name] = (
            paired_ratio(plain, dropout) if ratio else paired(plain - dropout)
        )
        means = (plain.mean(), dropout.mean())
        details[name] = listed(("mean: p=1", "p=0.9"), means, ".3g")
    return decided(CLAIMS, measured, details)


def plot(arrays):
    """(a) Outputs of the networks trained without dropout and with it, and the six
    points. (b), (c) Slope changes of one network by where they lie, without dropout and
    with it. (d), (e) Loss along random directions from both minima, median and 10% to
    90%, with a whole layer and with a row as the filter. (f) What the claims measure,
    without dropout over with it, a dot a seed; 1000 stands for all that is more, such
    as over slopes that fall by rounding alone.
    """
    figure, axes = style.figure(2, 3, width=9.0, height=2.7)
    edges = np.linspace(arrays["x"].min(), arrays["x"].max(), BINS + 1)
    looks = ((style.BLUE, "$p = 1$"), (style.RED, "with dropout"))
    output, *kinked = axes[0]
    for k, (color, label) in enumerate(looks):
        values = arrays["output"][k].T  # (G, S)
        output.plot(arrays["grid"], values[:, 0], color=color, label=label)
        output.plot(arrays["grid"], values[:, 1:], color=color, alpha=0.3, lw=0.7)
        sizes = np.abs(arrays["slope_changes"][k, 0])
        kinked[k].hist(arrays["intercepts"][k, 0], edges, weights=sizes, color=color)
        in_part = r"$\sum_j |a_j w_j|$ in each part"
        titled(kinked[k], f"kinks, {label}", "intercept $-b_j/w_j$", in_part)
        for which, filters in enumerate(FILTERS):
            panel, line = axes[1, which], arrays["line"][k, :, which]
            panels.spread(panel, lines.ALPHAS, line, color=color, label=label)
            along = r"$R_S(\theta + \alpha d)$"
            titled(panel, f"loss, filter: {filters}", r"$\alpha$", along)
    output.plot(arrays["x"], arrays["y"], "*", color=style.BLACK, ms=7, label="data")
    titled(output, "output", "$x$", "$f(x)$")
    output.legend(loc="upper center")
    axes[1, 0].legend(loc="upper center")
    names = ("slope varies", "slope falls", "parts filled", "rise, layer", "rise, row")
    look = above(1), style.BLACK
    columns = {  # more without dropout than with: a ratio above 1
        name.replace(" ", "\n"): (np.minimum(plain / dropout, MOST), *look)
        for name, (plain, dropout) in zip(names, measures(arrays).values())
    }
    plot_columns(axes[1, 2], columns)
    titled(axes[1, 2], "without dropout over with", "", "ratio", yscale="log")
    axes[1, 2].tick_params(axis="x", labelsize=7)
    return {"fig01_simpler_and_flatter": figure}
