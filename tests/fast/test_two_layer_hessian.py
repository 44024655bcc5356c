"""The two fast forms of a two-layer network's Hessian, against the R-operator."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects
from problems import ACTIVATIONS, direction

import refimpl
from refimpl.fast.hessian_at import hessian_at
from refimpl.fast.two_layer_hessian import ByJacobian, ByPasses, two_layer_hessian

FORMS = (ByPasses, ByJacobian)


@pytest.mark.equation("eq:two-layer-hessian")
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    "loss, outputs", [("mse", 1), ("mse", 2), ("cross_entropy", 2)]
)
@pytest.mark.parametrize("form", FORMS)
def test_products_are_those_of_the_r_operator(form, loss, activation, outputs, problem):
    objective, theta = problem(activation=activation, outputs=outputs, n=5, loss=loss)
    product, rng = form(objective, theta), np.random.default_rng(0)
    for shape in ((), (3,), (2, 3)):
        v = rng.standard_normal((*shape, len(theta)))
        assert_close(product(v), objective.hvp(theta, v))
    without = refimpl.GaussNewton(objective).hvp(theta, v)
    assert_rejects(product(v), without)


@pytest.mark.equation("eq:two-layer-trace")
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("form", FORMS)
def test_the_trace_is_that_of_the_dense_hessian(form, loss, problem):
    objective, theta = problem(n=5, loss=loss)
    H = objective.hvp(theta, np.eye(len(theta)))
    found = form(objective, theta).trace()
    assert_close(found, np.trace(H))
    part = refimpl.GaussNewton(objective).hvp(theta, np.eye(len(theta)))
    assert_rejects(found, np.trace(part))


def test_replicas_with_data_of_their_own_are_kept_apart(problem):
    objective, theta = problem(replicas=(3,), own_data=True)
    product = two_layer_hessian(objective, theta)
    v = direction(np.stack([theta] * 4))
    assert_close(product(v), objective.hvp(theta, v))
    H = refimpl.hessian(objective, theta)
    assert_close(product.trace(), np.trace(H, axis1=-2, axis2=-1))


def test_replicas_on_the_same_data_take_the_same_directions(problem):
    objective, thetas = problem(replicas=(3,))
    v = direction(np.stack([thetas[:1]] * 4))
    product = two_layer_hessian(objective, thetas)
    assert_close(product(v), objective.hvp(thetas, v))
    H = refimpl.hessian(objective, thetas)
    for one, alone in zip(H, thetas):
        assert_close(one, refimpl.hessian(objective, alone))


def test_the_form_depends_on_the_memory_that_the_jacobian_takes(monkeypatch, problem):
    objective, theta = problem()
    assert isinstance(hessian_at(objective, theta), ByJacobian)
    elements = objective.n * objective.net.outputs * objective.net.size
    monkeypatch.setattr("refimpl.arrays.backend.CHUNK_ELEMENTS", elements - 1)
    assert not isinstance(hessian_at(objective, theta), ByJacobian)


def test_single_precision_stays(problem):
    objective, theta = problem()
    v = direction(theta).astype(np.float32)
    for form in FORMS:
        product = form(objective, theta.astype(np.float32))
        assert product(v).dtype == product.trace().dtype == np.float32
        assert_close(product(v), objective.hvp(theta, v), 1e-5)


@pytest.mark.parametrize("kind", ["two-layer", "deep 2"])
def test_any_objective_has_products_at_one_theta(kind, problem):
    base, theta = problem(kind)
    v = direction(theta)
    for objective in (
        base,
        refimpl.L1(base, 0.7),
        refimpl.WeightDecay(base, 0.1),
        refimpl.GaussNewton(base),
        refimpl.ResidualCurvature(base),
    ):
        assert_close(hessian_at(objective, theta)(v), objective.hvp(theta, v))
