"""Test error against the number of samples, with and without dropout (Figure 8).

A teacher with two tanh neurons, six parameters, is learned from 1 to 14 samples by a
student of width 1000; two teachers, a steep one and a slow one.
"""

from dataclasses import dataclass

import numpy as np

from refimpl.core.dropout import Dropout
from refimpl.core.optimizers import Adam
from refimpl.core.risk import Risk
from refimpl.core.two_layer import TwoLayer
from refimpl.data.datasets import teacher
from refimpl.experiments.common import features, style
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.framework import Claim
from refimpl.experiments.common.statistics import paired_ratio

# W (2, 1), b (2,), A (1, 2), and the interval of the inputs.
TEACHERS = {
    "steep": (([[1.0], [1.0]], [-6.0, 6.0], [[1.0, 1.0]]), 12.0),
    "slow": (([[0.8], [-1.1]], [0.4, 0.6], [[1.0, 0.8]]), 2.0),
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
    the steps: ``default`` ends as the weights condense, ``paper`` goes on twice as
    long, and the error falls further still after that.
    """

    width: int = 1000
    samples: tuple = (3, 6, 8, 10, 14)
    trials: int = 5
    steps: int = 30_000
    rate: float = 1e-3


PRESETS = {
    "quick": Config(width=100, samples=(4, 14), trials=5, steps=6_000, rate=2e-3),
    "default": Config(),
    "paper": Config(samples=tuple(range(1, 15)), trials=10, steps=60_000),
}
PAPER_SETTINGS = {
    "width": 1000,
    "samples": tuple(range(1, 15)),
    "trials": 10,
    "rate": 1e-4,
}
CAPTIONS = {
    "fig08_test_error": (
        "Steep teacher above, slow teacher below. (a), (b), (e), (f) Test error of "
        "every trial and number of samples, without dropout and with it. (c), (g) Its "
        "median and quartiles; the dotted line marks the teacher's six parameters. "
        "(d), (h) Outputs of one trial with the most samples, and the teacher."
    ),
}

RATIO = (
    "test error without dropout over that with it, geometric mean over the trials and "
    "the numbers of samples above 6, paired"
)
CLAIMS = (
    Claim(
        "fig08-steep",
        "Above 6 samples, as many as the teacher has parameters, dropout lowers the "
        "test error (steep teacher).",
        "Figure 8",
        f"{RATIO}; the 95% interval over trials is above 1",
    ),
    Claim(
        "fig08-slow",
        "So it does for the slow teacher.",
        "Figure 8, another teacher",
        f"{RATIO}; the 95% interval over trials is above 1",
    ),
    Claim(
        "fig08-hundredfold",
        "With dropout the test error is about two orders of magnitude lower.",
        "Figure 8",
        f"{RATIO}, steep teacher; at least 100",
    ),
    Claim(
        "fig08-threshold",
        "The benefit begins where the samples outnumber the teacher's parameters.",
        "Figure 8",
        "the same ratio above 6 samples over the ratio at 6 samples and fewer, steep "
        "teacher; the 95% interval over trials is above 1",
    ),
)


def run(config, context):
    """Train all students.

    Returns
    -------
    arrays : dict
        With 2 teachers, N numbers of ``samples`` (N,), 2 keep probabilities and S
        trials: ``error`` and ``loss`` (2, N, 2, S), of test and training; ``count``
        of orientations (2, N, 2, S); ``output`` (2, N, 2, G) of the first trial on
        ``grid`` (2, G), and the teacher's, ``truth`` (2, G).
    """
    trials = context.seeds(config.trials)
    tasks = [
        (name, samples, keep, *trials)
        for name in TEACHERS
        for samples in config.samples
        for keep in KEEPS
    ]
    parts = context.runs(trained, config, tasks, "Figure 8")
    shape = (len(TEACHERS), len(config.samples), len(KEEPS))
    grids = [grid(name) for name in TEACHERS]
    return {
        "seeds": np.array(trials),
        "samples": np.array(config.samples),
        "grid": np.stack(grids)[..., 0],
        "truth": np.stack([truth(name, x) for name, x in zip(TEACHERS, grids)])[..., 0],
    } | stacked(parts, shape)


def grid(name):
    """Inputs (G, 1) on which the test error is measured."""
    _, limit = TEACHERS[name]
    return np.linspace(-limit, limit, 481)[:, None]


def truth(name, X):
    """The teacher's outputs (..., n, 1)."""
    parameters, _ = TEACHERS[name]
    return teacher(*parameters, X)


def trained(config, context, name, samples, keep, *trials):
    """Students of all trials for one teacher, number of samples and p.

    A trial's samples are the first of one list, so that more samples contain fewer.
    """
    _, limit = TEACHERS[name]
    most = max(config.samples)
    X = np.stack(
        [context.rng("inputs", t).uniform(-limit, limit, (most, 1)) for t in trials]
    )[:, :samples]
    net = TwoLayer(1, config.width)
    risk = Risk(net, X, truth(name, X))
    start = features.start(net, features.linear_regime(config.width), context, trials)
    theta = context.train(
        risk,
        start,
        Adam(config.rate),
        config.steps,
        Dropout(keep, per_sample=True) if keep < 1 else None,
        rng=features.noise(context, trials),
    ).theta.astype(float)
    test = Risk(net, grid(name), truth(name, grid(name)))
    return {
        "error": test(theta),
        "loss": risk(theta),
        "count": features.orientations(net, theta, grid(name)),
        "output": features.outputs(net, theta[0], grid(name)[:, 0]),
    }


def ratios(arrays, which, chosen):
    """Geometric mean (S,) over the `chosen` numbers of samples of error(1)/error(p)."""
    error = arrays["error"][which][chosen]  # (N', 2, S)
    return np.exp(np.log(error[:, 0] / error[:, 1]).mean(axis=0))


def check(arrays):
    """Results of `CLAIMS`."""
    many = arrays["samples"] > 6
    results = []
    for which, claim in enumerate(CLAIMS[:2]):
        values = ratios(arrays, which, many)
        effect = paired_ratio(values, 1)
        each = [
            f"{n}: {paired_ratio(e[0], e[1]).mean:.3g}"
            for n, e in zip(arrays["samples"], arrays["error"][which])
        ]
        detail = "ratio by number of samples: " + ", ".join(each)
        passed = effect.interval[0] > 1
        results.append(claim.result(passed, effect.mean, effect.interval, None, detail))
    above = ratios(arrays, 0, many)
    effect = paired_ratio(above, 1)
    results.append(CLAIMS[2].result(effect.mean >= 100, effect.mean, effect.interval))
    if many.all():
        reason = "no number of samples up to 6 was run"
        return [*results, CLAIMS[3].not_attempted(reason)]
    effect = paired_ratio(above, ratios(arrays, 0, ~many))
    passed = effect.interval[0] > 1
    return [*results, CLAIMS[3].result(passed, effect.mean, effect.interval)]


def plot(arrays):
    """Heat maps of the error, its median and quartiles, and outputs at most samples."""
    from matplotlib.colors import LogNorm

    figure, axes = style.figure(2, 4, width=12.0, height=2.7)
    norm = LogNorm(arrays["error"].min(), arrays["error"].max())
    labels = [f"{n}" for n in arrays["samples"]]
    for which, name in enumerate(TEACHERS):
        error = arrays["error"][which]  # (N, 2, S)
        for k, keep in enumerate(KEEPS):
            panel = axes[which, k]
            image = panel.imshow(
                error[:, k].T, aspect="auto", norm=norm, cmap="viridis"
            )
            panel.set(
                title=f"{name} teacher, p = {keep:g}",
                xlabel="number of samples",
                ylabel="trial",
                xticks=range(len(labels)),
                xticklabels=labels,
            )
            low, middle, high = np.quantile(error[:, k], (0.25, 0.5, 0.75), axis=-1)
            color = (style.BLUE, style.RED)[k]
            panel = axes[which, 2]
            panel.fill_between(
                arrays["samples"], low, high, color=color, alpha=0.2, lw=0
            )
            panel.plot(
                arrays["samples"],
                middle,
                "o-",
                ms=3,
                color=color,
                label=f"p = {keep:g}",
            )
            axes[which, 3].plot(
                arrays["grid"][which], arrays["output"][which, -1, k], color=color
            )
        figure.colorbar(image, ax=axes[which, 1], label="test error")
        panel = axes[which, 2]
        panel.axvline(6, color="0.6", lw=1, ls=":")
        panel.set(
            title="median and quartiles",
            xlabel="number of samples",
            ylabel="test error",
            yscale="log",
        )
        panel.legend()
        panel = axes[which, 3]
        panel.plot(
            arrays["grid"][which],
            arrays["truth"][which],
            "--",
            color=style.BLACK,
            lw=1,
            label="teacher",
        )
        title = f"{labels[-1]} samples, trial 0"
        panel.set(title=title, xlabel="$x$", ylabel="$f(x)$")
        panel.legend()
    style.letter(axes)
    return {"fig08_test_error": figure}
