"""What can be minimised: a scalar of θ and η with its gradient.

Training and landscape take any `Differentiable`. An `Objective` is a scalar of a
forward pass (F, h, A): a subclass says what it is (`of`) and how its derivatives change
along a direction (`push_of`); the network's passes give gradient and Hessian product.
"""

from collections.abc import Callable

from refimpl.arrays import shapes, show
from refimpl.arrays.backend import per_replica, with_parts
from refimpl.arrays.checks import check_kind, missing
from refimpl.arrays.types import Array, ArrayLike, Factors, Noise
from refimpl.core.network import Network, Pass, Upstream


class Differentiable(show.Shown):
    """A scalar function of θ and of the dropout noise η, with its gradient.

    A subclass supplies `value_and_gradient`, ``net`` and ``n``. Its arguments are as
    `check` returns them: θ (..., P) and the factors q = 1 + η, one per hidden layer.
    """

    net: Network
    n: int  # number of samples
    lead: tuple[int, ...] = ()  # replica axes of the data, and of parameters
    noisy = True  # whether it may be given noise

    def value_and_gradient(self, theta: Array, q: Factors) -> tuple[Array, Array]:
        """Value (...) and gradient (..., P)."""
        raise missing(self, "value_and_gradient(theta, q)")

    def value(self, theta: Array, q: Factors) -> Array:
        """Value (...)."""
        return self.value_and_gradient(theta, q)[0]

    def product(self, theta: Array, q: Factors) -> Callable[[Array], Array]:
        """Function v ↦ Hessian at θ times v."""
        raise NotImplementedError(f"{type(self).__name__} has no Hessian product")

    def batch(self, indices: Array) -> "Differentiable":
        """The same objective on the samples `indices` (B,) or (R, B)."""
        raise missing(self, "batch(indices)")

    def like(self, theta: Array) -> "Differentiable":
        """The same objective, its data in the array module and precision of `theta`."""
        return self

    def __call__(self, theta: ArrayLike, eta: Noise = None) -> Array:
        """Value at θ (..., P), with noise η if given: one per leading index of both.

        η is (..., 1, m) or (..., n, m), or a tuple with one entry per hidden layer.
        """
        return self.value(*self.check(theta, eta))

    def gradient(self, theta: ArrayLike, eta: Noise = None) -> Array:
        """Gradient (..., P) at θ, with noise η if given."""
        return self.value_and_gradient(*self.check(theta, eta))[1]

    def hvp(self, theta: ArrayLike, v: ArrayLike, eta: Noise = None) -> Array:
        """Hessian at θ times `v` (..., P), with noise η if given: by the R-operator,
        exact. Equation: eq:hvp"""
        return self.hessian_at(theta, eta)(v)

    def hessian_at(self, theta: ArrayLike, eta: Noise = None) -> Callable:
        """Function ``v ↦ hvp(theta, v, eta)``, for many products at the same θ."""
        theta, q = self.check(theta, eta)
        product = self.product(theta.copy(), q)
        return lambda v: product(shapes.check_direction(v, theta, q, self.lead))

    def check(self, theta: ArrayLike, eta: Noise = None) -> tuple[Array, Factors]:
        """Checked arguments: θ finite, the noise as factors q = 1 + η per layer."""
        theta = self.net.check_theta(theta)
        q = shapes.check_noise(eta, theta, self.n, self.net.hidden)
        self.check_layers([not isinstance(one, float) for one in q])
        leads = *shapes.leads(theta, q), self.lead
        shapes.broadcast_lead("theta, eta, data and parameters", *leads)
        return theta, q

    def check_layers(self, noise: list[bool]) -> None:
        """Raise ``ValueError`` unless there may be noise in these hidden layers."""
        if any(noise) and not self.noisy:
            alone = f"{type(self).__name__} is a function of theta alone"
            raise ValueError(f"eta and dropout must be None: {alone}")


class OfRisk:
    """What is made of another objective, its `risk`: of the same network and data."""

    risk: Differentiable
    # Parameters that may be an array of one number per replica; others are left alone.
    by_replica: tuple[str, ...] = ()

    @property
    def net(self) -> Network:
        return self.risk.net

    @property
    def n(self) -> int:
        return self.risk.n

    @property
    def lead(self) -> tuple[int, ...]:
        """Replica axes of the data and of the parameter."""
        leads = [getattr(part, "lead", ()) for part in vars(self).values()]
        shaped = [getattr(vars(self)[name], "shape", ()) for name in self.by_replica]
        return shapes.broadcast_lead("data and parameters", *leads, *shaped)

    def check_layers(self, noise: list[bool]) -> None:
        """Raise ``ValueError`` unless it and `risk` may be given such noise."""
        super().check_layers(noise)
        self.risk.check_layers(noise)

    def batch(self, indices: Array) -> Differentiable:
        """The same objective on the samples `indices` (B,) or (R, B)."""
        return with_parts(self, Differentiable, lambda part: part.batch(indices))

    def like(self, theta: Array) -> Differentiable:
        """The same objective, its data in the array module and precision of `theta`."""
        made = with_parts(self, Differentiable, lambda part: part.like(theta))
        for name in self.by_replica:
            setattr(made, name, per_replica(getattr(self, name), theta))
        return made


class Objective(Differentiable):
    """A scalar of the outputs F, the last hidden activations h and output weights A."""

    def run(self, theta: Array, q: Factors) -> Pass:
        """Forward pass of the network on the data."""
        return self.risk.run(theta, q)

    def of(self, run: Pass) -> tuple[Array, Upstream]:
        """The scalar (...), and its derivatives with respect to F, h and A."""
        raise missing(self, "of(run)")

    def push_of(self, run: Pass, push: Pass) -> Upstream:
        """Directional derivatives of the derivatives that `of` returns."""
        raise missing(self, "push_of(run, push)")

    def value(self, theta: Array, q: Factors) -> Array:
        """Value (...), by a forward pass."""
        return self.of(self.run(theta, q))[0]

    def value_and_gradient(self, theta: Array, q: Factors) -> tuple[Array, Array]:
        """Value and gradient: a forward and a backward pass."""
        run = self.run(theta, q)
        value, upstream = self.of(run)
        return value, self.net.backward(run, upstream)

    def product(self, theta: Array, q: Factors) -> Callable[[Array], Array]:
        """Function v ↦ Hessian at θ times v: a forward push and a backward push."""
        run = self.run(theta, q)
        _, upstream = self.of(run)

        def along(v):
            push = self.net.push(run, v)
            return self.net.backward_push(run, push, upstream, self.push_of(run, push))

        return along


def check_objective(objective, name="objective"):
    """`objective`, checked to be something that has a value and a gradient."""
    allowed = "an objective, such as a Risk or L1 (a subclass of Differentiable)"
    return check_kind(name, objective, Differentiable, allowed)
