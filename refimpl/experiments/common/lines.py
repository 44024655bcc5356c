"""What the experiments on the loss along random directions share (Figures 1b, 12a)."""

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


def plot_band(panel, line, color, label, dashes="-"):
    """Median and 10% to 90% of the loss (..., A) over all else."""
    rows = line.reshape(-1, len(ALPHAS))
    low, middle, high = np.quantile(rows, (0.1, 0.5, 0.9), axis=0)
    panel.fill_between(ALPHAS, low, high, color=color, alpha=0.2, lw=0)
    panel.plot(ALPHAS, middle, dashes, color=color, label=label)
