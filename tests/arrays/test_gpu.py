"""What only a device, or much time, can show. Run with ``pytest -m gpu``."""

import warnings

import numpy as np
import pytest
from array_modules import array_module

import refimpl
from refimpl.arrays import backend
from refimpl.experiments.common import framework
from refimpl.experiments.common.context import Context

# Claims that are decided by the noise at the quick size: with other random numbers some
# of them fail on the host as well.
BY_NOISE = {
    "fig13-shared-connected",
    "generalisation-decay",
    "hessian-noise-flattens",
    "phase-width",
}


@pytest.fixture
def cupy():
    """CuPy on a device."""
    with array_module("cupy") as module:
        yield module


def verdicts(name, backend):
    """Verdict of each claim of the experiment `name` at the quick size."""
    module = framework.load(name)
    config = framework.config(module, "quick")
    arrays = framework.run(module, config, Context(name, backend=backend))
    return {result.claim.id: result.verdict for result in module.check(arrays)}


@pytest.mark.slow
@pytest.mark.parametrize("name", framework.names())
def test_what_the_quick_preset_shows_on_the_host_it_shows_on_a_device(name, device):
    host, there = verdicts(name, "numpy"), verdicts(name, "cupy")
    held = {claim for claim, verdict in host.items() if verdict == "supported"}
    lost = {claim for claim in held if there[claim] != "supported"}
    assert lost <= BY_NOISE


@pytest.fixture
def limited(cupy):
    """Function that holds the device's memory to some bytes, for a test."""
    pool = cupy.get_default_memory_pool()
    before = pool.get_limit()
    pool.free_all_blocks()
    yield lambda size: pool.set_limit(size=size)
    pool.set_limit(size=before)


def figure_4(cupy, *lead, dtype=np.float64):
    rng = np.random.default_rng(0)
    net = refimpl.TwoLayer(1, 1000)
    X = rng.standard_normal((100, 1))
    theta = net.init([rng] * lead[0] if lead else rng, std=0.1)
    return refimpl.Risk(net, X, np.sin(3 * X)), cupy.asarray(theta.astype(dtype))


@pytest.mark.gpu
def test_no_measure_outgrows_the_budget(cupy, limited):
    limited(2 * backend.BUDGET)  # CuPy's libraries take of it too
    risk, theta = figure_4(cupy)
    noise, drop = cupy.random.default_rng(0), refimpl.Dropout(0.9, per_sample=True)
    found = refimpl.expectation(
        lambda eta: risk(theta, eta), drop, risk.net, 100, "monte_carlo", 20_000, noise
    )
    assert float(found.standard_error) > 0
    assert float(refimpl.hessian_trace(risk, theta, "exact").mean) > 0
    assert float(refimpl.hessian_trace(risk, theta, "hutchinson", 2000, noise).mean) > 0
    assert float(refimpl.R2(risk, theta, drop, 0.1)) > 0


@pytest.mark.gpu
def test_256_replicas_are_trained_in_one_gibibyte(cupy, limited):
    limited(2**30)
    risk, theta = figure_4(cupy, 256, dtype=np.float32)
    noise, drop = cupy.random.default_rng(0), refimpl.Dropout(0.9, per_sample=True)
    history = refimpl.train(risk, theta, refimpl.Adam(1e-3), 200, drop, rng=noise)
    assert bool(cupy.isfinite(history.loss).all())


@pytest.mark.gpu
@pytest.mark.parametrize("batch", [None, 4])
def test_no_step_waits_by_cupys_own_account(cupy, batch, problem, monkeypatch):
    cupyx = pytest.importorskip("cupyx")
    risk, _ = problem("deep 2", outputs=1, n=8)
    _, theta = problem("deep 2", outputs=1, replicas=(3,), xp=cupy)

    def train():
        refimpl.train(
            risk,
            theta,
            refimpl.Adam(1e-3),
            50,
            refimpl.Dropout(0.8, True, "all"),
            batch,
            cupy.random.default_rng(0),
        )

    train()  # compiles
    step = refimpl.Risk.value_and_gradient

    def alone(*args):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # CuPy warns that it does not see all
            with cupyx.allow_synchronize(False):
                return step(*args)

    monkeypatch.setattr(refimpl.Risk, "value_and_gradient", alone)
    train()
    monkeypatch.setattr(risk.loss, "value_and_gradient", lambda F, Y: float(F.sum()))
    with pytest.raises(cupyx.DeviceSynchronized):
        train()


@pytest.mark.gpu
def test_the_stand_in_draws_and_refuses_as_cupy_does(cupy):
    rng = cupy.random.default_rng([1, 2, 3])
    drawn = rng.integers(0, 2, (10_000,))
    assert abs(float(drawn.mean()) - 0.5) < 0.02
    bits = rng.integers(0, 2**30, (10_000,), dtype=np.uint32)
    assert bits.dtype == np.uint32
    assert abs(float((bits < 2**29).mean()) - 0.5) < 0.02
    host, there = np.ones((2, 3)), cupy.ones((2, 3))
    with pytest.raises(TypeError):
        there + host
    with pytest.raises(TypeError):
        np.asarray(there)
    with pytest.raises(ValueError, match="[Oo]ut"):
        cupy.add(there, there, out=cupy.empty((4, 2, 3)))
