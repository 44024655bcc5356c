"""The loss along lines: filter-normalised directions (Li et al. 2018)."""

from refimpl.arrays.backend import get_xp, move, to_numpy
from refimpl.arrays.checks import as_real, check_finite
from refimpl.arrays.shapes import broadcast_lead
from refimpl.arrays.types import Array, ArrayLike
from refimpl.core.network import Network, check_net
from refimpl.core.objective import Differentiable, check_objective


def normalize_filters(
    net: Network, direction: ArrayLike, theta: ArrayLike, filters: str = "layer"
) -> Array:
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

    Examples
    --------
    >>> import refimpl
    >>> net = refimpl.TwoLayer(1, 1)
    >>> theta = net.pack(W=[[2.0]], b=[0.0], A=[[-3.0]])
    >>> normalize_filters(net, net.pack([[1.0]], [1.0], [[1.0]]), theta)
    array([2., 0., 3.])
    """
    if filters not in ("layer", "row"):
        raise ValueError(f"filters must be 'layer' or 'row', got {filters!r}")
    theta = check_net(net).check_theta(theta)
    xp, parts = get_xp(theta), []
    direction = move(net.check_theta(direction, "direction"), xp)
    broadcast_lead("theta and direction", theta.shape[:-1], direction.shape[:-1])
    for d, t, shape in zip(net.split(direction), net.split(theta), net.shapes):
        by_row = filters == "row" and len(shape) == 2
        axes = -1 if by_row else tuple(range(-len(shape), 0))
        norm_d = xp.sqrt((d * d).sum(axis=axes, keepdims=True))
        norm_t = xp.sqrt((t * t).sum(axis=axes, keepdims=True))
        parts.append(d * (norm_t / xp.where(norm_d > 0, norm_d, 1)))
    return net.join(parts)


def loss_along(
    objective: Differentiable, theta: ArrayLike, direction: ArrayLike, steps: ArrayLike
) -> Array:
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
        If a shape does not fit, or an argument is not finite.

    Examples
    --------
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> loss_along(risk, theta, -theta, steps=[0.0, 0.5, 1.0])  # ½ (6 (1−α)²)²
    array([18.   ,  1.125,  0.   ])
    """
    check_objective(objective)
    theta = objective.net.check_theta(theta)
    direction = objective.net.check_theta(direction, "direction")
    direction = move(direction, get_xp(theta))
    broadcast_lead("theta and direction", theta.shape[:-1], direction.shape[:-1])
    steps = to_numpy(as_real("steps", steps))
    if steps.ndim != 1 or len(steps) == 0:
        raise ValueError(
            f"steps must have shape (S,), S at least 1, got shape {steps.shape}"
        )
    check_finite("steps", steps)
    values = [objective(theta + float(alpha) * direction) for alpha in steps]
    return get_xp(theta).stack(values)
