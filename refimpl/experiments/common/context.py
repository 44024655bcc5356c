"""What a run is given from outside its configuration, and where its parts run.

An experiment splits into runs that do not need each other: a setting and a group of
seeds each. `Context.runs` hands them to a ``concurrent.futures`` executor, and keeps
the result of each on disk as it arrives, so that a broken-off experiment goes on where
it stopped.
"""

import time
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from refimpl import train
from refimpl.arrays.backend import load, to_numpy

# Seeds below this one were looked at while rules and settings were explored.
FIRST_SEED = 3000


@dataclass(frozen=True)
class Context:
    """Seeds, random streams, data, progress, and an executor.

    Attributes
    ----------
    experiment : str
        Name, from which the random streams are derived.
    seed_count : int, optional
        Replaces the configuration's number of seeds.
    mnist, cifar : Path, optional
        Folder of the four MNIST files, and of the six CIFAR-10 files.
    executor : concurrent.futures.Executor, optional
        Runs go there; without it they run here, one after the other.
    store : RunStore, optional
        Where finished runs are kept.
    progress : Progress, optional
        Told of runs and steps.
    backend : {"numpy", "cupy"}
        Where θ lives, and with it all that is computed of it.
    seeds : tuple of int
        The seeds to run.
    """

    experiment: str
    seed_count: Any = None
    mnist: Path | None = None
    cifar: Path | None = None
    executor: Any = None
    store: Any = None
    progress: Any = None
    backend: str = "numpy"
    seeds: tuple = ()

    @property
    def pictures(self):
        """CIFAR-10 or MNIST where it is given, else the digits that are shipped."""
        return "cifar10" if self.cifar else "mnist" if self.mnist else "digits"

    def rng(self, stream, seed):
        """Generator of the random stream called `stream` for one seed.

        It depends on the names of experiment and stream and on the seed alone, so a
        result does not depend on what runs beside it or before it.
        """
        return np.random.default_rng(self._words(stream, seed))

    def noise(self, stream, seeds):
        """Generator of the noise of one seed, or generators of several.

        On the host each of several seeds has its own, as `rng` makes them, and its
        noise depends on nothing else. On a device one generator draws the noise of all
        of them at once.
        """
        many = isinstance(seeds, (list, tuple))
        if self.backend == "numpy":
            return (
                [self.rng(stream, s) for s in seeds]
                if many
                else self.rng(stream, seeds)
            )
        words = self._words(stream, *(seeds if many else [seeds]))
        return load(self.backend).random.default_rng(words)

    def _words(self, stream, *seeds):
        return [crc32(self.experiment.encode()), crc32(stream.encode()), *seeds]

    def put(self, array):
        """`array`, drawn or read on the host, where it is computed with."""
        return load(self.backend).asarray(array)

    def train(self, objective, theta, optimizer, steps, *args, **options):
        """`refimpl.train`, whose steps are shown as they are done."""
        if self.progress is None:
            return train(objective, theta, optimizer, steps, *args, **options)
        with self.progress.steps(steps) as told:
            return train(
                objective, theta, optimizer, steps, *args, progress=told, **options
            )

    def grid(self, fn, config, label, *axes, seeds=()):
        """Arrays of the runs at all points of a grid, stacked along its axes.

        Parameters
        ----------
        fn, config, label
            As in `runs`.
        *axes : sequence
            Numbers, strings, or tuples of these, whose entries are separate arguments.
        seeds : sequence of int, optional
            Last arguments of each run, which trains them side by side.

        Returns
        -------
        arrays : dict of arrays (len(axis), ..., *shape of a run's)
        """
        tasks = [(*_flat(point), *seeds) for point in product(*axes)]
        results = self.runs(fn, config, tasks, label)
        return stacked(results, [len(axis) for axis in axes])

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
            For whoever watches.

        Returns
        -------
        results : list of dict
            Equal tasks are run once, and have the same result.
        """
        tasks = [tuple(task) for task in tasks]
        once, found = list(dict.fromkeys(tasks)), {}
        if self.store is not None:
            for task in once:
                arrays = self.store.load(fn.__name__, task)
                if arrays is not None:
                    found[task] = arrays
        if self.progress is not None:
            self.progress.runs(self.experiment, label, len(found), len(once))
        missing = [task for task in once if task not in found]
        for task, arrays, seconds in self._computed(fn, config, missing):
            if self.store is not None:
                self.store.save(fn.__name__, task, arrays, seconds)
            found[task] = arrays
            if self.progress is not None:
                self.progress.run_done(self.experiment)
        return [found[task] for task in tasks]

    def _computed(self, fn, config, tasks):
        """Triples (task, result, seconds) as they arrive."""
        if self.executor is None:
            for task in tasks:
                yield task, *timed(fn, config, self, *task)
            return
        alone = replace(self, executor=None, store=None, progress=None)
        futures = {
            self.executor.submit(timed, fn, config, alone, *task): task
            for task in tasks
        }
        try:
            for future in as_completed(futures):
                yield futures[future], *future.result()
        except BaseException:
            for future in futures:
                future.cancel()
            raise


def _flat(point):
    """The entries of `point`, and of the tuples in it."""
    for one in point:
        yield from one if isinstance(one, tuple) else (one,)


def timed(fn, *args):
    """``fn(*args)``, a dict of arrays, on the host, and the seconds it took."""
    start = time.perf_counter()
    result = {name: to_numpy(value) for name, value in fn(*args).items()}
    return result, time.perf_counter() - start


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
