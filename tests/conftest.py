"""Fixtures, and the table of equations that ends a test run."""

import json
import os

# Small matrices: threads would only wait for each other. Before NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from collections import defaultdict  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from pathlib import Path  # noqa: E402

import equations  # noqa: E402
import numpy  # noqa: E402
import on_device  # noqa: E402
import oracles  # noqa: E402
import pytest  # noqa: E402
import strict  # noqa: E402

OUTCOMES = defaultdict(list)


def pytest_addoption(parser):
    parser.addoption("--mnist", metavar="DIR", help="folder of the four MNIST files")
    parser.addoption(
        "--equations", metavar="FILE", help="write the table of equations as JSON"
    )


def pytest_collection_modifyitems(config, items):
    if config.getoption("--mnist") is None:
        skip = pytest.mark.skip(reason="needs --mnist DIR")
        for item in items:
            if "mnist" in item.keywords:
                item.add_marker(skip)


@pytest.fixture
def mnist_folder(request):
    return request.config.getoption("--mnist")


def _device():
    try:
        import cupy

        cupy.cuda.runtime.getDeviceCount()
    except Exception:  # not installed, no driver, no device: all mean skip
        return None
    return cupy


MODULES = [
    "numpy",
    pytest.param("strict", marks=pytest.mark.stand_in),
    pytest.param("cupy", marks=pytest.mark.gpu),
]

# Test modules of the core that are run on the devices too, as they are (`on_device`):
# those that hand arrays over. Masks and updates have tests of their own, `test_fused`.
ON_DEVICES = {
    "test_condensation",
    "test_contributions",
    "test_baselines",
    "test_hessian",
    "test_delta_method",
    "test_enumeration",
    "test_expectation",
    "test_flow",
    "test_gauss_newton",
    "test_iterates",
    "test_landscape",
    "test_linear_skip",
    "test_modified_losses",
    "test_network",
    "test_r2",
    "test_r2_gradient",
    "test_r1",
    "test_risk",
    "test_shapes",
    "test_spectra",
    "test_theorem_1",
    "test_theorem_2",
    "test_training",
}


def pytest_generate_tests(metafunc):
    if metafunc.module.__name__ in ON_DEVICES:
        metafunc.parametrize("device", MODULES, indirect=True)


@contextmanager
def array_module(name):
    """NumPy, a stand-in for CuPy, or CuPy where there is a device."""
    if name == "numpy":
        yield numpy
    elif name == "strict":
        with strict.installed():
            yield strict.device
    elif (cupy := _device()) is None:
        pytest.skip("needs CuPy and a CUDA device")
    else:
        yield cupy


@pytest.fixture(params=MODULES)
def xp(request):
    """Array module."""
    with array_module(request.param) as module:
        yield module


@pytest.fixture(autouse=True)
def device(request):
    """Where the package computes a test: ``None``, unless `ON_DEVICES` names it."""
    name = getattr(request, "param", "numpy")
    if name == "numpy":
        yield
        return
    with array_module(name) as module, pytest.MonkeyPatch.context() as patches:
        on_device.Boundary(module).install(patches)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call" or report.failed:
        for marker in item.iter_markers("equation"):
            for name in marker.args:
                OUTCOMES[name].append(report.outcome)
    return report


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
        f"{len(oracles.REJECTED)} wrong formulas were tried and rejected"
    )
