"""Other processes: they end when they are told to, and when their parent is gone."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from refimpl.reproduce import executors
from refimpl.reproduce.executors import Processes


def test_processes_can_be_stopped_whatever_they_compute():
    with Processes(1) as executor:
        asleep = executor.submit(time.sleep, 600)
        executor.stop()
        with pytest.raises(BrokenExecutor):
            asleep.result(timeout=60)


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="needs POSIX")
def test_processes_are_deaf_to_ctrl_c_from_their_start():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with Processes(1) as executor:
        held = executor.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result()
    assert signal.SIGINT in held
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


def blas_threads():
    return [n["num_threads"] for n in threadpool_info() if n["user_api"] == "blas"]


def test_blas_has_the_cores_that_a_process_has(monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)  # for the processes
    jobs = os.cpu_count()
    with Processes(jobs) as executor:
        threads = executor.submit(blas_threads).result()
    assert threads and set(threads) == {1}


@pytest.mark.parametrize("was, cores, becomes", [(1, 8, 1), (4, 2, 2), (4, 1, 1)])
def test_blas_is_held_to_the_cores_and_never_given_more_than_is_set(
    was, cores, becomes, monkeypatch
):
    monkeypatch.setattr(executors, "cores", lambda: cores)
    with threadpool_limits(was):
        with executors.share_cores(1):
            assert set(blas_threads()) == {becomes}
        assert set(blas_threads()) == {was}


KILLED = """
import os, signal, time
from refimpl.reproduce.executors import Processes

if __name__ == "__main__":
    pool = Processes(1)
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
