"""E_η[·]: exactly, over all masks, or by Monte Carlo with its standard error."""

from typing import Any, NamedTuple

from refimpl.backend import chunks, get_xp
from refimpl.checks import (
    check_callable,
    check_dropout,
    check_generator,
    check_integer,
    check_net,
)


class Estimate(NamedTuple):
    """A number, or an array of numbers, with its standard error (0 where exact)."""

    mean: Any
    standard_error: Any


def expectation(fn, drop, net, n, method="exact", samples=None, rng=None):
    """Mean of `fn` over the dropout noise.

    Equation: eq:expectation

    Parameters
    ----------
    fn : callable
        ``fn(eta)`` with one leading axis K in eta returns an array (K, ...). With
        θ (R, P), insert the axis: ``lambda eta: risk(theta, eta[:, None])``.
    drop : Dropout
    net : TwoLayer or Deep
    n : int
        Number of samples of the data set.
    method : {"exact", "monte_carlo"}
        Exact: all masks, at most 2^20.
    samples : int
        Number of Monte-Carlo draws, at least 2.
    rng : Generator
        For Monte Carlo.

    Returns
    -------
    Estimate
        ``mean`` and ``standard_error``, each (...). Masks are taken in chunks, so
        memory does not grow with their number.

    Raises
    ------
    ValueError
        If the method is unknown, an argument of Monte Carlo is missing, or there are
        too many masks.
    """
    check_callable("fn", fn), check_dropout(drop), check_net(net)
    n = check_integer("n", n, 1)
    elements = n * sum(net.hidden) + net.size
    if method == "exact":
        mean = 0.0
        for start, stop in chunks(drop.check_count(net, n), elements):
            probabilities, eta = drop.enumerate(net, n, start, stop)
            values = _check_values(fn(eta), len(probabilities))
            mean = mean + weighted_sum(probabilities, values)
        return Estimate(mean, get_xp(mean).zeros_like(mean))
    if method != "monte_carlo":
        raise ValueError(f"method must be 'exact' or 'monte_carlo', got {method!r}")
    samples = check_integer("samples", samples, 2)
    check_generator(rng)
    count, mean, squares = 0, 0.0, 0.0
    for start, stop in chunks(samples, elements):
        values = fn(drop.draw(net, n, rng, stop - start))
        values = _check_values(values, stop - start)
        # Chan's update: squares are about the running mean, so nothing cancels.
        part, mean_part = len(values), values.mean(axis=0)
        shift = mean_part - mean
        squares = squares + ((values - mean_part) ** 2).sum(axis=0)
        squares = squares + shift**2 * (count * part / (count + part))
        mean = mean + shift * (part / (count + part))
        count += part
    return Estimate(mean, get_xp(mean).sqrt(squares / (count * (count - 1))))


def _check_values(values, masks):
    """`values`, checked to have one entry per mask along the first axis."""
    shape = getattr(values, "shape", ())
    if shape[:1] != (masks,):
        raise ValueError(
            f"fn must return one value per mask, shape ({masks}, ...), got "
            f"{shape if shape else repr(values)}"
        )
    return values


def weighted_sum(probabilities, values):
    """Σ_k probabilities_k values_k over the leading axis."""
    xp = get_xp(values)
    return xp.tensordot(xp.asarray(probabilities), values, axes=1)
