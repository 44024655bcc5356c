"""E_η[·]: exactly, over all masks, or by Monte Carlo with its standard error."""

from collections.abc import Callable
from typing import Any, NamedTuple

from refimpl.arrays import checks, generators, returned
from refimpl.arrays.backend import chunks, get_xp, pass_elements, weighted_sum
from refimpl.arrays.types import Array, Generator
from refimpl.core.dropout import Dropout, check_dropout
from refimpl.core.network import Network, check_net


class Estimate(NamedTuple):
    """A number, or an array of numbers, with its standard error (0 where exact).

    Examples
    --------
    >>> mean, standard_error = Estimate(1.5, 0.1)
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
    """Mean of `fn` over the dropout noise, with its standard error, each (...).

    Masks are taken in chunks: memory stays below `backend.BUDGET` times the replicas.

    Equation: eq:expectation

    Parameters
    ----------
    fn : callable
        ``fn(eta)`` with one leading axis K in eta returns an array (K, ...). For θ
        (R, P) insert an axis, of a tuple in each entry: ``risk(theta, eta[:, None])``.
    drop : Dropout
    net : TwoLayer or Deep
    n : int
        Number of samples of the data set.
    method : {"exact", "monte_carlo"}
        Exact: all masks, at most 2^20.
    samples, rng : int, Generator or seed
        For Monte Carlo: number of draws, at least 2.

    Examples
    --------
    >>> import refimpl
    >>> from refimpl.data.example import net, risk, theta
    >>> drop = refimpl.Dropout(keep=0.5)  # f is 0 or 2·6
    >>> float(expectation(lambda eta: risk(theta, eta), drop, net, n=1).mean)
    36.0
    >>> float(risk(theta) + refimpl.R1(risk, theta, keep=0.5))  # Lemma 1
    36.0
    """
    checks.check_callable("fn", fn)
    check_dropout(drop), check_net(net)
    n = checks.check_integer("n", n, 1)
    elements = pass_elements(net, n)
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
        values = returned.check_values(fn(eta), len(probabilities))
        mean = mean + weighted_sum(probabilities, values)
    return Estimate(mean, get_xp(mean).zeros_like(mean))


def monte_carlo(fn, drop, net, n, samples, rng, elements):
    """Mean over draws, and its standard error; `elements` is what `fn` needs for one.

    Equation: eq:expectation
    """
    K = checks.check_integer("samples", samples, 2)
    rng = generators.as_generator(rng)
    origin, total, squares = None, 0.0, 0.0
    for start, stop in chunks(K, elements):
        eta = drop.draw(net, n, rng, stop - start)
        values = returned.check_values(fn(eta), stop - start)
        origin = values.mean(axis=0) if origin is None else origin  # nothing cancels
        total = total + (values - origin).sum(axis=0)
        squares = squares + ((values - origin) ** 2).sum(axis=0)
    variance = (squares - total**2 / K) / (K - 1)
    return Estimate(origin + total / K, get_xp(origin).sqrt(abs(variance) / K))
