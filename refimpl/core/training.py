"""One short training loop for any objective, replicas side by side."""

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, NamedTuple

from refimpl.arrays.backend import get_xp, to_numpy
from refimpl.arrays.checks import (
    as_real,
    broadcast_lead,
    check_callable,
    check_dropout,
    check_generator,
    check_has,
    check_integer,
    check_objective,
)
from refimpl.arrays.memory import keep_freed_memory
from refimpl.arrays.types import Array, ArrayLike, Generators
from refimpl.core.dropout import Dropout
from refimpl.core.objective import Differentiable
from refimpl.core.optimizers import Optimizer
from refimpl.core.replicas import Replicas

# Steps between two looks at the losses: a look makes a device wait, so it is not taken
# at every step.
LOOK_EVERY = 100


class History(NamedTuple):
    """What training leaves.

    Examples
    --------
    >>> import refimpl
    >>> net = refimpl.TwoLayer(1, 1)
    >>> risk = refimpl.Risk(net, [[1.0]], [[1.0]])
    >>> theta = net.pack([[1.0]], [0.0], [[1.0]])
    >>> history = refimpl.train(risk, theta, refimpl.GD(0.1), 10, snapshots=[0, 5])
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
    >>> net = refimpl.TwoLayer(1, 1, activation="identity")
    >>> risk = refimpl.Risk(net, X=[[2.0]], Y=[[0.0]])
    >>> theta = net.pack(W=[[1.0]], b=[0.0], A=[[3.0]])  # f(2) = 3·2
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
    >>> net = refimpl.TwoLayer(1, 1, activation="identity")
    >>> risk = refimpl.Risk(net, X=[[2.0]], Y=[[0.0]])
    >>> theta = net.pack(W=[[1.0]], b=[0.0], A=[[3.0]])  # f(2) = 3·2
    >>> history = train(risk, theta, refimpl.GD(0.01), steps=200, snapshots=[1])
    >>> history.loss[0], float(history.loss[-1].round(8))  # ½ 6², and the end
    (np.float64(18.0), 0.0)
    >>> history.snapshots[0]  # θ − 0.01 · 6 · (6, 3, 2)
    array([ 0.64, -0.18,  2.88])
    """
    keep_freed_memory()
    theta, _ = check_objective(objective).check(theta)
    theta = as_real("theta", theta).copy()
    xp = get_xp(theta)
    lead = theta.shape[:-1]
    if broadcast_lead("theta and data", lead, objective.lead) != lead:
        raise ValueError(
            f"theta must have the replica axes of data and keep, {objective.lead}, "
            f"got {lead}"
        )
    check_has("optimizer", optimizer, "start", "an optimizer, such as GD or Adam")
    if progress is not None:
        check_callable("progress", progress)
    steps = check_integer("steps", steps, 1)
    wanted = set(_check_snapshots(snapshots, steps))
    if dropout is not None:
        check_dropout(dropout, "dropout")
    if dropout is not None or batch_size is not None:
        _check_rng(rng, lead)
    if batch_size is not None:
        batch_size = check_integer("batch_size", batch_size, 1, objective.n)
    objective = objective.moved_to(xp)
    losses = xp.empty((steps, *lead), dtype=theta.dtype)
    kept = {0: theta.copy()} if 0 in wanted else {}
    update = optimizer.start(theta)
    replicas, looked = Replicas(objective, theta, dropout, batch_size, rng), 0
    for step in range(steps):
        losses[step], gradient = replicas.value_and_gradient()
        update(gradient)
        done = step + 1
        if done in wanted or done % LOOK_EVERY == 0 or done == steps:
            _look(losses, looked, done, kept, optimizer)
            looked = done
            if progress is not None:
                progress(done, losses[step])
        if done in wanted:
            kept[done] = theta.copy()
    if not xp.isfinite(theta).all():  # the last step has no loss after it
        last = list(kept.values())[-1] if kept else None
        raise Divergence(
            f"theta is not finite after the last step, {steps}, with learning rate "
            f"{optimizer.learning_rate} and loss {losses[-1]} before it",
            History(last, losses, list(kept), list(kept.values())),
        )
    return History(theta, losses, list(kept), list(kept.values()))


def _look(losses, start, stop, kept, optimizer):
    """Raise `Divergence` if a loss of the steps `start` to `stop` is not finite."""
    recent = to_numpy(losses[start:stop]).reshape(stop - start, -1)
    bad = ~get_xp(recent).isfinite(recent)
    if not bad.any():
        return
    step, replica = (int(index) for index in get_xp(recent).argwhere(bad)[0])
    rate = optimizer.learning_rate
    if not isinstance(rate, float):
        rate = float(to_numpy(rate).reshape(-1)[replica])
    before = [float(recent[step - 1, replica])] if step else []
    last = list(kept.values())[-1] if kept else None
    raise Divergence(
        f"loss is {recent[step, replica]} at step {start + step} with learning rate "
        f"{rate:g} (replica {replica}"
        + "".join(f", loss one step before {value:.6g}" for value in before)
        + ")",
        History(last, losses[: start + step], list(kept), list(kept.values())),
    )


def _check_rng(rng, lead):
    """Raise ``ValueError`` unless `rng` is one generator, or one for each replica."""
    if rng is None:
        raise ValueError("rng must be given for dropout or batches, got None")
    check_generator(rng)
    if isinstance(rng, (list, tuple)) and (len(rng),) != lead[:1]:
        raise ValueError(
            "rng must be one generator, or one for each entry of theta's first "
            f"replica axis, {lead[:1]}, got {len(rng)}"
        )


def _check_snapshots(snapshots, steps):
    try:
        wanted = list(snapshots)
    except TypeError:
        raise ValueError(
            f"snapshots must be a sequence of steps, got {snapshots!r}"
        ) from None
    for step in wanted:
        whole = isinstance(step, Real) and not isinstance(step, bool)
        if not whole or step not in range(steps + 1):
            raise ValueError(f"snapshots must lie in 0 to {steps}, got {step!r}")
    return [int(step) for step in wanted]
