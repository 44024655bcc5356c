"""One-dimensional targets: the functions that the paper's small networks learn."""

import numpy as np

from refimpl.arrays.checks import check_integer, check_number, check_positive


def tanh_pair(n=15, limit=12.0, centre=6.0):
    """The target of Figure 4: tanh(x − 6) + tanh(x + 6) at `n` points of [−12, 12].

    X and Y (n, 1).
    """
    X, centre = _grid(n, limit), check_number("centre", centre)
    return X, np.tanh(X - centre) + np.tanh(X + centre)


def relu_pair(n=6, limit=5 / 3, centre=1 / 3):
    """The target of Figure 1: ½σ(−x − ⅓) + ½σ(x − ⅓) at `n` points of [−5/3, 5/3].

    X and Y (n, 1).
    """
    X, centre = _grid(n, limit), check_number("centre", centre)
    Y = 0.5 * np.maximum(-X - centre, 0) + 0.5 * np.maximum(X - centre, 0)
    return X, Y


def _grid(n, limit):
    """`n` points from −limit to limit: (n, 1)."""
    limit = check_positive("limit", limit)
    return np.linspace(-limit, limit, check_integer("n", n, 1))[:, None]
