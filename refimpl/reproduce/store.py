"""Arrays on disk: results and single runs, found again under the key they have."""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np

from refimpl.data.files import write_atomically
from refimpl.experiments.common import framework
from refimpl.reproduce.code_version import code_version

SECONDS = "run seconds"  # beside the arrays of a run: the time it took


def fingerprint(module, preset, context, data):
    """Key of an experiment's result: its settings and the code that computes it."""
    key = {
        "experiment": context.experiment,
        "preset": preset,
        "config": asdict(framework.config(module, preset, context.seed_count)),
        "data": data,
        "backend": context.backend,
        "code": code_version(Path(module.__file__)),
    }
    return json.dumps(key, sort_keys=True, default=str)


def digest(key):
    """16 hexadecimal digits for a key."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def save_arrays(path, arrays, key):
    """Write `arrays` with their fingerprint, compressed, atomically."""

    def write(temporary):
        with open(temporary, "wb") as file:
            # The names too: a damaged directory of the file can lose arrays.
            np.savez_compressed(file, fingerprint=np.array([key, *arrays]), **arrays)

    write_atomically(path, write)


def load_arrays(path, key):
    """Arrays at `path` if they are there, whole, and of the run `key`; else ``None``.

    Returns
    -------
    arrays : dict or None
    problem : str or None
        Why a file that is there cannot be read.
    """
    path = Path(path)
    try:
        if not path.exists():
            return None, None
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as data:
            own, *names = data["fingerprint"].ravel().tolist()
            if own != key:
                return None, None
            return {name: data[name] for name in names}, None
    except Exception as error:  # NumPy and zipfile raise many kinds at changed bytes
        return None, f"{path} is damaged and is computed again: {error}"


class RunStore:
    """The finished runs of one experiment, a file each, until its result is whole.

    Parameters
    ----------
    folder : path
    key : str
        Of the experiment's result: `fingerprint`.
    warn : callable
        Told of a file that is damaged.

    Attributes
    ----------
    seconds : float
        That all runs took, each where it was computed.
    """

    def __init__(self, folder, key, warn=print):
        self.folder, self.key, self.warn = Path(folder), key, warn
        self.seconds = 0.0

    def load(self, name, task):
        """The result of one run, or ``None``."""
        arrays, problem = load_arrays(*self._place(name, task))
        if problem:
            self.warn(problem)
        if arrays is not None:
            self.seconds += float(arrays.pop(SECONDS))
        return arrays

    def save(self, name, task, arrays, seconds):
        """Keep the result of one run, a dict of arrays, and the time it took."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path, key = self._place(name, task)
        save_arrays(path, arrays | {SECONDS: np.array(seconds)}, key)
        self.seconds += seconds

    def files(self):
        """The files of the runs that are kept."""
        return list(self.folder.glob(f"{digest(self.key)}-*.npz"))

    def clear(self):
        """Remove the runs; those of other settings stay."""
        for path in self.files():
            path.unlink(missing_ok=True)
        with suppress(OSError):  # others are there
            self.folder.rmdir()

    def _place(self, name, task):
        """File of one run, and its key."""
        key = f"{self.key} {name}{task!r}"
        return self.folder / f"{digest(self.key)}-{digest(key)}.npz", key
