"""On a device a training takes the same path as on the host, given the same noise."""

import numpy as np
import pytest

import refimpl
from refimpl.arrays.backend import to_numpy

STEPS, REPLICAS = 100, 3
SIZES = {"n": 8, "width": 20}
OPTIMIZERS = {"GD": refimpl.GD(0.05), "Adam": refimpl.Adam(0.005)}
MASKS = {
    "none": None,
    "shared": refimpl.Dropout(0.8),
    "per sample, all layers": refimpl.Dropout(0.8, True, "all"),
    "by replica": refimpl.Dropout(np.array([0.5, 0.8, 1.0]), True),
}


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


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("dropout", MASKS)
def test_two_layers(dropout, optimizer, problem, device):
    risk, _ = problem(outputs=1, **SIZES)
    assert_parity(device, risk, OPTIMIZERS[optimizer], MASKS[dropout])


@pytest.mark.parametrize("kind", ["two-layer", "deep 2"])
@pytest.mark.parametrize("dropout", MASKS)
def test_networks_with_cross_entropy_and_batches(kind, dropout, problem, device):
    risk, _ = problem(kind, outputs=3, loss="cross_entropy", **SIZES)
    assert_parity(device, risk, refimpl.Adam(0.005), MASKS[dropout], batch_size=4)


@pytest.mark.parametrize(
    "loss",
    [refimpl.L1, refimpl.L2, refimpl.L3, refimpl.L4],
    ids=lambda one: one.__name__,
)
def test_modified_losses(loss, problem, device):
    risk, _ = problem(outputs=1, **SIZES)
    objective = loss(risk, 0.8 if loss in (refimpl.L1, refimpl.L4) else 0.05)
    noisy = MASKS["shared"] if loss in (refimpl.L3, refimpl.L4) else None
    assert_parity(device, objective, refimpl.GD(0.05), noisy)


def test_another_noise_is_another_path(problem, device):
    risk, _ = problem(outputs=1, **SIZES)
    optimizer = refimpl.GD(0.05)
    host = trained(np, np.float64, risk, optimizer, MASKS["shared"])
    other = trained(device, np.float64, risk, optimizer, refimpl.Dropout(0.79))
    assert np.abs(other[0] - host[0]).max() > 1e-3
