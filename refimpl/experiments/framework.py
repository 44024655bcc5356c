"""What an experiment is made of: claims, a context to run in, and its discovery.

An experiment is a module of this package with

- a docstring, whose first line is its title;
- ``CLAIMS``, a tuple of `Claim`, fixed before anything is measured;
- ``Config``, a frozen dataclass, and ``PRESETS``: "quick", "default" and "paper";
- ``run(config, context)``, which returns a dict of NumPy arrays;
- ``check(arrays)``, which returns one `Result` per claim;
- ``plot(arrays)``, which returns a dict from name to Matplotlib figure.

``run`` never plots and ``plot`` never computes.
"""

import os
import pkgutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from threadpoolctl import threadpool_limits

PRESETS = ("quick", "default", "paper")
HELPERS = ("framework", "statistics", "style")


@dataclass(frozen=True)
class Claim:
    """A statement with the criterion that decides it.

    Attributes
    ----------
    id : str
        Unique over all experiments.
    statement : str
        What is claimed, in words.
    source : str
        The place in the paper ("Lemma 1", "Figure 4d"), or "this project".
    criterion : str
        What is measured and when it passes.
    """

    id: str
    statement: str
    source: str
    criterion: str

    def result(self, passed, measured, interval=None, standard_error=None, detail=""):
        """The measured claim.

        Parameters
        ----------
        passed : bool
        measured : float
        interval : (float, float), optional
            95% confidence interval.
        standard_error : float, optional
        detail : str
            What a reader needs beside the number.
        """
        return Result(
            self,
            "pass" if passed else "fail",
            float(measured),
            None if interval is None else tuple(float(x) for x in interval),
            None if standard_error is None else float(standard_error),
            detail,
        )

    def not_attempted(self, reason):
        """The claim, not measured, and why."""
        return Result(self, "not attempted", None, None, None, reason)


@dataclass(frozen=True)
class Result:
    """A claim with what was measured."""

    claim: Claim
    verdict: str
    measured: Any
    interval: Any
    standard_error: Any
    detail: str


@dataclass(frozen=True)
class Context:
    """What a run is given from outside its configuration.

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
    """

    experiment: str
    seed_count: Any = None
    mnist: Path | None = None
    quiet: bool = False

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

    def map(self, fn, tasks):
        """``[fn(task) for task in tasks]``, on as many threads as there are cores.

        NumPy lets go of the interpreter inside array operations. BLAS is held to one
        thread a task: two tasks on two cores beat two tasks that share every product.
        """
        tasks = list(tasks)
        workers = min(len(tasks), os.cpu_count() or 1)
        with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(fn, task) for task in tasks]
            try:
                return [future.result() for future in futures]
            except BaseException:
                for future in futures:
                    future.cancel()
                raise

    def track(self, bar):
        """Callback for `train` that moves `bar` along with the steps."""
        done_before = 0

        def progress(done, loss):
            nonlocal done_before
            bar.update(done - done_before)
            done_before = done

        return progress


def names():
    """Names of all experiments, in alphabetical order."""
    import refimpl.experiments

    found = pkgutil.iter_modules(refimpl.experiments.__path__)
    return sorted(module.name for module in found if module.name not in HELPERS)


def load(name):
    """The experiment module called `name`."""
    return import_module(f"refimpl.experiments.{name}")


def title(module):
    """First line of the experiment's docstring, without its full stop."""
    return module.__doc__.strip().splitlines()[0].rstrip(".")
