"""Does a large learning rate act through the squared gradient norm? (Figure 3)

Test accuracy of R_S^drop over learning rates, against that of R_S^drop +
(λ/4)‖∇R_S^drop‖² over λ at a small learning rate; and the ratio of E R_S^drop to
E‖∇R_S^drop‖² at the minima. Hand-written two-layer networks stand for the paper's VGG-9
on CIFAR-10; both mask conventions.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from refimpl import GD, L1, R2, Divergence, Dropout
from refimpl.arrays.backend import get_xp
from refimpl.experiments.common import features, style, sweeps
from refimpl.experiments.common.claims import Claim, above, between, decided, ours
from refimpl.experiments.common.classification import MASKS, SWEEPS, accuracy, alone
from refimpl.experiments.common.classification import images, swept, two_layer
from refimpl.experiments.common.labels import titled
from refimpl.experiments.common.statistics import paired, paired_ratio

NAMES = ("accuracy", "loss", "squares", "covariance")


@dataclass(frozen=True)
class Config:
    """The paper gives the sweeps and the small learning rate, 5e-3, for VGG-9; the
    network and the range are ours: at twice its end, on MNIST at its end, training runs
    off. All runs last the same time, learning rate × steps, so that a larger rate
    differs by its finite step alone. E R_S^drop is R_S + R_1 and E‖∇R_S^drop‖² is
    4 R_2/ε, both exact; the paper samples 3,000 masks.
    """

    width: int = 60
    n_train: int = 100
    std: float = 0.35
    keep: float = 0.8
    small: float = 5e-3
    values: tuple = (5e-3, 1e-2, 2e-2, 5e-2)
    time: float = 10.0
    seeds: int = 16


PICTURES = True
QUICK = Config(width=30, n_train=40, values=(5e-3, 2e-2, 5e-2), time=3.0, seeds=3)
PAPER = Config(width=200, n_train=300, seeds=10)
PAPER_SETTINGS = {"n_train": 1000, "small": 5e-3}

WIDE = (
    "The scale of the initialisation was chosen because from it R_S generalises as "
    "badly as in the paper. "
)
RANGE = (
    f"{WIDE}The sweeps ended at 0.02, where no accuracy had moved by 2 points and the "
    "claim could not fail; they now go on to where training runs off soon after. "
    "Eight seeds decided neither accuracy and became 16; at the paper preset five did "
    "not decide that with masks per sample, and became ten."
)
BOUND = (
    f"{WIDE}The claim was that the factor is about n, within three; but n is only its "
    "bound, and ten of 100 were measured."
)
SAME = (
    "Dropout at learning rate ε and dropout with the penalty (λ/4)‖∇R_S^drop‖² at a "
    "small learning rate reach the same {} at ε = λ (two-layer network on images, {})."
)
GAINS = {"shared": "does so by half as much", "per sample": "does not"}
WITH = {"shared": "shared masks", "per sample": "a mask per sample"}


def name(measure, mask):
    """Identifier of a claim on training with either convention."""
    return f"fig03-{measure}" + ("" if mask == "shared" else "-per-sample")


def _of(mask):
    """Claims on training with one mask convention."""
    words = WITH[mask]
    return (
        Claim(
            name("accuracy", mask),
            SAME.format("test accuracy", words),
            "Figure 3a",
            sweeps.DIFFERENCE.format(" at which both stay finite"),
            sweeps.NEAR,
            note="On the digits the accuracies agree up to 0.02; near the largest "
            "learning rate that stays finite it raises the accuracy, and the penalty "
            f"{GAINS[mask]}. On MNIST either may be ahead, by up to five points.",
            anchor="figure-3",
            explored=f"{RANGE} {sweeps.CHOSEN}",
        ),
        Claim(
            name("ratio", mask),
            SAME.format("ratio of E R_S^drop to E‖∇R_S^drop‖²", words),
            "Figure 3b",
            "ratio of the learning-rate sweep over that of the λ sweep, geometric mean "
            "over the same values and over seeds",
            between(0.8, 1.25),
            note="By theory the penalty presses harder: it holds the trace of the "
            "gradient's covariance, which a finite step's effect on the mean does not.",
            anchor="figure-3",
            explored=RANGE,
        ),
        ours(
            name("masks", mask),
            "The trace T of the covariance of dropout's gradient is larger with a "
            "shared mask than with a mask per sample, and at most n times as large "
            f"(two-layer network on n images, trained with {words}).",
            "k in T_shared = n^k T_per-sample at the same θ, mean over the minima of "
            "the learning-rate sweep and over seeds",
            between(0, 1),
            note="The upper end is a theorem, the lower one is not: a mask can move "
            "the gradients of the samples against each other.",
            anchor="mask-convention",
            explored=BOUND,
        ),
    )


CLAIMS = (
    *_of("shared"),
    *_of("per sample"),
    ours(
        "fig03-effect",
        "The penalty (λ/4)‖∇R_S^drop‖² lowers what it penalises more with shared masks "
        "than with masks per sample (two-layer network on images).",
        "E‖∇R_S^drop‖² at the least λ over that at the greatest finite one, shared "
        "over per sample, geometric mean over seeds",
        above(1),
        explored=WIDE.strip(),
    ),
)


def run(config, context):
    """Both sweeps, with both conventions.

    Arrays, with 2 conventions, 2 sweeps, V ``values`` and S seeds: ``accuracy``,
    ``loss`` (E R_S^drop), ``squares`` (E‖∇R_S^drop‖²) and ``covariance`` (2, 2, V, S,
    2: of shared and per-sample masks at that θ); NaN where training ran off.
    """
    axes, seeds = (MASKS, SWEEPS, config.values), context.seeds
    found = context.grid(minimum, config, "Figure 3", *axes, seeds=seeds)
    return {"values": config.values, "samples": config.n_train} | found


def minimum(config, context, mask, sweep, value, *seeds):
    """The networks of all seeds, side by side; NaN of one that ran off."""
    data = [images(context, config.n_train, seed) for seed in seeds]
    net, risk = two_layer(data, config.width)
    drop = Dropout(config.keep, mask == "per sample")
    objective, rate, steps = swept(config, risk, sweep, value)
    start = features.start(net, config.std, context, seeds)
    rng = context.noise(f"noise {mask}", list(seeds))
    try:
        with np.errstate(all="ignore"):
            ran = context.train(objective, start, GD(rate), steps, drop, rng=rng)
    except Divergence:
        if len(seeds) > 1:  # which of them?
            return alone(partial(minimum, config, context, mask, sweep, value), seeds)
        lost = dict.fromkeys(NAMES, np.full(1, np.nan))
        return lost | {"covariance": np.full((1, 2), np.nan)}
    theta = ran.theta.astype(float)
    mean = L1(risk, config.keep)
    norm = (mean.gradient(theta) ** 2).sum(axis=-1)
    squares = [4 * R2(risk, theta, Dropout(config.keep, m), 1.0) for m in (False, True)]
    right = [float(accuracy(net, *one)) for one in zip(theta, data)]
    return {
        "accuracy": np.array(right),
        "loss": mean(theta),
        "squares": squares[MASKS.index(mask)],
        "covariance": get_xp(theta).stack(squares, axis=-1) - norm[:, None],
    }


def check(arrays):
    measured, details = {}, {}
    for index, mask in enumerate(MASKS):
        right, loss, squares, covariance = (arrays[key][index] for key in NAMES)
        found, told = sweeps.compared(arrays["values"], right, loss / squares)
        found["masks"] = "training ran off"
        if told:
            times = covariance[0][np.isfinite(right).all(axis=(0, 2))]  # (V', S, 2)
            found["masks"], told["masks"] = compared(times, arrays["samples"])
        measured |= {name(measure, mask): one for measure, one in found.items()}
        for measure, one in told.items():
            details[name(measure, mask)] = f"{arrays['data']}; {one}"
    sweep = arrays["squares"][:, 1]  # (2, V, S)
    finite = np.flatnonzero(np.isfinite(sweep).all(axis=(0, 2)))
    if len(finite) < 2:
        measured["fig03-effect"] = "training ran off"
        return decided(CLAIMS, measured, details)
    least, greatest = finite[0], finite[-1]
    measured["fig03-effect"] = paired_ratio(*(sweep[:, least] / sweep[:, greatest]))
    ends = arrays["values"][[least, greatest]]
    details["fig03-effect"] = "at λ = {:g} and {:g}".format(*ends)
    return decided(CLAIMS, measured, details)


def compared(covariance, n):
    """Power of n by which the trace with shared masks exceeds that with masks per
    sample (V, S, 2), and how many times it does, in words."""
    times = covariance[..., 0] / covariance[..., 1]
    low, mean, high = times.min(), np.exp(np.log(times).mean()), times.max()
    words = f"{mean:.3g} times, {low:.3g} to {high:.3g}, n = {n}"
    return paired(np.log(times) / np.log(n)), words


def plot(arrays):
    """Sweep of the learning rate ε of R_S^drop and sweep of the factor λ of the squared
    gradient norm. (a), (b) Test accuracy with shared masks and with masks per sample;
    the band is where the two sweeps may lie apart, around the λ sweep. (c), (d) E
    R_S^drop over E‖∇R_S^drop‖² at the same minima, and the band of its claim. Dots are
    seeds.
    """
    figure, axes = style.figure(2, 2, width=8.0, height=2.7, sharex=True)
    rows = (
        (arrays["accuracy"], "test accuracy", np.add),
        (arrays["loss"] / arrays["squares"], sweeps.QUOTIENT, np.multiply),
    )
    for panels, (quantity, label, moved), claim in zip(axes, rows, CLAIMS):
        for panel, both, mask in zip(panels, quantity, MASKS):
            sweeps.draw(panel, arrays["values"], both, claim, moved)
            titled(panel, f"{mask} masks", sweeps.X, label)
    axes[0, 0].legend()
    return {"fig03_learning_rate": figure}
