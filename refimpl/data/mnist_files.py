"""MNIST from a folder with its four IDX files, which must be the official ones."""

import gzip
import hashlib
import os
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from refimpl.arrays.checks import check_integer
from refimpl.data.images import Images, part_of

# MD5 of the decompressed files, and their sizes in bytes.
MNIST_FILES = {
    "train-images-idx3-ubyte": ("6bbc9ace898e44ae57da46a324031adb", 47040016),
    "train-labels-idx1-ubyte": ("a25bea736e30d166cdddb491f175f624", 60008),
    "t10k-images-idx3-ubyte": ("2646ac647ad5339dbf082846283269ea", 7840016),
    "t10k-labels-idx1-ubyte": ("27ae3e4e09519cfbb04c329615203637", 10008),
}


def mnist(folder, n_train=60000, part=0):
    """MNIST from the four IDX files in `folder`, gzipped or not.

    Parameters
    ----------
    folder : path
    n_train : int
        1 to 60,000 training images.
    part : int
        Which `n_train` of them: the first as they come, the second, ...

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
    train = part_of(len(labels), n_train, part)
    X, X_test = X.reshape(-1, 784)[train] / 255.0, X_test.reshape(-1, 784) / 255.0
    return Images(X, labels[train].astype(int), X_test, labels_test.astype(int))


def _read_checked(folder, name):
    """Bytes of the IDX file `name`, whose checksum is the official one."""
    candidates = [folder / f"{name}.gz", folder / name]
    path = next((path for path in candidates if path.is_file()), None)
    if path is None:
        raise ValueError(f"mnist folder {folder} has no file {name}.gz or {name}")
    return _checked(name, path, path.stat().st_mtime_ns, *MNIST_FILES[name])


@lru_cache(maxsize=4)
def _checked(name, path, changed, md5, size):
    """Contents of `path`, read once as long as the file has not `changed`."""
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
