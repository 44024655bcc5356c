"""Files that lie, or that would run something: refused, in bounded memory."""

import gzip
import io
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from refimpl import datasets
from refimpl.data.mnist_files import MNIST_FILES
from refimpl.reproduce import store

FIRST = "train-images-idx3-ubyte"
LIES = {
    "magic number is 2049, expected 2051": struct.pack(">4i", 0x801, 60000, 28, 28),
    "magic number is 3331, expected 2051": struct.pack(">4i", 0xD03, 60000, 28, 28),
    "number of images is 2147483647": struct.pack(">4i", 0x803, 2**31 - 1, 28, 28),
    "number of images is -1, expected 60000": struct.pack(">4i", 0x803, -1, 28, 28),
    "number of rows is 27, expected 28": struct.pack(">4i", 0x803, 60000, 27, 28),
    "number of columns is 29": struct.pack(">4i", 0x803, 60000, 28, 29),
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("excess", [-1, 0, 1])
def test_an_idx_file_whose_header_lies_is_refused(tmp_path, lie, excess):
    size = MNIST_FILES[FIRST][1]
    data = LIES[lie] + bytes(size - 16 + excess)
    (tmp_path / FIRST).write_bytes(data)
    with pytest.raises(ValueError, match=f"{FIRST} is not the official one: its {lie}"):
        datasets.mnist(tmp_path)


@pytest.mark.parametrize(
    "excess, words",
    [
        (-47040010, "it unpacks to 6 bytes, expected 47040016"),
        (-1, "it unpacks to 47040015 bytes, expected 47040016"),
        (0, "the values in it are others; MD5"),
        (1, "it unpacks to more than 47040016 bytes"),
    ],
)
def test_an_idx_file_with_other_contents_is_refused(tmp_path, excess, words):
    header = struct.pack(">4i", 0x803, 60000, 28, 28)
    whole = header + bytes(MNIST_FILES[FIRST][1] - 16 + 1)
    (tmp_path / FIRST).write_bytes(whole[: len(whole) - 1 + excess])
    with pytest.raises(ValueError, match=f"{FIRST} is not the official one: {words}"):
        datasets.mnist(tmp_path)


BOMB = """
import resource, sys
from refimpl import datasets
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    datasets.mnist(sys.argv[1])
except ValueError as error:
    assert "is not the official one" in str(error), error
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in KiB on Linux")
def test_a_bomb_is_unpacked_no_further_than_the_official_size(tmp_path):
    with gzip.open(tmp_path / f"{FIRST}.gz", "wb", compresslevel=1) as file:
        for _ in range(6):
            file.write(bytes(2**26))  # 384 MiB in all
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", BOMB, tmp_path],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 200 * 1024  # KiB; the official file has 47 MB


class Marker:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def npz(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def pickled(mark):
    """An .npy file of objects, whose pickle is `Marker`'s."""
    file = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + pickle.dumps(Marker(mark))


def test_the_pickle_of_these_tests_is_harmful(tmp_path):
    npz(tmp_path / "a.npz", **{"x.npy": pickled(tmp_path / "mark")})
    np.load(tmp_path / "a.npz", allow_pickle=True)["x"]
    assert (tmp_path / "mark").is_dir()


@pytest.mark.parametrize("member", ["y.npy", "fingerprint.npy"])
def test_results_with_a_pickle_are_named_and_never_unpickled(tmp_path, member):
    path, mark = tmp_path / "a.npz", tmp_path / "mark"
    store.save_arrays(path, {"y": np.ones(2)}, "key")
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    npz(path, **(members | {member: pickled(mark)}))
    arrays, problem = store.load_arrays(path, "key")
    assert arrays is None and "a.npz is damaged" in problem
    assert not mark.exists()


def test_names_inside_an_archive_write_nothing(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    path = folder / "a.npz"
    store.save_arrays(path, {"../../outside": np.ones(2)}, "key")
    before = sorted(tmp_path.rglob("*"))
    arrays, _ = store.load_arrays(path, "key")
    assert list(arrays) == ["../../outside"]
    assert sorted(tmp_path.rglob("*")) == before
