"""The two parts of the Hessian of R_S: Gauss–Newton, and what it leaves out.

∇²R_S = Jᵀ (∂²ℓ/∂F²) J + Σ_ik (∂ℓ/∂f_k(x_i)) ∇²f_k(x_i), with J the Jacobian of the
outputs. Both parts are operators that `hessian` and `spectra` take in the place of a
risk.
"""

from collections.abc import Callable

from refimpl.arrays.types import Array, Factors
from refimpl.core.objective import Differentiable, OfRisk
from refimpl.core.risk import Risk, check_risk


class _Part(OfRisk, Differentiable):
    """R_S as a function, with one part of its Hessian."""

    def __init__(self, risk: Risk) -> None:
        self.risk = check_risk(risk)

    def value_and_gradient(self, theta: Array, q: Factors) -> tuple[Array, Array]:
        """R_S (...) and its gradient (..., P)."""
        return self.risk.value_and_gradient(theta, q)


class GaussNewton(_Part):
    """R_S with the Gauss–Newton part Jᵀ (∂²ℓ/∂F²) J of its Hessian.

    Positive semidefinite for both losses, of rank at most n·o; the whole Hessian where
    the loss is zero.

    Equation: eq:gauss-newton

    Examples
    --------
    >>> import refimpl
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> refimpl.hessian(GaussNewton(risk), theta)  # J Jᵀ, J = (6, 3, 2)
    array([[36., 18., 12.],
           [18.,  9.,  6.],
           [12.,  6.,  4.]])
    """

    def product(self, theta: Array, q: Factors) -> Callable[[Array], Array]:
        """Function v ↦ Jᵀ (∂²ℓ/∂F²) J v: a push forward, a pass back."""
        run = self.risk.run(theta, q)

        def along(v):
            push = self.net.push(run, v)
            return self.net.backward(run, self.risk.push_of(run, push))

        return along


class ResidualCurvature(_Part):
    """R_S with what Gauss–Newton leaves out: the curvature of the network itself.

    Equation: eq:gauss-newton

    Examples
    --------
    >>> import refimpl
    >>> from refimpl.data.example import risk, theta  # f(2) = 3·2
    >>> refimpl.hessian(ResidualCurvature(risk), theta)  # f ∇²f, f = 6
    array([[ 0.,  0., 12.],
           [ 0.,  0.,  6.],
           [12.,  6.,  0.]])
    """

    def product(self, theta: Array, q: Factors) -> Callable[[Array], Array]:
        """Function v ↦ ∇²R_S(θ) v − Jᵀ (∂²ℓ/∂F²) J v."""
        whole = self.risk.product(theta, q)
        part = GaussNewton(self.risk).product(theta, q)
        return lambda v: whole(v) - part(v)
