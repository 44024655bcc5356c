"""The empirical risk R_S and its dropout version R_S^drop."""

from copy import copy
from typing import Any

from refimpl.arrays.backend import get_xp, like, move
from refimpl.arrays.checks import broadcast_lead, check_inputs, check_net
from refimpl.arrays.types import Array, ArrayLike
from refimpl.core.loss import get_loss
from refimpl.core.network import Network, Upstream
from refimpl.core.objective import Objective
from refimpl.core.replicas import take


class Risk(Objective):
    """R_S(θ) and R_S^drop(θ, η) of a network on a data set.

    ``risk(theta)`` is R_S, ``risk(theta, eta)`` is R_S^drop; `gradient` and `hvp`
    take the same arguments.

    Equation: eq:risk

    Parameters
    ----------
    net : TwoLayer or Deep
    X : (..., n, d)
        Inputs; leading axes, if any, are replicas with data of their own.
    Y : (..., n, o), or integer labels (n,) for cross-entropy
    loss : {"mse", "cross_entropy"}

    Raises
    ------
    ValueError
        If the loss is unknown, a shape does not fit the network, or a value is not
        finite.

    Examples
    --------
    >>> import numpy as np
    >>> from refimpl.core.two_layer import TwoLayer
    >>> net = TwoLayer(1, 3)
    >>> risk = Risk(net, X=[[0.0], [1.0]], Y=[[0.0], [2.0]])
    >>> float(risk(np.zeros(net.size)))  # (0² + 2²) / (2·2)
    1.0
    """

    def __init__(
        self, net: Network, X: ArrayLike, Y: ArrayLike, loss: str = "mse"
    ) -> None:
        self.net = check_net(net)
        self.loss = get_loss(loss)
        self.X = check_inputs(net, X)
        self.Y = self.loss.check_targets(Y, self.n, net.outputs)
        self.lead  # raises where the leading axes of X and Y do not fit
        self._prepared: dict = {}
        self._moved: dict = {}  # the same, by array module

    @property
    def n(self) -> int:
        """Number of samples."""
        return self.X.shape[-2]

    @property
    def lead(self) -> tuple[int, ...]:
        """Replica axes of the data."""
        return broadcast_lead("X and Y", self.X.shape[:-2], self.Y.shape[:-2])

    def forward(self, theta, q):
        """Forward pass, R_S or R_S^drop (...), and its `Upstream` derivatives."""
        X, Y = self.prepared(theta)
        run = self.net.run(theta, X, q)
        value, dF = self.loss.value_and_gradient(run.output, Y)
        return run, value, Upstream(output=dF)

    def upstream_push(self, run, push):
        """Directional derivative of the loss gradient: its Hessian times Ḟ."""
        _, Y = self.prepared(run.output)
        return Upstream(output=self.loss.hvp(run.output, Y, push.output))

    def prepared(self, theta):
        """X, as `net.run` takes it, and Y, in the module and real dtype of `theta`."""
        key = (get_xp(theta), theta.real.dtype)
        if key not in self._prepared:
            X = self.net.prepare(like(self.X, theta))
            self._prepared[key] = X, like(self.Y, theta)
        return self._prepared[key]

    def replicas(self, rows: slice, lead: tuple[int, ...]) -> "Risk":
        """The risk of the entries `rows` of the first of the replica axes `lead`."""
        return self._of(*(take(data, rows, lead, 2) for data in (self.X, self.Y)))

    def batch(self, indices: Array) -> "Risk":
        """The risk of the samples `indices`: (B,), or (R, B) for one batch a replica.

        Raises
        ------
        ValueError
            If the data have replica axes already, or (on the host) `indices` are not
            integers in −n to n − 1.
        """
        if self.X.ndim != 2 or self.Y.ndim != 2:
            raise ValueError(
                f"X must have shape (n, d) to be split in batches, got {self.X.shape}"
            )
        if not isinstance(indices, slice):
            indices = move(indices, get_xp(self.X))
        try:
            return self._of(self.X[indices], self.Y[indices])
        except IndexError:
            raise ValueError(
                f"indices must be integers in {-self.n} to {self.n - 1}, or a bool for "
                f"each of the {self.n} samples, got {indices!r}"
            ) from None

    def moved_to(self, xp: Any) -> "Risk":
        """The same risk, its data in the array module `xp`."""
        if get_xp(self.X) is xp is get_xp(self.Y):
            return self
        if xp not in self._moved:
            self._moved[xp] = self._of(move(self.X, xp), move(self.Y, xp))
        return self._moved[xp]

    def _of(self, X, Y):
        """The risk of data that need no check."""
        part = copy(self)
        part.X, part.Y, part._prepared, part._moved = X, Y, {}, {}
        return part
