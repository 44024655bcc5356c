"""Results on disk: arrays, figures and claims, written atomically, found again."""

import hashlib
import json
import os
import shutil
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from refimpl.code_version import ROOT, code_version
from refimpl.report.terminal import table

CLAIMS_FILE = "claims.json"
FIGURE_KINDS = {"png": {}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}


def write_atomically(path, write):
    """Call ``write(temporary_path)``, then put the file in the place of `path`.

    Whatever breaks off, `path` is either the old file or the new one.
    """
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def fingerprint(name, preset, config, seed_count, mnist):
    """Key of an experiment's result: its settings and the code that computes it."""
    key = {
        "experiment": name,
        "preset": preset,
        "config": asdict(config),
        "seeds": seed_count,
        "mnist": mnist is not None,
        "code": code_version(ROOT / "experiments" / f"{name}.py"),
    }
    return json.dumps(key, sort_keys=True, default=str)


def save_arrays(path, arrays, key):
    """Write `arrays` with their fingerprint, compressed, atomically."""

    def write(temporary):
        with open(temporary, "wb") as file:
            np.savez_compressed(file, fingerprint=np.array(key), **arrays)

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
    if not path.is_file():
        return None, None
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as data:
            if str(data["fingerprint"]) != key:
                return None, None
            return {n: data[n] for n in data.files if n != "fingerprint"}, None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
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
    """

    def __init__(self, folder, key, report=print):
        self.folder, self.key, self.report = Path(folder), key, report
        self.found = 0

    def load(self, name, task):
        """The result of one run, or ``None``."""
        arrays, problem = load_arrays(*self._place(name, task))
        if problem:
            self.report(problem)
        self.found += arrays is not None
        return arrays

    def save(self, name, task, arrays):
        """Keep the result of one run, a dict of arrays."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path, key = self._place(name, task)
        save_arrays(path, arrays, key)

    def clear(self):
        """Remove all runs of the experiment."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _place(self, name, task):
        """File of one run, and its key."""
        key = f"{self.key} {name}{task!r}"
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz", key


def save_figures(folder, figures):
    """Write each figure as PNG, PDF and SVG; the same figure is the same file."""
    for name, figure in figures.items():
        for kind, undated in FIGURE_KINDS.items():
            write_atomically(
                Path(folder) / f"{name}.{kind}",
                lambda path: figure.savefig(path, format=kind, metadata=undated),
            )


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
