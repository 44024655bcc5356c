"""What the experiments on condensation share: starts, measures, the paper's panels."""

import numpy as np

from refimpl.analysis import condensation
from refimpl.experiments.common import style

GRID = np.linspace(-12, 12, 481)  # where the outputs of Figure 4's networks are shown
MASS, FEW = 0.9, 4  # share of the amplitude; the paper's two directions and opposites
COUNT = (
    "number of orientations (cosine similarity above 0.95, signed) that carry 90% of "
    "the amplitude of the first hidden layer"
)


def linear_regime(width):
    """Standard deviation of N(0, m^−0.2), recalled from the paper's appendix."""
    return width**-0.1


def looks(steps, count):
    """Steps of `count` snapshots after the start, evenly to the end, and the start."""
    return np.unique(np.linspace(0, steps, count + 1).astype(int))


def start(net, std, context, seeds, stream="init"):
    """One network per seed, in the precision of training: (S, P), float32."""
    rngs = [context.rng(stream, seed) for seed in seeds]
    return context.put(net.init(rngs, std).astype(np.float32))


def noise(context, seeds, stream="noise"):
    """Generators of the noise of several seeds."""
    return context.noise(stream, list(seeds))


def features(net, theta, X):
    """Input weights (..., m, d+1) and amplitudes (..., m) of the first hidden layer.

    A neuron that is inactive on all of X keeps its initial orientation, whatever the
    loss: its amplitude is set to 0, which leaves it out.
    """
    weights = net.input_weights(theta)
    sizes = condensation.amplitude(weights, net.outgoing_weights(theta))
    return weights, sizes * condensation.active(net, theta, X)


def orientations(net, theta, X):
    """Number of orientations that carry most of the amplitude: (...)."""
    return condensation.orientation_count(*features(net, theta, X), MASS)


def path(net, snapshots, X):
    """Number of orientations at every snapshot: (..., T)."""
    counts = [orientations(net, theta, X) for theta in snapshots]
    return np.stack(counts, axis=-1)


def early_looks(steps, first, count):
    """Steps of `count` snapshots from steps/first on, evenly in log, and the start."""
    late = np.geomspace(steps / first, steps, count)
    return np.unique(np.concatenate([[0], late.astype(int)]))


def record(net, risk, snapshots, ends):
    """What is kept of a training: counts and R_S on the way, features of the `ends`."""
    weights, sizes = features(net, ends, risk.X)
    return {
        "count": path(net, snapshots, risk.X),
        "loss": np.stack([risk(theta) for theta in snapshots], axis=-1),
        "weights": weights,
        "amplitude": sizes,
    }


def outputs(net, theta, grid):
    """Output (..., G) of networks of one input and one output on the grid (G,)."""
    return net.forward(theta.astype(float), grid[:, None])[..., 0]


def total_variation(values):
    """Σ |difference of neighbours| along the last axis."""
    return np.abs(np.diff(values)).sum(axis=-1)


def plot_output(panel, grid, output, x, y, color=style.BLUE, **labels):
    """The network's output and the points it was trained on."""
    panel.plot(grid, output, color=color)
    panel.plot(x, y, "*", color=style.RED, ms=7, label="data")
    panel.set(xlabel="$x$", ylabel="$f(x)$", **labels)


def plot_features(panel, stages, **labels):
    """Amplitude against orientation: `stages` maps a name to (weights, amplitude)."""
    for color, (label, (weights, sizes)) in zip((style.SKY, style.RED), stages.items()):
        shown = sizes > 0
        panel.plot(
            condensation.angle(weights)[shown],
            sizes[shown] / sizes.max(),
            "o",
            color=color,
            ms=2.5,
            mew=0,
            alpha=0.6,
            label=label,
            rasterized=True,
        )
    panel.set(
        xlabel="orientation of $(w_j, b_j)$ (rad)",
        ylabel=r"amplitude $A_j\,/\,\max A$",
        xlim=(-np.pi, np.pi),
        xticks=[-np.pi, 0, np.pi],
        xticklabels=["$-π$", "0", "$π$"],
        **labels,
    )


def plot_counts(panel, steps, counts, color, label, dashes="-"):
    """Number of orientations (S, T) against steps: every seed, and the median."""
    for row in counts:
        panel.plot(steps, row, color=color, lw=0.5, alpha=0.4)
    panel.plot(steps, np.median(counts, axis=0), dashes, color=color, label=label)
    panel.set(xlabel="steps", ylabel="orientations")
    panel.locator_params(axis="x", nbins=4)
