"""The formulas only: the tests that prove the equations, run and put in a table."""

import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from refimpl.data.files import write_text
from refimpl.reproduce.records import load as load_record
from refimpl.reproduce.records import read
from refimpl.reproduce.summary import MARKS

FILE = "verify.json"
SOURCE = Path(__file__).resolve().parents[2]


class CannotVerify(Exception):
    """There are no tests to run; says why."""


class BrokenOff(Exception):
    """The tests do not run to their end; says why."""


@dataclass(frozen=True)
class Equation:
    """An equation of derivations/ and its tests."""

    name: str
    title: str
    derivation: str | None  # its file
    passed: int
    failed: int
    status: str  # pass, fail, missing (no test ran), definition or untested


@dataclass(frozen=True)
class Verification:
    """What the tests of the equations said: ``verify.json``."""

    equations: list
    python: str
    time_s: int | float

    @classmethod
    def from_json(cls, content):
        """The verification in a JSON object; ``ValueError`` names what is wrong."""
        found = read(cls, content)
        return replace(found, equations=[read(Equation, e) for e in found.equations])

    @property
    def passed(self):
        """Whether no equation failed and none lacks its test."""
        return all(one.status not in ("fail", "missing") for one in self.equations)


def load(out):
    """The verification kept in `out`: (Verification or ``None``, problem or None)."""
    return load_record(Path(out) / FILE, Verification.from_json)


def verify(out, quiet=False, source=SOURCE):
    """Run the tests that are marked with an equation.

    Parameters
    ----------
    out : Path
        Folder that ``verify.json`` is written to.
    quiet : bool
        Do not show pytest at work.
    source : Path
        Folder of ``tests/`` and ``derivations/``.

    Returns
    -------
    found : Verification

    Raises
    ------
    CannotVerify
        Without pytest or tests.
    BrokenOff
        When pytest itself broke off.
    """
    if not (source / "tests" / "conftest.py").is_file():
        raise CannotVerify(f"no tests in {source}; they come with the source only")
    if importlib.util.find_spec("pytest") is None:
        raise CannotVerify("pytest is not installed: pip install 'refimpl[test]'")
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "equations.json"
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "tests", "-q", "-p", "no:cacheprovider"]
            + ["-m", "equation and not (slow or stand_in or gpu)"]
            + ["--equations", str(path)],
            cwd=source,
            env=os.environ | {"PYTHONPATH": _with_source(source)},
            stdout=subprocess.PIPE if quiet else None,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        if run.returncode not in (0, 1) or not path.is_file():
            raise BrokenOff(
                f"pytest broke off with status {run.returncode}\n{run.stdout or ''}"
            )
        equations = json.loads(path.read_text(encoding="utf-8"))
    found = Verification.from_json(
        {
            "equations": equations,
            "python": platform.python_version(),
            "time_s": round(time.monotonic() - start, 1),
        }
    )
    write_text(out / FILE, json.dumps(asdict(found), indent=1, ensure_ascii=False))
    return found


def table(found):
    """Lines of the table of equations."""
    lines, counts = [], Counter(one.status for one in found.equations)
    for one in found.equations:
        tests = one.passed + one.failed
        number = f"{tests} test{'s'[: tests != 1]}" if tests else ""
        status = f"{MARKS.get(one.status, '–')} {one.status}"
        lines.append(f"{status:13}{one.name:32}{number:>10}  {one.title}")
    summary = ", ".join(f"{count} {status}" for status, count in counts.items())
    total = f"{len(found.equations)} equations: {summary}; {found.time_s:.0f} s"
    return [*lines, "", total]


def _with_source(source):
    return os.pathsep.join(filter(None, [str(source), os.environ.get("PYTHONPATH")]))
