"""The command line is killed and broken off, and started again."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from refimpl.reproduce import cli

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENTS = ("masks_without_replacement", "lemma1_mean_loss")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")


@pytest.fixture(autouse=True)
def heard():
    """Processes hear Ctrl-C, also where the tests are run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def started(out, *arguments):
    """The command line as a process, with its workers in a group of their own."""
    return subprocess.Popen(
        [sys.executable, "reproduce.py", "--quick", "--jobs=2", "--out", str(out)]
        + [*arguments, *EXPERIMENTS],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def killed(process, seconds):
    """Kill the group after `seconds`, and say whether it was at work still."""
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    return False


def wait_until(true):
    for _ in range(3000):
        if true():
            return
        time.sleep(0.02)
    pytest.fail("nothing happens")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Folder and claims.json of a run that nothing breaks off, and its seconds."""
    out = tmp_path_factory.mktemp("undisturbed")
    start = time.monotonic()
    process = started(out)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    return out, (out / "claims.json").read_bytes(), time.monotonic() - start


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_random_moments_it_ends_with_the_same_claims(
    kills, undisturbed, tmp_path
):
    _, claims, seconds = undisturbed
    out, moments, struck = tmp_path / "out", random.Random(kills), 0
    while struck < kills:
        process = started(out)
        if killed(process, moments.uniform(0, 0.8 * seconds)):
            struck += 1
        else:  # it was done before: once more from the beginning
            shutil.rmtree(out)
    out.mkdir(exist_ok=True)
    (out / f".refimpl-{process.pid}-claims.json").write_text("half")
    process = started(out, "--quiet")
    _, errors = process.communicate()
    assert process.returncode == 0 and errors == ""
    assert (out / "claims.json").read_bytes() == claims
    assert not list(out.rglob(".*"))  # nothing half-written is left
    assert not list(out.rglob("runs"))


def test_the_claims_do_not_depend_on_the_number_of_processes(undisturbed, tmp_path):
    _, claims, _ = undisturbed
    arguments = ["--quick", "--quiet", "--jobs=1", "--out", str(tmp_path)]
    assert cli.main([*arguments, *EXPERIMENTS]) == 0
    assert (tmp_path / "claims.json").read_bytes() == claims


def test_ctrl_c_says_what_is_done_and_ends_quietly(tmp_path):
    process = started(tmp_path, "--quiet")
    runs = tmp_path / EXPERIMENTS[0] / "runs"
    wait_until(lambda: list(runs.glob("[!.]*.npz")))
    os.killpg(process.pid, signal.SIGINT)  # the terminal tells the whole group
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    first, *table = errors.strip().splitlines()
    assert first == "broken off; the same command goes on from here:"
    assert [line.split()[0] for line in table] == list(EXPERIMENTS)
    assert "kept" in table[0] or "done" in table[0]


@pytest.mark.parametrize("seconds", [0, 0.1, 0.5])
def test_ctrl_c_while_processes_start_leaves_no_traceback(seconds, tmp_path):
    out = tmp_path / "out"
    process = started(out)
    wait_until(out.exists)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors and "leaked" not in errors


def test_a_second_start_computes_nothing(undisturbed):
    out, claims, _ = undisturbed
    process = started(out)
    _, told = process.communicate()
    told = " ".join(told.split())  # lines are broken at words
    assert told.count("; from the folder ") == len(EXPERIMENTS)
    assert (out / "claims.json").read_bytes() == claims
