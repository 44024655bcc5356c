"""Is a gradient written by hand the derivative of its value? By small steps."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from refimpl.arrays.backend import get_xp
from refimpl.arrays.checks import as_real, check_positive
from refimpl.arrays.shapes import leads
from refimpl.arrays.types import Array, ArrayLike, Noise
from refimpl.core.objective import Differentiable, check_objective

# A complex step's square vanishes in rounding; a difference takes the step at which
# what it leaves out and what it rounds are about alike.
COMPLEX, DIFFERENCE = 1e-30, 1e-5


def check_gradient(
    objective: Differentiable,
    theta: ArrayLike,
    eta: Noise = None,
    tolerance: float = 1e-6,
) -> float:
    """Largest relative error of an objective's gradient and of its Hessian product.

    The gradient is compared with the derivatives of the value, one parameter after the
    other, and the Hessian product, where there is one, with the derivative of the
    gradient along a random direction. Derivatives are taken by complex steps, exact to
    rounding, where the activation is analytic; elsewhere, and where they do not agree
    (``abs`` is no analytic function), by central differences. Two networks side by side
    must have the value and the gradient that they have one by one.

    Parameters
    ----------
    objective : Differentiable
        Yours: a subclass of `Objective`, or of anything else that can be minimised.
    theta : (P,)
        Away from kinks, as of ReLU.
    eta : (1 or n, m), optional
        Dropout noise.
    tolerance : float
        Largest difference, as a share of the largest entry, that passes.

    Returns
    -------
    error : float
        The largest difference found, as a share of the largest entry.

    Raises
    ------
    ArithmeticError
        If it is above the tolerance; says where, and what it should be.

    Examples
    --------
    >>> import refimpl
    >>> from refimpl.data.example import risk, theta
    >>> check_gradient(refimpl.WeightDecay(risk, strength=0.2), theta) < 1e-12
    True
    """
    theta, q = check_objective(objective).check(theta, eta)
    theta, (own, *noise) = as_real("theta", theta), leads(theta, q)
    if any((own, *noise, objective.lead)):
        raise ValueError(
            "theta must be one vector (P,), eta of one mask, and the objective without "
            f"replica axes, got leading axes {own}, {noise} and {objective.lead}"
        )
    theta = theta.astype(float)
    tolerance = check_positive("tolerance", tolerance)
    methods = {"central differences": _by_differences}
    if objective.net.activation.analytic:
        methods = {"complex steps": _by_complex_steps} | methods
    for method, derivative in methods.items():
        try:
            found = list(_errors(objective, theta, eta, derivative))
        except (TypeError, np.exceptions.ComplexWarning):
            if derivative is _by_differences:
                raise
            continue  # the objective does not take complex numbers
        if all(error <= tolerance for error, _ in found):  # NaN is not
            return max(error for error, _ in found)
    wrong = next(where for error, where in found if not error <= tolerance)
    name = type(objective).__name__
    raise ArithmeticError(f"{name}: {wrong} by {method}")


def _errors(objective, theta, eta, derivative) -> Iterator[tuple[float, str]]:
    """Relative errors, with words for the worst entry of each."""
    xp, P = get_xp(theta), len(theta)
    value, gradient = objective.value_and_gradient(*objective.check(theta, eta))
    again = objective(theta, eta)
    yield _error("value", xp.stack([again]), xp.stack([value]))

    def along(k):
        unit = xp.zeros(P)
        unit[k] = 1
        return derivative(lambda at: objective(at, eta), theta, unit)

    yield _error("gradient", gradient, xp.stack([along(k) for k in range(P)]))
    yield from _side_by_side(objective, theta, eta)
    v = xp.asarray(np.random.default_rng(0).standard_normal(P))
    try:
        product = objective.hvp(theta, v, eta)
    except NotImplementedError:
        return
    expected = derivative(lambda at: objective.gradient(at, eta), theta, v)
    yield _error("Hessian product along a random direction", product, expected)


def _side_by_side(objective, theta, eta):
    """Errors of value and gradient of two θ at once, against each alone."""
    xp = get_xp(theta)
    each = [theta, 0.9 * theta]
    alone = [objective.value_and_gradient(*objective.check(one, eta)) for one in each]
    both = objective.value_and_gradient(*objective.check(xp.stack(each), eta))
    for what, found, expected in zip(("value", "gradient"), both, zip(*alone)):
        expected, what = xp.stack(expected), f"{what} of two networks side by side"
        if getattr(found, "shape", None) != expected.shape:
            raise ValueError(
                f"{what} must have shape {expected.shape}, one entry per replica on "
                f"the leading axis of theta, got {getattr(found, 'shape', found)}"
            )
        yield _error(what, found.ravel(), expected.ravel())


def _error(what, found, expected):
    difference = abs(found - expected)
    scale = float(max(abs(found).max(), abs(expected).max())) or 1.0
    k = int(difference.argmax())
    words = f"{what}, entry {k}, is {float(found[k]):.9g}, but {float(expected[k]):.9g}"
    return float(difference[k]) / scale, words


def _by_complex_steps(fn: Callable[[Array], Array], theta: Array, v: Array) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        return fn(theta + 1j * COMPLEX * v).imag / COMPLEX


def _by_differences(fn: Callable[[Array], Array], theta: Array, v: Array) -> Any:
    step = DIFFERENCE * v
    return (fn(theta + step) - fn(theta - step)) / (2 * DIFFERENCE)
