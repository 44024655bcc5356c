"""Update rules: gradient descent and Adam, in place on θ (..., P)."""

from typing import Protocol

from refimpl.arrays.backend import get_xp, like, on_device
from refimpl.arrays.checks import check_positive
from refimpl.arrays.types import Array, PerReplica, Update
from refimpl.fast import fused

# Elements of θ updated at a time: Adam's four arrays of a block stay in a core's cache,
# which makes long updates about twice as fast.
BLOCK = 2**15


class Optimizer(Protocol):
    """What training takes: GD, Adam, or what is made of them."""

    @property
    def learning_rate(self) -> PerReplica: ...
    def start(self, theta: Array) -> Update: ...


class GD:
    """θ ← θ − lr ∇. With batches (see `train`) this is SGD.

    Equation: eq:gd

    Parameters
    ----------
    learning_rate : float, or array (R,) of one per replica

    Raises
    ------
    ValueError
        If the learning rate is not positive and finite.

    Examples
    --------
    >>> import numpy as np
    >>> theta = np.array([1.0, 2.0])
    >>> update = GD(learning_rate=0.1).start(theta)
    >>> update(np.array([1.0, -1.0]))
    >>> theta
    array([0.9, 2.1])
    """

    def __init__(self, learning_rate: PerReplica) -> None:
        self.learning_rate = check_learning_rate(learning_rate)

    def start(self, theta: Array) -> Update:
        """Function ``update(gradient)`` that moves `theta` in place."""
        rate = _per_row(self.learning_rate, theta)
        if on_device(theta):
            return lambda gradient: fused.gd(theta, gradient, rate)

        def update(gradient):
            gradient *= rate
            theta.__isub__(gradient)

        return update


class Adam:
    """Adam (Kingma and Ba, 2015), with bias correction.

    Equation: eq:adam

    Parameters
    ----------
    learning_rate : float, or array (R,) of one per replica
    betas : (float, float)
        Decay of the first and second moments.
    epsilon : float
        Added to the root of the second moment.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> theta = np.array([1.0, 2.0])
    >>> update = Adam(learning_rate=0.1).start(theta)
    >>> update(np.array([5.0, -0.01]))  # the first step has the size of the rate
    >>> theta.round(5)
    array([0.9, 2.1])
    """

    def __init__(
        self,
        learning_rate: PerReplica,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
    ) -> None:
        self.learning_rate = check_learning_rate(learning_rate)
        try:
            beta1, beta2 = (float(beta) for beta in betas)
        except (TypeError, ValueError):
            raise ValueError(f"betas must be two numbers, got {betas!r}") from None
        if not (0 <= beta1 < 1 and 0 <= beta2 < 1):
            raise ValueError(f"betas must lie in [0, 1), got {betas}")
        self.betas = beta1, beta2
        self.epsilon = check_positive("epsilon", epsilon)

    def start(self, theta: Array) -> Update:
        """Function ``update(gradient)`` that moves `theta` in place.

        The moments are kept without their factors 1 − β: first = m/(1−β₁) and
        second = v/(1−β₂), which saves two passes over the parameters.
        """
        xp = get_xp(theta)
        beta1, beta2 = self.betas
        rate = _per_row(self.learning_rate, theta)
        if isinstance(rate, float):
            theta = theta.reshape(-1)  # a view: θ is contiguous
        first, second = xp.zeros_like(theta), xp.zeros_like(theta)
        size = theta.shape[-1]
        parts = [slice(start, start + BLOCK) for start in range(0, size, BLOCK)]
        blocks = [tuple(a[..., p] for a in (theta, first, second)) for p in parts]
        steps, device = 0, on_device(theta)

        def update(gradient):
            nonlocal steps
            steps += 1
            # θ −= lr m̂ / (√v̂ + ε) with m̂ = m/(1−β₁ᵗ) and v̂ = v/(1−β₂ᵗ)
            correction = ((1 - beta2**steps) / (1 - beta2)) ** 0.5
            epsilon = self.epsilon * correction
            correction *= (1 - beta1) / (1 - beta1**steps)
            gradient = gradient.reshape(theta.shape)
            if device:
                numbers = rate, correction, epsilon, beta1, beta2
                fused.adam(theta, first, second, gradient, *numbers)
                return
            scale = rate * correction
            for part, (t, m, v) in zip(parts, blocks):
                g = gradient[..., part]
                m *= beta1
                m += g
                g *= g
                v *= beta2
                v += g
                xp.sqrt(v, out=g)
                g += epsilon
                xp.divide(m, g, out=g)
                g *= scale
                t -= g

        return update


def check_learning_rate(rate):
    """`rate` as a float or an array, positive and finite."""
    values = getattr(rate, "dtype", None)
    if values is None:
        valid = isinstance(rate, (int, float)) and not isinstance(rate, bool)
        valid = valid and 0 < rate < float("inf")
        rate = float(rate) if valid else rate
    else:
        valid = values.kind in "fiu"
        valid = valid and bool(((rate > 0) & (rate < float("inf"))).all())
        rate = float(rate) if valid and rate.ndim == 0 else rate
    if not valid:
        raise ValueError(f"learning_rate must be positive and finite, got {rate!r}")
    return rate


def _per_row(rate, theta):
    """`rate` as a float, or as a column (R, 1) in θ's dtype and module."""
    if isinstance(rate, float):
        return rate
    if rate.shape != theta.shape[:-1]:
        raise ValueError(
            f"learning_rate must be a number or have shape {theta.shape[:-1]}, one "
            f"entry per replica, got shape {rate.shape}"
        )
    return like(rate, theta)[..., None]
