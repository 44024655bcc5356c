"""From zero loss, the flow of R_S + R_1 lowers the trace of the Hessian (Theorem 2).

Two-layer ReLU networks that fit random data exactly are followed along the gradient
flow of R_S + R_1; the theorem speaks of the first moment of that flow. Where a ReLU
network's neurons switch, the gradient jumps and integrators of high order gain nothing:
the flow is gradient descent with a small learning rate.
"""

from dataclasses import dataclass

import numpy as np

from refimpl.analysis.hessian import hessian_trace
from refimpl.core.modified_losses import L1
from refimpl.core.optimizers import GD
from refimpl.core.risk import Risk
from refimpl.core.two_layer import TwoLayer
from refimpl.experiments.common import style
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.framework import Claim
from refimpl.theory.jacobian import ntk_trace, ntk_trace_rate
from refimpl.theory.zero_loss import to_zero_loss


@dataclass(frozen=True)
class Config:
    """Ours: the theorem holds for any network and data. Its network has no bias; with
    inputs (x, 1) the bias is one of the weights. Inputs and targets are N(0, 1).
    """

    inputs: int = 3
    samples: int = 6
    width: int = 20
    keep: float = 0.8
    time: float = 10.0
    points: int = 60
    rate: float = 1e-3
    networks: int = 12


PRESETS = {
    "quick": Config(networks=4, time=3.0, points=30),
    "default": Config(),
    "paper": Config(width=100, networks=30, time=30.0, points=120),
}
CAPTIONS = {
    "theorem2_in_action": (
        "Along the flow of R_S + R_1 from zero loss, a line for each network: (a) the "
        "mean squared gradient of the output, which is the trace of the Hessian at "
        "zero loss, (b) R_1, both over their starts, and (c) R_S."
    ),
}

CLAIMS = (
    Claim(
        "theorem2-rate",
        "At zero loss the trace of the Hessian falls along the flow of R_S + R_1.",
        "Theorem 2",
        "d/dt (1/n)Σ‖∇f(x_i)‖² at t = 0 in closed form, over the trace, largest over "
        "networks; below 0",
    ),
    Claim(
        "theorem2-difference",
        "The closed form is the slope of the trace that the flow shows.",
        "this project",
        "relative difference between that rate and the trace's first difference along "
        "the line θ − t∇(R_S + R_1), extrapolated to t = 0, largest over "
        "networks; below 1e-3",
    ),
    Claim(
        "theorem2-monotone",
        "The trace goes on falling for the whole flow, for which the theorem gives no "
        "guarantee.",
        "this project",
        "largest rise of (1/n)Σ‖∇f(x_i)‖² from one point in time to the next, over the "
        "trace at the start, largest over networks; at most 1e-6",
    ),
    Claim(
        "theorem2-hessian",
        "The trace of the Hessian itself falls by the end.",
        "this project",
        "Tr of the Hessian of R_S at the end over that at the start, largest over "
        "networks; below 1",
    ),
)


def run(config, context):
    """Follow the flow of every network.

    Returns
    -------
    arrays : dict
        With S networks at T ``times``: ``trace``, (1/n)Σ‖∇f(x_i)‖², ``hessian``, the
        trace of the Hessian, ``risk`` and ``r1`` (S, T); ``rate`` and ``slope`` (S,)
        at the start.
    """
    seeds = context.seeds(config.networks)
    tasks = [(seed,) for seed in seeds]
    parts = context.runs(follow, config, tasks, "Theorem 2")
    return {"seeds": np.array(seeds), "times": times(config)} | stacked(parts)


def times(config):
    """Points in time: 0, and evenly in their logarithm, in whole steps."""
    late = np.geomspace(1, config.time / config.rate, config.points).round()
    return np.unique(np.concatenate([[0], late])) * config.rate


def at_zero_loss(config, rng):
    """A random problem and a network that solves it; drawn anew where Gauss–Newton,
    which knows nothing of the kinks of ReLU, does not arrive."""
    net = TwoLayer(config.inputs, config.width, activation="relu")
    X = rng.standard_normal((config.samples, config.inputs))
    risk = Risk(net, X, rng.standard_normal((config.samples, 1)))
    try:
        return risk, to_zero_loss(risk, net.init(rng, std=config.width**-0.25))
    except ValueError:
        return at_zero_loss(config, rng)


def follow(config, context, seed):
    """The flow of one network."""
    risk, theta = at_zero_loss(config, context.rng("problem", seed))
    theta = context.put(theta)
    objective = L1(risk, config.keep)
    rate = ntk_trace_rate(risk, theta, objective)
    short = 1e-5
    descent = objective.gradient(theta)
    line = np.stack([theta - short * k * descent for k in range(3)])
    start, one, two = ntk_trace(risk, line)
    looks = (times(config) / config.rate).round().astype(int)
    steps = GD(config.rate), looks[-1]
    path = context.train(objective, theta, *steps, snapshots=looks).snapshots
    path = np.stack(path)
    risks = risk(path)
    return {
        "trace": ntk_trace(risk, path),
        "hessian": hessian_trace(risk, path, "exact").mean,
        "risk": risks,
        "r1": objective(path) - risks,
        "rate": rate,
        "slope": (4 * one - 3 * start - two) / (2 * short),
    }


def check(arrays):
    """Results of `CLAIMS`."""
    trace, rate = arrays["trace"], arrays["rate"]
    relative = (rate / trace[:, 0]).max()
    off = np.abs(arrays["slope"] / rate - 1).max()
    rise = (np.diff(trace).max(axis=-1) / trace[:, 0]).max()
    left = (arrays["hessian"][:, -1] / arrays["hessian"][:, 0]).max()
    down = f"{(np.diff(trace) <= 0).all(axis=-1).sum()} of {len(trace)} never rise; "
    down += f"trace at the end over start {(trace[:, -1] / trace[:, 0]).mean():.2f}"
    passed = (relative < 0, off < 1e-3, rise <= 1e-6, left < 1)
    values = (relative, off, rise, left)
    details = (f"{len(rate)} networks", "", down, "")
    return [
        claim.result(*each, detail=detail)
        for claim, each, detail in zip(CLAIMS, zip(passed, values), details)
    ]


def plot(arrays):
    """Trace, R_S and R_1 along the flow."""
    figure, axes = style.figure(1, 3, width=9.0, height=2.7)
    t = arrays["times"]
    panels = (
        ("trace", r"$\frac{1}{n}\sum_i\|\nabla_\theta f(x_i)\|^2$", style.BLUE),
        ("r1", "$R_1$", style.RED),
        ("risk", "$R_S$", style.BLACK),
    )
    for panel, (name, label, color) in zip(axes[0], panels):
        values = arrays[name]
        if name != "risk":
            values = values / values[:, :1]
            label += " over its start"
        panel.plot(t, values.T, color=color, lw=0.7, alpha=0.6)
        panel.set(xlabel="time $t$ of the flow", ylabel=label)
        panel.set_xscale("symlog", linthresh=t[1])
    axes[0, 0].set(title="trace of the Hessian at zero loss")
    axes[0, 1].set(title="regularizer")
    axes[0, 2].set(title="loss")
    axes[0, 2].set_yscale("symlog", linthresh=1e-3)
    axes[0, 2].set_ylim(bottom=0)
    style.letter(axes)
    return {"theorem2_in_action": figure}
