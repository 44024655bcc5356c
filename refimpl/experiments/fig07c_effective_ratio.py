"""The effective ratio of deep networks falls lower with dropout (Figure 7c).

The paper's is ResNet-18 on CIFAR-10; these are fully connected ReLU networks on
pictures, with dropout after the last hidden layer or after every one. Convolutions are
in `fig07c_filters`.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from refimpl import Adam, Deep, Risk
from refimpl.data import one_hot
from refimpl.experiments.common import features, panels, style
from refimpl.experiments.common.claims import Claim, above, decided
from refimpl.experiments.common.classification import DATA_SETS, by_data_set
from refimpl.experiments.common.classification import accuracy, images
from refimpl.experiments.common.labels import against_steps
from refimpl.experiments.common.statistics import paired

KEEPS = (1.0, 0.9, 0.8, 0.5)
LAYERS = ("last", "all")
# Without dropout the layers it would follow make no difference.
CASES = (("none", 1.0), *((layers, p) for layers in LAYERS for p in KEEPS[1:]))
SNAPSHOTS = 12
COSINES = features.COARSE, features.FINE


@dataclass(frozen=True)
class Config:
    """All ours: the paper shows ResNet-18. The effective ratio is its measure, with its
    threshold 0.95, of the active neurons of each hidden layer. Full batches, MSE
    against one-hot labels, the standard initialisation, Adam at a high learning rate,
    and training until long after R_S is small: condensation is slow.
    """

    hidden: tuple = (64, 64)
    n_train: int = 100
    seeds: int = 3
    steps: int = 16_000
    rate: float = 6e-3


PICTURES = True
QUICK = Config(hidden=(20, 20), n_train=30, steps=2_500, rate=1e-2)
PAPER = Config(hidden=(100, 100), n_train=200, seeds=5, steps=40_000, rate=3e-3)

WORDS = {"last": "after the last hidden layer", "all": "after every hidden layer"}
NOTES = {
    "digits": "Measured without --mnist.",
    "mnist": "Measured with --mnist.",
}
CLAIMS = tuple(
    Claim(
        f"fig07c-{data}-{layers}",
        f"With dropout {WORDS[layers]} the effective ratio of a deep ReLU network's "
        f"last hidden layer falls lower than without ({name}).",
        "Figure 7c, another network",
        "effective ratio of the last hidden layer at the end, p=1 minus p=0.5: mean "
        "over seeds, paired",
        above(0),
        note=NOTES[data],
        anchor="figure-7",
        explored="Sizes, learning rate and steps of the default were changed after "
        "first runs, so that the last layer condenses within a run. Three seeds of the "
        "paper preset left dropout after the last layer undecided, and became five.",
    )
    for data, name in DATA_SETS.items()
    for layers in LAYERS
)


def run(config, context):
    """Train with every p, after the last hidden layer and after all.

    Arrays, with 7 `CASES`, S seeds, T snapshots at ``steps`` (T,), 2 hidden layers and
    2 resolutions, the coarser first: ``ratio`` (7, S, T, 2, 2) and, at the end,
    ``accuracy`` (7, S) of the test and ``loss`` (7, S).
    """
    steps = features.evenly_in_log(config.steps, 100, SNAPSHOTS)
    found = context.grid(trained, config, "Figure 7c", CASES, seeds=context.seeds)
    return {"steps": steps} | found


def trained(config, context, layers, keep, *seeds):
    """The networks of all seeds."""
    pictures = [images(context, config.n_train, seed) for seed in seeds]
    X = np.stack([one.X for one in pictures])
    Y = np.stack([one_hot(one.labels) for one in pictures])
    net = Deep((X.shape[-1], *config.hidden, 10), "relu")
    risk = Risk(net, X, Y)
    history = context.train(
        risk,
        features.start(net, None, context, seeds),
        Adam(config.rate),
        config.steps,
        features.dropout(keep, layers),
        rng=context.noise("noise", seeds),
        snapshots=features.evenly_in_log(config.steps, 100, SNAPSHOTS),
    )
    ratio = [
        [features.effective_ratios(net, theta, one.X, COSINES) for theta in path]
        for one, *path in zip(pictures, *history.snapshots)
    ]
    right = [float(accuracy(net, *one)) for one in zip(history.theta, pictures)]
    return {
        "ratio": np.array(ratio),
        "accuracy": np.array(right),
        "loss": risk(history.theta),
    }


def check(arrays):
    last, fines = np.moveaxis(arrays["ratio"][:, :, -1, -1], -1, 0)  # (cases, S)
    rights, measured, details = arrays["accuracy"].mean(axis=-1), {}, {}
    for layers in LAYERS:
        found = paired(last[0] - last[CASES.index((layers, 0.5))])
        if np.isnan(found.mean):
            found = "in some seed no neuron is active"
        for data, one in by_data_set(arrays, "fig07c", found).items():
            measured[f"{data}-{layers}"] = one
        details[f"fig07c-{arrays['data']}-{layers}"] = "; ".join(
            f"p={keep:g}: ratio {ratio.mean():.2f} (at cosine 0.995 "
            f"{fine.mean():.2f}), test accuracy {right:.3f}"
            for (where, keep), ratio, fine, right in zip(CASES, last, fines, rights)
            if where in ("none", layers)
        )
    return decided(CLAIMS, measured, details)


def plot(arrays):
    """Effective ratio of each hidden layer against steps for several keep
    probabilities, with dropout after the last hidden layer and after every one. Mean
    over seeds, and every seed; curves that lie on each other differ in their dashes.
    """
    figure, axes = style.figure(2, 2, width=8.0, height=2.6, sharex=True, sharey=True)
    colors = (style.BLACK, style.SKY, style.BLUE, style.RED)
    looks = dict(zip(KEEPS, zip(colors, ("-", "--", "-.", ":"))))
    for panel, (layers, hidden) in zip(axes.flat, product(LAYERS, (0, 1))):
        for (where, keep), ratio in zip(CASES, arrays["ratio"][..., hidden, 0]):
            if where in ("none", layers):
                color, dashes = looks[keep]
                line = ratio, color, f"p = {keep:g}", dashes
                panels.seeds(panel, arrays["steps"], *line, np.mean)
        title = f"{arrays['data']}, layer {1 + hidden}; dropout: {layers}"
        against_steps(panel, title, "", ylim=(0, 1.1))
    for panel in axes[:, 0]:
        panel.set_ylabel("effective ratio")
    axes[0, 0].legend(loc="lower left")
    return {"fig07c_effective_ratio": figure}
