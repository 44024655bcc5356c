"""What dropout adds to the loss, one neuron's noise at a time: any loss, any layer.

Σ_a (E R_S^drop(η_a) − R_S), η_a the noise of neuron a alone: the main effects, the
terms of first order when E R_S^drop is split by which neurons have noise (Hoeffding's
decomposition, anchored at η = 0). What they lack takes two neurons at once, and is of
order (1−p)². For MSE with dropout after the last hidden layer they are R_1.
"""

from collections.abc import Iterator

from refimpl.arrays.backend import chunks, get_xp, pass_elements, per_replica
from refimpl.arrays.backend import unit_vectors
from refimpl.arrays.masks import keep_by_layer
from refimpl.arrays.types import Array, ArrayLike
from refimpl.core.dropout import Dropout, as_dropout
from refimpl.core.objective import Differentiable, check_objective
from refimpl.theory.replicas import with_replicas


def main_effects(risk: Differentiable, theta: ArrayLike, drop: Dropout) -> Array:
    """Σ_a (E R_S^drop(η_a) − R_S): the mean effect of dropout, to O((1−p)²).

    For any loss, network and activation, and the same for shared and per-sample masks.
    Masks may cross kinks, if without noise no pre-activation is exactly at one. Two
    forward passes a neuron that `drop` meets.

    Value (...) for θ (..., P). `drop` is a `Dropout`, or a keep, of replicas too. The
    differences are small and are taken in float64, whatever the precision of θ.

    Equation: eq:main-effects, eq:main-effects-error

    Examples
    --------
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> float(main_effects(risk, theta, Dropout(0.5)))  # R_1, for MSE
    18.0
    """
    return _total(lambda risk, *at: risk.value(*at), risk, theta, drop, axes=0)


def main_effects_gradient(
    risk: Differentiable, theta: ArrayLike, drop: Dropout
) -> Array:
    """Gradient (..., P) of `main_effects`: a backward pass for each forward pass.

    Equation: eq:main-effects-gradient

    Examples
    --------
    >>> from refimpl.data.example import risk, theta
    >>> main_effects_gradient(risk, theta, Dropout(0.5))  # of R_1, in (w, b, a)
    array([36., 18., 12.])
    """

    def gradient(risk, *at):
        return risk.value_and_gradient(*at)[1]

    return _total(gradient, risk, theta, drop, axes=1)


def _total(fn, risk, theta, drop, axes):
    """Σ_a (E fn(risk, θ, q) − fn(risk, θ, no noise)), q = 1 + η_a; fn's value has so
    many `axes` after those of the replicas."""
    drop, none = as_dropout(drop), check_objective(risk, "risk").net.no_noise
    keeps = drop.keep if isinstance(drop.keep, tuple) else (drop.keep,)
    given = with_replicas(risk, theta, *keeps)
    theta = given.astype(get_xp(given).result_type(given.dtype, float), copy=False)
    risk = risk.like(theta)
    without, total = fn(risk, theta, none), 0.0
    for probability, q in _one_at_a_time(risk, theta, drop):
        change = (fn(risk, theta, q) - without).sum(axis=0)
        total = total + per_replica(probability, change, axes) * change
    return (total + 0 * without).astype(given.dtype)


def _one_at_a_time(risk, theta, drop) -> Iterator[tuple]:
    """Probabilities, each with factors q (K, ..., 1, m) of one neuron at a time."""
    net = risk.net
    keeps = keep_by_layer(drop.keep, drop.layers, len(net.hidden))
    each = pass_elements(net, risk.n) * max(1, theta[..., 0].size)
    for layer, (p, m) in enumerate(zip(keeps, net.hidden)):
        if p is None:
            continue
        before, after = net.no_noise[:layer], net.no_noise[layer + 1 :]
        for start, stop in chunks(m, each):
            unit = unit_vectors(theta, m, start, stop, axes=theta.ndim)
            for probability, factor in ((1 - p, 0.0), (p, 1 / p)):
                factor = per_replica(factor, theta, axes=2)
                yield probability, (*before, 1 + (factor - 1) * unit, *after)
