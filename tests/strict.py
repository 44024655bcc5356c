"""A stand-in for CuPy: its interface and its strictness, computed by NumPy.

What CuPy refuses is refused: NumPy arrays as operands, implicit conversion to NumPy,
an ``out`` that is not of the result's shape, functions, methods and keywords that
CuPy has not (as far as CuPy is installed, to look them up: it needs no device for
that). What makes the host wait for a device, or moves data between them, is counted.

Put under the name ``cupy`` in ``sys.modules``, `device` is what `get_xp` finds.
"""

import inspect
import re
import sys
import time
import traceback
from functools import lru_cache
from types import ModuleType, SimpleNamespace

import numpy as np

try:
    import cupy as real
except ImportError:
    real = None


class Traffic:
    """Waits of the host for the device, and transfers between the two."""

    def __init__(self):
        self.count, self.places = 0, None

    def add(self, what):
        self.count += 1
        if self.places is not None:
            frames = [f for f in traceback.extract_stack() if "/refimpl/" in f.filename]
            where = [f"{f.filename.rsplit('/', 1)[1]}:{f.lineno}" for f in frames[-2:]]
            self.places.append(f"{what} at {' > '.join(where)}")


TRAFFIC = Traffic()


@lru_cache(maxsize=None)
def signature(owner, name):
    """Signature of CuPy's `name`; ``None`` where CuPy does not tell.

    Compiled methods say theirs in the first line of their docstring.
    """
    found = getattr(owner, name)
    if isinstance(found, real.ufunc):
        inputs = ", ".join(f"x{i}" for i in range(found.nin))
        return _parsed(f"({inputs}, out=None, *, casting=0, dtype=None)")
    if inspect.isfunction(found) or inspect.isfunction(type(found).__call__):
        return inspect.signature(found)
    line = (found.__doc__ or "").partition("\n")[0]
    listed = re.search(r"\((.*)\)", line)
    return _parsed(f"({listed[1]})") if listed else None


def _parsed(arguments):
    arguments = re.sub(r"(\w+ )(?=\w+[,)=])", "", arguments)  # C types
    arguments = re.sub(r"=[^,)]+", "=None", arguments)
    made = {}
    exec(f"def f{arguments}: pass", made)
    return inspect.signature(made["f"])


@lru_cache(maxsize=None)
def check_call(owner, name, count, keywords):
    """Raise unless CuPy has `name` and takes `count` arguments and the `keywords`."""
    if real is None:
        return
    if not hasattr(owner, name) or getattr(owner, name) is None:
        raise AttributeError(f"CuPy has no {owner.__name__}.{name}")
    if isinstance(getattr(owner, name), type):
        return
    known = signature(owner, name)
    if known is not None:
        known.bind(*range(count), **dict.fromkeys(keywords))


def owner_of(path):
    """CuPy's own object at `path`, such as ``linalg``."""
    found = real
    for part in path.split(".") if path and real is not None else ():
        found = getattr(found, part)
    return found


def unwrap(value):
    """What NumPy computes with; NumPy's own arrays are refused, as CuPy does."""
    if isinstance(value, ndarray):
        return value.host
    if isinstance(value, np.ndarray):
        raise TypeError(
            f"Unsupported type {np.ndarray}: a NumPy array of {value.shape}"
        )
    if isinstance(value, (list, tuple)):
        return type(value)(unwrap(one) for one in value)
    return value


def wrap(value):
    """What NumPy returned, as arrays of the device."""
    if isinstance(value, (np.ndarray, np.generic)):
        return ndarray(np.asarray(value))
    if isinstance(value, tuple):
        parts = [wrap(one) for one in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return [wrap(one) for one in value] if isinstance(value, list) else value


def check_out(name, args, out):
    """NumPy broadcasts to a larger ``out``; CuPy does not."""
    if name == "matmul":
        a, b = (np.shape(one) for one in args[:2])
        shape = np.broadcast_shapes(a[:-2], b[:-2]) + (a[-2], b[-1])
    else:
        shape = np.broadcast_shapes(*(np.shape(one) for one in args))
    if out.shape != shape:
        raise ValueError(f"Out shape is mismatched: {out.shape}, expected {shape}")


class ndarray:  # noqa: N801 (CuPy's name)
    """An array of the device; `host` is what only this file may touch."""

    __slots__ = ("host",)
    __array_priority__ = 100
    __hash__ = None

    def __init__(self, host):
        self.host = host

    def __getattr__(self, name):
        if (
            name.startswith("__")
            or real is not None
            and not hasattr(real.ndarray, name)
        ):
            raise AttributeError(f"CuPy's arrays have no {name}")
        found = getattr(self.host, name)
        if not callable(found):
            return wrap(found)

        def method(*args, **kwargs):
            check_call(real and real.ndarray, name, 1 + len(args), tuple(kwargs))
            if isinstance(kwargs.get("out"), ndarray):
                result = found(*unwrap(args), **{**kwargs, "out": kwargs["out"].host})
                return kwargs["out"] if result is kwargs["out"].host else wrap(result)
            return wrap(found(*unwrap(args), **kwargs))

        return method

    def __setattr__(self, name, value):
        if name != "host":
            raise AttributeError(f"{name} of an array is not set in this project")
        object.__setattr__(self, name, value)

    def get(self):
        """A copy on the host."""
        TRAFFIC.add("get")
        return self.host.copy()

    def item(self):
        TRAFFIC.add("item")
        return self.host.item()

    def tolist(self):
        TRAFFIC.add("tolist")
        return self.host.tolist()

    def nonzero(self):
        TRAFFIC.add("nonzero")
        return wrap(self.host.nonzero())

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method != "__call__":
            return NotImplemented
        if "out" in kwargs:
            (kwargs["out"],) = kwargs["out"]
        return getattr(device, ufunc.__name__)(*inputs, **kwargs)

    def __array_function__(self, func, types, args, kwargs):
        of_linalg = func.__module__ == "numpy.linalg"
        return getattr(device.linalg if of_linalg else device, func.__name__)(
            *args, **kwargs
        )

    def __float__(self):
        TRAFFIC.add("float")
        return float(self.host)

    def __int__(self):
        TRAFFIC.add("int")
        return int(self.host)

    def __complex__(self):
        TRAFFIC.add("complex")
        return complex(self.host)

    def __bool__(self):
        TRAFFIC.add("bool")
        return bool(self.host)

    def __format__(self, spec):
        TRAFFIC.add("format")
        return format(self.host[()], spec)

    def __repr__(self):
        return f"device {self.host!r}"

    def __len__(self):
        return len(self.host)

    def __iter__(self):
        if self.host.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self.host)))

    def __getitem__(self, index):
        return wrap(self.host[_index(index)])

    def __setitem__(self, index, value):
        self.host[_index(index)] = unwrap(value)

    def __deepcopy__(self, memo):
        return ndarray(self.host.copy())


def _index(index):
    """An index as NumPy takes it, with ... so that a single entry stays a view."""
    parts = index if isinstance(index, tuple) else (index,)
    for part in parts:
        if isinstance(part, ndarray) and part.host.dtype == bool:
            TRAFFIC.add("mask as index")
        if isinstance(part, (np.ndarray, list, range)):
            TRAFFIC.add("host indices")
    parts = tuple(p.host if isinstance(p, ndarray) else p for p in parts)
    whole = any(part is Ellipsis for part in parts)
    return parts if whole else (*parts, Ellipsis)


OPERATORS = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.true_divide,
    "floordiv": np.floor_divide,
    "mod": np.remainder,
    "pow": np.power,
    "matmul": np.matmul,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "rshift": np.right_shift,
    "lshift": np.left_shift,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}


def _operators():
    def forward(ufunc):
        return lambda self, other: wrap(ufunc(self.host, unwrap(other)))

    def reflected(ufunc):
        return lambda self, other: wrap(ufunc(unwrap(other), self.host))

    def in_place(ufunc):
        def operator(self, other):
            ufunc(self.host, unwrap(other), out=self.host)
            return self

        return operator

    comparisons = ("lt", "le", "gt", "ge", "eq", "ne")
    for name, ufunc in OPERATORS.items():
        setattr(ndarray, f"__{name}__", forward(ufunc))
        if name not in comparisons:
            setattr(ndarray, f"__r{name}__", reflected(ufunc))
            setattr(ndarray, f"__i{name}__", in_place(ufunc))
    for name, ufunc in {
        "neg": np.negative,
        "pos": np.positive,
        "abs": np.absolute,
        "invert": np.invert,
    }.items():
        setattr(ndarray, f"__{name}__", lambda self, f=ufunc: wrap(f(self.host)))


_operators()


class Generator:
    """CuPy's random generator: few methods, keywords of its own; streams of NumPy's."""

    def __init__(self, seed):
        self._host = np.random.default_rng(seed)

    def random(self, size=None, dtype=np.float64, out=None):
        return _filled(self._host.random(size, dtype), out)

    def standard_normal(self, size=None, dtype=np.float64, out=None):
        return _filled(self._host.standard_normal(size, dtype), out)

    def integers(self, low, high=None, size=None, dtype=np.int64, endpoint=False):
        if high is not None and high - low >= 2**31:  # CuPy's issue 9745
            raise OverflowError("CuPy would leave what it draws unwritten")
        return wrap(self._host.integers(low, high, size, dtype, endpoint))

    def uniform(self, low=0.0, high=1.0, size=None, dtype=np.float64):
        return wrap(self._host.uniform(low, high, size).astype(dtype))


class Event:
    """A moment in the work of the device."""

    def record(self):
        self.at = time.perf_counter()

    def synchronize(self):
        TRAFFIC.add("synchronize")


def _filled(drawn, out):
    if out is None:
        return wrap(drawn)
    if out.shape != drawn.shape or out.dtype != drawn.dtype:
        raise ValueError("out of a generator must have its size and dtype")
    out.host[...] = drawn
    return out


class Namespace(ModuleType):
    """CuPy, or a part of it such as ``linalg``."""

    def __init__(self, path="", numpy=np):
        super().__init__("cupy" + (path and f".{path}"))
        self._path, self._numpy = path, numpy

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        owner = owner_of(self._path)
        if real is not None and not hasattr(owner, name):
            raise AttributeError(f"CuPy has no {self.__name__}.{name}")
        found = getattr(self._numpy, name)
        if isinstance(found, type) or not callable(found):
            return found  # float64, pi, finfo

        def function(*args, **kwargs):
            check_call(owner, name, len(args), tuple(kwargs))
            if isinstance(found, np.ufunc):
                if any(isinstance(one, (list, tuple)) for one in args):
                    raise TypeError(f"Unsupported type {list} for {name}")
                if kwargs.get("out") is not None:
                    check_out(name, unwrap(args), kwargs["out"].host)
            result = found(
                *unwrap(args), **dict(zip(kwargs, unwrap([*kwargs.values()])))
            )
            return kwargs["out"] if kwargs.get("out") is not None else wrap(result)

        return function


class Device(Namespace):
    """What stands in for the module CuPy."""

    __version__ = "of tests/strict.py"
    ndarray = ndarray

    def __init__(self):
        super().__init__()
        self.linalg = Namespace("linalg", np.linalg)
        tricks = Namespace("lib.stride_tricks", np.lib.stride_tricks)
        self.lib = SimpleNamespace(stride_tricks=tricks)
        self.random = SimpleNamespace(Generator=Generator, default_rng=Generator)
        self.cuda = SimpleNamespace(
            Device=lambda: SimpleNamespace(id=0),
            Event=Event,
            get_elapsed_time=lambda start, end: 1e3 * (end.at - start.at),
            runtime=SimpleNamespace(
                getDeviceCount=lambda: 1,
                getDeviceProperties=lambda index: {"name": b"stand-in"},
                driverGetVersion=lambda: 12040,
            ),
        )
        self.fuse = lambda **options: lambda function: function

    @staticmethod
    def asarray(values, dtype=None):
        """An array of the device: of it already, or moved to it."""
        if isinstance(values, ndarray):
            return ndarray(np.asarray(values.host, dtype))
        TRAFFIC.add("asarray")
        if isinstance(values, (list, tuple)):
            values = [unwrap(v) if isinstance(v, ndarray) else v for v in values]
        array = np.array(values, dtype)
        if array.dtype.kind not in "biufc":
            raise ValueError(f"Unsupported dtype {array.dtype}")
        return ndarray(array)

    @classmethod
    def array(cls, values, dtype=None):
        """A new array of the device."""
        return ndarray(cls.asarray(values, dtype).host.copy())

    @staticmethod
    def argwhere(values):
        """Indices of what is not zero: their number is known to the host."""
        TRAFFIC.add("argwhere")
        return wrap(np.argwhere(unwrap(values)))


device = Device()


def installed():
    """Context in which this device is CuPy to the package."""
    from unittest.mock import patch

    return patch.dict(sys.modules, cupy=device)
