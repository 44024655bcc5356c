"""Where R_2 is the finite-step term of the mean: masks drawn without replacement.

A deck that holds every mask as often as its probability says is gone through once, in
random order. All orders are followed; the distance of the mean iterate to each flow is
fitted by a power of ε. Dropout as it is used draws with replacement: see
`orders_of_the_modified_equation`.
"""

from dataclasses import dataclass

import numpy as np

from refimpl.core.dropout import Dropout
from refimpl.core.modified_losses import L1
from refimpl.core.r2_tilde import R2Tilde
from refimpl.core.risk import Risk
from refimpl.core.two_layer import TwoLayer
from refimpl.experiments.common import style
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.framework import Claim
from refimpl.experiments.common.statistics import paired, slope
from refimpl.theory.flow import gradient_flow
from refimpl.theory.iterates import mean_epoch
from refimpl.theory.r2 import R2_gradient

FLOWS = ("R_S + R_1", "R_S + R_1 + (ε/4)‖∇(R_S + R_1)‖²", "R_S + R_1 + R_2")


@dataclass(frozen=True)
class Config:
    """All ours: two tanh neurons kept with probability ½, so that the four shared masks
    are equally likely and one of each makes the deck; N(0, 1) parameters, five points
    of [−1, 1] that match sin 3x."""

    networks: int = 5
    rates: tuple = tuple(np.logspace(-3.5, -1.5, 9))


PRESETS = {
    "quick": Config(rates=tuple(np.logspace(-3.5, -1.5, 5))),
    "default": Config(),
    "paper": Config(networks=50),
}
CAPTIONS = {
    "masks_without_replacement": (
        "Distance of the mean iterate, after one pass through a deck of masks, to the "
        "flows of R_S + R_1, of R_S + R_1 + (ε/4)‖∇(R_S + R_1)‖² and of R_S + R_1 + "
        "R_2, against ε. Geometric mean and range over random networks."
    ),
}

FIT = (
    "slope of log distance against log ε over two decades, mean over random networks, "
    "all orders of the deck followed"
)
CLAIMS = (
    Claim(
        "deck-r2",
        "With masks drawn without replacement the mean iterate after one pass is "
        "within order 3 of the flow of R_S + R_1 + R_2.",
        "Eq. (6), for a deck of masks",
        f"{FIT}; between 2.75 and 3.25",
    ),
    Claim(
        "deck-modified",
        "There the squared norm of the mean gradient alone is not enough: order 2.",
        "this project",
        f"{FIT}; between 1.75 and 2.25",
    ),
)


def run(config, context):
    """Distances of the mean iterate after one pass to the flows.

    Returns
    -------
    arrays : dict
        ``rates`` (E,) and ``distance`` (S, E, 3 flows), S networks.
    """
    seeds = context.seeds(config.networks)
    tasks = [(seed,) for seed in seeds]
    parts = stacked(context.runs(distances, config, tasks, "deck of masks"))
    return {
        "seeds": np.array(seeds),
        "rates": np.array(config.rates),
        **parts,
    }


def distances(config, context, network):
    """``distance`` (E, 3) of one network."""
    net, drop = TwoLayer(1, 2), Dropout(0.5)
    X = np.linspace(-1, 1, 5)[:, None]
    risk = Risk(net, X, np.sin(3 * X))
    theta = context.put(net.init(context.rng("init", network), std=1.0))
    _, deck = drop.enumerate(net, risk.n)
    F, rows = L1(risk, drop.keep), []
    for epsilon in config.rates:
        step = R2Tilde(F, epsilon)
        drifts = (
            F.gradient,
            lambda t: F.gradient(t) + step.gradient(t),
            lambda t: F.gradient(t) + R2_gradient(risk, t, drop, epsilon),
        )
        mean, time = mean_epoch(risk, theta, deck, epsilon), len(deck) * epsilon
        ends = [gradient_flow(drift, theta, [time])[0] for drift in drifts]
        rows.append(np.linalg.norm(np.stack(ends) - mean, axis=1))
    return {"distance": np.stack(rows)}


def check(arrays):
    """Results of `CLAIMS`."""
    slopes = np.array(
        [
            [slope(arrays["rates"], one[:, flow]).mean for flow in range(len(FLOWS))]
            for one in arrays["distance"]
        ]
    )
    results = []
    for claim, flow, order in ((CLAIMS[0], 2, 3), (CLAIMS[1], 1, 2)):
        effect = paired(slopes[:, flow])
        passed = abs(effect.mean - order) < 0.25
        results.append(claim.result(passed, effect.mean, effect.interval))
    return results


def plot(arrays):
    """Distances against ε."""
    figure, axes = style.figure(1, 1, width=5.5, height=2.9)
    panel, x = axes[0, 0], arrays["rates"]
    looks = (
        (style.BLUE, "s", "$R_S + R_1$"),
        (
            style.GREEN,
            "^",
            r"$R_S + R_1 + \frac{\varepsilon}{4}\|\nabla(R_S + R_1)\|^2$",
        ),
        (style.RED, "D", "$R_S + R_1 + R_2$ (paper)"),
    )
    for flow, (color, marker, label) in enumerate(looks):
        lines = arrays["distance"][:, :, flow]
        middle = np.exp(np.log(lines).mean(axis=0))
        low, high = lines.min(axis=0), lines.max(axis=0)
        panel.fill_between(x, low, high, color=color, alpha=0.15, lw=0)
        panel.loglog(x, middle, color=color, marker=marker, ms=4, label=label)
    panel.set(
        title="one pass through a deck of masks, exact",
        xlabel=r"learning rate $\varepsilon$",
        ylabel="distance to mean iterate",
    )
    panel.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return {"masks_without_replacement": figure}
