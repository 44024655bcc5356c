"""The small tools that all else stands on."""

import numpy as np
import pytest

from refimpl.arrays import backend, checks


def test_numpy_arrays_and_numbers_live_in_numpy():
    assert backend.get_xp(np.ones(2), 1.0, None) is np
    assert backend.generator_xp(np.random.default_rng(0)) is np


def test_cupy_arrays_live_in_cupy(xp):
    if xp is np:
        pytest.skip("this is about CuPy")
    assert backend.get_xp(1.0, xp.ones(2)) is xp
    np.testing.assert_array_equal(backend.to_numpy(xp.ones(2)), np.ones(2))


@pytest.mark.parametrize("total, each", [(1, 1), (10, 10**9), (10**6, 100), (7, 10**6)])
def test_chunks_cover_the_range_within_the_budget(total, each):
    parts = backend.chunks(total, each)
    assert parts[0][0] == 0 and parts[-1][1] == total
    assert all(stop == start for (_, stop), (start, _) in zip(parts, parts[1:]))
    largest = max(stop - start for start, stop in parts)
    assert largest == 1 or largest * each <= backend.CHUNK_ELEMENTS


@pytest.mark.parametrize("value", [2, np.int64(2), np.uint8(2)])
def test_integers_of_any_kind_are_integers(value):
    assert checks.check_integer("k", value, 1, 2) == 2


@pytest.mark.parametrize("value", [True, 2.0, "2", None, 0, 3, np.float64(2)])
def test_what_is_no_integer_in_range_is_refused(value):
    with pytest.raises(ValueError, match="k must be an integer in 1 to 2, got "):
        checks.check_integer("k", value, 1, 2)


def test_integers_become_floating_and_complex_stays():
    assert checks.as_floating("x", [1, 2]).dtype == np.float64
    assert checks.as_floating("x", np.float32([1])).dtype == np.float32
    assert checks.as_floating("x", [1j]).dtype == np.complex128
