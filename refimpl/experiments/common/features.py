"""What the experiments on condensation compute: starts, measures, what is kept."""

import numpy as np

from refimpl import Dropout, Risk, TwoLayer, active, amplitude, effective_ratio
from refimpl import orientation_count
from refimpl.data import tanh_pair

GRID = np.linspace(-12, 12, 481)  # where the outputs of Figure 4's networks are shown
MASS = 0.9  # share of the amplitude for which orientations are counted
# Cosine similarities above which two weights count as one orientation. The coarse one
# is the paper's, of the effective ratio: 36 degrees of the circle, of which ten fill
# it, and the four lines of Figure 4 can count as two. At the finer it is 11.
COARSE, FINE = 0.95, 0.995


def linear_regime(width):
    """Standard deviation of N(0, m^−0.2), recalled from the paper's appendix."""
    return width**-0.1


def evenly(steps, count):
    """Steps of `count` snapshots after the start, evenly to the end, and the start."""
    return np.unique(np.linspace(0, steps, count + 1).astype(int))


def evenly_in_log(steps, first, count):
    """Steps of `count` snapshots from steps/first on, evenly in log, and the start."""
    late = np.geomspace(steps / first, steps, count)
    return np.unique(np.concatenate([[0], late.astype(int)]))


def in_stages(context, theta, wanted, stages, drop=None, rng=None):
    """θ at the steps `wanted` (T,), from 0 to the end, of a training in stages.

    `stages` are triples: what is minimised, the optimizer, a number of steps.
    """
    path, first = [], 0
    for objective, optimizer, steps in stages:
        inside = wanted[(wanted >= first) & (wanted < first + steps)] - first
        history = context.train(
            objective, theta, optimizer, steps, drop, rng=rng, snapshots=inside
        )
        theta, path, first = history.theta, path + history.snapshots, first + steps
    return [*path, theta]


def start(net, std, context, seeds, stream="init"):
    """One network per seed, in the precision of training: (S, P), float32."""
    rngs = [context.rng(stream, seed) for seed in seeds]
    return context.put(net.init(rngs, std).astype(np.float32))


def figure_4(context, seeds, width):
    """R_S of Figure 4's two-layer tanh network, and its start for each seed (S, P)."""
    net = TwoLayer(1, width)
    return Risk(net, *tanh_pair()), start(net, linear_regime(width), context, seeds)


def dropout(keep, layers="last"):
    """Dropout with a mask per sample; ``None`` if all neurons are kept."""
    return Dropout(keep, per_sample=True, layers=layers) if keep < 1 else None


def features(net, theta, X):
    """Input weights (..., m, d+1) and amplitudes (..., m) of the first hidden layer.

    A neuron that is inactive on all of X learns no more, whatever the loss: its
    amplitude is set to 0, which leaves it out.
    """
    weights = net.input_weights(theta)
    sizes = amplitude(weights, net.outgoing_weights(theta))
    return weights, sizes * active(net, theta, X)


def orientations(net, theta, X, cosine=FINE):
    """Number of orientations that carry most of the amplitude: (...)."""
    return orientation_count(*features(net, theta, X), MASS, cosine)


def counts(net, snapshots, X):
    """Number of orientations at every snapshot, ``count`` at the finer resolution and
    ``coarse`` at the coarser: a dict of arrays (..., T)."""

    def counted(cosine):
        counts = [orientations(net, theta, X, cosine) for theta in snapshots]
        return np.stack(counts, axis=-1)

    return {"count": counted(FINE), "coarse": counted(COARSE)}


def effective_ratios(net, theta, X, cosines):
    """Effective ratio of what is active of each hidden layer of one network, at each
    cosine: (layers, cosines), NaN without any. A filter is active if some pixel is."""
    ratios = np.full((len(net.hidden), len(cosines)), np.nan)
    for layer in range(len(net.hidden)):
        weights = net.input_weights(theta, layer)
        on = active(net, theta, X, layer).reshape(-1, len(weights)).any(axis=0)
        if on.any():
            each = [effective_ratio(weights[on], cosine) for cosine in cosines]
            ratios[layer] = [float(one) for one in each]
    return ratios


def outputs(net, theta, grid):
    """Output (..., G) of networks of one input and one output on the grid (G,)."""
    return net.forward(theta.astype(float), grid[:, None])[..., 0]


def total_variation(values):
    """Σ |difference of neighbours| along the last axis."""
    return np.abs(np.diff(values)).sum(axis=-1)


def fixed():
    """What a result on Figure 4's points has beside what is recorded."""
    X, Y = tanh_pair()
    return {"x": X, "y": Y, "grid": GRID}


def along(risk, snapshots):
    """Numbers of orientations as of `counts`, and R_S as ``loss``: (..., T)."""
    loss = np.stack([risk(theta) for theta in snapshots], axis=-1)
    return counts(risk.net, snapshots, risk.X) | {"loss": loss}


def record(risk, history):
    """What is kept of the training of S networks of one input and one output.

    Parameters
    ----------
    risk : Risk
        R_S, whatever was trained on.
    history : History
        With T snapshots, from the start to the end.

    Returns
    -------
    arrays : dict
        What `along` returns, (S, T); ``output`` (S, G) on `GRID` at the end;
        ``weights`` (S, 2, m, 2) and ``amplitude`` (S, 2, m) of the first hidden layer
        at the start and at the end.
    """
    net, snapshots = risk.net, history.snapshots
    ends = np.stack([snapshots[0], snapshots[-1]], axis=1)  # (S, 2, P)
    weights, sizes = features(net, ends, risk.X)
    return along(risk, snapshots) | {
        "output": outputs(net, history.theta, GRID),
        "weights": weights,
        "amplitude": sizes,
    }
