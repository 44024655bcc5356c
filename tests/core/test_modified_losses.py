"""L1 to L4: their definitions, gradients, means over the noise, use in training."""

import numpy as np
import oracles
import pytest

import refimpl
from refimpl.core.modified_losses import L1, L2, L3, L4, FlattenedDropout
from refimpl.core.r2_tilde import R2Tilde
from refimpl.theory.r2 import R2

KEEP, EPSILON = 0.6, 0.3


def problem(net="TwoLayer", activation="tanh", loss="mse", n=3, m=3):
    rng = np.random.default_rng(5)
    if net == "TwoLayer":
        net = refimpl.TwoLayer(2, m, 2, activation)
    else:
        net = refimpl.Deep((2, 4, m, 2), activation)
    X, Y = rng.standard_normal((n, 2)), rng.standard_normal((n, 2))
    targets = Y if loss == "mse" else np.arange(n) % 2
    return refimpl.Risk(net, X, targets, loss), net.init(rng, std=0.9), rng


def noise(net, n, rng, per_sample=True, layers="last"):
    return refimpl.Dropout(KEEP, per_sample, layers).draw(net, n, rng)


def defined(risk, theta, eta):
    """Each loss with what it is by definition."""
    g = risk.gradient(theta, eta)
    r2_tilde = 0.25 * EPSILON * (g * g).sum()
    values = {
        R2Tilde(risk, EPSILON): r2_tilde,
        L2(risk, EPSILON): risk(theta) + r2_tilde,
        L3(risk, EPSILON): risk(theta, eta) - r2_tilde,
        FlattenedDropout(risk, EPSILON): risk(theta, eta) + r2_tilde,
    }
    if risk.loss is refimpl.core.loss.MSE:
        r1 = refimpl.R1(risk, theta, KEEP)
        values[L4(risk, KEEP)] = risk(theta, eta) - r1
    return values


@pytest.mark.equation("eq:r2-tilde", "eq:l2", "eq:l3", "eq:l4", "eq:flattened-dropout")
@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("net", ["TwoLayer", "Deep"])
def test_losses_are_what_they_are_defined_to_be(net, loss, per_sample):
    risk, theta, rng = problem(net, loss=loss)
    eta = noise(risk.net, risk.n, rng, per_sample)
    for objective, expected in defined(risk, theta, eta).items():
        oracles.assert_close(objective(theta, eta), expected)
        value, _ = objective.value_and_gradient(*objective.check(theta, eta))
        oracles.assert_close(value, expected)
        oracles.assert_rejects(objective(theta), expected)  # the noise left out


@pytest.mark.equation("eq:r2-tilde", "eq:l2", "eq:l3", "eq:l4", "eq:flattened-dropout")
@pytest.mark.parametrize("layers", ["last", "all"])
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("net", ["TwoLayer", "Deep"])
def test_gradients_are_complex_steps_of_the_values(net, loss, layers):
    risk, theta, rng = problem(net, loss=loss, n=5, m=6)
    eta = noise(risk.net, risk.n, rng, layers=layers)
    makes = (R2Tilde, L2, L3, FlattenedDropout)
    objectives = [make(risk, EPSILON) for make in makes]
    if loss == "mse" and (net == "TwoLayer" or layers == "last"):
        objectives.append(L4(risk, KEEP))
    for objective in objectives:
        expected = oracles.complex_step_gradient(lambda t: objective(t, eta), theta)
        actual = objective.gradient(theta, eta)
        oracles.assert_close(actual, expected)
        oracles.assert_rejects(-actual, expected)
        oracles.assert_rejects(risk.gradient(theta, eta), expected)


@pytest.mark.parametrize("net", ["TwoLayer", "Deep"])
def test_gradients_for_relu_are_central_differences(net):
    risk, theta, rng = problem(net, "relu", n=5, m=6)
    eta = noise(risk.net, risk.n, rng)
    for objective in (L2(risk, EPSILON), L3(risk, EPSILON), L4(risk, KEEP)):
        expected = oracles.central_gradient(lambda t: objective(t, eta), theta)
        oracles.assert_close(objective.gradient(theta, eta), expected, rtol=1e-7)


@pytest.mark.equation("eq:l4")
@pytest.mark.parametrize("net", ["TwoLayer", "Deep"])
def test_the_hessian_product_of_l4_is_the_complex_step_of_its_gradient(net):
    risk, theta, rng = problem(net)
    eta, v = noise(risk.net, risk.n, rng), rng.standard_normal(theta.size)
    objective = L4(risk, KEEP)
    expected = oracles.complex_step_derivative(
        lambda t: objective.gradient(t, eta), theta, v
    )
    oracles.assert_close(objective.hvp(theta, v, eta), expected)
    oracles.assert_rejects(risk.hvp(theta, v, eta), expected)


@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("net", ["TwoLayer", "Deep"])
def test_the_means_over_masks_keep_the_part_that_each_loss_is_named_for(
    net, per_sample
):
    risk, theta, _ = problem(net)
    drop = refimpl.Dropout(KEEP, per_sample)
    r_s, r1 = risk(theta), refimpl.R1(risk, theta, KEEP)
    r2 = R2(risk, theta, drop, EPSILON)

    def mean(objective):
        return refimpl.expectation(
            lambda eta: objective(theta, eta), drop, risk.net, risk.n
        ).mean

    oracles.assert_close(L1(risk, KEEP)(theta), r_s + r1)
    oracles.assert_close(mean(L2(risk, EPSILON)), r_s + r2)
    oracles.assert_close(mean(L3(risk, EPSILON)), r_s + r1 - r2)
    oracles.assert_close(mean(L4(risk, KEEP)), r_s)
    oracles.assert_rejects(mean(L4(risk, 1 - KEEP)), r_s)
    oracles.assert_rejects(mean(L3(risk, 2 * EPSILON)), r_s + r1 - r2)


@pytest.mark.parametrize("make", [L2, L3, L4])
def test_a_batch_is_the_loss_of_its_samples(make):
    risk, theta, rng = problem(n=5)
    indices = np.array([3, 0])
    part = refimpl.Risk(risk.net, risk.X[indices], risk.Y[indices])
    eta = noise(risk.net, 2, rng)
    batch, alone = make(risk, 0.6).batch(indices), make(part, 0.6)
    assert batch.n == 2
    oracles.assert_close(batch(theta, eta), alone(theta, eta))
    oracles.assert_close(batch.gradient(theta, eta), alone.gradient(theta, eta))


@pytest.mark.parametrize("make", [L2, L3, L4])
def test_replicas_beside_each_other_are_replicas_alone(make):
    risk, theta, rng = problem()
    thetas, constants = np.stack([theta, 2 * theta]), np.array([0.4, 0.9])
    eta = refimpl.Dropout(KEEP, per_sample=True).draw(risk.net, risk.n, rng, 2)
    both = make(risk, constants)
    for row in range(2):
        alone = make(risk, constants[row])
        arguments = thetas[row], eta[row]
        oracles.assert_close(both(thetas, eta)[row], alone(*arguments))
        oracles.assert_close(
            both.gradient(thetas, eta)[row], alone.gradient(*arguments)
        )


@pytest.mark.parametrize("make", [L2, L3, L4])
def test_training_descends_with_the_noise_that_it_draws(make):
    risk, theta, _ = problem(n=5)
    objective, drop = make(risk, 0.6), refimpl.Dropout(0.6, per_sample=True)
    rngs = np.random.default_rng(1), np.random.default_rng(1)
    trained = refimpl.train(objective, theta, refimpl.GD(0.1), 3, drop, rng=rngs[0])
    for q, loss in zip(drop.stream(risk.net, risk.n, rngs[1]), trained.loss):
        eta = q[-1] - 1
        oracles.assert_close(loss, objective(theta, eta))
        theta = theta - 0.1 * objective.gradient(theta, eta)
    oracles.assert_close(trained.theta, theta)


def test_only_scalars_of_the_outputs_have_a_hessian_product():
    risk, theta, _ = problem("TwoLayer")
    for objective in (L2(risk, 0.1), L3(risk, 0.1)):
        with pytest.raises(ValueError, match="R2Tilde has no Hessian product"):
            objective.hvp(theta, theta)


def test_losses_say_what_they_do_not_cover():
    risk, theta, rng = problem("Deep")
    labels, _, _ = problem("Deep", loss="cross_entropy")
    with pytest.raises(ValueError, match="loss 'mse'"):
        L4(labels, KEEP)
    with pytest.raises(ValueError, match="before the last hidden layer"):
        L4(risk, KEEP)(theta, noise(risk.net, risk.n, rng, layers="all"))
    for epsilon in (-1, float("nan"), "fast"):
        with pytest.raises(ValueError, match="epsilon must be"):
            L2(risk, epsilon)
