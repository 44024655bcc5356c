"""Files are written whole or not at all."""

import json
import os
import subprocess
import sys
from itertools import product

import numpy as np
import pytest

from refimpl.data import files
from refimpl.experiments.common.context import Context
from refimpl.reproduce import store


def test_a_broken_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "claims.json"
    path.write_text('[{"id": "old"}]')

    def broken(temporary):
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        files.write_atomically(path, broken)
    assert json.loads(path.read_text()) == [{"id": "old"}]
    assert [file.name for file in tmp_path.iterdir()] == ["claims.json"]


def test_arrays_come_back_under_their_key_only(tmp_path):
    path = tmp_path / "arrays.npz"
    store.save_arrays(path, {"x": np.arange(3.0)}, "key")
    arrays, problem = store.load_arrays(path, "key")
    assert problem is None and arrays.keys() == {"x"}
    np.testing.assert_array_equal(arrays["x"], np.arange(3.0))
    assert store.load_arrays(path, "other key") == (None, None)


def test_a_file_with_any_byte_missing_or_changed_is_never_taken_for_another(tmp_path):
    path = tmp_path / "arrays.npz"
    arrays = {"x": np.random.default_rng(0).random((5, 3)), "name": np.array(["a"])}
    store.save_arrays(path, arrays, "key")
    good = path.read_bytes()
    recognised = 0
    for place, bit in product(range(len(good)), (0, 6)):
        changed = bytearray(good)
        changed[place] ^= 1 << (place + bit) % 8
        path.write_bytes(changed)
        found, problem = store.load_arrays(path, "key")
        if found is None:
            recognised += problem is not None and "arrays.npz is damaged" in problem
        else:  # in a date, say
            assert found.keys() == arrays.keys()
            for name in arrays:
                np.testing.assert_array_equal(found[name], arrays[name])
        path.write_bytes(good[:place])
        found, problem = store.load_arrays(path, "key")
        assert found is None and "arrays.npz is damaged" in problem
    assert recognised > len(good)


def test_one_bit_of_a_header_that_is_no_python_any_more_is_damage(tmp_path):
    path = tmp_path / "arrays.npz"
    store.save_arrays(path, {"x": np.arange(3.0)}, "key")
    good = path.read_bytes()
    kinds = set()
    for place, bit in product(range(60, 200), range(8)):  # the first array's header
        changed = bytearray(good)
        changed[place] ^= 1 << bit
        path.write_bytes(changed)
        try:
            np.load(path)["fingerprint"]
        except Exception as error:
            kinds.add(type(error))
        found, problem = store.load_arrays(path, "key")
        assert found is not None or "damaged" in problem
    assert len(kinds) > 1


def test_runs_of_other_settings_stay(tmp_path):
    mine, other = (store.RunStore(tmp_path / "runs", key) for key in ("mine", "other"))
    for each in (mine, other):
        each.save("trained", (1,), {"x": np.arange(3)}, 0.5)
    mine.clear()
    assert mine.files() == [] and mine.load("trained", (1,)) is None
    assert other.load("trained", (1,))["x"].tolist() == [0, 1, 2]
    other.clear()
    assert not (tmp_path / "runs").exists()


def test_a_folder_in_the_place_of_a_file_is_named_and_moved_aside(tmp_path):
    path = tmp_path / "arrays.npz"
    (path / "something").mkdir(parents=True)
    found, problem = store.load_arrays(path, "key")
    assert found is None and "arrays.npz is damaged" in problem
    store.save_arrays(path, {"x": np.arange(3.0)}, "key")
    found, problem = store.load_arrays(path, "key")
    assert problem is None and found["x"].tolist() == [0, 1, 2]
    assert (tmp_path / "arrays.npz.damaged" / "something").is_dir()


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    runs = tmp_path / "experiment" / "runs"
    runs.mkdir(parents=True)
    orphan = runs / f".refimpl-{ended.pid}-a.npz"
    kept = [
        runs / f".refimpl-{os.getpid()}-b.npz",  # its writer is at work
        runs / ".hidden-file",
        tmp_path / f".{ended.pid}-notes.txt",  # somebody's
        tmp_path / "claims.json",
    ]
    for path in (orphan, *kept):
        path.write_text("")
    files.remove_temporaries(tmp_path)
    assert not orphan.exists() and all(path.exists() for path in kept)


def test_pickled_arrays_are_refused(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez(path, fingerprint=np.array(["key", "x"]), x=np.array([{}], dtype=object))
    arrays, problem = store.load_arrays(path, "key")
    assert arrays is None and "damaged" in problem


def test_the_key_of_a_result_knows_its_settings_and_data(small):
    module = small["slopes"]

    def key(preset="quick", data="none", **context):
        return store.fingerprint(module, preset, Context("slopes", **context), data)

    keys = {
        key(),
        key("default"),
        key(data="mnist"),
        key(seed_count=3),
        key(backend="cupy"),
    }
    assert len(keys) == 5 and key() in keys
    assert len({store.digest(one) for one in keys}) == 5
