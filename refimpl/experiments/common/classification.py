"""What the experiments on images share: data, networks, the losses of Eq. (7)."""

from functools import lru_cache

import numpy as np

from refimpl import GD, L1, L2, L3, L4, Divergence, Dropout, Risk, TwoLayer
from refimpl.arrays.backend import get_xp, move
from refimpl.data import digits, mnist, one_hot
from refimpl.experiments.common import features

MASKS = ("shared", "per sample")
LOSSES = ("R_S", "R_S^drop", "L1", "L2", "L3", "L4")
NOISY = ("R_S^drop", "L2", "L3", "L4")
WITH_R1 = ("R_S^drop", "L1", "L3")


def data_name(context):
    """MNIST where it is present, otherwise the digits that come with the package."""
    return "mnist" if context.mnist else "digits"


def images(context, n_train, seed):
    """Training and test images: MNIST's first, or a random split of the digits."""
    if context.mnist:
        return _mnist(context.mnist, n_train)
    return digits(context.rng("split", seed), n_train)


@lru_cache(maxsize=4)
def _mnist(folder, n_train):
    """Read once a process: its checksums take a second."""
    return mnist(folder, n_train)


def two_layer(data, width):
    """The two-layer tanh network for `data` and its risk: MSE against one-hot labels,
    for which R_1 is exact."""
    net = TwoLayer(data.X.shape[1], width, 10)
    return net, Risk(net, data.X, one_hot(data.labels))


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


def descended(context, net, std, seed, mask, objective, rate, steps, drop):
    """θ of gradient descent from N(0, std²); ``None`` if it ran off."""
    (theta,) = features.start(net, std, context, [seed])
    rng = context.noise(f"noise {mask}", seed)
    try:
        with np.errstate(all="ignore"):
            ran = context.train(objective, theta, GD(rate), steps, drop, rng=rng)
    except Divergence:
        return None
    return ran.theta.astype(float)


def accuracy(net, theta, data):
    """Share of the test images whose largest output is the right one: (...)."""
    predicted = net.forward(theta, data.X_test).argmax(axis=-1)
    right = predicted == move(data.labels_test, get_xp(theta))
    return right.mean(axis=-1)
