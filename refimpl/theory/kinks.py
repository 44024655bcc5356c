"""Kinks of a ReLU network of one input, and the convexity changes between them.

Neuron j is a_j σ(w_j x + b_j): its kink lies at its intercept t_j = −b_j/w_j, where the
slope changes by a_j |w_j|.
"""

from typing import Any, NamedTuple

import numpy as np

from refimpl.arrays.backend import get_xp, to_numpy
from refimpl.arrays.checks import as_floating, check_finite
from refimpl.core.activations import ReLU


class Kinks(NamedTuple):
    """Where a piecewise linear function of one variable bends, and how."""

    intercepts: Any  # (..., m) t_j; not finite where w_j = 0
    slope_changes: Any  # (..., m) a_j |w_j|
    facing: Any  # (..., m) sign of w_j: 1 active to the right of t_j, −1 to the left


def kinks(net, theta):
    """`Kinks` of a `TwoLayer` or `LinearSkip` of one input and one output, with ReLU.

    Equation: eq:kinks

    Examples
    --------
    >>> import refimpl
    >>> net = refimpl.TwoLayer(1, 2, activation="relu")
    >>> theta = net.pack(W=[[1.0], [-1.0]], b=[-0.5, -0.5], A=[[1.0, -2.0]])
    >>> found = kinks(net, theta)
    >>> found.intercepts, found.slope_changes
    (array([ 0.5, -0.5]), array([ 1., -2.]))
    """
    if (net.inputs, net.outputs, net.activation) != (1, 1, ReLU):
        raise ValueError(
            "net must be a ReLU network of one input and one output, got "
            f"{net.inputs} inputs, {net.outputs} outputs, {net.activation.__name__}"
        )
    theta = net.check_theta(theta)
    xp = get_xp(theta)
    weights = net.input_weights(theta)
    w, b, a = weights[..., 0], weights[..., 1], net.outgoing_weights(theta)[..., 0]
    t = xp.where(w != 0, -b / xp.where(w != 0, w, 1), xp.inf)
    return Kinks(t, a * xp.abs(w), xp.sign(w))


def convexity_changes(net, theta, x, tolerance=1e-9):
    """Number of changes of convexity of f on (x_1, x_n): (...), int.

    Sign changes of the slope changes, from left to right; kinks nearer to each other
    than `tolerance` are one, and none if they cancel to rounding. `net` and `theta` are
    as for `kinks`, x (n,) ascends.

    Equation: eq:convexity-changes

    Examples
    --------
    >>> import refimpl
    >>> net = refimpl.TwoLayer(1, 2, activation="relu")
    >>> theta = net.pack(W=[[1.0], [-1.0]], b=[-0.5, -0.5], A=[[1.0, -2.0]])
    >>> int(convexity_changes(net, theta, [-1.0, 0.0, 1.0]))  # concave, then convex
    1
    """
    t, slope_changes, _ = kinks(net, theta)
    x, rows = _check_inputs(x), zip(_rows(t), _rows(slope_changes))
    counts = [_count(*row, float(x[0]), float(x[-1]), tolerance) for row in rows]
    return get_xp(theta).asarray(counts).reshape(t.shape[:-1])[()]


def fewest_convexity_changes(x, y):
    """Least number of convexity changes of any function through the points: int.

    Sign changes of the slopes' differences between neighbouring points; x (n,) ascends.
    Neighbouring slopes that agree to half their digits are equal.

    Equation: eq:fewest-convexity-changes

    Examples
    --------
    >>> fewest_convexity_changes([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 0.0, 1.0])  # N
    1
    """
    x, y = _check_inputs(x), as_floating("y", y)
    if y.shape != x.shape:
        raise ValueError(f"y must have shape {x.shape} like x, got shape {y.shape}")
    check_finite("y", y)
    slopes = (y[1:] - y[:-1]) / (x[1:] - x[:-1])
    differences, xp = slopes[1:] - slopes[:-1], get_xp(x)
    # Points on one line give a difference of rounding size.
    flat = xp.maximum(abs(slopes[1:]), abs(slopes[:-1])) * xp.finfo(y.dtype).eps ** 0.5
    return _sign_changes([float(d) for d in differences[abs(differences) > flat]])


def _count(t, slope_changes, low, high, tolerance):
    inside = sorted((a, b) for a, b in zip(t, slope_changes) if low < a < high)
    merged, last = [], -float("inf")
    for position, change in inside:
        if position - last > tolerance:
            merged.append(0.0)
            last = position
        merged[-1] += change
    # Kinks in one place may cancel, but for rounding.
    rounding = len(inside) * np.finfo(slope_changes.dtype).eps
    flat = rounding * max((abs(change) for _, change in inside), default=0)
    return _sign_changes([change for change in merged if abs(change) > flat])


def _sign_changes(numbers):
    """Sign changes in a sequence of numbers other than 0."""
    signs = [number > 0 for number in numbers]
    return sum(one != next_one for one, next_one in zip(signs, signs[1:]))


def _rows(array):
    return to_numpy(array).reshape(-1, array.shape[-1])


def _check_inputs(x):
    x = as_floating("x", x)
    if x.ndim != 1 or len(x) < 3:
        raise ValueError(
            f"x must be at least 3 ascending numbers (n,), got shape {x.shape}"
        )
    check_finite("x", x)
    falls = [(float(s), float(t)) for s, t in zip(x, x[1:]) if not s < t]
    if falls:
        raise ValueError(f"x must ascend, got {falls[0][0]:g} before {falls[0][1]:g}")
    return x
