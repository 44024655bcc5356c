"""Runs give the same result wherever they run, and are kept as they arrive."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from refimpl.experiments.common import framework
from refimpl.experiments.common.context import FIRST_SEED, Context, stacked
from refimpl.reproduce.executors import Processes
from refimpl.reproduce.store import RunStore


@dataclass(frozen=True)
class Config:
    size: int = 3


@dataclass(frozen=True)
class Settings(Config):
    seeds: int = 3


def draw(config, context, name, seed):
    return {"x": context.rng(name, seed).random(config.size), "seed": seed}


TASKS = [(name, seed) for name in "ab" for seed in range(3)]


@pytest.fixture(scope="module")
def pool():
    with Processes(2) as executor:
        yield executor


def measured(context):
    return stacked(context.runs(draw, Config(), TASKS, "draws"), (2, 3))


def test_results_are_the_same_here_and_in_other_processes(pool):
    here = measured(Context("test"))
    there = measured(Context("test", executor=pool))
    assert here.keys() == there.keys()
    for name in here:
        np.testing.assert_array_equal(here[name], there[name])
    assert here["seed"].tolist() == [[0, 1, 2], [0, 1, 2]]
    assert len(np.unique(here["x"])) == here["x"].size


def test_a_grid_is_the_stack_of_its_runs():
    context = Context("test")
    grid = context.grid(draw, Config(), "draws", "ab", range(3))
    found = measured(context)
    assert grid["x"].shape == (2, 3, 3) and grid.keys() == found.keys()
    for name in found:
        np.testing.assert_array_equal(grid[name], found[name])


def arguments(config, context, *task):
    return {"task": np.array([str(one) for one in task])}


def test_a_grid_hands_on_the_entries_of_tuples_and_the_seeds_last():
    cases = [("R_S", "no"), ("L2", "shared")]
    grid = Context("test").grid(arguments, Config(), "", cases, [0.5], seeds=[7, 8])
    assert grid["task"].shape == (2, 1, 5)
    assert grid["task"][1, 0].tolist() == ["L2", "shared", "0.5", "7", "8"]


def test_equal_runs_are_run_once():
    calls = []

    def counted(config, context, *task):
        calls.append(task)
        return draw(config, context, *task)

    tasks = [("a", 1), ("b", 1), ("a", 1)]
    first, other, again = Context("test").runs(counted, Config(), tasks, "")
    assert calls == tasks[:2]
    np.testing.assert_array_equal(first["x"], again["x"])
    assert (first["x"] != other["x"]).all()


def test_seeds_are_those_that_were_not_explored():
    assert FIRST_SEED == 3000
    module = SimpleNamespace(run=lambda config, context: {"run": context.seeds})
    for count, seeds in ((3, [3000, 3001, 3002]), (2, [3000, 3001])):
        arrays = framework.run(module, SimpleNamespace(seeds=count), Context("test"))
        assert arrays["seeds"].tolist() == arrays["run"].tolist() == seeds
        assert arrays["data"] == "none"


def test_a_failed_run_fails_the_experiment(pool):
    with pytest.raises(TypeError):
        Context("test", executor=pool).runs(draw, Config(), [(1,)], "")


def broken(config, context, name, seed):
    if (name, seed) == ("b", 1):
        raise KeyboardInterrupt
    return draw(config, context, name, seed)


def test_a_broken_off_experiment_goes_on_where_it_stopped(tmp_path, monkeypatch):
    store = RunStore(tmp_path / "runs", "key")
    context = Context("test", store=store)
    monkeypatch.setattr(broken, "__name__", "draw")  # the same run, by its name
    with pytest.raises(KeyboardInterrupt):
        context.runs(broken, Config(), TASKS, "draws")
    assert len(list(store.folder.iterdir())) == 4
    calls = []

    def counted(config, context, *task):
        calls.append(task)
        return draw(config, context, *task)

    counted.__name__ = "draw"
    found = stacked(context.runs(counted, Config(), TASKS, "draws"))
    assert calls == TASKS[4:]
    whole = stacked(Context("test").runs(draw, Config(), TASKS, "draws"))
    for name in whole:
        np.testing.assert_array_equal(found[name], whole[name])
    other = RunStore(store.folder, "another key")
    assert other.load("draw", TASKS[0]) is None
    store.clear()
    assert not store.folder.exists()


def test_a_damaged_run_is_named_and_computed_again(tmp_path):
    said = []
    store = RunStore(tmp_path, "key", said.append)
    context = Context("test", store=store)
    (first,) = context.runs(draw, Config(), TASKS[:1], "draws")
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:99])
    (again,) = context.runs(draw, Config(), TASKS[:1], "draws")
    np.testing.assert_array_equal(first["x"], again["x"])
    assert file.name in said[0] and "damaged" in said[0]


def test_a_number_of_seeds_is_a_setting_of_the_preset():
    module = SimpleNamespace(Config=Settings, QUICK=Settings(size=2))
    assert framework.config(module, "default") == Settings()
    assert framework.config(module, "default", 7) == Settings(seeds=7)
    assert framework.config(module, "quick", 7) == Settings(size=2, seeds=7)
    assert module.QUICK == Settings(size=2)
