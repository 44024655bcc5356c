"""One short training loop for any objective, replicas side by side."""

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, NamedTuple

from refimpl.arrays import checks, generators, masks, returned
from refimpl.arrays.backend import get_xp
from refimpl.arrays.shapes import check_start
from refimpl.arrays.types import Array, ArrayLike, Generators, Optimizer
from refimpl.core.dropout import Dropout, check_dropout
from refimpl.core.objective import Differentiable, check_objective

LOOK_EVERY = 100  # steps between two looks at the losses: at each a device waits


class History(NamedTuple):
    """What training leaves: the last theta (..., P); the loss (steps, ...) before each
    step, with its noise; the steps [S] of the snapshots, and the snapshots of theta.

    Examples
    --------
    >>> import refimpl
    >>> from refimpl.data.example import risk, theta
    >>> refimpl.train(risk, theta, refimpl.GD(0.01), 10, snapshots=[0, 5]).steps
    [0, 5]
    """

    theta: Any
    loss: Any
    steps: Any
    snapshots: Any


class Divergence(ArithmeticError):
    """A non-finite loss; ``history`` has what was before, as theta the last snapshot.

    Examples
    --------
    >>> import numpy as np, refimpl
    >>> from refimpl.data.example import risk, theta
    >>> with np.errstate(all="ignore"):
    ...     refimpl.train(risk, theta, refimpl.GD(10.0), steps=20)
    Traceback (most recent call last):
    refimpl.core.training.Divergence: loss is inf at step 4 with learning rate 10 ...
    """

    def __init__(self, message: str, history: History | None = None) -> None:
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
    objective : Risk, L1, ...
    theta : (P,) or (R, P)
        Start; not changed. R replicas are trained in one set of array operations.
    optimizer : GD or Adam
    steps : int
    dropout : Dropout, optional
        Fresh noise at every step.
    batch_size : int, optional
        Samples a step, drawn without replacement for each replica; all without it.
    rng : Generator or seed, or sequence of R of them
        For dropout and batches. With one generator a replica, its training does not
        depend on the replicas beside it.
    snapshots : sequence of int
        Numbers of steps after which θ is kept; 0 is the start.
    progress : callable, optional
        ``progress(done, loss)`` every 100 steps, at snapshots and the end; loss (...).

    At a non-finite loss `Divergence` names step, learning rate and loss.

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
    allowed = "an optimizer, such as GD or Adam"
    checks.check_kind("optimizer", optimizer, Optimizer, allowed)
    theta = checks.as_real("theta", check_objective(objective).check(theta)[0]).copy()
    check_start(theta, objective.lead)
    steps = checks.check_integer("steps", steps, 1)
    wanted = checks.check_steps(snapshots, steps)
    lead, n = theta.shape[:-1], objective.n
    if batch_size is not None:
        n = checks.check_integer("batch_size", batch_size, 1, n)
    if dropout is not None or batch_size is not None:
        rng = generators.check_generators(rng, lead, get_xp(theta))
    if progress is not None:
        checks.check_callable("progress", progress)

    xp, objective = get_xp(theta), objective.like(theta)
    update, rate = optimizer.start(theta), optimizer.learning_rate
    noise = _noise(objective, dropout, n, rng, theta)
    losses, kept, looked = xp.empty((steps, *lead), dtype=theta.dtype), {}, 0
    for step in range(steps + 1):
        if step in wanted or step % LOOK_EVERY == 0 or step == steps:
            at_end = theta if step == steps else None
            bad = returned.not_finite(losses[:step], looked, rate, at_end)
            if bad:
                last = list(kept.values())[-1] if kept else None
                history = last, losses[: bad[1]], list(kept), list(kept.values())
                raise Divergence(bad[0], History(*history))
            if progress is not None and step > looked:
                progress(step, losses[step - 1])
            looked = step
        if step in wanted:
            kept[step] = theta.copy()
        if step < steps:
            part = objective
            if batch_size is not None:
                part = objective.batch(masks.draw_batch(rng, objective.n, n, lead))
            losses[step], gradient = part.value_and_gradient(theta, next(noise))
            returned.check_in_place(update(gradient))
    return History(theta, losses, list(kept), list(kept.values()))


def _noise(objective, dropout, n, rng, theta):
    """Factors q of every step, in the array module of θ."""
    net, lead, xp = objective.net, theta.shape[:-1], get_xp(theta)
    if dropout is None:
        return repeat(net.no_noise)
    early = check_dropout(dropout, "dropout").layers == "all"
    objective.check_layers([early] * (len(net.hidden) - 1) + [True])
    return masks.in_module(dropout.stream(net, n, rng, lead, theta.dtype), xp)
