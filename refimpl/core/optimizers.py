"""Update rules: gradient descent and Adam."""

import sys
from typing import Protocol, runtime_checkable

from refimpl.arrays.backend import get_xp, like
from refimpl.arrays.checks import check_in_range, check_positive
from refimpl.arrays.types import Array, PerReplica, Update


@runtime_checkable
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
        Positive and finite; else ``ValueError``.

    Examples
    --------
    >>> from refimpl.data.example import theta
    >>> update = GD(learning_rate=0.1).start(theta := theta.copy())
    >>> update(theta.copy())
    >>> theta
    array([0.9, 0. , 2.7])
    """

    def __init__(self, learning_rate: PerReplica) -> None:
        self.learning_rate = check_learning_rate(learning_rate)

    def start(self, theta: Array) -> Update:
        """Function ``update(gradient)`` that moves `theta` in place."""
        rate = rate_per_row(self.learning_rate, theta)

        def update(gradient):
            theta[...] = theta - rate * gradient

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
    >>> from refimpl.data.example import theta
    >>> update = Adam(learning_rate=0.1).start(theta := theta.copy())
    >>> update(-0.01 * theta)  # the first step has the size of the rate
    >>> theta.round(5)
    array([1.1, 0. , 3.1])
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
        """Function ``update(gradient)`` that moves `theta` in place."""
        xp, (beta1, beta2) = get_xp(theta), self.betas
        rate = rate_per_row(self.learning_rate, theta)
        m, v, steps = xp.zeros_like(theta), xp.zeros_like(theta), 0

        def update(gradient):
            nonlocal m, v, steps
            steps += 1
            m = beta1 * m + (1 - beta1) * gradient
            v = beta2 * v + (1 - beta2) * gradient**2
            m_hat, v_hat = m / (1 - beta1**steps), v / (1 - beta2**steps)
            theta[...] = theta - rate * m_hat / (xp.sqrt(v_hat) + self.epsilon)

        return update


def check_learning_rate(rate):
    """`rate` as a float or an array, positive and finite."""
    allowed = "be positive and finite"
    return check_in_range("learning_rate", rate, 0, sys.float_info.max, allowed)


def rate_per_row(rate, theta):
    """`rate` as a float, or as a column (R, 1) in θ's dtype and module."""
    if isinstance(rate, float):
        return rate
    if rate.shape != theta.shape[:-1]:
        raise ValueError(
            f"learning_rate must be a number or have shape {theta.shape[:-1]}, one "
            f"entry per replica, got shape {rate.shape}"
        )
    return like(rate, theta)[..., None]
