"""σ, σ′ and σ″ against complex steps and definitions."""

import numpy as np
import pytest
from oracles import STEP, assert_close, assert_rejects
from problems import ACTIVATIONS, ANALYTIC

from refimpl.core.activations import ACTIVATIONS as KNOWN

Z = np.linspace(-3, 3, 31)


@pytest.mark.equation("eq:activations")
@pytest.mark.parametrize("name", ANALYTIC)
def test_slope_and_curvature_are_the_derivatives(name):
    activation = KNOWN[name]
    h = activation.value(Z.copy())
    moved = activation.value(Z + 1j * STEP)
    assert_close(activation.slope(h), moved.imag / STEP)
    slope = activation.slope(moved).imag / STEP
    assert_close(activation.curvature(h), slope)
    assert_rejects(2 * activation.curvature(h) + 1, slope)


@pytest.mark.equation("eq:activations")
def test_relu_and_its_derivatives_at_0_are_0():
    relu = KNOWN["relu"]
    h = relu.value(np.array([-1.0, 0.0, 2.0]))
    np.testing.assert_array_equal(h, [0, 0, 2])
    np.testing.assert_array_equal(relu.slope(h), [0, 0, 1])
    np.testing.assert_array_equal(relu.curvature(h), [0, 0, 0])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_odd_says_whether_the_activation_is_odd(name):
    activation = KNOWN[name]
    odd = np.array_equal(activation.value(-Z), -activation.value(Z.copy()))
    assert activation.odd == odd
