"""What a run is given from outside its configuration, and where its parts run.

An experiment splits into runs that do not need each other: a setting and a group of
seeds each. `Context.runs` hands them to a ``concurrent.futures`` executor, and keeps
the result of each on disk as it arrives, so that a broken-off experiment goes on where
it stopped.
"""

import multiprocessing
import multiprocessing.connection
import os
import signal
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any
from zlib import crc32

import numpy as np
from threadpoolctl import threadpool_limits

from refimpl.training import train


@dataclass(frozen=True)
class Context:
    """Seeds, random streams, data, progress, and an executor.

    Attributes
    ----------
    experiment : str
        Name, from which the random streams are derived.
    seed_count : int, optional
        Replaces the configuration's number of seeds.
    mnist : Path, optional
        Folder of the four MNIST files.
    quiet : bool
        No progress bars.
    executor : concurrent.futures.Executor, optional
        Runs go there; without it they run here, one after the other.
    store : RunStore, optional
        Where finished runs are kept.
    """

    experiment: str
    seed_count: Any = None
    mnist: Path | None = None
    quiet: bool = False
    executor: Any = None
    store: Any = None

    def seeds(self, count):
        """The seeds to run: `count` of them, unless the command line says otherwise."""
        return list(range(self.seed_count or count))

    def rng(self, stream, seed):
        """Generator of the random stream called `stream` for one seed.

        It depends on the names of experiment and stream and on the seed alone, so a
        result does not depend on what runs beside it or before it.
        """
        words = [crc32(self.experiment.encode()), crc32(stream.encode()), seed]
        return np.random.default_rng(words)

    def progress(self, total, label):
        """Progress bar (context manager with ``update(count)``) that shows itself
        after 2 seconds, on a terminal."""
        from tqdm import tqdm

        return tqdm(
            total=total,
            desc=label,
            delay=2,
            leave=False,
            disable=True if self.quiet else None,
        )

    def train(self, objective, theta, optimizer, steps, *args, **options):
        """`refimpl.training.train`, with a progress bar."""
        with self.progress(steps, "steps") as bar:

            def progress(done, loss):
                bar.update(done - bar.n)

            return train(
                objective, theta, optimizer, steps, *args, progress=progress, **options
            )

    def runs(self, fn, config, tasks, label):
        """Result of ``fn(config, context, *task)`` for each of `tasks`, in their order.

        Parameters
        ----------
        fn : callable
            At the top level of its module, as it may run in another process. Returns a
            dict of arrays.
        config : dataclass
        tasks : iterable of tuple
            Numbers and strings: they name the run.
        label : str
            For the progress bar.

        Returns
        -------
        results : list of dict
        """
        tasks = [tuple(task) for task in tasks]
        found = {}
        if self.store is not None:
            for index, task in enumerate(tasks):
                arrays = self.store.load(fn.__name__, task)
                if arrays is not None:
                    found[index] = arrays
        with self.progress(len(tasks), label) as bar:
            bar.update(len(found))
            missing = [index for index in range(len(tasks)) if index not in found]
            for index, arrays in self._computed(fn, config, tasks, missing):
                if self.store is not None:
                    self.store.save(fn.__name__, tasks[index], arrays)
                found[index] = arrays
                bar.update(1)
        return [found[index] for index in range(len(tasks))]

    def _computed(self, fn, config, tasks, indices):
        """Pairs (index, result) as they arrive."""
        if self.executor is None:
            for index in indices:
                yield index, fn(config, self, *tasks[index])
            return
        alone = replace(self, quiet=True, executor=None, store=None)
        futures = {
            self.executor.submit(fn, config, alone, *tasks[index]): index
            for index in indices
        }
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            for future in futures:
                future.cancel()
            raise


def stacked(results, shape=None):
    """The arrays of several runs, stacked: a dict of arrays (*shape, ...).

    Parameters
    ----------
    results : list of dict
        With the same names and shapes.
    shape : tuple of int, optional
        In place of (len(results),).
    """
    columns = {name: np.stack([one[name] for one in results]) for name in results[0]}
    shape = (len(results),) if shape is None else tuple(shape)
    return {name: a.reshape(shape + a.shape[1:]) for name, a in columns.items()}


def process_pool(jobs):
    """Executor of `jobs` processes that share the cores, as a context manager."""
    return ProcessPoolExecutor(
        jobs, multiprocessing.get_context("spawn"), _start_worker, (jobs,)
    )


def stop_processes():
    """End the workers of `process_pool` at once."""
    for worker in multiprocessing.active_children():
        worker.terminate()


def share_cores(jobs):
    """Hold BLAS to the cores that each of `jobs` runs at a time has."""
    return threadpool_limits(max(1, (os.cpu_count() or 1) // jobs))


def _start_worker(jobs):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process ends the workers
    Thread(target=_end_with_parent, daemon=True).start()
    share_cores(jobs)


def _end_with_parent():
    """A worker whose parent was killed would wait for its next task for ever."""
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)
