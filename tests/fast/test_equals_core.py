"""What is sooner gives the numbers of the plain formulas, on the same noise."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects

import refimpl
from refimpl.core import activations, dropout, modified_losses, optimizers, r1
from refimpl.core import r2_tilde, risk, training
from refimpl.fast import finite_step, two_layer

KEEP, EPSILON = 0.6, 0.3
OBJECTIVES = {  # name: fast and plain, of a risk
    "R_S^drop": (two_layer.Risk, risk.Risk, None),
    "L1": (two_layer.L1, modified_losses.L1, KEEP),
    "L2": (finite_step.L2, modified_losses.L2, EPSILON),
    "L3": (finite_step.L3, modified_losses.L3, EPSILON),
    "L4": (two_layer.L4, modified_losses.L4, KEEP),
    "R2Tilde": (finite_step.R2Tilde, r2_tilde.R2Tilde, EPSILON),
    "flattened": (
        finite_step.FlattenedDropout,
        modified_losses.FlattenedDropout,
        EPSILON,
    ),
}
NETS = {
    "one output": refimpl.TwoLayer(1, 6),
    "two inputs": refimpl.TwoLayer(2, 6, activation="relu"),
    "three outputs": refimpl.TwoLayer(2, 6, 3),
    "linear": refimpl.TwoLayer(1, 6, 2, activation="identity"),
    "deep": refimpl.Deep((2, 4, 6, 2), "tanh"),
    "convolutional": refimpl.Convolutional((1, 2, 2), (2,), 3, 2, "tanh"),
}


def both(name, net, loss="mse", lead=(), data_lead=()):
    """The objective as `fast` and as `core` has it, and θ."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((*data_lead, 5, net.inputs))
    Y = rng.standard_normal((*data_lead, 5, net.outputs))
    if loss == "cross_entropy":
        Y = rng.integers(0, net.outputs, 5)
    theta = 0.7 * rng.standard_normal((*lead, net.size))
    fast, plain, parameter = OBJECTIVES[name]
    risks = two_layer.Risk(net, X, Y, loss), risk.Risk(net, X, Y, loss)
    if parameter is not None:
        risks = fast(risks[0], parameter), plain(risks[1], parameter)
    return *risks, theta


def noises(objective, lead):
    """No noise, and noise of both conventions."""
    found = [None]
    if objective.noisy:
        for per_sample in (False, True):
            drop = dropout.Dropout(KEEP, per_sample)
            rng = np.random.default_rng(1)
            found.append(drop.draw(objective.net, objective.n, rng, lead))
    return found


@pytest.mark.parametrize("lead", [(), (2,), (2, 3)], ids=str)
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_value_and_gradient(name, net, lead):
    fast, plain, theta = both(name, NETS[net], lead=lead)
    for eta in noises(plain, lead):
        q = plain.check(theta, eta)
        value, gradient = fast.value_and_gradient(*q)
        assert_close(value, plain(theta, eta), 1e-13)
        assert_close(gradient, plain.gradient(theta, eta), 1e-13)
        assert_rejects(gradient, 2 * plain.gradient(theta, eta), 1e-13)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_replicas_with_data_of_their_own(name):
    fast, plain, theta = both(name, NETS["three outputs"], lead=(3,), data_lead=(3,))
    for eta in noises(plain, (3,)):
        assert_close(fast.gradient(theta, eta), plain.gradient(theta, eta), 1e-13)


@pytest.mark.parametrize("data_lead", [(), (5,)], ids=str)
@pytest.mark.parametrize("net", ["one output", "two inputs", "three outputs"])
@pytest.mark.parametrize("name", ["R_S^drop", "L1", "L4"])
def test_replicas_some_at_a_time(name, net, data_lead, monkeypatch):
    monkeypatch.setattr(two_layer, "CACHED", 2 * 5 * 6)  # two at a time, then one
    taken = []
    step = two_layer.step
    monkeypatch.setattr(
        two_layer, "step", lambda risk, *rest: taken.append(1) or step(risk, *rest)
    )
    fast, plain, theta = both(name, NETS[net], lead=(5,), data_lead=data_lead)
    for eta in noises(plain, (5,)):
        taken.clear()
        value, gradient = fast.value_and_gradient(*plain.check(theta, eta))
        assert len(taken) == 3
        assert_close(value, plain(theta, eta), 1e-13)
        assert_close(gradient, plain.gradient(theta, eta), 1e-13)
        assert_rejects(gradient[::-1], plain.gradient(theta, eta), 1e-13)


@pytest.mark.parametrize("together", [2, 7])
@pytest.mark.parametrize("net", ["one output", "two inputs", "three outputs"])
@pytest.mark.parametrize("name", ["R_S^drop", "L3", "L4", "R2Tilde"])
def test_many_masks_of_one_network(name, net, together, monkeypatch):
    monkeypatch.setattr(two_layer, "CACHED", together * 5 * 6)
    taken, in_parts = [], two_layer.in_parts
    monkeypatch.setattr(
        two_layer, "in_parts", lambda *args: taken.append(1) or in_parts(*args)
    )
    fast, plain, theta = both(name, NETS[net])
    for eta in noises(plain, (5,))[1:]:
        q = plain.check(theta, eta)
        value, gradient = fast.value_and_gradient(*q)
        assert_close(value, plain(theta, eta), 1e-13)
        assert_close(gradient, plain.gradient(theta, eta), 1e-13)
        assert_rejects(gradient[::-1], plain.gradient(theta, eta), 1e-13)
    assert len(taken) == 2


@pytest.mark.parametrize("name", ["L1", "L4"])
@pytest.mark.parametrize("together", [1, 2, 3])
def test_replicas_with_a_keep_of_their_own(name, together, monkeypatch):
    monkeypatch.setattr(two_layer, "CACHED", together * 5 * 6)
    _, _, theta = both(name, NETS["one output"], lead=(3,))
    keep = np.array([0.3, 0.5, 1.0])
    fast, plain = (
        kind(both("R_S^drop", NETS["one output"])[k], keep)
        for k, kind in enumerate(OBJECTIVES[name][:2])
    )
    for eta in noises(plain, (3,)):
        assert_close(fast.gradient(theta, eta), plain.gradient(theta, eta), 1e-13)
        assert_close(fast.gradient(theta[0], None), plain.gradient(theta[0]), 1e-13)


@pytest.mark.parametrize("name", ["R_S^drop", "L2", "L3"])
def test_cross_entropy(name):
    fast, plain, theta = both(name, NETS["three outputs"], "cross_entropy")
    for eta in noises(plain, ()):
        assert_close(fast.gradient(theta, eta), plain.gradient(theta, eta), 1e-13)


@pytest.mark.parametrize("optimizer", ["GD", "Adam"])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_training_takes_the_same_path(name, optimizer):
    fast, plain, theta = both(name, NETS["one output"], lead=(2,))
    noisy = {"dropout": refimpl.Dropout(KEEP, True)} if plain.noisy else {}
    ends = [
        training.train(
            objective,
            theta,
            rule(0.01),
            50,
            rng=[np.random.default_rng(k) for k in range(2)],
            **noisy,
        ).theta
        for objective, rule in (
            (fast, getattr(refimpl, optimizer)),
            (plain, getattr(optimizers, optimizer)),
        )
    ]
    assert_close(*ends, 1e-10)
    assert_rejects(ends[0], theta, 1e-10)


def test_batches_take_the_same_path():
    fast, plain, theta = both("R_S^drop", NETS["two inputs"])
    ends = [
        refimpl.train(
            objective,
            theta,
            refimpl.GD(0.1),
            20,
            batch_size=2,
            rng=np.random.default_rng(0),
        ).theta
        for objective in (fast, plain)
    ]
    assert_close(*ends)


def test_batches_of_several_data_sets_are_those_of_each_alone():
    fast, _, theta = both("R_S^drop", NETS["three outputs"], lead=(3,), data_lead=(3,))

    def trained(objective, start, seeds):
        rng = [np.random.default_rng(seed) for seed in seeds]
        rule = refimpl.GD(0.1)
        return refimpl.train(objective, start, rule, 20, batch_size=2, rng=rng).theta

    together = trained(fast, theta, range(3))
    for k in range(3):
        alone = fast.of_data(fast.X[k], fast.Y[k])
        assert_close(together[k], trained(alone, theta[k : k + 1], [k])[0])
    assert_rejects(together, trained(fast, theta, range(1, 4)))


def test_masks_keep_with_the_probability_of_the_plain_ones():
    net, shape = NETS["one output"], (20_000,)
    for keep in (0.1, 0.5, 0.9, 1.0):
        draws = [
            kind(keep, True).draw(net, 3, np.random.default_rng(k), shape)
            for k, kind in enumerate((refimpl.Dropout, dropout.Dropout))
        ]
        values = [np.unique(one) for one in draws]
        np.testing.assert_array_equal(*values)
        shares = [(one > -1).mean(axis=0) for one in draws]
        bound = 5 * (2 * keep * (1 - keep) / shape[0]) ** 0.5
        assert (abs(shares[0] - shares[1]) <= bound).all()


@pytest.mark.parametrize("lead", [(), (2,)], ids=str)
@pytest.mark.parametrize("net", NETS)
def test_the_gradient_of_r1(net, lead):
    fast, plain, theta = both("R_S^drop", NETS[net], lead=lead)
    found = refimpl.R1_gradient(fast, theta, KEEP)
    expected = r1.R1_gradient(plain, theta, KEEP)
    assert_close(found, expected, 1e-13)
    assert_rejects(found, 2 * expected, 1e-13)
    assert_rejects(found, refimpl.R1_gradient(fast, theta, 1 - KEEP), 1e-13)
    assert_close(fast.gradient(theta), plain.gradient(theta), 1e-13)  # as it was


class Softplus:
    """σ(z) = log(1 + e^z), which no passes are written out for."""

    odd, analytic, gain = False, True, 1.0

    @staticmethod
    def value(z):
        return np.log(1 + np.exp(z))

    @staticmethod
    def slope(h):
        return 1 - np.exp(-h)

    @staticmethod
    def curvature(h):
        return np.exp(-h) * (1 - np.exp(-h))


@pytest.mark.parametrize("name", ["R_S^drop", "L1", "L2", "L3", "L4"])
def test_an_activation_of_ones_own_is_not_taken_for_another(name, monkeypatch):
    monkeypatch.setitem(activations.ACTIVATIONS, "softplus", Softplus)
    fast, plain, theta = both(name, refimpl.TwoLayer(2, 6, activation="softplus"))
    for eta in noises(fast, ()):
        assert_close(fast.gradient(theta, eta), plain.gradient(theta, eta), 1e-12)
    assert refimpl.check_gradient(fast, theta) < 1e-11
    trained = refimpl.train(fast, theta, refimpl.GD(1e-3), 2).loss[0]
    assert_close(trained, plain(theta), 1e-12)


@pytest.mark.parametrize("per_sample", [False, True])
def test_r2_holds_for_an_activation_of_ones_own(per_sample, monkeypatch):
    monkeypatch.setitem(activations.ACTIVATIONS, "softplus", Softplus)
    objective, _, theta = both("R_S^drop", refimpl.TwoLayer(1, 2, 2, "softplus"))
    drop = dropout.Dropout(KEEP, per_sample)

    def squares(eta):
        return (objective.gradient(theta, eta) ** 2).sum(axis=-1)

    mean = refimpl.expectation(squares, drop, objective.net, objective.n).mean
    assert_close(refimpl.R2(objective, theta, drop, EPSILON), EPSILON / 4 * mean)
