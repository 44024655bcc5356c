"""What can be minimised: a scalar of θ and η with its gradient.

Training and landscape take any `Differentiable`. An `Objective` is a scalar of a
forward pass (F, h, A): a subclass says what the scalar is (`of`) and how its
derivatives change along a direction (`push_of`); the passes of the network give
gradient and Hessian product.
"""

from collections.abc import Callable
from copy import copy

from refimpl.arrays.backend import get_xp, like, move
from refimpl.arrays.checks import check_kind
from refimpl.arrays.shapes import broadcast_lead, check_noise
from refimpl.arrays.types import Array, ArrayLike, Factors, Noise
from refimpl.core.network import Network, Pass, Upstream


class Differentiable:
    """A scalar function of θ and of the dropout noise η, with its gradient.

    A subclass supplies `value_and_gradient`, ``net`` and ``n``.

    Attributes
    ----------
    net : TwoLayer or Deep
    n : int
        Number of samples.
    lead : tuple of int
        Replica axes of the data and of what else there may be one of per replica.
    noisy : bool
        Whether it may be given noise.
    """

    net: Network
    n: int
    lead: tuple[int, ...] = ()
    noisy = True

    def value_and_gradient(self, theta: Array, q: Factors) -> tuple[Array, Array]:
        """Value (...) and gradient (..., P).

        Arguments are as `check` returns them, θ and the factors q = 1 + η per layer,
        and are not checked again; a non-finite θ is training's to report.
        """
        raise NotImplementedError

    def value(self, theta: Array, q: Factors) -> Array:
        """Value (...)."""
        return self.value_and_gradient(theta, q)[0]

    def product(self, theta: Array, q: Factors) -> Callable[[Array], Array]:
        """Function v ↦ ∇²F(θ) v."""
        raise ValueError(f"{type(self).__name__} has no Hessian product")

    def batch(self, indices: Array) -> "Differentiable":
        """The same objective on the samples `indices` (B,) or (R, B)."""
        return self._changed(lambda part: part.batch(indices))

    def like(self, theta: Array) -> "Differentiable":
        """The same objective, its data in the array module and precision of `theta`.

        Training asks for it once, so that no step moves or converts them again.
        """
        return self._changed(
            lambda part: part.like(theta), lambda array: move(array, get_xp(theta))
        )

    def _changed(self, change, change_array=lambda array: array):
        """A copy in which the objectives (and arrays) it is made of are changed."""
        made = copy(self)
        for name, part in vars(self).items():
            if isinstance(part, Differentiable):
                setattr(made, name, change(part))
            elif hasattr(part, "dtype"):
                setattr(made, name, change_array(part))
        return made

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
        product = self.product(theta, q)

        def checked_product(v):
            v = self.net.check_theta(v, "v")
            leads = theta.shape[:-1], v.shape[:-1]
            self._check_leads("theta, v, eta, data and keep", q, *leads)
            return product(v if v.dtype.kind == "c" else like(v, theta))

        return checked_product

    def check(self, theta: ArrayLike, eta: Noise = None) -> tuple[Array, Factors]:
        """Checked arguments: θ finite, the noise as factors q = 1 + η per layer."""
        theta, q = self.net.check_theta(theta), self.net.no_noise
        if eta is not None:
            q = check_noise(eta, theta, self.n, self.net.hidden)
            self.check_layers([not isinstance(one, float) for one in q])
        self._check_leads("theta, eta, data and keep", q, theta.shape[:-1])
        return theta, q

    def check_layers(self, noise: list[bool]) -> None:
        """Raise ``ValueError`` unless there may be noise in these hidden layers."""
        if any(noise) and not self.noisy:
            raise ValueError(
                f"eta must be None: {type(self).__name__} is a function of theta alone"
            )

    def _check_leads(self, names, q, *leads):
        masks = [factor.shape[:-2] for factor in q if not isinstance(factor, float)]
        broadcast_lead(names, *leads, *masks, self.lead)


class OfRisk:
    """What is made of another objective, its `risk`: of the same network and data."""

    risk: Differentiable

    @property
    def net(self) -> Network:
        """The network."""
        return self.risk.net

    @property
    def n(self) -> int:
        """Number of samples."""
        return self.risk.n

    @property
    def lead(self) -> tuple[int, ...]:
        """Replica axes of the data and of the parameter."""
        shapes = [getattr(part, "shape", ()) for part in vars(self).values()]
        return broadcast_lead("data and keep", self.risk.lead, *shapes)


class Objective(Differentiable):
    """A scalar of the outputs F, the last hidden activations h and output weights A."""

    def run(self, theta: Array, q: Factors) -> Pass:
        """Forward pass of the network on the data."""
        raise NotImplementedError

    def of(self, run: Pass) -> tuple[Array, Upstream]:
        """The scalar (...), and its derivatives with respect to F, h and A."""
        raise NotImplementedError

    def push_of(self, run: Pass, push: Pass) -> Upstream:
        """Directional derivatives of the derivatives that `of` returns."""
        raise NotImplementedError

    def value(self, theta: Array, q: Factors) -> Array:
        """Value (...), by a forward pass."""
        return self.of(self.run(theta, q))[0]

    def value_and_gradient(self, theta: Array, q: Factors) -> tuple[Array, Array]:
        """Value and gradient: a forward and a backward pass."""
        run = self.run(theta, q)
        value, upstream = self.of(run)
        return value, self.net.backward(run, upstream)

    def product(self, theta: Array, q: Factors) -> Callable[[Array], Array]:
        """Function v ↦ ∇²F(θ) v: a forward push and a backward push."""
        run = self.run(theta, q)
        _, upstream = self.of(run)

        def along(v):
            push = self.net.push(run, v)
            change = self.push_of(run, push)
            return self.net.backward_push(run, push, upstream, change)

        return along


def check_objective(objective, name="objective"):
    """`objective`, checked to be something that has a value and a gradient."""
    allowed = "an objective, such as a Risk or L1"
    return check_kind(name, objective, Differentiable, allowed)
