"""Files are written whole or not at all."""

import json

import numpy as np
import pytest

from refimpl import results
from refimpl.experiments import style
from refimpl.experiments.framework import Claim


def test_a_broken_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "claims.json"
    path.write_text('[{"id": "old"}]')

    def broken(temporary):
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        results.write_atomically(path, broken)
    assert json.loads(path.read_text()) == [{"id": "old"}]
    assert [file.name for file in tmp_path.iterdir()] == ["claims.json"]


def test_arrays_come_back_under_their_key_only(tmp_path):
    path = tmp_path / "arrays.npz"
    results.save_arrays(path, {"x": np.arange(3.0)}, "key")
    arrays, problem = results.load_arrays(path, "key")
    assert problem is None and arrays.keys() == {"x"}
    np.testing.assert_array_equal(arrays["x"], np.arange(3.0))
    assert results.load_arrays(path, "other key") == (None, None)


def test_pickled_arrays_are_refused(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez(path, fingerprint=np.array("key"), x=np.array([{}], dtype=object))
    arrays, problem = results.load_arrays(path, "key")
    assert arrays is None and "damaged" in problem


def test_the_same_figure_is_the_same_file(tmp_path, monkeypatch):
    written = []
    for date in ("1000000000", "1600000000"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", date)  # a date, where one is written
        with style.applied():
            figure, axes = style.figure(1, 1)
            axes[0, 0].plot([0, 1])
            axes[0, 0].set_title("$R_S$")
            results.save_figures(tmp_path, {"one": figure})
        written.append({p.name: p.read_bytes() for p in tmp_path.iterdir()})
    assert written[0].keys() == {"one.png", "one.pdf", "one.svg"}
    assert written[0] == written[1]


def test_claims_hold_no_number_that_json_lacks(tmp_path):
    claim = Claim("a", "b", "c", "d")
    record = results.as_record(
        claim.result(False, float("nan"), (0.0, float("inf"))), "e", "quick", 1
    )
    results.save_claims(tmp_path, [record])
    (loaded,), _ = results.load_claims(tmp_path)
    assert loaded["measured"] is None and loaded["interval"] == [0.0, None]


@pytest.mark.parametrize("change", [{"verdict": "maybe"}, {"measured": "x"}])
def test_claims_that_cannot_be_shown_are_moved_aside(tmp_path, change):
    claim = Claim("a", "b", "c", "d").result(True, 1.0)
    record = results.as_record(claim, "e", "quick", 1)
    results.save_claims(tmp_path, [record | change])
    loaded, problem = results.load_claims(tmp_path)
    assert loaded == [] and "claims.json is damaged" in problem
