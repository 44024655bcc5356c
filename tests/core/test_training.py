"""The training loop: what it does, what it keeps, how it stops."""

from functools import partial
from itertools import combinations, combinations_with_replacement

import numpy as np
import pytest
from oracles import assert_close

import refimpl

OPTIMIZERS = {"GD": refimpl.GD(0.05), "Adam": refimpl.Adam(0.01)}
NOISES = {
    "none": {},
    "shared": {"dropout": refimpl.Dropout(0.7)},
    "per sample": {"dropout": refimpl.Dropout(0.7, per_sample=True)},
    "all layers": {"dropout": refimpl.Dropout((0.9, 0.6), True, layers="all")},
    "batches": {"batch_size": 2},
    "both": {"batch_size": 3, "dropout": refimpl.Dropout(0.7, per_sample=True)},
}


@pytest.fixture
def start(problem):
    """Function that gives a risk, and θ of some replicas."""
    return partial(problem, "deep 2", n=5)


@pytest.mark.equation("eq:gd")
def test_a_step_is_the_rate_times_the_gradient(start, xp):
    objective, theta = start()
    history = refimpl.train(objective, theta, refimpl.GD(0.1), 2, snapshots=[1])
    one = theta - 0.1 * objective.gradient(theta)
    assert_close(history.snapshots[0], one)
    assert_close(history.theta, one - 0.1 * objective.gradient(one))
    assert_close(history.loss, [objective(theta), objective(one)])


def test_dropout_is_drawn_afresh_at_every_step(problem):
    """Which mask a step drew is told by its loss."""
    objective, theta = problem()
    drop, steps = refimpl.Dropout(0.5), range(30)
    _, masks = drop.enumerate(objective.net, objective.n)
    history = refimpl.train(
        objective,
        theta,
        refimpl.GD(0.1),
        len(steps),
        drop,
        rng=np.random.default_rng(1),
        snapshots=steps,
    )
    differences = [objective(start, masks) for start in history.snapshots]
    differences = abs(np.array(differences) - history.loss[:, None])  # (steps, masks)
    assert differences.min(axis=1).max() < 1e-14
    assert len(set(differences.argmin(axis=1))) > 10  # of 16


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_replica_trains_as_it_would_alone(optimizer, noise, start, xp):
    objective, theta = start(replicas=(3,))

    def trained(theta, rng):
        return refimpl.train(
            objective, theta, OPTIMIZERS[optimizer], 20, rng=rng, **NOISES[noise]
        )

    together = trained(theta, [np.random.default_rng(k) for k in range(3)])
    for k in range(3):
        alone = trained(theta[k], np.random.default_rng(k))
        assert_close(together.theta[k], alone.theta)
        assert_close(together.loss[:, k], alone.loss)


def test_replicas_may_keep_with_their_own_probability(start, xp):
    objective, theta = start(replicas=(2,))
    keeps, rate = np.array([0.5, 1.0]), refimpl.GD(0.1)
    together = refimpl.train(
        objective,
        theta,
        rate,
        10,
        refimpl.Dropout(keeps, per_sample=True),
        rng=[np.random.default_rng(k) for k in range(2)],
    )
    for k, keep in enumerate((0.5, 1.0)):
        drop, rng = refimpl.Dropout(keep, per_sample=True), np.random.default_rng(k)
        alone = refimpl.train(objective, theta[k], rate, 10, drop, rng=rng)
        assert_close(together.theta[k], alone.theta)


@pytest.mark.parametrize("optimizer", [refimpl.GD, refimpl.Adam])
def test_replicas_may_have_their_own_learning_rate(optimizer, start, xp):
    objective, theta = start(replicas=(2,))
    rates, drop = np.array([0.02, 0.1]), refimpl.Dropout(0.7, per_sample=True)

    def trained(theta, rate, rng):
        return refimpl.train(objective, theta, optimizer(rate), 20, drop, rng=rng)

    together = trained(theta, rates, [np.random.default_rng(k) for k in range(2)])
    for k in range(2):
        alone = trained(theta[k], rates[k], np.random.default_rng(k))
        assert_close(together.theta[k], alone.theta)


def test_a_batch_holds_every_sample_at_most_once(problem):
    """Which samples a step drew is told by its loss."""
    objective, theta = problem(n=4)
    history = refimpl.train(
        objective,
        theta,
        refimpl.GD(1e-3),
        100,
        batch_size=2,
        rng=np.random.default_rng(0),
        snapshots=range(100),
    )
    pairs = np.array(list(combinations_with_replacement(range(4), 2)))
    losses = np.array([objective.batch(pairs)(start) for start in history.snapshots])
    drawn = pairs[abs(losses - history.loss[:, None]).argmin(axis=1)]
    assert {*map(tuple, drawn.tolist())} == {*combinations(range(4), 2)}


def test_snapshots_are_kept_at_their_steps_and_the_start_is_not_changed(start, xp):
    objective, theta = start()
    before = theta.copy()
    history = refimpl.train(
        objective, theta, refimpl.GD(0.1), 250, snapshots=[250, 0, 101]
    )
    assert_close(theta, before, 0)
    assert history.steps == [0, 101, 250]
    assert_close(history.snapshots[0], before, 0)
    assert_close(history.snapshots[2], history.theta, 0)
    shorter = refimpl.train(objective, theta, refimpl.GD(0.1), 101)
    assert_close(history.snapshots[1], shorter.theta, 0)


@pytest.mark.parametrize("snapshots", [[], [0, 7, 33]])
def test_progress_is_reported_every_hundred_steps_at_snapshots_and_at_the_end(
    snapshots, start
):
    objective, theta = start()
    calls, expected = [], [*snapshots[1:], 100, 200, 250]

    def progress(*call):
        calls.append(call)

    history = refimpl.train(
        objective, theta, refimpl.GD(0.1), 250, snapshots=snapshots, progress=progress
    )
    assert [done for done, _ in calls] == expected
    assert [loss for _, loss in calls] == [history.loss[k - 1] for k in expected]


def test_divergence_names_step_rate_and_loss_and_keeps_the_history(start, xp):
    objective, theta = start(replicas=(2,))
    theta[0] *= 0
    rates = np.array([1e-6, 1e6])
    with np.errstate(all="ignore"), pytest.raises(refimpl.Divergence) as stopped:
        refimpl.train(
            objective, theta, refimpl.GD(rates), 1000, snapshots=[0, 1, 2, 900]
        )
    message, history = str(stopped.value), stopped.value.history
    step = len(history.loss)
    assert f"at step {step} with learning rate 1e+06 (replica 1" in message
    assert "loss is" in message and "loss one step before" in message
    assert 2 < step < 1000 and np.isfinite(history.loss).all()
    assert history.steps == [0, 1, 2]
    assert_close(history.snapshots[0], theta, 0)


def test_an_overflow_in_the_last_step_is_divergence_too(start, xp):
    objective, theta = start()
    with (
        np.errstate(all="ignore"),
        pytest.raises(
            refimpl.Divergence, match="not finite after the last step, 1, .* 1e\\+299"
        ) as stopped,
    ):
        refimpl.train(objective, 1e10 * theta, refimpl.GD(1e299), 1)
    assert np.isfinite(stopped.value.history.loss).all()


def test_single_precision_stays_single(start, xp):
    objective, theta = start()
    drop = refimpl.Dropout(0.7, per_sample=True)
    history = refimpl.train(
        objective,
        theta.astype(np.float32),
        refimpl.Adam(0.01),
        5,
        drop,
        rng=np.random.default_rng(0),
    )
    assert history.theta.dtype == history.loss.dtype == np.float32


def test_any_objective_can_be_trained(start, xp):
    objective, theta = start()
    for other in (refimpl.L1(objective, 0.8), refimpl.L1(objective, 0.8).batch([0, 1])):
        history = refimpl.train(other, theta, refimpl.GD(0.05), 100)
        assert history.loss[-1] < history.loss[0]


@pytest.mark.parametrize("own", ["X", "Y"])
def test_batches_of_replicas_that_share_inputs_or_targets(own, problem):
    whole, thetas = problem(n=5, replicas=(2,), own_data=True)
    X, Y = whole.X if own == "X" else whole.X[0], whole.Y if own == "Y" else whole.Y[0]
    shared = refimpl.Risk(whole.net, X, Y)
    indices = np.array([[3, 0], [1, 4]])
    part = shared.batch(indices)(thetas)
    for k in range(2):
        alone = refimpl.Risk(
            whole.net, *(a[k] if a.ndim > 2 else a for a in (shared.X, shared.Y))
        )
        assert_close(part[k], alone.batch(indices[k])(thetas[k]))
    rng = np.random.default_rng(0)
    history = refimpl.train(shared, thetas, refimpl.GD(0.05), 50, batch_size=2, rng=rng)
    assert (history.loss[-10:].mean(axis=0) < history.loss[0]).all()


def test_batches_have_one_replica_axis(problem):
    whole, _ = problem(n=5, replicas=(2, 3), own_data=True)
    with pytest.raises(ValueError, match=r"at most one replica axis.*got \(2, 3\)"):
        whole.batch(np.zeros((2, 2), int))


def test_one_step_is_a_training(start, xp):
    objective, theta = start()
    history = refimpl.train(objective, theta, refimpl.GD(0.1), 1, snapshots=[0, 1])
    assert_close(history.theta, theta - 0.1 * objective.gradient(theta))
    assert_close(history.loss, [objective(theta)])
    assert_close(history.snapshots, [theta, history.theta])
