"""Fixtures, and the table of equations that ends a test run."""

import json
import os

# Small matrices: threads would only wait for each other. Before NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from collections import defaultdict  # noqa: E402
from functools import partial  # noqa: E402
from pathlib import Path  # noqa: E402

import equations  # noqa: E402
import numpy as np  # noqa: E402
import oracles  # noqa: E402
import problems  # noqa: E402
import pytest  # noqa: E402
from array_modules import MODULES, array_module  # noqa: E402

from refimpl.data import cifar_files  # noqa: E402

OUTCOMES = defaultdict(list)  # of the tests of an equation
REJECTED = []  # number of wrong formulas that a test rejected
PROCESSES = 4  # more would wait for the file that takes longest


def pytest_addoption(parser):
    parser.addoption("--mnist", metavar="DIR", help="folder of the four MNIST files")
    parser.addoption(
        "--equations", metavar="FILE", help="write the table of equations as JSON"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """All tests are shared by a few processes, with pytest-xdist; a choice is not."""
    option = config.option
    chosen = config.args_source is not pytest.Config.ArgsSource.TESTPATHS
    shared = hasattr(config, "workerinput")  # this process is one of the few
    # pytest-cov must know of processes before this file is read: then ``-n`` says so.
    covered = getattr(option, "cov_source", None)
    if chosen or shared or covered or option.usepdb:
        return
    if getattr(option, "numprocesses", 0) is None:  # the plugin is there, without -n
        option.numprocesses = min(os.cpu_count(), PROCESSES)
        option.dist = "loadfile"


def pytest_collection_modifyitems(config, items):
    if config.getoption("--mnist") is None:
        skip = pytest.mark.skip(reason="needs --mnist DIR")
        for item in items:
            if "mnist" in item.keywords:
                item.add_marker(skip)


@pytest.fixture
def mnist_folder(request):
    return request.config.getoption("--mnist")


@pytest.fixture
def cifar_folder(tmp_path, monkeypatch):
    """A folder of CIFAR-10's six files in their format, of four images each."""
    monkeypatch.setattr(cifar_files, "RECORDS", 4)
    monkeypatch.setattr(cifar_files, "SIZE", 4 * 3073)
    rng = np.random.default_rng(0)
    for name in (*cifar_files.TRAIN, cifar_files.TEST):
        records = rng.integers(256, size=(4, 3073), dtype=np.uint8)
        records[:, 0] %= 10
        (tmp_path / name).write_bytes(records.tobytes())
    return tmp_path


@pytest.fixture(params=MODULES)
def xp(request):
    """Array module: a test that takes it runs on the host and on the devices."""
    with array_module(request.param) as module:
        yield module


@pytest.fixture(params=MODULES[1:])
def device(request):
    """CuPy or its stand-in, for a test that compares it with the host."""
    with array_module(request.param) as module:
        yield module


@pytest.fixture
def problem(request):
    """`problems.problem`, in the module `xp` where the test takes that too."""
    if "xp" in request.fixturenames:
        return partial(problems.problem, xp=request.getfixturevalue("xp"))
    return problems.problem


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """The report says what its test proves, and how many wrong formulas it rejected."""
    report = yield
    if report.when == "call" or report.failed:
        for marker in item.iter_markers("equation"):
            report.user_properties += [("equation", name) for name in marker.args]
        report.user_properties.append(("rejected", len(oracles.REJECTED)))
        oracles.REJECTED.clear()
    return report


def pytest_runtest_logreport(report):
    """What reports say is gathered where they arrive, from other processes too."""
    for kind, value in report.user_properties:
        if kind == "equation":
            OUTCOMES[value].append(report.outcome)
        elif kind == "rejected":
            REJECTED.append(value)


def pytest_terminal_summary(terminalreporter, config):
    """The table of equations: shown, or written where ``--equations`` says."""
    if not OUTCOMES:
        return
    records = equations.table(OUTCOMES)
    path = config.getoption("--equations")
    if path:
        Path(path).write_text(json.dumps(records), encoding="utf-8")
        return
    terminalreporter.section("equations")
    for one in records:
        verdict = one["status"].upper() if one["failed"] else one["status"]
        if one["status"] == "pass":
            verdict += f" ({one['passed']})"
        terminalreporter.write_line(f"{verdict:12} {one['name']:32} {one['title']}")
    terminalreporter.write_line(
        f"{sum(REJECTED)} wrong formulas were tried and rejected"
    )
