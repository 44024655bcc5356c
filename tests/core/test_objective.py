"""Objectives of a user's own: what is theirs is left as it is."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects

import refimpl
from refimpl.arrays.backend import per_replica
from refimpl.core.objective import Differentiable, OfRisk


class Near(OfRisk, Differentiable):
    """F(θ, η) + (λ/2) ‖θ_K − c‖² of the parameters numbered K."""

    by_replica = ("strength",)

    def __init__(self, risk, strength, where, center):
        self.risk, self.strength = risk, strength
        self.where, self.center = where, center

    def value_and_gradient(self, theta, q):
        value, gradient = self.risk.value_and_gradient(theta, q)
        away = theta[..., self.where] - self.center
        strength = per_replica(self.strength, theta)
        gradient[..., self.where] += per_replica(self.strength, theta, axes=1) * away
        return value + 0.5 * strength * (away**2).sum(axis=-1), gradient


def near(risk, strength):
    where = np.array([0, 3, 4])
    return Near(risk, strength, where, np.linspace(0, 1, len(where)))


def test_arrays_of_a_regularizer_are_no_replicas_and_keep_their_type(problem):
    risk, theta = problem()
    objective = near(risk, 0.5)
    away = theta[[0, 3, 4]] - [0, 0.5, 1]
    assert_close(objective(theta), risk(theta) + 0.25 * away @ away)
    assert refimpl.check_gradient(objective, theta) < 1e-10
    history = refimpl.train(objective, theta.astype("float32"), refimpl.GD(0.1), 20)
    assert history.theta.dtype == np.float32 and history.loss[-1] < history.loss[0]


def test_what_is_named_by_replica_is_one_number_for_each(problem):
    risk, theta = problem(replicas=(2,))
    strengths = np.array([0.0, 0.5])
    both = near(risk, strengths)
    assert both.lead == (2,)
    expected = [near(risk, s)(t) for s, t in zip(strengths.tolist(), theta)]
    assert_close(both(theta), expected)
    assert_rejects(both(theta), expected[::-1])
    trained = refimpl.train(both, theta.astype("float32"), refimpl.GD(0.1), 5)
    assert trained.loss.dtype == np.float32
    with pytest.raises(ValueError, match=r"replica axes of data and keep, \(2,\)"):
        refimpl.train(both, theta[0], refimpl.GD(0.1), 5)


def test_a_product_belongs_to_the_theta_it_was_made_for(problem):
    """Also where that array is changed in place, as optimizers do."""
    risk, theta = problem()
    v, changed = np.linspace(-1, 1, len(theta)), theta.copy()
    product = risk.hessian_at(changed)
    changed += 1
    assert_close(product(v), risk.hvp(theta, v))


def test_what_was_checked_stays():
    keep = np.array([0.5, 0.8])
    drop, rate = refimpl.Dropout(keep), refimpl.GD(keep)
    keep[:] = 0
    assert drop.keep.tolist() == rate.learning_rate.tolist() == [0.5, 0.8]


def test_batches_of_several_data_sets_take_lists():
    net = refimpl.TwoLayer(1, 2)
    X = np.arange(6.0).reshape(2, 3, 1)
    batch = refimpl.Risk(net, X, X).batch([[0, 1], [2, 2]])
    assert batch.X[..., 0].tolist() == [[0, 1], [5, 5]]
