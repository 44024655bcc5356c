"""A training step does not make the host wait for the device, nor moves arrays."""

import numpy as np
import pytest
import strict
from problems import NETWORKS

import refimpl
from refimpl.core import modified_losses as modified_loss
from refimpl.core import training

xp = strict.device
REPLICAS, KEEP = 3, 0.8
KEEPS = np.array([0.5, 0.8, 1.0])  # on the host, as experiments have them


@pytest.fixture(autouse=True)
def installed():
    with strict.installed():
        yield


def traffic(objective, optimizer, steps, lead=(), rng=None, **options):
    """Waits and transfers of a training of `steps` steps, and where they were."""
    theta = objective.net.init(np.random.default_rng(0), 0.5)
    theta = np.broadcast_to(theta, (*lead, objective.net.size))
    theta = xp.asarray(np.ascontiguousarray(theta))
    rng = xp.random.default_rng(1) if rng is None else rng
    strict.TRAFFIC.places = []
    try:
        history = refimpl.train(objective, theta, optimizer, steps, rng=rng, **options)
        assert isinstance(history.theta, strict.ndarray)
        return sorted(strict.TRAFFIC.places)
    finally:
        strict.TRAFFIC.places = None


def assert_no_step_waits(*args, **options):
    """A long training waits as often as a short one, once the data are there."""
    _, few, many = (traffic(*args, steps=steps, **options) for steps in (1, 2, 12))
    assert many == few


SIZES = {"outputs": 1, "n": 6}


OPTIMIZERS = {
    "GD": refimpl.GD(0.1),
    "Adam": refimpl.Adam(0.1),
    "GD by replica": refimpl.GD(np.array([0.1, 0.2, 0.3])),
    "Adam by replica": refimpl.Adam(np.array([0.1, 0.2, 0.3])),
}
OBJECTIVES = {
    "R_S": lambda risk: risk,
    "R1": lambda risk: modified_loss.R1Penalty(risk, KEEP),
    "L1": lambda risk: refimpl.L1(risk, KEEP),
    "L1 by replica": lambda risk: refimpl.L1(risk, KEEPS),
    "L2": lambda risk: refimpl.L2(risk, 0.1),
    "L3": lambda risk: refimpl.L3(risk, 0.1),
    "L4": lambda risk: refimpl.L4(risk, KEEP),
    "decay": lambda risk: refimpl.WeightDecay(refimpl.L1(risk, KEEP), 0.1),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", NETWORKS)
def test_no_step_waits(kind, optimizer, problem):
    assert_no_step_waits(
        problem(kind, **SIZES)[0], OPTIMIZERS[optimizer], lead=(REPLICAS,)
    )


@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("layers", ["last", "all"])
@pytest.mark.parametrize("keep", [KEEP, KEEPS], ids=["one keep", "by replica"])
@pytest.mark.parametrize("batch", [None, 4])
def test_no_step_with_dropout_waits(per_sample, layers, keep, batch, problem):
    assert_no_step_waits(
        problem("deep 2", n=6, loss="cross_entropy")[0],
        refimpl.Adam(0.01),
        lead=(REPLICAS,),
        dropout=refimpl.Dropout(keep, per_sample, layers),
        batch_size=batch,
    )


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("batch", [None, 4])
def test_no_step_on_a_modified_loss_waits(objective, batch, problem):
    assert_no_step_waits(
        OBJECTIVES[objective](problem(**SIZES)[0]),
        refimpl.GD(0.01),
        lead=(REPLICAS,),
        dropout=refimpl.Dropout(KEEP, True) if objective in ("L3", "L4") else None,
        batch_size=batch,
    )


def test_no_step_with_a_generator_for_each_replica_waits(problem):
    assert_no_step_waits(
        problem(**SIZES)[0],
        refimpl.GD(0.01),
        lead=(REPLICAS,),
        dropout=refimpl.Dropout(KEEPS, True),
        rng=[xp.random.default_rng(seed) for seed in range(REPLICAS)],
    )


def test_no_step_on_data_of_each_replica_waits(problem):
    assert_no_step_waits(
        problem(replicas=(REPLICAS,), own_data=True, **SIZES)[0],
        refimpl.GD(0.01),
        lead=(REPLICAS,),
    )


def test_losses_are_looked_at_at_snapshots_and_now_and_then(problem):
    objective, optimizer = problem(**SIZES)[0], refimpl.GD(0.01)
    traffic(objective, optimizer, 1)  # moves the data
    plain = traffic(objective, optimizer, training.LOOK_EVERY)
    snapshots = traffic(objective, optimizer, training.LOOK_EVERY, snapshots=[3, 7])
    assert len(snapshots) == len(plain) + 2
    longer = traffic(objective, optimizer, 2 * training.LOOK_EVERY)
    assert len(longer) == len(plain) + 1


@pytest.mark.parametrize(
    "planted",
    [
        lambda value, gradient: float(value),
        lambda value, gradient: bool((gradient == 0).all()),
        lambda value, gradient: gradient.get(),
        lambda value, gradient: gradient[gradient > 0],
        lambda value, gradient: xp.asarray(np.ones(2)),
    ],
)
def test_a_wait_in_a_step_is_seen(planted, monkeypatch, problem):
    step = refimpl.Risk.value_and_gradient

    def waiting(self, theta, q):
        value, gradient = step(self, theta, q)
        planted(value, gradient)
        return value, gradient

    monkeypatch.setattr(refimpl.Risk, "value_and_gradient", waiting)
    with pytest.raises(AssertionError):
        assert_no_step_waits(problem(**SIZES)[0], refimpl.GD(0.01))


def test_noise_drawn_on_the_host_is_moved_once_a_step(problem):
    options = dict(
        dropout=refimpl.Dropout(KEEP), rng=np.random.default_rng(0), lead=(REPLICAS,)
    )
    few, many = (
        traffic(problem(**SIZES)[0], refimpl.GD(0.01), steps, **options)
        for steps in (2, 12)
    )
    assert len(many) == len(few) + 10
