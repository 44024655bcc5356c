"""When does dropout condense? Phase diagrams of the number of orientations.

The two-layer network of Figure 4: keep probability against the scale of the
initialisation, and learning rate against width, with dropout and without.
"""

from dataclasses import dataclass

import numpy as np

from refimpl import Adam, Dropout, Risk, TwoLayer
from refimpl.data import tanh_pair
from refimpl.experiments.common import condensed, features, style
from refimpl.experiments.common.claims import Claim, above, between, decided, ours
from refimpl.experiments.common.labels import titled
from refimpl.experiments.common.statistics import paired, resampled, slope

LINEAR = 0.3  # exponents up to here: the linear regime of Figure 4, γ = 0.1, and near


@dataclass(frozen=True)
class Config:
    """All ours. Parameters start at N(0, m^−2γ); p is per sample; Adam. A point of the
    second diagram is trained for the same time, learning rate × steps.
    """

    width: int = 100
    exponents: tuple = (0.1, 0.3, 0.5, 1.0)
    keeps: tuple = (1.0, 0.98, 0.9, 0.75, 0.5)
    steps: int = 20_000
    rate: float = 1e-3
    widths: tuple = (70, 120, 200, 400)
    rates: tuple = (1e-3, 2.5e-3, 6e-3, 1.5e-2, 4e-2)
    keep: float = 0.9
    time: float = 20.0
    seeds: int = 10


QUICK = Config(
    width=50,
    exponents=(0.1, 0.5, 1.0),
    keeps=(1.0, 0.95, 0.8),
    steps=6_000,
    widths=(50, 100, 200),
    rates=(2.5e-3, 6e-3, 1.5e-2),
    time=12.0,
    seeds=3,
)
PAPER = Config(
    width=300,
    exponents=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0),
    keeps=(1.0, 0.99, 0.98, 0.95, 0.9, 0.8, 0.65, 0.5, 0.3),
    steps=40_000,
    widths=(30, 60, 100, 200, 300, 600, 1000),
    rates=(2e-4, 4e-4, 1e-3, 2.5e-3, 6e-3, 1.5e-2, 4e-2),
    seeds=5,
)

SAID = (
    "The statement was that {}; but some orientations go on either side, and the rule "
    "compares the two."
)
SHARE = (
    f"{condensed.RESOLUTION} At first the share was a plain ratio of counts, which "
    "cannot fall below ½ where few orientations are left without dropout; then two "
    "were taken off, now the four that are left at the finer resolution. The grid was "
    "moved to where the edge lies."
)
AFTER = "after arXiv 2510.07554, whose networks start at the mean-field scale"
CLAIMS = (
    ours(
        "phase-keep",
        "In the linear regime dropout leaves fewer orientations than its absence.",
        f"{condensed.FINELY}, initial exponents γ up to {LINEAR:g}, p=1 minus the mean "
        "over all p below 1, mean over γ, paired over seeds",
        above(0),
        explored=f"{condensed.RESOLUTION} {SAID.format('dropout condenses')}",
    ),
    Claim(
        "phase-init",
        "Without dropout a small initialisation leaves fewer orientations than a large "
        "one.",
        "Figure 9; the group's work on initialisation",
        f"{condensed.FINELY} at p=1, least γ minus largest γ, paired over seeds",
        above(0),
        note="From the smallest scale of the paper preset the network without dropout "
        "does not leave the saddle within the steps, and keeps its orientations.",
        anchor="figure-9",
        explored=f"{condensed.RESOLUTION} {SAID.format('only a small one condenses')}",
    ),
    ours(
        "phase-width",
        "At the same learning rate and training time a wider network condenses less.",
        "(number of orientations with dropout − 4) over (that without − 4), mean over "
        "the learning rates, largest width minus least, paired over seeds",
        above(0),
        AFTER,
        explored=SHARE,
    ),
    ours(
        "phase-rate-width",
        "The largest learning rate at which dropout condenses in a given time falls "
        "like 1/width.",
        "slope of the log of that learning rate (where (number of orientations with "
        "dropout − 4) over (that without − 4), mean over seeds, crosses ½, "
        "interpolated) against log width, widths where it does; the interval is over "
        "seeds drawn anew",
        between(-1.25, -0.75),
        AFTER,
        note="In our setting, Adam at equal training time, the estimates are powers "
        "of −1.33 over widths up to 400 and −1.07 up to 1000; their intervals hold −1 "
        "and reach beyond the region.",
        anchor="learning-rate-and-width",
        explored=f"{SHARE} The region was −1.5 to −0.5, for the estimate alone; it is "
        "now as narrow as for the orders in ε, and holds for the interval.",
    ),
)


def run(config, context):
    """Train every point of both diagrams.

    Arrays: ``scale_count`` and ``scale_coarse``, of orientations at the finer
    resolution and at the coarser, and ``scale_loss`` (G, K, S): exponents × keep
    probabilities × seeds; ``rate_count``, ``rate_coarse`` and ``rate_loss`` (W, E, 2,
    S): widths × learning rates × (without, with dropout) × seeds; the axes.
    """
    seeds = context.seeds
    axes = ("exponents", "keeps", "widths", "rates")
    arrays = {name: getattr(config, name) for name in axes}
    scales = config.exponents
    parts = context.grid(by_scale, config, "phases: scale", scales, seeds=seeds)
    arrays |= {f"scale_{name}": values for name, values in parts.items()}
    # The longest first, so that no core waits at the end for another.
    points = (config.rates, config.widths[::-1])
    parts = context.grid(by_rate, config, "phases: rate", *points, seeds=seeds)
    parts = {name: values.swapaxes(0, 1)[::-1] for name, values in parts.items()}
    return arrays | {f"rate_{name}": values for name, values in parts.items()}


def by_scale(config, context, gamma, *seeds):
    """Networks of one initial scale: every p and seed, side by side."""
    std, rate, steps = config.width**-gamma, config.rate, config.steps
    return trained(context, config.width, std, config.keeps, rate, steps, seeds)


def by_rate(config, context, rate, width, *seeds):
    """Networks of one learning rate and width, without dropout and with it."""
    std, steps = features.linear_regime(width), round(config.time / rate)
    return trained(context, width, std, (1.0, config.keep), rate, steps, seeds)


def trained(context, width, std, keeps, rate, steps, seeds):
    """Orientations, both counts, and R_S (K, S) after training with each of `keeps`."""
    net, shape = TwoLayer(1, width), (len(keeps), len(seeds))
    risk = Risk(net, *tanh_pair())
    seeds = seeds * len(keeps)
    start = features.start(net, std, context, seeds, f"init {width}")
    rngs = context.noise(f"noise {width}", seeds)
    drop = Dropout(np.repeat(keeps, shape[1]), per_sample=True)
    theta = context.train(risk, start, Adam(rate), steps, drop, rng=rngs).theta
    found = features.counts(net, [theta], risk.X) | {"loss": risk(theta)}
    return {name: values.reshape(shape) for name, values in found.items()}


def shares(arrays):
    """Orientations above four, with dropout over without: (W, E, S).

    Four, two directions and their opposites, are what is left when all is condensed.
    """
    more = np.maximum(arrays["rate_count"] - condensed.FEW.high, 0)
    return more[:, :, 1] / np.maximum(more[:, :, 0], 1)


def largest_rates(rates, by_width):
    """Learning rate at which the shares (W, E) cross ½, by width; NaN: they do not."""
    logs, found = np.log(rates), []
    for share in by_width:
        few = share < 0.5
        (at,) = np.nonzero(few[:-1] & ~few[1:])
        if len(at) == 0:
            found.append(np.nan)
            continue
        i = at[0]
        part = (0.5 - share[i]) / (share[i + 1] - share[i])
        found.append(np.exp(logs[i] + part * (logs[i + 1] - logs[i])))
    return np.array(found)


def exponent(arrays, seeds):
    """Slope of log largest rate against log width, of the mean over some seeds."""
    share = shares(arrays)[..., seeds].mean(axis=-1)
    rates = largest_rates(arrays["rates"], share)
    crossed = np.isfinite(rates)
    if crossed.sum() < 3:
        return np.nan
    return slope(arrays["widths"][crossed], rates[crossed]).mean


def gains(arrays, name):
    """What dropout takes (S,), and what a small initialisation does, of a count."""
    count, without = arrays[f"scale_{name}"], arrays["keeps"] == 1
    linear = count[arrays["exponents"] <= LINEAR].mean(axis=0)  # (K, S)
    by_scale = count[:, without][:, 0]  # (G, S)
    kept = linear[without][0] - linear[~without].mean(axis=0)
    return kept, by_scale[0] - by_scale[-1]


def check(arrays):
    kept, by_scale = gains(arrays, "count")
    share = shares(arrays).mean(axis=1)  # (W, S)
    rates = largest_rates(arrays["rates"], shares(arrays).mean(axis=-1))
    detail = ", ".join(f"{m}: {e:.2g}" for m, e in zip(arrays["widths"], rates))
    edge = f"the ratio crosses ½ at fewer than three widths ({detail})"
    if np.isfinite(rates).sum() >= 3:
        edge = resampled(lambda drawn: exponent(arrays, drawn), share.shape[1])
    measured = {
        "phase-keep": paired(kept),
        "phase-init": paired(by_scale),
        "phase-width": paired(share[-1] - share[0]),
        "phase-rate-width": edge,
    }
    coarse = (f"at cosine 0.95 {x.mean():.3g}" for x in gains(arrays, "coarse"))
    details = dict(zip(("phase-keep", "phase-init"), coarse))
    counts = {
        cosine: arrays[f"rate_{name}"][..., 1, :].mean(axis=(1, -1)).round(1).tolist()
        for cosine, name in ((0.995, "count"), (0.95, "coarse"))
    }
    details["phase-width"] = "orientations with dropout, mean over learning rates, " + (
        ", ".join(f"at cosine {cosine:g} {listed}" for cosine, listed in counts.items())
    )
    details["phase-rate-width"] = f"learning rate by width: {detail}"
    return decided(CLAIMS, measured, details)


def plot(arrays):
    """Number of orientations at cosine 0.995, mean over seeds: (a) by the exponent γ of
    the initialisation and the keep probability, with (b) its R_S, decimal logarithm; by
    width and learning rate (c) without dropout and (d) with it, and the line where the
    weights are half condensed.
    """
    figure, axes = style.figure(2, 2, width=8.4, height=3.1)
    (by_scale, loss), (without, with_dropout) = axes
    counts = arrays["rate_count"].mean(axis=-1)  # (W, E, 2)
    scale = arrays["scale_count"].mean(axis=-1)  # (G, K)
    look = dict(vmin=1, vmax=max(counts.max(), scale.max()))
    axis = (arrays["exponents"], arrays["keeps"])
    image = _map(by_scale, scale, axis, **look)
    figure.colorbar(image, ax=by_scale, label="orientations")
    logs = np.log10(arrays["scale_loss"].mean(axis=-1))
    image = _map(loss, logs, axis, cmap="magma")
    figure.colorbar(image, ax=loss, label=r"$\log_{10} R_S$")
    x, y = r"initial exponent $\gamma$, $N(0, m^{-2\gamma})$", "keep probability $p$"
    titled(by_scale, "orientations", x, y)
    titled(loss, "loss of (a)", x, y)
    axis = (arrays["widths"], arrays["rates"])
    for k, (panel, title) in enumerate(
        ((without, "without dropout"), (with_dropout, "with dropout"))
    ):
        image = _map(panel, counts[..., k], axis, **look)
        titled(panel, title, "width $m$", "learning rate (Adam)")
    figure.colorbar(image, ax=axes[1].tolist(), label="orientations")
    rates = largest_rates(arrays["rates"], shares(arrays).mean(axis=-1))
    crossed = np.isfinite(rates)
    logs = np.log(arrays["rates"])
    rows = np.interp(np.log(rates[crossed]), logs, range(len(logs)))
    line = dict(color=style.RED, label="half condensed")
    with_dropout.plot(np.flatnonzero(crossed), rows, "o-", **line)
    with_dropout.legend(loc="lower left", labelcolor="white")
    return {"phase_diagrams": figure}


def _map(panel, values, axes, **look):
    """`values` (columns, rows) as a map, with the two `axes` as names."""
    image = panel.imshow(values.T, origin="lower", aspect="auto", **look)
    columns, rows = ([f"{x:g}" for x in axis] for axis in axes)
    panel.set_xticks(range(len(columns)), columns)
    panel.set_yticks(range(len(rows)), rows)
    return image
