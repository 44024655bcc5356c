"""E_η[·]: exactly, over all masks, or by Monte Carlo with its standard error."""

from collections.abc import Callable
from typing import Any, NamedTuple

from refimpl.arrays.backend import chunks, get_xp
from refimpl.arrays.checks import (
    check_callable,
    check_dropout,
    check_generator,
    check_integer,
    check_net,
)
from refimpl.arrays.memory import keep_freed_memory
from refimpl.arrays.types import Array, Generator
from refimpl.core.dropout import Dropout
from refimpl.core.network import Network


class Estimate(NamedTuple):
    """A number, or an array of numbers, with its standard error (0 where exact).

    Examples
    --------
    >>> mean, standard_error = Estimate(1.5, 0.1)
    >>> mean
    1.5
    """

    mean: Any
    standard_error: Any


def expectation(
    fn: Callable[[Any], Array],
    drop: Dropout,
    net: Network,
    n: int,
    method: str = "exact",
    samples: int | None = None,
    rng: Generator | None = None,
) -> Estimate:
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
        memory does not grow with their number: it stays below `backend.BUDGET`, times
        the replicas that `fn` takes at once.

    Raises
    ------
    ValueError
        If the method is unknown, an argument of Monte Carlo is missing, or there are
        too many masks.

    Examples
    --------
    >>> import refimpl
    >>> net = refimpl.TwoLayer(1, 1, activation="identity")
    >>> risk = refimpl.Risk(net, X=[[2.0]], Y=[[0.0]])
    >>> theta = net.pack(W=[[1.0]], b=[0.0], A=[[3.0]])  # f(2) = 3·2
    >>> drop = refimpl.Dropout(keep=0.5)  # f is 0 or 2·6
    >>> float(expectation(lambda eta: risk(theta, eta), drop, net, n=1).mean)
    36.0
    >>> float(risk(theta) + refimpl.R1(risk, theta, keep=0.5))  # Lemma 1
    36.0
    """
    keep_freed_memory()
    check_callable("fn", fn), check_dropout(drop), check_net(net)
    n = check_integer("n", n, 1)
    elements = n * sum(net.hidden) + net.size
    if method == "exact":
        return _exact(fn, drop, net, n, elements)
    if method == "monte_carlo":
        return monte_carlo(fn, drop, net, n, samples, rng, elements)
    raise ValueError(f"method must be 'exact' or 'monte_carlo', got {method!r}")


def _exact(fn, drop, net, n, elements):
    """Weighted sum over all masks; `elements` is what `fn` needs for one."""
    mean = 0.0
    for start, stop in chunks(drop.check_count(net, n), elements):
        probabilities, eta = drop.enumerate(net, n, start, stop)
        values = _check_values(fn(eta), len(probabilities))
        mean = mean + weighted_sum(probabilities, values)
    return Estimate(mean, get_xp(mean).zeros_like(mean))


def monte_carlo(fn, drop, net, n, samples, rng, elements):
    """Mean over draws, and its standard error; `elements` is what `fn` needs for one.

    Equation: eq:expectation

    Examples
    --------
    >>> import numpy as np, refimpl
    >>> drop, net = refimpl.Dropout(keep=0.5), refimpl.TwoLayer(1, 4)
    >>> rng = np.random.default_rng(0)
    >>> mean, error = monte_carlo(lambda eta: eta**2, drop, net, 1, 100, rng, 4)
    >>> mean, error  # η is −1 or 1 at p = ½
    (array([[1., 1., 1., 1.]]), array([[0., 0., 0., 0.]]))
    """
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
    """Σ_k probabilities_k values_k over the leading axis.

    Examples
    --------
    >>> import numpy as np
    >>> float(weighted_sum([0.25, 0.75], np.array([4.0, 8.0])))
    7.0
    """
    xp = get_xp(values)
    return xp.tensordot(xp.asarray(probabilities), values, axes=1)
