"""The ratios that the benchmarks print, on sides whose times are known."""

import pytest

from benchmarks.interleave import interleave


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
