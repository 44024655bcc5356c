"""Two neurons on two points: R_1 makes their contributions parallel (Sec. VI-B).

The contribution of a neuron is its part of the outputs, a point of the plane. At zero
loss the two add up to the targets; R_1 is the sum of their squared lengths, and least
where both are half of the targets.
"""

from dataclasses import dataclass

import numpy as np

from refimpl import Risk, TwoLayer
from refimpl.arrays.backend import get_xp, to_numpy
from refimpl.core.r1 import R1Penalty
from refimpl.experiments.common import style
from refimpl.experiments.common.claims import Claim, at_least, decided, rules
from refimpl.experiments.common.labels import plot_rule
from refimpl.theory.contributions import contributions
from refimpl.theory.zero_loss import project_to_tangent, to_zero_loss

TINY = 1e-12  # no shorter step in θ is tried
INPUTS, TARGETS = np.array([[1.0, 0.2], [-0.3, 1.0]]), np.array([[1.0], [0.6]])


@dataclass(frozen=True)
class Config:
    """All ours: two tanh neurons of two inputs, N(0, 1) parameters brought to zero
    loss, then R_1 minimised on the zero-loss set, by steps downhill of up to a length
    in θ. Where a neuron saturates the gradient is small and a flow waits; a step of
    fixed length is not slowed by it."""

    seeds: int = 10
    steps: int = 2_000
    length: float = 0.3


QUICK = Config(seeds=3, steps=500)
PAPER = Config(seeds=100, steps=10_000)
ARRIVED = 0.999  # cosine with the targets from which contributions are parallel
CLAIMS = (
    Claim(
        "toy-parallel",
        "Two neurons on two points: R_1 at zero loss makes both contributions parallel "
        "to the targets.",
        "Sec. VI-B",
        "smaller cosine of the two contributions with the targets, at the end, median "
        "over seeds",
        at_least(ARRIVED),
        note="With a neuron saturated on both points, and far, the way is long.",
        anchor="toy-example",
        explored="It was a descent of fixed step size, and refuted: where a neuron "
        "saturates the gradient falls like exp(−2|z|), and the run ended on that "
        "plateau. It is now a minimisation, by steps of up to a fixed length.",
    ),
)


def run(config, context):
    """Follow every seed.

    Arrays: ``contributions`` (S, T, 2, 2): step, neuron, point.
    """
    return context.grid(followed, config, "toy example", context.seeds)


def followed(config, context, seed):
    """One seed; drawn anew where the start does not come to zero loss."""
    rng, net = context.rng("init", seed), TwoLayer(2, 2)
    risk = Risk(net, context.put(INPUTS), context.put(TARGETS))
    while True:
        try:
            start = to_zero_loss(risk, context.put(net.init(rng, std=1.0)))
        except ValueError:
            continue
        path = downhill(risk, start, R1Penalty(risk, 0.5), config.length, config.steps)
        return {"contributions": contributions(risk, path)[..., 0]}


def downhill(risk, theta, objective, length, steps):
    """Path (steps + 1, P) at zero loss on which `objective` falls at every step.

    A step is twice as long as the last, up to `length`, or the longest half, quarter,
    ... of it that lowers `objective`; where none does the path stays.
    """
    path, value, step = [theta], objective(theta), length
    for _ in range(steps):
        descent = project_to_tangent(risk, theta, -objective.gradient(theta))
        way = descent / max(float(np.linalg.norm(to_numpy(descent))), TINY)
        while step > TINY:
            try:
                moved = to_zero_loss(risk, theta + step * way)
            except ValueError:  # too far from the set
                moved = theta
            if objective(moved) < value:
                theta, value = moved, objective(moved)
                break
            step /= 2
        else:
            break
        path.append(theta)
        step = min(2 * step, length)
    return get_xp(theta).stack(path + [theta] * (steps + 1 - len(path)))


def parallel(parts):
    """Smaller cosine of two contributions (..., 2, 2) with their sum: (...)."""
    target = parts.sum(axis=-2, keepdims=True)
    lengths = np.linalg.norm(parts, axis=-1) * np.linalg.norm(target, axis=-1)
    return ((parts * target).sum(axis=-1) / lengths).min(axis=-1)


def check(arrays):
    cosines = parallel(arrays["contributions"])  # (S, T)
    detail = f"at the start {np.median(cosines[:, 0]):.3g}; least at the end "
    detail += f"{cosines[:, -1].min():.3g}"
    arrived = (cosines[:, -1] >= ARRIVED).mean()
    detail += f"; above {ARRIVED:g} in {arrived:.0%} of seeds"
    measured = {"toy-parallel": np.median(cosines[:, -1])}
    return decided(CLAIMS, measured, {"toy-parallel": detail})


def plot(arrays):
    """Two neurons on two points, on the way down R_1 at zero loss. (a) Their
    contributions to the two outputs, from open circles to full ones, of the seed whose
    start is farthest from parallel; the dashed line is the direction of the targets,
    the cross half of them. (b) The smaller cosine of the two with the targets against
    steps, all seeds, and the threshold of the claim.
    """
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
    plot_rule(cosines, rules(CLAIMS)["toy-parallel"])
    cosines.set(
        title="smaller cosine with the targets", xlabel="steps", ylabel="cosine"
    )
    cosines.legend(loc="lower right")
    return {"toy_example": figure}
