"""What the experiments on images share: data, networks, the losses of Eq. (7)."""

import numpy as np

from refimpl import GD, L1, L2, L3, L4, Divergence, Dropout, Risk, TwoLayer
from refimpl.arrays.backend import get_xp, move, to_numpy
from refimpl.data import cifar10, digits, mnist, one_hot
from refimpl.experiments.common import features
from refimpl.experiments.common.context import FIRST_SEED
from refimpl.fast.finite_step import FlattenedDropout

MASKS = ("shared", "per sample")
LOSSES = ("R_S", "R_S^drop", "L1", "L2", "L3", "L4")
NOISY = ("R_S^drop", "L2", "L3", "L4")
WITH_R1 = ("R_S^drop", "L1", "L3")

SWEEPS = ("learning rate", "λ")  # of Figure 3

DATA_SETS = {"digits": "digits", "mnist": "MNIST"}
TOGETHER = 1000  # test images in a pass: convolutions of all of them fill the memory
HELD = 300  # of the test images, on which strengths are chosen


def by_data_set(arrays, name, found):
    """What was measured of the claims `name`-digits and `name`-mnist, by id."""
    words = {"digits": "needs a run on the digits", "mnist": "needs --mnist DIR"}
    return {
        f"{name}-{data}": found if data == arrays["data"] else words[data]
        for data in DATA_SETS
    }


def images(context, n_train, seed):
    """Training and test images. The training images are another set for each seed, of
    MNIST and CIFAR-10 the paper's for the first; sets overlap where there are too few
    images."""
    order, part = divmod(seed, FIRST_SEED)
    if context.cifar:
        return cifar10(context.cifar, n_train, seed - FIRST_SEED)
    if context.mnist:
        return mnist(context.mnist, n_train, seed - FIRST_SEED)
    return digits(context.rng("split", order), n_train, part)


def two_layer(data, width):
    """The two-layer tanh network for `data` and its risk: MSE against one-hot labels,
    for which R_1 is exact. Of a list of several data sets, one for each network."""
    if isinstance(data, list) and len(data) > 1:
        X = np.stack([one.X for one in data])
        Y = np.stack([one_hot(one.labels) for one in data])
    else:
        (one,) = data if isinstance(data, list) else [data]
        X, Y = one.X, one_hot(one.labels)
    net = TwoLayer(X.shape[-1], width, 10)
    return net, Risk(net, X, Y)


def objective(loss, risk, keep, epsilon):
    """What is minimised under the name `loss`; the learning rate is ε of R̃_2."""
    if loss in ("L1", "L4"):
        return {"L1": L1, "L4": L4}[loss](risk, keep)
    if loss in ("L2", "L3"):
        return {"L2": L2, "L3": L3}[loss](risk, epsilon)
    return risk


def dropout(loss, keep, mask):
    """The noise that training on `loss` draws, or ``None``."""
    return Dropout(keep, mask == "per sample") if loss in NOISY else None


def swept(config, risk, sweep, value):
    """What is minimised, the learning rate, and the steps that last ``config.time``."""
    if sweep == "learning rate":
        objective, rate = risk, value
    else:
        objective, rate = FlattenedDropout(risk, value), config.small
    return objective, rate, round(config.time / rate)


def alone(fn, seeds):
    """Arrays (S, ...) of `fn`, of one seed after the other: one of them ran off."""
    each = [fn(seed) for seed in seeds]
    return {key: np.concatenate([one[key] for one in each]) for key in each[0]}


def snapshot_steps(steps):
    """Steps of the snapshots of `gradient_descent`."""
    return features.evenly_in_log(steps, 100, 16)


def gradient_descent(
    context,
    config,
    seeds,
    goal,
    drop=None,
    stream="per sample",
    std=None,
    n_train=None,
    batch=None,
):
    """Gradient descent of one network a seed, side by side, and what comes of it.

    Parameters
    ----------
    config : dataclass
        With ``width``, ``rate`` and ``steps``, and ``n_train`` where `n` is not given.
    goal : callable
        From R_S to what is minimised.
    drop : Dropout, optional
    stream : str
        Names the stream of its noise, which is the same for all losses.
    std : float, optional
        Of the start; the standard one without it.
    n_train, batch : int, optional
        Training images, and those of a batch.

    Returns
    -------
    dict
        ``theta`` (S, P) at the end; R_S as ``risk``, and of test images that are told
        right the share of the first `HELD` as ``validation`` and of the others as
        ``accuracy``, (S, T) at `snapshot_steps`. NaN of a seed whose loss was not
        finite.
    """
    seeds, more = list(seeds), (goal, drop, stream, std, n_train, batch)
    data = [images(context, n_train or config.n_train, seed) for seed in seeds]
    net, risk = two_layer(data, config.width)
    start, step = features.start(net, std, context, seeds), GD(config.rate)
    rng, kept = context.noise(f"noise {stream}", seeds), snapshot_steps(config.steps)
    names = ("risk", "validation", "accuracy")
    try:
        with np.errstate(all="ignore"):
            snapshots = context.train(
                goal(risk), start, step, config.steps, drop, batch, rng, kept
            ).snapshots
    except Divergence:
        if len(seeds) > 1:  # which of them?
            return alone(
                lambda seed: gradient_descent(context, config, [seed], *more), seeds
            )
        lost = np.full((1, len(kept)), np.nan)
        return {"theta": np.full((1, net.size), np.nan)} | dict.fromkeys(names, lost)
    right = [[told(net, *one) for one in zip(theta, data)] for theta in snapshots]
    right = np.array(right).T  # (2, S, T)
    risks = [to_numpy(risk(theta.astype(float))) for theta in snapshots]
    theta = to_numpy(snapshots[-1]).astype(float)
    return {"theta": theta} | dict(zip(names, (np.stack(risks, axis=-1), *right)))


def told(net, theta, data):
    """Accuracy on the first `HELD` test images, and on the others."""
    held, rest = slice(HELD), slice(HELD, None)
    each = [
        data._replace(X_test=data.X_test[part], labels_test=data.labels_test[part])
        for part in (held, rest)
    ]
    return [float(accuracy(net, theta, one)) for one in each]


def at_risk(risk, accuracy, level):
    """Accuracy where a path first comes down to R_S = `level`, between its snapshots.

    Parameters
    ----------
    risk, accuracy : (T,)
    level : float
        Not below the least risk.
    """
    fallen = -np.log(np.minimum.accumulate(risk))
    return np.interp(-np.log(level), fallen, accuracy)


def accuracy(net, theta, data):
    """Share of the test images whose largest output is the right one: (...)."""
    xp, right = get_xp(theta), []
    for start in range(0, len(data.X_test), TOGETHER):
        part = slice(start, start + TOGETHER)
        predicted = net.forward(theta, data.X_test[part]).argmax(axis=-1)
        right.append(predicted == move(data.labels_test[part], xp))
    return xp.concatenate(right, axis=-1).mean(axis=-1)
