"""Gradient noise alone does not condense; what does? (Figure 6)

The two-layer network of Figure 4 without dropout, trained with batches of two samples
(the paper's control), with Gaussian noise on the gradient as strong as dropout's, and
with weight decay; beside them dropout itself.
"""

from dataclasses import dataclass

import numpy as np

from refimpl.analysis.baselines import GaussianGradientNoise, WeightDecay
from refimpl.core.dropout import Dropout
from refimpl.core.optimizers import Adam
from refimpl.core.r1 import R1
from refimpl.core.risk import Risk
from refimpl.core.two_layer import TwoLayer
from refimpl.data.datasets import tanh_pair
from refimpl.experiments.common import features, style
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.framework import Claim
from refimpl.experiments.common.statistics import paired
from refimpl.theory.gradient_noise import gradient_covariance_trace

CASES = {
    "batches": "batches of 2",
    "gaussian": "Gaussian noise",
    "decay": "weight decay",
    "dropout": "dropout, $p = 0.9$",
}
LOOKS = 30


@dataclass(frozen=True)
class Config:
    """The paper gives network, data, learning rate and batch size; the optimiser is
    that of Figure 4, Adam, for every case.

    Gaussian noise has, at every θ it meets, the trace of the covariance of dropout's
    gradient (p = 0.9, a mask per sample), evaluated again every 100 steps. Weight decay
    is as large as R_1 at the start of the first seed: λ‖θ‖²/2 = R_1(θ). ``default``
    has half the paper's width, with which fewer steps do.
    """

    width: int = 500
    keep: float = 0.9
    batch: int = 2
    seeds: int = 5
    steps: int = 50_000
    rate: float = 1e-3
    refresh: int = 100


PRESETS = {
    "quick": Config(width=100, steps=12_000),
    "default": Config(),
    "paper": Config(width=1000, steps=120_000),
}
PAPER_SETTINGS = {"width": 1000, "batch": 2, "rate": 1e-3}
CAPTIONS = {
    "fig06_noise_alone": (
        "Batches of two, Gaussian gradient noise, weight decay and dropout: (a) to (d) "
        "outputs, (f) to (i) amplitude against orientation of each neuron at the start "
        "and after training, (e) R_S and (j) number of orientations against steps."
    ),
}

CHANGE = f"{features.COUNT}: mean over seeds of trained minus initial"
CLAIMS = (
    Claim(
        "fig06-batches",
        "SGD with batches of 2 does not condense.",
        "Figure 6",
        f"{CHANGE}; at least −1",
    ),
    Claim(
        "fig06-gaussian",
        "Gaussian noise on the gradient, as strong as dropout's, does not condense.",
        "this project",
        f"{CHANGE}; at least −1",
    ),
    Claim(
        "fig06-decay",
        "Condensation is not dropout's alone: weight decay as large as R_1 at the "
        "start condenses too.",
        "this project",
        f"{features.COUNT}, largest over seeds; at most {features.FEW}",
    ),
    Claim(
        "fig06-dropout",
        "Dropout condenses further than either noise.",
        "Figure 6 against Figure 4",
        f"{features.COUNT}: mean over seeds of the lesser of batches and Gaussian "
        "noise minus dropout, paired; the 95% interval is above 0",
    ),
)


def run(config, context):
    """Train every case.

    Returns
    -------
    arrays : dict
        With 4 cases, S seeds and T snapshots at ``steps`` (T,): ``count`` and ``loss``
        (4, S, T), ``output`` (4, S, G), ``weights`` (4, S, 2, m, 2) and ``amplitude``
        (4, S, 2, m), initial and trained; ``strength`` (4,) of the decay.
    """
    X, Y = tanh_pair()
    seeds = context.seeds(config.seeds)
    tasks = [(case, *seeds) for case in CASES]
    parts = context.runs(trained, config, tasks, "Figure 6")
    fixed = {
        "seeds": np.array(seeds),
        "x": X,
        "y": Y,
        "grid": features.GRID,
    }
    return fixed | {"steps": features.looks(config.steps, LOOKS)} | stacked(parts)


def trained(config, context, case, *seeds):
    """Networks of one case."""
    net = TwoLayer(1, config.width)
    X, Y = tanh_pair()
    risk = Risk(net, X, Y)
    drop = Dropout(config.keep, per_sample=True)
    start = features.start(net, features.linear_regime(config.width), context, seeds)
    rngs = features.noise(context, seeds, case)
    objective, optimizer = risk, Adam(config.rate)
    first = start[0].astype(float)
    strength = 2 * R1(risk, first, config.keep) / (first @ first)
    if case == "decay":
        objective = WeightDecay(risk, strength)
    if case == "gaussian":
        optimizer = GaussianGradientNoise(
            optimizer,
            lambda theta: gradient_covariance_trace(risk, theta, drop),
            rngs,
            config.refresh,
        )
    history = context.train(
        objective,
        start,
        optimizer,
        config.steps,
        drop if case == "dropout" else None,
        config.batch if case == "batches" else None,
        rng=rngs,
        snapshots=features.looks(config.steps, LOOKS),
    )
    ends = np.stack([start, history.theta], axis=1)  # (S, 2, P)
    return features.record(net, risk, history.snapshots, ends) | {
        "output": features.outputs(net, history.theta, features.GRID),
        "strength": strength,
    }


def check(arrays):
    """Results of `CLAIMS`."""
    counts = dict(zip(CASES, arrays["count"]))  # (S, T)
    batches, gaussian, decay, dropout = CLAIMS
    results = []
    for claim, case in ((batches, "batches"), (gaussian, "gaussian")):
        change = paired(counts[case][:, -1] - counts[case][:, 0])
        results.append(claim.result(change.mean >= -1, change.mean, change.interval))
    worst = counts["decay"][:, -1].max()
    detail = f"λ = {arrays['strength'][0]:.3g}"
    results.append(decay.result(worst <= features.FEW, worst, detail=detail))
    either = np.minimum(counts["batches"], counts["gaussian"])[:, -1]
    effect = paired(either - counts["dropout"][:, -1])
    passed = effect.interval[0] > 0
    return [*results, dropout.result(passed, effect.mean, effect.interval)]


def plot(arrays):
    """Outputs and features of the first seed, and orientations of all seeds."""
    figure, axes = style.figure(2, 5, width=13.0, height=2.6)
    colors = (style.BLUE, style.PURPLE, style.GREEN, style.RED)
    for k, (color, label) in enumerate(zip(colors, CASES.values())):
        panel, x, y = axes[0, k], arrays["x"], arrays["y"]
        features.plot_output(panel, arrays["grid"], arrays["output"][k, 0], x, y, color)
        panel.set(title=f"output, {label}", ylim=(-3, 3))
        stages = {
            stage: (arrays["weights"][k, 0, when], arrays["amplitude"][k, 0, when])
            for when, stage in enumerate(("initial", "trained"))
        }
        features.plot_features(axes[1, k], stages, title=f"features, {label}")
        loss = arrays["loss"][k, 0]
        axes[0, 4].semilogy(arrays["steps"], loss, color=color, lw=0.8, label=label)
        features.plot_counts(
            axes[1, 4], arrays["steps"], arrays["count"][k], color, label
        )
    axes[0, 4].set(title="loss", xlabel="steps", ylabel="$R_S$")
    axes[0, 4].legend(loc="upper right")
    axes[1, 4].set(title="orientations, all seeds")
    axes[1, 4].set_ylim(bottom=0)
    axes[1, 0].legend(loc="upper right", markerscale=2)
    style.letter(axes)
    return {"fig06_noise_alone": figure}
