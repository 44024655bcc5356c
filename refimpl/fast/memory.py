"""Freed memory is kept, in place of being handed back and fetched anew page by page.

A training step makes the same few arrays again and again. CuPy keeps a memory pool for
that; NumPy takes its memory from the C library, which returns what is freed above
128 KiB to the system, unless told otherwise. A `Risk` tells it.

R_1 and its gradient take 0.4 of the time with 1,000 neurons and samples, 0.3 with 300
(AMD EPYC).
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
    False where the C library has no such setting (other systems than Linux).
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST) and mallopt(M_TRIM_THRESHOLD, IDLE))
