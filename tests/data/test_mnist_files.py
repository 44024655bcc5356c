"""MNIST from a folder: files that are not what they should be are named, with why."""

import gzip
import hashlib
import struct

import numpy as np
import pytest

from refimpl import datasets
from refimpl.data import mnist_files
from refimpl.data.mnist_files import MNIST_FILES


def write(folder, name="train-images-idx3-ubyte", data=b"\0\0\x08\x03", zipped=True):
    path = folder / (name + ".gz" * zipped)
    path.write_bytes(gzip.compress(data) if zipped else data)
    return path


def test_a_missing_mnist_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="no file train-images-idx3-ubyte.gz or"):
        datasets.mnist(tmp_path)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_wrong_mnist_file_is_named_with_both_checksums(tmp_path, zipped):
    header = struct.pack(">4i", 0x803, 60000, 28, 28)
    data = header + bytes(100)
    path = write(tmp_path, data=data, zipped=zipped)
    with pytest.raises(ValueError) as error:
        datasets.mnist(tmp_path)
    message = str(error.value)
    assert str(path) in message
    assert f"is {hashlib.md5(data).hexdigest()}, expected " in message
    assert message.endswith(MNIST_FILES["train-images-idx3-ubyte"][0])


@pytest.mark.parametrize("damage", ["cut", "no gzip"])
def test_a_damaged_mnist_file_is_named(tmp_path, damage):
    path = write(tmp_path, data=np.random.default_rng(0).bytes(5000))
    whole = path.read_bytes()
    path.write_bytes(whole[:1000] if damage == "cut" else b"not gzip" + whole)
    with pytest.raises(ValueError, match=f"{path.name} cannot be read"):
        datasets.mnist(tmp_path)


def test_a_file_that_unpacks_to_far_more_is_not_unpacked(tmp_path, monkeypatch):
    sizes = {name: (md5, 1000) for name, (md5, _) in MNIST_FILES.items()}
    monkeypatch.setattr(mnist_files, "MNIST_FILES", sizes)
    write(tmp_path, data=bytes(10_000_000))
    read, opener = [], gzip.GzipFile.read

    def counted(self, size=-1):
        data = opener(self, size)
        read.append(len(data))
        return data

    monkeypatch.setattr(gzip.GzipFile, "read", counted)
    with pytest.raises(ValueError, match="not the official one"):
        datasets.mnist(tmp_path)
    assert read == [1001]


@pytest.mark.mnist
def test_mnist_is_read_from_its_folder(mnist_folder):
    data = datasets.mnist(mnist_folder, 1000)
    assert data.X.shape == (1000, 784) and data.X_test.shape == (10_000, 784)
    np.testing.assert_array_equal(data.labels[:5], [5, 0, 4, 1, 9])
    assert data.X.min() == 0 and data.X.max() == 1
    np.testing.assert_array_equal(np.bincount(data.labels_test)[:2], [980, 1135])


@pytest.mark.mnist
def test_the_second_thousand_of_mnist_follows_the_first(mnist_folder):
    both = datasets.mnist(mnist_folder, 2000)
    second = datasets.mnist(mnist_folder, 1000, part=1)
    np.testing.assert_array_equal(second.X, both.X[1000:])
    np.testing.assert_array_equal(second.labels, both.labels[1000:])
