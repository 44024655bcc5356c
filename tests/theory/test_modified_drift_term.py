"""The leading term of the mean iterate's distance to the second-order flow."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects

import refimpl
from refimpl.core.r2_tilde import R2Tilde
from refimpl.theory.flow import gradient_flow, third_derivative
from refimpl.theory.iterates import gradient_covariance, mean_iterate


@pytest.mark.equation("eq:modified-drift")
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_distance_has_a_leading_term_of_third_order(steps):
    rng = np.random.default_rng(0)
    net = refimpl.TwoLayer(1, 2, 1)
    X = np.linspace(-1, 1, 3)[:, None]
    risk, theta = refimpl.Risk(net, X, np.sin(3 * X)), net.init(rng, std=1.0)
    drop = refimpl.Dropout(0.6)
    F = refimpl.L1(risk, 0.6)

    def distance(epsilon):
        """E θ_k minus the flow of F + (ε/4)‖∇F‖² at time kε, over ε³."""
        penalty = R2Tilde(F, epsilon)
        flow = gradient_flow(
            lambda t: F.gradient(t) + penalty.gradient(t), theta, [steps * epsilon]
        )
        mean = mean_iterate(risk, theta, drop, epsilon, steps)[-1]
        return (mean - flow[0]) / epsilon**3

    # Three step sizes: the terms of relative order ε and ε² are removed.
    one, two, four = (distance(epsilon) for epsilon in (5e-3, 1e-2, 2e-2))
    found = (8 * one - 6 * two + four) / 3
    g = F.gradient(theta)
    euler = third_derivative(F, theta, np.outer(g, g)) / 12
    euler = euler + F.hvp(theta, F.hvp(theta, g)) / 3
    noise = third_derivative(F, theta, gradient_covariance(risk, theta, drop)) / 4
    assert_close(found, -steps * (euler + (steps - 1) * noise), 3e-5)
    assert_rejects(found, -steps * (euler + steps * noise), 3e-5)
    if steps > 1:
        assert_rejects(found, -steps * euler, 3e-5)
