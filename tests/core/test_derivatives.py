"""Every gradient and Hessian product is the derivative of its value; training uses it.

One table of what can be minimised, over networks, activations, outputs and conventions
of the masks. Values are proven elsewhere.
"""

import itertools

import numpy as np
import pytest
from oracles import (
    assert_close,
    assert_rejects,
    central_difference,
    central_gradient,
    complex_step_derivative,
    complex_step_gradient,
)
from problems import ANALYTIC, direction

import refimpl
from refimpl.core import modified_losses
from refimpl.core.modified_losses import FlattenedDropout
from refimpl.core.r1 import R1Penalty
from refimpl.core.r2_tilde import R2Tilde
from refimpl.core.risk import Risk

KEEP, EPSILON, RATE = 0.6, 0.3, 0.1
REPLICAS = 2
# Networks, and whether the risk and the losses are the plain ones of the core.
KINDS = {
    "two-layer": ("two-layer", False),
    "two-layer, plain": ("two-layer", True),
    "deep 1": ("deep 1", False),
    "deep 2, plain": ("deep 2", True),
}


class ClosedR2:
    """R_2, a mean over the noise, in the form of an objective."""

    def __init__(self, risk, drop):
        self.arguments = risk, drop

    def __call__(self, theta, eta=None):
        risk, drop = self.arguments
        return refimpl.R2(risk, theta, drop, EPSILON)

    def gradient(self, theta, eta=None):
        risk, drop = self.arguments
        return refimpl.R2_gradient(risk, theta, drop, EPSILON)


# What the noise is: whether each sample has its own, and the layers.
NOISES = {
    "shared": (False, "last"),
    "per sample": (True, "last"),
    "every layer": (False, "all"),
}
LAST, ANY = ("shared", "per sample"), tuple(NOISES)
# Each with how it is made, from a module that has the losses, and with the noise that
# it takes; R_2 has it in its arguments.
OBJECTIVES = {
    "R_S": (lambda of, risk, drop: risk, (None,)),
    "R_S^drop": (lambda of, risk, drop: risk, ANY),
    "R_1": (lambda of, risk, drop: R1Penalty(risk, KEEP), (None,)),
    "R_2": (lambda of, risk, drop: ClosedR2(risk, drop), LAST),
    "R~_2": (lambda of, risk, drop: R2Tilde(risk, EPSILON), (None, *ANY)),
    "L1": (lambda of, risk, drop: of.L1(risk, KEEP), (None,)),
    "L2": (lambda of, risk, drop: of.L2(risk, EPSILON), (None, *ANY)),
    "L3": (lambda of, risk, drop: of.L3(risk, EPSILON), ANY),
    "L4": (lambda of, risk, drop: of.L4(risk, KEEP), LAST),
    "flattened": (lambda of, risk, drop: FlattenedDropout(risk, EPSILON), ANY),
}
WITH_PRODUCT = ("R_S", "R_S^drop", "R_1", "L1", "L4")
CASES = [
    (name, noise, kind, outputs)
    for name, (_, noises) in OBJECTIVES.items()
    for noise, kind, outputs in itertools.product(noises, KINDS, (1, 3))
    if noise != "every layer" or kind == "deep 2, plain"
]
over_cases = pytest.mark.parametrize("name, noise, kind, outputs", CASES)


class Case:
    """An objective, θ (R, P), a direction and noise for each replica."""

    def __init__(self, problem, name, noise, kind, outputs, activation="tanh"):
        options = dict(n=2, width=3, replicas=(REPLICAS,))
        kind, plain = KINDS[kind]
        self.risk, self.theta = problem(kind, activation, outputs, **options)
        if plain:
            self.risk = Risk(self.risk.net, self.risk.X, self.risk.Y)
        self.v = direction(self.theta)
        per_sample, layers = NOISES[noise or "shared"]
        self.drop = refimpl.Dropout(KEEP, per_sample, layers)
        of = modified_losses if plain else refimpl
        self.objective = OBJECTIVES[name][0](of, self.risk, self.drop)
        self.eta = None
        if noise is not None:  # a derivative holds for any values of the noise
            rng, rows = np.random.default_rng(0), self.risk.n if per_sample else 1
            shapes = [(REPLICAS, rows, m) for m in self.risk.net.hidden]
            every = tuple(rng.uniform(-1, 1, shape) for shape in shapes)
            self.eta = every if layers == "all" else every[-1]

    def alone(self, r):
        """θ, v and the noise of one replica."""
        return self.theta[r], self.v[r], entry(self.eta, r)


def entry(eta, k):
    """One of the draws `eta` of noise, of one layer or of several."""
    if isinstance(eta, tuple):
        return tuple(entry(layer, k) for layer in eta)
    return None if eta is None else eta[k]


def check_derivatives(case, product, gradient_of, derivative, rtol):
    """Gradients, and Hessian products if any, against two oracles."""
    objective, risk, theta = case.objective, case.risk, case.theta
    gradients = objective.gradient(theta, case.eta)
    products = objective.hvp(theta, case.v, case.eta) if product else None
    for r in range(REPLICAS):
        theta, v, eta = case.alone(r)
        expected = gradient_of(lambda t: objective(t, eta), theta)
        assert_close(objective.gradient(theta, eta), expected, rtol)
        assert_close(gradients[r], expected, rtol)
        assert_rejects(gradients[1 - r], expected, rtol)
        if objective is not risk:
            assert_rejects(risk.gradient(theta, eta), expected, rtol)
        if product:
            expected = derivative(lambda t: objective.gradient(t, eta), theta, v)
            assert_close(objective.hvp(theta, v, eta), expected, rtol)
            assert_close(products[r], expected, rtol)
            assert_rejects(objective.hvp(theta, case.v[1 - r], eta), expected, rtol)


@pytest.mark.equation("eq:r1-gradient", "eq:r2-gradient", "eq:hvp", "eq:l1")
@pytest.mark.equation("eq:r2-tilde", "eq:l2", "eq:l3", "eq:l4", "eq:flattened-dropout")
@pytest.mark.equation("eq:two-layer-backward", "eq:deep-backward")
@pytest.mark.parametrize("activation", ANALYTIC)
@over_cases
def test_derivatives_are_complex_steps(name, noise, kind, outputs, activation, problem):
    case = Case(problem, name, noise, kind, outputs, activation)
    steps = complex_step_gradient, complex_step_derivative
    check_derivatives(case, name in WITH_PRODUCT, *steps, rtol=1e-12)


@over_cases
def test_derivatives_for_relu_are_central_differences(
    name, noise, kind, outputs, problem
):
    case = Case(problem, name, noise, kind, outputs, "relu")
    steps = central_gradient, central_difference
    check_derivatives(case, name in WITH_PRODUCT, *steps, rtol=1e-6)


# R_2 is a mean, for which there is no mask to step with.
TRAINED = [case for case in CASES if case[0] != "R_2"]
over_trained = pytest.mark.parametrize("name, noise, kind, outputs", TRAINED)


@over_trained
def test_one_pass_gives_value_and_gradient(name, noise, kind, outputs, problem):
    case = Case(problem, name, noise, kind, outputs)
    objective, arguments = case.objective, (case.theta, case.eta)
    value, gradient = objective.value_and_gradient(*objective.check(*arguments))
    assert_close(value, objective(*arguments))
    assert_close(gradient, objective.gradient(*arguments))


@pytest.mark.equation("eq:gd")
@over_trained
def test_training_steps_along_the_gradient_with_a_mask(
    name, noise, kind, outputs, problem
):
    """However training computes it, and whatever it overwrites on the way.

    Which mask a step drew is told by its loss, among the losses with every mask.
    """
    case = Case(problem, name, noise, kind, outputs)
    objective, drop, masks = case.objective, None, None
    if noise is not None:
        drop = case.drop
        _, masks = drop.enumerate(case.risk.net, case.risk.n)
    rng = [np.random.default_rng(seed) for seed in range(REPLICAS)]
    history = refimpl.train(
        objective, case.theta, refimpl.GD(RATE), 2, drop, rng=rng, snapshots=range(3)
    )
    for loss, start, end in zip(history.loss, history.snapshots, history.snapshots[1:]):
        for r in range(REPLICAS):
            values = np.atleast_1d(objective(start[r], masks))
            k = np.abs(values - loss[r]).argmin()
            assert_close(loss[r], values[k])
            gradient = objective.gradient(start[r], entry(masks, k))
            assert_close(end[r], start[r] - RATE * gradient)
            if gradient.any():  # R~_2 without a neuron is 0
                assert_rejects(end[r], start[r] - 2 * RATE * gradient)
