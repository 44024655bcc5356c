"""The mean dropout loss to second order in the noise (the delta method).

E_η R_S^drop ≈ R_S + ½ Σ v_l ∂²R_S^drop/∂η² at η = 0, one term per noise coordinate,
v_l = (1−p_l)/p_l. For MSE with dropout after the last hidden layer R_S^drop is
quadratic in η, and this is R_1. Otherwise it is an approximation, the classical one;
`main_effects` are nearer.
"""

from refimpl.arrays.backend import chunks, get_xp, like, per_replica, transpose
from refimpl.arrays.backend import unit_vectors
from refimpl.arrays.masks import keep_by_layer
from refimpl.core.deep import Deep
from refimpl.core.dropout import as_dropout, noise_variance
from refimpl.core.risk import check_risk
from refimpl.core.two_layer import TwoLayer


def delta_regularizer(risk, theta, drop):
    """Second-order term of the mean dropout loss, for any loss and any layers.

    ½ Σ_l v_l Σ_i Σ_j h_ij² ∂²R_S/∂h_ij², h the activations of layer l. The same for
    shared and per-sample masks. With noise after the last hidden layer alone the error
    is of third order in the size of the output's noise (fourth for p = ½), not in
    1 − p: every moment of η is of order 1 − p. With noise in earlier layers the error
    is of the order of the effect, and for ReLU it misses the kinks that masks cross.

    Value (...) for θ (..., P), of any network; with noise in every layer, of a
    `TwoLayer` or `Deep` one.

    Equation: eq:delta-cross-entropy, eq:delta-all-layers, eq:delta-error

    Examples
    --------
    >>> import refimpl
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> float(delta_regularizer(risk, theta, refimpl.Dropout(0.5)))  # R_1, for MSE
    18.0
    """
    theta, _ = check_risk(risk).check(theta)
    drop = as_dropout(drop)
    keeps = keep_by_layer(drop.keep, drop.layers, len(risk.net.hidden))
    variances = [noise_variance(p) for p in keeps if p is not None]
    widest = sum(m * m for m in risk.net.hidden)
    parts = chunks(risk.n, theta[..., 0].size * widest)
    if drop.layers == "last" or len(parts) == 1:
        return _second_order(risk, theta, drop.layers, variances)
    total = 0
    for start, stop in parts:
        X, Y = (data[..., start:stop, :] for data in (risk.X, risk.Y))
        part = risk.of_data(X, Y)
        share = (stop - start) / risk.n
        total = total + share * _second_order(part, theta, drop.layers, variances)
    return total


def activation_hessians(risk, theta):
    """Hessians of R_S with respect to each hidden layer's activations, per sample.

    A list of (..., n, m_l, m_l), one per hidden layer in their order. They come from
    the outputs down, H_L the Hessian of the loss with respect to the outputs:
    H_{L−1} = W_Lᵀ H_L W_L, and H_{l−1} = W_lᵀ (diag σ′ H_l diag σ′ + diag(σ″ g_l)) W_l
    with g_l = ∂R_S/∂h^[l]. The second part carries the residuals, and is zero for
    ReLU; without it they are Gauss–Newton's.

    Equation: eq:delta-all-layers

    Examples
    --------
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> activation_hessians(risk, theta)  # of ½ (3h)²
    [array([[[9.]]])]
    """
    theta, _ = risk.check(theta)
    net = risk.net
    if not isinstance(net, (TwoLayer, Deep)):
        raise ValueError(
            "risk must be of a TwoLayer or Deep network, whose layers have second "
            f"derivatives here, got {net!r}"
        )
    run = risk.run(theta, risk.net.no_noise)
    xp, A = get_xp(theta), run.A[..., None, :, :]
    H = [transpose(A) @ _output_hessian(risk, run) @ A]
    g = risk.of(run)[1].dF @ run.A
    for layer in reversed(range(1, len(net.hidden))):
        _, (W, _), _, h, *_ = run.kept[layer]
        slope = net.activation.slope(h)
        M = slope[..., :, None] * H[0] * slope[..., None, :]
        bend = g * net.activation.curvature(h)
        M = M + xp.eye(h.shape[-1], dtype=h.dtype) * bend[..., None]
        W_all = W[..., None, :, :]
        H.insert(0, transpose(W_all) @ M @ W_all)
        g = (g * slope) @ W
    return H


def _second_order(risk, theta, layers, variances):
    """The regularizer without chunks."""
    if layers == "last":
        run = risk.run(theta, risk.net.no_noise)
        A = run.A[..., None, :, :]
        # a_jᵀ H_i a_j, without the m × m matrices of which it is the diagonal
        diagonals = [(A * (_output_hessian(risk, run) @ A)).sum(axis=-2)]
        hs = [run.h]
    else:
        hs = risk.net.activations(risk.run(theta, risk.net.no_noise))
        diagonals = [
            H.diagonal(axis1=-2, axis2=-1) for H in activation_hessians(risk, theta)
        ]
    terms = [
        per_replica(v, h) * (h * h * diagonal).sum(axis=(-2, -1))
        for v, h, diagonal in zip(variances, hs, diagonals)
    ]
    return 0.5 * sum(terms)


def _output_hessian(risk, run):
    """Hessian of the loss with respect to each sample's outputs: (..., n, o, o)."""
    F, xp, o = run.F, get_xp(run.F), run.F.shape[-1]
    unit = xp.broadcast_to(unit_vectors(F, o, 0, o, F.ndim - 1), (o,) + F.shape)
    columns = risk.loss.hvp(F, like(risk.Y, F), unit)
    return xp.moveaxis(columns, 0, -2)
