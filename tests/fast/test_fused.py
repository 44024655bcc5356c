"""The fused formulas: right as they stand, and such that CuPy can fuse them."""

import re
from functools import partial

import numpy as np
import pytest
import strict
from oracles import assert_close, assert_rejects

import refimpl
from refimpl.arrays.backend import to_numpy
from refimpl.fast import dropout as masks
from refimpl.fast import fused

RNG = np.random.default_rng(0)
SHAPE = (3, 4, 5)
H, S, THETA, G = (RNG.standard_normal(SHAPE) for _ in range(4))
Q = RNG.integers(0, 2, (3, 1, 5)) / 0.7
RATES = np.array([0.1, 0.2, 0.3])[:, None, None]


def test_slopes_are_those_of_the_activations(xp):
    h, q, s = map(xp.asarray, (H, Q, S))
    assert_close(to_numpy(fused.noisy_slope_of_tanh(h, q, s)), Q - H * S)
    assert_close(to_numpy(fused.noisy_slope_of_relu(h, q)), Q * (H > 0))


@pytest.mark.parametrize("rate", [0.1, RATES], ids=["one rate", "by replica"])
def test_the_updates_are_in_place_and_those_of_the_formulas(rate, xp):
    theta, gradient, rates = xp.asarray(THETA), xp.asarray(G), rate
    rates = rate if isinstance(rate, float) else xp.asarray(rate)
    theta = theta.copy()
    fused.gd(theta, gradient, rates)
    assert_close(to_numpy(theta), THETA - rate * G)
    theta, m, v = (xp.asarray(one).copy() for one in (THETA, S, H * H))
    fused.adam(theta, m, v, gradient, rates, 0.5, 1e-3, 0.9, 0.99)
    first, second = 0.9 * S + G, 0.99 * H * H + G * G
    assert_close(to_numpy(m), first)
    assert_close(to_numpy(v), second)
    moved = 0.5 * rate * first / (np.sqrt(second) + 1e-3)
    assert_close(to_numpy(theta), THETA - moved)
    assert_rejects(to_numpy(theta), THETA + moved)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("keep", [0.3, np.array([0.3, 0.9])])
def test_masks_of_a_device_keep_with_probability_p(keep, several, xp):
    drop, net = refimpl.Dropout(keep, per_sample=True), refimpl.TwoLayer(1, 100)
    rng = xp.random.default_rng(0)
    if several:
        rng = [xp.random.default_rng(seed) for seed in range(2)]
    stream = drop.stream(net, 50, rng, (2,), np.float32)
    q = np.stack([to_numpy(next(stream)[0]) for _ in range(20)])  # (20, 2, 50, 100)
    assert q.dtype == np.float32
    p = np.broadcast_to(keep, 2)
    for r in range(2):
        np.testing.assert_allclose(np.unique(q[:, r]), [0, 1 / p[r]], rtol=1e-7)
    kept = (q > 0).mean(axis=(0, 2, 3))
    bound = 4 * np.sqrt(p * (1 - p) / (20 * 50 * 100))
    assert (np.abs(kept - p) < bound).all()
    assert abs(np.corrcoef(q[:, 0].ravel(), q[:, 1].ravel())[0, 1]) < 4 / 10**2.5
    assert abs(np.corrcoef(q[0].ravel(), q[1].ravel())[0, 1]) < 4 / 100


@pytest.mark.parametrize(
    "keep, level", [(1.0, 2**30 - 1), (0.5, 2**29 - 1), (1e-12, 0)]
)
def test_bits_up_to_the_level_are_kept(keep, level):
    found, scale = masks._levels(strict.device, keep, np.float64)
    assert found.item() == level and scale.item() == 1 / keep
    bits = np.uint32([0, level, min(level + 1, 2**masks.BITS - 1)])
    q = fused.factors(strict.device.asarray(bits), found.ravel(), scale.ravel())
    np.testing.assert_allclose(q.host * keep, [1, 1, keep == 1])


def array(dtype, shape=SHAPE):
    """An array of the real CuPy that has no memory: enough to be traced."""
    cuda = strict.real.cuda
    memory = cuda.memory.UnownedMemory(2**20, 2**20, None, 0)
    return strict.real.ndarray(shape, dtype, cuda.MemoryPointer(memory, 0))


def traced(formula, *arrays):
    """Operations of the kernel that CuPy makes of `formula`."""
    fusion = pytest.importorskip("cupy._core.fusion")  # CuPy's own, may change
    if not hasattr(fusion, "_FusionHistory"):
        pytest.skip("this CuPy fuses in another way")
    local, history = fusion._thread_local, fusion._FusionHistory()
    local.history, local.is_old_fusing = history, True
    try:
        compute = partial(formula, strict.real)
        return history.get_fusion(compute, arrays, "name")[0].operation
    finally:
        local.history, local.is_old_fusing = None, False


def kernels(dtype):
    """Formula and arguments of every kernel, of arrays of one type."""
    a, column = array(dtype), array(dtype, (3, 1, 1))
    bits = array(np.uint32)
    for rate in (0.1, column):
        yield fused.gd, (a, a, rate)
        yield fused.adam, (a, a, a, a, rate, 0.5, 1e-8, 0.9, 0.99)
    yield fused.noisy_slope_of_tanh, (a, a, a)
    yield fused.noisy_slope_of_relu, (a, a)
    yield fused.factors, (bits, array(np.uint32, (3, 1, 1)), column)


def types(operation):
    """Floating types of the variables of a kernel."""
    return set(re.findall(r"\b(float16|float|double)\b", operation))


@pytest.mark.skipif(strict.real is None, reason="needs CuPy installed")
@pytest.mark.parametrize("dtype, name", [(np.float32, "float"), (np.float64, "double")])
def test_cupy_makes_one_kernel_of_each_in_the_type_of_its_arrays(dtype, name):
    count = 0
    for formula, arguments in kernels(dtype):
        assert types(traced(formula.__wrapped__, *arguments)) == {name}
        count += 1
    assert count == 7


@pytest.mark.skipif(strict.real is None, reason="needs CuPy installed")
def test_a_formula_in_half_precision_would_be_seen():
    def careless(xp, theta, gradient, rate, correction):
        theta -= gradient * (rate * correction)

    a = array(np.float32)
    assert types(traced(careless, a, a, 0.1, 0.5)) == {"float", "float16"}
