"""Gradient noise alone does not condense; what does? (Figure 6)

The two-layer network of Figure 4 without dropout, trained with batches of two samples
(the paper's control), with Gaussian noise on the gradient as strong as dropout's, and
with weight decay; beside them dropout itself.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from refimpl import R1, Adam, GaussianGradientNoise, WeightDecay
from refimpl import gradient_covariance_trace
from refimpl.experiments.common import condensed, features, panels, style
from refimpl.experiments.common.claims import Claim, above, decided, ours
from refimpl.experiments.common.statistics import paired

CASES = ("batches", "gaussian", "decay", "dropout")
SNAPSHOTS = 30


@dataclass(frozen=True)
class Config:
    """The paper gives network, data, learning rate and batch size; the optimiser is
    that of Figure 4, Adam, for every case.

    Gaussian noise has, at every θ it meets, the trace of the covariance of dropout's
    gradient (p = 0.9, a mask per sample), evaluated again every 100 steps. Weight decay
    is as large as R_1 at the start of the first seed: λ‖θ‖²/2 = R_1(θ). ``default``
    has half the paper's width, with which fewer steps do: orientations were few from
    27,500 steps (dropout) and 7,200 (weight decay) on in all of five trial seeds, and
    so to 50,000, the steps before. Weight decay is trained in float64, as the weights
    fall below what float32 holds, where a step costs many times as much.
    """

    width: int = 500
    keep: float = 0.9
    batch: int = 2
    seeds: int = 5
    steps: int = 40_000
    rate: float = 1e-3
    refresh: int = 100


QUICK = Config(width=100, steps=9_000)
PAPER = Config(width=1000, steps=120_000, seeds=10)
PAPER_SETTINGS = {"width": 1000, "batch": 2, "rate": 1e-3}
CAPTIONS = {
    "fig06_noise_alone": (
        "Batches of two, Gaussian gradient noise, weight decay and dropout. "
        f"{panels.TRAININGS}"
    ),
}

NETWORK = "two-layer tanh network of Figure 4"
STAYS = {
    "note": "A few of the 23 to 26 orientations go while R_S falls.",
    "anchor": "not-dropout-alone",
    "explored": f"{condensed.KEPT_RULE} Five seeds left batches undecided at the paper "
    "preset; there are ten.",
}
CLAIMS = (
    Claim(
        "fig06-batches",
        f"SGD with batches of 2 does not condense ({NETWORK}).",
        "Figure 6",
        condensed.LEFT,
        condensed.KEPT,
        **STAYS,
    ),
    ours(
        "fig06-gaussian",
        "Gaussian noise on the gradient, as strong as dropout's, does not condense "
        f"({NETWORK}).",
        condensed.LEFT,
        condensed.KEPT,
        **STAYS,
    ),
    ours(
        "fig06-decay",
        "Condensation is not dropout's alone: weight decay as large as R_1 at the "
        f"start condenses too ({NETWORK}).",
        condensed.FINE_MEDIAN,
        condensed.FEW,
        explored=condensed.RESOLUTION,
    ),
    Claim(
        "fig06-dropout",
        "Dropout condenses further than batches of 2 and than Gaussian noise on the "
        f"gradient ({NETWORK}).",
        "Figure 6 against Figure 4",
        f"{condensed.FINELY}, the lesser of batches and Gaussian noise minus dropout, "
        "mean over seeds, paired",
        above(0),
        explored=condensed.RESOLUTION,
    ),
)


def run(config, context):
    """Train every case.

    Arrays: what `features.record` keeps, with 4 cases first, at ``steps`` (T,); and
    ``strength`` (4,) of the decay.
    """
    steps, seeds = features.evenly(config.steps, SNAPSHOTS), context.seeds
    found = context.grid(trained, config, "Figure 6", CASES, seeds=seeds)
    return features.fixed() | {"steps": steps} | found


def trained(config, context, case, *seeds):
    """Networks of one case."""
    risk, start = features.figure_4(context, seeds, config.width)
    drop = features.dropout(config.keep)
    rngs = context.noise(case, seeds)
    objective, optimizer = risk, Adam(config.rate)
    first = start[0].astype(float)
    strength = 2 * R1(risk, first, config.keep) / (first @ first)
    if case == "decay":
        objective, start = WeightDecay(risk, strength), start.astype(float)
    if case == "gaussian":
        trace = partial(gradient_covariance_trace, risk, drop=drop)
        optimizer = GaussianGradientNoise(optimizer, trace, rngs, config.refresh)
    history = context.train(
        objective,
        start,
        optimizer,
        config.steps,
        drop if case == "dropout" else None,
        config.batch if case == "batches" else None,
        rng=rngs,
        snapshots=features.evenly(config.steps, SNAPSHOTS),
    )
    return features.record(risk, history) | {"strength": strength}


def check(arrays):
    counts = dict(zip(CASES, arrays["count"]))  # (S, T)
    either = np.minimum(counts["batches"], counts["gaussian"])[:, -1]
    measured = {
        "fig06-batches": condensed.left(counts["batches"]),
        "fig06-gaussian": condensed.left(counts["gaussian"]),
        "fig06-decay": np.median(counts["decay"][:, -1]),
        "fig06-dropout": paired(either - counts["dropout"][:, -1]),
    }
    ends = zip(CASES, condensed.ends(arrays))
    details = {f"fig06-{case}": f"by seed: {end}" for case, end in ends}
    details["fig06-decay"] += f"; λ = {arrays['strength'][0]:.3g}"
    return decided(CLAIMS, measured, details)


def plot(arrays):
    """Outputs and features of the first seed, and orientations of all seeds."""
    looks = {
        "batches of 2": style.BLUE,
        "Gaussian noise": style.PURPLE,
        "weight decay": style.GREEN,
        "dropout, $p = 0.9$": style.RED,
    }
    return {"fig06_noise_alone": panels.trainings(arrays, looks)}
