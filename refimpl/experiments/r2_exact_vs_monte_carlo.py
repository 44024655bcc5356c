"""R_2 in closed form against Monte Carlo (Eq. 5): error by number of masks, and time.

On the network of Figure 4, for both mask conventions, R_2 and its gradient are computed
in closed form and as means over masks; then the time of the closed form is compared
with the time that Monte Carlo needs for a relative standard error of 1%.
"""

import time
from dataclasses import dataclass

import numpy as np

from refimpl.arrays.backend import to_numpy
from refimpl.core.dropout import Dropout
from refimpl.core.r2_tilde import R2Tilde
from refimpl.core.risk import Risk
from refimpl.core.two_layer import TwoLayer
from refimpl.data.datasets import tanh_pair
from refimpl.experiments.common import style
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.framework import Claim
from refimpl.experiments.common.statistics import doublings, paired, slope
from refimpl.theory.r2 import R2, R2_gradient

CONVENTIONS = ("shared", "per sample")
QUANTITIES = ("R_2", "∇R_2")
EPSILON = 1e-3  # a factor of both sides
LEAST = 16  # masks in a mean, and means over which an error is taken


@dataclass(frozen=True)
class Config:
    """The network of Figure 4; N(0, m^−0.5) and float64 are ours."""

    width: int = 1000
    keep: float = 0.9
    seeds: int = 5
    draws: int = 2**13  # a power of two
    turns: int = 9  # timings, of which the median is taken


PRESETS = {
    "quick": Config(width=200, draws=2**12, turns=5),
    "default": Config(),
    "paper": Config(seeds=10, draws=2**16, turns=21),
}
PAPER_SETTINGS = {"width": 1000, "keep": 0.9}
CAPTIONS = {
    "r2_exact_vs_monte_carlo": (
        "(a) Relative error of Monte Carlo against the closed forms of R_2 and ∇R_2, "
        "for both mask conventions, against the number of masks K. (b) Time of the "
        "closed form, and of Monte Carlo to 1%."
    ),
}

CLAIMS = (
    Claim(
        "r2-agrees",
        "The closed forms of R_2 and ∇R_2 are the means over masks, for both mask "
        "conventions.",
        "Eq. (5)",
        "mean of z² over seeds and both conventions, z the deviation of the sampled "
        "R_2, and of the sampled derivative of R_2 along ∇R_2, in standard errors; "
        "below 2",
    ),
    Claim(
        "r2-rate",
        "Monte Carlo approaches R_2 as 1/√K in the number K of masks.",
        "this project",
        "slope of the log of the root mean square relative error of means of K masks "
        "against log K, from 16 masks to a sixteenth of those drawn, each mask in one "
        "mean of every K; mean over both conventions and both quantities, by seed; "
        "the 95% interval lies in −0.6 to −0.4",
    ),
    Claim(
        "r2-faster",
        "The closed form is faster than Monte Carlo to 1% by two orders of magnitude.",
        "this project",
        "time of Monte Carlo to a relative standard error of 1%, over that of the "
        "closed form; least over R_2 and ∇R_2 and both conventions; at least 100",
    ),
    Claim(
        "r2-conventions",
        "R_2 depends on the mask convention: one mask for all samples adds more.",
        "this project",
        "R_2 shared over R_2 per sample, least over seeds; above 1",
    ),
)


def run(config, context):
    """Closed forms, Monte-Carlo errors by number of masks, and times.

    Returns
    -------
    arrays : dict
        With S seeds, 2 conventions and 2 quantities: ``exact`` (S, 2) of R_2; ``draws``
        (T,); ``error`` (S, 2, 2, T) root mean square relative errors of means of as
        many masks; ``z2`` (S, 2, 2); ``spread`` (S, 2, 2) relative standard deviation
        of one mask; ``seconds`` (S, 2, 2, 2): closed form, one mask.
    """
    seeds = context.seeds(config.seeds)
    draws = numbers_of_masks(config)
    tasks = [(seed, which) for seed in seeds for which in range(len(CONVENTIONS))]
    parts = context.runs(measure, config, tasks, "R_2, sampled")
    columns = stacked(parts, (len(seeds), len(CONVENTIONS)))
    return {"seeds": np.array(seeds), "draws": draws} | columns


def measure(config, context, seed, convention):
    """What `run` returns, of one seed and convention."""
    net = TwoLayer(1, config.width)
    risk = Risk(net, *tanh_pair())
    theta = context.put(net.init(context.rng("init", seed), std=config.width**-0.25))
    drop = Dropout(config.keep, per_sample=CONVENTIONS[convention] == "per sample")
    tilde = R2Tilde(risk, EPSILON)
    exact = float(R2(risk, theta, drop, EPSILON))
    gradient = R2_gradient(risk, theta, drop, EPSILON)
    rng = context.noise(f"noise {CONVENTIONS[convention]}", seed)
    size = float(np.linalg.norm(gradient))
    values, along, means = [], [], []
    squares = 0.0
    while len(values) < config.draws:
        eta = drop.draw(net, risk.n, rng, min(64, config.draws))
        value, each = tilde.value_and_gradient(*tilde.check(theta, eta))
        values += value.tolist()
        along += (each @ gradient / size**2).tolist()
        squares += float(((each - gradient) ** 2).sum())
        means.append(to_numpy(each).reshape(-1, LEAST, net.size).mean(axis=1))
    relative = np.array(values).reshape(-1, LEAST, 1).mean(axis=1) / exact
    count = len(numbers_of_masks(config))
    errors = [
        errors_of_means(relative, 1.0, count),
        errors_of_means(np.concatenate(means), to_numpy(gradient), count) / size,
    ]
    z = [
        (np.mean(x) - 1) / (np.std(x, ddof=1) / len(x) ** 0.5)
        for x in (np.array(values) / exact, np.array(along))
    ]
    deviation = (squares / len(values)) ** 0.5  # of one mask's gradient, in norm
    spread = [np.std(values, ddof=1) / exact, deviation / size]
    seconds = timed(config, risk, theta, drop, rng)
    return {
        "exact": exact,
        "error": np.array(errors),
        "z2": np.square(z),
        "spread": np.array(spread),
        "seconds": seconds,
    }


def numbers_of_masks(config):
    """K at which the error is taken."""
    draws = doublings(config.draws // LEAST)
    return draws[draws >= LEAST]


def errors_of_means(means, exact, count):
    """Root mean square distances (count,) from `exact`, each of means of twice as many.

    Parameters
    ----------
    means : array (N, d)
        Of LEAST masks each.
    exact : array (d,)
    count : int
    """
    errors = np.empty(count)
    for row in range(count):
        errors[row] = np.sqrt(((means - exact) ** 2).sum(axis=-1).mean())
        means = (means[0::2] + means[1::2]) / 2
    return errors


def timed(config, risk, theta, drop, rng, count=64):
    """Median seconds (2, 2) of the closed form and of one mask: R_2, ∇R_2.

    The sides take turns, so that a drifting machine slows both. Monte Carlo is given
    its masks in batches, which is its fastest way.
    """
    tilde = R2Tilde(risk, EPSILON)

    def value_of_masks():
        return tilde(theta, drop.draw(risk.net, risk.n, rng, count))

    def gradient_of_masks():
        return tilde.gradient(theta, drop.draw(risk.net, risk.n, rng, count))

    pairs = (
        (lambda: R2(risk, theta, drop, EPSILON), value_of_masks),
        (lambda: R2_gradient(risk, theta, drop, EPSILON), gradient_of_masks),
    )
    seconds = np.empty((2, 2, config.turns))
    for turn in range(config.turns):
        for quantity, sides in enumerate(pairs):
            for side, call in enumerate(sides):
                start = time.perf_counter()
                to_numpy(call())  # on a device the call alone only asks for it
                seconds[quantity, side, turn] = time.perf_counter() - start
    return np.median(seconds, axis=-1) / [1, count]


def ratios(arrays):
    """Time of Monte Carlo to 1% over that of the closed form: (S, 2, 2)."""
    masks = (arrays["spread"] / 0.01) ** 2
    return masks * arrays["seconds"][..., 1] / arrays["seconds"][..., 0]


def check(arrays):
    """Results of `CLAIMS`."""
    agrees, rate, faster, conventions = CLAIMS
    z2 = arrays["z2"]
    draws, seeds = arrays["draws"], len(arrays["seeds"])
    rows = arrays["error"].reshape(seeds, 4, len(draws))
    effect = paired([np.mean([slope(draws, row).mean for row in one]) for one in rows])
    low, high = effect.interval
    ratio = np.median(ratios(arrays), axis=0)
    exact = arrays["exact"]
    detail = "; ".join(
        f"{quantity}, {convention}: {ratio[c, q]:.0f}"
        for c, convention in enumerate(CONVENTIONS)
        for q, quantity in enumerate(QUANTITIES)
    )
    return [
        agrees.result(z2.mean() < 2, z2.mean()),
        rate.result(-0.6 <= low and high <= -0.4, effect.mean, effect.interval),
        faster.result(ratio.min() >= 100, ratio.min(), detail=detail),
        conventions.result(
            (exact[:, 0] / exact[:, 1]).min() > 1, (exact[:, 0] / exact[:, 1]).min()
        ),
    ]


def plot(arrays):
    """Relative error by number of masks, and time to 1%."""
    figure, axes = style.figure(1, 2, width=8.0, height=2.9)
    panel, draws = axes[0, 0], arrays["draws"]
    looks = (
        (style.BLUE, "o", r"$R_2$, shared"),
        (style.SKY, "^", r"$\nabla R_2$, shared"),
        (style.RED, "s", r"$R_2$, per sample"),
        (style.ORANGE, "v", r"$\nabla R_2$, per sample"),
    )
    rms = np.sqrt((arrays["error"] ** 2).mean(axis=0)).reshape(4, -1)
    for row, (color, marker, label) in zip(rms, looks):
        panel.loglog(draws, row, color=color, marker=marker, ms=3, label=label)
    line = rms[0, 0] * (draws / draws[0]) ** -0.5
    panel.loglog(draws, line, "k--", lw=1, label=r"$\propto K^{-1/2}$")
    panel.axhline(0.01, color="0.6", lw=0.8)
    panel.set(
        title="Monte Carlo against the closed form",
        xlabel="number of masks $K$",
        ylabel="relative error (root mean square)",
    )
    panel.legend(loc="upper left", bbox_to_anchor=(1, 1))
    panel = axes[0, 1]
    seconds, masks = arrays["seconds"], (arrays["spread"] / 0.01) ** 2
    exact = np.median(seconds[..., 0], axis=0).ravel() * 1e3
    sampled = np.median(seconds[..., 1] * masks, axis=0).ravel() * 1e3
    place = np.arange(4)
    panel.bar(place - 0.2, exact, 0.4, color=style.BLACK, label="closed form")
    panel.bar(place + 0.2, sampled, 0.4, color="0.7", label="Monte Carlo to 1%")
    panel.set_yscale("log")
    panel.set_ylim(top=30 * sampled.max())
    panel.set(title="time", ylabel="time (ms)", xticks=place)
    labels = [label.replace(", ", "\n").replace(" s", "\ns") for *_, label in looks]
    panel.set_xticklabels(labels)
    panel.legend(loc="upper left")
    style.letter(axes)
    return {"r2_exact_vs_monte_carlo": figure}
