"""θ with the replica axes of all that it meets: data, keep and rates."""

from refimpl.arrays.backend import get_xp
from refimpl.arrays.shapes import broadcast_lead


def with_replicas(risk, theta, *values):
    """θ (..., P), checked, with the axes that it lacks of the data and of `values`.

    Values of keep or of a rate: numbers, or arrays of one per replica. Axes that do not
    broadcast raise ``ValueError``.

    Examples
    --------
    >>> import numpy as np
    >>> from refimpl.data.example import risk, theta
    >>> with_replicas(risk, theta, np.array([0.3, 0.6])).shape
    (2, 3)
    """
    theta, _ = risk.check(theta)
    own = [getattr(one, "shape", ()) for one in values]
    names = "theta, data, keep and rates"
    lead = broadcast_lead(names, theta.shape[:-1], risk.lead, *own)
    return get_xp(theta).broadcast_to(theta, lead + theta.shape[-1:])
