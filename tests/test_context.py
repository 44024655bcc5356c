"""Runs give the same result wherever they run, and are kept as they arrive."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from refimpl import results
from refimpl.experiments.context import (
    Context,
    process_pool,
    stacked,
    stop_processes,
)


@dataclass(frozen=True)
class Config:
    size: int = 3


def draw(config, context, name, seed):
    return {"x": context.rng(name, seed).random(config.size), "seed": seed}


TASKS = [(name, seed) for name in "ab" for seed in range(3)]


@pytest.fixture(scope="module")
def pool():
    with process_pool(2) as executor:
        yield executor


def measured(context):
    return stacked(context.runs(draw, Config(), TASKS, "draws"), (2, 3))


def test_results_are_the_same_here_and_in_other_processes(pool):
    here = measured(Context("test", quiet=True))
    there = measured(Context("test", quiet=True, executor=pool))
    assert here.keys() == there.keys()
    for name in here:
        np.testing.assert_array_equal(here[name], there[name])
    assert here["seed"].tolist() == [[0, 1, 2], [0, 1, 2]]
    assert len(np.unique(here["x"])) == here["x"].size


def test_a_failed_run_fails_the_experiment(pool):
    with pytest.raises(TypeError):
        Context("test", quiet=True, executor=pool).runs(draw, Config(), [(1,)], "")


def broken(config, context, name, seed):
    if (name, seed) == ("b", 1):
        raise KeyboardInterrupt
    return draw(config, context, name, seed)


def test_a_broken_off_experiment_goes_on_where_it_stopped(tmp_path, monkeypatch):
    store = results.RunStore(tmp_path / "runs", "key")
    context = Context("test", quiet=True, store=store)
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
    assert calls == TASKS[4:] and store.found == 4
    whole = stacked(Context("test", quiet=True).runs(draw, Config(), TASKS, "draws"))
    for name in whole:
        np.testing.assert_array_equal(found[name], whole[name])
    other = results.RunStore(store.folder, "another key")
    assert other.load("draw", TASKS[0]) is None
    store.clear()
    assert not store.folder.exists()


def test_a_damaged_run_is_named_and_computed_again(tmp_path):
    said = []
    store = results.RunStore(tmp_path, "key", said.append)
    context = Context("test", quiet=True, store=store)
    (first,) = context.runs(draw, Config(), TASKS[:1], "draws")
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:99])
    (again,) = context.runs(draw, Config(), TASKS[:1], "draws")
    np.testing.assert_array_equal(first["x"], again["x"])
    assert file.name in said[0] and "damaged" in said[0]


def test_processes_can_be_stopped():
    with process_pool(1) as executor:
        executor.submit(abs, -1).result()
        stop_processes()


KILLED = """
import os, signal, time
from refimpl.experiments.context import process_pool

if __name__ == "__main__":
    pool = process_pool(1)
    print(pool.submit(os.getpid).result(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_processes_end_when_their_parent_is_killed(tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    run = subprocess.run([sys.executable, script], capture_output=True, timeout=60)
    worker = int(run.stdout.split()[0])
    assert run.returncode == -signal.SIGKILL
    for _ in range(100):
        if not alive(worker):
            return
        time.sleep(0.1)
    os.kill(worker, signal.SIGKILL)
    pytest.fail(f"the worker {worker} lives on")


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
