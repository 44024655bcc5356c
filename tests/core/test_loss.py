"""MSE with the paper's ½ and stable cross-entropy: value, gradient, Hessian."""

import numpy as np
import pytest
from oracles import (
    assert_close,
    assert_rejects,
    complex_step_derivative,
    complex_step_gradient,
)

from refimpl.core.loss import MSE, CrossEntropy

RNG = np.random.default_rng(0)
F = RNG.standard_normal((4, 3))
TARGETS = {MSE: RNG.standard_normal((4, 3)), CrossEntropy: np.eye(3)[[0, 1, 2, 1]]}
EQUATION = {
    MSE: pytest.mark.equation("eq:mse"),
    CrossEntropy: pytest.mark.equation("eq:cross-entropy"),
}
LOSSES = [pytest.param(loss, marks=mark) for loss, mark in EQUATION.items()]


@pytest.mark.equation("eq:mse")
def test_mse_has_the_half_and_sums_over_outputs():
    Y = TARGETS[MSE]
    expected = sum(np.sum((F[i] - Y[i]) ** 2) for i in range(4)) / (2 * 4)
    value, _ = MSE.value_and_gradient(F, Y)
    assert_close(value, expected, 1e-14)
    assert_rejects(2 * value, expected)
    assert_rejects(value / 3, expected)


@pytest.mark.equation("eq:cross-entropy")
def test_cross_entropy_is_the_mean_negative_log_probability():
    probabilities = np.exp(F) / np.exp(F).sum(axis=1, keepdims=True)
    expected = -np.mean(np.log(probabilities[range(4), [0, 1, 2, 1]]))
    value, _ = CrossEntropy.value_and_gradient(F, TARGETS[CrossEntropy])
    assert_close(value, expected, 1e-14)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_is_the_derivative_of_the_value(loss):
    Y = TARGETS[loss]
    _, gradient = loss.value_and_gradient(F, Y)
    expected = complex_step_gradient(
        lambda f: loss.value_and_gradient(f.reshape(-1, 4, 3), Y)[0], F.ravel()
    )
    assert_close(gradient.ravel(), expected)
    assert_rejects(4 * gradient.ravel(), expected)  # without 1/n


@pytest.mark.parametrize("loss", LOSSES)
def test_the_hessian_product_is_the_derivative_of_the_gradient(loss):
    Y, V = TARGETS[loss], RNG.standard_normal((4, 3))
    expected = complex_step_derivative(lambda f: loss.value_and_gradient(f, Y)[1], F, V)
    assert_close(loss.hvp(F, Y, V), expected)
    assert_rejects(loss.hvp(F, Y, np.abs(V)), expected)


@pytest.mark.equation("eq:cross-entropy")
@pytest.mark.parametrize("size", [1e3, 1e8])
def test_cross_entropy_is_finite_for_large_outputs(size):
    Y = np.eye(2)[[0, 1]]
    value, gradient = CrossEntropy.value_and_gradient(np.array([[size, 0.0]] * 2), Y)
    assert_close(value, size / 2)
    assert_close(gradient, np.array([[0, 0], [0.5, -0.5]]))


@pytest.mark.equation("eq:cross-entropy")
@pytest.mark.parametrize("size", [1, 40, 300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_hessian_of_sure_outputs_keeps_its_digits(dtype, size):
    """n = 1: v ↦ Σ_l s_k s_l (v_k − v_l), a sum of terms that no rounding cancels."""
    F = np.array([[[size, 0, -1.5]], [[0, size, size]]], dtype)  # one leads, or two
    if dtype is np.float32:
        F = np.clip(F, None, 40)  # e⁻³⁰⁰ is none of its numbers
    E = np.exp(F - F.max(axis=-1, keepdims=True), dtype=float)
    s = E / E.sum(axis=-1, keepdims=True)
    for v in np.array([[1, 0, 0], [0, 1, 0], [3, -1, 0.5]], dtype):
        expected = (s[..., None] * s[..., None, :] * (v[:, None] - v)).sum(axis=-1)
        found = CrossEntropy.hvp(F, None, v)
        assert found.dtype == dtype
        rtol = 1e-5 if dtype is np.float32 else 1e-13
        np.testing.assert_allclose(found, expected, rtol)
        cancelling = s * v - s * (s * v).sum(axis=-1, keepdims=True)
        if size == 300 and v[0] == 1 and not v[1]:
            assert_rejects(cancelling[0], expected[0])


def test_labels_are_rows_of_the_identity():
    Y = CrossEntropy.check_targets(np.array([2, 0]), 2, 3)
    np.testing.assert_array_equal(Y, [[0, 0, 1], [1, 0, 0]])
