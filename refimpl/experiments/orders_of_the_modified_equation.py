"""How near the mean iterate of dropout stays to each modified flow (Eq. 6).

(a) After a fixed number of steps, exactly: all sequences of masks are followed, and the
distance of E θ_k to each flow at time kε is fitted by a power of ε. (b) At a fixed
time, where the fluctuations add up: the mean over many runs with fresh masks, against
the same flows and the moments of the stochastic modified equation of order 2.
"""

from dataclasses import dataclass

import numpy as np

from refimpl import Dropout, Risk, TwoLayer
from refimpl.experiments.common import panels, style
from refimpl.experiments.common.claims import Claim, decided, ours
from refimpl.experiments.common.claims import above, below, between
from refimpl.experiments.common.flows import FLOWS, drifts, sampled_mean
from refimpl.experiments.common.labels import legend_beside
from refimpl.experiments.common.statistics import Effect, paired, paired_ratio
from refimpl.experiments.common.statistics import slopes
from refimpl.theory.flow import gradient_flow, mean_flow
from refimpl.theory.iterates import mean_iterate

CONVENTIONS = ("shared", "per sample")
STEPS = 3
ENDS = ("R_S + R_1", "R_S + R_1 + R_2", "order-2 moments")


@dataclass(frozen=True)
class Config:
    """All ours: tanh neurons, N(0, 1) parameters, points of [−1, 1] that match sin 3x.

    Part (a) enumerates masks^steps sequences, so with a mask per sample it takes a
    smaller network. Part (b) takes learning rates at which gradient descent is stable;
    ``paper``, which has more networks, begins at 0.1, as at 0.2 sharpness times rate
    comes to 1.8 in one of them, and its moments run away.
    """

    keep: float = 0.6
    seeds: int = 5
    rates_steps: tuple = tuple(np.logspace(-3.5, -1.5, 9))
    rates_time: tuple = (2 / 10, 2 / 14, 2 / 20, 2 / 28, 2 / 40)  # T is a multiple
    time: float = 2.0
    runs: int = 30_000


QUICK = Config(
    rates_steps=tuple(np.logspace(-3.5, -1.5, 3)),
    rates_time=(2 / 10, 2 / 14, 2 / 20),
    runs=4_000,
)
PAPER = Config(
    seeds=10, rates_time=tuple(2 / 20 / 2**k for k in range(3)), runs=100_000
)

FIT = (
    "slope of log distance against log ε over two decades, mean over random networks, "
    "both mask conventions and 1, 2 and 3 steps, every sequence of masks enumerated"
)
AT_TIME = (
    "slope of log distance at T = 2 against log ε, mean over random networks and both "
    "mask conventions"
)
STEPS_WITHIN = "After a fixed number of steps the mean iterate is within order "
CLAIMS = (
    Claim(
        "orders-steps-rs",
        STEPS_WITHIN + "1 of the flow of R_S: R_1 does not vanish with ε.",
        "Eq. (6)",
        FIT,
        between(0.75, 1.25),
    ),
    Claim(
        "orders-steps-r1",
        STEPS_WITHIN + "2 of the flow of R_S + R_1.",
        "Eq. (6)",
        FIT,
        between(1.75, 2.25),
    ),
    ours(
        "orders-steps-modified",
        STEPS_WITHIN + "3 of the flow of R_S + R_1 + (ε/4)‖∇(R_S + R_1)‖².",
        FIT,
        between(2.75, 3.25),
    ),
    ours(
        "orders-steps-r2",
        STEPS_WITHIN + "2, no better, of the flow of R_S + R_1 + R_2: the trace of the "
        "covariance in R_2 is no part of the mean iterate's drift.",
        FIT,
        between(1.75, 2.25),
    ),
    Claim(
        "orders-time-close",
        "At a fixed time the mean iterate stays close to the flow of R_S + R_1 + R_2: "
        "the distance falls with ε.",
        "Eq. (6)",
        AT_TIME,
        above(0.75),
        note="The order is 1 by theory; at this time and these ε few random networks "
        "leave an interval that reaches below 0.75.",
        anchor="r_2-and-the-mean-iterate",
    ),
    Claim(
        "orders-time-closer-mean",
        "At a fixed time the flow of R_S + R_1 + R_2 is nearer to the mean iterate "
        "than that of R_S + R_1, on average over networks.",
        "Eq. (6), read as a refinement",
        "distance to the first over distance to the second at the least ε, geometric "
        "mean over networks and mask conventions",
        below(1),
        explored="Added when `orders-time-closer` had been measured.",
    ),
    Claim(
        "orders-time-closer",
        "At a fixed time the flow of R_S + R_1 + R_2 is nearer to the mean iterate "
        "than that of R_S + R_1, on every network.",
        "Eq. (6), read as a refinement",
        "distance to the first over distance to the second at the least ε in the "
        "network and mask convention where it is largest; the interval is that of the "
        "sampled mean",
        below(1),
        note="At one ε the flow with R_2 may be nearer or farther: with fresh masks at "
        "every step R_2 does not raise the order over R_S + R_1.",
        anchor="r_2-and-the-mean-iterate",
    ),
    ours(
        "orders-time-moments",
        "At a fixed time the moments of the stochastic modified equation of order 2 "
        "are within order 2 of the mean iterate.",
        AT_TIME,
        between(1.75, 2.5),
    ),
    ours(
        "orders-time-r2",
        "At a fixed time the mean iterate is not within order 2 of the flow of R_S + "
        "R_1 + R_2.",
        AT_TIME,
        below(1.75),
    ),
    ours(
        "orders-time-precision",
        "The sampling error of the mean iterate at a fixed time is small against its "
        "distances to the flows.",
        "standard error of the sampled mean over the least distance shown for the same "
        "network and ε, median over networks, largest over ε and mask conventions",
        below(0.1),
        explored="The rule was first on the largest over networks, and was then met "
        "too.",
    ),
)


def problem(config, context, per_sample, small, *networks):
    """Risk, dropout, and the parameters (S, P) of random networks."""
    m, n = (2, 3) if small else (3, 5)
    net = TwoLayer(1, m)
    X = np.linspace(-1, 1, n)[:, None]
    rngs = [context.rng(f"init {m}", network) for network in networks]
    drop = Dropout(config.keep, per_sample)
    return Risk(net, X, np.sin(3 * X)), drop, context.put(net.init(rngs, std=1.0))


def run(config, context):
    """Distances of the mean iterate to the flows.

    Arrays, with 2 conventions and S networks: ``rates_steps`` (E,), ``steps`` (2, S, E,
    3 steps, 4 flows); ``rates_time`` (T,), ``time`` (2, S, T, 3 ends), ``time_error``
    (2, S, T) standard error of the sampled mean.
    """
    seeds, label = context.seeds, "modified equation"
    flows = context.grid(computed, config, label, CONVENTIONS, seeds=seeds)
    means = context.grid(sampled, config, f"{label}, sampled", CONVENTIONS, seeds)
    off = flows["ends"] - means["mean"][:, :, :, None]
    return {
        "rates_steps": config.rates_steps,
        "rates_time": config.rates_time,
        "steps": flows["steps"],
        "time": np.linalg.norm(off, axis=-1),
        "time_error": means["error"],
    }


def computed(config, context, convention, *networks):
    """``steps`` as of `run`, and ``ends`` (S, T, 3 ends, P) of the flows."""
    per_sample = convention == "per sample"
    risk, drop, theta = problem(config, context, per_sample, per_sample, *networks)
    steps = [after_steps(risk, theta, drop, rate) for rate in config.rates_steps]
    risk, drop, theta = problem(config, context, per_sample, False, *networks)
    ends = [flow_ends(risk, theta, drop, e, config.time) for e in config.rates_time]
    return {"steps": np.stack(steps, axis=1), "ends": np.stack(ends, axis=1)}


def sampled(config, context, convention, network):
    """``mean`` iterate (T, P) of one network and its ``error`` (T,), at the time."""
    per_sample = convention == "per sample"
    risk, drop, (theta,) = problem(config, context, per_sample, False, network)
    means, errors, over = [], [], (config.time, config.runs)
    for epsilon in config.rates_time:
        rng = context.noise(f"runs {convention} {epsilon}", network)
        mean, error = sampled_mean(risk, theta, drop, epsilon, *over, rng)
        means.append(mean), errors.append(error)
    return {"mean": np.stack(means), "error": np.stack(errors)}


def after_steps(risk, theta, drop, epsilon):
    """Distances (S, steps, flows) of the exact mean iterate to each flow."""
    means = [mean_iterate(risk, one, drop, epsilon, STEPS) for one in theta]
    times = epsilon * np.arange(1, STEPS + 1)
    flows = [gradient_flow(g, theta, times) for g in drifts(risk, drop, epsilon)]
    off = np.stack(flows, axis=-2) - np.stack(means, axis=1)[:, :, None]
    return np.linalg.norm(off, axis=-1).swapaxes(0, 1)


def flow_ends(risk, theta, drop, epsilon, time):
    """What `ENDS` names, at the fixed time: (S, 3, P)."""
    _, mean_loss, _, paper = drifts(risk, drop, epsilon)
    tolerance = 1e-7  # the sampled mean is known to about 1e-5
    ends = [gradient_flow(g, theta, [time], tolerance)[0] for g in (mean_loss, paper)]
    moments, _ = mean_flow(risk, theta, drop, epsilon, [time], tolerance)
    return np.stack([*ends, moments[0]], axis=1)


def counterexample(distance, error):
    """Largest ratio of the distances to the flows of R_S + R_1 + R_2 and R_S + R_1.

    `distance` is (2, S, 3) at the least ε, `error` (2, S, T) the standard error of the
    sampled mean, by which each distance may be off.
    """
    ratio, worst = distance[..., 1] / distance[..., 0], error[..., -1]
    at = np.unravel_index(ratio.argmax(), ratio.shape)
    far, near = distance[at][1], distance[at][0]
    off = 1.96 * worst[at]
    ends = (far - off) / (near + off), (far + off) / max(near - off, 1e-300)
    return Effect(ratio[at], ends)


def check(arrays):
    time = arrays["time"]  # (2, S, T, 3)
    steps = np.moveaxis(arrays["steps"], 2, -1)  # (2, S, 3, 4, E)
    after = slopes(arrays["rates_steps"], steps).mean(axis=(0, 2)).T  # (4, S)
    at = slopes(arrays["rates_time"], np.moveaxis(time, 2, -1)).mean(axis=0).T  # (3, S)
    ratio = time[:, :, -1, 1] / time[:, :, -1, 0]
    error = np.median(arrays["time_error"] / time.min(axis=-1), axis=1)
    detail = "by network: " + "; ".join(
        f"{name} {np.round(row, 2).tolist()}" for name, row in zip(CONVENTIONS, ratio)
    )
    flows = ("rs", "r1", "modified", "r2")
    measured = {f"orders-steps-{k}": paired(v) for k, v in zip(flows, after)} | {
        "orders-time-close": paired(at[1]),
        "orders-time-closer-mean": paired_ratio(ratio, 1),
        "orders-time-closer": counterexample(time[:, :, -1], arrays["time_error"]),
        "orders-time-moments": paired(at[2]),
        "orders-time-r2": paired(at[1]),
        "orders-time-precision": error.max(),
    }
    return decided(CLAIMS, measured, {"orders-time-closer": detail})


def plot(arrays):
    """Distance of the mean iterate to the modified flows against ε. (a), (b) After two
    steps, every sequence of masks followed, with shared masks and with masks per
    sample. (c), (d) At the fixed time T = 2, sampled. Median and range over random
    networks.
    """
    figure, axes = style.figure(2, 2, width=8.0, height=2.9)
    parts = (
        (arrays["steps"][:, :, :, 1], "rates_steps", FLOWS, "after 2 steps, exact"),
        (arrays["time"], "rates_time", ENDS, "at $T = 2$, sampled"),
    )
    for row, (distance, rates, names, what) in zip(axes, parts):
        for panel, convention, errors in zip(row, CONVENTIONS, distance):
            title = f"{what}, {convention} masks"
            panels.distances(panel, title, arrays[rates], errors, names)
        legend_beside(panel)
    for panel in axes[1]:
        rates = arrays["rates_time"]
        panel.set_xticks(rates, [f"{rate:.2g}" for rate in rates])
        panel.minorticks_off()
    return {"orders_of_the_modified_equation": figure}
