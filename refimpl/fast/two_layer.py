"""R_S^drop, R_S + R_1 and R_S^drop − R_1: one pass, of a two-layer network in place.

Plain: the forward and backward passes of ``core.two_layer``, and of two objectives of
``core`` their sum. Here h of both terms is the same, arrays are overwritten as soon as
they have served, and with one output the sums over samples are taken before the factors
that depend on the neuron alone,

    ∂/∂(w_j, b_j) = a_j Σ_i δf_i q_ij σ′_ij x̃_i + c a_j² Σ_i h_ij σ′_ij x̃_i,

x̃ = (x, 1) and c = ±(1−p)/(np).

With R_1, h² serves both Σ_i h² and 1 − h²: a step takes 0.82 to 0.91 of the time, AMD
EPYC with AVX-512.

Many replicas go some at a time, whose arrays stay in the cache: 20 networks of width
1000 on 100 points take 0.79 (dropout) and 0.66 (R_S + R_1) of the time, AMD EPYC with
1 MiB of L2.

R_S + R_1 and R_S^drop − R_1 of other networks take one pass in place of two: 0.57 of
the time for 64-64-64-10, 0.40 for convolutions, 0.50 with attention (100 samples).
"""

from functools import cached_property
from math import prod

from refimpl.arrays.backend import (
    get_xp,
    on_device,
    per_replica,
    transpose,
    with_ones,
)
from refimpl.arrays.limits import check_memory
from refimpl.arrays.shapes import leads
from refimpl.arrays.types import Array, ArrayLike, Factors
from refimpl.core import modified_losses, risk
from refimpl.core.activations import Identity, ReLU, Tanh
from refimpl.core.dropout import noise_variance
from refimpl.core.network import Network, Pass, Upstream
from refimpl.core.two_layer import TwoLayer
from refimpl.fast import fused
from refimpl.fast.blocks import CACHED, in_blocks, of_two_layer
from refimpl.fast.memory import keep_freed_memory
from refimpl.fast.thinned import thinned

WRITTEN_OUT = (Identity, ReLU, Tanh)  # what `step` knows the slopes of
HELD = 2  # arrays over samples and neurons in a pass or a gradient, at least


class Risk(risk.Risk):
    __doc__ = risk.Risk.__doc__

    def __init__(
        self, net: Network, X: ArrayLike, Y: ArrayLike, loss: str = "mse"
    ) -> None:
        keep_freed_memory()
        super().__init__(net, X, Y, loss)

    def run(self, theta: Array, q: Factors) -> Pass:
        """Forward pass of the network on the data."""
        lead = max(leads(theta, q), key=prod)
        check_memory("a forward pass", self, theta, HELD, lead)
        return super().run(theta, q)

    def value_and_gradient(self, theta: Array, q: Factors) -> tuple[Array, Array]:
        """R_S or R_S^drop (...) and its gradient (..., P)."""
        if applies(self, theta, q):
            return by_steps(self, theta, q)
        return in_blocks(super().value_and_gradient, self, theta, q)

    @cached_property
    def X1(self) -> Array:
        """Rows (x_i, 1): (..., n, d+1)."""
        return with_ones(self.X)

    @cached_property
    def lead(self) -> tuple[int, ...]:
        """Replica axes of the data."""
        return super().lead

    def of_data(self, X: Array, Y: Array) -> "Risk":
        """The risk of the same network on other data, which are not checked."""
        made = super().of_data(X, Y)
        for of_X in ("X1", "lead"):
            vars(made).pop(of_X, None)
        return made


class _WithR1:
    """R_S^drop ± R_1."""

    def value_and_gradient(self, theta: Array, q: Factors) -> tuple[Array, Array]:
        """Value (...) and gradient (..., P)."""
        keep = getattr(self.penalty.keep, "shape", ())
        if keep in ((), theta.shape[:-1]) and applies(self.risk, theta, q):
            c = self.sign * noise_variance(self.penalty.keep) / self.n
            return by_steps(self, theta, q, per_replica(c, theta, axes=2))
        return in_blocks(self._in_one_pass, self, theta, q)

    def _in_one_pass(self, theta, q):
        """The same of any network: noise after the last hidden layer leaves h alone."""
        run = self.risk.run(theta, q)
        value, (dF, _, _) = self.risk.of(run)
        penalty, (_, dh, dA) = self.penalty.of(run)
        upstream = Upstream(dF, self.sign * dh, self.sign * dA)
        return value + self.sign * penalty, self.net.backward(run, upstream)


class L1(_WithR1, modified_losses.L1):
    __doc__ = modified_losses.L1.__doc__


class L4(_WithR1, modified_losses.L4):
    __doc__ = modified_losses.L4.__doc__


def applies(risk, theta, q):
    """Whether `step` can be taken: an activation that it knows, data in the dtype of θ,
    and no replicas but θ's, or but those of the masks of one θ."""
    if type(risk) is not Risk or type(risk.net) is not TwoLayer:
        return False
    if risk.net.activation not in WRITTEN_OUT:
        return False
    lead, masks = theta.shape[:-1], q[0]
    if risk.lead not in ((), lead):
        return False
    if lead and not isinstance(masks, float) and masks.shape[:-2] != lead:
        return False
    if get_xp(risk.X) is not get_xp(theta) or get_xp(risk.Y) is not get_xp(theta):
        return False
    return risk.X.dtype == risk.Y.dtype == theta.dtype


def by_steps(objective, theta, q, *c):
    """Value and gradient by `step`, of some samples at a time where they are many."""
    risk = getattr(objective, "risk", objective)

    def plain(theta, q):
        return in_parts(step, risk, theta, *q, *c)

    block = of_two_layer(risk)
    if block is None:
        return plain(theta, q)
    return in_blocks(plain, objective, theta, q, block)


def in_parts(compute, risk, theta, q, *c):
    """`compute`, as `step`, of some replicas at a time, as many as the cache holds."""
    part = max(1, CACHED // (risk.n * risk.net.hidden[0]))
    lead = theta.shape[:-1] or getattr(q, "shape", ())[:-2]
    if len(lead) != 1 or lead[0] <= part or on_device(theta):
        if lead or part == 1:  # else it is small
            check_memory("a gradient", risk, theta, HELD, lead)
        return thinned(compute, risk, theta, q, *c)

    def rows(array, axes=2):
        own = getattr(array, "shape", ())
        return array[start : start + part] if own[:-axes] == lead else array

    found = []
    for start in range(0, lead[0], part):
        data = risk.of_data(rows(risk.X), rows(risk.Y)) if risk.lead else risk
        found.append(thinned(compute, data, rows(theta, 1), *map(rows, (q, *c))))
    return tuple(map(get_xp(theta).concatenate, zip(*found)))


def step(risk, theta, q, c=None):
    """R_S^drop + (c/2) Σ_j ‖a_j‖² Σ_i h_ij² (...) and its gradient (..., P).

    Where `applies` says so: q is (..., 1 or n, m), or 1.0 for no noise, and c a float
    or (..., 1, 1), or ``None`` for 0.
    """
    net, xp = risk.net, get_xp(theta)
    _, _, A = net.split(theta)
    noise, single_output = not isinstance(q, float), net.outputs == 1
    h = activations(risk, theta)
    s = q * h if noise else h
    F = s @ transpose(A)
    value, dF = risk.loss.value_and_gradient(F, risk.Y)
    gradient = xp.empty(F.shape[:-2] + theta.shape[-1:], theta.dtype)
    dW, db, dA = net.split(gradient)
    xp.matmul(transpose(dF), s, out=dA)
    if c is not None:
        squares = h * h
        energy = transpose(risk.X1)[..., -1:, :] @ squares  # Σ_i 1 · h_ij²
        norm = A * A if single_output else (A * A).sum(axis=-2, keepdims=True)
        norm *= c
        value = value + 0.5 * (norm @ transpose(energy))[..., 0, 0]
        dA += c * energy * A
        plain = _slope(net.activation, xp, h, squares)
    if noise:
        slope = _noisy_slope(net.activation, xp, h, q, s)
    else:
        slope = net.activation.slope(h) if c is None else plain
    if single_output:
        dweights = transpose(dF * risk.X1) @ slope
        dweights *= A
        if c is not None:
            h *= plain
            dweights += norm * (transpose(risk.X1) @ h)
        dW[...] = transpose(dweights[..., :-1, :])
        db[...] = dweights[..., -1, :]
        return value, gradient
    dz = dF @ A
    dz *= slope
    if c is not None:
        h *= plain
        h *= norm
        dz += h
    xp.matmul(transpose(dz), risk.X, out=dW)
    dz.sum(axis=-2, out=db)
    return value, gradient


def inner(risk, theta):
    """z_ij = w_j·x_i + b_j (..., n, m)."""
    (m,), (W, b, _) = risk.net.hidden, risk.net.split(theta)
    if risk.net.inputs == 1:
        return risk.X1 @ theta[..., : 2 * m].reshape(theta.shape[:-1] + (2, m))
    z = risk.X @ transpose(W)
    z += b[..., None, :]
    return z


def activations(risk, theta):
    """h = σ(z) (..., n, m)."""
    xp, activation, z = get_xp(theta), risk.net.activation, inner(risk, theta)
    if activation is Tanh:
        return xp.tanh(z, out=z)
    return xp.maximum(z, 0, out=z) if activation is ReLU else z


def _slope(activation, xp, h, squares):
    """σ′(z), for tanh in the place of the `squares` h²."""
    if activation is Tanh:
        return xp.subtract(1, squares, out=squares)
    return activation.slope(h)


def _noisy_slope(activation, xp, h, q, s):
    """q σ′(z), in the place of s = q h; for tanh it is q − h s."""
    if activation is Tanh:
        if on_device(h):
            return fused.noisy_slope_of_tanh(h, q, s)
        xp.multiply(h, s, out=s)
        return xp.subtract(q, s, out=s)
    if activation is ReLU and on_device(h):
        return fused.noisy_slope_of_relu(h, q)
    return xp.multiply(q, activation.slope(h), out=s)
