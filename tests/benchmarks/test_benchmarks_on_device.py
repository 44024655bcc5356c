"""The benchmarks of a device, on its stand-in and without one."""

import sys
from dataclasses import replace
from unittest.mock import patch

import pytest
import strict
from array_modules import array_module

from benchmarks import device, training
from benchmarks.__main__ import main, table

xp = strict.device
TINY = replace(device.BATCHED, widths=(1, 20, 1), replicas=4, steps=3)


@pytest.fixture(autouse=True)
def installed():
    with strict.installed():
        yield


@pytest.mark.parametrize("objective", ["dropout", "R_S + R_1"])
def test_the_device_does_the_work_of_the_host(objective):
    case = replace(TINY, objective=objective, steps=30)
    side, host = device.ours(case), training.ours(case)
    assert isinstance(side.work().theta, strict.ndarray)
    (seconds, loss), (_, expected) = side.turn(), host.turn()
    assert 0 < seconds < 1
    assert loss == pytest.approx(expected, rel=0.05 if objective == "dropout" else 1e-4)
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


def test_the_memory_alone_takes_its_share_of_a_copy(monkeypatch):
    monkeypatch.setattr(device, "COPIED", 10_000)
    side = device.memory(TINY)
    assert side.scale * 80_000 == pytest.approx(device.least_bytes(TINY))
    assert side.turn()[0] > 0


def test_many_replicas_are_measured_against_all(capsys, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(device, "CASES", ())
    monkeypatch.setattr(device, "BATCHED", TINY)
    monkeypatch.setattr(device, "REPLICAS", (1, 4))
    monkeypatch.setattr(device, "COPIED", 1000)
    first, one, four = table(device.rows("cpu"), turns=1)
    assert first["vmap"]["ratio"] > 0 and first["memory"]["ratio"] > 0
    assert first["goals"] == {"vmap": 2, "memory": 0.5}
    assert one["CPU"]["ratio"] > 0 and four["CPU"]["ratio"] > 0
    said = capsys.readouterr().out
    assert "device and CPU, 4 replicas: dropout, 1-20-1, n=15, Adam: " in said


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
        with array_module("cupy"):
            seconds, loss = device.ours(TINY).turn()
            assert 0 < seconds < 10 and 0 < loss < 10
            assert 0 < device.memory(TINY).turn()[0] < 1
