"""The Hessian at one θ as a function of vectors, as fast as the objective allows.

Eigenvalues, traces and spectra take hundreds of products at the same θ.
"""

from refimpl.arrays.backend import on_device
from refimpl.arrays.limits import check_memory
from refimpl.core import risk
from refimpl.core.two_layer import TwoLayer
from refimpl.fast import two_layer
from refimpl.fast.blocks import of_two_layer, parts
from refimpl.fast.two_layer_hessian import two_layer_hessian

PRODUCT = 7  # arrays over samples and neurons that a product holds, at least


def hessian_at(objective, theta):
    """Function v ↦ ∇²objective(θ) v, (..., P) to (..., P), whose v is not checked.

    θ (..., P) is real, as `objective.check` returns it. For R_S of a `TwoLayer` the
    function has a method ``trace()`` as well.

    Examples
    --------
    >>> import numpy as np
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> product = hessian_at(risk, theta)
    >>> product(np.array([1.0, 0.0, 0.0])), product.trace()
    (array([36., 18., 24.]), np.float64(49.0))
    """
    check_memory("a Hessian product", objective, theta, PRODUCT)
    if closed(objective):
        return two_layer_hessian(objective, theta)
    return objective.hessian_at(theta)


def trace_at(objective, theta):
    """Tr ∇²objective(θ) (...) in closed form, of some samples at a time where there are
    very many; ``None`` where there is no closed form."""
    if not closed(objective):
        return None
    block = of_two_layer(objective)
    if block is None or objective.lead or on_device(theta):
        return two_layer_hessian(objective, theta).trace()
    return sum(
        share * two_layer_hessian(objective.batch(here), theta).trace()
        for here, share in parts(objective.n, block)
    )


def closed(objective):
    """Whether it is R_S of a `TwoLayer`, whose Hessian has a closed form."""
    of_risk = type(objective) in (risk.Risk, two_layer.Risk)
    return of_risk and type(objective.net) is TwoLayer
