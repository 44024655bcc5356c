"""What arguments must be: each error names the argument, the value, what is allowed.

Each check returns its argument in the form that the code works with.
"""

import math
import operator
from numbers import Real

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


def check_has(name, value, attribute, allowed):
    """`value`, checked to be one of `allowed` by an `attribute` that these have.

    What stands in for one of them, such as a risk made by a user, passes too.
    """
    if isinstance(value, type) or not hasattr(value, attribute):
        raise ValueError(f"{name} must be {allowed}, got {value!r}")
    return value


def check_net(net):
    """`net`, checked to be a network."""
    return check_has("net", net, "check_theta", "a network, TwoLayer or Deep")


def check_risk(risk):
    """`risk`, checked to be a `Risk`: it has a loss and data."""
    return check_has("risk", risk, "prepared", "a Risk")


def check_objective(objective, name="objective"):
    """`objective`, checked to be something that has a value and a gradient."""
    allowed = "an objective, such as a Risk or L1"
    return check_has(name, objective, "value_and_gradient", allowed)


def check_dropout(drop, name="drop"):
    """`drop`, checked to be a `Dropout`."""
    return check_has(name, drop, "stream", "a Dropout")


def check_callable(name, value):
    """`value`, checked to be a function."""
    return check_has(name, value, "__call__", "a function")


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


def check_generator(rng):
    """Raise ``ValueError`` unless `rng` is a random generator, or several."""
    if isinstance(rng, (list, tuple)) and not rng:
        raise ValueError(f"rng must be one random generator or several, got {rng!r}")
    for one in rng if isinstance(rng, (list, tuple)) else [rng]:
        if not hasattr(one, "integers"):  # a seed, or NumPy's legacy RandomState
            raise ValueError(
                f"rng must be a random generator, as default_rng makes, got {one!r}"
            )


def broadcast_lead(name, *leads):
    """Common shape of the leading axes `leads`."""
    # np.broadcast_shapes has no counterpart in CuPy; these are shapes, not arrays.
    from numpy import broadcast_shapes

    try:
        return broadcast_shapes(*leads)
    except ValueError:
        raise ValueError(
            f"leading axes of {name} must broadcast, got {', '.join(map(str, leads))}"
        ) from None


def check_inputs(net, X):
    """`X` as a finite array (..., n, d), n at least 1."""
    X = as_real("X", X)
    if X.ndim < 2 or X.shape[-1] != net.inputs:
        raise ValueError(
            f"X must have shape (..., n, {net.inputs}), one column per input, "
            f"got shape {X.shape}"
        )
    if X.shape[-2] == 0:
        raise ValueError(f"X must have at least one sample, got shape {X.shape}")
    check_finite("X", X)
    return X


def check_width(name, value):
    """`value` as a positive int."""
    try:
        valid = int(value) == value and value > 0 and not isinstance(value, bool)
    except (TypeError, ValueError, OverflowError):
        valid = False
    if not valid:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return int(value)


def check_std(std, layers):
    """`std` as a list of floats, one per layer, zero or more."""
    stds = list(std) if isinstance(std, (list, tuple)) else [std] * layers
    try:
        valid = len(stds) == layers and all(
            not isinstance(one, bool) and math.isfinite(one) and one >= 0
            for one in stds
        )
    except TypeError:
        valid = False
    if not valid:
        raise ValueError(
            f"std must be finite and at least 0, one number or {layers}, got {std!r}"
        )
    return [float(one) for one in stds]


def check_nonnegative(name, values):
    """`values` as a float or an array of floats, finite and at least 0."""
    array = as_floating(name, values)
    if array.dtype.kind != "f" or not ((array >= 0) & (array < float("inf"))).all():
        raise ValueError(f"{name} must be finite and at least 0, got {values!r}")
    return float(array) if array.ndim == 0 else array
