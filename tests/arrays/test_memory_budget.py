"""Peak memory stays below the budget, whatever the number of masks or replicas."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from problems import problem
from problems import risk as risk_of

import refimpl
from refimpl.analysis import spectra as spectrum
from refimpl.arrays import backend
from refimpl.fast.enumeration import mean_over_masks

RNG = np.random.default_rng(0)
SHARED, EACH = (refimpl.Dropout(0.9, per_sample=one) for one in (False, True))


def gradients(masks, method, net, n, **how):
    risk, theta = problem(net, n=n)
    drop = SHARED if method == "exact" else EACH

    def of_masks(eta):
        return risk.gradient(theta, eta)

    return lambda: refimpl.expectation(of_masks, drop, net, n, method, **how)


def enumeration(neurons):
    return gradients(neurons, "exact", refimpl.TwoLayer(1, neurons), 100)


def enumeration_by_the_output_layer(neurons):
    risk, theta = problem(refimpl.TwoLayer(1, neurons), n=100)
    return lambda: mean_over_masks(risk, theta, SHARED)


def monte_carlo(samples):
    how = {"samples": samples, "rng": np.random.default_rng(0)}
    return gradients(samples, "monte_carlo", refimpl.TwoLayer(1, 1000), 15, **how)


def r2_by_monte_carlo(samples):
    risk, theta = problem(refimpl.TwoLayer(1, 1000), n=15)
    rng = np.random.default_rng(0)
    return lambda: refimpl.R2_gradient_estimate(risk, theta, EACH, 0.1, samples, rng)


def r2_by_monte_carlo_of_replicas(replicas):
    risk, _ = problem(refimpl.TwoLayer(1, 1000), n=15)
    theta = risk.net.init([RNG] * replicas)
    rng = np.random.default_rng(0)
    return lambda: refimpl.R2_estimate(risk, theta, EACH, 0.1, 100, rng)


def r2_of_replicas(replicas):
    risk, _ = problem(refimpl.TwoLayer(1, 1000), n=50)
    theta = risk.net.init([RNG] * replicas)
    return lambda: refimpl.R2_gradient(risk, theta, SHARED, 0.1)


def of_layers(net, samples):
    """Value, gradient and R̃_2 by Monte Carlo, where most lies within the layers."""
    risk, theta = risk_of(net, RNG, n=4), net.init(RNG)

    def work():
        for fn in (partial(risk, theta), partial(risk.gradient, theta)):
            refimpl.expectation(fn, EACH, net, 4, "monte_carlo", samples, rng=0)
        refimpl.R2_estimate(risk, theta, EACH, 0.1, samples, rng=0)

    return work


def with_attention(samples):
    return of_layers(refimpl.Transformer(64, 8, 8, 4, 3, 10), samples)


def with_windows(samples):
    image, channels = (3, 32, 32), (16, 32)
    net = refimpl.Convolutional(image, channels, 64, 10, residual=True)
    return of_layers(net, samples)


def hutchinson(probes):
    risk, theta = problem(refimpl.Deep((20, 100, 100, 10)), n=100)
    return lambda: refimpl.hessian_trace(risk, theta, "hutchinson", probes)


def trace_by_products(width):
    risk, theta = problem(refimpl.Deep((1, width, 1)), n=100)
    return lambda: refimpl.hessian_trace(risk, theta, "exact")


def quadrature(probes):
    risk, theta = problem(refimpl.Deep((20, 100, 100, 10)), n=100)
    return lambda: spectrum.quadrature(risk, theta, 10, probes)


# How much work, and four times as much or more.
WORK = {
    enumeration: (14, 16),
    enumeration_by_the_output_layer: (16, 18),
    monte_carlo: (500, 2000),
    r2_by_monte_carlo: (250, 1000),
    r2_by_monte_carlo_of_replicas: (5, 20),
    with_attention: (30, 120),
    with_windows: (10, 40),
    r2_of_replicas: (15, 60),
    hutchinson: (100, 400),
    trace_by_products: (100, 400),
    quadrature: (4, 16),
}


def peak(make, size):
    """Bytes that a computation holds at most, beside its arguments."""
    work = make(size)
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("make", WORK, ids=lambda make: make.__name__)
def test_memory_stays_below_the_budget(make):
    some, more = (peak(make, size) for size in WORK[make])
    assert max(some, more) < backend.BUDGET
    assert more < 1.5 * some + 2**20


@pytest.mark.parametrize("make", [monte_carlo, r2_of_replicas])
def test_without_chunks_it_would_not(make, monkeypatch):
    monkeypatch.setattr(backend, "CHUNK_ELEMENTS", 2**40)
    _, more = WORK[make]
    assert peak(make, more) > backend.BUDGET


def training(replicas, n=100, steps=5):
    risk, _ = problem(refimpl.TwoLayer(1, 1000), n=n)
    theta = risk.net.init([RNG] * replicas).astype(np.float32)
    rngs = [np.random.default_rng(k) for k in range(replicas)]
    return lambda: refimpl.train(risk, theta, refimpl.Adam(1e-3), steps, EACH, rng=rngs)


def test_training_adds_what_a_replica_has_of_its_own():
    some, more = (peak(training, replicas) for replicas in (10, 50))
    P, masks = 3000, 100 * 1000
    # θ, its gradient, two moments and what an update makes, in float32; bits of masks,
    # factors and activations before and after them.
    assert more - some < 40 * (12 * 4 * P + (2 + 4 * 4) * masks)
