"""The stand-in for CuPy refuses what CuPy refuses, and counts what costs time."""

import math

import numpy as np
import pytest
import strict

from refimpl.arrays.backend import get_xp, to_numpy

xp = strict.device
HOST, DEVICE = np.ones((2, 3)), xp.asarray(np.ones((2, 3)))

cupy_is_installed = pytest.mark.skipif(
    strict.real is None, reason="needs CuPy installed, to look names up in it"
)


@pytest.fixture(autouse=True)
def installed():
    with strict.installed():
        yield


@pytest.fixture
def counted():
    """Function that gives the waits and transfers since it was last called."""
    last = strict.TRAFFIC.count

    def count():
        nonlocal last
        new, last = strict.TRAFFIC.count - last, strict.TRAFFIC.count
        return new

    return count


@pytest.mark.parametrize(
    "mix",
    [
        lambda: DEVICE + HOST,
        lambda: HOST + DEVICE,
        lambda: HOST @ DEVICE.T,
        lambda: xp.add(DEVICE, HOST),
        lambda: np.add(HOST, DEVICE),
        lambda: np.add(HOST, 1.0, out=DEVICE),
        lambda: xp.stack([DEVICE, HOST]),
        lambda: np.stack([HOST, DEVICE]),
        lambda: xp.asarray(DEVICE).__iadd__(HOST),
        lambda: DEVICE.__setitem__(0, HOST[0]),
        lambda: xp.sqrt(HOST),
    ],
)
def test_numpy_arrays_do_not_mix_with_those_of_the_device(mix):
    with pytest.raises(TypeError, match="NumPy array"):
        mix()


@pytest.mark.parametrize(
    "convert",
    [np.asarray, np.array, lambda a: np.zeros(6).reshape(2, 3).__setitem__(..., a)],
)
def test_arrays_do_not_become_numpy_arrays_by_themselves(convert):
    with pytest.raises(TypeError, match="Implicit conversion"):
        convert(DEVICE)


@cupy_is_installed
@pytest.mark.parametrize(
    "call",
    [
        lambda: xp.nanquantile(DEVICE, 0.5),
        lambda: xp.linalg.vector_norm(DEVICE),
        lambda: DEVICE.setflags(write=True),
    ],
)
def test_functions_that_cupy_lacks_are_refused(call):
    with pytest.raises(AttributeError, match="CuPy"):
        call()


@cupy_is_installed
@pytest.mark.parametrize(
    "call",
    [
        lambda: xp.sqrt(DEVICE, where=DEVICE > 0, subok=True),
        lambda: xp.concatenate([DEVICE], casting="no", no_such=1),
        lambda: xp.linalg.norm(DEVICE, no_such=1),
        lambda: DEVICE.sum(initial=1.0),
    ],
)
def test_keywords_that_cupy_lacks_are_refused(call):
    with pytest.raises(TypeError):
        call()


def test_an_out_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="Out shape is mismatched"):
        xp.add(DEVICE, DEVICE, out=xp.empty((4, 2, 3)))
    with pytest.raises(ValueError, match="Out shape is mismatched"):
        xp.matmul(DEVICE, DEVICE.T, out=xp.empty((4, 2, 2)))


@pytest.mark.parametrize(
    "wait",
    [
        lambda: float(DEVICE.sum()),
        lambda: bool(DEVICE.all()),
        lambda: to_numpy(DEVICE),
        lambda: xp.asarray(HOST),
        lambda: DEVICE[DEVICE > 0],
        lambda: DEVICE.sum().item(),
        lambda: f"{DEVICE.sum():.2f}",
        lambda: math.isfinite(DEVICE.sum()),
    ],
)
def test_waits_and_transfers_are_counted(wait, counted):
    wait()
    assert counted() == 1


def test_what_stays_on_the_device_is_not_counted(counted):
    np.linalg.norm(np.tanh(DEVICE) @ DEVICE.T * 2.0, axis=-1)[:1].sum()
    assert counted() == 0


def test_integers_that_cupy_draws_wrong_are_refused():
    rng = xp.random.default_rng(0)
    assert int(rng.integers(0, 2**31 - 1, 9).max()) < 2**31
    with pytest.raises(OverflowError, match="unwritten"):
        rng.integers(0, 2**31)


def test_a_new_array_does_not_share_memory():
    new = xp.array(DEVICE)
    new += 1
    assert float(DEVICE.max()) == 1


def test_it_is_what_the_package_takes_for_cupy():
    assert get_xp(DEVICE) is xp and get_xp(HOST) is np
