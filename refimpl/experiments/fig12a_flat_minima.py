"""Dropout, and R_S + R_1 without its noise, find flatter minima (Figure 12a).

The same deep networks are trained on images from the same initialisations by gradient
descent on R_S, on R_S^drop (one mask per sample, after the last hidden layer or after
every one) and on R_S + R_1; then the curvature of R_S at the minima is compared, with
dropout off.
"""

from dataclasses import dataclass

import numpy as np

from refimpl import GD, Deep, Risk
from refimpl.data import one_hot
from refimpl.experiments.common import flat_minima, panels, style
from refimpl.experiments.common.claims import Claim, above, between
from refimpl.experiments.common.claims import decided, ours, rules
from refimpl.experiments.common.classification import DATA_SETS, by_data_set
from refimpl.experiments.common.classification import images
from refimpl.experiments.common.flat_minima import OBJECTIVES, factors
from refimpl.experiments.common.labels import legend_beside, listed, plot_rule, titled
from refimpl.experiments.common.statistics import paired, paired_ratio


@dataclass(frozen=True)
class Config:
    """The paper gives MNIST, a deep fully connected network and, recalled from its
    appendix, 784-1024-1024-10; the rest is ours, and the default is digits.

    MSE against one-hot labels, for which R_1 is exact; full-batch gradient descent, so
    that the masks are the only noise. The standard initialisation, from which all come
    to about the same R_S. Each seed has other images. Curvature in float64.
    """

    hidden: tuple = (64, 64)
    n_train: int = 300
    keep: float = 0.8
    learning_rate: float = 0.1
    steps: int = 3000
    seeds: int = 6
    probes: int = 40
    directions: int = 5


PICTURES = True
QUICK = Config(hidden=(32, 32), n_train=150, steps=1500, seeds=4, directions=3)
PAPER = Config(
    hidden=(256, 256), n_train=1000, steps=6_000, seeds=5, probes=100, directions=20
)
PAPER_SETTINGS = {"hidden": "1024, 1024 (recalled)", "keep": "0.8 and 0.5 (recalled)"}

TRACE = "Tr of the Hessian of R_S, geometric mean over seeds of {} over {}"
RISE = (
    "L(½) − L(0) averaged over directions and both signs, geometric mean over seeds of "
    "gradient descent over {}"
)
NETWORK = "deep ReLU network on images"
ALL = "dropout after every hidden layer"
NOTES = {
    "digits": "Flatter minima decide nothing by themselves: from the standard "
    "initialisation there is nothing to gain on the digits.",
    "mnist": "Measured where MNIST is given, with --mnist.",
}
CLAIMS = (
    Claim(
        "fig12a-trace-dropout",
        "Dropout's minimum has a smaller Hessian trace than gradient descent's "
        f"({NETWORK}).",
        "Section on flatness, Figure 12 (other networks)",
        TRACE.format("gradient descent", "dropout, same initialisations"),
        above(1),
    ),
    ours(
        "fig12a-top-dropout",
        "Dropout's minimum has a smaller largest Hessian eigenvalue than gradient "
        f"descent's ({NETWORK}).",
        "largest eigenvalue of the Hessian of R_S, geometric mean over seeds of "
        "gradient descent over dropout",
        above(1),
    ),
    Claim(
        "fig12a-line-dropout",
        "Along random filter-normalised directions the loss rises less around "
        f"dropout's minimum than around gradient descent's ({NETWORK}).",
        "Figures 1b and 12",
        RISE.format("dropout"),
        above(1),
    ),
    Claim(
        "fig12a-trace-r1",
        f"R_1 alone, without the noise, flattens the minima ({NETWORK}).",
        "Theorem 2",
        TRACE.format("gradient descent", "R_S + R_1"),
        above(1),
    ),
    Claim(
        "fig12a-r1-accounts",
        f"R_1 accounts for the flatness of dropout's minima ({NETWORK}).",
        "Section on flatness",
        TRACE.format("R_S + R_1", "dropout"),
        between(0.9, 1.1),
        note="A few minima of small networks (quick preset) do not tell.",
        anchor="generalisation",
    ),
    Claim(
        "fig12a-line-all",
        f"With {ALL} too the loss rises less along random filter-normalised "
        f"directions than around gradient descent's minimum ({NETWORK}).",
        "Figure 12a",
        RISE.format(ALL),
        above(1),
    ),
    Claim(
        "fig12a-trace-all",
        f"With {ALL} the minimum has a smaller Hessian trace than gradient descent's "
        f"({NETWORK}).",
        "Figure 12a",
        TRACE.format("gradient descent", ALL),
        above(1),
    ),
    *(
        Claim(
            f"fig12a-accuracy-all-{data}",
            f"A deep network trained with {ALL} generalises better than by gradient "
            f"descent ({words}).",
            "Figure 12a (98.7% with, 98.1% without)",
            f"test accuracy with {ALL} minus that of gradient descent, paired over "
            "seeds",
            above(0),
            note=NOTES[data],
            anchor="generalisation",
            explored="One claim for both data sets before; the two differed.",
        )
        for data, words in DATA_SETS.items()
    ),
)


def run(config, context):
    """Train every seed on every objective and measure the curvature of R_S.

    Arrays: what `flat_minima.measured` says, of S seeds and 4 objectives (S, 4, ...).
    """
    return context.grid(minimum, config, "Figure 12a", context.seeds, OBJECTIVES)


def minimum(config, context, seed, name):
    """Train one network; what is measured at its minimum."""
    data = images(context, config.n_train, seed)
    net = Deep((data.X.shape[1], *config.hidden, 10), "relu")
    risk, optimizer = Risk(net, data.X, one_hot(data.labels)), GD(config.learning_rate)
    (theta,) = flat_minima.trained(context, config, risk, name, optimizer, seed)
    return flat_minima.measured(context, config, risk, data, theta, seed)


def check(arrays):
    _, dropout, r1, every = range(len(OBJECTIVES))
    trace, right, found = arrays["trace"], arrays["accuracy"], factors(arrays)

    def factor(name, which):
        return paired_ratio(found[name][:, which], 1)

    measured = {
        "fig12a-trace-dropout": factor("trace", dropout),
        "fig12a-top-dropout": factor("top", dropout),
        "fig12a-line-dropout": factor("rise", dropout),
        "fig12a-trace-r1": factor("trace", r1),
        "fig12a-r1-accounts": paired_ratio(trace[:, r1], trace[:, dropout]),
        "fig12a-line-all": factor("rise", every),
        "fig12a-trace-all": factor("trace", every),
    }
    gained = paired(right[:, every] - right[:, 0])
    measured |= by_data_set(arrays, "fig12a-accuracy-all", gained)
    error = (arrays["trace_error"] / trace).max()
    details = {
        "fig12a-trace-dropout": f"mean traces: {listed(OBJECTIVES, trace.mean(0))}; "
        f"largest relative standard error of a trace {error:.1%}; mean R_S: "
        + listed(OBJECTIVES, arrays["loss"].mean(axis=0), ".2g"),
        f"fig12a-accuracy-all-{arrays['data']}": "mean accuracies: "
        + listed(OBJECTIVES, right.mean(axis=0), ".3f"),
    }
    return decided(CLAIMS, measured, details)


def plot(arrays):
    """Minima of R_S, R_S^drop, R_S + R_1, and R_S^drop with dropout in every layer: (a)
    loss along random directions, median and 10% to 90%; (b) how many times smaller than
    at the minimum of R_S are the rise along these directions, trace and largest
    eigenvalue of the Hessian of R_S, and the trace of R_S + R_1 over that of R_S^drop;
    (c) test accuracy minus that of R_S. A symbol a seed.
    """
    figure, axes = style.figure(1, 3, width=10.5, height=2.9)
    drop = r"$R_S^\mathrm{drop}$"
    labels = ("$R_S$", drop, "$R_S + R_1$", f"{drop}, all")
    colors = (style.BLACK, style.RED, style.SKY, style.PURPLE)
    looks = tuple(zip(labels, colors, "os^D"))
    along, flatter, better = axes[0]
    panels.flat_lines(along, arrays["line"], looks)
    x, y = r"$\alpha$ (whole layers as filters)", r"$R_S(\theta + \alpha d)$"
    titled(along, "loss along directions: median, 10–90%", x, y)
    along.legend(loc="upper center")
    along.set_ylim(0, 1.35 * along.get_ylim()[1])
    known = rules(CLAIMS)
    ends = known["fig12a-trace-dropout"], known["fig12a-r1-accounts"]
    shown = factors(arrays), arrays["trace"], looks, *ends
    panels.flat_factors(flatter, "how many times flatter", *shown)
    legend_beside(flatter)
    gained = arrays["accuracy"][:, 1:] - arrays["accuracy"][:, :1]  # (S, 3)
    for which, (_, color, mark) in enumerate(looks[1:], 1):
        look = {"color": color, "marker": mark, "ls": "", "ms": 4, "mfc": "none"}
        better.plot(np.full(len(gained), which), gained[:, which - 1], **look)
    titled(better, f"test accuracy, {arrays['data']}", "", "minus that of $R_S$")
    better.set_xticks(range(1, 4), labels[1:])
    plot_rule(better, known[f"fig12a-accuracy-all-{arrays['data']}"])
    better.margins(0.2)
    return {"fig12a_flat_minima": figure}
