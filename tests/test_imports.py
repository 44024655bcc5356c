"""Importing the package is quick: what is heavy waits until it is used."""

import subprocess
import sys

HEAVY = (
    "matplotlib",
    "scipy.sparse",
    "scipy.stats",
    "scipy.integrate",
    "tqdm",
    "threadpoolctl",
    "multiprocessing",
    "concurrent.futures",
    "distributed",
    "cupy",
    "subprocess",
)


def imported(statement):
    """Those of `HEAVY` that Python holds after `statement`."""
    program = f"import sys; {statement}; print(sorted({{*{HEAVY}}} & {{*sys.modules}}))"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


def test_importing_the_package_imports_nothing_heavy():
    # NumPy 2.0 imports subprocess itself.
    assert imported("import refimpl") == imported("import numpy")


def test_a_heavy_import_would_be_seen():
    heavy = imported("import refimpl, tqdm, scipy.stats")
    assert heavy != imported("import numpy")


def test_the_command_line_waits_with_them_until_it_runs_something():
    parsed = imported("from refimpl.reproduce.options import parser; parser()")
    assert "scipy" not in parsed
    listing = imported("from refimpl.reproduce.selection import listing; listing([])")
    assert "scipy" not in listing and "matplotlib" not in listing
