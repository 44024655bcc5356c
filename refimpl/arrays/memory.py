"""Memory that is used again, and lies where the processor reads it fastest.

A training step makes the same few arrays again and again. CuPy keeps a memory pool for
that; NumPy takes its memory from the C library, which costs time in two ways. It
returns what is freed above 128 KiB to the system, which hands it out anew page by page
(`keep_freed_memory`). And it aligns arrays to 16 bytes, while a vector register is as
wide as a cache line of 64: nearly every load and store then touches two lines, and
elementwise operations take up to twice as long (`empty`).
"""

import ctypes
import sys
import threading
from functools import cache
from math import prod

import numpy as np

# Names and values of <malloc.h>. Arrays of up to 32 MiB, the largest allowed, come from
# the heap, of which up to 256 MiB may lie idle at its end.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGEST, IDLE = 2**25, 2**28

LINE = 64  # bytes
SMALL = 2**12  # bytes, below which `empty` gains nothing
POOL = 2**26  # bytes that `empty` keeps for use again, in a thread


@cache
def keep_freed_memory():
    """Tell the C library, once a process, to keep freed memory.

    Memory in use does not change; up to 256 MiB that is free may stay with the process.

    Returns
    -------
    kept : bool
        False where the C library has no such setting (other systems than Linux).
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST) and mallopt(M_TRIM_THRESHOLD, IDLE))


def empty(shape, dtype):
    """Uninitialised NumPy array that begins at a cache line.

    Its memory is used again once no array refers to it any more.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype

    Examples
    --------
    >>> array = empty((100, 1000), np.dtype(np.float32))
    >>> array.ctypes.data % LINE
    0
    """
    size = prod(shape) * dtype.itemsize
    if not SMALL <= size <= POOL // 4:
        return np.empty(shape, dtype)
    for block in _pool.blocks.get((shape, dtype), ()):
        if block.references() == block.idle:
            return block.array.view()
    if _pool.size + size > POOL:
        _pool.blocks, _pool.size = {}, 0  # what is in use lives on with its users
    _pool.size += size
    block = _Block(shape, dtype, size)
    _pool.blocks.setdefault((shape, dtype), []).append(block)
    return block.array.view()


class _Block:
    """An aligned array, handed out by views of it."""

    __slots__ = ("owner", "array", "idle")

    def __init__(self, shape, dtype, size):
        self.owner = np.empty(size + LINE, np.uint8)
        start = -self.owner.ctypes.data % LINE
        self.array = self.owner[start : start + size].view(dtype).reshape(shape)
        self.idle = self.references()

    def references(self):
        """How many objects refer to the memory: a view of a view does so too."""
        return sys.getrefcount(self.owner)


class _Pool(threading.local):
    """Blocks by shape and dtype, and their size in bytes."""

    def __init__(self):
        self.blocks, self.size = {}, 0


_pool = _Pool()
