"""The benchmarks of a device, on its stand-in and without one."""

import sys
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import patch

import pytest
import strict

from benchmarks import device
from benchmarks.__main__ import main
from benchmarks.training.ours import Ours

xp = strict.device
TINY = replace(device.BATCHED, widths=(1, 20, 1), replicas=4, steps=3)


@pytest.fixture(autouse=True)
def installed():
    with strict.installed():
        yield


@pytest.mark.parametrize("penalty", [False, True])
def test_the_device_does_the_work_of_the_host(penalty):
    case = replace(TINY, penalty=penalty, steps=30)
    side, host = device.OnDevice(case, xp), Ours(case)
    assert isinstance(side.theta, strict.ndarray)
    (seconds, loss), (_, expected) = side.turn(), host.turn()
    assert 0 < seconds < 1
    assert loss == pytest.approx(expected, rel=1e-4 if penalty else 0.05)
    assert side.turn()[1] == loss  # from the same start, with the same noise


def test_times_are_those_of_events():
    now = device.clock(xp)
    first = now()
    waits = strict.TRAFFIC.count
    assert now() > first and strict.TRAFFIC.count == waits + 1


def test_the_least_traffic_is_counted_by_hand():
    case = replace(TINY, widths=(1, 10, 1), samples=5, replicas=2)
    activation, parameters = 2 * 5 * 10, 2 * 10 * 3
    reads_and_writes = (1 + 2) + (1 + 1), (2 + 2 + 2) + 2
    least = 4 * (reads_and_writes[0] * activation + reads_and_writes[1] * parameters)
    assert device.least_bytes(case) == least


def test_the_report_has_all_rows(capsys, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(device, "by_replicas", lambda *args: COUNTS)
    args = SimpleNamespace(turns=2)
    found = device.report(xp, device.peers("cpu"), args, [TINY], TINY, size=1000)
    (row,) = found["rows"]
    assert row["vmap"]["ratio"] > 0 and row["over_bound"] > 0
    assert found["machine"]["device"] == "stand-in"
    said = capsys.readouterr().out
    assert "memory alone" in said and "     256      1.0     64.0     64.0" in said


COUNTS = [{"replicas": 256, "device": 1e-6, "cpu": 64e-6}]


def test_device_and_cpu_are_compared_by_number_of_replicas():
    rows = device.by_replicas(xp, TINY, 1, counts=(1, 4))
    assert [row["replicas"] for row in rows] == [1, 4]
    assert all(row["device"] > 0 and row["cpu"] > 0 for row in rows)


def test_without_a_device_one_line_says_so(capsys):
    with patch.dict(sys.modules, cupy=None):
        assert main(["--backend", "cupy"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "benchmarks: --backend cupy: the package CuPy is missing" in line


def test_without_pytorch_for_cuda_one_line_says_so(capsys):
    with patch.dict(sys.modules, torch=None):
        assert main(["--backend", "cupy"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "PyTorch with CUDA is missing" in line


@pytest.mark.gpu
def test_a_small_case_is_timed_on_a_device():
    with patch.dict(sys.modules, cupy=strict.real):
        from conftest import array_module

        with array_module("cupy") as cupy:
            seconds, loss = device.OnDevice(TINY, cupy).turn()
            assert 0 < seconds < 10 and 0 < loss < 10
            assert device.bandwidth(cupy, 2**20, 3) > 1e9
