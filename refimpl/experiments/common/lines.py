"""The loss along random directions (Figures 1b, 12a)."""

import numpy as np

ALPHAS = np.linspace(-1, 1, 21)


def rise(line, loss):
    """L(½) − L(0) averaged over directions and signs: (...).

    Parameters
    ----------
    line : (..., D, A)
        Loss at `ALPHAS` along D directions.
    loss : (...)
        L(0).
    """
    at = np.isclose(np.abs(ALPHAS), 0.5)
    return line[..., at].mean(axis=(-2, -1)) - loss
