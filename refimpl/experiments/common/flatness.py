"""Variance and flatness along principal components, of noise and of a trajectory."""

import numpy as np

from refimpl import loss_along
from refimpl.arrays.backend import get_xp, to_numpy

COMPONENTS = 10  # of the noise, and of a trajectory


def of_noise(risk, theta, covariances):
    """Variances of the noise and flatness along its principal components: (K, 10)."""
    spread, flatness = [], []
    for C in covariances:
        values, vectors = np.linalg.eigh(C)
        spread.append(values[::-1][:COMPONENTS])
        flatness.append(widths(risk, theta, vectors[:, ::-1].T))
    return {"spread": np.stack(spread), "flatness": np.array(flatness)}


def of_trajectory(risk, path):
    """The same of the trajectory (T, P), from its middle: (10,). Every θ counts."""
    middle = path.mean(axis=0)
    _, sizes, directions = np.linalg.svd(path - middle, full_matrices=False)
    return {
        "path": (sizes**2 / (len(path) - 1))[:COMPONENTS],
        "path_flatness": np.array(widths(risk, middle, directions)),
    }


def widths(risk, theta, directions):
    """Flatness along the first of the rows of `directions`: widths of the intervals
    around θ where R_S is below e times R_S(θ)."""
    alphas, v = np.geomspace(1e-4, 1e2, 400), directions[:COMPONENTS]
    both = get_xp(theta).stack([-v, v])  # (2, COMPONENTS, P)
    over = to_numpy(loss_along(risk, theta, both, alphas) > np.e * risk(theta))
    ends = np.where(over.any(axis=0), alphas[over.argmax(axis=0)], alphas[-1])
    return ends.sum(axis=0)
