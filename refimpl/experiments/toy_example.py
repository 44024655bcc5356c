"""Two neurons on two points: R_1 makes their contributions parallel (Sec. VI-B).

The contribution of a neuron is its part of the outputs, a point of the plane. At zero
loss the two add up to the targets; R_1 is the sum of their squared lengths, and least
where both are half of the targets.
"""

from dataclasses import dataclass

import numpy as np

from refimpl import Risk, TwoLayer
from refimpl.core.r1 import R1Penalty
from refimpl.experiments.common import style
from refimpl.experiments.common.claims import Claim, at_least, decided
from refimpl.experiments.common.looks import plot_rule
from refimpl.theory.contributions import contributions
from refimpl.theory.zero_loss import follow_zero_loss, to_zero_loss

INPUTS, TARGETS = np.array([[1.0, 0.2], [-0.3, 1.0]]), np.array([[1.0], [0.6]])


@dataclass(frozen=True)
class Config:
    """All ours: two tanh neurons of two inputs, N(0, 1) parameters brought to zero
    loss, then descent of R_1 on the zero-loss set."""

    seeds: int = 10
    steps: int = 1_000
    size: float = 0.5


PRESETS = {
    "quick": Config(seeds=3, steps=500),
    "default": Config(),
    "paper": Config(seeds=100, steps=4_000),
}
CAPTIONS = {
    "toy_example": (
        "Two neurons on two points, on the way down R_1 at zero loss. (a) Their "
        "contributions to the two outputs, from open circles to full ones, of the seed "
        "whose start is farthest from parallel; "
        "the dashed line is the direction of the targets, the cross half of them. (b) "
        "The smaller cosine of the two with the targets against steps, all seeds, and "
        "the threshold of the claim."
    )
}
CLAIMS = (
    Claim(
        "toy-parallel",
        "Two neurons on two points: R_1 at zero loss makes both contributions parallel "
        "to the targets.",
        "Sec. VI-B",
        "smaller cosine of the two contributions with the targets, at the end, median "
        "over seeds",
        at_least(0.999),
        note="From half of the starts a tanh neuron saturates on the way, and its "
        "contribution can be turned no further; from the others both arrive.",
        anchor="toy-example",
    ),
)


def run(config, context):
    """Follow every seed.

    Returns
    -------
    arrays : dict
        ``contributions`` (S, T, 2, 2): step, neuron, point.
    """
    seeds = context.seeds(config.seeds)
    fixed = {"seeds": np.array(seeds)}
    return fixed | context.grid(followed, config, "toy example", seeds)


def followed(config, context, seed):
    """One seed; drawn anew where a step leads too far from the zero-loss set."""
    rng, net = context.rng("init", seed), TwoLayer(2, 2)
    risk = Risk(net, context.put(INPUTS), context.put(TARGETS))
    penalty = R1Penalty(risk, 0.5)
    while True:
        try:
            start = to_zero_loss(risk, context.put(net.init(rng, std=1.0)))
            path = follow_zero_loss(risk, start, penalty, config.size, config.steps)
        except ValueError:
            continue
        return {"contributions": contributions(risk, path)[..., 0]}


def parallel(parts):
    """Smaller cosine of two contributions (..., 2, 2) with their sum: (...)."""
    target = parts.sum(axis=-2, keepdims=True)
    lengths = np.linalg.norm(parts, axis=-1) * np.linalg.norm(target, axis=-1)
    return ((parts * target).sum(axis=-1) / lengths).min(axis=-1)


def check(arrays):
    """Results of `CLAIMS`."""
    cosines = parallel(arrays["contributions"])  # (S, T)
    detail = f"at the start {np.median(cosines[:, 0]):.3g}; least at the end "
    detail += f"{cosines[:, -1].min():.3g}"
    measured = {"toy-parallel": np.median(cosines[:, -1])}
    return decided(CLAIMS, measured, {"toy-parallel": detail})


def plot(arrays):
    """The way of one seed, and the cosines of all."""
    figure, ((plane, cosines),) = style.figure(1, 2, width=7.0, height=2.9)
    values = parallel(arrays["contributions"])
    way = arrays["contributions"][values[:, 0].argmin()]  # (T, 2, 2)
    for neuron, color in enumerate((style.BLUE, style.RED)):
        path = way[:, neuron].T
        plane.plot(*path, color=color, label=f"neuron {neuron + 1}")
        plane.plot(*path[:, :1], "o", color=color, mfc="none")
        plane.plot(*path[:, -1:], "o", color=color)
    plane.axline((0, 0), tuple(TARGETS[:, 0]), color="0.5", ls="--", lw=1)
    plane.plot(*TARGETS / 2, "x", color=style.BLACK, ms=8, label="half of the targets")
    plane.set(title="contributions", xlabel="to $f(x_1)$", ylabel="to $f(x_2)$")
    plane.legend()
    cosines.plot(np.arange(values.shape[1]), values.T, color=style.BLUE, lw=0.7)
    cosines.set_xscale("symlog", linthresh=1)
    plot_rule(cosines, CLAIMS[0].rule)
    cosines.set(
        title="smaller cosine with the targets", xlabel="steps", ylabel="cosine"
    )
    cosines.legend(loc="lower right")
    style.letter(np.array([plane, cosines]))
    return {"toy_example": figure}
