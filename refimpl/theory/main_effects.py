"""What dropout adds to the loss, one neuron's noise at a time: any loss, any layer.

Σ_a (E R_S^drop(η_a) − R_S), η_a the noise of neuron a alone: the main effects, the
terms of first order when E R_S^drop is split by which neurons have noise (Hoeffding's
decomposition, anchored at η = 0). What they lack takes two neurons at once, and is of
order (1−p)². For MSE with dropout after the last hidden layer they are R_1.
"""

from collections.abc import Callable, Iterator

from refimpl.arrays.backend import chunks, pass_elements, per_replica, unit_vectors
from refimpl.arrays.masks import keep_by_layer
from refimpl.arrays.types import Array, ArrayLike
from refimpl.core.dropout import Dropout, as_dropout
from refimpl.core.objective import Objective
from refimpl.core.risk import check_risk
from refimpl.theory.replicas import with_replicas


def main_effects(risk: Objective, theta: ArrayLike, drop: Dropout) -> Array:
    """Σ_a (E R_S^drop(η_a) − R_S): the mean effect of dropout, to O((1−p)²).

    For any loss, network and activation, and the same for shared and per-sample masks.
    Masks may cross kinks, if without noise no pre-activation is exactly at one. Two
    forward passes a neuron that `drop` meets.

    Value (...) for θ (..., P). `drop` is a `Dropout`, or a keep, of replicas too.

    Equation: eq:main-effects, eq:main-effects-error

    Examples
    --------
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> float(main_effects(risk, theta, Dropout(0.5)))  # R_1, for MSE
    18.0
    """
    return _total(check_risk(risk).value, risk, theta, drop, axes=0)


def main_effects_gradient(risk: Objective, theta: ArrayLike, drop: Dropout) -> Array:
    """Gradient (..., P) of `main_effects`: a backward pass for each forward pass.

    Equation: eq:main-effects-gradient

    Examples
    --------
    >>> from refimpl.data.example import risk, theta
    >>> main_effects_gradient(risk, theta, Dropout(0.5))  # of R_1, in (w, b, a)
    array([36., 18., 12.])
    """

    def gradient(theta, q):
        return risk.value_and_gradient(theta, q)[1]

    check_risk(risk)
    return _total(gradient, risk, theta, drop, axes=1)


def _total(fn: Callable, risk, theta, drop, axes):
    """Σ_a (E fn(η_a) − fn(0)); `axes` follow those of the replicas in fn's value."""
    drop, none = as_dropout(drop), risk.net.no_noise
    keeps = drop.keep if isinstance(drop.keep, tuple) else (drop.keep,)
    theta = with_replicas(risk, theta, *keeps)
    without, total = fn(theta, none), 0.0
    for probability, q in _one_at_a_time(risk, theta, drop):
        change = (fn(theta, q) - without).sum(axis=0)
        total = total + per_replica(probability, change, axes) * change
    return total + 0 * without


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
