"""How numbers are written for readers: values, intervals, times."""

import re
from math import floor, inf, log10

SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value):
    """Four significant digits; a dash for none.

    >>> number(-0.25), number(3e-15), number(float("inf")), number(None)
    ('−0.25', '3 × 10⁻¹⁵', '∞', '–')
    """
    return "–" if value is None else _typeset(f"{value:.4g}")


def estimate(measured, interval):
    """A value and its 95% interval, to two digits of the interval's half-width.

    Returns
    -------
    value, spread : str
        The spread is "± half-width" if the interval is symmetric, else its ends in
        brackets; empty without an interval.

    Examples
    --------
    >>> estimate(0.64961, (0.5441, 0.7552))
    ('0.65', '± 0.11')
    >>> estimate(24.806, (9.841, 62.529))
    ('25', '[10, 63]')
    >>> estimate(0.41, (0.00038, 431.4))
    ('0.41', '[0.00038, 430]')
    >>> estimate(8.882e-16, None)
    ('9 × 10⁻¹⁶', '')
    """
    if interval is None:
        rounding = measured is not None and 0 < abs(measured) < 1e-12
        return _typeset(f"{measured:.1g}") if rounding else number(measured), ""
    low, high = interval
    half = (high - low) / 2
    if measured is None or not 0 < half < inf:
        return number(measured), f"[{number(low)}, {number(high)}]"
    decimals = 1 - floor(log10(half))
    if low > 0 and round(low, decimals) == 0:  # of a ratio, over orders of magnitude
        value, low, high = (number(float(f"{x:.2g}")) for x in (measured, low, high))
        return value, f"[{low}, {high}]"

    def rounded(x):
        if max(abs(low), abs(high)) < 1e-4:
            return number(round(x, decimals))
        # + 0: no minus before zero
        return _typeset(f"{round(x, decimals) + 0:,.{max(0, decimals)}f}")

    if abs(low + high - 2 * measured) < half / 10:
        return rounded(measured), f"± {rounded(half)}"
    return rounded(measured), f"[{rounded(low)}, {rounded(high)}]"


def duration(seconds):
    """Seconds, to a tenth below ten, minutes or hours.

    >>> duration(0.0004), duration(2.4), duration(100), duration(1084), duration(9000)
    ('0.0 s', '2.4 s', '100 s', '18 min', '2.5 h')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 150:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _typeset(digits):
    """With a true minus sign, and a power of ten in place of an e."""
    mantissa, _, exponent = digits.partition("e")
    if exponent:
        mantissa += " × 10" + str(int(exponent)).translate(SUPERSCRIPT)
    return re.sub("^-", "−", mantissa).replace("inf", "∞")
