"""The minimum of R_S + R_1 over networks of any number of neurons: a convex problem.

A two-layer network of one output is Σ_j c_j ĥ_j on the samples, ĥ_j a neuron's
activations at unit length. R_1 is v/(2n) Σ_j c_j², which m neurons can bring down to
v/(2nm) (Σ_j |c_j|)² and not below: so what counts is the atomic norm of the outputs,
the least Σ|c_j| by which they can be written. Over a grid of neurons its minimum is a
problem of non-negative least squares.
"""

from typing import NamedTuple

import numpy as np

from refimpl.arrays.backend import to_numpy
from refimpl.arrays.checks import check_finite, check_integer, check_number
from refimpl.arrays.types import Array
from refimpl.core.dropout import noise_variance
from refimpl.core.r1 import R1Penalty
from refimpl.core.two_layer import TwoLayer

SMALLEST = 1e-8  # of a neuron's length on the samples, against the largest


class Optimum(NamedTuple):
    """The minimum over a grid of neurons, and how far below the true one can be."""

    value: float  # no network of this width made of the grid's neurons is below
    bound: float  # and none at all, as far as `certificate` has seen all neurons
    weights: Array  # (K, d+1) rows (w, b) of the neurons in it
    masses: Array  # (K,) their c, signed
    outputs: Array  # (n,)


def infinite_width_minimum(risk, keep, grid, certificate=None):
    """Least R_S + R_1 of a network of the width of `risk`, were neurons divisible.

    min over c of (1/2n) ‖Σ c_g ĥ_g − y‖² + v/(2nm) (Σ |c_g|)², at most n neurons of the
    grid taking part. The minimum over networks of m such neurons is not below it, and
    with K neurons in it at most m/(m − K) times as large (`network`). On the host.

    Equation: eq:infinite-width, eq:atomic-norm, eq:atomic-dual

    Parameters
    ----------
    risk : Risk
        MSE, of a `TwoLayer` network of one output; any activation.
    keep : float in (0, 1]
    grid : (G, d+1)
        Rows (w, b): the neurons that may take part, with both signs.
    certificate : (G', d+1), optional
        Neurons against which the bound is checked, beside those of the grid.

    Returns
    -------
    Optimum

    Examples
    --------
    >>> import numpy as np, refimpl
    >>> net = refimpl.TwoLayer(1, 4, activation="identity")
    >>> risk = refimpl.Risk(net, X=[[1.0], [-1.0]], Y=[[2.0], [-2.0]])
    >>> found = infinite_width_minimum(risk, 0.2, grid=[[1.0, 0.0], [0.0, 1.0]])
    >>> found.outputs.round(12)  # v/m = 1: half of y, as by `linear_minimum`
    array([ 1., -1.])
    >>> round(found.value, 12), round(found.bound, 12)
    (1.0, 1.0)
    """
    from scipy.optimize import nnls

    if not isinstance(risk.net, TwoLayer) or risk.net.outputs != 1:
        raise ValueError(f"risk must be of a TwoLayer of one output, got {risk.net!r}")
    if risk.lead:
        raise ValueError(f"risk must have one data set, got some of shape {risk.lead}")
    if R1Penalty(risk, check_number("keep", keep)).keep == 1:
        raise ValueError("keep must be below 1: without dropout R_1 is 0, got 1")
    (m,), n, y = risk.net.hidden, risk.n, to_numpy(risk.Y)[:, 0]
    v = noise_variance(keep) / m
    given = np.shape(grid)
    grid, atoms, lengths = _atoms(risk, grid)
    if not len(grid):
        raise ValueError(
            "grid must have a neuron that is not silent on the data, got none in "
            f"shape {given}"
        )
    signed = np.concatenate([atoms, -atoms], axis=1)
    rows = np.vstack([signed, np.full(signed.shape[1], v**0.5)])
    c, _ = nnls(rows, np.append(y, 0.0), maxiter=100 * n + 10 * rows.shape[1])
    c = c[: len(grid)] - c[len(grid) :]
    outputs, total = atoms @ c, abs(c).sum()
    value = (((y - outputs) ** 2).sum() + v * total**2) / (2 * n)
    if certificate is not None:
        _, more, _ = _atoms(risk, certificate, "certificate")
        atoms = np.concatenate([atoms, more], axis=1)
    bound = _dual(y - outputs, y, v, atoms) / n
    taken = c != 0
    return Optimum(float(value), float(bound), grid[taken], c[taken], outputs)


def network(risk, optimum):
    """θ of the width of `risk` that comes nearest to an `Optimum`: its neurons, split.

    A neuron of mass c_k is m_k equal ones, m_k at least (m − K) |c_k| / Σ|c|, so that
    R_1 is at most v/(2n(m − K)) (Σ|c|)².

    Equation: eq:atomic-split

    Examples
    --------
    >>> import refimpl
    >>> net = refimpl.TwoLayer(1, 4, activation="identity")
    >>> risk = refimpl.Risk(net, X=[[1.0], [-1.0]], Y=[[2.0], [-2.0]])
    >>> found = infinite_width_minimum(risk, 0.2, grid=[[1.0, 0.0]])
    >>> round(float(refimpl.L1(risk, 0.2)(network(risk, found))), 12)
    1.0
    """
    (m,), sizes = risk.net.hidden, abs(optimum.masses)
    if not len(sizes):  # of targets that are 0
        return np.zeros(risk.net.size)
    K = check_integer("number of neurons in the optimum", len(sizes), 1, m)
    counts = np.ceil((m - K) * sizes / sizes.sum()).astype(int)
    for _ in range(m - counts.sum()):  # the rest goes where a neuron carries most
        counts[(sizes / np.maximum(counts, 1e-9)).argmax()] += 1
    lengths = _atoms(risk, optimum.weights)[2]
    rows = np.repeat(optimum.weights, counts, axis=0)
    out = np.repeat(optimum.masses / lengths / np.maximum(counts, 1), counts)
    return risk.net.pack(rows[:, :-1], rows[:, -1], out[None])


def directions(count):
    """Rows (cos φ, sin φ) all around, for one input: (count, 2)."""
    angles = 2 * np.pi * np.arange(count) / count
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _atoms(risk, grid, name="grid"):
    """The rows of a grid that are not silent, their ĥ (n, G) and ‖h‖ (G,)."""
    grid = np.asarray(grid, dtype=float)
    d = risk.net.inputs
    if grid.ndim != 2 or grid.shape[1] != d + 1:
        raise ValueError(f"{name} must have shape (G, {d + 1}), got {grid.shape}")
    check_finite(name, grid)
    h = risk.net.activation.value(to_numpy(risk.X) @ grid[:, :-1].T + grid[:, -1])
    lengths = np.sqrt((h**2).sum(axis=0))
    check_finite(f"activations of {name}", lengths)
    heard = lengths > SMALLEST * lengths.max(initial=0)
    return grid[heard], h[:, heard] / lengths[heard], lengths[heard]


def _dual(r, y, v, atoms):
    """Largest value of the dual along the residuals r: a lower bound on n times R.

    For any r, y·r − ½‖r‖² − ‖r‖∘²/(2v), ‖r‖∘ the largest |ĥ·r|, is a lower bound; r is
    stretched by the factor that makes it largest.
    """
    norm = abs(atoms.T @ r).max()
    scale = (y @ r) / (r @ r + norm**2 / v) if norm else 1.0
    return scale * (y @ r) - 0.5 * scale**2 * (r @ r + norm**2 / v)
