"""The array module of the arguments, and moving arrays between modules.

No global switch: a function asks ``xp = get_xp(theta)`` and works in the module its
arguments live in. This is the only file that imports CuPy.
"""

import sys

import numpy

# Elements one chunk of a batched computation may hold: 32 MiB in float64. Monte Carlo,
# enumeration and dense Hessians stay below it whatever their size.
CHUNK_ELEMENTS = 2**22

# Inner dimension of a matrix product up to which its second factor is made contiguous.
THIN = 4


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


def per_replica(values, array, axes=0):
    """`values`, a float or one per replica, in the dtype of `array`.

    `axes` is how many axes of `array` follow those of the replicas.
    """
    if isinstance(values, float):
        return values
    values = get_xp(array).asarray(values, dtype=array.real.dtype)
    return values.reshape(values.shape + (1,) * axes)


def transpose(matrices):
    """Transpose of the last two axes."""
    return matrices.swapaxes(-1, -2)


def matmul(a, b, out=None):
    """Product of (stacks of) matrices.

    Where the inner dimension is one (one input, or one output) the product is an outer
    product, and broadcasting is about three times as fast as a BLAS call.
    """
    outer = a.shape[-1] == 1
    if 1 < a.shape[-1] <= THIN:  # BLAS is slow to read a short inner axis strided
        b = get_xp(b).ascontiguousarray(b)
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
