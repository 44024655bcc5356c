"""CIFAR-10 is read from files in its format, and others are refused."""

import numpy as np
import pytest

from refimpl.data import cifar10, cifar_files

RECORDS = 4  # of a file of `cifar_folder`


def test_the_official_size():
    assert cifar_files.SIZE == 30_730_000


def test_images_are_in_the_order_of_the_files(cifar_folder):
    data = cifar10(cifar_folder, 6)
    assert data.X.shape == (6, 3072) and data.X_test.shape == (RECORDS, 3072)
    second = (cifar_folder / "data_batch_2.bin").read_bytes()
    assert data.labels[4] == second[0]
    assert data.X[4, 0] == second[1] / 255  # the first pixel, red
    assert data.X[4, 1024] == second[1025] / 255  # the same, green
    assert data.labels_test[0] == (cifar_folder / "test_batch.bin").read_bytes()[0]


def test_parts_follow_one_another_and_wrap(cifar_folder):
    every = cifar10(cifar_folder, 20).labels
    for part in range(4):
        wanted = (6 * part + np.arange(6)) % 20
        assert sorted(cifar10(cifar_folder, 6, part).labels) == sorted(every[wanted])
    np.testing.assert_array_equal(cifar10(cifar_folder, 6, 1).labels, every[6:12])


def longer(path):
    path.write_bytes(path.read_bytes() + b"\0" * 10**6)


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def with_label(path):
    path.write_bytes(b"\x0a" + path.read_bytes()[1:])


def as_folder(path):
    path.unlink()
    path.mkdir()


HOSTILE = {
    "missing": (lambda path: path.unlink(), "has no file data_batch_1.bin"),
    "a folder": (as_folder, "has no file data_batch_1.bin"),
    "empty": (lambda path: path.write_bytes(b""), "has 0 bytes, expected 12292"),
    "cut": (cut, "has 12291 bytes, expected 12292"),
    "too long": (longer, "has more than 12292 bytes, expected 12292"),
    "a label of 10": (with_label, "must have labels 0 to 9, got 10"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused(name, cifar_folder):
    spoil, message = HOSTILE[name]
    spoil(cifar_folder / "data_batch_1.bin")
    with pytest.raises(ValueError, match=message):
        cifar10(cifar_folder, 1)


def test_wrong_arguments_are_refused(cifar_folder):
    with pytest.raises(ValueError, match="n_train must be an integer in 1 to 20"):
        cifar10(cifar_folder, 0)
    with pytest.raises(ValueError, match="folder must be a path, got 3"):
        cifar10(3, 1)
