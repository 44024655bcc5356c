"""The benchmarks: ratios on known times, and that all sides of a row do the same."""

import json

import numpy as np
import pytest

import refimpl
from benchmarks import __main__ as program
from benchmarks import (
    accuracy,
    curvature,
    enumeration,
    networks,
    profile,
    r2,
    spectral_density,
)
from benchmarks.interleave import interleave
from benchmarks.rows import Row, lines
from refimpl.data.datasets import tanh_pair

TINY = (1, 4, 1)


class Side:
    """Takes the times it is given, in turn."""

    def __init__(self, *seconds):
        self.seconds = iter(seconds)

    def turn(self):
        return next(self.seconds), 1.0


def test_the_ratio_is_that_of_the_same_turn():
    sides = {"ours": Side(1.0, 2.0, 4.0), "peer": Side(3.0, 6.0, 20.0)}
    found = interleave(sides, turns=3)
    assert found["peer"]["ratio"] == pytest.approx(3.0)  # of the medians as well
    assert found["peer"]["range"] == pytest.approx([3.0, 5.0])
    assert found["ours"]["seconds"] == 2.0 and "ratio" not in found["ours"]


def test_a_machine_that_slows_down_does_not_move_the_ratio():
    drift = [1.0, 2.0, 4.0, 8.0]
    sides = {"ours": Side(*drift), "peer": Side(*(5 * t for t in reversed(drift)))}
    assert interleave(sides, turns=4)["peer"]["ratio"] != pytest.approx(5.0)
    sides = {"ours": Side(*drift), "peer": Side(*(5 * t for t in drift))}
    assert interleave(sides, turns=4)["peer"]["ratio"] == pytest.approx(5.0)


def test_a_row_without_a_peer_that_is_installed_says_so(capsys):
    def absent():
        import a_package_that_is_not_there  # noqa: F401

    row = Row(
        "work",
        "loss",
        lambda: Side(1.0, 1.0),
        {"gone": absent, "here": lambda: Side(8.0, 9.0)},
        {"here": 8},
    )
    (found,) = program.table([row], turns=1)
    assert found["missing"] == {"gone": "a_package_that_is_not_there"}
    assert found["here"]["ratio"] == 9.0 and "gone" not in found
    printed = capsys.readouterr().out
    assert "left out: a_package_that_is_not_there is not installed" in printed
    assert "9 times [9, 9] (goal 8)" in printed


def test_values_of_several_numbers_are_printed_beside_each_other():
    row = Row("work", "two", None, {})
    found = {"ours": {"seconds": 0.0123, "value": [1.0, 2.5]}}
    assert list(lines(row, found, {}, {})) == ["work: 12.3 ms, two 1 2.5"]


def test_rows_are_selected_by_parts_of_their_names():
    assert len(program.selected([])) == len(program.ROWS)
    names = [row.name for row in program.selected(["HESSIAN"])]
    assert names and all("Hessian" in name for name in names)


def test_an_unknown_name_is_an_error(capsys):
    with pytest.raises(SystemExit):
        program.main(["nothing like it"])
    assert "no row has nothing like it in its name" in capsys.readouterr().err


def test_the_table_is_kept_as_json(tmp_path, monkeypatch):
    monkeypatch.setattr(program, "ROWS", (Row("a", "b", lambda: Side(1.0, 2.0), {}),))
    program.main(["--turns", "1", "--json", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert found["rows"][0]["ours"] == {"seconds": 2.0, "value": 1.0}
    assert found["machine"]["numpy"] == np.__version__


def test_the_loosest_setting_that_is_accurate_is_taken():
    exact = 4.0
    found = accuracy.loosest((0.1, 0.02, 0.005), lambda t, _: 4 * (1 + t), exact)
    assert found == (0.005, pytest.approx(0.005))
    with pytest.raises(ArithmeticError, match="error 2.0% at 0.02, wanted 1%"):
        accuracy.loosest((0.1, 0.02), lambda t, _: 4 * (1 + t), exact)


def values(ours, peer):
    """The values of one turn of two sides."""
    return np.array(ours.turn()[1]), np.array(peer.turn()[1])


@pytest.mark.parametrize("per_sample", [True, False])
def test_monte_carlo_of_r2_in_pytorch_has_the_exact_mean(per_sample):
    pytest.importorskip("torch")
    case = TINY, 6, per_sample
    ours, peer = r2.Ours(*case), r2.MonteCarlo(*case)
    value, gradient = peer._value_and_gradient(20_000)
    exact, length = ours.turn()[1]
    assert value.item() == pytest.approx(exact, rel=0.05)
    found = np.sqrt(sum(float((g**2).sum()) for g in gradient))
    assert found == pytest.approx(length, rel=0.05)
    assert peer.masks > 1000  # of one it would be any number


def test_both_enumerations_and_pytorch_find_the_same(monkeypatch):
    monkeypatch.setattr(enumeration, "WIDTHS", TINY)
    plain = enumeration.Plain(6)
    np.testing.assert_allclose(*values(enumeration.Ours(6), plain), rtol=1e-5)
    pytest.importorskip("torch")
    monkeypatch.setattr(enumeration, "CHUNKS", (4, 16))
    np.testing.assert_allclose(*values(enumeration.Vmapped(6), plain), rtol=1e-5)


@pytest.mark.filterwarnings("ignore")  # PyHessian's own
@pytest.mark.parametrize(
    "side, package", [("PyHessian", "pyhessian"), ("Curvlinops", "curvlinops")]
)
def test_eigenvalue_and_trace_are_within_one_percent(side, package, monkeypatch):
    pytest.importorskip(package)
    monkeypatch.setattr(curvature, "PILOT", 400)
    monkeypatch.setattr(curvature, "PRODUCTS", (4, 16, 22))
    ours, peer = curvature.Ours((1, 8, 1), 6), getattr(curvature, side)((1, 8, 1), 6)
    found, other = values(ours, peer)
    np.testing.assert_allclose(found, other, rtol=0.06)
    assert max(ours.error, peer.error) <= accuracy.ACCURACY


@pytest.mark.filterwarnings("ignore")
def test_both_spectral_densities_have_the_same_largest_node(monkeypatch):
    pytest.importorskip("pyhessian")
    monkeypatch.setattr(spectral_density, "STEPS", 10)
    case = (1, 8, 1), 6
    found, other = values(
        spectral_density.Ours(*case), spectral_density.PyHessian(*case)
    )
    assert found[0] == pytest.approx(other[0], rel=1e-3)


def test_the_network_in_pytorch_is_the_same():
    torch = pytest.importorskip("torch")
    risk, theta = networks.trained((3, 5, 2), 4, steps=2)
    model, X, Y = networks.torch_model(risk, theta)
    with torch.no_grad():
        found = networks.torch_risk(model(X), Y)
    assert found.item() == pytest.approx(float(risk(theta)), rel=1e-5)


@pytest.mark.parametrize("kind", [profile.Step, profile.PenaltyStep])
def test_a_step_is_taken_apart_into_what_training_does(kind):
    step = kind(samples=5, width=7)
    for operation in step.operations:
        operation.run()
    net, (X, Y) = refimpl.TwoLayer(1, 7), tanh_pair(5)
    theta = net.init(np.random.default_rng(0), std=7**-0.5).astype(np.float32)
    risk = refimpl.Risk(net, X, Y)
    if kind is profile.Step:
        gradient = risk.gradient(theta, step.q - 1)
    else:
        gradient = refimpl.L1(risk, profile.KEEP).gradient(theta)
    # Adam has used the gradient up; what it did to θ is the sign at the first step.
    moved = net.join([step.weights[:-1].T, step.weights[-1], step.A]) - theta
    np.testing.assert_allclose(moved, -1e-3 * np.sign(gradient), atol=1e-5)
    found = profile.profile(kind, 5, width=7, steps=40)
    assert len(found["operations"]) == len(step.operations)
    assert all(row["seconds"] > 0 and row["alone"] > 0 for row in found["operations"])
    assert len(list(profile.lines(found))) == len(step.operations) + 3
