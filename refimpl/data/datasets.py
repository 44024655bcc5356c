"""Data: one-dimensional targets, teachers, handwritten digits, MNIST from a folder."""

import gzip
import hashlib
import os
import zlib
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from refimpl.arrays.checks import (
    as_real,
    check_generator,
    check_integer,
    check_number,
    check_positive,
)
from refimpl.core.two_layer import TwoLayer

# MD5 of the decompressed files, and their sizes in bytes.
MNIST_FILES = {
    "train-images-idx3-ubyte": ("6bbc9ace898e44ae57da46a324031adb", 47040016),
    "train-labels-idx1-ubyte": ("a25bea736e30d166cdddb491f175f624", 60008),
    "t10k-images-idx3-ubyte": ("2646ac647ad5339dbf082846283269ea", 7840016),
    "t10k-labels-idx1-ubyte": ("27ae3e4e09519cfbb04c329615203637", 10008),
}


class Images(NamedTuple):
    """Labelled images: inputs in [0, 1] and integer labels."""

    X: Any  # (n, d)
    labels: Any  # (n,)
    X_test: Any
    labels_test: Any


def tanh_pair(n=15, limit=12.0, centre=6.0):
    """The target of Figure 4: tanh(x − 6) + tanh(x + 6) at `n` points of [−12, 12].

    Returns
    -------
    X, Y : (n, 1)
    """
    X, centre = _grid(n, limit), check_number("centre", centre)
    return X, np.tanh(X - centre) + np.tanh(X + centre)


def relu_pair(n=6, limit=5 / 3, centre=1 / 3):
    """The target of Figure 1: ½σ(−x − ⅓) + ½σ(x − ⅓) at `n` points of [−5/3, 5/3].

    Returns
    -------
    X, Y : (n, 1)
    """
    X, centre = _grid(n, limit), check_number("centre", centre)
    Y = 0.5 * np.maximum(-X - centre, 0) + 0.5 * np.maximum(X - centre, 0)
    return X, Y


def _grid(n, limit):
    """`n` points from −limit to limit: (n, 1)."""
    limit = check_positive("limit", limit)
    return np.linspace(-limit, limit, check_integer("n", n, 1))[:, None]


def teacher(W, b, A, X, activation="tanh"):
    """Outputs (n, o) of a two-layer teacher with weights W (m, d), b (m,), A (o, m)."""
    W, A = as_real("W", W), as_real("A", A)
    if W.ndim != 2 or A.ndim != 2:
        raise ValueError(
            f"W and A must have shapes (m, d) and (o, m), got {W.shape} and {A.shape}"
        )
    net = TwoLayer(W.shape[1], W.shape[0], A.shape[0], activation)
    return net.forward(net.pack(W, b, A), X)


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


def digits(rng, n_train=1000):
    """Handwritten digits of the UCI repository, 8×8 pixels, shipped with the package.

    Parameters
    ----------
    rng : Generator
        Draws which images are for training.
    n_train : int
        1 to 1,796 of the 1,797 images; the others are for testing.

    Returns
    -------
    Images
        X (n_train, 64), values 0 to 1.
    """
    with files("refimpl").joinpath("data/digits.npz").open("rb") as file:
        with np.load(file, allow_pickle=False) as data:
            X, labels = data["images"].reshape(-1, 64) / 16.0, data["labels"]
    n_train = check_integer("n_train", n_train, 1, len(X) - 1)
    check_generator(rng, several=False)
    order = rng.permutation(len(X))
    train, test = order[:n_train], order[n_train:]
    labels = labels.astype(int)
    return Images(X[train], labels[train], X[test], labels[test])


def mnist(folder, n_train=60000):
    """MNIST from the four IDX files in `folder`, gzipped or not.

    Parameters
    ----------
    folder : path
    n_train : int
        The first `n_train` training images.

    Returns
    -------
    Images
        X (n_train, 784), values 0 to 1; all 10,000 test images.

    Raises
    ------
    ValueError
        If a file is missing, cut, or not the official one; names it, and both
        checksums.
    """
    n_train = check_integer("n_train", n_train, 1, 60000)
    if not isinstance(folder, (str, os.PathLike)):
        raise ValueError(f"folder must be a path, got {folder!r}")
    raw = {name: _read_checked(Path(folder), name) for name in MNIST_FILES}
    X, labels, X_test, labels_test = (
        np.frombuffer(raw[name], np.uint8, offset=16 if "images" in name else 8)
        for name in MNIST_FILES
    )
    X, X_test = X.reshape(-1, 784)[:n_train] / 255.0, X_test.reshape(-1, 784) / 255.0
    return Images(X, labels[:n_train].astype(int), X_test, labels_test.astype(int))


def _read_checked(folder, name):
    """Bytes of the IDX file `name`, whose checksum is the official one."""
    md5, size = MNIST_FILES[name]
    candidates = [folder / f"{name}.gz", folder / name]
    path = next((path for path in candidates if path.is_file()), None)
    if path is None:
        raise ValueError(f"mnist folder {folder} has no file {name}.gz or {name}")
    try:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rb") as file:
            data = file.read(size + 1)  # never more, whatever a file unpacks to
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"mnist file {path} cannot be read: {error}") from None
    found = hashlib.md5(data).hexdigest()
    if found != md5:
        raise ValueError(
            f"mnist file {path} is not the official one: {_difference(name, data)}; "
            f"MD5 of its decompressed bytes is {found}, expected {md5}"
        )
    return data


def _difference(name, data):
    """The first field of the IDX file `name` that is wrong in `data`, in words."""
    size = MNIST_FILES[name][1]
    if "images" in name:
        fields = {"magic number": 0x803, "number of images": (size - 16) // 28**2}
        fields |= {"number of rows": 28, "number of columns": 28}
    else:
        fields = {"magic number": 0x801, "number of labels": size - 8}
    for place, (field, expected) in enumerate(fields.items()):
        found = int.from_bytes(data[4 * place :][:4], "big", signed=True)
        if found != expected and len(data) >= 4 * place + 4:
            return f"its {field} is {found}, expected {expected}"
    if len(data) != size:
        count = len(data) if len(data) < size else f"more than {size}"
        return f"it unpacks to {count} bytes, expected {size}"
    return "the values in it are others"
