"""Results on disk: arrays, figures and claims, written atomically, found again."""

import hashlib
import io
import json
import os
import re
import shutil
import struct
import zipfile
import zlib
from dataclasses import asdict
from pathlib import Path

import numpy as np

from refimpl.reproduce.code_version import ROOT, code_version
from refimpl.reproduce.report.terminal import table

CLAIMS_FILE = "claims.json"
FIGURE_KINDS = {"png": {}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}
# What NumPy, zipfile and zlib raise at files with bytes missing or changed.
DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
SECONDS = "run seconds"  # beside the arrays of a run: the time it took


def write_atomically(path, write):
    """Call ``write(temporary_path)``, then put the file in the place of `path`.

    Whatever breaks off, `path` is either the old file or the new one.
    """
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        write(temporary)
        if path.is_dir():  # not ours, and in the way
            os.replace(path, path.with_name(f"{path.name}.damaged"))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_temporaries(out):
    """Delete what `write_atomically` left in the folder `out` when it was killed."""
    for path in Path(out).rglob(".*-*"):
        writer = re.match(r"\.(\d+)-", path.name)
        if writer and path.is_file() and not _alive(int(writer[1])):
            path.unlink(missing_ok=True)


def _alive(pid):
    if os.name != "posix":  # elsewhere to ask is to kill
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def fingerprint(name, preset, config, context):
    """Key of an experiment's result: its settings and the code that computes it."""
    key = {
        "experiment": name,
        "preset": preset,
        "config": asdict(config),
        "seeds": context.seed_count,
        "mnist": context.mnist is not None,
        "backend": context.backend,
        "code": code_version(ROOT / "experiments" / f"{name}.py"),
    }
    return json.dumps(key, sort_keys=True, default=str)


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
    if not path.exists():
        return None, None
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as data:
            own, *names = data["fingerprint"].ravel().tolist()
            if own != key:
                return None, None
            return {name: data[name] for name in names}, None
    except DAMAGE as error:
        return None, f"{path} is damaged and is computed again: {error}"


class RunStore:
    """The finished runs of one experiment, a file each, until its result is whole.

    Parameters
    ----------
    folder : path
    key : str
        Of the experiment's result: `fingerprint`.
    report : callable
        Told of a file that is damaged.

    Attributes
    ----------
    found : int
        Runs of earlier sessions that were taken up.
    seconds : float
        That all runs took, each where it was computed.
    """

    def __init__(self, folder, key, report=print):
        self.folder, self.key, self.report = Path(folder), key, report
        self.found, self.seconds = 0, 0.0

    def load(self, name, task):
        """The result of one run, or ``None``."""
        arrays, problem = load_arrays(*self._place(name, task))
        if problem:
            self.report(problem)
        if arrays is not None:
            self.found += 1
            self.seconds += float(arrays.pop(SECONDS))
        return arrays

    def save(self, name, task, arrays, seconds):
        """Keep the result of one run, a dict of arrays, and the time it took."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path, key = self._place(name, task)
        save_arrays(path, arrays | {SECONDS: np.array(seconds)}, key)
        self.seconds += seconds

    def clear(self):
        """Remove all runs of the experiment."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _place(self, name, task):
        """File of one run, and its key."""
        key = f"{self.key} {name}{task!r}"
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz", key


def draw(figures):
    """File name → content of each figure; the same figure is the same content."""
    files = {}
    for name, figure in figures.items():
        for kind, undated in FIGURE_KINDS.items():
            content = io.BytesIO()
            figure.savefig(content, format=kind, metadata=undated)
            files[f"{name}.{kind}"] = content.getvalue()
            figure.set_layout_engine("none")  # the places found are kept: half the time
    return files


def load_claims(out):
    """Claims of earlier runs in the folder `out`: (list, problem or None)."""
    path = Path(out) / CLAIMS_FILE
    if not path.is_file():
        return [], None
    try:
        claims = json.loads(path.read_text(encoding="utf-8"))
        for claim in claims:
            claim["id"], claim["experiment"], claim["source"], claim["criterion"]
            table([claim])
        return claims, None
    except (OSError, ValueError, KeyError, TypeError) as error:
        aside = path.with_suffix(".damaged.json")
        os.replace(path, aside)
        return [], f"{path} is damaged and was moved to {aside.name}: {error}"


def save_claims(out, claims):
    """Write the list of claims as JSON, atomically."""
    text = json.dumps(claims, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(Path(out) / CLAIMS_FILE, text + "\n")


def save_files(folder, files):
    """Write each content (bytes) under its name into `folder`, atomically."""
    for name, content in files.items():
        path = Path(folder) / name
        write_atomically(path, lambda temporary: temporary.write_bytes(content))


def write_text(path, text):
    """Write `text` in UTF-8, atomically."""
    write_atomically(path, lambda t: t.write_text(text, encoding="utf-8"))


def as_record(result, experiment, preset, seeds):
    """A measured claim in the format of ``claims.json``."""
    record = {
        "id": result.claim.id,
        "statement": result.claim.statement,
        "source": result.claim.source,
        "criterion": result.claim.criterion,
        "measured": _finite(result.measured),
    }
    if result.standard_error is not None:
        record["standard_error"] = _finite(result.standard_error)
    if result.interval is not None:
        record["interval"] = [_finite(x) for x in result.interval]
    if result.detail:
        record["detail"] = result.detail
    return record | {
        "verdict": result.verdict,
        "experiment": experiment,
        "preset": preset,
        "seeds": seeds,
    }


def _finite(number):
    """JSON has no infinity and no NaN."""
    return number if number is not None and np.isfinite(number) else None
