"""How much work a side needs for an accuracy: measured, by the same rule for all."""

import math

ACCURACY = 0.01
STARTS = 4


def rms_error(estimate, exact, starts=STARTS):
    """Relative root mean square error of ``estimate(seed)`` over some seeds."""
    errors = [estimate(seed) / exact - 1 for seed in range(starts)]
    return math.sqrt(sum(error**2 for error in errors) / starts)


def loosest(settings, estimate, exact):
    """The first of `settings`, cheapest first, that is accurate; and its error.

    Parameters
    ----------
    settings : sequence
    estimate : callable
        ``estimate(setting, seed)``
    exact : float

    Raises
    ------
    ArithmeticError
        If none is.
    """
    for setting in settings:
        error = rms_error(lambda seed: estimate(setting, seed), exact)
        if error <= ACCURACY:
            return setting, error
    raise ArithmeticError(f"error {error:.1%} at {setting}, wanted {ACCURACY:.0%}")


def samples_needed(mean, deviation):
    """Independent samples for a standard error of 1% of the mean.

    Examples
    --------
    >>> samples_needed(2.0, 1.0)  # (0.5 / 0.01)²
    2500
    """
    return max(2, math.ceil((deviation / mean / ACCURACY) ** 2))
