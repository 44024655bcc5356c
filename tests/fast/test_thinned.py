"""Neurons that a shared mask drops are left out, and nothing else changes."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects
from test_equals_core import NETS, both

from refimpl.fast import thinned, two_layer

NAMES = "R_S^drop", "L2", "L3", "R2Tilde", "flattened"
MASK = np.array([[1, 0, 0, 1, 0, 1]])


@pytest.fixture
def widths(monkeypatch):
    """Numbers of neurons that were computed, of any work however small."""
    found, network = [], thinned.network
    monkeypatch.setattr(thinned, "LARGE", 0)
    monkeypatch.setattr(
        thinned, "network", lambda net, k: found.append(k) or network(net, k)
    )
    return found


@pytest.mark.parametrize("net", ["one output", "two inputs", "three outputs", "linear"])
@pytest.mark.parametrize("name", NAMES)
def test_value_and_gradient(name, net, widths):
    fast, plain, theta = both(name, NETS[net])
    q = plain.check(theta, MASK / 0.6 - 1)
    value, gradient = fast.value_and_gradient(*q)
    assert set(widths) == {3}
    assert_close(value, plain.value(*q), 1e-13)
    assert_close(gradient, plain.value_and_gradient(*q)[1], 1e-13)
    assert_rejects(gradient, 2 * plain.value_and_gradient(*q)[1], 1e-13)


@pytest.mark.parametrize("data_lead", [(), (3,)], ids=str)
@pytest.mark.parametrize("lead", [(), (3,)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_each_of_several_masks_and_networks(name, lead, data_lead, widths, monkeypatch):
    monkeypatch.setattr(two_layer, "CACHED", 1)  # one at a time
    leads = data_lead or lead, data_lead
    fast, plain, theta = both(name, NETS["three outputs"], "mse", *leads)
    masks = np.stack([MASK, MASK[:, ::-1], np.roll(MASK, 1)])
    masks[1, 0, 0] = 0
    q = plain.check(theta, masks / 0.6 - 1)
    assert_close(fast.value_and_gradient(*q)[1], plain.value_and_gradient(*q)[1], 1e-13)
    assert widths == [3, 2, 3]


@pytest.mark.parametrize(
    "mask, why",
    [
        (np.ones((1, 6)), "nothing is dropped"),
        (np.zeros((1, 6)), "all is dropped"),
        (np.tile(MASK, (5, 1)), "samples have masks of their own"),
        (np.stack([MASK, MASK]), "masks go together"),
    ],
)
def test_all_neurons_are_computed_where(mask, why, widths):
    fast, plain, theta = both("R_S^drop", NETS["three outputs"])
    q = plain.check(theta, mask / 0.6 - 1)
    assert_close(fast.value_and_gradient(*q)[1], plain.value_and_gradient(*q)[1], 1e-13)
    assert widths == [], why


def test_r1_takes_every_neuron(widths):
    fast, plain, theta = both("L4", NETS["three outputs"])
    q = plain.check(theta, MASK / 0.6 - 1)
    assert_close(fast.value_and_gradient(*q)[1], plain.value_and_gradient(*q)[1], 1e-13)
    assert widths == []


def test_small_work_takes_every_neuron(widths, monkeypatch):
    monkeypatch.setattr(thinned, "LARGE", 5 * 6 + 1)
    fast, plain, theta = both("R_S^drop", NETS["three outputs"])
    fast.value_and_gradient(*plain.check(theta, MASK / 0.6 - 1))
    assert widths == []
