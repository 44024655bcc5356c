"""When does dropout condense? Phase diagrams of the number of orientations.

The two-layer network of Figure 4: keep probability against the scale of the
initialisation, and learning rate against width, with dropout and without.
"""

from dataclasses import dataclass

import numpy as np

from refimpl.core.dropout import Dropout
from refimpl.core.optimizers import Adam
from refimpl.core.risk import Risk
from refimpl.core.two_layer import TwoLayer
from refimpl.data.datasets import tanh_pair
from refimpl.experiments.common import features, style
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.framework import Claim
from refimpl.experiments.common.statistics import paired, slope

LINEAR = 0.3  # exponents up to here: the linear regime of Figure 4, γ = 0.1, and near


@dataclass(frozen=True)
class Config:
    """All ours. Parameters start at N(0, m^−2γ); p is per sample; Adam. A point of the
    second diagram is trained for the same time, learning rate × steps.
    """

    width: int = 100
    exponents: tuple = (0.0, 0.1, 0.3, 0.5, 0.75, 1.0)
    keeps: tuple = (1.0, 0.98, 0.95, 0.9, 0.75, 0.5)
    steps: int = 20_000
    rate: float = 1e-3
    widths: tuple = (50, 100, 200, 400, 700)
    rates: tuple = (4e-4, 1e-3, 2.5e-3, 6e-3, 1.5e-2, 4e-2)
    keep: float = 0.9
    time: float = 20.0
    seeds: int = 4


PRESETS = {
    "quick": Config(
        width=50,
        exponents=(0.1, 0.5, 1.0),
        keeps=(1.0, 0.95, 0.8),
        steps=6_000,
        widths=(50, 100, 200),
        rates=(2.5e-3, 6e-3, 1.5e-2),
        time=12.0,
        seeds=3,
    ),
    "default": Config(),
    "paper": Config(
        width=300,
        exponents=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0),
        keeps=(1.0, 0.99, 0.98, 0.95, 0.9, 0.8, 0.65, 0.5, 0.3),
        steps=40_000,
        widths=(30, 60, 100, 200, 300, 600, 1000),
        rates=(2e-4, 4e-4, 1e-3, 2.5e-3, 6e-3, 1.5e-2, 4e-2),
        seeds=5,
    ),
}
CAPTIONS = {
    "phase_diagrams": (
        "Number of orientations, mean over seeds: (a) by the exponent γ of the "
        "initialisation and the keep probability; by width and learning rate (b) "
        "without dropout and (c) with it, and the line where the weights are half "
        "condensed. (d) R_S of (a), decimal logarithm."
    ),
}

CLAIMS = (
    Claim(
        "phase-keep",
        "In the linear regime dropout condenses and its absence does not.",
        "this project",
        f"{features.COUNT}, initial exponents γ up to {LINEAR:g}: p=1 minus the mean "
        "over all p below 1, mean over γ and seeds, paired over seeds; the 95% "
        "interval is above 0",
    ),
    Claim(
        "phase-init",
        "Without dropout only a small initialisation condenses.",
        "Figure 9; the group's work on initialisation",
        f"{features.COUNT} at p=1: γ = least minus γ = largest, mean over seeds; the "
        "95% interval is above 0",
    ),
    Claim(
        "phase-width",
        "At the same learning rate and training time a wider network condenses less.",
        "arXiv 2510.07554",
        "(number of orientations with dropout − 2) over (that without − 2), mean over "
        "the learning rates: largest width minus least, mean over seeds; the 95% "
        "interval is above 0",
    ),
    Claim(
        "phase-rate-width",
        "The largest learning rate at which dropout condenses in a given time falls "
        "like 1/width.",
        "arXiv 2510.07554, another setting",
        "slope of the log of that learning rate (where the same ratio, mean over "
        "seeds, crosses ½, interpolated) against log width, widths where it does; "
        "between −1.5 and −0.5",
    ),
)


def run(config, context):
    """Train every point of both diagrams.

    Returns
    -------
    arrays : dict
        ``scale_count`` and ``scale_loss`` (G, K, S): exponents × keep probabilities ×
        seeds; ``rate_count`` and ``rate_loss`` (W, E, 2, S): widths × learning rates ×
        (without, with dropout) × seeds; the axes.
    """
    seeds = context.seeds(config.seeds)
    axes = ("exponents", "keeps", "widths", "rates")
    arrays = {name: np.array(getattr(config, name)) for name in axes}
    tasks = [(gamma, *seeds) for gamma in config.exponents]
    parts = stacked(context.runs(by_scale, config, tasks, "phases: scale"))
    arrays |= {f"scale_{name}": values for name, values in parts.items()}
    # The longest first, so that no core waits at the end for another.
    order = sorted(
        ((m, rate) for m in config.widths for rate in config.rates),
        key=lambda point: -point[0] / point[1],
    )
    parts = context.runs(by_rate, config, [(*p, *seeds) for p in order], "phases: rate")
    found = dict(zip(order, parts))
    rows = [found[m, rate] for m in config.widths for rate in config.rates]
    parts = stacked(rows, (len(config.widths), len(config.rates)))
    arrays |= {f"rate_{name}": values for name, values in parts.items()}
    return arrays | {"seeds": np.array(seeds)}


def by_scale(config, context, gamma, *seeds):
    """Networks of one initial scale: every p and seed, side by side."""
    std = config.width**-gamma
    return trained(
        context, config.width, std, config.keeps, config.rate, config.steps, seeds
    )


def by_rate(config, context, width, rate, *seeds):
    """Networks of one width and learning rate, without dropout and with it."""
    keeps, steps = (1.0, config.keep), round(config.time / rate)
    return trained(
        context, width, features.linear_regime(width), keeps, rate, steps, seeds
    )


def trained(context, width, std, keeps, rate, steps, seeds):
    """Orientations and R_S (K, S) after training with each of `keeps`."""
    net = TwoLayer(1, width)
    X, Y = tanh_pair()
    risk, shape = Risk(net, X, Y), (len(keeps), len(seeds))
    seeds = seeds * len(keeps)
    start = features.start(net, std, context, seeds, f"init {width}")
    rngs = features.noise(context, seeds, f"noise {width}")
    drop = Dropout(np.repeat(keeps, shape[1]), per_sample=True)
    theta = context.train(risk, start, Adam(rate), steps, drop, rng=rngs).theta
    return {
        "count": features.orientations(net, theta, X).reshape(shape),
        "loss": risk(theta).reshape(shape),
    }


def shares(arrays):
    """Orientations above two, with dropout over without: (W, E, S).

    Two, a direction and its opposite, are what is left when all is condensed.
    """
    above = np.maximum(arrays["rate_count"] - 2, 0)
    return above[:, :, 1] / np.maximum(above[:, :, 0], 1)


def largest_rates(arrays):
    """Learning rate at which the mean share crosses ½, by width; NaN: it does not."""
    logs, found = np.log(arrays["rates"]), []
    for share in shares(arrays).mean(axis=-1):
        below = share < 0.5
        (at,) = np.nonzero(below[:-1] & ~below[1:])
        if len(at) == 0:
            found.append(np.nan)
            continue
        i = at[0]
        part = (0.5 - share[i]) / (share[i + 1] - share[i])
        found.append(np.exp(logs[i] + part * (logs[i + 1] - logs[i])))
    return np.array(found)


def check(arrays):
    """Results of `CLAIMS`."""
    keep, init, width, rate = CLAIMS
    count = arrays["scale_count"]
    linear = count[arrays["exponents"] <= LINEAR].mean(axis=0)  # (K, S)
    without = arrays["keeps"] == 1
    share = shares(arrays).mean(axis=1)  # (W, S)
    results = []
    for claim, effect in (
        (keep, paired(linear[without][0] - linear[~without].mean(axis=0))),
        (init, paired(count[0, without][0] - count[-1, without][0])),
        (width, paired(share[-1] - share[0])),
    ):
        passed = effect.interval[0] > 0
        results.append(claim.result(passed, effect.mean, effect.interval))
    rates = largest_rates(arrays)
    crossed = np.isfinite(rates)
    detail = ", ".join(f"{m}: {e:.2g}" for m, e in zip(arrays["widths"], rates))
    if crossed.sum() < 3:
        reason = f"the ratio crosses ½ at fewer than three widths ({detail})"
        return [*results, rate.not_attempted(reason)]
    fit = slope(arrays["widths"][crossed], rates[crossed])
    passed = -1.5 < fit.mean < -0.5
    detail = f"learning rate by width: {detail}"
    return [*results, rate.result(passed, fit.mean, fit.interval, None, detail)]


def plot(arrays):
    """The diagrams on one colour scale, with the line rate ∝ 1/width."""
    figure, axes = style.figure(1, 4, width=14.0, height=3.2)
    counts = arrays["rate_count"].mean(axis=-1)  # (W, E, 2)
    scale = arrays["scale_count"].mean(axis=-1)  # (G, K)
    top = max(counts.max(), scale.max())
    look = dict(cmap="viridis", vmin=1, vmax=top, origin="lower", aspect="auto")
    exponents, widths = arrays["exponents"], arrays["widths"]
    _map(axes[0, 0], scale.T, look, exponents, arrays["keeps"])
    image = _map(
        axes[0, 3],
        np.log10(arrays["scale_loss"].mean(axis=-1)).T,
        look | dict(cmap="magma", vmin=None, vmax=None),
        exponents,
        arrays["keeps"],
    )
    for panel, title in ((axes[0, 0], "orientations"), (axes[0, 3], "loss of (a)")):
        panel.set(
            title=title,
            xlabel=r"initial exponent $\gamma$, $N(0, m^{-2\gamma})$",
            ylabel="keep probability $p$",
        )
    figure.colorbar(image, ax=axes[0, 3], label=r"$\log_{10} R_S$")
    for k, name in enumerate(("without dropout", "with dropout")):
        panel = axes[0, 1 + k]
        image = _map(panel, counts[..., k].T, look, widths, arrays["rates"])
        panel.set(title=name, xlabel="width $m$", ylabel="learning rate (Adam)")
    rates = largest_rates(arrays)
    crossed = np.isfinite(rates)
    rows = np.interp(
        np.log(rates[crossed]), np.log(arrays["rates"]), range(len(arrays["rates"]))
    )
    axes[0, 2].plot(
        np.flatnonzero(crossed), rows, "o-", color=style.RED, label="half condensed"
    )
    axes[0, 2].legend(loc="lower left", labelcolor="white")
    figure.colorbar(image, ax=axes[0, :3].tolist(), label="orientations")
    style.letter(axes)
    return {"phase_diagrams": figure}


def _map(panel, values, look, columns, rows):
    """`values` (rows, columns) as a map with an axis of names."""
    image = panel.imshow(values, **look)
    panel.set(
        xticks=range(len(columns)),
        xticklabels=[f"{x:g}" for x in columns],
        yticks=range(len(rows)),
        yticklabels=[f"{y:g}" for y in rows],
    )
    return image
