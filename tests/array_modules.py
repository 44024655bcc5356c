"""The array modules that the tests run on: NumPy, a stand-in for CuPy, CuPy."""

from contextlib import contextmanager

import numpy
import pytest
import strict


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
