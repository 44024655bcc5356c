"""The array module of the arguments, and moving arrays between modules.

No global switch: a function asks ``xp = get_xp(theta)`` and works in the module its
arguments live in. This is the only file that imports CuPy.
"""

import sys
from copy import copy

import numpy

NO_DEVICE = 100  # cudaErrorNoDevice

# Elements one chunk of a batched computation may hold: 32 MiB in float64. What needs
# several arrays of that size for an item counts them all.
CHUNK_ELEMENTS = 2**22

# Bytes that a mean over masks, a trace, a spectrum or R_2 holds at most, beside its
# arguments and its result, however many masks, probes or replicas there are. One item
# must fit: one mask, one probe, one network on its data; and the vectors of Lanczos.
BUDGET = 2**27


class Unavailable(Exception):
    """An array module cannot be used here; one line says what is missing."""


def load(name):
    """Array module called `name`, which has been found to compute.

    Raises
    ------
    Unavailable
        Without the package, a driver, a device, or the libraries of CUDA.
    """
    if name == "numpy":
        return numpy
    install = "pip install 'refimpl[cuda12x]' (CUDA 12) or 'refimpl[cuda13x]' (CUDA 13)"
    try:
        import cupy
    except ImportError as error:
        raise Unavailable(
            f"the package CuPy is missing: {install} ({_first_line(error)})"
        ) from None
    try:
        devices = cupy.cuda.runtime.getDeviceCount()
    except Exception as error:
        if getattr(error, "status", None) == NO_DEVICE:
            devices = 0
        else:
            raise Unavailable(
                "a CUDA driver is missing, or it is older than CuPy: install NVIDIA's "
                f"driver ({_first_line(error)})"
            ) from None
    if devices == 0:
        raise Unavailable(
            "a CUDA device is missing: CuPy and a driver are there, but no NVIDIA GPU "
            "is visible to them (see CUDA_VISIBLE_DEVICES)"
        )
    try:
        square = cupy.random.default_rng(0).random((2, 2))
        float((square @ square).sum())
    except Exception as error:
        raise Unavailable(
            f"libraries of CUDA are missing: {install} ({_first_line(error)})"
        ) from None
    return cupy


def _first_line(error):
    return str(error).partition("\n")[0] or type(error).__name__


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


def on_device(array):
    """Whether `array` is CuPy's."""
    return get_xp(array) is not numpy


def generator_xp(rng):
    """Array module that `rng`, a random generator or several, draws in."""
    rng = rng[0] if isinstance(rng, (list, tuple)) else rng
    cupy = sys.modules.get("cupy")
    if cupy is not None and isinstance(rng, cupy.random.Generator):
        return cupy
    return numpy


def to_numpy(array):
    """`array` on the host, as a NumPy array."""
    return array.get() if get_xp(array) is not numpy else numpy.asarray(array)


def move(array, xp):
    """`array` in the array module `xp`."""
    return to_numpy(array) if xp is numpy else xp.asarray(array)


def like(array, reference):
    """`array` moved to the module of `reference`, in its real floating dtype."""
    array = move(array, get_xp(reference))
    return array.astype(reference.real.dtype, copy=False)


def per_replica(values, array, axes=0):
    """`values`, a float or one per replica, in the dtype of `array`.

    `axes` is how many axes of `array` follow those of the replicas.
    """
    if isinstance(values, float):
        return values
    values = like(values, array)
    return values.reshape(values.shape + (1,) * axes)


def with_parts(thing, kind, change):
    """A copy of `thing` whose attributes of a `kind` are changed."""
    made = copy(thing)
    for name, part in vars(thing).items():
        if isinstance(part, kind):
            setattr(made, name, change(part))
    return made


def weighted_sum(weights, values):
    """Σ_k weights_k values_k over the leading axis; whole numbers count as floats."""
    if values.dtype.kind not in "fc":
        values = values.astype(weights.dtype)
    return get_xp(values).tensordot(like(weights, values), values, axes=1)


def transpose(matrices):
    """Transpose of the last two axes."""
    return matrices.swapaxes(-1, -2)


def with_ones(X):
    """Rows (x, 1): (..., n, d+1)."""
    xp = get_xp(X)
    return xp.concatenate([X, xp.ones_like(X[..., :1])], axis=-1)


def beside(array, axes):
    """`array` with so many `axes` of length 1 after its first, which counts."""
    return array.reshape(array.shape[:1] + (1,) * axes + array.shape[1:])


def unit_vectors(reference, size, start, stop, axes=0):
    """Unit vectors e_l (stop − start, ..., size) for l from `start` to `stop`.

    Their module and precision are those of `reference`; so many `axes` stand between.
    """
    dtype = reference.real.dtype
    unit = get_xp(reference).eye(stop - start, size, start, dtype=dtype)
    return beside(unit, axes)


def pass_elements(net, n):
    """Array elements that a pass forward and back along one direction needs, about."""
    return 4 * net.size + 6 * n * getattr(net, "elements", sum(net.hidden))


def chunks(total, elements_each, limit=None):
    """Consecutive ``(start, stop)`` that cover ``range(total)`` in bounded memory.

    `elements_each` is how many array elements one item needs; `limit` how many a chunk
    may, `CHUNK_ELEMENTS` unless said otherwise.
    """
    step = max(1, (limit or CHUNK_ELEMENTS) // max(1, elements_each))
    return [(start, min(start + step, total)) for start in range(0, total, step)]
