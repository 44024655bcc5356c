"""What dropout is compared with: weight decay, and Gaussian noise on the gradient."""

from collections.abc import Callable

from refimpl.arrays import checks, generators
from refimpl.arrays.backend import get_xp, move, per_replica
from refimpl.arrays.types import (
    Array,
    Factors,
    Generators,
    Optimizer,
    PerReplica,
    Update,
)
from refimpl.core.objective import Differentiable, OfRisk, check_objective


class WeightDecay(OfRisk, Differentiable):
    """F(θ, η) + (λ/2)‖θ‖², of any objective F.

    Equation: eq:weight-decay

    Parameters
    ----------
    objective : Differentiable
        F.
    strength : float, or array of one per replica
        λ.

    Raises
    ------
    ValueError
        If the strength is negative or not finite.

    Examples
    --------
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> float(WeightDecay(risk, strength=0.2)(theta))  # ½ 6² + 0.1 (1² + 3²)
    19.0
    """

    by_replica, kept_as = ("strength",), {"objective": "risk"}

    def __init__(self, objective: Differentiable, strength: PerReplica) -> None:
        self.risk = check_objective(objective)
        self.strength = checks.check_nonnegative("strength", strength)

    def value(self, theta: Array, q: Factors) -> Array:
        """F + (λ/2)‖θ‖² (...)."""
        decay = per_replica(self.strength, theta, axes=1) * theta
        return self.risk.value(theta, q) + 0.5 * (decay * theta).sum(axis=-1)

    def value_and_gradient(self, theta: Array, q: Factors) -> tuple[Array, Array]:
        """The value (...) and its gradient ∇F + λθ (..., P)."""
        value, gradient = self.risk.value_and_gradient(theta, q)
        decay = per_replica(self.strength, theta, axes=1) * theta
        return value + 0.5 * (decay * theta).sum(axis=-1), gradient + decay

    def product(self, theta: Array, q: Factors) -> Callable[[Array], Array]:
        """Function v ↦ ∇²F(θ) v + λv."""
        of_risk = self.risk.product(theta, q)
        return lambda v: of_risk(v) + per_replica(self.strength, theta, axes=1) * v


class GaussianGradientNoise:
    """An optimizer whose gradients carry Gaussian noise, the same in all directions.

    The noise is N(0, tr/P) in every coordinate, so that the trace of its covariance is
    `trace(θ)`: that of another noise, whose shape it does not have.

    Equation: eq:gaussian-gradient-noise

    Parameters
    ----------
    optimizer : GD or Adam
    trace : callable
        ``trace(theta)`` (...), not negative.
    rng : Generator or seed, or sequence of R of them
        One for all replicas, or one each.
    every : int
        Steps between two evaluations of the trace.

    Raises
    ------
    ValueError
        If there are several generators but not one a replica, or `every` is not
        positive.

    Examples
    --------
    >>> import numpy as np
    >>> from refimpl.core.optimizers import GD
    >>> rng = [np.random.default_rng(0)]
    >>> noisy = GaussianGradientNoise(GD(0.1), lambda theta: np.array([4.0]), rng)
    >>> theta = np.zeros((1, 10_000))
    >>> noisy.start(theta)(np.zeros((1, 10_000)))
    >>> round(float((theta**2).sum()), 2)  # 0.1² · 4: the trace is as asked
    0.04
    """

    def __init__(
        self,
        optimizer: Optimizer,
        trace: Callable[[Array], Array],
        rng: Generators,
        every: int = 1,
    ) -> None:
        allowed = "an optimizer, such as GD or Adam"
        self.optimizer = checks.check_kind("optimizer", optimizer, Optimizer, allowed)
        self.trace = checks.check_callable("trace", trace)
        self.rng = generators.as_generator(rng)
        self.every = checks.check_integer("every", every, 1)

    @property
    def learning_rate(self) -> PerReplica:
        """That of the optimizer."""
        return self.optimizer.learning_rate

    def start(self, theta: Array) -> Update:
        """Function ``update(gradient)`` that moves `theta` in place."""
        several = isinstance(self.rng, (list, tuple))
        if several and theta.shape[:-1] != (len(self.rng),):
            raise ValueError(
                "rng must be one generator, or one per replica of theta, of shape "
                f"{theta.shape[:-1]}, got {self.rng!r}"
            )
        xp, inner = get_xp(theta), self.optimizer.start(theta)
        steps, std = 0, None

        def update(gradient):
            nonlocal steps, std
            if steps % self.every == 0:
                trace = xp.asarray(self.trace(theta))
                if (trace < 0).any():
                    raise ValueError(
                        f"trace(theta) must not be negative, got {float(trace.min())}"
                    )
                std = xp.sqrt(trace / theta.shape[-1]).astype(theta.dtype)
            steps += 1
            gradient = gradient.copy()
            if several:
                parts = zip(gradient, self.rng, std)
            else:
                parts = [(gradient, self.rng, std[..., None])]
            for rows, rng, scale in parts:
                rows += scale * move(rng.standard_normal(rows.shape, rows.dtype), xp)
            inner(gradient)

        return update
