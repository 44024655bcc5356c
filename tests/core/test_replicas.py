"""Replicas in groups: the same numbers, whatever the size of a group."""

import numpy as np
import pytest
from problems import network

import refimpl
from refimpl.analysis.baselines import WeightDecay
from refimpl.core import replicas
from refimpl.core.modified_losses import FlattenedDropout
from refimpl.core.r1 import R1Penalty
from refimpl.core.r2_tilde import R2Tilde

R, N = 5, 6
EACH = np.linspace(0.5, 0.9, R)
DROP = refimpl.Dropout(EACH, per_sample=True)
CASES = {
    "risk": lambda risk: (risk, DROP),
    "no noise": lambda risk: (risk, None),
    "shared masks": lambda risk: (risk, refimpl.Dropout(0.7)),
    "every layer": lambda risk: (risk, refimpl.Dropout((0.8, 0.6), True, "all")),
    "R_1": lambda risk: (R1Penalty(risk, EACH), None),
    "R~_2": lambda risk: (R2Tilde(risk, EACH), DROP),
    "L1": lambda risk: (refimpl.L1(risk, EACH), None),
    "L1, one keep": lambda risk: (refimpl.L1(risk, 0.7), None),
    "L2": lambda risk: (refimpl.L2(risk, EACH), DROP),
    "L3": lambda risk: (refimpl.L3(risk, EACH), DROP),
    "L4": lambda risk: (refimpl.L4(risk, EACH), DROP),
    "flattened": lambda risk: (FlattenedDropout(risk, EACH), DROP),
    "decay": lambda risk: (WeightDecay(risk, EACH), DROP),
    "decay of L1": lambda risk: (WeightDecay(refimpl.L1(risk, EACH), EACH), None),
}


def generators():
    return [np.random.default_rng(seed) for seed in range(R)]


def trained(monkeypatch, activations, make, data_lead=(), batch_size=None):
    monkeypatch.setattr(replicas, "ACTIVATIONS", activations)
    net, rng = network("deep 2", "tanh"), np.random.default_rng(0)
    X = rng.standard_normal((*data_lead, N, net.inputs))
    Y = rng.standard_normal((*data_lead, N, net.outputs))
    objective, drop = make(refimpl.Risk(net, X, Y))
    theta = 0.5 * rng.standard_normal((R, net.size))
    return refimpl.train(
        objective, theta, refimpl.GD(0.05), 4, drop, batch_size, rng=generators()
    )


@pytest.mark.parametrize("data_lead", [(), (R,), (1,)])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("group", [1, 2])
def test_groups_do_not_change_the_numbers(monkeypatch, group, case, data_lead):
    widest = max(network("deep 2", "tanh").hidden)
    whole = trained(monkeypatch, 10**9, CASES[case], data_lead)
    parts = trained(monkeypatch, group * N * widest, CASES[case], data_lead)
    np.testing.assert_array_equal(parts.loss, whole.loss)
    np.testing.assert_array_equal(parts.theta, whole.theta)


def test_groups_draw_the_same_batches(monkeypatch):
    whole = trained(monkeypatch, 10**9, CASES["risk"], batch_size=2)
    parts = trained(monkeypatch, 1, CASES["risk"], batch_size=2)
    np.testing.assert_array_equal(parts.theta, whole.theta)


def groups(monkeypatch, rng, lead, activations=1):
    monkeypatch.setattr(replicas, "ACTIVATIONS", activations)
    net = refimpl.TwoLayer(1, 4)
    risk = refimpl.Risk(net, np.ones((3, 1)), np.ones((3, 1)))
    theta = np.zeros((*lead, net.size))
    made = replicas.Replicas(risk, theta, refimpl.Dropout(0.5, True), None, rng)
    return len(made.groups)


def test_a_group_is_as_large_as_the_cache_allows(monkeypatch):
    assert groups(monkeypatch, generators(), (R,)) == R
    assert groups(monkeypatch, generators(), (R,), 2 * 12) == 3
    assert groups(monkeypatch, generators(), (R,), R * 12) == 1
    assert groups(monkeypatch, generators(), (R, 2), 2 * 12) == R


def test_one_generator_for_all_replicas_makes_one_group(monkeypatch):
    assert groups(monkeypatch, np.random.default_rng(0), (R,)) == 1


def test_an_objective_with_data_of_each_replica_must_say_which_are_whose():
    class Own(refimpl.core.objective.Differentiable):
        lead = (R,)

    with pytest.raises(NotImplementedError, match="Own .* replicas"):
        Own().replicas(slice(0, 2), (R,))
