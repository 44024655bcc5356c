"""The effective ratio of deep networks falls lower with dropout (Figure 7c).

The paper's ResNet-18 on CIFAR-10 is outside this project; these are fully connected
ReLU networks on handwritten digits, and on MNIST where it is present, with dropout
after the last hidden layer or after every one.
"""

from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np

from refimpl import Adam, Deep, Risk, active, effective_ratio
from refimpl.data import one_hot
from refimpl.experiments.common import features, panels, style
from refimpl.experiments.common.claims import Claim, above, decided
from refimpl.experiments.common.classification import accuracy, images
from refimpl.experiments.common.looks import against_steps
from refimpl.experiments.common.statistics import paired

KEEPS = (1.0, 0.9, 0.8, 0.5)
LAYERS = ("last", "all")
# Without dropout the layers it would follow make no difference.
CASES = (("none", 1.0), *((layers, p) for layers in LAYERS for p in KEEPS[1:]))
LOOKS = 12
SHIFTS = (0.06, 0.04, 0.02, 0.0)  # of the curves of `KEEPS` in the figure


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


PRESETS = {
    "quick": Config(hidden=(20, 20), n_train=30, steps=2_500, rate=1e-2),
    "default": Config(),
    "paper": Config(hidden=(100, 100), n_train=200, steps=40_000, rate=3e-3),
}

WORDS = {"last": "after the last hidden layer", "all": "after every hidden layer"}
NOTE = "Measured where MNIST is given, with --mnist."
CLAIMS = tuple(
    Claim(
        f"fig07c-{data}-{layers}",
        f"With dropout {WORDS[layers]} the effective ratio of a deep ReLU network's "
        f"last hidden layer falls lower than without ({name}).",
        "Figure 7c, another network",
        "effective ratio of the last hidden layer at the end, p=1 minus p=0.5: mean "
        "over seeds, paired",
        above(0),
        note=NOTE if data == "mnist" else "",
        anchor="figure-7" if data == "mnist" else "",
        explored="Sizes, learning rate and steps of the default were changed after "
        "first runs, so that the last layer condenses within a run.",
    )
    for data, name in (("digits", "digits"), ("mnist", "MNIST"))
    for layers in LAYERS
)


def run(config, context):
    """Train with every p, after the last hidden layer and after all.

    Arrays, with 7 `CASES`, S seeds, T snapshots at ``steps`` (T,) and 2 hidden layers,
    for each data set ("digits", and "mnist" where present): ``digits_ratio`` (7, S, T,
    2) and at the end, at the finer resolution, ``digits_fine`` (7, S, 2),
    ``digits_accuracy`` (7, S) of the test, ``digits_loss`` (7, S).
    """
    seeds = context.seeds(config.seeds)
    steps = features.early_looks(config.steps, 100, LOOKS)
    arrays = {"seeds": np.array(seeds), "steps": steps}
    for data in ("digits", "mnist") if context.mnist else ("digits",):
        label = f"Figure 7c, {data}"
        measured = context.grid(trained, config, label, [data], CASES, seeds=seeds)
        arrays |= {f"{data}_{name}": values[0] for name, values in measured.items()}
    return arrays


def trained(config, context, data, layers, keep, *seeds):
    """The networks of all seeds."""
    chosen = context if data == "mnist" else replace(context, mnist=None)
    pictures = [images(chosen, config.n_train, seed) for seed in seeds]
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
        rng=features.noise(context, seeds),
        snapshots=features.early_looks(config.steps, 100, LOOKS),
    )

    def of_each(measure, theta):
        return [measure(net, *one) for one in zip(theta, pictures)]

    along = [of_each(ratios, theta) for theta in history.snapshots]  # (T, S, 2)
    fine = partial(ratios, cosine=features.FINE)
    return {
        "ratio": np.swapaxes(along, 0, 1),
        "fine": np.array(of_each(fine, history.theta)),
        "accuracy": np.array([float(a) for a in of_each(accuracy, history.theta)]),
        "loss": risk(history.theta),
    }


def ratios(net, theta, data, cosine=features.COARSE):
    """Effective ratio of the active neurons of each hidden layer; NaN without any."""
    values = []
    for layer in range(len(net.hidden)):
        weights = net.input_weights(theta, layer)
        alive = active(net, theta, data.X, layer)
        ratio = effective_ratio(weights[alive], cosine) if alive.any() else np.nan
        values.append(float(ratio))
    return values


def check(arrays):
    """Results of `CLAIMS`."""
    measured, details = {}, {}
    for claim in CLAIMS:
        _, data, layers = claim.id.split("-")
        if f"{data}_ratio" not in arrays:
            measured[claim.id] = "needs --mnist DIR"
            continue
        last = arrays[f"{data}_ratio"][:, :, -1, -1]  # (cases, S)
        measured[claim.id] = paired(last[0] - last[CASES.index((layers, 0.5))])
        if np.isnan(measured[claim.id].mean):
            measured[claim.id] = "in some seed no neuron is active"
        fines = arrays[f"{data}_fine"][..., -1]
        rights = arrays[f"{data}_accuracy"].mean(axis=-1)
        details[claim.id] = "; ".join(
            f"p={keep:g}: ratio {ratio.mean():.2f} (at cosine 0.995 "
            f"{fine.mean():.2f}), test accuracy {right:.3f}"
            for (where, keep), ratio, fine, right in zip(CASES, last, fines, rights)
            if where in ("none", layers)
        )
    return decided(CLAIMS, measured, details)


def plot(arrays):
    """Effective ratio of each hidden layer against steps for several keep
    probabilities, with dropout after the last hidden layer and after every one. Median
    over seeds, and every seed. The curves are shifted up, by 0.02 from one p to the
    next, so that none hides another.
    """
    data_sets = [name for name in ("digits", "mnist") if f"{name}_ratio" in arrays]
    figure, axes = style.figure(
        len(data_sets), 4, width=12.0, height=2.7, sharex=True, sharey=True
    )
    colors = (style.BLACK, style.SKY, style.BLUE, style.RED)
    # Curves that lie on each other are told apart by their dashes and a small shift.
    looks = dict(zip(KEEPS, zip(colors, ("-", "--", "-.", "-"), SHIFTS)))
    for row, data in zip(axes, data_sets):
        for panel, (layers, hidden) in zip(row, product(LAYERS, (0, 1))):
            for (where, keep), ratio in zip(CASES, arrays[f"{data}_ratio"]):
                if where in ("none", layers):
                    color, dashes, shift = looks[keep]
                    line = (ratio[..., hidden] + shift, color, f"p = {keep:g}", dashes)
                    panels.seeds(panel, arrays["steps"], *line)
            title = f"{data}, layer {1 + hidden}; dropout: {layers}"
            against_steps(panel, title, "", ylim=(0, 1.1))
        row[0].set_ylabel("effective ratio")
    axes[0, 0].legend(loc="lower left")
    style.letter(axes)
    return {"fig07c_effective_ratio": figure}
