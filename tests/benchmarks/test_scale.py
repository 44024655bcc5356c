"""The table of scale: both sides do the same work, and it ends where memory does."""

import json
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest

import refimpl

pytest.importorskip("resource")  # of POSIX
from benchmarks import scale  # noqa: E402
from benchmarks.networks import KEEP, problem  # noqa: E402

GIB = 2**30


def both(work, neurons=6, samples=5):
    """What we and PyTorch compute of a small network, and the network."""
    pytest.importorskip("torch")
    risk, (theta,) = problem((1, neurons, 1), samples)
    known = work, risk.like(theta), theta
    return scale.ours(*known)(), scale.pytorch(*known)(), risk, theta


def flat(arrays):
    return np.concatenate([array.detach().numpy().ravel() for array in arrays])


def in_our_order(net, gradient):
    """PyTorch's parameters are W, b, A as ours."""
    arrays = [g.detach().numpy() for g in gradient]
    return net.pack(*(array.reshape(s) for array, s in zip(arrays, net.shapes)))


def test_r1_is_the_same():
    ours, theirs, risk, _ = both("r1")
    theirs = in_our_order(risk.net, theirs)
    np.testing.assert_allclose(theirs, ours, rtol=1e-5, atol=1e-7)


def test_the_eigenvalue_is_the_same():
    ours, theirs, *_ = both("top")
    np.testing.assert_allclose(theirs, ours, rtol=0.05)


def test_a_probe_gives_a_hessian_product():
    _, product, risk, theta = both("trace")
    v = np.random.default_rng(0).choice([-1.0, 1.0], risk.net.size)
    np.testing.assert_allclose(product, risk.hvp(theta, v), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("work", ["r2-each", "r2-shared"])
def test_one_mask_has_the_gradient_of_r2_on_average(work):
    torch = pytest.importorskip("torch")
    risk, (theta,) = problem((1, 4, 1), 3)
    torch.manual_seed(0)
    draw = scale.pytorch(work, risk, theta)
    drawn = np.stack([flat(draw()) for _ in range(3000)])
    drop = refimpl.Dropout(KEEP, per_sample=work == "r2-each")
    exact = refimpl.R2_gradient(risk, theta.astype(float), drop, scale.EPSILON)
    error = drawn.std(axis=0, ddof=1) / len(drawn) ** 0.5
    assert (abs(drawn.mean(axis=0) - exact) < 5 * error + 1e-9).all()
    assert (abs(exact) > 20 * error).any()


def test_a_cell_is_time_and_memory():
    found = scale.cell("ours", "step", 100, 10)
    assert 0 < found["seconds"] < 10 and found["bytes"] >= 0


def answers(cells):
    """A stand-in for `measured` that knows some cells and has 1 s for the others."""
    return lambda *key: cells.get(key, {"seconds": 1.0, "bytes": GIB})


def test_beyond_what_is_too_large_nothing_is_begun(monkeypatch):
    known = {
        ("ours", "r1", 100, 100): "memory",
        ("ours", "r1", 1000, 10): {"seconds": scale.LONGEST + 1, "bytes": 1},
    }
    monkeypatch.setattr(scale, "measured", answers(known))
    found = scale.tables(["r1"], (100, 1000), (10, 100))
    assert found["r1", "ours", 1000, 100] == "memory"
    assert found["r1", "PyTorch", 1000, 100] == {"seconds": 1.0, "bytes": GIB}
    del known["ours", "r1", 100, 100]
    found = scale.tables(["r1"], (100, 1000), (10, 100))
    assert found["r1", "ours", 1000, 100] == "too long"


def test_the_table_is_text(monkeypatch):
    monkeypatch.setattr(
        scale,
        "measured",
        answers(
            {
                ("ours", "r1", 100, 10): {"seconds": 0.002, "bytes": 100},
                ("PyTorch", "r1", 100, 100): "memory",
            }
        ),
    )
    text = scale.markdown(scale.tables(["r1"], (100,), (10, 100)))
    assert text.splitlines() == [
        "### Gradient of R_1",
        "",
        "| m | | n = 10 | n = 100 |",
        "| --- | --- | --- | --- |",
        "| 100 | ours | 2 ms, under 1 MiB | 1 s, 1 GiB |",
        "|  | PyTorch | 1 s, 1 GiB | — |",
    ]


@pytest.mark.parametrize(
    "status, error, found",
    [
        (0, "", {"seconds": 2.0, "bytes": 3}),
        (1, "MemoryError: a pass needs", "memory"),
        (1, "RuntimeError: can't allocate memory", "memory"),
        (-9, "", "memory"),
    ],
)
def test_a_process_that_ran_out_of_memory_is_told(status, error, found, monkeypatch):
    done = SimpleNamespace(
        returncode=status, stderr=error, stdout=json.dumps({"seconds": 2.0, "bytes": 3})
    )
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert scale.measured("ours", "r1", 10, 10) == found


def test_another_error_is_shown_and_no_cell(monkeypatch):
    done = SimpleNamespace(returncode=1, stderr="TypeError: what", stdout="")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    with pytest.raises(RuntimeError, match="TypeError: what"):
        scale.measured("ours", "r1", 10, 10)


def test_unknown_work_is_an_error(capsys):
    with pytest.raises(SystemExit):
        scale.main(["r3"])
    assert "work must be of step, r1, " in capsys.readouterr().err


def test_tables_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(scale, "measured", answers({}))
    paths = [tmp_path / "cells.json", tmp_path / "table.md"]
    scale.main(["r1", "--json", str(paths[0]), "--table", str(paths[1])])
    cells = json.loads(paths[0].read_text(encoding="utf-8"))["cells"]
    assert ["r1", "ours", 100, 10, {"seconds": 1.0, "bytes": GIB}] in cells
    assert "| n = 10 |" in paths[1].read_text(encoding="utf-8")
