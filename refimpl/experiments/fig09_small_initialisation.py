"""Small initialisation waits at a saddle; dropout condenses without one (Figure 9).

The two-layer network of Figure 4 without dropout from small initialisations, which
condense by themselves, against dropout from the normal one: how long until R_S falls.
"""

from dataclasses import dataclass

import numpy as np

from refimpl.core.dropout import Dropout
from refimpl.core.optimizers import GD, Adam
from refimpl.core.risk import Risk
from refimpl.core.two_layer import TwoLayer
from refimpl.data.datasets import tanh_pair
from refimpl.experiments.common import features, style
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.framework import Claim
from refimpl.experiments.common.statistics import paired

LOOKS = 80
OPTIMIZERS = {"GD": GD, "Adam": Adam}


@dataclass(frozen=True)
class Config:
    """The paper gives learning rate 1e-3 and gradient descent for the small
    initialisation; its scale is ours, and decides: so it is varied. Every parameter is
    N(0, scale²); the normal one is Figure 4's, N(0, m^−0.2). Dropout, p = 0.9, is
    trained with either optimiser, as is the smallest scale.

    The saddle is where all neurons have turned to one orientation and its opposite and
    the output is a single tanh: R_S there is `SADDLE` to 1%.
    """

    width: int = 500
    keep: float = 0.9
    scales: tuple = (0.003, 0.01, 0.03)
    seeds: int = 4
    steps: int = 100_000
    rate: float = 1e-3


PRESETS = {
    "quick": Config(width=100, scales=(0.01, 0.1), seeds=3, steps=15_000),
    "default": Config(),
    "paper": Config(
        width=1000,
        scales=(0.003, 0.01, 0.0125, 0.015, 0.02, 0.03),
        seeds=3,
        steps=600_000,
    ),
}
PAPER_SETTINGS = {"width": 1000, "keep": 0.9, "rate": 1e-3}
CAPTIONS = {
    "fig09_small_initialisation": (
        "R_S against steps, from small initialisations without dropout and from the "
        "normal one with it, (a) by gradient descent and (b) by Adam; the dotted line "
        "is the saddle. (c) Steps until the saddle is left, against the scale of the "
        "initialisation."
    ),
}

SADDLE = 0.0875
LEAVE = (
    "steps until R_S (dropout off) is below half its value at the saddle, at the "
    "precision of the snapshots, never counting as the whole run"
)
CLAIMS = (
    Claim(
        "fig09-saddle",
        "From the smallest initialisation gradient descent waits at a saddle that "
        "dropout from the normal one does not meet.",
        "Figure 9",
        f"{LEAVE}: mean over seeds of smallest scale without dropout minus normal "
        "scale with dropout, both with gradient descent, paired; the 95% interval is "
        "above 0",
    ),
    Claim(
        "fig09-scale",
        "The smaller the initialisation, the longer the wait.",
        "this project",
        f"{LEAVE}: mean over seeds of smallest minus largest of the scales, gradient "
        "descent, paired; the 95% interval is above 0",
    ),
    Claim(
        "fig09-condensed",
        "Dropout from the normal initialisation ends condensed (Adam).",
        "Figure 9",
        f"{features.COUNT}, largest over seeds; at most {features.FEW}",
    ),
    Claim(
        "fig09-loss",
        "Dropout from the normal initialisation reaches R_S = 1e-5 in about 1e5 steps.",
        "Figure 9",
        "least R_S (dropout off) over the snapshots up to 1e5 steps, median over "
        "seeds, the better of the two optimisers; at most 1e-5",
    ),
)


def cases(config):
    """Pairs of optimiser and scale; ``None`` is the normal scale, with dropout."""
    return [
        *(("GD", scale) for scale in config.scales),
        ("GD", None),
        ("Adam", min(config.scales)),
        ("Adam", None),
    ]


def run(config, context):
    """Train every case.

    Returns
    -------
    arrays : dict
        With C `cases`, S seeds and T snapshots at ``steps`` (T,): ``loss`` and
        ``count`` (C, S, T); ``scales`` (C,), 0 for the normal one; ``adam`` (C,), bool.
    """
    seeds = context.seeds(config.seeds)
    tasks = [(*case, *seeds) for case in cases(config)]
    parts = context.runs(trained, config, tasks, "Figure 9")
    return {
        "seeds": np.array(seeds),
        "steps": looks(config),
        "scales": np.array([scale or 0.0 for _, scale in cases(config)]),
        "adam": np.array([name == "Adam" for name, _ in cases(config)]),
    } | stacked(parts)


def looks(config):
    """Steps at which the network is looked at, evenly in their logarithm."""
    return np.unique(np.geomspace(10, config.steps, LOOKS).astype(int))


def trained(config, context, optimizer, scale, *seeds):
    """Networks of one case."""
    net = TwoLayer(1, config.width)
    X, Y = tanh_pair()
    risk = Risk(net, X, Y)
    std = features.linear_regime(config.width) if scale is None else scale
    history = context.train(
        risk,
        features.start(net, std, context, seeds),
        OPTIMIZERS[optimizer](config.rate),
        config.steps,
        Dropout(config.keep, per_sample=True) if scale is None else None,
        rng=features.noise(context, seeds),
        snapshots=looks(config),
    )
    return {
        "loss": np.stack([risk(theta) for theta in history.snapshots], axis=-1),
        "count": features.path(net, history.snapshots, X),
    }


def time_to_leave(arrays):
    """Steps until R_S is below half the saddle's: (C, S); never: the whole run."""
    low = arrays["loss"] < SADDLE / 2
    steps = arrays["steps"]
    return np.where(low.any(axis=-1), steps[low.argmax(axis=-1)], steps[-1])


def check(arrays):
    """Results of `CLAIMS`."""
    scales, adam = arrays["scales"], arrays["adam"]
    small = np.flatnonzero(~adam & (scales > 0))
    least, most = small[scales[small].argmin()], small[scales[small].argmax()]
    (gd,) = np.flatnonzero(~adam & (scales == 0))
    (best,) = np.flatnonzero(adam & (scales == 0))
    times = time_to_leave(arrays)
    saddle, by_scale, condensed, loss = CLAIMS
    detail = "mean steps: " + ", ".join(
        f"scale {scales[k]:g} {times[k].mean():.3g}" for k in small
    )
    detail += f", dropout {times[gd].mean():.3g}; at scale {scales[least]:g} R_S ends "
    detail += f"at {arrays['loss'][least, :, -1].mean():.4f} on average"
    effect = paired(times[least] - times[gd])
    passed = effect.interval[0] > 0
    results = [saddle.result(passed, effect.mean, effect.interval, None, detail)]
    effect = paired(times[least] - times[most])
    passed = effect.interval[0] > 0
    results.append(by_scale.result(passed, effect.mean, effect.interval))
    worst = arrays["count"][best, :, -1].max()
    results.append(condensed.result(worst <= features.FEW, worst))
    early = arrays["steps"] <= 1e5
    lowest = [np.median(arrays["loss"][k][:, early].min(axis=-1)) for k in (gd, best)]
    detail = f"GD {lowest[0]:.2g}, Adam {lowest[1]:.2g}"
    reached = min(lowest)
    return [*results, loss.result(reached <= 1e-5, reached, detail=detail)]


def plot(arrays):
    """R_S against steps for every case, and the time at the saddle by scale."""
    figure, axes = style.figure(1, 3, width=11.0, height=3.0)
    scales, adam, steps = arrays["scales"], arrays["adam"], arrays["steps"]
    for column, (which, name) in enumerate(
        ((~adam, "gradient descent"), (adam, "Adam"))
    ):
        panel = axes[0, column]
        chosen = np.flatnonzero(which)
        greys = np.linspace(0.0, 0.75, max(2, len(chosen) - 1))
        for k, grey in zip(chosen, [*greys[: len(chosen) - 1], None]):
            dropout = scales[k] == 0
            color = style.RED if dropout else str(grey)
            label = "normal, dropout" if dropout else f"N(0, {scales[k]:g}²)"
            panel.plot(steps, arrays["loss"][k].T, color=color, lw=0.5, alpha=0.4)
            median = np.median(arrays["loss"][k], axis=0)
            panel.plot(steps, median, color=color, label=label)
        panel.axhline(SADDLE, color=style.BLUE, lw=1, ls=":", label="saddle")
        panel.set(
            title=f"loss, {name}",
            xlabel="steps",
            ylabel="$R_S$",
            xscale="log",
            yscale="log",
        )
        panel.legend(loc="upper right", fontsize=7)
    panel = axes[0, 2]
    times = time_to_leave(arrays)
    small = np.flatnonzero(~adam & (scales > 0))
    for k in small:
        left = times[k] < steps[-1]
        spots = np.full(len(left), scales[k])
        panel.plot(spots[left], times[k][left], "o", color=style.BLACK, ms=4)
        panel.plot(spots[~left], times[k][~left], "^", color=style.BLACK, ms=5, mfc="w")
    (gd,) = np.flatnonzero(~adam & (scales == 0))
    panel.axhline(np.median(times[gd]), color=style.RED, label="normal, dropout")
    panel.plot([], [], "^", color=style.BLACK, mfc="w", label="not within the run")
    panel.set(
        title="time to leave the saddle (GD)",
        xlabel="initial scale",
        ylabel="steps",
        xscale="log",
        yscale="log",
    )
    style.plain_log(panel.xaxis)
    panel.legend(loc="center left")
    style.letter(axes)
    return {"fig09_small_initialisation": figure}
