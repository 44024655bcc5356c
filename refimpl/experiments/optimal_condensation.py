"""How condensed is the optimum? Figure 4's networks against the global minimum.

The minimum of R_S + R_1 over networks of a width is bounded by a convex problem, solved
over a grid of neurons (`refimpl.theory.infinite_width`). Beside it: networks trained on
R_S + R_1 and with dropout on the same points.
"""

from dataclasses import dataclass

import numpy as np

from refimpl import L1, Adam, Risk, TwoLayer, angle, orientation_count
from refimpl.data import tanh_pair
from refimpl.experiments.common import features, panels, style
from refimpl.experiments.common.claims import at_least, at_most, below
from refimpl.experiments.common.claims import decided, ours, rules
from refimpl.experiments.common.labels import LABELS, against_steps, plot_rule, titled
from refimpl.experiments.common.statistics import paired
from refimpl.theory.infinite_width import directions, infinite_width_minimum, network

ACTIVATIONS, LOSSES = ("tanh", "relu"), ("R_S + R_1", "R_S^drop")
RADII = (0.02, 50)  # of the neurons (w, b) in the grid; for ReLU the radius is free
SNAPSHOTS = 40
FINEST = 0.9999  # a cosine that parts neurons which `features.FINE` takes for one


@dataclass(frozen=True)
class Config:
    """Points, initialisation and keep are Figure 4's; Adam, at a fifth of the rate in
    the last third. The grid has `angles` directions, for tanh each at `radii` lengths;
    the bound is checked on three times as many directions and twice as many lengths."""

    width: int = 200
    keep: float = 0.9
    seeds: int = 5
    steps: int = 90_000
    rate: float = 2e-3
    angles: int = 720
    radii: int = 40


QUICK = Config(width=60, seeds=3, steps=15_000, angles=360, radii=20)
PAPER = Config(width=1000, seeds=5, steps=900_000)
PAPER_SETTINGS = {"width": 1000, "keep": 0.9}

COUNT = (
    "number of orientations (cosine similarity above 0.995) that carry 90% of the "
    "amplitude"
)
EXCESS = "R_S + R_1 at the end over the bound on its minimum, mean over seeds"
SEEN = (
    "Widths and steps were chosen in trials, in which training on R_S + R_1 ended 1.3 "
    "to 2.6 times above the bound."
)
PAIRS = {
    "tanh": "",
    "relu": "A finer count has four, two close pairs of kinks: cosine 0.995 takes each "
    "for one.",
}
SIGNS = {"tanh": ", a weight and its opposite being one", "relu": ""}


def _claims():
    for activation, signs in SIGNS.items():
        net = f"two-layer {activation} network, Figure 4's points"
        yield ours(
            f"optimum-{activation}-few",
            "The global minimum of R_S + R_1 has at most two orientations "
            f"({net}{signs}).",
            f"{COUNT} of the solution of the convex problem",
            at_most(2),
            note=PAIRS[activation],
            anchor="optimum" if PAIRS[activation] else "",
        )
        yield ours(
            f"optimum-{activation}-certified",
            "The bound on the minimum of R_S + R_1 is nearly attained by a network "
            f"that is built from the solution ({net}).",
            "bound over R_S + R_1 of the network",
            at_least(0.9),
        )
        for loss, words in (("r1", "on R_S + R_1"), ("dropout", "with dropout")):
            yield ours(
                f"optimum-{activation}-{loss}",
                f"Training {words} condenses as far as the global minimum ({net}).",
                f"{COUNT}, trained minus global minimum, median over seeds",
                at_most(0),
                explored=SEEN,
            )
        yield ours(
            f"optimum-{activation}-reached",
            f"Training on R_S + R_1 reaches its global minimum ({net}).",
            EXCESS,
            below(1.1),
            explored=SEEN,
            note="Orientations and output are those of the optimum, shares are not: "
            "many neurons fall silent, the others carry more, and R_1 sums squares.",
            anchor="optimum",
        )


CLAIMS = tuple(_claims())


def run(config, context):
    """Solve the convex problem and train every seed, for both activations.

    Arrays, by 2 `ACTIVATIONS`: ``bound`` and ``built`` (2,), values of R_S + R_1; of
    the built network and, with 2 `LOSSES` and seeds after them, of the trained ones:
    ``count``, ``output`` (..., G), ``mass`` and ``turned`` (..., m), the shares and
    orientations of neurons; ``objective`` (2, 2, S, T) at ``steps`` (T,).
    """
    fixed = features.fixed() | {"steps": features.evenly(config.steps, SNAPSHOTS)}
    solved = context.grid(optimum, config, "global minimum", ACTIVATIONS)
    axes, seeds = (ACTIVATIONS, LOSSES), context.seeds
    found = context.grid(trained, config, "training", *axes, seeds=seeds)
    return fixed | solved | found


def objectives(config, activation):
    """R_S and R_S + R_1 of the network on Figure 4's points."""
    net = TwoLayer(1, config.width, activation=activation)
    risk = Risk(net, *tanh_pair())
    return risk, L1(risk, config.keep)


def grid(activation, angles, radii):
    """Rows (w, b) of neurons in all directions, for tanh of many lengths."""
    rows = directions(angles)
    if activation == "relu":
        return rows
    return (np.geomspace(*RADII, radii)[:, None, None] * rows).reshape(-1, 2)


def optimum(config, context, activation):
    """The bound, and the network that is built from the solution."""
    risk, objective = objectives(config, activation)
    coarse = grid(activation, config.angles, config.radii)
    fine = grid(activation, 3 * config.angles, 2 * config.radii)
    found = infinite_width_minimum(risk, config.keep, coarse, fine)
    theta = network(risk, found)
    values = {"bound": found.bound, "built": objective(theta)}
    return values | {f"best_{k}": v for k, v in condensation(risk, theta).items()}


def condensation(risk, theta):
    """Count of orientations, output, and mass and orientation of every neuron."""
    net = risk.net
    weights, sizes = features.features(net, theta, risk.X)
    odd, turned = net.activation.odd, angle(weights)
    h = risk.run(theta, net.no_noise).h
    mass = (h**2).sum(axis=-2) ** 0.5 * abs(net.outgoing_weights(theta)[..., 0])
    resolution = (features.MASS, features.FINE)
    return {
        "count": orientation_count(weights, sizes, *resolution, symmetric=odd),
        "output": features.outputs(net, theta, features.GRID),
        "mass": mass / mass.sum(axis=-1, keepdims=True),
        "turned": turned % np.pi if odd else turned,
    }


def trained(config, context, activation, loss, *seeds):
    """Training of all seeds; the rate falls to a fifth in the last third."""
    risk, mean = objectives(config, activation)
    std = features.linear_regime(config.width)
    theta = features.start(risk.net, std, context, seeds, activation)
    drop = features.dropout(config.keep) if loss == "R_S^drop" else None
    goal, switch = risk if drop else mean, 2 * config.steps // 3
    late = Adam(config.rate / 5), config.steps - switch
    stages = ((goal, Adam(config.rate), switch), (goal, *late))
    wanted = features.evenly(config.steps, SNAPSHOTS)
    noise = context.noise("noise", seeds)
    path = features.in_stages(context, theta, wanted, stages, drop, noise)
    objective = np.stack([mean(at.astype(float)) for at in path], axis=-1)
    return {"objective": objective} | condensation(risk, path[-1])


def check(arrays):
    measured, details = {}, {}
    excess = arrays["objective"][..., -1] / arrays["bound"][:, None, None]
    for k, activation in enumerate(ACTIVATIONS):
        best, counts = arrays["best_count"][k], arrays["count"][k]  # (), (2, S)
        name = f"optimum-{activation}"
        measured[f"{name}-few"] = best
        turned, mass = arrays["best_turned"][k], arrays["best_mass"][k]
        rows = np.stack([np.cos(turned), np.sin(turned)], axis=-1)
        finest = orientation_count(rows, mass, features.MASS, FINEST)
        details[f"{name}-few"] = f"at cosine {FINEST}: {finest}"
        measured[f"{name}-certified"] = arrays["bound"][k] / arrays["built"][k]
        for loss, found in zip(("r1", "dropout"), counts):
            measured[f"{name}-{loss}"] = np.median(found - best)
            details[f"{name}-{loss}"] = f"by seed {found.tolist()}, optimum {best}"
        measured[f"{name}-reached"] = paired(excess[k, 0])
        details[f"{name}-reached"] = f"with dropout {excess[k, 1].mean():.3g}"
    return decided(CLAIMS, measured, details)


def plot(arrays):
    """The global minimum of R_S + R_1 on Figure 4's points and what training finds, for
    tanh (above) and ReLU. Left: output of the optimum, and dashed of a network trained
    with dropout. Middle: share of each neuron in Σ|c_j| against its orientation, for
    tanh modulo sign. Right: R_S + R_1 over the bound on its minimum, training on R_S +
    R_1 and with dropout, every seed and the median.
    """
    figure, axes = style.figure(2, 3, width=9.0, height=2.5)
    known = rules(CLAIMS)
    for k, symbol in enumerate(("tanh", "ReLU")):  # of `ACTIVATIONS`
        output, neurons, excess = axes[k]
        solid = {"color": style.BLUE, "label": "optimum"}
        panels.output(output, arrays, arrays["best_output"][k], **solid)
        dashed = {"ls": "--", "color": style.RED, "label": "dropout"}
        output.plot(arrays["grid"], arrays["output"][k, 1, 0], **dashed)
        output.set_title(f"{symbol}, output")
        trained, best = arrays["turned"][k, 1, 0], arrays["best_turned"][k]
        look = {"marker": "o", "ls": "", "mfc": "none", "alpha": 0.6}
        red = look | {"color": style.RED, "label": "dropout", "ms": 3}
        neurons.plot(trained, arrays["mass"][k, 1, 0], **red)
        blue = look | {"color": style.BLUE, "label": "optimum", "ms": 5}
        neurons.plot(best, arrays["best_mass"][k], **blue)
        x, y = "orientation of $(w_j, b_j)$ (rad)", r"share of $\sum_j|c_j|$"
        titled(neurons, f"{symbol}, neurons", x, y)
        ratio = arrays["objective"][k] / arrays["bound"][k]  # (2, S, T)
        for loss, rows, color in zip(LOSSES, ratio, (style.BLUE, style.RED)):
            panels.seeds(excess, arrays["steps"], rows, color, LABELS[loss])
        plot_rule(excess, known[f"optimum-{ACTIVATIONS[k]}-reached"])
        y = r"$(R_S + R_1)\,/\,$bound"
        against_steps(excess, f"{symbol}, excess", y, yscale="log")
    for panel in axes[0]:
        panel.legend()
    return {"optimal_condensation": figure}
