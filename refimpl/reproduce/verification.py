"""The formulas only: the tests that prove the equations, run and put in a table."""

import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from refimpl.reproduce.results import write_text

FILE = "verify.json"
SOURCE = Path(__file__).resolve().parents[2]
MARKS = {"pass": "PASS", "fail": "FAIL", "missing": "MISS"}


class CannotVerify(Exception):
    """There are no tests to run, or they do not run; says why."""


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
    found : dict
        ``equations``: a list of {"name", "title", "derivation", "passed" and "failed"
        (numbers of tests), "status"}, where the status is "pass", "fail", "missing" (no
        test ran), "definition" or "untested"; ``python``; ``time_s``.

    Raises
    ------
    CannotVerify
        Without pytest or tests, or when pytest itself broke off.
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
            raise CannotVerify(
                f"pytest broke off with status {run.returncode}\n{run.stdout or ''}"
            )
        equations = json.loads(path.read_text(encoding="utf-8"))
    found = {
        "equations": equations,
        "python": platform.python_version(),
        "time_s": round(time.monotonic() - start, 1),
    }
    write_text(out / FILE, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    return found


def passed(found):
    """Whether no equation failed and none lacks its test."""
    return all(one["status"] not in ("fail", "missing") for one in found["equations"])


def table(found):
    """Lines of the table of equations."""
    lines, counts = [], {}
    for one in found["equations"]:
        status = one["status"]
        counts[status] = counts.get(status, 0) + 1
        tests = one["passed"] + one["failed"]
        number = f"{tests} test{'s'[: tests != 1]}" if tests else ""
        mark = MARKS.get(status, "----")
        words = "" if status in MARKS else f" ({status})"
        lines.append(f"{mark}  {one['name']:32}{number:>10}  {one['title']}{words}")
    summary = ", ".join(f"{count} {status}" for status, count in counts.items())
    count = len(found["equations"])
    return [*lines, "", f"{count} equations: {summary}; {found['time_s']:.0f} s"]


def _with_source(source):
    return os.pathsep.join(filter(None, [str(source), os.environ.get("PYTHONPATH")]))
