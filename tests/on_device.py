"""The tests of the core a second time, on a device, without a copy of them.

Where a test calls into the package, its NumPy arrays are moved to the device, and what
comes back is moved to the host, so that the same lines make the same demands of either
array module. Calls of the package to itself are left alone: they happen on the device.
"""

import functools
import inspect
import sys
from pathlib import Path
from types import FunctionType, ModuleType

import numpy as np

import refimpl  # noqa: F401 (every class of it is known after this)
from refimpl.arrays.backend import to_numpy
from refimpl.core.network import Network
from refimpl.core.objective import Differentiable
from refimpl.core.training import Divergence

TESTS = Path(__file__).parent

# What takes and returns arrays, of classes; the rest (pack, views, data) is as it is.
METHODS = {
    Differentiable: ("__call__", "gradient", "hvp"),
    Network: ("forward",),
}


class Boundary:
    """Wrappers that move arrays on the way in and on the way out."""

    def __init__(self, xp):
        self.xp, self.inside, self.moved = xp, False, 0

    def to_device(self, value):
        """NumPy arrays, also within lists and tuples, on the device."""
        if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
            self.moved += 1
            return self.xp.asarray(value)
        return within(self.to_device, value)

    def to_host(self, value):
        """Arrays of the device, also within (named) tuples and lists, on the host."""
        if isinstance(value, self.xp.ndarray):
            return to_numpy(value)[()]
        return within(self.to_host, value)

    def wrapped(self, fn):
        """`fn`, called on the device from outside the package."""

        @functools.wraps(fn)
        def call(*args, **kwargs):
            # A function that is given functions of the test would hand them arrays of
            # the device.
            ours = any(map(inspect.isroutine, [*args, *kwargs.values()]))
            if self.inside or ours:
                return fn(*args, **kwargs)
            self.inside = True
            try:
                args = [self.to_device(one) for one in args]
                kwargs = {name: self.to_device(one) for name, one in kwargs.items()}
                return self.to_host(fn(*args, **kwargs))
            except Divergence as error:
                error.history = self.to_host(error.history)
                raise
            finally:
                self.inside = False

        return call

    def seen(self, value):
        """What a test sees in the place of `value`."""
        if isinstance(value, FunctionType) and value.__module__.startswith("refimpl."):
            return self.wrapped(value)
        if isinstance(value, ModuleType) and value.__name__.startswith("refimpl"):
            return Proxy(value, self.seen)
        return value

    def install(self, monkeypatch):
        """Wrap what the test modules hold, and the methods of the package's classes."""
        for module in list(sys.modules.values()):
            path = getattr(module, "__file__", None) or ""
            if TESTS in Path(path).parents and module.__name__ != __name__:
                for name, value in list(vars(module).items()):
                    if self.seen(value) is not value:
                        monkeypatch.setattr(module, name, self.seen(value))
        for base, names in METHODS.items():
            for cls in (base, *descendants(base)):
                for name in names:
                    if name in vars(cls):
                        method = self.wrapped(vars(cls)[name])
                        monkeypatch.setattr(cls, name, method)


class Proxy(ModuleType):
    """A module of the package, seen with its functions wrapped, changed as it is."""

    def __init__(self, module, seen):
        object.__setattr__(self, "_own", (module, seen))

    def __getattribute__(self, name):
        module, seen = object.__getattribute__(self, "_own")
        return seen(getattr(module, name))

    def __setattr__(self, name, value):
        module, _ = object.__getattribute__(self, "_own")
        setattr(module, name, getattr(value, "__wrapped__", value))


def within(fn, value):
    """`fn` of what a list or a (named) tuple holds; anything else as it is."""
    if isinstance(value, tuple):
        parts = [fn(one) for one in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return [fn(one) for one in value] if type(value) is list else value


def descendants(cls):
    """Every class below `cls`."""
    below = cls.__subclasses__()
    return [*below, *(one for child in below for one in descendants(child))]
