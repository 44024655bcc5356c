"""Adam and gradient descent in place, without new arrays.

Plain: ``core.optimizers``. Adam's moments are kept without their factors 1 − β, first =
m/(1−β₁) and second = v/(1−β₂), which spares two passes over the parameters.
"""

from refimpl.arrays.backend import get_xp, on_device
from refimpl.arrays.shapes import rate_per_row
from refimpl.arrays.types import Array, Update
from refimpl.core import optimizers
from refimpl.fast import fused


class GD(optimizers.GD):
    __doc__ = optimizers.GD.__doc__

    def start(self, theta: Array) -> Update:
        """Function ``update(gradient)`` that moves `theta` in place."""
        rate = rate_per_row(self.learning_rate, theta)
        if on_device(theta):
            return lambda gradient: fused.gd(theta, gradient, rate)
        xp = get_xp(theta)
        step = xp.empty_like(theta)

        def update(gradient):
            nonlocal theta
            theta -= xp.multiply(gradient, rate, out=step)

        return update


class Adam(optimizers.Adam):
    __doc__ = optimizers.Adam.__doc__

    def start(self, theta: Array) -> Update:
        """Function ``update(gradient)`` that moves `theta` in place."""
        xp, (beta1, beta2) = get_xp(theta), self.betas
        rate = rate_per_row(self.learning_rate, theta)
        first, second = xp.zeros_like(theta), xp.zeros_like(theta)
        steps, device = 0, on_device(theta)
        g = None if device else xp.empty_like(theta)  # the gradient is another's

        def update(gradient):
            nonlocal theta, first, second, steps, g
            steps += 1
            # θ −= lr m̂ / (√v̂ + ε) with m̂ = m/(1−β₁ᵗ) and v̂ = v/(1−β₂ᵗ)
            correction = ((1 - beta2**steps) / (1 - beta2)) ** 0.5
            epsilon = self.epsilon * correction
            correction *= (1 - beta1) / (1 - beta1**steps)
            if device:
                numbers = rate, correction, epsilon, beta1, beta2
                fused.adam(theta, first, second, gradient, *numbers)
                return
            first *= beta1
            first += gradient
            xp.multiply(gradient, gradient, out=g)
            second *= beta2
            second += g
            xp.sqrt(second, out=g)
            g += epsilon
            xp.divide(first, g, out=g)
            g *= rate * correction
            theta -= g

        return update
