"""The loss along lines: filter-normalised directions (Li et al. 2018)."""

from refimpl.backend import get_xp

FILTERS = ("layer", "row")


def normalize_filters(net, direction, theta, filters="layer"):
    """`direction` rescaled, filter by filter, to the norms of `theta`.

    Without it, the sharpness along a random direction could be changed at will by
    rescaling layers of a ReLU network that compute the same function.

    Equation: eq:filter-normalisation

    Parameters
    ----------
    net : TwoLayer or Deep
    direction : (..., P)
        Gaussian.
    theta : (..., P)
    filters : {"layer", "row"}
        The paper takes a whole parameter array of a layer as one filter; Li et al. a
        neuron's weights, one row.

    Returns
    -------
    direction : (..., P)

    Raises
    ------
    ValueError
        If `filters` is unknown or a shape does not fit.
    """
    if filters not in FILTERS:
        raise ValueError(f"filters must be 'layer' or 'row', got {filters!r}")
    theta = net.check_theta(theta)
    direction = net.check_theta(direction, "direction")
    xp, parts = get_xp(theta), []
    for d, t, shape in zip(net.split(direction), net.split(theta), net.shapes):
        by_row = filters == "row" and len(shape) == 2
        axes = -1 if by_row else tuple(range(-len(shape), 0))
        norm_d = xp.sqrt((d * d).sum(axis=axes, keepdims=True))
        norm_t = xp.sqrt((t * t).sum(axis=axes, keepdims=True))
        parts.append(d * (norm_t / xp.where(norm_d > 0, norm_d, 1)))
    return net.join(parts)


def loss_along(objective, theta, direction, steps):
    """L(α) = objective(θ + α d).

    Equation: eq:loss-along

    Parameters
    ----------
    objective : Objective
    theta, direction : (..., P)
    steps : sequence of float (S,)
        α.

    Returns
    -------
    values : (S, ...)

    Raises
    ------
    ValueError
        If a shape does not fit, or a value is not finite.
    """
    theta = objective.net.check_theta(theta)
    direction = objective.net.check_theta(direction, "direction")
    xp = get_xp(theta)
    return xp.stack([objective(theta + float(alpha) * direction) for alpha in steps])
