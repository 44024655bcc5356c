"""The exponents of cost: the fit on known times, the kernels on tiny sizes."""

import numpy as np
import pytest

from benchmarks import growth
from benchmarks.growth.fit import exponent
from benchmarks.growth.kernels import KERNELS, Axis, Kernel
from benchmarks.growth.timing import times

SIZES = 2.0 ** np.arange(4, 11)


def noisy(power, overhead, turns=9):
    """Times that scatter by 3%, with an overhead."""
    scatter = np.random.default_rng(0).normal(1, 0.03, (turns, len(SIZES)))
    return 1e-3 * (overhead + (SIZES / SIZES[-1]) ** power) * scatter


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("overhead", [0.0, 0.2])
def test_the_exponent_is_found_beside_the_overhead(power, overhead):
    fit = exponent(SIZES, noisy(power, overhead))
    low, high = fit.interval
    assert low - 0.02 <= power <= high + 0.02 and high - low < 0.4
    assert fit.power == pytest.approx(power, abs=0.15)
    assert fit.overhead == pytest.approx(1e-3 * overhead, abs=3e-5)


def test_a_straight_line_would_take_the_overhead_for_a_smaller_exponent():
    seconds = np.median(noisy(1, 0.2), axis=0)
    slope, _ = np.polyfit(np.log(SIZES), np.log(seconds), 1)
    assert slope < 0.6


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_every_kernel_runs_at_sizes_of_every_axis(kernel):
    small = {"n": 4, "m": 8, "replicas": 2, "masks": 8}
    for axis in kernel.axes:
        assert 4 <= axis.fitted <= len(axis.sizes)
        assert list(axis.sizes) == sorted(axis.sizes)
        sizes = {name: 8 for name in axis.others} | {axis.name: small[axis.name]}
        kernel.at(**sizes)()


def test_growth_is_printed_drawn_and_returned(tmp_path, monkeypatch, capsys):
    def at(n, m=1):
        return lambda: sum(range(n * m))

    axis = Axis("n", tuple(2**k for k in range(8, 14)), 5, 1, {"m": 2})
    monkeypatch.setattr(growth, "KERNELS", (Kernel("a sum", at, (axis,)),))
    monkeypatch.setattr("benchmarks.growth.timing.SHORTEST", 1e-4)
    (found,) = growth.measure_growth(2, tmp_path / "growth.png")
    assert found["axis"] == "n" and found["expected"] == 1
    assert np.shape(found["seconds"]) == (2, 6)
    assert "a sum" in capsys.readouterr().out
    assert (tmp_path / "growth.png").stat().st_size > 10_000


def test_a_time_is_that_of_one_run(monkeypatch):
    monkeypatch.setattr("benchmarks.growth.timing.SHORTEST", 1e-9)
    clock = iter(np.cumsum([0.0] + [2.0, 0.5] * 50))
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    found = times(Kernel("", lambda n: lambda: None, ()), Axis("n", (1, 2), 2), 3)
    assert np.unique(found).tolist() == [2.0]
