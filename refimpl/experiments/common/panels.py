"""Panels that several experiments draw."""

import numpy as np

from refimpl import angle
from refimpl.experiments.common import condensed, lines, style
from refimpl.experiments.common.labels import against_steps, plot_rule, titled

TRAININGS = (
    "Above: outputs at the end, the training points, and R_S against steps. Below: "
    "amplitude against orientation of each neuron of the first hidden layer, at the "
    "start and at the end, and the number of orientations (cosine above 0.995) that "
    "carry 90% of the amplitude against steps, all seeds and the median; the dashed "
    "line is the threshold of the claims."
)


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


def seeds(panel, x, rows, color, label, dashes="-", middle=np.median):
    """Every seed's row of `rows` (S, X), thin, and their `middle`."""
    panel.plot(x, rows.T, dashes, color=color, lw=0.5, alpha=0.4)
    panel.plot(x, middle(rows, axis=0), dashes, color=color, label=label)


def counts(panel, steps, rows, color, label, dashes="-"):
    """Number of orientations (S, T) against steps."""
    seeds(panel, steps, rows, color, label, dashes)
    against_steps(panel, "orientations, all seeds", "orientations")


def both_counts(panel, steps, arrays, looks):
    """Counts of each training (K, S, T) at its steps (K, T), at both resolutions."""
    for (label, color), at, fine, coarse in zip(
        looks.items(), steps, arrays["count"], arrays["coarse"]
    ):
        counts(panel, at, fine, color, label)
        counts(panel, at, coarse, color, None, ":")
    panel.plot([], [], ":", color="0.3", label="at cosine 0.95")


FLOW_LOOKS = {
    "R_S": dict(color=style.BLACK, marker="o", label="$R_S$"),
    "R_S + R_1": dict(color=style.BLUE, marker="s", label="$R_S + R_1$"),
    "R_S + R_1 + (ε/4)‖∇(R_S + R_1)‖²": dict(
        color=style.GREEN,
        marker="^",
        label=r"$R_S + R_1 + \frac{\varepsilon}{4}\|\nabla(R_S + R_1)\|^2$",
    ),
    "R_S + R_1 + R_2": dict(
        color=style.RED, marker="D", label="$R_S + R_1 + R_2$ (paper)"
    ),
    "order-2 moments": dict(color=style.PURPLE, marker="v", label="order-2 moments"),
}


def distances(panel, title, rates, distance, names):
    """Distances (S, E, K) of the mean iterate to what is named, median and range."""
    for values, name in zip(np.moveaxis(distance, -1, 0), names):
        spread(panel, rates, values, (0, 0.5, 1), ms=4, **FLOW_LOOKS[name])
    x = r"learning rate $\varepsilon$"
    y = r"distance $\|\theta(k\varepsilon) - \mathrm{E}\,\theta_k\|$"
    titled(panel, title, x, y, xscale="log", yscale="log")


def output(panel, arrays, values, color, label=None):
    """A network's output and the points it was trained on."""
    panel.plot(arrays["grid"], values, color=color, label=label)
    stars = {"color": style.BLACK, "mec": "white", "mew": 0.5, "ms": 8}
    panel.plot(arrays["x"], arrays["y"], "*", label="data", **stars)
    panel.set(xlabel="$x$", ylabel="$f(x)$", ylim=(-3, 3))


def features(panel, weights, sizes, start="start"):
    """Amplitude (2, m) against orientation of weights (2, m, 2) at start and end."""
    dots = {"ms": 2.5, "mew": 0, "alpha": 0.6, "rasterized": True}
    for w, a, color, label in zip(
        weights, sizes, (style.SKY, style.RED), (start, "end")
    ):
        shown = a > 0
        turned, relative = angle(w)[shown], a[shown] / a.max()
        panel.plot(turned, relative, "o", color=color, label=label, **dots)
    panel.set(
        xlabel="orientation of $(w_j, b_j)$ (rad)",
        ylabel=r"amplitude $A_j\,/\,\max A$",
        xlim=(-np.pi, np.pi),
        xticks=[-np.pi, 0, np.pi],
        xticklabels=["$-π$", "0", "$π$"],
    )


def legend_of_features(panel):
    """Legend of `features`, on a ground of its own, as points lie everywhere."""
    panel.legend(loc="upper right", markerscale=2.5, frameon=True, edgecolor="none")


def trainings(arrays, looks, start="start", steps_label="steps"):
    """Figure of several trainings on Figure 4's points, as `TRAININGS` says.

    Each training is a column of two panels, output and features; a last column has the
    loss and the number of orientations of all.

    Outputs, loss and features are the first seed's, numbers of orientations all seeds'.

    Parameters
    ----------
    arrays : dict
        `features.fixed`, ``steps`` (T,) or of each training (K, T), and of
        `features.record` all with K trainings first.
    looks : dict
        Label → color of each training.
    start, steps_label : str
        What the trainings begin with, and the steps from there.
    """
    count = len(looks)
    figure, axes = style.figure(2, count + 1, width=min(2.6 * (count + 1), style.WIDE))
    loss, orientations = axes[:, -1]
    shape = (count, arrays["loss"].shape[-1])
    steps = np.broadcast_to(arrays["steps"], shape)
    for k, (label, color) in enumerate(looks.items()):
        output(axes[0, k], arrays, arrays["output"][k, 0], color)
        sizes = arrays["amplitude"][k, 0]
        features(axes[1, k], arrays["weights"][k, 0], sizes, start)
        axes[0, k].set_title(f"output, {label}")
        axes[1, k].set_title(f"features, {label}")
        line = {"color": color, "lw": 0.8, "label": label}
        loss.semilogy(steps[k], arrays["loss"][k, 0], **line)
        counts(orientations, steps[k], arrays["count"][k], color, label)
    plot_rule(orientations, condensed.FEW)
    orientations.set_ylim(bottom=0)
    against_steps(loss, "loss", "$R_S$")
    for panel in (loss, orientations):
        panel.set_xlabel(steps_label)
    first = arrays["loss"][:, 0]
    late = first[:, first.shape[1] // 2 :]  # what the legend would lie on
    loss.set_ylim(top=max(2 * np.nanmax(first), 1000 * np.nanmax(late)))
    loss.legend(loc="upper right")
    axes[0, 0].legend(loc="upper left")
    legend_of_features(axes[1, 0])
    return figure


def flat_lines(panel, line, looks):
    """R_S (S, K, D, A) along directions, of Figure 12; `looks` is (label, color, mark)
    of each of the K objectives."""
    for which, (label, color, _) in enumerate(looks):
        dashes = "--" if which == 2 else "-"  # R_S + R_1 lies on R_S^drop
        look = {"color": color, "label": label, "ls": dashes}
        spread(panel, lines.ALPHAS, line[:, which], **look)


def flat_factors(panel, title, found, trace, looks, flatter, accounts):
    """`flat_minima.factors` (S, K) by name, and the trace of R_S + R_1 over that of
    R_S^drop, of all (S, K); a symbol a seed, and the rules of both."""
    for which, (label, color, mark) in enumerate(looks[1:], 1):
        look = {"color": color, "marker": mark, "ls": "", "ms": 4, "mfc": "none"}
        for place, values in enumerate(found.values()):
            at = np.full(len(values), place + 0.2 * (which - len(looks) / 2))
            panel.plot(at, values[:, which], label=None if place else label, **look)
    alike, last = trace[:, 2] / trace[:, 1], len(found)
    dots = {"color": style.SKY, "ms": 4, "mfc": "none"}
    panel.plot(np.full(len(alike), last), alike, "^", **dots)
    panel.hlines(accounts.thresholds, last - 0.3, last + 0.3, color="0.5", ls=":", lw=1)
    plot_rule(panel, flatter)
    titled(panel, title, "", "ratio")
    panel.set_yscale("log")
    style.plain_log(panel.yaxis)
    names = {"rise": "rise", "trace": "Tr", "top": r"$\lambda_\mathrm{max}$"}
    names |= {"same risk": "Tr at\nsame $R_S$"}  # of R_S over the loss named
    labels = [names[name] for name in found] + ["Tr, $R_1$\nover drop"]
    panel.set_xticks(range(last + 1), labels, fontsize=7)
