"""A Dask cluster gives the same results, also when it loses a worker."""

import gc
import os
import signal
import subprocess
import sys
import time
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from refimpl.experiments.common.context import Context, stacked
from refimpl.reproduce import cli

distributed = pytest.importorskip("distributed", reason="needs the extra 'cluster'")


@dataclass(frozen=True)
class Config:
    folder: str
    size: int = 3


TASKS = [(name, seed) for name in "ab" for seed in range(6)]


def drawn(config, context, name, seed):
    """Half-way through, the first worker to come here dies as if out of memory."""
    died = Path(config.folder) / "died"
    if (name, seed) == ("b", 0) and config.folder and not died.exists():
        died.write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    return {"x": context.rng(name, seed).random(config.size)}


@pytest.fixture(autouse=True)
def no_client_is_left():
    """A client that did not connect is closed when it is collected; while another is
    starting that waits for ever, for the lock of Dask's loop."""
    gc.collect()
    yield
    gc.collect()


@pytest.fixture(scope="module")
def address():
    """Scheduler of a cluster of two worker processes on this machine."""
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",  # None takes port 8787, or warns
        silence_logs="CRITICAL",
    ) as cluster:
        yield cluster.scheduler_address


def test_results_are_the_same_when_a_worker_is_killed_half_way(address, tmp_path):
    from refimpl.reproduce.cluster import Cluster

    config = Config(str(tmp_path))
    with Cluster(address) as executor:
        context = Context("test", executor=executor)
        there = stacked(context.runs(drawn, config, TASKS, "draws"))
    assert int((tmp_path / "died").read_text()) != os.getpid()
    here = stacked(Context("test").runs(drawn, Config(""), TASKS, "draws"))
    np.testing.assert_array_equal(here["x"], there["x"])


def failing():
    raise ZeroDivisionError("of the run")


def test_an_error_in_a_run_comes_back_as_it_was_raised(address):
    from refimpl.reproduce.cluster import Cluster

    with Cluster(address) as executor, pytest.raises(ZeroDivisionError, match="of the"):
        executor.submit(failing).result()


def test_runs_that_are_stopped_or_cancelled_are_waited_for_by_nobody(address):
    from refimpl.reproduce.cluster import Cluster

    with Cluster(address) as executor:
        asleep = [executor.submit(time.sleep, 1) for _ in range(40)]
        assert asleep[-1].cancel()
        executor.stop()
        done, open_ = futures.wait(asleep, timeout=15)
        assert not open_ and all(one.cancelled() for one in done)


def blas_threads():
    return [n["num_threads"] for n in threadpool_info() if n["user_api"] == "blas"]


def test_blas_has_one_thread_on_a_worker(address):
    from refimpl.reproduce.cluster import Cluster

    def many():
        threadpool_limits(8)

    with distributed.Client(address, set_as_default=False) as client:
        client.run(many)
    with Cluster(address) as executor:
        threads = executor.submit(blas_threads).result()
    assert threads and set(threads) == {1}


def test_the_command_line_computes_the_same_claims_on_a_cluster(address, tmp_path):
    claims = []
    for place in ("--jobs=1", f"--dask={address}"):
        out = tmp_path / place[:6]
        arguments = ["--quick", "--quiet", place, "--out", str(out)]
        assert cli.main([*arguments, "masks_without_replacement"]) == 0
        claims.append((out / "claims.json").read_bytes())
    assert claims[0] == claims[1]


def test_workers_with_another_version_are_refused(address, monkeypatch):
    from refimpl.reproduce import cluster

    monkeypatch.setattr(distributed.Client, "run", lambda *_: {"worker": "another"})
    with pytest.raises(ConnectionError, match="holds another refimpl"):
        cluster.Cluster(address)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere", "tcp://a:b"])
def test_an_address_without_scheduler_is_bad_usage(address, capsys, monkeypatch):
    from refimpl.reproduce import cluster

    monkeypatch.setattr(cluster, "TIMEOUT", 0.5)
    assert cli.main(["--dask", address, "--quick", "lemma1_mean_loss"]) == 2
    assert f"--dask: no scheduler at {address}" in capsys.readouterr().err


def test_a_run_that_has_its_outcome_keeps_it_without_a_word(caplog):
    from refimpl.reproduce import cluster

    one, cancelled = futures.Future(), futures.Future()
    cancelled.cancel()
    cluster._set(one, 1)
    for future in (one, cancelled):
        cluster._set(future, error=futures.BrokenExecutor("too late"))
    assert one.result() == 1 and not caplog.records
    assert futures.wait([cancelled], timeout=5).done


@pytest.mark.parametrize("gone", ["workers", "scheduler"])
def test_where_nobody_is_left_the_runs_fail_and_are_not_waited_for(gone, monkeypatch):
    from refimpl.reproduce import cluster

    monkeypatch.setattr(cluster, "TIMEOUT", 5)
    local = distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        dashboard_address="127.0.0.1:0",
        silence_logs="CRITICAL",
    )
    with cluster.Cluster(local.scheduler_address) as executor:
        monkeypatch.setattr(cluster, "TIMEOUT", 1)
        asleep = [executor.submit(time.sleep, 60) for _ in range(4)]
        local.scale(0) if gone == "workers" else local.close()
        done, open_ = futures.wait(asleep, timeout=30)
        assert not open_
        for one in done:
            with pytest.raises((futures.BrokenExecutor, futures.CancelledError)):
                one.result()
    local.close()


@pytest.mark.slow
def test_a_run_that_loses_all_its_workers_says_so_and_goes_on_later(tmp_path):
    out, root = tmp_path / "lost", Path(cli.__file__).parents[2]
    command = [sys.executable, "reproduce.py", "--quick", "--quiet", "--out", str(out)]
    names = ["lemma1_mean_loss", "r2_exact_vs_monte_carlo"]
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        silence_logs="CRITICAL",
    ) as local:
        process = subprocess.Popen(
            [*command, "--dask", local.scheduler_address, *names],
            cwd=root,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        while not list(out.glob("*/runs/*.npz")):
            assert process.poll() is None
            time.sleep(0.02)
        local.scale(0)
        error = process.communicate(timeout=120)[1]
    assert process.returncode == cli.BROKEN_OFF and error.count("\n") == 1
    assert "a worker or the scheduler was lost" in error
    assert list(out.glob("*/runs/*.npz"))
    for folder in (out, tmp_path / "whole"):
        command[-1] = str(folder)
        ended = subprocess.run([*command, "--jobs=1", *names], cwd=root, timeout=300)
        assert ended.returncode == 0
    claims = [folder / "claims.json" for folder in (out, tmp_path / "whole")]
    assert claims[0].read_bytes() == claims[1].read_bytes()
