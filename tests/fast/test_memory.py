"""Memory is kept: what is freed serves again."""

import subprocess
import sys

import pytest

from refimpl.fast.memory import keep_freed_memory

FAULTS = """
import resource
import numpy as np
import refimpl

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        arrays = [np.ones(2**18) for _ in range(4)]
        del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

first = faults()
refimpl.Risk(refimpl.TwoLayer(1, 1), [[0.0]], [[0.0]])
faults()
print(first, faults())
"""


@pytest.mark.skipif(not keep_freed_memory(), reason="the C library has no mallopt")
def test_with_a_risk_arrays_made_again_cost_no_new_pages():
    out = subprocess.run(
        [sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True
    )
    before, after = map(int, out.stdout.split())
    assert after < before / 20
