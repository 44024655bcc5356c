"""What does not fit the memory is refused before it starts; what fits is not."""

import tracemalloc
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

import refimpl
from refimpl.arrays import backend, limits
from refimpl.fast import two_layer
from refimpl.theory import iterates

SHARED, EACH = (refimpl.Dropout(0.9, per_sample=one) for one in (False, True))
GIB = 2**30
NETWORKS = {
    "one output": (refimpl.TwoLayer(1, 300), 300),
    "ten outputs": (refimpl.TwoLayer(20, 300, 10, "relu"), 300),
    "deep": (refimpl.Deep((1, 200, 200, 1)), 400),
    "convolutional": (refimpl.Convolutional((1, 8, 8), (4, 8), 16, 3), 40),
    "transformer": (refimpl.Transformer(4, 4, 8, 2, 1, 3), 50),
    "few neurons": (refimpl.TwoLayer(60, 6), 2),
}


def trained(objective, theta, *drop):
    return refimpl.train(objective, theta, refimpl.GD(1e-3), 1, *drop, rng=0)


WORK = {  # what a user may ask of a network
    "R_S": lambda risk, theta: risk(theta),
    "R_S^drop": lambda risk, theta: risk(theta, EACH.draw(risk.net, risk.n, 0)),
    "gradient": lambda risk, theta: risk.gradient(theta),
    "R_1": lambda risk, theta: refimpl.R1_gradient(risk, theta, 0.9),
    "noise": lambda risk, theta: EACH.draw(risk.net, risk.n, 0),
    "step": lambda risk, theta: trained(risk, theta, EACH),
    "L1": lambda risk, theta: trained(refimpl.L1(risk, 0.9), theta),
    "L3": lambda risk, theta: trained(refimpl.L3(risk, 0.1), theta, EACH),
    "trace": lambda risk, theta: refimpl.hessian_trace(risk, theta, probes=2),
    "eigenvalue": lambda risk, theta: refimpl.top_eigenvalues(risk, theta, 1, 0.1),
    "quadrature": lambda risk, theta: refimpl.quadrature(risk, theta, 2, 2),
    "R_2, shared": lambda risk, theta: refimpl.R2(risk, theta, SHARED, 0.1),
    "R_2, per sample": lambda risk, theta: refimpl.R2(risk, theta, EACH, 0.1),
    "∇R_2, shared": lambda risk, theta: refimpl.R2_gradient(risk, theta, SHARED, 0.1),
    "∇R_2, per sample": lambda risk, theta: refimpl.R2_gradient(risk, theta, EACH, 0.1),
}
ENUMERATED = {  # what follows all masks of a few neurons
    "iterates": lambda risk, theta: iterates.mean_iterate(risk, theta, SHARED, 0.1, 2),
    "covariance": lambda risk, theta: iterates.gradient_covariance(risk, theta, SHARED),
    "of each": lambda risk, theta: iterates.gradient_covariance(risk, theta, EACH),
}
CASES = [
    (net, name)
    for net, (one, _) in NETWORKS.items()
    for name in (ENUMERATED if net == "few neurons" else WORK)
    if "R_2" not in name or isinstance(one, refimpl.TwoLayer)
]


def case(net, name):
    """The work `name` on one of `NETWORKS`, as a function of nothing."""
    (net, n), rng = NETWORKS[net], np.random.default_rng(0)
    X, Y = (rng.standard_normal((n, size)) for size in (net.inputs, net.outputs))
    return partial((WORK | ENUMERATED)[name], refimpl.Risk(net, X, Y), net.init(rng))


@pytest.fixture
def free(monkeypatch):
    """Sets the memory that is free; keeps what was asked for."""
    told = SimpleNamespace(bytes=2**60, asked=[])
    plain = limits.check_fits

    def noted(name, elements, like):
        told.asked.append(elements * like.dtype.itemsize)
        plain(name, elements, like)

    monkeypatch.setattr(limits, "check_fits", noted)
    monkeypatch.setattr(limits, "free_bytes", lambda array: told.bytes)
    monkeypatch.setattr(limits, "UNSEEN", 0)
    monkeypatch.setattr(two_layer, "CACHED", 1)  # no step is small
    for module in ("fast.dropout", "analysis.hessian", "theory.iterates"):
        monkeypatch.setattr(f"refimpl.{module}.check_fits", noted)
    return told


@pytest.mark.parametrize("net, name", CASES)
def test_what_is_needed_is_held_and_not_much_more(net, name, free):
    run = case(net, name)
    tracemalloc.start()
    try:
        run()
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    needed = max(free.asked)
    assert needed <= held, "something that fits would be refused"
    chunk = 8 * backend.CHUNK_ELEMENTS if name in ("trace", "eigenvalue") else 2**20
    assert held < 8 * needed + chunk  # directions go a chunk at a time


@pytest.mark.parametrize("net, name", CASES)
def test_it_is_refused_before_it_starts(net, name, free):
    run = case(net, name)
    run()
    free.bytes = max(free.asked) - 1
    with pytest.raises(MemoryError, match="needs at least .* GiB in float64, and "):
        run()


def test_the_message_says_what_how_much_and_how_much_there_is(monkeypatch):
    monkeypatch.setattr(limits, "free_bytes", lambda array: 8 * GIB)
    net = refimpl.TwoLayer(1, 10**6)
    risk, theta = refimpl.Risk(net, np.zeros((10**5, 1)), np.zeros(10**5)), net.init(0)
    several = np.broadcast_to(theta.astype(np.float32), (3, net.size))
    with pytest.raises(MemoryError) as error:
        risk(several)
    assert str(error.value) == (
        "a forward pass, 3 networks with 100,000 samples and 1,000,000 neurons, needs "
        "at least 2.24e+03 GiB in float32, and 8 GiB are free"
    )
    with pytest.raises(MemoryError, match=r"noise of shape \(100000, 1000000\) needs"):
        EACH.draw(net, risk.n, 0)
    with pytest.raises(MemoryError, match="the Hessian in 3,000,000 parameters needs"):
        refimpl.hessian(refimpl.Risk(net, [[0.0]], [[0.0]]), theta)


def test_small_work_asks_nobody(monkeypatch):
    monkeypatch.setattr(limits, "free_bytes", lambda _: pytest.fail("asked"))
    risk, theta = case("one output", "R_S").args
    assert np.isfinite(risk(theta))


def test_the_memory_of_a_device_is_its_own(monkeypatch):
    pool = SimpleNamespace(free_bytes=lambda: 3)
    runtime = SimpleNamespace(memGetInfo=lambda: (4, 10))
    xp = SimpleNamespace(
        get_default_memory_pool=lambda: pool, cuda=SimpleNamespace(runtime=runtime)
    )
    monkeypatch.setattr(limits, "on_device", lambda array: True)
    monkeypatch.setattr(limits, "get_xp", lambda array: xp)
    assert limits.free_bytes(np.zeros(1)) == 7
    monkeypatch.undo()
    assert limits.free_bytes(np.zeros(1)) > 2**20
