"""R_1: the regularizer that dropout adds to the loss on average."""

from refimpl.arrays.backend import multiply, per_replica
from refimpl.arrays.checks import broadcast_lead, check_risk
from refimpl.arrays.types import Array, ArrayLike, PerReplica
from refimpl.core.dropout import check_keep, noise_variance
from refimpl.core.loss import MSE
from refimpl.core.network import Upstream
from refimpl.core.objective import Objective, OfRisk
from refimpl.core.risk import Risk


class R1Penalty(OfRisk, Objective):
    """R_1 as an objective: value, gradient and Hessian-vector product.

    R_1 = (1−p)/(2np) Σ_i Σ_j ‖a_j‖² h_j(x_i)², with a_j column j of the output weights
    and h the activations of the last hidden layer.

    Equation: eq:r1

    Parameters
    ----------
    risk : Risk
        With MSE, for which R_1 is exact: E_η R_S^drop = R_S + R_1 for dropout after
        the last hidden layer, any width, depth and number of outputs.
    keep : float, or array of one per replica

    Raises
    ------
    ValueError
        If the loss is not MSE, or keep is outside (0, 1].
    """

    of_replicas = ("keep",)

    def __init__(self, risk: Risk, keep: PerReplica) -> None:
        if check_risk(risk).loss is not MSE:
            raise ValueError("R1 holds for loss 'mse', got a risk with another loss")
        super().__init__(risk)
        self.keep = check_keep(keep)

    @property
    def lead(self) -> tuple[int, ...]:
        """Replica axes of data and keep."""
        keep = getattr(self.keep, "shape", ())
        return broadcast_lead("data and keep", self.risk.lead, keep)

    def forward(self, theta, q):
        """Forward pass, R_1 (...), and its `Upstream` derivatives."""
        if any(factor is not None for factor in q):
            raise ValueError("eta must be None: R_1 is a mean over the noise")
        X, _ = self.risk.prepared(theta)
        run = self.net.run(theta, X)
        return run, *self.of(run)

    def of(self, run):
        """R_1 (...) and its `Upstream` derivatives, from a forward pass.

        Equation: eq:r1
        """
        h, A = run.hidden, run.A
        c = self._coefficient(h)
        energy = multiply(h, h).sum(axis=-2, keepdims=True)  # Σ_i h_ij²  (..., 1, m)
        weights = A * (c * energy)
        norm = (A * A).sum(axis=-2, keepdims=True)  # ‖a_j‖²  (..., 1, m)
        value = 0.5 * (A * weights).sum(axis=(-2, -1))
        return value, Upstream(weights=weights, energy=c * norm)

    def upstream_push(self, run, push):
        """Directional derivatives of the `Upstream` of `of`."""
        h, A = run.hidden, run.A
        c = self._coefficient(h)
        energy = (h * h).sum(axis=-2)[..., None, :]
        norm = (A * A).sum(axis=-2)[..., None, :]
        energy_push = 2 * (h * push.hidden).sum(axis=-2)[..., None, :]
        norm_push = 2 * (A * push.A).sum(axis=-2)[..., None, :]
        return Upstream(
            hidden=c * (norm_push * h + norm * push.hidden),
            weights=c * (push.A * energy + A * energy_push),
        )

    def _coefficient(self, h):
        """(1−p)/(np), broadcast against (..., n, m)."""
        variance = noise_variance(self.keep)
        if not isinstance(variance, float):
            broadcast_lead("theta and keep", h.shape[:-2], variance.shape)
            variance = per_replica(variance, h, axes=2)
        return variance / self.n


def R1(risk: Risk, theta: ArrayLike, keep: PerReplica) -> Array:
    """Mean extra loss of dropout after the last hidden layer.

    R_1 = (1−p)/(2np) Σ_i Σ_j ‖W^[L]_j f^[L−1]_j(x_i)‖². Exact for MSE, any width, depth
    and number of outputs, and the same for shared and per-sample masks.

    Equation: eq:r1

    Parameters
    ----------
    risk : Risk
    theta : (..., P)
    keep : float, or array of one per replica

    Returns
    -------
    value : (...)

    Raises
    ------
    ValueError
        If the loss is not MSE, keep is outside (0, 1], or theta does not fit.

    Examples
    --------
    >>> import numpy as np, refimpl
    >>> net = refimpl.TwoLayer(1, 1, activation="identity")
    >>> risk = refimpl.Risk(net, [[2.0]], [[0.0]])
    >>> float(R1(risk, net.pack([[1.0]], [0.0], [[3.0]]), keep=0.5))  # ½ (3·2)²
    18.0

    References
    ----------
    Zhang and Xu, Implicit Regularization of Dropout, Lemma 1.
    """
    return R1Penalty(risk, keep)(theta)


def R1_gradient(risk: Risk, theta: ArrayLike, keep: PerReplica) -> Array:
    """Gradient (..., P) of `R1`, by hand.

    Equation: eq:r1-gradient

    Examples
    --------
    >>> import refimpl
    >>> net = refimpl.TwoLayer(1, 1, activation="identity")
    >>> risk = refimpl.Risk(net, X=[[2.0]], Y=[[0.0]])
    >>> theta = net.pack(W=[[1.0]], b=[0.0], A=[[3.0]])  # f(2) = 3·2
    >>> R1_gradient(risk, theta, keep=0.5)  # of ½ a² (2w + b)², in (w, b, a)
    array([36., 18., 12.])
    """
    return R1Penalty(risk, keep).gradient(theta)
