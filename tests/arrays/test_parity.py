"""On a device a training takes the same path as on the host, given the same noise."""

import numpy as np
import pytest
from conftest import MODULES, array_module
from problems import network

import refimpl
from refimpl.arrays.backend import to_numpy

STEPS, N, REPLICAS = 100, 8, 3
OPTIMIZERS = {"GD": refimpl.GD(0.05), "Adam": refimpl.Adam(0.005)}
MASKS = {
    "none": None,
    "shared": refimpl.Dropout(0.8),
    "per sample, all layers": refimpl.Dropout(0.8, True, "all"),
    "by replica": refimpl.Dropout(np.array([0.5, 0.8, 1.0]), True),
}


@pytest.fixture(params=MODULES[1:])
def xp(request):
    """CuPy, or its stand-in."""
    with array_module(request.param) as module:
        yield module


def trained(xp, dtype, objective, optimizer, dropout=None, batch_size=None):
    """History of a training whose noise is drawn on the host, on the host."""
    start = objective.net.init(np.random.default_rng(0), std=0.5).astype(dtype)
    theta = xp.asarray(np.tile(start, (REPLICAS, 1)))
    history = refimpl.train(
        objective,
        theta,
        optimizer,
        STEPS,
        dropout,
        batch_size,
        rng=[np.random.default_rng(seed) for seed in range(REPLICAS)],
    )
    assert type(history.theta) is xp.ndarray and history.theta.dtype == dtype
    return to_numpy(history.theta), to_numpy(history.loss)


def assert_parity(xp, *args, **options):
    for dtype, rtol in ((np.float64, 1e-10), (np.float32, 1e-4)):
        host = trained(np, dtype, *args, **options)
        device = trained(xp, dtype, *args, **options)
        for one, other in zip(device, host):
            scale = np.abs(other).max()
            np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol * scale)


def data(kind, outputs=1, loss="mse"):
    rng = np.random.default_rng(1)
    net = network(kind, "tanh", outputs=outputs, width=20)
    X = rng.standard_normal((N, net.inputs))
    Y = rng.standard_normal((N, outputs))
    return refimpl.Risk(net, X, Y if loss == "mse" else Y.argmax(axis=1), loss)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("dropout", MASKS)
def test_two_layers(dropout, optimizer, xp):
    chosen = OPTIMIZERS[optimizer], MASKS[dropout]
    assert_parity(xp, data("two-layer"), *chosen)


@pytest.mark.parametrize("kind", ["two-layer", "deep 2"])
@pytest.mark.parametrize("dropout", MASKS)
def test_networks_with_cross_entropy_and_batches(kind, dropout, xp):
    risk = data(kind, outputs=3, loss="cross_entropy")
    assert_parity(xp, risk, refimpl.Adam(0.005), MASKS[dropout], batch_size=4)


@pytest.mark.parametrize(
    "loss",
    [refimpl.L1, refimpl.L2, refimpl.L3, refimpl.L4],
    ids=lambda one: one.__name__,
)
def test_modified_losses(loss, xp):
    objective = loss(
        data("two-layer"), 0.8 if loss in (refimpl.L1, refimpl.L4) else 0.05
    )
    noisy = MASKS["shared"] if loss in (refimpl.L3, refimpl.L4) else None
    assert_parity(xp, objective, refimpl.GD(0.05), noisy)


def test_another_noise_is_another_path(xp):
    host = trained(np, np.float64, data("two-layer"), refimpl.GD(0.05), MASKS["shared"])
    other = trained(
        xp, np.float64, data("two-layer"), refimpl.GD(0.05), refimpl.Dropout(0.79)
    )
    assert np.abs(other[0] - host[0]).max() > 1e-3
