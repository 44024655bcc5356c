"""Memory is kept, aligned, and used again only when nobody holds it."""

import subprocess
import sys
import threading

import numpy as np
import pytest

from refimpl.arrays import memory
from refimpl.arrays.memory import empty, keep_freed_memory

FAULTS = """
import resource
import numpy as np
from refimpl.arrays.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        arrays = [np.ones(2**18) for _ in range(4)]
        del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

first = faults()
keep_freed_memory()
faults()
print(first, faults())
"""


@pytest.mark.skipif(not keep_freed_memory(), reason="the C library has no mallopt")
def test_arrays_made_again_cost_no_new_pages():
    out = subprocess.run(
        [sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True
    )
    before, after = map(int, out.stdout.split())
    assert after < before / 20


SHAPE, DTYPE = (100, 1000), np.dtype(np.float32)


def address(array):
    return array.__array_interface__["data"][0]


def test_arrays_begin_at_a_cache_line():
    held = [empty(SHAPE, DTYPE) for _ in range(3)]
    assert all(address(array) % memory.LINE == 0 for array in held)
    assert all(array.shape == SHAPE and array.dtype == DTYPE for array in held)
    assert len({address(array) for array in held}) == 3


@pytest.mark.parametrize(
    "keep",
    [
        lambda array: array,
        lambda array: array.T,
        lambda array: array[::2, 3:].swapaxes(0, 1),
        lambda array: array[5],
        lambda array: memoryview(array),
        lambda array: array.view(np.int32),
        lambda array: array.reshape(-1).view(),
        lambda array: iter(array),
    ],
)
def test_memory_is_used_again_once_nobody_holds_it(keep):
    array = empty((77, 1000), DTYPE)
    taken, part = address(array), keep(array)
    del array
    assert address(empty((77, 1000), DTYPE)) != taken
    del part
    assert address(empty((77, 1000), DTYPE)) == taken


def test_the_pool_is_bounded(monkeypatch):
    monkeypatch.setattr(memory, "POOL", 2**20)
    monkeypatch.setattr(memory, "_pool", memory._Pool())
    held = [empty((2**14 + k,), DTYPE) for k in range(100)]
    for k, array in enumerate(held):
        array[...] = k
    assert all((array == k).all() for k, array in enumerate(held))
    blocks = [b for kept in memory._pool.blocks.values() for b in kept]
    assert sum(block.owner.nbytes for block in blocks) <= 2**20 + 100 * memory.LINE
    empty((2**19,), DTYPE)  # too large to be kept
    assert (2**19,) not in {shape for shape, _ in memory._pool.blocks}


def test_threads_do_not_share_arrays():
    mine, theirs = empty(SHAPE, DTYPE), []
    del mine
    thread = threading.Thread(target=lambda: theirs.append(empty(SHAPE, DTYPE)))
    thread.start()
    thread.join()
    assert address(empty(SHAPE, DTYPE)) != address(theirs[0])
