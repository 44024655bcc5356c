"""Equations of derivations/, the code that computes them, the tests that prove them."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADING = re.compile(r"^#{2,4} (eq:[a-z0-9-]+) (.*)$")
STATUS = re.compile(r"^status: (definition|untested)\b")
NAMED = re.compile(r"Equation: ((?:eq:[a-z0-9-]+)(?:, eq:[a-z0-9-]+)*)")


def derived():
    """Name → (title, status, file) of every heading ``### eq:name Title``."""
    found = {}
    for path in sorted((ROOT / "derivations").glob("*.md")):
        name = None
        for line in path.read_text(encoding="utf-8").splitlines():
            heading, status = HEADING.match(line), STATUS.match(line)
            if heading:
                name = heading[1]
                if name in found:
                    raise ValueError(f"{name} is derived twice, again in {path.name}")
                found[name] = [heading[2], "proven", path.name]
            elif status and name:
                found[name][1] = status[1]
    return found


def coded():
    """Name → files whose docstrings say ``Equation: name``."""
    found = {}
    for path in sorted((ROOT / "refimpl").rglob("*.py")):
        for names in NAMED.findall(path.read_text(encoding="utf-8")):
            for name in names.split(", "):
                found.setdefault(name, set()).add(path.name)
    return found


def table(outcomes):
    """One record an equation, from the outcomes of the tests that name it.

    Parameters
    ----------
    outcomes : dict
        Name to a list of "passed", "failed" and "skipped".

    Returns
    -------
    records : list of dict
        In the order of the derivations; what they hold is said in
        `refimpl.reproduce.verification`.
    """
    records = []
    for name, (title, status, file) in derived().items():
        passed, failed = (
            outcomes.get(name, []).count(outcome) for outcome in ("passed", "failed")
        )
        if failed:
            status = "fail"
        elif passed:
            status = "pass"
        elif status == "proven":
            status = "missing"
        records.append(
            {
                "name": name,
                "title": title,
                "derivation": f"derivations/{file}",
                "passed": passed,
                "failed": failed,
                "status": status,
            }
        )
    return records
