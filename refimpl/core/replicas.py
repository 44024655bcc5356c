"""Replicas of a network, trained side by side.

Arrays of all replicas spare Python's overhead; arrays that fit the cache of a core are
the fastest. So the replicas are taken in groups, as large as the cache allows.
"""

from math import prod

import numpy as np

from refimpl.arrays.backend import empty, generator_xp, get_xp, move

# Activations (replicas × samples × neurons) of a group. The few arrays of this size
# that a step holds, and what is small beside them, fit a cache of 2 MiB in float32.
ACTIVATIONS = 2**16


class Replicas:
    """Loss and gradient of one step after the other, with their noise and batches.

    Parameters
    ----------
    objective : Objective
    theta : (..., P)
        Changed by the caller between the steps.
    dropout : Dropout or None
    batch_size : int or None
    rng : Generator, or sequence of one for each of the first axis of θ, or None
        One generator for several replicas draws for all of them at once, and there
        is one group.
    """

    def __init__(self, objective, theta, dropout, batch_size, rng):
        self.theta = theta
        lead = theta.shape[:-1]
        size = _group_size(objective, theta, batch_size, rng)
        if size is None:
            self.groups = [_Group(objective, theta, dropout, batch_size, rng, ...)]
            return
        self.groups = []
        for start in range(0, lead[0], size):
            rows = slice(start, start + size)
            self.groups.append(
                _Group(
                    objective.replicas(rows, lead),
                    theta[rows],
                    None if dropout is None else dropout.replicas(rows, lead),
                    batch_size,
                    None if rng is None else rng[rows],
                    rows,
                )
            )

    def value_and_gradient(self):
        """Loss (...) and its gradient (..., P) at θ, with new noise and batches."""
        if len(self.groups) == 1:
            return self.groups[0].value_and_gradient()
        gradient = empty(self.theta.shape, self.theta)
        value = np.empty(gradient.shape[:-1], gradient.dtype)
        for group in self.groups:
            rows = group.rows
            value[rows], gradient[rows] = group.value_and_gradient()
        return value, gradient


class _Group:
    """Replicas whose arrays are computed together."""

    def __init__(self, objective, theta, dropout, batch_size, rng, rows):
        self.objective, self.theta, self.rows = objective, theta, rows
        self.batch_size, self.rng = batch_size, rng
        lead, n = theta.shape[:-1], batch_size or objective.n
        self.noise, self.q = None, objective.net.no_noise
        if dropout is not None:
            self.noise = dropout.stream(objective.net, n, rng, lead, theta.dtype)
            self.xp = get_xp(theta)
            self.elsewhere = generator_xp(rng) is not self.xp

    def value_and_gradient(self):
        part, q = self.objective, self.q
        if self.batch_size is not None:
            lead = self.theta.shape[:-1]
            part = part.batch(draw_batch(self.rng, part.n, self.batch_size, lead))
        if self.noise is not None:
            q = next(self.noise)
            if self.elsewhere:  # as when a device is compared with the host
                q = tuple(None if one is None else move(one, self.xp) for one in q)
        return part.value_and_gradient(self.theta, q)


def _group_size(objective, theta, batch_size, rng):
    """Replicas in a group; ``None`` where there is one group only."""
    one_for_all = rng is not None and not isinstance(rng, (list, tuple))
    if theta.ndim == 1 or one_for_all or get_xp(theta) is not np:
        return None
    if not hasattr(objective, "replicas"):
        return None
    samples = batch_size or objective.n
    each = prod(theta.shape[1:-1]) * samples * max(objective.net.hidden)
    size = max(1, ACTIVATIONS // max(1, each))
    return size if size < len(theta) else None


def draw_batch(rng, n, size, lead):
    """Indices of the samples of one step: (size,), or (*lead, size)."""
    if isinstance(rng, (list, tuple)):
        rows = [draw_batch(one, n, size, lead[1:]) for one in rng]
        return get_xp(*rows).stack(rows)
    order = rng.random((*lead, n)).argsort(axis=-1)
    return order[..., :size]


def take(values, rows, lead, axes=0):
    """The entries `rows` of the first replica axis.

    Parameters
    ----------
    values : float, or array whose axes before the last `axes` broadcast to `lead`
    rows : slice
    lead : tuple of int
        All replica axes.
    axes : int
    """
    own = getattr(values, "shape", ())
    own = own[: len(own) - axes]
    return values[rows] if len(own) == len(lead) and own[0] > 1 else values
