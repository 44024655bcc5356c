"""Panels that several experiments draw."""

import numpy as np

from refimpl import angle
from refimpl.experiments.common import condensed, style


def threshold(panel, rule):
    """The ends of the region in which a claim's quantity, shown upwards, must lie."""
    for end in rule.thresholds:
        panel.axhline(end, color="0.5", lw=1, ls="--", label=rule.text)


def spread(panel, x, values, levels=(0.1, 0.5, 0.9), **line):
    """Three quantiles of the values (..., X) over all else: the middle one as a line.

    Parameters
    ----------
    levels : (float, float, float)
        Of the quantiles: the outer two bound a band.
    **line
        Color, label and style of the line.
    """
    rows = values.reshape(-1, len(x))
    low, middle, high = np.quantile(rows, levels, axis=0)
    panel.fill_between(x, low, high, color=line["color"], alpha=0.2, lw=0)
    panel.plot(x, middle, **line)


def seeds(panel, x, rows, color, label, dashes="-"):
    """Every seed's row of `rows` (S, X), thin, and the median."""
    panel.plot(x, rows.T, color=color, lw=0.5, alpha=0.4)
    panel.plot(x, np.median(rows, axis=0), dashes, color=color, label=label)


def counts(panel, steps, rows, color, label, dashes="-"):
    """Number of orientations (S, T) against steps."""
    seeds(panel, steps, rows, color, label, dashes)
    panel.set(title="orientations, all seeds", xlabel="steps", ylabel="orientations")
    panel.locator_params(axis="x", nbins=4)


def features(panel, weights, sizes, stages):
    """Amplitude (2, m) against orientation of the weights (2, m, 2), at two `stages`."""
    for w, a, color, label in zip(weights, sizes, (style.SKY, style.RED), stages):
        shown = a > 0
        panel.plot(
            angle(w)[shown],
            a[shown] / a.max(),
            "o",
            color=color,
            ms=2.5,
            mew=0,
            alpha=0.6,
            label=label,
            rasterized=True,
        )
    panel.set(
        xlabel="orientation of $(w_j, b_j)$ (rad)",
        ylabel=r"amplitude $A_j\,/\,\max A$",
        xlim=(-np.pi, np.pi),
        xticks=[-np.pi, 0, np.pi],
        xticklabels=["$-π$", "0", "$π$"],
    )


def trainings(arrays, looks, stages=("initial", "trained")):
    """Figure of several trainings on Figure 4's points: a column each, and one of all.

    Above the outputs and the loss of the first seed, below its features and the number
    of orientations of all seeds.

    Parameters
    ----------
    arrays : dict
        As `features.record` makes them, with K trainings first, and ``steps`` (T,),
        ``grid`` (G,), and the points ``x`` and ``y``.
    looks : dict
        Label → color of each training.
    stages : (str, str)
        What start and end are called.
    """
    figure, axes = style.figure(2, len(looks) + 1, width=2.6 * (len(looks) + 1))
    loss, count = axes[:, -1]
    for k, (label, color) in enumerate(looks.items()):
        output = axes[0, k]
        output.plot(arrays["grid"], arrays["output"][k, 0], color=color)
        output.plot(arrays["x"], arrays["y"], "*", color=style.RED, ms=7, label="data")
        output.set(
            title=f"output, {label}", xlabel="$x$", ylabel="$f(x)$", ylim=(-3, 3)
        )
        features(axes[1, k], arrays["weights"][k, 0], arrays["amplitude"][k, 0], stages)
        axes[1, k].set_title(f"features, {label}")
        loss.plot(
            arrays["steps"], arrays["loss"][k, 0], color=color, lw=0.8, label=label
        )
        counts(count, arrays["steps"], arrays["count"][k], color, label)
    threshold(count, condensed.FEW)
    count.set_ylim(bottom=0)
    loss.set(title="loss", xlabel="steps", ylabel="$R_S$", yscale="log")
    loss.locator_params(axis="x", nbins=4)
    loss.legend(loc="upper right")
    axes[0, 0].legend(loc="upper left")
    axes[1, 0].legend(loc="upper right", markerscale=2)
    style.letter(axes)
    return figure
