"""Blocks of samples give what all samples at once give."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects

import refimpl
from refimpl.core import modified_losses, risk
from refimpl.fast import blocks, two_layer

KEEP, N = 0.6, 5
OBJECTIVES = {
    "R_S^drop": (two_layer.Risk, lambda plain: plain),
    "L1": (two_layer.L1, lambda plain: modified_losses.L1(plain, KEEP)),
    "L4": (two_layer.L4, lambda plain: modified_losses.L4(plain, KEEP)),
}


def convolutional(block):
    """A network with blocks so large."""
    net = refimpl.Convolutional((2, 4, 4), (3,), 4, 2)
    net.block = block
    return net


def both(name, net, data_lead=()):
    """The objective as `fast` and as `core` has it."""
    rng = np.random.default_rng(0)
    X, Y = (rng.standard_normal((*data_lead, N, m)) for m in (net.inputs, net.outputs))
    kind, plain = OBJECTIVES[name]
    fast = two_layer.Risk(net, X, Y)
    fast = fast if kind is two_layer.Risk else kind(fast, KEEP)
    return fast, plain(risk.Risk(net, X, Y)), rng


@pytest.mark.parametrize("lead", [(), (3,)], ids=str)
@pytest.mark.parametrize("per_sample", [None, False, True])
@pytest.mark.parametrize("block", [1, 2, 6])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_value_and_gradient(name, block, per_sample, lead, monkeypatch):
    fast, plain, rng = both(name, convolutional(block))
    theta, eta = 0.5 * rng.standard_normal((*lead, fast.net.size)), None
    if per_sample is not None and fast.noisy:
        layers = "last" if name == "L4" else "all"
        drop = refimpl.Dropout(KEEP, per_sample, layers)
        eta = drop.draw(fast.net, N, rng, lead)
    sizes, run = [], fast.net.run
    monkeypatch.setattr(
        fast.net, "run", lambda theta, X, q: sizes.append(len(X)) or run(theta, X, q)
    )
    q = plain.check(theta, eta)
    value, gradient = fast.value_and_gradient(*q)
    together = max(1, block // 3) if lead else block
    assert sizes[0] == min(together, N)
    expected = plain.value_and_gradient(*q)
    assert_close(value, expected[0], 1e-13)
    assert_close(gradient, expected[1], 1e-13)
    assert_rejects(gradient, 2 * expected[1], 1e-13)


@pytest.mark.parametrize("lead", [(), (3,)], ids=str)
@pytest.mark.parametrize("per_sample", [None, False, True])
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_very_many_samples_of_a_two_layer_network(
    name, outputs, per_sample, lead, monkeypatch
):
    monkeypatch.setattr(blocks, "CACHED", 2 * 4)  # two samples at a time, then one
    net = refimpl.TwoLayer(2, 4, outputs)
    fast, plain, rng = both(name, net)
    theta, eta = 0.5 * rng.standard_normal((*lead, net.size)), None
    if per_sample is not None and fast.noisy:
        eta = refimpl.Dropout(KEEP, per_sample).draw(net, N, rng, lead)
    q = plain.check(theta, eta)
    monkeypatch.setattr(blocks, "LEAST", 1)
    taken, step = [], two_layer.step
    monkeypatch.setattr(
        two_layer, "step", lambda one, *rest: taken.append(one.n) or step(one, *rest)
    )
    fast.value_and_gradient(*q)
    assert taken == [N]  # as it is small
    monkeypatch.setattr(blocks, "LARGE", N * 4)
    value, gradient = fast.value_and_gradient(*q)
    assert taken == [N, 2, 2, 1]
    expected = plain.value_and_gradient(*q)
    assert_close(value, expected[0], 1e-13)
    assert_close(gradient, expected[1], 1e-13)
    assert_rejects(gradient, 2 * expected[1], 1e-13)


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("lead", [(), (3,)], ids=str)
def test_trace_of_very_many_samples(loss, lead, monkeypatch):
    net, rng = refimpl.TwoLayer(2, 4, 3), np.random.default_rng(0)
    X, Y = rng.standard_normal((N, 2)), rng.standard_normal((N, 3))
    Y = Y if loss == "mse" else rng.integers(0, 3, N)
    theta, data = rng.standard_normal((*lead, net.size)), refimpl.Risk(net, X, Y, loss)
    expected = refimpl.hessian_trace(data, theta).mean
    for name, value in {"CACHED": 2 * 4, "LARGE": N * 4, "LEAST": 1}.items():
        monkeypatch.setattr(blocks, name, value)
    found = refimpl.hessian_trace(data, theta).mean
    assert_close(found, expected, 1e-13)
    dense = refimpl.hessian(data, theta).trace(axis1=-2, axis2=-1)
    assert_close(found, dense, 1e-12)
    assert_rejects(2 * found, dense, 1e-12)


def test_replicas_with_data_of_their_own_go_together():
    fast, plain, rng = both("R_S^drop", convolutional(2), (3,))
    theta = rng.standard_normal((3, fast.net.size))
    assert_close(fast.gradient(theta), plain.gradient(theta), 1e-13)
