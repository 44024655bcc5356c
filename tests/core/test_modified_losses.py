"""L1 to L4: their definitions, gradients, means over the noise, use in training."""

import numpy as np
import oracles
import pytest
from problems import noise

import refimpl
from refimpl.core.modified_losses import L1, L2, L3, L4, FlattenedDropout
from refimpl.core.r2_tilde import R2Tilde
from refimpl.theory.r2 import R2

KEEP, EPSILON = 0.6, 0.3
NETS = ["two-layer", "deep 2"]


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
@pytest.mark.parametrize("net", NETS)
def test_losses_are_what_they_are_defined_to_be(net, loss, per_sample, problem):
    risk, theta = problem(net, loss=loss)
    eta = noise(risk, per_sample)
    for objective, expected in defined(risk, theta, eta).items():
        oracles.assert_close(objective(theta, eta), expected)
        value, _ = objective.value_and_gradient(*objective.check(theta, eta))
        oracles.assert_close(value, expected)
        oracles.assert_rejects(objective(theta), expected)  # the noise left out


@pytest.mark.equation("eq:r2-tilde", "eq:l2", "eq:l3", "eq:flattened-dropout")
@pytest.mark.parametrize("layers", ["last", "all"])
@pytest.mark.parametrize("net", NETS)
def test_gradients_for_cross_entropy_are_complex_steps(net, layers, problem):
    """Those for MSE are in `test_derivatives`."""
    risk, theta = problem(net, loss="cross_entropy")
    eta = noise(risk, layers=layers)
    for make in (R2Tilde, L2, L3, FlattenedDropout):
        objective = make(risk, EPSILON)
        expected = oracles.complex_step_gradient(lambda t: objective(t, eta), theta)
        actual = objective.gradient(theta, eta)
        oracles.assert_close(actual, expected)
        oracles.assert_rejects(-actual, expected)
        oracles.assert_rejects(risk.gradient(theta, eta), expected)


@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("net", NETS)
def test_the_means_over_masks_keep_the_part_that_each_loss_is_named_for(
    net, per_sample, problem
):
    risk, theta = problem(net)
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
def test_a_batch_is_the_loss_of_its_samples(make, problem):
    risk, theta = problem(n=5)
    indices = np.array([3, 0])
    part = refimpl.Risk(risk.net, risk.X[indices], risk.Y[indices])
    eta = noise(part)
    batch, alone = make(risk, 0.6).batch(indices), make(part, 0.6)
    assert batch.n == 2
    oracles.assert_close(batch(theta, eta), alone(theta, eta))
    oracles.assert_close(batch.gradient(theta, eta), alone.gradient(theta, eta))


@pytest.mark.parametrize("make", [L2, L3, L4])
def test_replicas_beside_each_other_are_replicas_alone(make, problem):
    risk, thetas = problem(replicas=(2,))
    constants, eta = np.array([0.4, 0.9]), noise(risk, samples=2)
    both = make(risk, constants)
    for row in range(2):
        alone = make(risk, constants[row])
        arguments = thetas[row], eta[row]
        oracles.assert_close(both(thetas, eta)[row], alone(*arguments))
        oracles.assert_close(
            both.gradient(thetas, eta)[row], alone.gradient(*arguments)
        )


def test_what_holds_a_gradient_has_no_hessian_product(problem):
    risk, theta = problem()
    for objective in (R2Tilde(risk, EPSILON), L2(risk, EPSILON), L3(risk, EPSILON)):
        with pytest.raises(NotImplementedError, match="Hessian product"):
            objective.hvp(theta, theta)


def test_losses_say_what_they_do_not_cover(problem):
    risk, theta = problem("deep 2")
    labels, _ = problem("deep 2", loss="cross_entropy")
    with pytest.raises(ValueError, match="loss 'mse'"):
        L4(labels, KEEP)
    with pytest.raises(ValueError, match="before the last hidden layer"):
        L4(risk, KEEP)(theta, noise(risk, layers="all"))
    for epsilon in (-1, float("nan"), "fast"):
        with pytest.raises(ValueError, match="epsilon must be"):
            L2(risk, epsilon)


def test_what_is_made_of_a_loss_refuses_the_noise_that_the_loss_refuses(problem):
    risk, theta = problem("deep 2")
    eta, before = noise(risk), "before the last hidden layer"
    decayed = refimpl.WeightDecay(L1(risk, KEEP), 0.1)
    decayed(theta)
    with pytest.raises(ValueError, match="eta and dropout must be None"):
        decayed(theta, eta)
    of_l4 = refimpl.WeightDecay(L4(risk, KEEP), 0.1)
    of_l4(theta, eta)
    with pytest.raises(ValueError, match=before):
        of_l4(theta, noise(risk, layers="all"))


def test_the_finite_step_of_any_loss_can_be_taken(problem):
    """A loss of a loss is no scalar of one pass: its gradient is asked for."""
    risk, theta = problem()
    decayed, eta = refimpl.WeightDecay(risk, 0.1), noise(risk)
    g = decayed.gradient(theta, eta)
    expected = decayed(theta, eta) - 0.25 * EPSILON * (g * g).sum()
    objective = refimpl.L3(decayed, EPSILON)
    oracles.assert_close(objective(theta, eta), expected)
    oracles.assert_rejects(refimpl.L3(risk, EPSILON)(theta, eta), expected)
    step = oracles.complex_step_gradient(lambda t: objective(t, eta), theta)
    oracles.assert_close(objective.gradient(theta, eta), step)
