"""Effect sizes with 95% intervals, paired over seeds."""

from typing import Any, NamedTuple

import numpy as np


class Effect(NamedTuple):
    """An estimate with its 95% confidence interval.

    Attributes
    ----------
    mean : float
    interval : (float, float)
    error : float or None
        Standard error, of the logarithm where `log`; ``None`` where the interval is not
        Student's, and there is no p-value.
    freedom : int
        Degrees of freedom of Student's t.
    log : bool
        Whether the estimate is normal on the scale of its logarithm.
    """

    mean: float
    interval: tuple
    error: Any = None
    freedom: int = 0
    log: bool = False

    def p_value(self, rule):
        """p of the null hypothesis that the truth lies outside `rule`, or ``None``.

        One-sided for a half line. For a region with two ends the larger of the two
        one-sided values: both ends are to be excluded. Without any spread it is 0
        inside and 1 outside.
        """
        if self.error is None or self.freedom < 1:
            return None
        from scipy import stats  # half a second: when it is used

        scale = np.log if self.log else float
        found = []
        for end, side in ((rule.low, 1), (rule.high, -1)):
            if np.isfinite(end) and not (self.log and end <= 0):
                gap = side * (scale(self.mean) - scale(end))
                certain = np.inf if gap > 0 or gap == 0 and rule.closed else -np.inf
                z = gap / self.error if self.error else certain
                found.append(float(stats.t.sf(z, self.freedom)))
        return max(found, default=None)


def paired(differences, level=0.05):
    """Mean of paired `differences` (..., seeds) and its interval (Student's t).

    The interval misses the truth with probability `level`. Each seed counts once, with
    its mean over the other axes. With no spread at all the interval is the mean itself.
    """
    differences = np.asarray(differences, dtype=float)
    differences = differences.reshape(-1, differences.shape[-1]).mean(axis=0)
    count, mean = len(differences), differences.mean()
    if count < 2:
        return Effect(mean, (-np.inf, np.inf))
    error = differences.std(ddof=1) / count**0.5
    half = _quantile(count - 1, level) * error
    return Effect(mean, (mean - half, mean + half), error, count - 1)


def paired_ratio(above, below):
    """Geometric mean of above/below (..., seeds), and its interval, as of `paired`."""
    effect = paired(np.log(np.asarray(above) / np.asarray(below)))
    mean, (low, high) = np.exp(effect.mean), np.exp(effect.interval)
    return effect._replace(mean=mean, interval=(low, high), log=True)


def largest(differences):
    """Largest size |mean| of V paired `differences` (V, seeds), and its interval.

    The interval holds for all V sizes at once (Bonferroni), so that which of them is
    the largest may be seen from the same seeds.
    """
    each = [paired(one, 0.05 / len(differences)) for one in differences]
    ends = [one.interval for one in each]
    least = max(max(low, -high, 0.0) for low, high in ends)
    most = max(max(-low, high) for low, high in ends)
    return Effect(max(abs(one.mean) for one in each), (least, most))


def slope(x, y):
    """Slope of log y against log x by least squares, with its 95% interval."""
    from scipy import stats

    fit, freedom = stats.linregress(np.log(x), np.log(y)), len(x) - 2
    half = _quantile(freedom) * fit.stderr
    interval = (fit.slope - half, fit.slope + half)
    return Effect(fit.slope, interval, fit.stderr, freedom)


def slopes(x, y):
    """Slopes (...) of log y against log x along the last axis of both."""
    x, y = np.broadcast_arrays(x, y)
    rows = zip(x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1]))
    return np.reshape([slope(*row).mean for row in rows], y.shape[:-1])


def resampled(statistic, count, draws=1_000):
    """A statistic of `count` seeds, its interval by drawing them anew (bootstrap).

    Quantiles of the draws, moved away from the estimate as far as a mean of few seeds
    asks: by √(n/(n−1)), as draws vary like the seeds' variance with 1/n, and by the
    quantile of Student's t over that of the normal distribution. The interval is
    unbounded where more than a fiftieth of the draws has no statistic.

    Parameters
    ----------
    statistic : callable
        Number, or NaN, of an array of indices of seeds.
    count : int
    draws : int
        Samples with replacement.
    """
    rng = np.random.default_rng(0)
    found = [statistic(rng.integers(count, size=count)) for _ in range(draws)]
    mean, interval = statistic(np.arange(count)), (-np.inf, np.inf)
    if count > 1 and np.isnan(found).mean() <= 0.02:
        wider = _quantile(count - 1) / _quantile(np.inf) * (count / (count - 1)) ** 0.5
        ends = np.nanquantile(found, [0.025, 0.975])
        interval = tuple(mean + wider * (ends - mean))
    return Effect(mean, interval)


def _quantile(freedom, level=0.05):
    """The number that Student's |t| exceeds with probability `level`."""
    from scipy import stats

    return stats.t.isf(level / 2, freedom)
