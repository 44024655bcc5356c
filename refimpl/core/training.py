"""One short training loop for any objective, replicas side by side."""

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, NamedTuple

from refimpl.arrays.backend import generator_xp, get_xp, move, to_numpy
from refimpl.arrays.checks import (
    as_real,
    check_callable,
    check_generators,
    check_integer,
    check_kind,
    check_steps,
)
from refimpl.arrays.shapes import broadcast_lead
from refimpl.arrays.types import Array, ArrayLike, Generators
from refimpl.core.dropout import Dropout, check_dropout
from refimpl.core.objective import Differentiable, check_objective
from refimpl.core.optimizers import Optimizer

# Steps between two looks at the losses: a look makes a device wait, so it is not taken
# at every step.
LOOK_EVERY = 100


class History(NamedTuple):
    """What training leaves.

    Examples
    --------
    >>> import refimpl
    >>> from refimpl.data.example import risk, theta
    >>> history = refimpl.train(risk, theta, refimpl.GD(0.01), 10, snapshots=[0, 5])
    >>> history.steps, history.loss.shape, history.theta.shape
    ([0, 5], (10,), (3,))
    """

    theta: Any  # (..., P) after the last step
    loss: Any  # (steps, ...) objective at the start of each step, with its noise
    steps: Any  # [S] steps of the snapshots
    snapshots: Any  # [S] arrays (..., P): θ after that many steps


class Divergence(ArithmeticError):
    """Training met a non-finite loss.

    Attributes
    ----------
    history : History
        All that was recorded before; ``theta`` is the last snapshot.

    Examples
    --------
    >>> import numpy as np, refimpl
    >>> from refimpl.data.example import risk, theta
    >>> try:
    ...     with np.errstate(all="ignore"):
    ...         refimpl.train(risk, theta, refimpl.GD(10.0), steps=20)
    ... except Divergence as error:
    ...     print(str(error)[:43], error.history.loss[:1])
    loss is inf at step 4 with learning rate 10 [18.]
    """

    def __init__(self, message: str, history: History) -> None:
        super().__init__(message)
        self.history = history


def train(
    objective: Differentiable,
    theta: ArrayLike,
    optimizer: Optimizer,
    steps: int,
    dropout: Dropout | None = None,
    batch_size: int | None = None,
    rng: Generators | None = None,
    snapshots: Sequence[int] = (),
    progress: Callable[[int, Array], None] | None = None,
) -> History:
    """Minimise `objective` from `theta`.

    Parameters
    ----------
    objective : Objective
        Risk, R_S + R_1, ...
    theta : (P,) or (R, P)
        Start; not changed. R replicas are trained in one set of array operations.
    optimizer : GD or Adam
    steps : int
    dropout : Dropout, optional
        Fresh noise at every step.
    batch_size : int, optional
        Samples a step, drawn without replacement for each replica; all without it.
    rng : Generator, or sequence of R generators
        For dropout and batches. With one generator a replica, its training does not
        depend on the replicas beside it.
    snapshots : sequence of int
        Numbers of steps after which θ is kept; 0 is the start.
    progress : callable, optional
        ``progress(done, loss)`` every 100 steps and at the end; loss is (...).

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If an argument is out of range.
    Divergence
        At a non-finite loss; names step, learning rate and loss, and holds the
        history so far.

    Equation: eq:gd

    Examples
    --------
    >>> import refimpl
    >>> from refimpl.data.example import risk, theta
    >>> history = train(risk, theta, refimpl.GD(0.01), steps=200, snapshots=[1])
    >>> history.loss[0], float(history.loss[-1].round(8))  # ½ 6², and the end
    (np.float64(18.0), 0.0)
    >>> history.snapshots[0]  # θ − 0.01 · 6 · (6, 3, 2)
    array([ 0.64, -0.18,  2.88])
    """
    check_kind("optimizer", optimizer, Optimizer, "an optimizer, such as GD or Adam")
    theta = as_real("theta", check_objective(objective).check(theta)[0]).copy()
    lead, steps = theta.shape[:-1], check_integer("steps", steps, 1)
    if broadcast_lead("theta and data", lead, objective.lead) != lead:
        raise ValueError(
            f"theta must have the replica axes of data and keep, {objective.lead}, "
            f"got {lead}"
        )
    n = objective.n
    if batch_size is not None:
        n = check_integer("batch_size", batch_size, 1, n)
    if dropout is not None or batch_size is not None:
        check_generators(rng, lead)
    if progress is not None:
        check_callable("progress", progress)
    wanted = check_steps("snapshots", snapshots, steps)

    xp, objective = get_xp(theta), objective.like(theta)
    update, rate = optimizer.start(theta), optimizer.learning_rate
    noise = _noise(objective, dropout, n, rng, theta)
    losses, kept, looked = xp.empty((steps, *lead), dtype=theta.dtype), {}, 0
    for step in range(steps):
        if step in wanted or step % LOOK_EVERY == 0:
            _look(losses[:step], looked, kept, rate, progress)
            looked = step
        if step in wanted:
            kept[step] = theta.copy()
        part = objective
        if batch_size is not None:
            part = objective.batch(draw_batch(rng, objective.n, n, lead))
        losses[step], gradient = part.value_and_gradient(theta, next(noise))
        update(gradient)
    _look(losses, looked, kept, rate, progress)
    if steps in wanted:
        kept[steps] = theta.copy()
    history = History(theta, losses, list(kept), list(kept.values()))
    if not xp.isfinite(theta).all():  # the last step has no loss after it
        raise Divergence(
            f"theta is not finite after the last step, {steps}, with learning rate "
            f"{rate} and loss {losses[-1]} before it",
            history._replace(theta=None),
        )
    return history


def draw_batch(rng, n, size, lead):
    """Indices of the samples of one step: (size,), or (*lead, size)."""
    if isinstance(rng, (list, tuple)):
        rows = [draw_batch(one, n, size, lead[1:]) for one in rng]
        return get_xp(*rows).stack(rows)
    return rng.random((*lead, n)).argsort(axis=-1)[..., :size]


def _noise(objective, dropout, n, rng, theta):
    """Factors q of every step, in the array module of θ."""
    net, lead, xp = objective.net, theta.shape[:-1], get_xp(theta)
    if dropout is None:
        return repeat(net.no_noise)
    early = check_dropout(dropout, "dropout").layers == "all"
    objective.check_layers([early] * (len(net.hidden) - 1) + [True])
    stream = dropout.stream(net, n, rng, lead, theta.dtype)
    if generator_xp(rng) is xp:
        return stream
    return (  # drawn elsewhere, as when a device is compared with the host
        tuple(one if isinstance(one, float) else move(one, xp) for one in q)
        for q in stream
    )


def _look(losses, looked, kept, rate, progress):
    """Raise `Divergence` if a loss since the last look is not finite; tell progress."""
    steps = len(losses)
    if steps == looked:
        return
    recent = to_numpy(losses[looked:]).reshape(steps - looked, -1)
    bad = ~get_xp(recent).isfinite(recent)
    if bad.any():
        step, replica = (int(index) for index in get_xp(recent).argwhere(bad)[0])
        if not isinstance(rate, float):
            rate = float(to_numpy(rate).reshape(-1)[replica])
        before = f", loss one step before {recent[step - 1, replica]:.6g}"
        last = list(kept.values())[-1] if kept else None
        raise Divergence(
            f"loss is {recent[step, replica]} at step {looked + step} with learning "
            f"rate {rate:g} (replica {replica}{before if step else ''})",
            History(last, losses[: looked + step], list(kept), list(kept.values())),
        )
    if progress is not None:
        progress(steps, losses[-1])
