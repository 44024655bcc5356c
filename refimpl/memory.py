"""Freed memory is kept for the next array.

A training step makes the same few arrays again and again. The C library of Linux
returns what is freed above 128 KiB to the system, which then hands it out anew page by
page: at a hundred samples and a thousand neurons that was half of a step. CuPy keeps a
memory pool for the same reason.
"""

import ctypes
import sys
from functools import cache

# Names and values of <malloc.h>. Arrays of up to 32 MiB, the largest allowed, come from
# the heap, of which up to 256 MiB may lie idle at its end.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGEST, IDLE = 2**25, 2**28


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
