"""R_1 in terms of what each neuron contributes to the outputs on the data.

u_j = (a_kj h_j(x_i)) is the contribution of neuron j, and R_1 = v/(2n) Σ_j ‖u_j‖² with
v = (1−p)/p: on the zero-loss set a sum of squares whose vectors have a fixed sum. The
values (...) are of θ (..., P); `risk` and `keep` are what `R1` takes.
"""

from refimpl.arrays.backend import get_xp, per_replica
from refimpl.arrays.checks import check_integer, check_kind
from refimpl.core.dropout import noise_variance
from refimpl.core.r1 import R1Penalty
from refimpl.core.risk import check_risk
from refimpl.core.two_layer import TwoLayer


def contributions(risk, theta):
    """u_j (..., m, n, o): output of each last hidden neuron, on each sample.

    Equation: eq:contributions

    Examples
    --------
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> contributions(risk, theta)  # one neuron, which gives the whole output
    array([[[6.]]])
    """
    theta, _ = check_risk(risk).check(theta)
    run = risk.run(theta, risk.net.no_noise)
    h = get_xp(theta).moveaxis(run.h, -1, -2)  # (..., m, n)
    a = get_xp(theta).moveaxis(run.A, -1, -2)  # (..., m, o)
    return h[..., :, None] * a[..., None, :]


def r1_split(risk, theta, keep):
    """R_1 as two parts: one that the outputs fix, one that equal contributions remove.

    With s = Σ_j u_j, R_1 = v/(2n) (‖s‖²/m + Σ_j ‖u_j − s/m‖²). Where s is fixed, as at
    zero loss, only the second can fall; it is 0 where all contributions are s/m.

    Two tanh neurons on two points have no other minimum at zero loss.

    Equation: eq:toy-example, eq:toy-stationary

    Examples
    --------
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> fixed, spread = r1_split(risk, theta, keep=0.5)  # one neuron: nothing to spread
    >>> float(fixed), float(spread)
    (18.0, 0.0)
    """
    u, half = _with_half_variance(risk, theta, keep)
    m = u.shape[-3]
    mean = u.sum(axis=-3, keepdims=True) / m
    fixed = half * m * (mean * mean).sum(axis=(-3, -2, -1))
    return fixed, half * ((u - mean) ** 2).sum(axis=(-3, -2, -1))


def r1_group_norm(risk, theta, keep):
    """Lower bound v/(2nm) (Σ_j ‖a_j‖ ‖h_j‖)² of R_1, met where all terms are equal.

    The sum is a group norm: it does not change when a neuron is split into equal
    copies, while the bound falls as 1/m. Where its least value on the zero-loss set is
    attained, as for ReLU, n·o orientations are enough.

    Equation: eq:r1-group-norm

    Examples
    --------
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> float(r1_group_norm(risk, theta, keep=0.5))  # met: R_1 = ½ 6²
    18.0
    """
    u, half = _with_half_variance(risk, theta, keep)
    norms = get_xp(u).sqrt((u * u).sum(axis=(-2, -1)))  # ‖u_j‖ = ‖a_j‖ ‖h_j‖
    return half / u.shape[-3] * norms.sum(axis=-1) ** 2


def _with_half_variance(risk, theta, keep):
    """`contributions`, and v/(2n); the arguments checked as those of R_1."""
    penalty = R1Penalty(risk, keep)
    penalty.check(theta)
    u = contributions(risk, theta)
    return u, per_replica(0.5 * noise_variance(penalty.keep) / risk.n, u)


def split_neurons(net, theta, copies):
    """Every neuron of a `TwoLayer` as `copies` neurons of the same input weight.

    Output weights are divided by `copies`, at least 1: the function is the same, and
    R_1 is divided by `copies`. Gives the wider network, and its θ.

    Equation: eq:r1-splitting

    Examples
    --------
    >>> import refimpl
    >>> from refimpl.data.example import net, risk, theta  # f(2) = 3·2
    >>> wide, split = split_neurons(net, theta, copies=2)
    >>> halved = refimpl.Risk(wide, [[2.0]], [[0.0]])
    >>> float(refimpl.R1(risk, theta, 0.5)), float(refimpl.R1(halved, split, 0.5))
    (18.0, 9.0)
    """
    copies = check_integer("copies", copies, 1)
    check_kind("net", net, TwoLayer, "a TwoLayer network")
    W, b, A = net.unpack(theta)
    xp = get_xp(theta)
    name = net.activation.__name__.lower()
    wide = TwoLayer(net.inputs, copies * net.hidden[0], net.outputs, name)
    W, b = xp.repeat(W, copies, axis=-2), xp.repeat(b, copies, axis=-1)
    return wide, wide.pack(W, b, xp.repeat(A, copies, axis=-1) / copies)
