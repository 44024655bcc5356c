"""The benchmarks: ratios on known times, and that all sides of a row do the same."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from benchmarks import __main__ as program
from benchmarks import (
    accuracy,
    curvature,
    enumeration,
    networks,
    r2,
    spectral_density,
    training,
)
from benchmarks.interleave import interleave
from benchmarks.rows import Row, Side, lines

TINY = (1, 4, 1)


class Known:
    """A side that takes the times it is given, in turn."""

    note = ""

    def __init__(self, *seconds):
        self.seconds = iter(seconds)

    def turn(self):
        return next(self.seconds), 1.0


def test_the_ratio_is_that_of_the_same_turn():
    sides = {"ours": Known(1.0, 2.0, 4.0), "peer": Known(3.0, 6.0, 20.0)}
    found = interleave(sides, turns=3)
    assert found["peer"]["ratio"] == pytest.approx(3.0)  # of the medians as well
    assert found["peer"]["range"] == pytest.approx([3.0, 5.0])
    assert found["ours"]["seconds"] == 2.0 and "ratio" not in found["ours"]


def test_a_machine_that_slows_down_does_not_move_the_ratio():
    drift = [1.0, 2.0, 4.0, 8.0]
    sides = {"ours": Known(*drift), "peer": Known(*(5 * t for t in reversed(drift)))}
    assert interleave(sides, turns=4)["peer"]["ratio"] != pytest.approx(5.0)
    sides = {"ours": Known(*drift), "peer": Known(*(5 * t for t in drift))}
    assert interleave(sides, turns=4)["peer"]["ratio"] == pytest.approx(5.0)


@pytest.mark.parametrize("seconds, count", [(1.0, 1), (0.004, 3)])
def test_short_work_is_repeated_and_the_time_is_that_of_one(seconds, count):
    now, done = [0.0], []

    def work():
        now[0] += seconds
        done.append(now[0])
        return len(done)

    side = Side(work, lambda n: -n, scale=10.0, clock=lambda: now[0])
    assert side.turn() == (pytest.approx(10 * seconds), -count)


def test_a_row_without_a_peer_that_is_installed_says_so(capsys):
    def absent():
        import a_package_that_is_not_there  # noqa: F401

    peers = {"gone": absent, "here": lambda: Known(8.0, 9.0)}
    row = Row("work", "loss", lambda: Known(1.0, 1.0), peers, {"here": 8})
    (found,) = program.table([row], turns=1)
    assert found["missing"] == {"gone": "a_package_that_is_not_there"}
    assert found["here"]["ratio"] == 9.0 and "gone" not in found
    printed = capsys.readouterr().out
    assert "left out: a_package_that_is_not_there is not installed" in printed
    assert "9 times [9, 9] (goal 8), loss 1\n" in printed


def test_values_of_several_numbers_are_printed_beside_each_other():
    times = iter([0.0, 0.0123] * 2)
    side = Side(lambda: (1.0, 2.5), tuple, note="exact", clock=lambda: next(times))
    printed = list(lines(Row("work", "two", lambda: side).measure(turns=1)))
    assert printed == ["work: 12.3 ms, two 1 2.5", "    ours: exact"]


def test_rows_are_selected_by_parts_of_their_names():
    assert len(program.selected([], program.ROWS)) == len(program.ROWS)
    names = [row.name for row in program.selected(["HESSIAN"], program.ROWS)]
    assert names and all("Hessian" in name for name in names)


def test_an_unknown_name_is_an_error(capsys):
    with pytest.raises(SystemExit):
        program.main(["nothing like it"])
    assert "no row has nothing like it in its name" in capsys.readouterr().err


def test_names_are_listed_and_nothing_is_measured(capsys, monkeypatch):
    monkeypatch.setattr(program, "table", lambda *_: pytest.fail("measured"))
    assert program.main(["--list", "enumeration"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"enumeration of 2^16 masks, 1-16-1, n={n}" for n in (15, 100)
    ]


def test_the_table_is_kept_as_json(tmp_path, monkeypatch):
    monkeypatch.setattr(program, "ROWS", (Row("a", "b", lambda: Known(1.0, 2.0)),))
    program.main(["--turns", "1", "--threads", "1", "--json", str(tmp_path / "f.json")])
    found = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
    assert found["rows"][0]["ours"] == {"seconds": 2.0, "value": 1.0}
    assert found["machine"]["numpy"] == np.__version__
    assert found["machine"]["threads"] == 1


def test_the_loosest_setting_that_is_accurate_is_taken():
    found = accuracy.loosest((0.1, 0.02, 0.005), lambda t: 4 * (1 + t), exact=4.0)
    assert found == (0.005, pytest.approx(0.005))
    errors = iter([0.019, 0.0, 0.0, 0.0] + [0.009, -0.009] * 2)
    found = accuracy.loosest("ab", lambda _: 1 + next(errors), exact=1.0)
    assert found == ("a", pytest.approx(0.0095))  # a root mean square


def test_an_eigenvalue_that_stays_inaccurate_is_an_error(monkeypatch):
    monkeypatch.setattr(curvature, "TOLERANCES", (0.1, 0.02))
    case = networks.trained(TINY, 6)
    with pytest.raises(ArithmeticError, match="error .*% at tolerance 0.02"):
        curvature.accurate(lambda tolerance: 0.0, *case)


def same(ours, *peers, rtol):
    """The sides have found the same values."""
    _, expected = ours.turn()
    for peer in peers:
        np.testing.assert_allclose(peer.turn()[1], expected, rtol=rtol)


@pytest.mark.parametrize("widths, samples", [(TINY, 6), ((12, 4, 3), 9)])
def test_all_ways_of_pytorch_train_on_what_we_train_on(widths, samples):
    pytest.importorskip("torch")
    case = training.Training("R_S + R_1", widths, samples, 30, {})
    same(training.ours(case), training.peer("eager", "cpu", case), rtol=1e-5)
    many = replace(case, replicas=3)
    ways = [training.peer(name, "cpu", many) for name in ("loop", "vmap")]
    same(training.ours(many), *ways, rtol=1e-5)


def test_dropout_in_pytorch_has_our_mean_loss():
    torch = pytest.importorskip("torch")
    from benchmarks.training_peers import objectives

    case = training.Training("dropout", TINY, 6, 1, {})
    torch.manual_seed(0)
    (objective,) = objectives(case, "cpu")
    losses = torch.stack([objective() for _ in range(4000)])
    (penalized,) = objectives(replace(case, objective="R_S + R_1"), "cpu")
    error = losses.std().item() / 4000**0.5
    assert losses.mean().item() == pytest.approx(penalized().item(), abs=2 * error)
    assert penalized().item() - objective.risk() > 5 * error  # R_1 would be missed


@pytest.mark.parametrize("per_sample", [True, False])
def test_monte_carlo_of_r2_in_pytorch_has_the_exact_mean(per_sample, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(r2, "TIMED", (200_000,))
    case = TINY, 6, per_sample
    peer = r2.monte_carlo(*case)
    found = networks.with_length(peer.work())
    assert found == pytest.approx(r2.ours(*case).turn()[1], rel=0.05)
    assert peer.scale * 200_000 > 1000  # masks; of one it would be any number


def test_both_enumerations_and_pytorch_find_the_same(monkeypatch):
    monkeypatch.setattr(enumeration, "WIDTHS", TINY)
    ours = enumeration.ours(6)
    same(ours, enumeration.plain(6), rtol=1e-5)
    pytest.importorskip("torch")
    monkeypatch.setattr(enumeration, "CHUNKS", (4, 16))
    same(ours, enumeration.vmapped(6), rtol=1e-5)


@pytest.mark.filterwarnings("ignore")  # PyHessian's own
@pytest.mark.parametrize("package", ["pyhessian", "curvlinops"])
def test_eigenvalue_and_trace_are_within_one_percent(package, monkeypatch):
    pytest.importorskip(package)
    monkeypatch.setattr(curvature, "PILOT", 400)
    monkeypatch.setattr(curvature, "PRODUCTS", (4, 16, 22))
    case = (1, 8, 1), 6
    same(curvature.ours(*case), getattr(curvature, package)(*case), rtol=0.06)


def test_eigenvalue_and_trace_are_timed_apart():
    clock = iter([0.0, 1.0, 0.0, 3.0] * 2)
    part = partial(Side, lambda: 7.0, float, clock=lambda: next(clock))
    both = curvature.Both(part(note="a"), part(note="b"))
    assert both.turn() == both.turn() == (4.0, (7.0, 7.0))
    assert both.note == "eigenvalue 1 s (a), trace 3 s (b)"


@pytest.mark.filterwarnings("ignore")
def test_both_spectral_densities_have_the_same_largest_node(monkeypatch):
    pytest.importorskip("pyhessian")
    monkeypatch.setattr(spectral_density, "STEPS", 10)
    case = (1, 8, 1), 6
    sides = spectral_density.ours(*case), spectral_density.pyhessian(*case)
    (found, _), (other, _) = (side.turn()[1] for side in sides)
    assert found == pytest.approx(other, rel=1e-3)


def test_the_network_in_pytorch_is_the_same():
    torch = pytest.importorskip("torch")
    from benchmarks.pytorch import half_mse, in_pytorch

    risk, theta = networks.trained((3, 5, 2), 4)
    model, X, Y = in_pytorch(risk, theta)
    with torch.no_grad():
        found = half_mse(model(X), Y)
    assert found.item() == pytest.approx(float(risk(theta)), rel=1e-5)
