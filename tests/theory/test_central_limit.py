"""Gaussian noise on the outputs in the place of dropout's."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects, worst_z
from problems import network
from problems import risk as random_risk
from scipy.stats import binom

import refimpl
from refimpl.core.expectation import Estimate
from refimpl.theory.central_limit import central_limit_regularizer
from refimpl.theory.contributions import contributions
from refimpl.theory.delta_method import delta_regularizer

KEEP = 0.8


@pytest.mark.equation("eq:central-limit")
@pytest.mark.parametrize("kind", ["two-layer", "deep 2"])
def test_for_mse_it_is_r1(kind):
    rng = np.random.default_rng(0)
    net = network(kind, "relu")
    objective, theta = random_risk(net, rng), rng.standard_normal((2, net.size))
    found = central_limit_regularizer(objective, theta, KEEP)
    assert_close(found, refimpl.R1(objective, theta, KEEP))
    assert_rejects(found, refimpl.R1(objective, theta, 1 - KEEP))


@pytest.mark.equation("eq:central-limit")
def test_it_is_the_mean_over_gaussian_noise_of_the_same_covariance():
    rng = np.random.default_rng(1)
    net = network("two-layer", "tanh", outputs=3, width=5)
    objective = random_risk(net, rng, 4, "cross_entropy")
    theta = 2 * rng.standard_normal(net.size)
    found = central_limit_regularizer(objective, theta, KEEP, nodes=24)
    u = contributions(objective, theta)  # (m, n, o)

    def sampled(power):
        """Means over Gaussian factors of the neurons, of variance v^power."""
        g = ((1 - KEEP) / KEEP) ** (0.5 * power) * rng.standard_normal((10**5, 5))
        F = net.forward(theta, objective.X) + np.tensordot(g, u, 1)
        log_z = np.log(np.exp(F).sum(axis=-1))
        losses = (log_z - (objective.Y * F).sum(axis=-1)).mean(axis=-1)
        losses = losses - objective(theta)
        return Estimate(losses.mean(), losses.std() / np.sqrt(len(losses)))

    z, bound = worst_z(sampled(1), found)
    assert z < bound
    z, bound = worst_z(sampled(2), found)
    assert z > 10 * bound


def pairs(width, size, keep):
    """Network of outputs 0 whose neurons contribute ±size/(2√width), in equal numbers,
    and the exact effect of dropout: the numbers kept on either side are binomial.
    """
    net = refimpl.TwoLayer(1, width, 2, "identity")
    a = np.repeat([0.5, -0.5], width // 2) * size / np.sqrt(width)
    theta = net.pack(np.zeros((width, 1)), np.ones(width), np.stack([a, -a]))
    risk = refimpl.Risk(net, [[0.0]], np.array([0]), loss="cross_entropy")
    counts = np.arange(width // 2 + 1)
    shares = binom.pmf(counts, width // 2, keep)
    sums = counts / keep - width // 2  # Σ η of one side
    losses = np.logaddexp(0, (sums[:, None] - sums) * size / np.sqrt(width))
    return risk, theta, shares @ losses @ shares - risk(theta)


@pytest.mark.equation("eq:central-limit", "eq:delta-error")
def test_width_helps_the_central_limit_and_not_the_delta_method():
    """The output's noise is held at 3; each neuron's share falls as 1/√m."""
    keep, widths, delta, gauss = 0.5, (20, 200, 2000), [], []
    for width in widths:
        risk, theta, exact = pairs(width, 3.0, keep)
        drop = refimpl.Dropout(keep)
        delta.append(delta_regularizer(risk, theta, drop) / exact - 1)
        gauss.append(central_limit_regularizer(risk, theta, keep, 100) / exact - 1)
    assert min(delta) > 0.4
    assert delta[2] == pytest.approx(delta[1], rel=0.01)
    slopes = np.diff(np.log10(np.abs(gauss)))
    np.testing.assert_allclose(slopes, -1, atol=0.05)
    assert abs(gauss[0]) < 0.02


@pytest.mark.equation("eq:central-limit")
def test_at_moderate_noise_it_is_nearer_than_the_delta_method():
    errors = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        net = refimpl.TwoLayer(2, 12, 3)
        W, b = rng.standard_normal((12, 2)), rng.standard_normal(12)
        theta = net.pack(W, b, 3 / np.sqrt(12) * rng.standard_normal((3, 12)))
        risk = random_risk(net, rng, 3, "cross_entropy")
        mean = refimpl.expectation(
            lambda eta: risk(theta, eta), refimpl.Dropout(0.5), net, 3
        ).mean
        exact = mean - risk(theta)
        one = central_limit_regularizer(risk, theta, 0.5)
        other = delta_regularizer(risk, theta, refimpl.Dropout(0.5))
        errors.append(np.abs([one / exact - 1, other / exact - 1]))
    one, other = np.median(errors, axis=0)
    assert one < 0.05
    assert other > 3 * one


@pytest.mark.equation("eq:central-limit")
@pytest.mark.parametrize("replicas", [(), (2,)], ids=["one θ", "two θ"])
def test_a_keep_for_each_replica(replicas, problem):
    risk, theta = problem(outputs=2, replicas=replicas)
    keep = np.array([0.3, 0.8])
    found = central_limit_regularizer(risk, theta, keep, nodes=10)
    assert_close(found, refimpl.R1(risk, theta, keep))
    assert_rejects(found, refimpl.R1(risk, theta, keep[::-1].copy()))
    other, at = problem(outputs=2, loss="cross_entropy", replicas=(2,))
    found = central_limit_regularizer(other, at, keep, nodes=10)
    each = [central_limit_regularizer(other, *one, 10) for one in zip(at, keep)]
    assert_close(found, each)
    with pytest.raises(ValueError, match="leading axes of theta, data, keep"):
        central_limit_regularizer(other, at, np.full(3, 0.5))


def test_it_refuses_more_points_than_it_can_sum():
    rng = np.random.default_rng(0)
    net = refimpl.TwoLayer(2, 4, 10)
    risk = random_risk(net, rng, 3, "cross_entropy")
    with pytest.raises(ValueError, match="nodes must give at most 200000 points"):
        central_limit_regularizer(risk, net.init(rng), 0.5)
