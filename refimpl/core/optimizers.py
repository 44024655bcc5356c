"""Update rules: gradient descent and Adam."""

from refimpl.arrays import checks, show
from refimpl.arrays.backend import get_xp
from refimpl.arrays.shapes import rate_per_row
from refimpl.arrays.types import Array, PerReplica, Update


class GD(show.Shown):
    """θ ← θ − lr ∇. With batches (see `train`) this is SGD. Equation: eq:gd

    The learning rate is positive and finite, one number or an array (R,).

    Examples
    --------
    >>> from refimpl.data.example import theta
    >>> update = GD(learning_rate=0.1).start(theta := theta.copy())
    >>> update(theta.copy())
    >>> theta
    array([0.9, 0. , 2.7])
    """

    def __init__(self, learning_rate: PerReplica) -> None:
        self.learning_rate = checks.check_learning_rate(learning_rate)

    def start(self, theta: Array) -> Update:
        """Function ``update(gradient)`` that moves `theta` in place."""
        rate = rate_per_row(self.learning_rate, theta)

        def update(gradient):
            theta[...] = theta - rate * gradient

        return update


class Adam(show.Shown):
    """Adam (Kingma and Ba, 2015), with bias correction. Equation: eq:adam

    The learning rate is positive and finite, one number or an array (R,); `betas` are
    the decay rates of the two moments, `epsilon` is added to the root of the second.

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
        self.learning_rate = checks.check_learning_rate(learning_rate)
        self.betas = checks.check_betas(betas)
        self.epsilon = checks.check_positive("epsilon", epsilon)

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
