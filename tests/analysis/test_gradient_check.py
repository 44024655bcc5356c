"""`check_gradient` passes what is right and rejects what is wrong, and says where."""

import re

import numpy as np
import pytest

import refimpl
from refimpl.core.network import Upstream
from refimpl.core.objective import Differentiable, Objective, OfRisk

FACTORS = {"right": (1, 1), "gradient": (2, 1), "product": (1, 2)}


class SquaredOutputs(OfRisk, Objective):
    """½ Σ f², with a wrong factor where asked."""

    def __init__(self, risk, factors=(1, 1)):
        self.risk, self.factors = risk, factors

    def of(self, run):
        value = 0.5 * (run.F**2).sum(axis=(-2, -1))
        return value, Upstream(self.factors[0] * run.F)

    def push_of(self, run, push):
        return Upstream(self.factors[0] * self.factors[1] * push.F)


class Length(Differentiable):
    """Σ |θ| or ‖θ‖: not analytic, or not for complex numbers; without a product."""

    def __init__(self, net, fn):
        self.net, self.n, self.fn = net, 1, fn

    def value_and_gradient(self, theta, q):
        return self.fn(theta)


def risk(activation="tanh", outputs=1):
    rng = np.random.default_rng(0)
    net = refimpl.TwoLayer(2, 4, outputs, activation)
    X, Y = rng.standard_normal((5, 2)), rng.standard_normal((5, outputs))
    return refimpl.Risk(net, X, Y), net.init(rng)


PUBLIC = {
    "Risk": lambda r: r,
    "L1": lambda r: refimpl.L1(r, 0.8),
    "L2": lambda r: refimpl.L2(r, 0.1),
    "L3": lambda r: refimpl.L3(r, 0.1),
    "L4": lambda r: refimpl.L4(r, 0.8),
    "WeightDecay": lambda r: refimpl.WeightDecay(r, 0.1),
}


@pytest.mark.parametrize("name", PUBLIC)
@pytest.mark.parametrize("activation, error", [("tanh", 1e-11), ("relu", 1e-8)])
def test_public_objectives_pass_to_the_accuracy_of_the_steps(name, activation, error):
    objective, theta = risk(activation, outputs=2)
    assert refimpl.check_gradient(PUBLIC[name](objective), theta) < error


def test_noise_is_passed_on():
    objective, theta = risk()
    eta = refimpl.Dropout(0.5).draw(objective.net, 5, 0)
    assert refimpl.check_gradient(refimpl.L4(objective, 0.8), theta, eta) < 1e-11


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("wrong", FACTORS)
def test_a_wrong_factor_is_rejected_with_its_place(wrong, activation):
    objective, theta = risk(activation)
    made = SquaredOutputs(objective, FACTORS[wrong])
    if wrong == "right":
        assert refimpl.check_gradient(made, theta) < 1e-8
        return
    words = {"gradient": r"gradient, entry \d+, is", "product": "Hessian product along"}
    with pytest.raises(ArithmeticError) as error:
        refimpl.check_gradient(made, theta)
    assert re.match(f"SquaredOutputs: {words[wrong]}", str(error.value))
    said = str(error.value).split(", is ")[1]
    found, expected = (float(part.split()[0]) for part in said.split(", but "))
    if wrong == "gradient":
        np.testing.assert_allclose(found, 2 * expected, rtol=1e-5)


def absolute(theta):
    return abs(theta).sum(axis=-1), np.sign(theta.real)


def real_only(theta):
    value = np.zeros((1, *theta.shape[:-1]))
    value[...] = (theta**2).sum(axis=-1)  # drops the imaginary part, with a warning
    return value[0], 2 * theta


def compared(theta):
    if np.iscomplexobj(theta):
        raise TypeError("real numbers only")
    return (theta**2).sum(axis=-1), 2 * theta


@pytest.mark.parametrize("fn", [absolute, real_only, compared])
def test_what_is_not_analytic_is_differenced(fn):
    objective, theta = risk()
    assert refimpl.check_gradient(Length(objective.net, fn), theta) < 1e-8

    def wrong(theta):
        value, gradient = fn(theta)
        return value, 1.01 * gradient

    with pytest.raises(ArithmeticError, match="by central differences"):
        refimpl.check_gradient(Length(objective.net, wrong), theta)
    error = refimpl.check_gradient(Length(objective.net, wrong), theta, tolerance=0.1)
    np.testing.assert_allclose(error, 0.01 / 1.01, rtol=1e-4)


def without_an_axis(theta):
    return (theta**2).sum(), 2 * theta


def mixed(theta):  # right of one network, but each of several sees the others
    size = np.sqrt((theta**2).sum())
    return size + 0 * theta.sum(axis=-1), theta / size


@pytest.mark.parametrize("fn", [without_an_axis, mixed])
def test_what_mixes_networks_side_by_side_is_rejected(fn):
    objective, theta = risk()
    with pytest.raises((ValueError, ArithmeticError), match="two networks side by"):
        refimpl.check_gradient(Length(objective.net, fn), theta)


def test_two_values_that_differ_are_rejected():
    class TwoValues(SquaredOutputs):
        def value(self, theta, q):
            return 1 + super().value(theta, q)

    objective, theta = risk()
    with pytest.raises(ArithmeticError, match="value, entry 0, is"):
        refimpl.check_gradient(TwoValues(objective), theta)


def test_an_error_in_the_product_is_not_taken_for_its_absence():
    class Broken(SquaredOutputs):
        def push_of(self, run, push):
            raise ValueError("shapes do not fit")

    objective, theta = risk()
    with pytest.raises(ValueError, match="shapes do not fit"):
        refimpl.check_gradient(Broken(objective), theta)


def test_one_vector_is_asked_for():
    objective, theta = risk()
    with pytest.raises(ValueError, match=r"one vector \(P,\), .* leading axes \(2,\)"):
        refimpl.check_gradient(objective, np.stack([theta, theta]))
    with pytest.raises(ValueError, match=r"eta of one mask, .* \(\), \[\(2,\)\] and"):
        refimpl.check_gradient(objective, theta, np.zeros((2, 1, 4)))
    with pytest.raises(ValueError, match="tolerance must be positive"):
        refimpl.check_gradient(objective, theta, tolerance=0)
    with pytest.raises(ValueError, match="objective must be an objective"):
        refimpl.check_gradient(objective.net, theta)


def test_it_follows_the_array_module_of_theta(xp, problem):
    objective, theta = problem(outputs=2)
    assert refimpl.check_gradient(objective, theta) < 1e-11
    assert refimpl.check_gradient(objective, theta.astype("float32")) < 1e-5


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("factors", [(np.nan, 1), (1, np.nan)])
def test_what_is_not_a_number_is_wrong(factors, activation):
    objective, theta = risk(activation)
    with pytest.raises(ArithmeticError, match="SquaredOutputs: .*nan"):
        refimpl.check_gradient(SquaredOutputs(objective, factors), theta)
