"""Effect sizes with 95% intervals, paired over seeds."""

from typing import NamedTuple

import numpy as np


class Effect(NamedTuple):
    """A mean with its 95% confidence interval (Student's t) and one-sided p-value."""

    mean: float
    interval: tuple
    p: float


def paired(differences):
    """Mean of paired `differences` (seeds,), its interval, and p for a mean above 0.

    With no spread at all the interval is the mean itself, and p is 0 or 1.
    """
    differences = np.asarray(differences, dtype=float)
    count, mean = len(differences), differences.mean()
    if count < 2:
        return Effect(mean, (-np.inf, np.inf), 1.0)
    error = differences.std(ddof=1) / count**0.5
    if error == 0:
        return Effect(mean, (mean, mean), 0.0 if mean > 0 else 1.0)
    from scipy import stats  # half a second: when it is used

    half = stats.t.ppf(0.975, count - 1) * error
    p = stats.t.sf(mean / error, count - 1)
    return Effect(mean, (mean - half, mean + half), p)


def paired_ratio(above, below):
    """Geometric mean of above/below over seeds, its interval, p for a ratio over 1."""
    effect = paired(np.log(np.asarray(above) / np.asarray(below)))
    low, high = effect.interval
    return Effect(np.exp(effect.mean), (np.exp(low), np.exp(high)), effect.p)


def slope(x, y):
    """Slope of log y against log x by least squares, with its 95% interval."""
    from scipy import stats

    fit = stats.linregress(np.log(x), np.log(y))
    half = stats.t.ppf(0.975, len(x) - 2) * fit.stderr
    return Effect(fit.slope, (fit.slope - half, fit.slope + half), fit.pvalue)


def doublings(limit):
    """1, 2, 4, ... up to `limit`: sample sizes at which a mean is looked at."""
    return 2 ** np.arange(0, int(np.log2(limit)) + 1)
