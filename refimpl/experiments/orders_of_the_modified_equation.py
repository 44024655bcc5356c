"""How near the mean iterate of dropout stays to each modified flow (Eq. 6).

(a) After a fixed number of steps, exactly: all sequences of masks are followed, and the
distance of E θ_k to each flow at time kε is fitted by a power of ε. (b) At a fixed
time, where the fluctuations add up: the mean over many runs with fresh masks, against
the same flows and the moments of the stochastic modified equation of order 2.
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
from refimpl.theory.flow import gradient_flow, mean_flow
from refimpl.theory.iterates import mean_iterate
from refimpl.theory.r2 import R2_gradient

CONVENTIONS = ("shared", "per sample")
STEPS = 3
FLOWS = (
    "R_S",
    "R_S + R_1",
    "R_S + R_1 + (ε/4)‖∇(R_S + R_1)‖²",
    "R_S + R_1 + R_2",
)
ENDS = ("R_S + R_1", "R_S + R_1 + R_2", "order-2 moments")


@dataclass(frozen=True)
class Config:
    """All ours: tanh neurons, N(0, 1) parameters, points of [−1, 1] that match sin 3x.

    Part (a) enumerates masks^steps sequences, so with a mask per sample it takes a
    smaller network. Part (b) takes learning rates at which gradient descent is stable.
    """

    keep: float = 0.6
    networks: int = 5
    rates_steps: tuple = tuple(np.logspace(-3.5, -1.5, 9))
    rates_time: tuple = (2 / 10, 2 / 14, 2 / 20, 2 / 28, 2 / 40)  # T is a multiple
    time: float = 2.0
    runs: int = 30_000


PRESETS = {
    "quick": Config(
        rates_steps=tuple(np.logspace(-3.5, -1.5, 3)),
        rates_time=(2 / 10, 2 / 14, 2 / 20),
        runs=6_000,
    ),
    "default": Config(),
    "paper": Config(
        networks=20, rates_time=tuple(2 / 10 / 2**k for k in range(4)), runs=200_000
    ),
}
CAPTIONS = {
    "orders_of_the_modified_equation": (
        "Distance of the mean iterate to the modified flows against ε. (a), (b) After "
        "two steps, every sequence of masks followed, with shared masks and with masks "
        "per sample. (c), (d) At the fixed time T = 2, sampled. Geometric mean and "
        "range over random networks."
    ),
}

FIT = (
    "slope of log distance against log ε over two decades, mean over random networks, "
    "both mask conventions and 1, 2 and 3 steps, every sequence of masks enumerated"
)
AT_TIME = (
    "slope of log distance at T = 2 against log ε, mean over networks and both mask "
    "conventions"
)


CLAIMS = (
    Claim(
        "orders-steps-rs",
        "After a fixed number of steps the mean iterate is within order 1 of the flow "
        "of R_S: R_1 does not vanish with ε.",
        "Eq. (6)",
        f"{FIT}; between 0.75 and 1.25",
    ),
    Claim(
        "orders-steps-r1",
        "It is within order 2 of the flow of R_S + R_1.",
        "Eq. (6)",
        f"{FIT}; between 1.75 and 2.25",
    ),
    Claim(
        "orders-steps-modified",
        "It is within order 3 of the flow of R_S + R_1 + (ε/4)‖∇(R_S + R_1)‖².",
        "this project",
        f"{FIT}; between 2.75 and 3.25",
    ),
    Claim(
        "orders-steps-r2",
        "It is within order 2, no better, of the flow of R_S + R_1 + R_2: the trace of "
        "the covariance in R_2 is no part of the mean iterate's drift.",
        "this project",
        f"{FIT}; between 1.75 and 2.25",
    ),
    Claim(
        "orders-time-close",
        "At a fixed time the mean iterate stays close to the flow of R_S + R_1 + R_2.",
        "Eq. (6)",
        f"{AT_TIME}; the 95% interval is above 0.75 (the distance falls with ε)",
    ),
    Claim(
        "orders-time-closer",
        "At a fixed time the flow of R_S + R_1 + R_2 is nearer than that of R_S + R_1.",
        "Eq. (6), read as a refinement",
        "distance to the first over distance to the second at the least ε, largest "
        "over networks and conventions; below 1",
    ),
    Claim(
        "orders-time-moments",
        "The moments of the stochastic modified equation of order 2 are within order 2 "
        "at a fixed time.",
        "this project",
        f"{AT_TIME}; between 1.75 and 2.5",
    ),
    Claim(
        "orders-time-r2",
        "The flow of R_S + R_1 + R_2 is not within order 2 at a fixed time.",
        "this project",
        f"{AT_TIME}; the 95% interval is below 1.75",
    ),
    Claim(
        "orders-time-precision",
        "The sampling error is small against what is shown.",
        "this project",
        "standard error of the sampled mean over the least distance shown for the same "
        "network and ε, largest; below 0.1",
    ),
)


def problem(config, context, network, per_sample, small):
    """Risk, parameters and dropout of one random network."""
    m, n = (2, 3) if small else (3, 5)
    net = TwoLayer(1, m)
    X = np.linspace(-1, 1, n)[:, None]
    theta = context.put(net.init(context.rng(f"init {m}", network), std=1.0))
    return Risk(net, X, np.sin(3 * X)), theta, Dropout(config.keep, per_sample)


def run(config, context):
    """Distances of the mean iterate to the flows.

    Returns
    -------
    arrays : dict
        With 2 conventions and S networks: ``rates_steps`` (E,), ``steps``
        (2, S, E, 3 steps, 4 flows); ``rates_time`` (T,), ``time`` (2, S, T, 3 ends),
        ``time_error`` (2, S, T) standard error of the sampled mean.
    """
    seeds = context.seeds(config.networks)
    tasks = [(which, seed) for which in range(2) for seed in seeds]
    parts = context.runs(distances, config, tasks, "modified equation")
    return {
        "seeds": np.array(seeds),
        "rates_steps": np.array(config.rates_steps),
        "rates_time": np.array(config.rates_time),
    } | stacked(parts, (2, len(seeds)))


def distances(config, context, convention, network):
    """Both parts for one network and mask convention."""
    per_sample = CONVENTIONS[convention] == "per sample"
    by_steps, by_time, errors = [], [], []
    risk, theta, drop = problem(config, context, network, per_sample, per_sample)
    for epsilon in config.rates_steps:
        by_steps.append(after_steps(risk, theta, drop, epsilon))
    risk, theta, drop = problem(config, context, network, per_sample, False)
    for epsilon in config.rates_time:
        rng = context.noise(f"runs {CONVENTIONS[convention]} {epsilon}", network)
        mean, error = sampled_mean(config, risk, theta, drop, epsilon, rng)
        ends = flow_ends(risk, theta, drop, epsilon, config.time)
        by_time.append(np.linalg.norm(ends - mean, axis=1))
        errors.append(error)
    return {
        "steps": np.stack(by_steps),
        "time": np.stack(by_time),
        "time_error": np.stack(errors),
    }


def drifts(risk, drop, epsilon):
    """Gradients of the losses named in `FLOWS`."""
    F = L1(risk, drop.keep)
    step = R2Tilde(F, epsilon)
    return (
        risk.gradient,
        F.gradient,
        lambda theta: F.gradient(theta) + step.gradient(theta),
        lambda theta: F.gradient(theta) + R2_gradient(risk, theta, drop, epsilon),
    )


def after_steps(risk, theta, drop, epsilon):
    """Distances (steps, flows) of the exact mean iterate to each flow."""
    means = mean_iterate(risk, theta, drop, epsilon, STEPS)
    times = epsilon * np.arange(1, STEPS + 1)
    flows = [gradient_flow(g, theta, times) for g in drifts(risk, drop, epsilon)]
    return np.linalg.norm(np.stack(flows, axis=1) - means[:, None], axis=-1)


def flow_ends(risk, theta, drop, epsilon, time):
    """What `ENDS` names, at the fixed time: (3, P)."""
    _, mean_loss, _, paper = drifts(risk, drop, epsilon)
    tolerance = 1e-8  # the sampled mean is known to about 1e-5
    ends = [gradient_flow(g, theta, [time], tolerance)[0] for g in (mean_loss, paper)]
    moments, _ = mean_flow(risk, theta, drop, epsilon, [time], tolerance)
    return np.stack([*ends, moments[0]])


def sampled_mean(config, risk, theta, drop, epsilon, rng):
    """Mean of θ at the fixed time over many runs, and the norm of its standard error.

    Control variate: beside each run θ goes the linearisation δ about the noise-free
    path φ with the same masks, δ ← δ − ε(H^drop(φ) δ + ∇R_S^drop(φ) − ∇F(φ)). Its mean
    is exactly 0, as masks of different steps are independent, and θ − δ varies tens of
    times less than θ.
    """
    F, phi = L1(risk, drop.keep), theta
    runs = np.repeat(theta[None], config.runs, axis=0)
    delta = np.zeros_like(runs)
    for _ in range(round(config.time / epsilon)):
        eta = drop.draw(risk.net, risk.n, rng, config.runs)
        mean_gradient = F.gradient(phi)
        noise = risk.gradient(phi, eta) - mean_gradient
        delta = delta - epsilon * (risk.hvp(phi, delta, eta) + noise)
        runs = runs - epsilon * risk.gradient(runs, eta)
        phi = phi - epsilon * mean_gradient
    values = runs - delta
    error = values.std(axis=0, ddof=1) / config.runs**0.5
    return values.mean(axis=0), np.linalg.norm(error)


def slopes(rates, values, axis):
    """Slopes of log `values` against log `rates` along `axis`."""
    rows = np.moveaxis(values, axis, -1)
    flat = [slope(rates, row).mean for row in rows.reshape(-1, len(rates))]
    return np.reshape(flat, rows.shape[:-1])


def check(arrays):
    """Results of `CLAIMS`."""
    claims = {claim.id: claim for claim in CLAIMS}
    of_steps = slopes(arrays["rates_steps"], arrays["steps"], 2)  # (2, S, 3, 4)
    by_network = np.swapaxes(of_steps, 0, 1).mean(axis=(1, 2))  # (S, 4)
    results = []
    for name, flow, order in (
        ("orders-steps-rs", 0, 1),
        ("orders-steps-r1", 1, 2),
        ("orders-steps-modified", 2, 3),
        ("orders-steps-r2", 3, 2),
    ):
        effect = paired(by_network[:, flow])
        passed = order - 0.25 < effect.mean < order + 0.25
        results.append(claims[name].result(passed, effect.mean, effect.interval))
    time = arrays["time"]
    of_time = slopes(arrays["rates_time"], time, 2).mean(axis=0)  # (S, 3)
    _, paper, moments = (paired(of_time[:, end]) for end in range(3))
    close = claims["orders-time-close"]
    results.append(close.result(paper.interval[0] > 0.75, paper.mean, paper.interval))
    ratio = time[:, :, -1, 1] / time[:, :, -1, 0]
    results.append(
        claims["orders-time-closer"].result(
            ratio.max() < 1,
            ratio.max(),
            detail="by network: "
            + "; ".join(
                f"{name} {np.round(row, 2).tolist()}"
                for name, row in zip(CONVENTIONS, ratio)
            ),
        )
    )
    within = 1.75 < moments.mean < 2.5
    results.append(
        claims["orders-time-moments"].result(within, moments.mean, moments.interval)
    )
    results.append(
        claims["orders-time-r2"].result(
            paper.interval[1] < 1.75, paper.mean, paper.interval
        )
    )
    share = (arrays["time_error"] / time.min(axis=-1)).max()
    results.append(claims["orders-time-precision"].result(share < 0.1, share))
    return results


def plot(arrays):
    """Distances against ε: after two steps (exact), and at the fixed time."""
    figure, axes = style.figure(2, 2, width=8.0, height=2.9)
    looks = {
        "R_S": (style.BLACK, "o", "$R_S$"),
        "R_S + R_1": (style.BLUE, "s", "$R_S + R_1$"),
        FLOWS[2]: (
            style.GREEN,
            "^",
            r"$R_S + R_1 + \frac{\varepsilon}{4}\|\nabla(R_S + R_1)\|^2$",
        ),
        "R_S + R_1 + R_2": (style.RED, "D", "$R_S + R_1 + R_2$ (paper)"),
        "order-2 moments": (style.PURPLE, "v", "order-2 moments"),
    }
    parts = (
        ("steps", "rates_steps", FLOWS, "after 2 steps, exact"),
        ("time", "rates_time", ENDS, "at $T = 2$, sampled"),
    )
    for row, (name, rates, labels, title) in enumerate(parts):
        values = arrays[name][:, :, :, 1] if name == "steps" else arrays[name]
        for column, convention in enumerate(CONVENTIONS):
            panel, x = axes[row, column], arrays[rates]
            for index, label in enumerate(labels):
                color, marker, text = looks[label]
                lines = values[column, :, :, index]
                middle = np.exp(np.log(lines).mean(axis=0))
                low, high = lines.min(axis=0), lines.max(axis=0)
                panel.fill_between(x, low, high, color=color, alpha=0.15, lw=0)
                panel.loglog(x, middle, color=color, marker=marker, ms=4, label=text)
            panel.set(
                title=f"{title}, {convention} masks",
                xlabel=r"learning rate $\varepsilon$",
                ylabel=r"distance $\|\theta(k\varepsilon) - \mathrm{E}\,\theta_k\|$",
            )
        axes[row, 1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    for panel in axes[1]:
        rates = arrays["rates_time"]
        panel.set_xticks(rates, [f"{rate:.2g}" for rate in rates])
        panel.minorticks_off()
    style.letter(axes)
    return {"orders_of_the_modified_equation": figure}
