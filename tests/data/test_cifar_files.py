"""CIFAR-10 is read from files in its format, and others are refused."""

import numpy as np
import pytest

from refimpl.data import cifar10, cifar_files

RECORDS = 4


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of six files in the format, of few images each."""
    monkeypatch.setattr(cifar_files, "RECORDS", RECORDS)
    monkeypatch.setattr(cifar_files, "SIZE", RECORDS * 3073)
    rng = np.random.default_rng(0)
    for name in (*cifar_files.TRAIN, cifar_files.TEST):
        records = rng.integers(256, size=(RECORDS, 3073), dtype=np.uint8)
        records[:, 0] %= 10
        (tmp_path / name).write_bytes(records.tobytes())
    return tmp_path


def test_the_official_size():
    assert cifar_files.SIZE == 30_730_000


def test_images_are_in_the_order_of_the_files(folder):
    data = cifar10(folder, 6)
    assert data.X.shape == (6, 3072) and data.X_test.shape == (RECORDS, 3072)
    second = (folder / "data_batch_2.bin").read_bytes()
    assert data.labels[4] == second[0]
    assert data.X[4, 0] == second[1] / 255  # the first pixel, red
    assert data.X[4, 1024] == second[1025] / 255  # the same, green
    assert data.labels_test[0] == (folder / "test_batch.bin").read_bytes()[0]


def test_parts_follow_one_another_and_wrap(folder):
    every = cifar10(folder, 20).labels
    for part in range(4):
        wanted = (6 * part + np.arange(6)) % 20
        assert sorted(cifar10(folder, 6, part).labels) == sorted(every[wanted])
    np.testing.assert_array_equal(cifar10(folder, 6, 1).labels, every[6:12])


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
def test_a_hostile_file_is_refused(name, folder):
    spoil, message = HOSTILE[name]
    spoil(folder / "data_batch_1.bin")
    with pytest.raises(ValueError, match=message):
        cifar10(folder, 1)


def test_wrong_arguments_are_refused(folder):
    with pytest.raises(ValueError, match="n_train must be an integer in 1 to 20"):
        cifar10(folder, 0)
    with pytest.raises(ValueError, match="folder must be a path, got 3"):
        cifar10(3, 1)
