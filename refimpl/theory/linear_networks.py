"""Linear networks, where what dropout converges to has a closed form.

With the activation ``"identity"`` R_1 of the best factorisation of the outputs F is
v/(2nm) ‖F‖_*², the squared nuclear norm, v = (1−p)/p, so the minimum of R_S + R_1 is a
shrinkage of singular values. With dropout in every layer the mean loss follows from the
covariances of the layers.
"""

from typing import NamedTuple

import numpy as np

from refimpl.arrays.backend import get_xp, per_replica, to_numpy, transpose
from refimpl.arrays.checks import as_floating, check_integer, check_number
from refimpl.arrays.masks import check_keep, keep_by_layer
from refimpl.arrays.shapes import check_inputs, check_targets
from refimpl.arrays.types import Array, ArrayLike
from refimpl.core.activations import Identity
from refimpl.core.deep import Deep
from refimpl.core.dropout import as_dropout, noise_variance
from refimpl.core.loss import MSE
from refimpl.core.two_layer import TwoLayer


class LinearMinimum(NamedTuple):
    """The least value of R_S + R_1, and where it is attained."""

    value: float
    theta: Array  # (P,) of TwoLayer(d, width, o, "identity"), its biases 0
    outputs: Array  # (n, o)
    threshold: float  # by which singular values are shrunk


def linear_minimum(
    X: ArrayLike, Y: ArrayLike, width: int, keep: float
) -> LinearMinimum:
    """Global minimum of R_S + R_1 over linear networks, by singular-value shrinkage.

    Let y_1 ≥ y_2 ≥ ... be the singular values of the projection of Y on the columns of
    X. Those of the outputs are (y_k − τ)₊ for k up to `width`, the threshold τ being
    v/width times their sum. All neurons share the nuclear norm equally.

    Exact over networks without biases, for any X, Y, width and rank; and over networks
    with biases if these do not help: if what the columns of X do not reach of a
    constant column is orthogonal to Y (or nothing is left of it), as for centred X, Y.

    On the host: it is a matter of the data, not of a network.

    Equation: eq:linear-minimum

    Parameters
    ----------
    X : (n, d)
    Y : (n, o)
    width : int
        m.
    keep : float in (0, 1]
        p.

    Returns
    -------
    LinearMinimum

    Examples
    --------
    >>> import refimpl
    >>> X, Y = [[1.0], [-1.0]], [[2.0], [-2.0]]  # one singular value, 2√2
    >>> found = linear_minimum(X, Y, width=3, keep=0.25)  # v/m = 1: half is left
    >>> found.outputs.round(12)
    array([[ 1.],
           [-1.]])
    >>> net = refimpl.TwoLayer(1, 3, activation="identity")
    >>> round(float(refimpl.L1(refimpl.Risk(net, X, Y), 0.25)(found.theta)), 12)
    1.0
    """
    X, Y = as_floating("X", to_numpy(X)), as_floating("Y", to_numpy(Y))
    if X.ndim != 2 or Y.ndim not in (1, 2):
        raise ValueError(f"X and Y must be (n, d) and (n, o), got {X.shape}, {Y.shape}")
    X = check_inputs(X, X.shape[1]).astype(float)
    Y = check_targets(Y, len(X), Y.shape[1] if Y.ndim == 2 else 1)
    m, keep = check_integer("width", width, 1), check_number("keep", keep)
    v = noise_variance(check_keep(keep))
    inverse = np.linalg.pinv(X)
    reached = X @ (inverse @ Y)
    U, y, V = np.linalg.svd(reached, full_matrices=False)
    s, threshold = shrunk(y, m, v)
    rank = int((s > 0).sum())
    B = equalised(np.sqrt(s[:rank]), m)  # (m, rank)
    H, A = U[:, :rank] @ B.T, V[:rank].T @ B.T
    net = TwoLayer(X.shape[1], m, Y.shape[1], "identity")
    theta = net.pack(transpose(inverse @ H), np.zeros(m), A)
    F = U * s @ V
    value = ((F - Y) ** 2).sum() + v / m * s.sum() ** 2
    return LinearMinimum(float(value / (2 * len(X))), theta, F, threshold)


def shrunk(y, m, v):
    """Minimiser over s, at most m of them not 0, of Σ (s_k − y_k)² + (v/m) (Σ s_k)².

    `y` falls. Returns s and the threshold. With r values left τ = v Σ_{k≤r} y_k /
    (m + r v); r is the largest number for which y_r is above it.
    """
    r = np.arange(1, min(m, len(y)) + 1)
    thresholds = v * np.cumsum(y[: len(r)]) / (m + r * v)
    left = y[: len(r)] > thresholds
    if not left.any():
        return np.zeros_like(y), 0.0
    last = int(np.flatnonzero(left)[-1])
    s = np.where(np.arange(len(y)) <= last, y - thresholds[last], 0.0)
    return s, float(thresholds[last])


def equalised(scales, m):
    """B (m, r) with BᵀB = diag(scales²) whose rows all have the same length.

    From the diagonal matrix m − 1 rotations of two rows, each of which gives one of
    them the mean of the squared lengths (Mianjy, Arora and Vidal, 2018).

    Equation: eq:linear-r1
    """
    B = np.zeros((m, len(scales)))
    np.fill_diagonal(B, scales)
    mean = (B**2).sum() / m
    for _ in range(m - 1):
        lengths = (B**2).sum(axis=1)
        i, j = lengths.argmax(), lengths.argmin()
        above, below, across = lengths[i] - mean, lengths[j] - mean, B[i] @ B[j]
        if above - below <= 1e-15 * mean:
            break
        # tan of the angle after which row i has the length √mean
        tan = (-across + np.sqrt(across**2 - above * below)) / below
        cos = 1 / np.hypot(1, tan)
        B[[i, j]] = cos * (B[i] + tan * B[j]), cos * (B[j] - tan * B[i])
    return B


def linear_dropout_effect(risk, theta, drop):
    """E R_S^drop − R_S of a linear network, dropout in any of its layers: exact.

    (1/2n) Σ_i tr Cov f(x_i), the covariance of a layer from that of the layer before:
    q ⊙ h has Cov h + v diag(E h hᵀ), and W turns it. For MSE and either mask
    convention; for dropout after the last hidden layer it is R_1.

    Value (...) for θ (..., P) of a `Deep` network with the activation ``"identity"``.

    Equation: eq:linear-dropout

    Examples
    --------
    >>> import numpy as np, refimpl
    >>> net = refimpl.Deep((1, 1, 1, 1), activation="identity")
    >>> risk = refimpl.Risk(net, X=[[1.0]], Y=[[0.0]])
    >>> theta = np.array([1.0, 0.0, 2.0, 0.0, 3.0, 0.0])  # f(1) = 6
    >>> drop = refimpl.Dropout(0.5, layers="all")  # f = 6·4 with probability ¼
    >>> float(linear_dropout_effect(risk, theta, drop))  # ½ (24²/4 − 6²)
    54.0
    """
    net = risk.net
    if not isinstance(net, Deep) or net.activation is not Identity:
        raise ValueError(f"risk must be of a linear Deep network, got {net!r}")
    if risk.loss is not MSE:
        raise ValueError("the mean is exact for loss 'mse', got another loss")
    theta, _ = risk.check(theta)
    drop, xp = as_dropout(drop), get_xp(theta)
    keeps = keep_by_layer(drop.keep, drop.layers, len(net.hidden))
    hidden = net.activations(risk.run(theta, net.no_noise))
    weights = [W for W, _ in net.unpack(theta)[1:]]
    covariance = 0 * _outer(hidden[0])  # (..., n, m_l, m_l)
    for h, keep, W in zip(hidden, keeps, weights):
        if keep is not None:
            v = per_replica(noise_variance(keep), h, axes=3)
            second = _outer(h) + covariance
            covariance = covariance + v * second * xp.eye(h.shape[-1], dtype=h.dtype)
        W = W[..., None, :, :]
        covariance = W @ covariance @ transpose(W)
    traces = xp.trace(covariance, axis1=-2, axis2=-1)  # (..., n)
    return 0.5 * traces.mean(axis=-1)


def _outer(h):
    """h hᵀ of every sample: (..., n, m, m)."""
    return h[..., :, None] * h[..., None, :]
