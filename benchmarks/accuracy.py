"""How much work a side needs for an accuracy: measured, by the same rule for all."""

import math

ACCURACY = 0.01
STARTS = 4


def loosest(settings, estimate, exact):
    """The first of `settings`, cheapest first, that is accurate, and its error.

    Parameters
    ----------
    settings : sequence
    estimate : callable
        ``estimate(setting)``, from another random start at every call.
    exact : float

    Returns
    -------
    setting
        The last, if none is accurate.
    error : float
        Relative root mean square error over some starts.
    """
    for setting in settings:
        errors = [estimate(setting) / exact - 1 for _ in range(STARTS)]
        error = math.hypot(*errors) / math.sqrt(STARTS)
        if error <= ACCURACY:
            break
    return setting, error


def samples_needed(mean, deviation):
    """Independent samples for a standard error of 1% of the mean.

    Examples
    --------
    >>> samples_needed(2.0, 1.0)  # (0.5 / 0.01)²
    2500
    """
    return max(2, math.ceil((deviation / mean / ACCURACY) ** 2))
