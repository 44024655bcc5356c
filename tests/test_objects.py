"""What a user's session expects: seeds, copies, what objects print, either argument."""

import copy
import pickle

import numpy as np
import pytest
from oracles import assert_close, assert_rejects

import refimpl
from refimpl.core.network import Network
from refimpl.core.objective import Differentiable, Objective
from refimpl.core.r1 import R1Penalty
from refimpl.theory.linear_skip import LinearSkip

KEEP, EPSILON = 0.8, 0.1
DROP = refimpl.Dropout(KEEP)


def risk(net=None):
    net = net or refimpl.TwoLayer(1, 3)
    return refimpl.Risk(net, *refimpl.datasets.tanh_pair(4))


def theta_of(objective):
    return objective.net.init(5)


# A call with a seed, or with the generator that it seeds.
SEEDED = {
    "init": lambda rng: risk().net.init(rng),
    "draw": lambda rng: DROP.draw(risk().net, 4, rng, samples=3),
    "stream": lambda rng: list(zip(range(3), DROP.stream(risk().net, 4, rng)))[2][1][0],
    "expectation": lambda rng: refimpl.expectation(
        lambda eta: risk()(np.ones(9), eta),
        DROP,
        risk().net,
        4,
        method="monte_carlo",
        samples=5,
        rng=rng,
    ).mean,
    "train": lambda rng: refimpl.train(
        risk(), np.ones(9), refimpl.GD(0.1), 5, DROP, batch_size=2, rng=rng
    ).theta,
    "R2_estimate": lambda rng: refimpl.R2_estimate(
        risk(), np.ones(9), DROP, EPSILON, 5, rng
    ).mean,
    "hessian_trace": lambda rng: refimpl.hessian_trace(
        risk(), np.ones(9), "hutchinson", 5, rng
    ).mean,
    "quadrature": lambda rng: refimpl.quadrature(
        risk(), np.arange(9.0), 3, 2, rng
    ).nodes,
    "digits": lambda rng: refimpl.datasets.digits(rng, 10).labels,
    "GaussianGradientNoise": lambda rng: refimpl.train(
        risk(),
        np.ones(9),
        refimpl.GaussianGradientNoise(refimpl.GD(0.1), lambda theta: 1.0, rng),
        3,
    ).theta,
}


@pytest.mark.parametrize("name", SEEDED)
def test_a_seed_stands_for_the_generator_it_makes(name):
    call = SEEDED[name]
    expected = call(np.random.default_rng(3))
    np.testing.assert_array_equal(call(3), expected)
    np.testing.assert_array_equal(call(np.int64(3)), expected)
    assert (np.asarray(call(4)) != expected).any()  # another seed, other numbers


def test_a_seed_for_each_replica_stands_for_a_generator_each():
    net = risk().net
    seeds, generators = [1, 2], [np.random.default_rng(seed) for seed in (1, 2)]
    np.testing.assert_array_equal(net.init(seeds), net.init(generators))
    np.testing.assert_array_equal(net.init(seeds)[1], net.init(2))


def test_a_stream_from_a_seed_does_not_repeat_itself():
    for drop in (DROP, refimpl.core.dropout.Dropout(KEEP)):
        stream = drop.stream(refimpl.TwoLayer(1, 50), 1, 0)
        (first,), (second,) = next(stream), next(stream)
        assert (first != second).any()


def test_a_seed_follows_the_array_module_of_theta(xp, problem):
    """Seeds become generators of the module in which θ lives, or draw on the host."""
    objective, theta = problem()
    drop = refimpl.Dropout(0.5)
    trained = refimpl.train(objective, theta, refimpl.GD(0.1), 3, drop, rng=1).theta
    trace = refimpl.hessian_trace(objective, theta, "hutchinson", 4, rng=1).mean
    assert type(trained) is type(theta) and bool(xp.isfinite(trace))
    assert type(objective.net.init(1)) is np.ndarray


NETS = (refimpl.TwoLayer(1, 3), refimpl.Deep((1, 3, 2, 1), activation="tanh"))
OBJECTIVES = {
    "Risk": lambda r: r,
    "L1": lambda r: refimpl.L1(r, KEEP),
    "L2": lambda r: refimpl.L2(r, EPSILON),
    "L3": lambda r: refimpl.L3(r, EPSILON),
    "L4": lambda r: refimpl.L4(r, KEEP),
    "WeightDecay": lambda r: refimpl.WeightDecay(r, 0.1),
    "GaussNewton": refimpl.GaussNewton,
}


def through_pickle(made):
    return pickle.loads(pickle.dumps(made))


@pytest.mark.parametrize("made", [copy.deepcopy, through_pickle])
@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)
def test_copies_of_a_used_objective_are_the_objective(net, name, made):
    objective = OBJECTIVES[name](risk(net))
    theta = theta_of(objective)
    gradient = objective.gradient(theta)
    used = refimpl.train(objective, theta, refimpl.GD(0.1), 2).theta
    again = made(objective)
    assert type(again) is type(objective) and repr(again) == repr(objective)
    np.testing.assert_array_equal(again.gradient(theta), gradient)
    more = refimpl.train(again, theta, refimpl.GD(0.1), 2).theta
    np.testing.assert_array_equal(more, used)


def test_a_divergence_can_be_sent_to_another_process():
    history = refimpl.History(np.ones(2), np.ones(3), [0], [np.ones(2)])
    again = through_pickle(refimpl.Divergence("loss is inf", history))
    assert str(again) == "loss is inf"
    np.testing.assert_array_equal(again.history.loss, history.loss)


SHOWN = {
    "TwoLayer(inputs=1, width=3, outputs=1, activation='tanh')": NETS[0],
    "Deep(widths=(1, 3, 2, 1), activation='tanh')": NETS[1],
    "Dropout(keep=0.8, per_sample=True, layers='last')": refimpl.Dropout(KEEP, True),
    "Dropout(keep=array of shape (2,), per_sample=False, layers='last')": (
        refimpl.Dropout(np.array([0.5, 0.9]))
    ),
    "GD(learning_rate=0.1)": refimpl.GD(0.1),
    "Risk(net=Deep(widths=(2, 3, 2), activation='relu'), X=array of shape (4, 2), "
    "Y=array of shape (4, 2), loss='cross_entropy')": refimpl.Risk(
        refimpl.Deep((2, 3, 2)), np.ones((4, 2)), [0, 1, 1, 0], "cross_entropy"
    ),
    f"L1(risk={risk()!r}, keep=0.8)": refimpl.L1(risk(), KEEP),
    f"L3(risk={risk()!r}, epsilon=0.1)": refimpl.L3(risk(), EPSILON),
    f"WeightDecay(objective={risk()!r}, strength=0.1)": refimpl.WeightDecay(
        risk(), 0.1
    ),
}


@pytest.mark.parametrize("text", SHOWN)
def test_objects_show_their_arguments(text):
    assert repr(SHOWN[text]) == text


LAYERED = (
    refimpl.Convolutional((1, 8, 8), (4, 6), 5, 10, residual=True),
    refimpl.Convolutional(image=[3, 4, 4], channels=[2], hidden=1, outputs=2),
    refimpl.Transformer(8, 4, 6, 2, 3, 10, "tanh"),
    LinearSkip(2, 3, 4, "identity"),
)


@pytest.mark.parametrize(
    "made",
    [*NETS, *LAYERED, DROP, refimpl.Adam(0.01)],
    ids=lambda one: type(one).__name__,
)
def test_what_is_shown_of_numbers_and_words_makes_the_object_again(made):
    again = eval(repr(made), {**vars(refimpl), "LinearSkip": LinearSkip})
    assert repr(again) == repr(made) and "..." not in repr(made)
    if isinstance(made, Network):
        assert (again.hidden, again.shapes) == (made.hidden, made.shapes)


def test_targets_of_one_output_may_be_a_vector():
    X, Y = refimpl.datasets.tanh_pair(4)
    objective, column = refimpl.Risk(NETS[0], X, Y[:, 0]), refimpl.Risk(NETS[0], X, Y)
    theta = theta_of(column)
    assert objective.Y.shape == (4, 1)
    np.testing.assert_array_equal(objective.gradient(theta), column.gradient(theta))


def test_r1_takes_a_dropout_and_r2_takes_keep():
    objective = risk()
    theta = theta_of(objective)
    for function in (refimpl.R1, refimpl.R1_gradient):
        expected = function(objective, theta, KEEP)
        assert_close(function(objective, theta, DROP), expected)
        per_sample = refimpl.Dropout(KEEP, per_sample=True)
        assert_close(function(objective, theta, per_sample), expected)
        assert_rejects(function(objective, theta, refimpl.Dropout(1 - KEEP)), expected)
    for function in (refimpl.R2, refimpl.R2_gradient):
        expected = function(objective, theta, DROP, EPSILON)
        assert_close(function(objective, theta, KEEP, EPSILON), expected)
        per_sample = refimpl.Dropout(KEEP, per_sample=True)
        assert_rejects(function(objective, theta, per_sample, EPSILON), expected)
    trace = refimpl.gradient_covariance_trace
    assert_close(trace(objective, theta, KEEP), trace(objective, theta, DROP))
    assert_close(refimpl.L1(objective, DROP)(theta), refimpl.L1(objective, KEEP)(theta))


def test_either_argument_may_differ_between_replicas():
    objective, keep = risk(), np.array([0.5, 0.9])
    theta = np.stack([theta_of(objective)] * 2)
    drop = refimpl.Dropout(keep)
    assert_close(refimpl.R1(objective, theta, drop), refimpl.R1(objective, theta, keep))
    found = refimpl.R2(objective, theta, keep, EPSILON)
    assert_close(found, refimpl.R2(objective, theta, drop, EPSILON))


class Bare(Differentiable):
    net, n = NETS[0], 1


class BareObjective(Objective):
    def __init__(self):
        self.risk, self.net, self.n = risk(), NETS[0], 4


class OnlyOf(BareObjective):
    def of(self, run):
        return self.risk.of(run)


LACKING = {
    "Bare must have a method value_and_gradient(theta, q)": lambda: Bare()(np.ones(9)),
    "Bare must have a method batch(indices)": lambda: Bare().batch([0]),
    "BareObjective must have a method of(run)": lambda: BareObjective()(np.ones(9)),
    "OnlyOf must have a method push_of(run, push)": lambda: OnlyOf().hvp(
        np.ones(9), np.ones(9)
    ),
    "R2Tilde has no Hessian product": lambda: refimpl.hessian(
        refimpl.L2(risk(), EPSILON), np.ones(9)
    ),
}


@pytest.mark.parametrize("words", LACKING)
def test_an_objective_without_a_method_is_told_which(words):
    with pytest.raises(NotImplementedError) as error:
        LACKING[words]()
    assert str(error.value) == words


def test_what_cannot_stand_in_is_told_what_it_lacks():
    with pytest.raises(ValueError, match="which has no learning_rate or start$"):
        refimpl.train(risk(), np.ones(9), 0.1, 1)
    for measure in (refimpl.hessian, refimpl.top_eigenvalues, refimpl.quadrature):
        with pytest.raises(ValueError, match="risk must be an objective.*got 'risk'$"):
            measure("risk", np.ones(9))
    with pytest.raises(ValueError, match="risk must be a Risk, got 'risk'$"):
        R1Penalty("risk", KEEP)
