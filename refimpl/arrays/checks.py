"""What arguments must be: each error names the argument, the value, what is allowed.

Each check returns its argument in the form that the code works with.
"""

import math
import operator
import sys
from numbers import Real
from typing import Protocol

from refimpl.arrays.backend import get_xp


def as_floating(name, values):
    """`values` as a floating (or complex) array in the module they live in.

    Raises
    ------
    ValueError
        If `values` are not numbers.
    """
    xp = get_xp(values)
    try:
        array = xp.asarray(values)
    except (TypeError, ValueError):
        array = None  # rows of different lengths
    if array is None or array.dtype.kind not in "biufc":  # no objects, no words
        raise ValueError(
            f"{name} must be an array of numbers, got {type(values).__name__}"
            + (f" of {array.dtype}" if hasattr(values, "dtype") else "")
        )
    return array if array.dtype.kind in "fc" else array.astype(float)


def as_real(name, values):
    """`values` as a floating array.

    Raises
    ------
    ValueError
        If `values` are not real numbers.
    """
    array = as_floating(name, values)
    if array.dtype.kind == "c":
        raise ValueError(f"{name} must be real, got an array of {array.dtype}")
    return array


def check_kind(name, value, kind, allowed):
    """`value`, checked to be an instance of `kind`, a class or a protocol.

    What stands in for one of the project's own passes where `kind` is a protocol; the
    error says what it lacks.
    """
    if isinstance(value, type) or not isinstance(value, kind):
        wanted = vars(kind) if Protocol in kind.__bases__ else ()
        absent = [p for p in wanted if not p.startswith("_") and not hasattr(value, p)]
        lacks = f", which has no {' or '.join(absent)}" if absent else ""
        raise ValueError(f"{name} must be {allowed}, got {value!r}{lacks}")
    return value


def missing(thing, method):
    """The error of a class that lacks a `method`, for the base class to raise."""
    return NotImplementedError(f"{type(thing).__name__} must have a method {method}")


def check_name(name, value, known):
    """What `known`, a dict, holds under `value`."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
    return known[value]


def check_callable(name, value):
    """`value`, checked to be a function."""
    if isinstance(value, type) or not callable(value):
        raise ValueError(f"{name} must be a function, got {value!r}")
    return value


def check_float_type(dtype):
    """Raise ``ValueError`` unless `dtype` is a real floating type."""
    from numpy import dtype as as_dtype

    try:
        valid = as_dtype(dtype).kind == "f"
    except TypeError:
        valid = False
    if not valid:
        raise ValueError(f"dtype must be a floating type, got {dtype!r}")


def check_flag(name, value):
    """`value` as a bool."""
    if type(value).__name__ not in ("bool", "bool_"):  # NumPy's own is no bool
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def check_positive(name, value):
    """`value` as a float, positive and finite."""
    if not _is_real(value) or not 0 < value < math.inf:
        raise ValueError(f"{name} must be positive and finite, got {value!r}")
    return float(value)


def check_number(name, value):
    """`value` as a finite float."""
    if not _is_real(value) or not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value!r}")
    return float(value)


def _is_real(value):
    return isinstance(value, Real) and not isinstance(value, bool)


def check_finite(name, array):
    """Raise ``ValueError`` if `array` holds NaN or infinity."""
    finite = get_xp(array).isfinite(array)
    if not finite.all():
        bad = int((~finite).sum())
        raise ValueError(
            f"{name} must be finite, got {bad} NaN or infinite of {array.size} entries"
        )


def check_integer(name, value, least, most=None):
    """`value` as an int of at least `least`, and at most `most` if given.

    Raises
    ------
    ValueError
        If it is none: a bool, a float, or out of range.
    """
    try:
        number = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or most is not None and number > most:
        allowed = f"of at least {least}" if most is None else f"in {least} to {most}"
        raise ValueError(f"{name} must be an integer {allowed}, got {value!r}")
    return number


def check_in_range(name, values, low, high, allowed):
    """`values`, one number or an array of them, low < values <= high: float or array.

    Raises
    ------
    ValueError
        With `allowed` in words, if `values` are none or out of range.
    """
    if _is_real(values):
        values = float(values)
        valid = low < values <= high
    else:
        kind = getattr(getattr(values, "dtype", None), "kind", "")
        valid = kind in tuple("fiu") and values.size > 0
        valid = valid and bool(((values > low) & (values <= high)).all())
    if not valid:
        raise ValueError(f"{name} must {allowed}, got {values!r}")
    if isinstance(values, float) or not values.ndim:
        return float(values)
    return values.copy()  # what is changed later was not checked


def check_nonnegative(name, values):
    """`values` as a float or an array of floats, finite and at least 0."""
    array = as_floating(name, values)
    if array.dtype.kind != "f" or not ((array >= 0) & (array < float("inf"))).all():
        raise ValueError(f"{name} must be finite and at least 0, got {values!r}")
    return float(array) if array.ndim == 0 else array.copy()


def check_steps(snapshots, most):
    """`snapshots`, numbers of steps in 0 to `most`, as a set of int."""
    try:
        wanted = list(snapshots)
    except TypeError:
        raise ValueError(
            f"snapshots must be a sequence of steps, got {snapshots!r}"
        ) from None
    for step in wanted:
        if not _is_real(step) or step not in range(most + 1):
            raise ValueError(f"snapshots must be integers in 0 to {most}, got {step!r}")
    return {int(step) for step in wanted}


def check_learning_rate(rate):
    """`rate` as a float or an array, positive and finite."""
    allowed = "be positive and finite, a number or an array (R,) of them"
    return check_in_range("learning_rate", rate, 0, sys.float_info.max, allowed)


def check_betas(betas):
    """Adam's two decay rates, in [0, 1)."""
    try:
        beta1, beta2 = (float(beta) for beta in betas)
    except (TypeError, ValueError):
        raise ValueError(f"betas must be two numbers, got {betas!r}") from None
    if not (0 <= beta1 < 1 and 0 <= beta2 < 1):
        raise ValueError(f"betas must lie in [0, 1), got {betas}")
    return beta1, beta2
