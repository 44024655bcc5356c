"""R_S^drop over all masks, by what a mask changes: the output layer alone.

`expectation` takes any function of the noise, mask by mask through the whole network.
Noise after the last hidden layer does not reach the hidden layers: they are passed
once, forward and backward, and masks meet only arrays over samples and outputs.
"""

from refimpl.arrays.backend import chunks, get_xp, like, transpose
from refimpl.arrays.types import Array, ArrayLike
from refimpl.core.dropout import Dropout, check_dropout, last_layer_keep
from refimpl.core.network import Upstream
from refimpl.core.risk import Risk, check_risk
from refimpl.core.two_layer import TwoLayer

# Elements over masks, samples and outputs at a time: what the cache of a core holds.
ELEMENTS = 2**17


def mean_over_masks(risk: Risk, theta: ArrayLike, drop: Dropout) -> tuple[Array, Array]:
    """E_η R_S^drop(θ, η) and its gradient, exact, by all 2^m masks.

    With u_ikj = a_kj h_ij the outputs under a mask are f_ik + Σ_j η_j u_ikj, for any
    network. The mean gradient is one pass backward of E e_ik and E η_j e_ik, where e is
    the derivative of the loss, either one, with respect to the outputs.

    Value (...) and gradient (..., P) for θ (..., P). The noise comes after the last
    hidden layer, the same for all samples, of one keep and at most 2^20 masks; else
    ``ValueError``: `expectation` takes more.

    Equation: eq:mean-over-masks

    Examples
    --------
    >>> import refimpl
    >>> from refimpl.data.example import risk, theta  # f is 0 or 2·6
    >>> value, gradient = mean_over_masks(risk, theta, refimpl.Dropout(0.5, False))
    >>> float(value), gradient
    (36.0, array([72., 36., 24.]))
    """
    theta, q = check_risk(risk).check(theta)
    net, n = risk.net, risk.n
    if check_dropout(drop).per_sample:
        raise ValueError(
            "drop must have one mask for all samples (per_sample=False), got a mask "
            "per sample; expectation takes both"
        )
    last_layer_keep(drop, net)
    drop.check_count(net, n)
    run = risk.run(theta, q)
    xp, (o, m), lead = get_xp(theta), run.A.shape[-2:], run.F.shape[:-2]
    # u (..., m, n·o): a row a neuron, as masks have a column a neuron.
    u = transpose(run.h)[..., None] * transpose(run.A)[..., None, :]
    u = u.reshape(lead + (m, n * o))
    F, Y = run.F.reshape(lead + (1, n * o)), like(risk.Y, theta)
    # Outputs are a sum over neurons: those of the first few are a table of their masks,
    # to which those of the others are added.
    first = min(m, max(0, (ELEMENTS // (8 * F.size)).bit_length() - 1))
    p, eta = _masks(drop, first, theta)
    table = F + eta @ u[..., :first, :]  # (..., masks of the first, n·o)
    value = over_others = 0.0
    mean_eta_e = xp.zeros_like(u)
    for start, stop in chunks(2 ** (m - first), table.size + m, ELEMENTS):
        p_others, eta_others = _masks(drop, m - first, theta, start, stop)
        shift = eta_others @ u[..., first:, :]
        masked = table[..., None, :, :] + shift[..., None, :]
        shape = lead + (len(p_others), len(p), n, o)
        values, e = risk.loss.value_and_gradient(
            masked.reshape(shape), Y[..., None, None, :, :]
        )
        value = value + values @ p @ p_others
        e = e.reshape(masked.shape)
        over_first = xp.matmul(p, e)  # (..., masks of the others, n·o)
        mean_eta_e[..., first:, :] += (p_others[:, None] * eta_others).T @ over_first
        over_others = over_others + (
            p_others @ e.reshape(lead + (len(p_others), -1))
        ).reshape(table.shape)
    mean_eta_e[..., :first, :] = (p[:, None] * eta).T @ over_others
    mean_e = (p @ over_others).reshape(run.F.shape)
    mean_eta_e = mean_eta_e.reshape(lead + (m, n, o))
    hidden = (mean_eta_e * transpose(run.A)[..., None, :]).sum(axis=-1)
    weights = (transpose(run.h)[..., None, :] @ mean_eta_e)[..., 0, :]
    upstream = Upstream(mean_e, transpose(hidden), transpose(weights))
    return value, net.backward(run, upstream)


def _masks(drop, neurons, theta, start=0, stop=None):
    """Probabilities (K,) and η (K, neurons) of the masks of some neurons."""
    if neurons == 0:
        xp = get_xp(theta)
        return xp.ones(1, theta.dtype), xp.zeros((1, 0), theta.dtype)
    p, eta = drop.enumerate(TwoLayer(1, neurons), 1, start, stop)
    eta = eta[0] if isinstance(eta, tuple) else eta
    return like(p, theta), like(eta[:, 0], theta)
