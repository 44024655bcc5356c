"""At a minimum of R_S, dropout and R_S + R_1 go on to a condensed one (Figure 5).

The two-layer network of Figure 4 is trained on R_S; then the loss is switched to
R_S^drop or to R_S + R_1. The control goes on with R_S.
"""

from dataclasses import dataclass

import numpy as np

from refimpl.core.dropout import Dropout
from refimpl.core.modified_losses import L1
from refimpl.core.optimizers import Adam
from refimpl.core.risk import Risk
from refimpl.core.two_layer import TwoLayer
from refimpl.data.datasets import tanh_pair
from refimpl.experiments.common import features, style
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.framework import Claim
from refimpl.experiments.common.statistics import paired

LOSSES = {
    "R_S": "$R_S$ (control)",
    "R_S^drop": r"$R_S^\mathrm{drop}$",
    "R_S + R_1": "$R_S + R_1$",
}
LOOKS = 60  # snapshots after the switch


@dataclass(frozen=True)
class Config:
    """The paper trains on R_S for 2e5 iterations and on to 1e6. Optimiser,
    initialisation and learning rate are Figure 4's. Adam starts afresh at the switch,
    for the control too. R_S is down to rounding long before 20,000 steps.
    """

    width: int = 1000
    keep: float = 0.9
    seeds: int = 5
    before: int = 20_000
    after: int = 60_000
    rate: float = 1e-3


PRESETS = {
    "quick": Config(width=60, seeds=3, before=3_000, after=12_000),
    "default": Config(),
    "paper": Config(before=200_000, after=800_000, seeds=3),
}
PAPER_SETTINGS = {
    "width": 1000,
    "keep": 0.9,
    "before": 200_000,
    "after": 800_000,
    "rate": 1e-3,
}
CAPTIONS = {
    "fig05_switch_of_loss": (
        "After the switch of the loss at a minimum of R_S: (a) R_S against steps for "
        "R_S (the control), R_S^drop and R_S + R_1; (b) to (d) the outputs at the end; "
        "(e) number of orientations against steps, all seeds; (f) to (h) amplitude "
        "against orientation of each neuron at the switch and at the end."
    ),
}

CLAIMS = (
    Claim(
        "fig05-dropout",
        "From a minimum of R_S, R_S^drop leaves for a condensed solution.",
        "Figure 5",
        f"{features.COUNT}, after training on R_S^drop, largest over seeds; at most "
        f"{features.FEW}, the least before the switch being above it",
    ),
    Claim(
        "fig05-r1",
        "So does R_S + R_1, without any noise.",
        "Figure 5",
        f"{features.COUNT}, after training on R_S + R_1, largest over seeds; at most "
        f"{features.FEW}, the least before the switch being above it",
    ),
    Claim(
        "fig05-control",
        "R_S itself does not.",
        "this project",
        f"{features.COUNT}: mean over seeds of the end minus the switch, training on "
        "with R_S; at least −1",
    ),
    Claim(
        "fig05-noise-is-slower",
        "The noise does not help to leave: R_S + R_1 condenses sooner than R_S^drop.",
        "this project",
        f"steps after the switch until at most {features.FEW} orientations carry 90% "
        "of the amplitude, at the precision of the snapshots: mean over seeds of "
        "R_S^drop minus R_S + R_1, paired; the 95% interval is above 0",
    ),
)


def run(config, context):
    """Train every seed on R_S, and on from there on each loss.

    Returns
    -------
    arrays : dict
        With 3 losses, S seeds and T snapshots at ``steps`` (T,) after the switch:
        ``count`` and ``loss`` (3, S, T) of R_S, ``output`` (3, S, 2, G), ``weights``
        (3, S, 2, m, 2) and ``amplitude`` (3, S, 2, m), at the switch and at the end.
    """
    X, Y = tanh_pair()
    seeds = context.seeds(config.seeds)
    tasks = [(loss, *seeds) for loss in LOSSES]
    parts = context.runs(switched, config, tasks, "Figure 5")
    fixed = {
        "seeds": np.array(seeds),
        "x": X,
        "y": Y,
        "grid": features.GRID,
    }
    return fixed | {"steps": features.looks(config.after, LOOKS)} | stacked(parts)


def switched(config, context, loss, *seeds):
    """Training on R_S and then on `loss`."""
    net = TwoLayer(1, config.width)
    X, Y = tanh_pair()
    risk, optimizer = Risk(net, X, Y), Adam(config.rate)
    start = features.start(net, features.linear_regime(config.width), context, seeds)
    at_switch = context.train(risk, start, optimizer, config.before).theta
    history = context.train(
        L1(risk, config.keep) if loss == "R_S + R_1" else risk,
        at_switch,
        optimizer,
        config.after,
        Dropout(config.keep, per_sample=True) if loss == "R_S^drop" else None,
        rng=features.noise(context, seeds),
        snapshots=features.looks(config.after, LOOKS),
    )
    ends = np.stack([at_switch, history.theta], axis=1)  # (S, 2, P)
    return features.record(net, risk, history.snapshots, ends) | {
        "output": features.outputs(net, ends, features.GRID),
    }


def time_to_condense(arrays):
    """Steps after the switch until few orientations are left: (3, S); inf: never."""
    few = arrays["count"] <= features.FEW
    return np.where(few.any(-1), arrays["steps"][few.argmax(-1)], np.inf)


def check(arrays):
    """Results of `CLAIMS`."""
    control, *switches = arrays["count"]
    before = control[:, 0].min()
    times = time_to_condense(arrays)
    results = []
    for claim, count, time in zip(CLAIMS, switches, times[1:]):
        worst = count[:, -1].max()
        results.append(
            claim.result(
                worst <= features.FEW < before,
                worst,
                detail=f"least before the switch {before:g}; steps to condense, by "
                f"seed: {time.tolist()}",
            )
        )
    change = paired(control[:, -1] - control[:, 0])
    results.append(CLAIMS[2].result(change.mean >= -1, change.mean, change.interval))
    if np.isfinite(times[1:]).all():
        effect = paired(times[1] - times[2])
        passed = effect.interval[0] > 0
        results.append(CLAIMS[3].result(passed, effect.mean, effect.interval))
    else:
        reason = f"some seeds never condensed: steps {times[1:].tolist()}"
        results.append(CLAIMS[3].not_attempted(reason))
    return results


def plot(arrays):
    """The paper's panels for the first seed, and orientations of all seeds."""
    figure, axes = style.figure(2, 4, width=11.0, height=2.6)
    colors = (style.BLACK, style.RED, style.BLUE)
    for k, (color, label) in enumerate(zip(colors, LOSSES.values())):
        loss = arrays["loss"][k, 0]
        axes[0, 0].semilogy(arrays["steps"], loss, color=color, lw=0.8, label=label)
        features.plot_counts(
            axes[1, 0], arrays["steps"], arrays["count"][k], color, label
        )
        panel = axes[0, 1 + k]
        x, y, output = arrays["x"], arrays["y"], arrays["output"][k, 0, 1]
        features.plot_output(panel, arrays["grid"], output, x, y, color)
        panel.set(title=f"output, {label}", ylim=(-3, 3))
        stages = {
            stage: (arrays["weights"][k, 0, when], arrays["amplitude"][k, 0, when])
            for when, stage in enumerate(("at the switch", "at the end"))
        }
        features.plot_features(axes[1, 1 + k], stages, title=f"features, {label}")
    axes[0, 0].set(title="loss after the switch", xlabel="steps", ylabel="$R_S$")
    axes[1, 0].set(title="orientations, all seeds")
    axes[1, 0].set_ylim(bottom=0)
    axes[0, 0].legend(loc="upper right")
    axes[1, 3].legend(loc="upper left", bbox_to_anchor=(1, 1), markerscale=2)
    style.letter(axes)
    return {"fig05_switch_of_loss": figure}
