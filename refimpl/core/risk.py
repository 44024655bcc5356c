"""The empirical risk R_S and its dropout version R_S^drop."""

from copy import copy

from refimpl.arrays.backend import like
from refimpl.arrays.checks import check_kind, check_name
from refimpl.arrays.shapes import broadcast_lead, check_inputs, take_samples
from refimpl.arrays.types import Array, ArrayLike, Factors
from refimpl.core.loss import LOSSES
from refimpl.core.network import Network, Pass, Upstream, check_net
from refimpl.core.objective import Objective


class Risk(Objective):
    """R_S(θ) and R_S^drop(θ, η) of a network on a data set.

    ``risk(theta)`` is R_S, ``risk(theta, eta)`` R_S^drop; so with `gradient` and `hvp`.

    Equation: eq:risk

    Parameters
    ----------
    net : TwoLayer or Deep
    X : (..., n, d)
        Inputs, finite; leading axes, if any, are replicas with data of their own. X and
        Y are kept, not copied: to change them make another risk.
    Y : (..., n, o), or (n,): of one output, or integer labels for cross-entropy
    loss : {"mse", "cross_entropy"}

    Examples
    --------
    >>> from refimpl.data.example import net, theta
    >>> risk = Risk(net, X=[[0.0], [1.0]], Y=[[0.0], [2.0]])  # f(1) = 3
    >>> float(risk(theta))  # (0² + 1²) / (2·2)
    0.25
    """

    def __init__(
        self, net: Network, X: ArrayLike, Y: ArrayLike, loss: str = "mse"
    ) -> None:
        self.net = check_net(net)
        self.loss = check_name("loss", loss, LOSSES)
        self.X = check_inputs(X, net.inputs)
        self.Y = self.loss.check_targets(Y, self.n, net.outputs)
        self.lead  # raises where the leading axes of X and Y do not fit

    @property
    def n(self) -> int:
        """Number of samples."""
        return self.X.shape[-2]

    @property
    def lead(self) -> tuple[int, ...]:
        """Replica axes of the data."""
        return broadcast_lead("X and Y", self.X.shape[:-2], self.Y.shape[:-2])

    def run(self, theta: Array, q: Factors) -> Pass:
        """Forward pass of the network on the data."""
        return self.net.run(theta, like(self.X, theta), q)

    def of(self, run: Pass) -> tuple[Array, Upstream]:
        """R_S or R_S^drop (...), and its derivative with respect to F."""
        value, dF = self.loss.value_and_gradient(run.F, like(self.Y, run.F))
        return value, Upstream(dF)

    def push_of(self, run: Pass, push: Pass) -> Upstream:
        """Directional derivative of the loss gradient: its Hessian times Ḟ."""
        return Upstream(self.loss.hvp(run.F, like(self.Y, run.F), push.F))

    def batch(self, indices: Array) -> "Risk":
        """The risk of the samples `indices`: (B,), or (R, B), one batch a replica."""
        return self.of_data(*take_samples(self.X, self.Y, indices))

    def like(self, theta: Array) -> "Risk":
        """The same risk, its data in the array module and precision of `theta`."""
        return self.of_data(like(self.X, theta), like(self.Y, theta))

    def of_data(self, X: Array, Y: Array) -> "Risk":
        """The risk of the same network on other data, which are not checked."""
        made = copy(self)
        made.X, made.Y = X, Y
        return made


def check_risk(risk):
    """`risk`, checked to be a `Risk`."""
    return check_kind("risk", risk, Risk, "a Risk")
