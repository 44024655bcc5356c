"""R_S and R_S^drop: gradient, Hessian product, and the leading axes."""

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
from problems import ANALYTIC, NETWORKS, direction, noise

import refimpl

LOSSES = ("mse", "cross_entropy")
# What the noise is: whether each sample has its own, and the layers.
NOISES = {
    "none": None,
    "last, shared": (False, "last"),
    "last, per sample": (True, "last"),
    "all, shared": (False, "all"),
    "all, per sample": (True, "all"),
}


TWO_LAYER = pytest.mark.equation(
    "eq:two-layer-backward", "eq:two-layer-push", "eq:two-layer-r-operator", "eq:hvp"
)
DEEP = pytest.mark.equation(
    "eq:deep-backward", "eq:deep-push", "eq:deep-r-operator", "eq:hvp"
)
KINDS = [
    pytest.param(kind, marks=TWO_LAYER if kind == "two-layer" else DEEP)
    for kind in NETWORKS
]


@pytest.fixture
def noisy(problem):
    """Function that gives a risk, θ, a direction and noise of one of the `NOISES`."""

    def make(kind, activation="tanh", loss="mse", noise_name="last, per sample"):
        objective, theta = problem(kind, activation, loss=loss)
        how = NOISES[noise_name]
        eta = None if how is None else noise(objective, *how)
        return objective, theta, direction(theta), eta

    return make


@pytest.mark.parametrize("noise_name", NOISES)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ANALYTIC)
@pytest.mark.parametrize("kind", KINDS)
def test_gradient_and_hvp_agree_with_complex_steps(
    kind, activation, loss, noise_name, noisy
):
    objective, theta, v, eta = noisy(kind, activation, loss, noise_name)
    gradient = complex_step_gradient(lambda t: objective(t, eta), theta)
    assert_close(objective.gradient(theta, eta), gradient)
    product = complex_step_derivative(lambda t: objective.gradient(t, eta), theta, v)
    assert_close(objective.hvp(theta, v, eta), product)
    assert_rejects(objective.gradient(theta, eta) * 1.001, gradient)
    if noise_name != "none":
        assert_rejects(objective.gradient(theta), gradient)
        assert_rejects(objective.hvp(theta, v), product)


@pytest.mark.parametrize("noise_name", NOISES)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", KINDS)
def test_relu_gradient_and_hvp_agree_with_central_differences(
    kind, loss, noise_name, noisy
):
    objective, theta, v, eta = noisy(kind, "relu", loss, noise_name)
    gradient = central_gradient(lambda t: objective(t, eta), theta)
    assert_close(objective.gradient(theta, eta), gradient, 1e-6)
    product = central_difference(lambda t: objective.gradient(t, eta), theta, v)
    assert_close(objective.hvp(theta, v, eta), product, 1e-6)


@pytest.mark.equation("eq:two-layer-backward")
@pytest.mark.parametrize("per_sample", [False, True])
def test_with_one_output_the_gradient_is_that_of_a_deep_network(per_sample, problem):
    objective, theta = problem(outputs=1, n=5)
    two, deep = objective.net, refimpl.Deep((2, 4, 1), "tanh")
    W, b, A = two.unpack(theta)
    other = refimpl.Risk(deep, objective.X, objective.Y)
    eta = noise(objective, per_sample, samples=(6,))
    expected = other.gradient(deep.pack([(W, b), (A, np.zeros(1))]), eta)
    parts = two.unpack(objective.gradient(theta, eta))
    found = np.concatenate([part.reshape(6, -1) for part in parts], axis=1)
    assert_close(found, expected[:, :-1])
    complex_step = complex_step_gradient(lambda t: objective(t, eta[2]), theta)
    assert_close(objective.gradient(theta, eta)[2], complex_step)
    assert_rejects(objective.gradient(theta), complex_step)


@pytest.mark.equation("eq:risk")
def test_dropout_risk_is_the_loss_of_the_noisy_network(noisy):
    objective, theta, _, eta = noisy("deep 2", noise_name="all, per sample")
    F = objective.net.forward(theta, objective.X, eta)
    expected = np.sum((F - objective.Y) ** 2) / (2 * objective.n)
    assert_close(objective(theta, eta), expected, 1e-14)
    assert_rejects(objective(theta), expected)


# Leading axes of theta, X and eta, and of the result.
LEADS = {
    "none": ((), (), (), ()),
    "replicas": ((2,), (), (), (2,)),
    "masks": ((), (), (5,), (5,)),
    "replicas, own masks": ((2,), (), (2,), (2,)),
    "masks by replicas": ((2,), (), (5, 1), (5, 2)),
    "own data": ((2,), (2,), (2,), (2,)),
    "own data, masks": ((), (2,), (5, 1), (5, 2)),
    "two axes": ((3, 2), (), (2,), (3, 2)),
}


@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("layers", ["last", "all"])
@pytest.mark.parametrize("case", LEADS)
@pytest.mark.parametrize("kind", NETWORKS[:3])
def test_leading_axes_are_a_loop_over_single_calls(
    kind, case, layers, per_sample, problem
):
    of_theta, of_X, of_eta, of_result = LEADS[case]
    objective, _ = problem(kind, replicas=of_X, own_data=True)
    _, theta = problem(kind, replicas=of_theta)
    net, v = objective.net, direction(theta)
    eta = noise(objective, per_sample, layers, of_eta)
    values = objective(theta, eta)
    gradients = objective.gradient(theta, eta)
    products = objective.hvp(theta, v, eta)
    assert values.shape == of_result
    assert gradients.shape == products.shape == (*of_result, net.size)

    def full(array, tail):
        shape = of_result + array.shape[array.ndim - tail :]
        return np.broadcast_to(array, shape)

    X, Y = full(objective.X, 2), full(objective.Y, 2)
    entries = eta if isinstance(eta, tuple) else (eta,)
    entries = [full(entry, 2) for entry in entries]
    for at in np.ndindex(of_result):
        single = refimpl.Risk(net, X[at], Y[at])
        one = tuple(entry[at] for entry in entries)
        one = one if isinstance(eta, tuple) else one[0]
        t, w = full(theta, 1)[at], full(v, 1)[at]
        assert_close(values[at], single(t, one))
        assert_close(gradients[at], single.gradient(t, one))
        assert_close(products[at], single.hvp(t, w, one))


@pytest.mark.parametrize("kind", NETWORKS)
def test_results_have_the_precision_of_theta(kind, noisy):
    objective, theta, v, eta = noisy(kind)
    theta = theta.astype(np.float32)  # v, eta, X and Y stay double
    for result in (
        objective(theta, eta),
        objective.gradient(theta, eta),
        objective.hvp(theta, v, eta),
        objective.net.forward(theta, objective.X, eta),
        refimpl.R1(objective, theta, np.array([0.5])),
        refimpl.L1(objective, np.array([0.5])).gradient(theta),
    ):
        assert result.dtype == np.float32


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", NETWORKS)
def test_targets_may_have_replicas_of_their_own(kind, loss, problem):
    objective, theta = problem(kind)
    net, X, v = objective.net, objective.X, direction(theta)
    Y = np.random.default_rng(2).dirichlet([1, 1], (4, 3))
    together = refimpl.Risk(net, X, Y, loss)
    for k in range(4):
        alone = refimpl.Risk(net, X, Y[k], loss)
        assert_close(together(theta)[k], alone(theta))
        assert_close(together.gradient(theta)[k], alone.gradient(theta))
        product = np.broadcast_to(together.hvp(theta, v), (4, net.size))[k]
        assert_close(product, alone.hvp(theta, v))


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_hessian_is_symmetric(kind, noisy):
    objective, theta, _, eta = noisy(kind, "tanh", "cross_entropy", "all, shared")
    H = objective.hvp(theta, np.eye(len(theta)), eta)
    assert_close(H, H.T)


def test_a_batch_is_the_risk_of_its_samples(problem):
    objective, theta = problem("deep 2")
    indices = np.array([[0, 2], [1, 1]])
    expected = [
        refimpl.Risk(objective.net, objective.X[i], objective.Y[i])(theta)
        for i in indices
    ]
    assert_close(objective.batch(indices)(theta), expected, 1e-14)


BAD_INDICES = [np.array([0, 7]), np.array([0.5]), np.ones(3, bool)]


@pytest.mark.parametrize("indices", BAD_INDICES)
def test_a_batch_of_samples_that_are_not_there_is_refused(indices):
    objective = refimpl.Risk(refimpl.TwoLayer(1, 2), np.zeros((7, 1)), np.zeros((7, 1)))
    with pytest.raises(ValueError, match="indices must be integers in -7 to 6"):
        objective.batch(indices)
