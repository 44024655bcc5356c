"""GD and Adam against the formulas, written plainly."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects

from refimpl.core import optimizers as plain
from refimpl.fast import optimizers as fast

RNG = np.random.default_rng(0)
START = RNG.standard_normal((2, 10))
GRADIENTS = RNG.standard_normal((5, 2, 10))
RATES = {"one": 0.1, "one per replica": np.array([0.1, 0.3])}


@pytest.fixture(params=[plain, fast], ids=["plain", "fast"])
def module(request):
    """Where GD and Adam are from."""
    return request.param


def textbook_adam(rates, beta1=0.9, beta2=0.999, epsilon=1e-8, gradients=GRADIENTS):
    theta = START.copy()
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for t, g in enumerate(gradients, 1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        theta = theta - np.reshape(rates, (-1, 1)) * m_hat / (np.sqrt(v_hat) + epsilon)
    return theta


def moved(optimizer):
    theta = START.copy()
    update = optimizer.start(theta)
    for gradient in GRADIENTS:
        update(gradient.copy())
    return theta


@pytest.mark.equation("eq:gd")
@pytest.mark.parametrize("rates", RATES.values(), ids=RATES)
def test_gd_subtracts_the_rate_times_the_gradient(rates, module):
    expected = START - np.reshape(rates, (-1, 1)) * GRADIENTS.sum(axis=0)
    assert_close(moved(module.GD(rates)), expected)


@pytest.mark.equation("eq:adam")
@pytest.mark.parametrize("rates", RATES.values(), ids=RATES)
def test_adam_is_the_textbooks(rates, module):
    assert_close(moved(module.Adam(rates)), textbook_adam(rates))


@pytest.mark.equation("eq:adam")
def test_adam_heeds_its_betas_and_epsilon(module):
    # An epsilon as large as the gradients: its place in the formula matters.
    optimizer = module.Adam(0.1, betas=(0.5, 0.7), epsilon=1.0)
    assert_close(moved(optimizer), textbook_adam(0.1, 0.5, 0.7, 1.0))
    assert_rejects(moved(optimizer), textbook_adam(0.1, 0.7, 0.5, 1.0))
    assert_rejects(moved(optimizer), textbook_adam(0.1, 0.5, 0.7, 0.5))


def test_an_optimizer_can_start_again(module):
    optimizer = module.Adam(0.1)
    np.testing.assert_array_equal(moved(optimizer), moved(optimizer))


@pytest.mark.parametrize("name", ["GD", "Adam"])
def test_a_gradient_is_left_as_it_was_given(name, module):
    gradient = GRADIENTS[0].copy()
    getattr(module, name)(0.1).start(START.copy())(gradient)
    np.testing.assert_array_equal(gradient, GRADIENTS[0])
