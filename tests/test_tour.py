"""The tour and the guide to your own objectives are programs that run."""

import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

import refimpl
from refimpl.core.activations import ACTIVATIONS

TOUR = Path(__file__).parent.parent / "docs" / "tour.md"


def program(page):
    """All blocks of Python of a page."""
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    return [block.strip() for block in blocks]


def test_the_tour_runs_and_shows_what_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = "\n".join(program(TOUR))
    assert len(lines.splitlines()) <= 45
    names = {}
    exec(compile(lines, TOUR.name, "exec"), names)
    risk, theta, noisy = names["risk"], names["theta"], names["noisy"]
    expected = risk(theta) + refimpl.R1(risk, theta, 0.9)
    assert abs(noisy.mean() - expected) < 4 * names["error"]
    assert abs(noisy.mean() - risk(theta)) > 4 * names["error"]
    printed = capsys.readouterr().out
    before, after = printed.splitlines()[1].split()
    assert float(after) < float(before)
    without, counted = map(int, re.findall(r"dropout (\d+) orientations", printed))
    assert counted == 4 and without > 10
    assert (tmp_path / "condensation.png").stat().st_size > 0


def test_the_notebook_is_the_tour():
    made = runpy.run_path(str(TOUR.parent / "notebook.py"))["notebook"]
    text = (TOUR.parent / "tour.ipynb").read_text(encoding="utf-8")
    assert json.loads(text) == made(TOUR.read_text(encoding="utf-8"))
    code = ["".join(c["source"]) for c in json.loads(text)["cells"] if "outputs" in c]
    assert code == program(TOUR)


@pytest.fixture
def own(monkeypatch, capsys):
    """The names of docs/own.md, run as one program, and what it has ``said``."""
    monkeypatch.setitem(ACTIVATIONS, "softplus", None)  # it is not left behind
    page, names = TOUR.with_name("own.md"), {}
    exec(compile("\n".join(program(page)), page.name, "exec"), names)
    return names | {"said": capsys.readouterr().out}


def test_your_own_loss_activation_and_weights_are_right(own):
    said = own["said"]
    for words in ("relative errors: (.*) (.*)", "error with softplus: (.*)"):
        errors = re.search(words, said).groups()
        assert all(float(error) < 1e-10 for error in errors)
    weights = np.linspace(0.5, 2, 60)[:, None]
    weighted, order = own["Weighted"](own["squares"], weights), np.arange(60)[::-1]
    at = own["at"]
    np.testing.assert_allclose(weighted.batch(order)(at), weighted(at))
    each = [own["squares"].batch(np.array([i]))(at) for i in range(60)]
    np.testing.assert_allclose(weighted(at), (weights[:, 0] * each).mean())
    assert float(re.search("by momentum: (.*)", said)[1]) < 0.3


def test_your_own_regularizer_is_checked_and_prunes(own):
    names = own
    assert "relative error of the gradient" in names["said"]
    assert (names["alive"].sum(axis=1) < 20).all()
    start, far, near = (names[name] for name in ("theta", "end", "near_end"))
    assert ((near - start) ** 2).sum() < 0.5 * ((far - start) ** 2).sum()
    assert refimpl.check_gradient(names["near"], near) < 1e-10
    with pytest.raises(ArithmeticError, match="gradient, entry"):
        refimpl.check_gradient(Doubled(names["lasso"]), names["theta"])


class Doubled(refimpl.WeightDecay):
    """A gradient with a mistake: that of the decay is counted twice."""

    def __init__(self, risk):
        super().__init__(risk, 0.1)

    def value_and_gradient(self, theta, q):
        value, gradient = super().value_and_gradient(theta, q)
        return value, gradient + 0.1 * theta
