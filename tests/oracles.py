"""Routes to a number that share nothing with the code under test."""

import numpy as np
from scipy import stats

from refimpl.arrays.backend import get_xp, to_numpy

STEP = 1e-30

REJECTED = []  # one entry for every wrong formula that a check has rejected


def complex_step_gradient(fn, theta):
    """Gradient of an analytic scalar `fn` at θ (P,), exact to rounding.

    `fn` gets all steps at once (P, P): it keeps leading axes, as the package does.
    """
    return complex_step_derivative(fn, theta, get_xp(theta).eye(len(theta)))


def complex_step_derivative(fn, theta, v):
    """Derivative of an analytic `fn` at θ along `v`, exact to rounding."""
    return fn(theta + 1j * STEP * v).imag / STEP


def central_difference(fn, theta, v, step=1e-6):
    """Derivative of `fn` at θ along `v`, to about step² (off kinks)."""
    return (fn(theta + step * v) - fn(theta - step * v)) / (2 * step)


def central_gradient(fn, theta, step=1e-6):
    """Gradient of a scalar `fn` of (..., P) at θ (P,), to about step² (off kinks)."""
    return central_difference(fn, theta, get_xp(theta).eye(len(theta)), step)


def assert_close(actual, expected, rtol=1e-12):
    """Equal within `rtol` of the largest entry: entries near 0 share its scale."""
    actual, expected, atol = _compared(actual, expected, rtol)
    np.testing.assert_allclose(actual, expected, rtol, atol, equal_nan=False)


def assert_rejects(actual, wrong, rtol=1e-12):
    """The check that accepts the right formula must reject this wrong one.

    The difference must be a thousand times the tolerance: no near miss.
    """
    actual, wrong, atol = _compared(actual, wrong, 1e3 * rtol)
    assert not np.allclose(actual, wrong, 1e3 * rtol, atol), "a wrong formula passed"
    REJECTED.append(rtol)


def on_host(values):
    """`values`, or each of a sequence, as one NumPy array."""
    if isinstance(values, (list, tuple)):
        return np.array([on_host(one) for one in values])
    return to_numpy(values)


def _compared(actual, expected, rtol):
    """Both as arrays, and what an entry may be off by in absolute terms."""
    actual, expected = on_host(actual), on_host(expected)
    return actual, expected, rtol * max(np.abs(expected).max(initial=0), 1e-300)


def worst_z(estimate, expected):
    """Largest |z| of Monte-Carlo means against `expected`, and the bound on it.

    The bound is the two-sided normal quantile at level 1e-4 over all entries together
    (Bonferroni): a correct formula fails once in 10,000 seeds.
    """
    z = np.abs(np.ravel(estimate.mean - expected) / np.ravel(estimate.standard_error))
    return z.max(), stats.norm.isf(1e-4 / (2 * z.size))
