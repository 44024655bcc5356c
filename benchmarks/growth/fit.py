"""The exponent k of a cost a + b xᵏ: a is what Python takes at any size.

A straight line through log t would take the overhead for a smaller exponent. All three
numbers are fitted, by least squares of log t, so that small sizes count as large ones
do. Only the largest sizes are fitted (`Axis.fitted`): over all of them arrays outgrow
the caches, and a power law holds less well. The ranges were set after a first run, in
which fits over all sizes gave up to 1.6 for 1. The interval is that of the scatter
between turns (bootstrap), not of the choice of the range or of the law.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

DRAWS = 400


class Fit(NamedTuple):
    """t = a + b (x / x_max)ᵏ, and the 95% interval of k."""

    power: float
    interval: tuple
    overhead: float  # seconds
    largest: float  # seconds at the largest size, beside the overhead


def exponent(sizes, seconds):
    """`Fit` of the median over turns.

    Parameters
    ----------
    sizes : (S,)
        At least four.
    seconds : (turns, S)

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    >>> round(exponent(x, np.array([3 + 5 * x**2] * 3)).power, 6)
    2.0
    """
    x = np.asarray(sizes, dtype=float) / max(sizes)
    rng = np.random.default_rng(0)
    power, overhead, largest = _solve(x, np.median(seconds, axis=0))
    rows = rng.integers(0, len(seconds), (DRAWS, len(seconds)))
    powers = [_solve(x, np.median(seconds[row], axis=0))[0] for row in rows]
    low, high = np.percentile(powers, [2.5, 97.5])
    return Fit(power, (float(low), float(high)), overhead, largest)


def _solve(x, t):
    """k, a and b; both times as logarithms, so that they stay positive."""

    def residuals(parameters):
        power, overhead, largest = parameters
        return np.log((np.exp(overhead) + np.exp(largest) * x**power) / t)

    start = [1.0, np.log(t[0] / 2), np.log(t[-1])]
    bounds = ([0.0, np.log(t.min()) - 20, -30.0], [5.0, np.log(t.max()), 10.0])
    power, overhead, largest = least_squares(residuals, start, bounds=bounds).x
    return float(power), float(np.exp(overhead)), float(np.exp(largest))
