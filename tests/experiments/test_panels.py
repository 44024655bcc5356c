"""Panels show what they say."""

import numpy as np
import pytest

from refimpl.experiments.common import condensed, features, panels, style


@pytest.fixture
def panel():
    _, axes = style.figure(1, 1)
    return axes[0, 0]


def test_a_band_lies_between_quantiles(panel):
    x = np.array([0.0, 1.0, 2.0])
    values = np.arange(5.0)[:, None] * np.array([1.0, 2.0, 3.0])  # medians 2, 4, 6
    panels.spread(panel, x, values.reshape(5, 1, 3), (0, 0.5, 1), color="k")
    (line,) = panel.lines
    assert line.get_ydata().tolist() == [2, 4, 6]
    corners = panel.collections[0].get_paths()[0].vertices
    assert corners[:, 1].min() == 0 and corners[:, 1].max() == 12


def test_every_seed_is_drawn_and_the_median(panel):
    panels.seeds(panel, [0, 1], np.array([[1, 9], [2, 3], [3, 1]]), "k", "label")
    drawn = [line.get_ydata().tolist() for line in panel.lines]
    assert drawn == [[1, 9], [2, 3], [3, 1], [2, 3]]


def test_neurons_that_are_left_out_are_not_drawn(panel):
    weights = np.array([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, -1.0]]])
    panels.features(panel, weights, np.array([[2.0, 1.0], [0.0, 3.0]]))
    start, end = panel.lines
    np.testing.assert_allclose(start.get_xydata(), [[0, 1], [np.pi / 2, 0.5]])
    np.testing.assert_allclose(end.get_xydata(), [[-np.pi / 2, 1]])


def test_trainings_have_a_column_each_and_the_threshold_of_the_claims():
    arrays = features.fixed() | {
        "steps": np.array([0, 10]),
        "count": np.full((3, 2, 2), 7),
        "loss": np.ones((3, 2, 2)),
        "output": np.zeros((3, 2, len(features.GRID))),
        "weights": np.ones((3, 2, 2, 4, 2)),
        "amplitude": np.ones((3, 2, 2, 4)),
    }
    figure = panels.trainings(arrays, {"a": "r", "b": "g", "c": "b"})
    axes = np.reshape(figure.axes, (2, 4))
    style.letter(figure)
    titles = [panel.get_title(loc="left") for panel in axes.flat]
    assert titles[:4] == ["(a) output, a", "(b) output, b", "(c) output, c", "(d) loss"]
    assert titles[4:7] == ["(e) features, a", "(f) features, b", "(g) features, c"]
    heights = [line.get_ydata()[0] for line in axes[1, 3].lines]
    assert heights.count(7) == 3 * 3 and condensed.FEW.high in heights
