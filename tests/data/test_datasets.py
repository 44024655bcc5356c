"""The data: targets, digits, and MNIST files that are what they should be."""

import gzip
import hashlib
import struct

import numpy as np
import pytest

from refimpl.data import datasets


def test_the_target_of_figure_4_is_two_tanh():
    X, Y = datasets.tanh_pair()
    assert X.shape == Y.shape == (15, 1)
    assert X[0] == -12 and X[-1] == 12
    np.testing.assert_allclose(Y[[0, 7, 14], 0], [-2, 0, 2], atol=1e-4)
    np.testing.assert_allclose(Y, np.tanh(X - 6) + np.tanh(X + 6))


def test_the_target_of_figure_1_is_two_relu():
    X, Y = datasets.relu_pair()
    assert X.shape == Y.shape == (6, 1)
    np.testing.assert_allclose(X[[0, -1], 0], [-5 / 3, 5 / 3])
    np.testing.assert_allclose(Y[:, 0], [2 / 3, 1 / 3, 0, 0, 1 / 3, 2 / 3], atol=1e-12)


def test_a_teacher_is_a_two_layer_network():
    X = np.array([[0.5], [2.0]])
    Y = datasets.teacher([[1.0], [2.0]], [0.0, 1.0], [[3.0, -1.0]], X)
    np.testing.assert_allclose(Y, 3 * np.tanh(X) - np.tanh(2 * X + 1))


def test_digits_are_the_1797_images_in_the_unit_interval():
    data = datasets.digits(np.random.default_rng(0), 1000)
    assert data.X.shape == (1000, 64) and data.X_test.shape == (797, 64)
    X = np.concatenate([data.X, data.X_test])
    assert X.min() == 0 and X.max() == 1
    labels = np.concatenate([data.labels, data.labels_test])
    counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    np.testing.assert_array_equal(np.bincount(labels), counts)
    assert len(np.unique(X, axis=0)) == 1797  # no image is in both halves


def test_the_split_of_digits_follows_the_generator():
    first, again, other = (
        datasets.digits(np.random.default_rng(seed), 10) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.X, again.X)
    assert not np.array_equal(first.X, other.X)


def test_one_hot_rows_are_those_of_the_identity():
    np.testing.assert_array_equal(datasets.one_hot([2, 0], 3), [[0, 0, 1], [1, 0, 0]])


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
    assert message.endswith(datasets.MNIST_FILES["train-images-idx3-ubyte"][0])


@pytest.mark.parametrize("damage", ["cut", "no gzip"])
def test_a_damaged_mnist_file_is_named(tmp_path, damage):
    path = write(tmp_path, data=np.random.default_rng(0).bytes(5000))
    whole = path.read_bytes()
    path.write_bytes(whole[:1000] if damage == "cut" else b"not gzip" + whole)
    with pytest.raises(ValueError, match=f"{path.name} cannot be read"):
        datasets.mnist(tmp_path)


def test_a_file_that_unpacks_to_far_more_is_not_unpacked(tmp_path, monkeypatch):
    sizes = {name: (md5, 1000) for name, (md5, _) in datasets.MNIST_FILES.items()}
    monkeypatch.setattr(datasets, "MNIST_FILES", sizes)
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
