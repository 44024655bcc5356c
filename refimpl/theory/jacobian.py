"""The Jacobian of the outputs, ∂f_k(x_i)/∂θ, and the flatness that is made of it.

At zero loss the trace of the Hessian of R_S is (1/n) Σ_i Σ_k ‖∇_θ f_k(x_i)‖², the trace
of the empirical neural tangent kernel over n: what Theorem 2 is about. Of `risk`
network and inputs play a part, not targets and loss; for ReLU all holds off kinks.
"""

import math

from refimpl.arrays.backend import (
    chunks,
    get_xp,
    like,
    pass_elements,
    transpose,
    unit_vectors,
)
from refimpl.core.activations import ReLU
from refimpl.core.network import Upstream
from refimpl.core.two_layer import TwoLayer


def output_jacobian(risk, theta):
    """J (..., n·o, P) for θ (..., P): row i·o + k is ∇_θ f_k(x_i).

    Equation: eq:output-jacobian

    Examples
    --------
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> output_jacobian(risk, theta)  # of a (2w + b), in (w, b, a)
    array([[6., 3., 2.]])
    """
    theta, _ = risk.check(theta)
    xp = get_xp(theta)
    rows = [J for _, _, J in _jacobian_rows(risk, theta)]
    return xp.moveaxis(xp.concatenate(rows), 0, -2)


def ntk_trace(risk, theta):
    """(1/n) Σ_i Σ_k ‖∇_θ f_k(x_i)‖²: the trace of the empirical tangent kernel, over n.

    Value (...) for θ (..., P). Where R_S = 0 with MSE it is the trace of the Hessian of
    R_S. For ReLU it jumps where a neuron becomes active on a sample or falls silent. Of
    a two-layer network it is (1/n) Σ_ij (o h_ij² + σ′_ij² ‖a_j‖² ‖(x_i, 1)‖²), one pass
    over samples and neurons; of others every row of the Jacobian is formed.

    Equation: eq:ntk-trace, eq:hessian-trace-at-zero-loss

    Examples
    --------
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> float(ntk_trace(risk, theta))  # 6² + 3² + 2²
    49.0
    """
    theta, _ = risk.check(theta)
    if type(risk.net) is TwoLayer:
        run = risk.run(theta, risk.net.no_noise)
        slopes = risk.net.activation.slope(run.h)
        terms = risk.net.outputs * run.h**2 + slopes**2 * _sizes(risk, theta)
        return terms.sum(axis=(-2, -1)) / risk.n
    squares = [(J * J).sum(axis=(0, -1)) for _, _, J in _jacobian_rows(risk, theta)]
    return sum(squares) / risk.n


def ntk_trace_change(risk, theta, moved):
    """Change of `ntk_trace` from θ to `moved`: between kinks, and by crossing them.

    Of a two-layer ReLU network, whose trace is the sum of s_ij (o z_ij² + ‖a_j‖² ‖(x_i,
    1)‖²) over n, s_ij saying whether neuron j is active on sample i: the change with s
    held as at θ, and that of s with the rest held as at `moved`, each (...).

    Equation: eq:ntk-trace-jump

    Examples
    --------
    >>> import refimpl
    >>> net = refimpl.TwoLayer(1, 1, activation="relu")
    >>> risk = refimpl.Risk(net, X=[[2.0]], Y=[[0.0]])
    >>> theta, moved = (net.pack([[1.0]], [b], [[2.0]]) for b in (-3.0, 0.0))
    >>> ntk_trace_change(risk, theta, moved)  # it becomes active: 2² + 2² (2² + 1)
    (np.float64(0.0), np.float64(24.0))
    """
    (active, before), (now, after) = (_terms(risk, at) for at in (theta, moved))
    between = (active * (after - before)).sum(axis=(-2, -1)) / risk.n
    jump = ((now - active) * after).sum(axis=(-2, -1)) / risk.n
    return between, jump


def ntk_trace_gradient(risk, theta):
    """Gradient (..., P) of `ntk_trace`: (2/n) Σ_i Σ_k ∇²f_k(x_i) ∇f_k(x_i).

    Each term is a Hessian-vector product of one output along its own gradient, by the
    R-operator.

    Equation: eq:ntk-trace-gradient

    Examples
    --------
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> ntk_trace_gradient(risk, theta)  # of 5a² + (2w + b)²
    array([ 8.,  4., 30.])
    """
    theta, _ = risk.check(theta)
    net, total = risk.net, 0
    for run, seed, J in _jacobian_rows(risk, theta):
        constant = Upstream(0 * seed.dF)
        product = net.backward_push(run, net.push(run, J), seed, constant)
        total = total + product.sum(axis=0)
    return 2 / risk.n * total


def ntk_trace_rate(risk, theta, objective):
    """d/dt of `ntk_trace` along the gradient flow of `objective`, at θ (..., P).

    −⟨∇ ntk_trace, ∇ objective⟩ (...), of objectives of the same network. Theorem 2: for
    a two-layer ReLU network off kinks it is negative along the flow of R_1 wherever
    ∇R_1 ≠ 0, hence along that of R_S + R_1 where R_S = 0. For the identity too; for
    tanh, more layers or later times it may rise.

    Equation: eq:theorem-2

    Examples
    --------
    >>> import refimpl
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> objective = refimpl.L1(risk, 0.5)  # of gradient 2·(36, 18, 12)
    >>> float(ntk_trace_rate(risk, theta, objective))
    -1440.0

    References
    ----------
    Zhang and Xu, Implicit Regularization of Dropout, Theorem 2.
    """
    return -(ntk_trace_gradient(risk, theta) * objective.gradient(theta)).sum(axis=-1)


def _terms(risk, theta):
    """1.0 where neuron j is active on sample i, and what it adds there: (..., n, m)."""
    if not isinstance(risk.net, TwoLayer) or risk.net.activation is not ReLU:
        raise ValueError(f"risk must be of a TwoLayer ReLU network, got {risk.net!r}")
    theta, _ = risk.check(theta)
    W, b, _ = risk.net.split(theta)
    X = like(risk.X, theta)
    z = X @ transpose(W) + b[..., None, :]
    added = risk.net.outputs * z * z + _sizes(risk, theta)
    return (z > 0).astype(z.dtype), added


def _sizes(risk, theta):
    """‖a_j‖² ‖(x_i, 1)‖² of a two-layer network: (..., n, m)."""
    _, _, A = risk.net.split(theta)
    length = (like(risk.X, theta) ** 2).sum(axis=-1)[..., None] + 1
    return (A * A).sum(axis=-2)[..., None, :] * length


def _jacobian_rows(risk, theta):
    """Forward pass, unit upstreams and the rows of J (K, ..., P) they give, in turn."""
    xp, net = get_xp(theta), risk.net
    run = risk.run(theta, net.no_noise)
    *lead, n, o = run.F.shape
    for start, stop in chunks(n * o, math.prod(lead) * pass_elements(net, n)):
        unit = unit_vectors(theta, n * o, start, stop, len(lead))
        unit = unit.reshape(unit.shape[:-1] + (n, o))
        seed = Upstream(xp.broadcast_to(unit, (stop - start, *run.F.shape)))
        yield run, seed, net.backward(run, seed)
