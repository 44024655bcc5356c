"""Figures are the same files each time, and all of them is in their panels."""

import io

import numpy as np
import pytest
from matplotlib import rc_context, rcParams
from matplotlib.image import imread

from refimpl.experiments.common import style
from refimpl.reproduce import drawing


@pytest.fixture
def figure():
    """Two maps that share a colour bar, a curve, a hidden panel; a title above."""
    with style.applied():
        figure, axes = style.figure(2, 2)
        for panel in axes[0]:
            image = panel.imshow([[0, 1], [1, 0]])
            panel.set(xlabel="$x$", ylabel="$y$", title="map")
        figure.colorbar(image, ax=axes[0], label="height")
        axes[1, 0].plot([0, 1])
        axes[1, 0].set(xlabel="$R_S$", ylabel="steps")
        axes[1, 1].set_visible(False)
        figure.suptitle("all of it, and more than a word")
        yield figure


def outside(image, boxes):
    """Darkest of what is in no box, from 0 (black) to 1."""
    rest, width = image[..., :3].copy(), image.shape[1]
    for box in boxes:
        left, top, wide, high = (width * one for one in box)
        rows = slice(int(top), int(np.ceil(top + high)))
        rest[rows, int(left) : int(np.ceil(left + wide))] = 1
    return rest.min()


def test_settings_of_the_user_change_no_figure():
    with rc_context({"figure.facecolor": "black", "text.usetex": True}):
        with style.applied():
            assert rcParams["figure.facecolor"] == "white"
            assert not rcParams["text.usetex"] and rcParams["font.size"] == 9
        assert rcParams["text.usetex"]


def test_the_same_figure_is_the_same_file(monkeypatch):
    drawn = []
    for date in ("1000000000", "1600000000"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", date)  # a date, where one is written
        with style.applied():
            figure, axes = style.figure(1, 1)
            axes[0, 0].plot([0, 1])
            axes[0, 0].set_title("$R_S$")
            drawn.append(drawing.draw({"one": figure})[0])
    assert drawn[0].keys() == {"one.png", "one.pdf", "one.svg"}
    assert drawn[0] == drawn[1]


def test_title_and_panels_hold_all_that_is_drawn(figure):
    files, panels = drawing.draw({"one": figure})
    image = imread(io.BytesIO(files["one.png"]))
    title, *maps, curve = boxes = panels["one"]
    assert len(maps) == 2 and outside(image, boxes) == 1
    for k in range(len(boxes)):  # with any of them left out, something is missing
        assert outside(image, boxes[:k] + boxes[k + 1 :]) < 0.5
    assert title[1] < maps[0][1] < curve[1] and maps[0][0] < maps[1][0]


def test_a_colour_bar_is_beside_the_panel_at_its_left(figure):
    _, first, second, _ = drawing.draw({"one": figure})[1]["one"]
    assert second[2] > 1.1 * first[2] and second[0] > first[0] + first[2]
