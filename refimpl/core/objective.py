"""What can be minimised: a scalar of θ and η with its gradient.

Training and landscape take any `Differentiable`. Most are an `Objective`: a scalar of
(F, h, A). A subclass of that says what the scalar is (`forward`) and how its upstream
derivatives change along a direction (`upstream_push`); the passes of the network give
gradient and Hessian product, which curvature needs.
"""

from collections.abc import Callable
from copy import copy
from typing import Any, Protocol

from refimpl.arrays.backend import like, move
from refimpl.arrays.checks import broadcast_lead, check_objective
from refimpl.arrays.types import Array, ArrayLike, Factors, Noise
from refimpl.core.network import Network
from refimpl.core.replicas import take


class Differentiable:
    """A scalar function of θ and of the dropout noise η, with its gradient.

    Attributes
    ----------
    net : TwoLayer or Deep
    n : int
        Number of samples.
    lead : tuple of int
        Replica axes of the data and of what else there may be one of per replica.
    """

    net: Network

    @property
    def n(self) -> int:
        """Number of samples."""
        raise NotImplementedError

    @property
    def lead(self) -> tuple[int, ...]:
        """Replica axes of the data; none unless a subclass says so."""
        return ()

    def value(self, theta: Array, q: Factors) -> Array:
        """Value (...). Arguments are as `check` returns them: q = 1 + η per layer."""
        raise NotImplementedError

    def value_and_gradient(self, theta: Array, q: Factors) -> tuple[Array, Array]:
        """Value and gradient in one pass, for training loops.

        Arguments are as `check` returns them and are not checked again: this is the
        hot path, and a non-finite θ is training's to report.
        """
        raise NotImplementedError

    def batch(self, indices: Array) -> "Differentiable":
        """The same objective on the samples `indices` (B,) or (R, B)."""
        raise NotImplementedError

    def replicas(self, rows: slice, lead: tuple[int, ...]) -> "Differentiable":
        """The same for the entries `rows` of the first of the replica axes `lead`."""
        if self.lead:
            raise NotImplementedError(
                f"{type(self).__name__} has data of each replica, and must say by a "
                "method replicas(rows, lead) which are whose"
            )
        return self

    def moved_to(self, xp: Any) -> "Differentiable":
        """The same objective, its data and parameters in the array module `xp`.

        Training asks for it once, so that no step moves them again.
        """
        return self

    def __call__(self, theta: ArrayLike, eta: Noise = None) -> Array:
        """Value at θ, with noise η if given.

        Parameters
        ----------
        theta : (..., P)
        eta : (..., 1, m) or (..., n, m), or a tuple with one entry per hidden layer

        Returns
        -------
        value : (...)
            One per broadcast leading index of theta and eta.

        Raises
        ------
        ValueError
            If a shape does not fit, or theta is not finite.
        """
        return self.value(*self.check(theta, eta))

    def gradient(self, theta: ArrayLike, eta: Noise = None) -> Array:
        """Gradient (..., P) at θ, with noise η if given."""
        return self.value_and_gradient(*self.check(theta, eta))[1]

    def check(self, theta: ArrayLike, eta: Noise = None) -> tuple[Array, Factors]:
        """Checked arguments: θ finite, the noise as factors q = 1 + η per layer."""
        theta = self.net.check_theta(theta)
        q = self.net.check_noise(eta, theta, self.n)
        self._check_leads("theta, eta, data and keep", q, theta.shape[:-1])
        return theta, q

    def check_direction(self, v: ArrayLike, theta: ArrayLike, q: Factors) -> Array:
        """`v` (..., P) in the module and dtype of `theta`; a complex one stays so."""
        v = self.net.check_theta(v, "v")
        leads = theta.shape[:-1], v.shape[:-1]
        self._check_leads("theta, v, eta, data and keep", q, *leads)
        return v if v.dtype.kind == "c" else like(v, theta)

    def _check_leads(self, names, q, *leads):
        masks = [factor.shape[:-2] for factor in q if factor is not None]
        broadcast_lead(names, *leads, *masks, self.lead)


class HasProduct(Protocol):
    """An objective with a Hessian product: what the measures of curvature take."""

    net: Network

    @property
    def n(self) -> int: ...
    def check(self, theta: ArrayLike) -> tuple[Array, Factors]: ...
    def value(self, theta: Array, q: Factors) -> Array: ...
    def hvp(self, theta: ArrayLike, v: ArrayLike) -> Array: ...


class OfRisk:
    """What is made of another objective: it has its network and its samples.

    Attributes
    ----------
    risk : Objective
    net : TwoLayer or Deep
    n : int
    of_replicas : tuple of str
        Attributes that may have one entry per replica.
    """

    of_replicas: tuple[str, ...] = ()

    def __init__(self, risk: Differentiable) -> None:
        self.risk, self.net = check_objective(risk, "risk"), risk.net

    def batch(self, indices: Array) -> Any:
        """The same of the samples `indices` (B,) or (R, B)."""
        return self.of_batch(self.risk.batch(indices))

    def of_batch(self, batch: Differentiable) -> Any:
        """The same of a batch of its risk. Nothing is checked again: a step of training
        must not wait for a device."""
        part = copy(self)
        part.risk = batch
        return part

    def replicas(self, rows: slice, lead: tuple[int, ...]) -> Any:
        """The same for the entries `rows` of the first of the replica axes `lead`."""
        part = self.of_batch(self.risk.replicas(rows, lead))
        for name in self.of_replicas:
            setattr(part, name, take(getattr(self, name), rows, lead))
        return part

    def moved_to(self, xp: Any) -> Any:
        """The same, with all that it holds in the array module `xp`."""
        part = copy(self)
        for name, value in vars(self).items():
            if hasattr(value, "moved_to"):
                setattr(part, name, value.moved_to(xp))
            elif hasattr(value, "dtype"):
                setattr(part, name, move(value, xp))
        return part

    @property
    def n(self) -> int:
        """Number of samples."""
        return self.risk.n

    @property
    def lead(self) -> tuple[int, ...]:
        """Replica axes of the data."""
        return self.risk.lead


class Objective(Differentiable):
    """A scalar of the outputs F, the last hidden activations h and output weights A."""

    def forward(self, theta, q):
        """Forward pass of the network, the value (...), its `Upstream` derivatives.

        Arguments are as `check` returns them.
        """
        raise NotImplementedError

    def upstream_push(self, run, push):
        """Directional derivatives of `forward`'s `Upstream`."""
        raise NotImplementedError

    def value(self, theta: Array, q: Factors) -> Array:
        """Value (...), by a forward pass."""
        return self.forward(theta, q)[1]

    def value_and_gradient(self, theta: Array, q: Factors) -> tuple[Array, Array]:
        """Value and gradient: a forward and a backward pass."""
        run, value, upstream = self.forward(theta, q)
        return value, self.net.backward(run, upstream, last=True)

    def hvp(self, theta: ArrayLike, v: ArrayLike, eta: Noise = None) -> Array:
        """Hessian at θ times `v` (..., P), with noise η if given.

        Exact, by the R-operator: no Hessian is formed and nothing is differenced.

        Equation: eq:hvp
        """
        return self.hessian_at(theta, eta)(v)

    def hessian_at(
        self, theta: ArrayLike, eta: Noise = None
    ) -> Callable[[ArrayLike], Array]:
        """Function ``v ↦ hvp(theta, v, eta)``, for many products at the same θ."""
        theta, q = self.check(theta, eta)
        run, _, upstream = self.forward(theta, q)

        def product(v):
            v = self.check_direction(v, theta, q)
            push = self.net.push(run, v)
            change = self.upstream_push(run, push)
            return self.net.backward_push(run, push, upstream, change)

        return product
