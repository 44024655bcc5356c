"""The array module of the arguments, and moving arrays between modules.

No global switch: a function asks ``xp = get_xp(theta)`` and works in the module its
arguments live in. This is the only file that imports CuPy.
"""

import operator
import sys

import numpy

# Elements one chunk of a batched computation may hold: 32 MiB in float64. Monte Carlo,
# enumeration and dense Hessians stay below it whatever their size.
CHUNK_ELEMENTS = 2**22


def get_xp(*arrays):
    """Array module (``numpy`` or ``cupy``) that `arrays` live in.

    An array can be CuPy's only where CuPy has been imported, so nothing is imported
    here.
    """
    for array in arrays:
        if type(array) is not numpy.ndarray:  # the common case first: this is hot
            cupy = sys.modules.get("cupy")
            if cupy is not None and isinstance(array, cupy.ndarray):
                return cupy
    return numpy


def generator_xp(rng):
    """Array module that the random generator `rng` draws in."""
    cupy = sys.modules.get("cupy")
    if cupy is not None and isinstance(rng, cupy.random.Generator):
        return cupy
    return numpy


def to_numpy(array):
    """`array` on the host, as a NumPy array."""
    return array.get() if get_xp(array) is not numpy else numpy.asarray(array)


def like(array, reference):
    """`array` moved to the module of `reference`, in its real floating dtype."""
    return get_xp(reference).asarray(array, dtype=reference.real.dtype)


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
        if array.dtype.kind not in "fc":
            array = array.astype(float)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} must be an array of numbers, got {type(values).__name__}"
        ) from None
    return array


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
    for one in rng if isinstance(rng, (list, tuple)) else [rng]:
        if not hasattr(one, "integers"):  # a seed, or NumPy's legacy RandomState
            raise ValueError(
                f"rng must be a random generator, as default_rng makes, got {one!r}"
            )


def transpose(matrices):
    """Transpose of the last two axes."""
    return matrices.swapaxes(-1, -2)


def matmul(a, b, out=None):
    """Product of (stacks of) matrices.

    Where the inner dimension is one (one input, or one output) the product is an outer
    product, and broadcasting is about three times as fast as a BLAS call.
    """
    outer = a.shape[-1] == 1
    if out is None:
        return a * b if outer else a @ b
    xp = get_xp(out)
    return xp.multiply(a, b, out=out) if outer else xp.matmul(a, b, out=out)


def chunks(total, elements_each):
    """Consecutive ``(start, stop)`` that cover ``range(total)`` in bounded memory.

    `elements_each` is how many array elements one item needs.
    """
    step = max(1, CHUNK_ELEMENTS // max(1, elements_each))
    return [(start, min(start + step, total)) for start in range(0, total, step)]
