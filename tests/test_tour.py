"""The tour for students is a program that runs and shows what it says."""

import json
import re
import runpy
from pathlib import Path

import refimpl

TOUR = Path(__file__).parent.parent / "docs" / "tour.md"


def test_the_tour_runs_and_shows_what_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    program = "\n".join(re.findall(r"```python\n(.*?)```", TOUR.read_text(), re.S))
    assert len(program.splitlines()) <= 45
    names = {}
    exec(compile(program, TOUR.name, "exec"), names)
    risk, theta, noisy = names["risk"], names["theta"], names["noisy"]
    expected = risk(theta) + refimpl.R1(risk, theta, 0.9)
    assert abs(noisy.mean() - expected) < 4 * names["error"]
    assert abs(noisy.mean() - risk(theta)) > 4 * names["error"]
    before, after = capsys.readouterr().out.splitlines()[1].split()
    assert float(after) < float(before)
    counts = [
        refimpl.orientation_count(weights, sizes)
        for weights, sizes in (
            (w, refimpl.amplitude(w, names["net"].outgoing_weights(end)))
            for end in names["ends"].values()
            for w in [names["net"].input_weights(end)]
        )
    ]
    assert counts[1] <= 4 < counts[0]
    assert (tmp_path / "condensation.png").stat().st_size > 0


def test_the_notebook_is_the_tour():
    made = runpy.run_path(str(TOUR.parent / "notebook.py"))["notebook"]
    text = (TOUR.parent / "tour.ipynb").read_text(encoding="utf-8")
    assert json.loads(text) == made(TOUR.read_text(encoding="utf-8"))
    code = ["".join(c["source"]) for c in json.loads(text)["cells"] if "outputs" in c]
    program = re.findall(r"```python\n(.*?)```", TOUR.read_text(encoding="utf-8"), re.S)
    assert code == [block.strip() for block in program]
