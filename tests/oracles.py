"""Routes to a number that share nothing with the code under test."""

import numpy as np
from scipy import stats

STEP = 1e-30

REJECTED = []  # one entry for every wrong formula that a check has rejected


def complex_step_gradient(fn, theta):
    """Gradient of an analytic scalar `fn` at θ (P,), exact to rounding."""
    steps = theta + 1j * STEP * np.eye(len(theta))
    return np.array([fn(step).imag for step in steps]) / STEP


def complex_step_derivative(fn, theta, v):
    """Derivative of an analytic `fn` at θ along `v`, exact to rounding."""
    return fn(theta + 1j * STEP * v).imag / STEP


def central_difference(fn, theta, v, step=1e-6):
    """Derivative of `fn` at θ along `v`, to about step² (off kinks)."""
    return (fn(theta + step * v) - fn(theta - step * v)) / (2 * step)


def central_gradient(fn, theta, step=1e-6):
    """Gradient of a scalar `fn` at θ (P,), to about step² (off kinks)."""
    return np.array(
        [central_difference(fn, theta, unit, step) for unit in np.eye(len(theta))]
    )


def assert_close(actual, expected, rtol=1e-12):
    """Equal within `rtol` of the largest entry: entries near 0 share its scale."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    scale = max(np.abs(expected).max(initial=0), 1e-300)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * scale)


def assert_rejects(actual, wrong, rtol=1e-12):
    """The check that accepts the right formula must reject this wrong one.

    The difference must be a thousand times the tolerance: no near miss.
    """
    try:
        assert_close(actual, wrong, 1e3 * rtol)
    except AssertionError:
        REJECTED.append(rtol)
        return
    raise AssertionError("a wrong formula was accepted")


def worst_z(estimate, expected):
    """Largest |z| of Monte-Carlo means against `expected`, and the bound on it.

    The bound is the two-sided normal quantile at level 1e-4 over all entries together
    (Bonferroni): a correct formula fails once in 10,000 seeds.
    """
    z = np.abs(np.ravel(estimate.mean - expected) / np.ravel(estimate.standard_error))
    return z.max(), stats.norm.isf(1e-4 / (2 * z.size))
