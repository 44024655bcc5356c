"""Where runs are computed: in this process, in others beside it, on a Dask cluster.

Each place is a ``concurrent.futures`` executor that can also be stopped at once.
`cluster` is the one that needs Dask.
"""

import multiprocessing
import multiprocessing.connection
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from threading import Thread

from threadpoolctl import threadpool_info, threadpool_limits


class Processes(ProcessPoolExecutor):
    """`jobs` processes that share the cores of this machine."""

    def __init__(self, jobs):
        spawn = multiprocessing.get_context("spawn")
        super().__init__(jobs, spawn, _start_worker, (jobs,))
        self.jobs = jobs
        with _interrupts_held():
            for _ in range(jobs):  # a process each, as none is idle yet
                self.submit(os.getpid)

    def stop(self):
        """End the processes, whatever they compute."""
        for worker in multiprocessing.active_children():
            worker.terminate()


def cores():
    """Number of cores that this process may use: a batch system may lend it a few."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def share_cores(jobs):
    """Hold BLAS to the cores that each of `jobs` runs at a time has.

    Never to more threads than are set, as by OPENBLAS_NUM_THREADS.
    """
    most = max(1, cores() // jobs)
    pools = threadpool_info()
    return threadpool_limits(
        [pool | {"num_threads": min(most, pool["num_threads"])} for pool in pools]
    )


def _start_worker(jobs):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process ends the workers
    Thread(target=_end_with_parent, daemon=True).start()
    share_cores(jobs)


def _end_with_parent():
    """A worker whose parent was killed would wait for its next task for ever."""
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


@contextmanager
def _interrupts_held():
    """Processes that start in here are deaf to Ctrl-C; for this one it comes after."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
