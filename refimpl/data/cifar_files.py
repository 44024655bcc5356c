"""CIFAR-10 from a folder with the six files of its binary version."""

import os
from pathlib import Path

import numpy as np

from refimpl.arrays.checks import check_integer
from refimpl.data.images import Images, part_of

# A file is 10,000 records: a label, then 32×32 pixels of red, of green and of blue.
TRAIN = tuple(f"data_batch_{k}.bin" for k in range(1, 6))
TEST = "test_batch.bin"
RECORDS, PIXELS = 10_000, 3 * 32 * 32
SIZE = RECORDS * (1 + PIXELS)


def cifar10(folder, n_train=50000, part=0):
    """CIFAR-10 from the six files of its binary version in `folder`.

    Their sizes and labels are checked: what else is in them is taken as it is.

    Parameters
    ----------
    folder : path
        Where ``cifar-10-binary.tar.gz`` was unpacked.
    n_train : int
        1 to 50,000 training images.
    part : int
        Which `n_train` of them: the first as they come, the second, ...

    Returns
    -------
    Images
        X (n_train, 3072), values 0 to 1, as (channel, row, column); all 10,000 test
        images.

    Raises
    ------
    ValueError
        If a file is missing, no regular file, of another size, or has a label above 9.
    """
    n_train = check_integer("n_train", n_train, 1, len(TRAIN) * RECORDS)
    if not isinstance(folder, (str, os.PathLike)):
        raise ValueError(f"folder must be a path, got {folder!r}")
    file, record = divmod(part_of(len(TRAIN) * RECORDS, n_train, part), RECORDS)
    parts = [
        _read_checked(Path(folder) / TRAIN[one])[record[file == one]]
        for one in dict.fromkeys(file)
    ]
    X, labels = _images(np.concatenate(parts))
    return Images(X, labels, *_images(_read_checked(Path(folder) / TEST)))


def check_files(folder):
    """Raise ``ValueError`` unless all six files are there and right."""
    for name in (*TRAIN, TEST):
        _read_checked(Path(folder) / name)


def _read_checked(path):
    """Records (10000, 3073) of a file, whose size and labels are right."""
    if not path.is_file():
        raise ValueError(f"cifar folder {path.parent} has no file {path.name}")
    try:
        with open(path, "rb") as file:
            data = file.read(SIZE + 1)  # never more, however long the file is
    except OSError as error:
        raise ValueError(f"cifar file {path} cannot be read: {error}") from None
    if len(data) != SIZE:
        count = len(data) if len(data) < SIZE else f"more than {SIZE}"
        raise ValueError(f"cifar file {path} has {count} bytes, expected {SIZE}")
    records = np.frombuffer(data, np.uint8).reshape(RECORDS, 1 + PIXELS)
    if records[:, 0].max() > 9:
        raise ValueError(
            f"cifar file {path} must have labels 0 to 9, got {records[:, 0].max()}"
        )
    return records


def _images(records):
    return records[:, 1:] / 255.0, records[:, 0].astype(int)
