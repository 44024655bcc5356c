"""Condensation: do the input weights lie on a few orientations?

How many directions cover the weights (..., m, d+1), or those that carry the amplitude.
"""

import math
from numbers import Real

from refimpl.analysis.orientations import angle, check_weights, cosine_similarity
from refimpl.arrays.backend import get_xp
from refimpl.arrays.checks import as_real, check_flag, check_nonnegative
from refimpl.arrays.types import Array, ArrayLike


def effective_ratio(
    weights: ArrayLike, threshold: float = 0.95, symmetric: bool = False
) -> Array:
    """Least share of directions that represent all input weights.

    The least number of directions such that every weight has cosine similarity above
    `threshold` with one of them, divided by the number of weights. It is a minimal set
    cover: exact for two-dimensional weights, by a sweep of the circle; an upper bound
    otherwise, greedy, with the weights' own orientations as candidates. A zero weight
    has no orientation and needs no direction.

    Equation: eq:effective-ratio

    Parameters
    ----------
    weights : (..., m, d+1)
    threshold : float
        In [0, 1).
    symmetric : bool
        Count a direction and its opposite as one. For odd activations (w, b, a) and
        (−w, −b, −a) are the same neuron; the paper's measure is signed.

    Returns
    -------
    ratio : (...)

    Examples
    --------
    >>> weights = [[1.0, 0.0], [2.0, 0.1], [0.0, 1.0], [-1.0, 0.0]]
    >>> float(effective_ratio(weights))  # three directions for four weights
    0.75
    >>> float(effective_ratio(weights, symmetric=True))
    0.5
    """
    weights = check_weights(weights)
    check_threshold(threshold), check_flag("symmetric", symmetric)
    m = weights.shape[-2]
    counts = _each(weights, lambda w, _: _cover(w, threshold, symmetric))
    return counts / m


def orientation_count(
    weights: ArrayLike,
    amplitudes: ArrayLike,
    mass: float = 0.9,
    threshold: float = 0.95,
    symmetric: bool = False,
) -> Array:
    """Number of orientations that carry the share `mass` of the amplitude.

    Directions are picked greedily: each time the one within `threshold` of which lies
    the most amplitude not covered yet, until `mass` of the total is covered. Candidates
    are the arcs that begin at a weight (two dimensions) or the weights' own
    orientations.

    Equation: eq:orientation-count

    Parameters
    ----------
    weights : (..., m, d+1)
    amplitudes : (..., m)
        Zero leaves a neuron out; so does a zero weight.
    mass : float
        In (0, 1].
    threshold, symmetric
        As in `effective_ratio`.

    Returns
    -------
    count : (...), int

    Examples
    --------
    >>> weights = [[1.0, 0.0], [2.0, 0.1], [0.0, 1.0]]
    >>> int(orientation_count(weights, amplitudes=[5.0, 4.5, 0.5]))  # 95% on one
    1
    """
    weights = check_weights(weights)
    check_threshold(threshold), check_flag("symmetric", symmetric)
    amplitudes = as_real("amplitudes", amplitudes)
    if amplitudes.shape != weights.shape[:-1]:
        raise ValueError(
            f"amplitudes must have shape {weights.shape[:-1]}, one per weight, got "
            f"shape {amplitudes.shape}"
        )
    check_nonnegative("amplitudes", amplitudes)
    if not isinstance(mass, Real) or isinstance(mass, bool) or not 0 < mass <= 1:
        raise ValueError(f"mass must lie in (0, 1], got {mass!r}")

    def count(w, a):
        turned = _not_zero(w)
        if not turned.any():
            return 0
        greedy = _greedy_arcs if w.shape[1] == 2 else _greedy
        return greedy(w[turned], a[turned], mass, threshold, symmetric)

    return _each(weights, count, amplitudes).astype(int)


def _cover(weights, threshold, symmetric):
    """Number of directions of one set of weights (m, d+1), exact in the plane."""
    weights = weights[_not_zero(weights)]
    if len(weights) == 0:
        return 0
    if weights.shape[1] == 2:
        return _arcs(weights, threshold, symmetric)
    ones = get_xp(weights).ones(len(weights))
    return _greedy(weights, ones, 1, threshold, symmetric)


def _not_zero(weights):
    """Which weights (m, d+1) have an orientation: (m,), bool."""
    return (weights != 0).any(axis=-1)


def _arcs(weights, threshold, symmetric):
    """Least number of open arcs that cover the weights' angles.

    An optimal cover can be turned until one of its arcs begins at a point; from there
    each next arc begins at the first point not covered. All starts are tried at once.
    """
    following, _ = _following(weights, threshold, symmetric)
    xp, m = get_xp(following), len(following)
    position, counts = following.copy(), xp.ones(m, dtype=int)
    ends = xp.arange(m) + m
    while (position < ends).any():
        unfinished = position < ends
        jump = following[position % m] + (position // m) * m
        position = xp.where(unfinished, jump, position)
        counts = counts + unfinished
    return int(counts.min())


def _following(weights, threshold, symmetric):
    """Place of the first point not covered by the arc that begins at each, and order.

    Points are the weights' angles in the order returned, and once more a period on.
    """
    xp, period = get_xp(weights), math.pi if symmetric else 2 * math.pi
    points = angle(weights) % period
    order = xp.argsort(points)
    points, places = points[order], xp.arange(len(order))
    circle = xp.concatenate([points, points + period])
    following = xp.searchsorted(circle, points + 2 * math.acos(threshold))
    return xp.minimum(following, places + len(order)), order


def _greedy_arcs(weights, amplitudes, mass, threshold, symmetric):
    """As `_greedy`, in the plane: what an arc covers is a difference of partial sums,
    which spares the matrix of who covers whom."""
    following, order = _following(weights, threshold, symmetric)
    xp, m, left = get_xp(weights), len(order), amplitudes[order].astype(float)
    places, sums = xp.arange(m), xp.zeros(2 * m + 1)

    def best():
        sums[1:] = xp.cumsum(xp.concatenate([left, left]))
        begin = int((sums[following] - sums[:m]).argmax())
        return (places - begin) % m < following[begin] - begin

    return _picks(best, left, mass)


def _greedy(weights, amplitudes, mass, threshold, symmetric):
    """Number of candidates, the weights' own orientations, best first, until `mass` of
    the amplitude is covered."""
    xp, left = get_xp(weights), amplitudes.astype(float)
    cosines = cosine_similarity(weights)
    covers = (xp.abs(cosines) if symmetric else cosines) > threshold
    # Rounding must not leave a weight outside its own orientation.
    covers = covers | xp.eye(len(weights), dtype=bool)
    return _picks(lambda: covers[int((covers @ left).argmax())], left, mass)


def _picks(best, left, mass):
    """How often what `best` covers is taken from `left`, until `mass` is covered."""
    total = float(left.sum())
    if total == 0:
        return 0
    # Rounding of the sums must not ask for one candidate more.
    target, count = (1 - mass) * total + 1e-12 * total, 0
    while float(left.sum()) > target:
        left[best()] = 0
        count += 1
    return count


def _each(weights, fn, amplitudes=None):
    """`fn` of every set of weights; results over the leading axes, on the host."""
    lead = weights.shape[:-2]
    rows = weights.reshape((-1,) + weights.shape[-2:])
    sizes = [None] * len(rows)
    if amplitudes is not None:
        sizes = amplitudes.reshape(-1, amplitudes.shape[-1])
    xp = get_xp(weights)
    values = [float(fn(row, size)) for row, size in zip(rows, sizes)]
    return xp.asarray(values).reshape(lead)[()]


def check_threshold(threshold):
    """Raise ``ValueError`` unless the cosine `threshold` lies in [0, 1)."""
    if not isinstance(threshold, Real) or not 0 <= threshold < 1:
        raise ValueError(f"threshold must lie in [0, 1), got {threshold!r}")
