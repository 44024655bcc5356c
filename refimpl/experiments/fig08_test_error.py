"""Test error against the number of samples, with and without dropout (Figure 8).

A teacher with two tanh neurons, six parameters, is learned from 1 to 14 samples by a
wide student; two teachers, a steep one and a slow one.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from refimpl import Adam, Dropout, Risk, TwoLayer
from refimpl.data import teacher
from refimpl.experiments.common import features, panels, style
from refimpl.experiments.common.claims import Claim, above, at_most, decided
from refimpl.experiments.common.labels import listed, titled
from refimpl.experiments.common.statistics import paired_ratio

TEACHERS = {  # of W (2, 1), b (2,) and A (1, 2); and the interval of the inputs
    "steep": (partial(teacher, [[1.0], [1.0]], [-6.0, 6.0], [[1.0, 1.0]]), 12.0),
    "slow": (partial(teacher, [[0.8], [-1.1]], [0.4, 0.6], [[1.0, 0.8]]), 2.0),
}
KEEPS = (1.0, 0.9)


@dataclass(frozen=True)
class Config:
    """The paper gives student, numbers of samples, p, trials, and Adam at 1e-4; the
    teacher's parameters and the distribution of the inputs are not in the main text.

    The steep teacher is that of Figure 4; the slow one bends little over its interval
    [−2, 2]. Inputs are uniform, new ones in every trial; the test error is half the
    mean squared error on a grid, as in R_S. The start is Figure 4's. With Adam at
    1e-3, ten times the paper's rate, a tenth of the steps do. The benefit grows with
    the steps, long after the weights have condensed: ``paper`` trains for a time,
    learning rate times steps, of 100, and ``default`` of 160 at an eighth of the width,
    where a larger rate condenses as well. The trials without dropout differ most, over
    orders of magnitude: there are many.
    """

    width: int = 125
    samples: tuple = (2, 5, 8, 14)
    seeds: int = 20
    steps: int = 40_000
    rate: float = 4e-3


QUICK = Config(width=100, samples=(4, 14), seeds=5, steps=6_000, rate=2e-3)
PAPER = Config(
    width=1000,
    samples=(1, 2, 4, 6, 7, 8, 10, 12, 14),
    seeds=20,
    steps=100_000,
    rate=1e-3,
)
PAPER_SETTINGS = {
    "width": 1000,
    "samples": tuple(range(1, 15)),
    "seeds": 10,
    "rate": 1e-4,
}

RATIO = "test error without dropout over that with it"
ABOVE_6 = "geometric mean over numbers of samples above 6 and over trials"
LOWERS = (
    "Above 6 samples, as many as the {} teacher has parameters, dropout lowers the "
    "test error (two-layer tanh network)."
)
SPLIT = (
    "It was one claim, above 6 samples, and undecided; then two, up to 8 and above 10 "
    "samples, where results had shown an edge. They now part where the paper does."
)
TIME = "The default trained for a quarter of the time, at twice the width."
CLAIMS = (
    Claim(
        "fig08-steep",
        LOWERS.format("steep"),
        "Figure 8",
        f"{RATIO}, steep teacher, {ABOVE_6}",
        above(1),
        explored=TIME,
    ),
    Claim(
        "fig08-slow-few",
        "With up to 6 samples dropout lowers, on average, the test error of a teacher "
        "that bends little (two-layer tanh network).",
        "Figure 8, another teacher",
        f"{RATIO}, slow teacher, geometric mean over numbers of samples up to 6 and "
        "over trials",
        above(1),
        note="Dropout helps the less, the more samples there are: at the default's "
        "width with two and hardly with five, at width 1000 up to ten.",
        anchor="figure-8",
        explored=f"{SPLIT} {TIME}",
    ),
    Claim(
        "fig08-slow-many",
        "Above 6 samples dropout lowers the test error of a teacher that bends little "
        "(two-layer tanh network).",
        "Figure 8, another teacher",
        f"{RATIO}, slow teacher, {ABOVE_6}",
        above(1),
        note="Many samples of a teacher that bends little are easily interpolated, and "
        "the bias of R_1 is the larger error: from eight samples on at the default's "
        "width, from twelve on at width 1000.",
        anchor="figure-8",
        explored=f"{SPLIT} {TIME}",
    ),
    Claim(
        "fig08-hundredfold",
        "Above 6 samples dropout lowers the test error by two orders of magnitude "
        "(two-layer tanh network, steep teacher).",
        "Figure 8",
        f"{RATIO}, steep teacher, {ABOVE_6}",
        above(100),
        note="The error falls that far only when training goes on long after the "
        "weights have condensed.",
        anchor="figure-8",
        explored=TIME,
    ),
    Claim(
        "fig08-onset",
        "Dropout's benefit for the test error begins where the samples outnumber the "
        "teacher's parameters: up to 6 samples there is none (two-layer tanh network, "
        "steep teacher).",
        "Figure 8",
        f"{RATIO}, steep teacher, geometric mean over numbers of samples up to 6 and "
        "over trials",
        at_most(1),
        note="Dropout helps with two samples already.",
        anchor="figure-8",
        explored="It was one claim with `fig08-threshold`, whose rule shows only that "
        "the benefit grows.",
    ),
    Claim(
        "fig08-threshold",
        "Dropout's benefit for the test error is larger where the samples outnumber "
        "the teacher's parameters (two-layer tanh network, steep teacher).",
        "Figure 8",
        f"{RATIO}, steep teacher, above 6 samples over up to 6, geometric mean over "
        "numbers of samples and over trials",
        above(1),
        note="The trials differ more than the numbers of samples do.",
        anchor="figure-8",
        explored=f"It said that the benefit begins there (`fig08-onset`). {TIME}",
    ),
)


def run(config, context):
    """Train all students.

    Arrays, with 2 teachers, N numbers of ``samples`` (N,), 2 keep probabilities and S
    trials: ``error`` and ``loss`` (2, N, 2, S), of test and training; ``output`` (2, N,
    2, G) of the first trial on ``grid`` (2, G), and the teacher's, ``truth`` (2, G).
    """
    grids = [grid(limit) for _, limit in TEACHERS.values()]
    truths = [truth(X) for (truth, _), X in zip(TEACHERS.values(), grids)]
    axes = (TEACHERS, config.samples)
    return {
        "samples": config.samples,
        "grid": np.stack(grids)[..., 0],
        "truth": np.stack(truths)[..., 0],
    } | context.grid(trained, config, "Figure 8", *axes, seeds=context.seeds)


def grid(limit):
    """Inputs (G, 1) on which the test error is measured."""
    return np.linspace(-limit, limit, 481)[:, None]


def trained(config, context, name, samples, *trials):
    """Students of all trials, without dropout and with it, side by side.

    A trial's samples are the first of one list, so that more samples contain fewer.
    """
    truth, limit = TEACHERS[name]
    size = (max(config.samples), 1)
    X = [context.rng("inputs", t).uniform(-limit, limit, size) for t in trials]
    X = np.concatenate([np.stack(X)[:, :samples]] * len(KEEPS))
    net, shape = TwoLayer(1, config.width), (len(KEEPS), len(trials))
    risk, twice = Risk(net, X, truth(X)), trials * len(KEEPS)
    theta = context.train(
        risk,
        features.start(net, features.linear_regime(config.width), context, twice),
        Adam(config.rate),
        config.steps,
        Dropout(np.repeat(KEEPS, len(trials)), per_sample=True),
        rng=context.noise("noise", twice),
    ).theta.astype(float)
    X = grid(limit)
    return {
        "error": Risk(net, X, truth(X))(theta).reshape(shape),
        "loss": risk(theta).reshape(shape),
        "output": features.outputs(net, theta[:: len(trials)], X[:, 0]),
    }


def ratios(arrays, chosen):
    """Geometric mean (2, S) of error(1)/error(p) over `chosen` numbers of samples."""
    error = arrays["error"][:, chosen]  # (2, N', 2, S)
    return np.exp(np.log(error[:, :, 0] / error[:, :, 1]).mean(axis=1))


def check(arrays):
    samples, many = arrays["samples"], arrays["samples"] > 6
    steep, slow = ratios(arrays, many)  # (S,)
    onset = few = threshold = "no number of samples up to 6 was run"
    if not many.all():
        early, slow_early = ratios(arrays, ~many)
        onset, few = paired_ratio(early, 1), paired_ratio(slow_early, 1)
        threshold = paired_ratio(steep, early)
    measured = {
        "fig08-steep": paired_ratio(steep, 1),
        "fig08-slow-few": few,
        "fig08-slow-many": paired_ratio(slow, 1),
        "fig08-hundredfold": paired_ratio(steep, 1),
        "fig08-onset": onset,
        "fig08-threshold": threshold,
    }
    each = np.stack([ratios(arrays, samples == n) for n in samples], axis=-1)
    means = np.exp(np.log(each).mean(axis=1))  # (2, N)
    by_number = [f"by number of samples: {listed(samples, m, '.2g')}" for m in means]
    details = {
        "fig08-steep": by_number[0],
        "fig08-hundredfold": f"with {samples[-1]} samples {means[0, -1]:.2g}",
        "fig08-slow-few": by_number[1],
        "fig08-slow-many": by_number[1],
    }
    return decided(CLAIMS, measured, details)


def plot(arrays):
    """Steep teacher above, slow teacher below. (a), (b), (e), (f) Test error of every
    trial and number of samples, without dropout and with it, one colour scale a
    teacher, from the 2nd to the 98th percentile. (c), (g) Its median and quartiles; the
    dashed line is a hundredth of that without dropout, the dotted one marks the
    teacher's six parameters. (d), (h) Outputs of one trial with the most samples, and
    the teacher, where it lies and as much above and below.
    """
    from matplotlib.colors import LogNorm

    figure, axes = style.figure(2, 4, width=style.WIDE, height=2.7)
    samples = arrays["samples"]
    for which, (name, (*maps, medians, outputs)) in enumerate(zip(TEACHERS, axes)):
        x, errors = arrays["grid"][which], arrays["error"][which]
        norm = LogNorm(*np.quantile(errors, (0.02, 0.98)))
        for k, (keep, color) in enumerate(zip(KEEPS, (style.BLUE, style.RED))):
            error, label = errors[:, k].T, f"p = {keep:g}"  # (S, N)
            image = maps[k].imshow(error, aspect="auto", norm=norm, cmap="viridis")
            titled(maps[k], f"{name} teacher, {label}", "number of samples", "trial")
            maps[k].set_xticks(range(len(samples)), samples)
            maps[k].yaxis.get_major_locator().set_params(integer=True)
            line = {"color": color, "marker": "o", "ms": 3, "label": label}
            panels.spread(medians, samples, error, (0.25, 0.5, 0.75), **line)
            outputs.plot(x, arrays["output"][which, -1, k], color=color)
        figure.colorbar(image, ax=maps[1], label="test error", extend="both")
        hundredth = np.median(errors[:, 0], axis=-1) / 100
        dashed = {"color": "0.5", "ls": "--", "lw": 1, "label": "p = 1, a hundredth"}
        if name == "steep":  # of which it is claimed
            medians.plot(samples, hundredth, **dashed)
        medians.axvline(6, color="0.6", lw=1, ls=":")
        titled(medians, "median and quartiles", "number of samples", "test error")
        medians.set_yscale("log")
        medians.set_ylim(top=30 * np.median(errors, axis=-1).max())
        medians.legend(loc="upper right")
        low, high = arrays["truth"][which].min(), arrays["truth"][which].max()
        outputs.set_ylim(low - (high - low), high + (high - low))
        truth = {"color": style.BLACK, "lw": 1, "ls": "--", "label": "teacher"}
        outputs.plot(x, arrays["truth"][which], **truth)
        titled(outputs, f"{samples[-1]} samples, first trial", "$x$", "$f(x)$")
        outputs.legend()
    return {"fig08_test_error": figure}
