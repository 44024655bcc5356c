"""Labelled images, and the handwritten digits that are shipped with the package."""

from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from refimpl.arrays.checks import check_integer
from refimpl.arrays.generators import as_generator


class Images(NamedTuple):
    """Labelled images: inputs in [0, 1] and integer labels."""

    X: Any  # (n, d)
    labels: Any  # (n,)
    X_test: Any
    labels_test: Any


def one_hot(labels, classes=10):
    """Labels (n,) as rows of the identity: (n, classes)."""
    classes, labels = check_integer("classes", classes, 1), np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be integers of shape (n,), got shape {labels.shape} of "
            f"{labels.dtype}"
        )
    if len(labels) and not (0 <= labels.min() and labels.max() < classes):
        raise ValueError(
            f"labels must lie in 0 to {classes - 1}, got {labels.min()} to "
            f"{labels.max()}"
        )
    return np.eye(classes)[labels]


def part_of(total, size, part):
    """Indices (size,) of the set number `part` of `size` of `total` images.

    One set begins where the one before it ends, and after the last image comes the
    first: sets with neighbouring numbers share no image while there are enough.
    """
    start = check_integer("part", part, -(10**9), 10**9) * size
    return (start + np.arange(size)) % total


def digits(rng, n_train=1000, part=0):
    """Handwritten digits of the UCI repository, 8×8 pixels, shipped with the package.

    Parameters
    ----------
    rng : Generator or seed
        Draws the order of the images.
    n_train : int
        1 to 1,796 of the 1,797 images; the others are for testing.
    part : int
        Which `n_train` images in that order: the first, the second, ... for training.

    Returns
    -------
    Images
        X (n_train, 64), values 0 to 1.
    """
    with files("refimpl.data").joinpath("digits.npz").open("rb") as file:
        with np.load(file, allow_pickle=False) as data:
            X, labels = data["images"].reshape(-1, 64) / 16.0, data["labels"]
    n_train = check_integer("n_train", n_train, 1, len(X) - 1)
    rng = as_generator(rng, several=False)
    order, train = rng.permutation(len(X)), part_of(len(X), n_train, part)
    train, test = order[train], np.delete(order, train)
    labels = labels.astype(int)
    return Images(X[train], labels[train], X[test], labels[test])
