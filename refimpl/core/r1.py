"""R_1: the regularizer that dropout adds to the loss on average."""

from refimpl.arrays.backend import per_replica
from refimpl.arrays.types import Array, ArrayLike, PerReplica
from refimpl.core.dropout import last_layer_keep, noise_variance
from refimpl.core.loss import MSE
from refimpl.core.network import Upstream
from refimpl.core.objective import Objective, OfRisk
from refimpl.core.risk import Risk, check_risk


class R1Penalty(OfRisk, Objective):
    """R_1 = (1−p)/(2np) Σ_i Σ_j ‖a_j‖² h_j(x_i)² as an objective.

    Arguments are those of `R1`; a_j is column j of the output weights, h the
    activations of the last hidden layer.
    """

    noisy = False  # it is a mean over the noise
    by_replica = ("keep",)

    def __init__(self, risk: Risk, keep: PerReplica) -> None:
        if check_risk(risk).loss is not MSE:
            raise ValueError("R1 holds for loss 'mse'; main_effects takes any loss")
        self.risk, self.keep = risk, last_layer_keep(keep, risk.net, "keep")

    def of(self, run):
        """R_1 (...), and its derivatives for F, h and A. Equation: eq:r1"""
        h, A, c = run.h, run.A, self._coefficient(run.h)
        energy = (h * h).sum(axis=-2, keepdims=True)  # Σ_i h_ij²
        norm = (A * A).sum(axis=-2, keepdims=True)  # ‖a_j‖² = Σ_k a_kj²
        value = 0.5 * (c * norm * energy).sum(axis=(-2, -1))
        return value, Upstream(0 * run.F, c * norm * h, c * energy * A)

    def push_of(self, run, push):
        """Directional derivatives of the derivatives that `of` returns."""
        h, A, c = run.h, run.A, self._coefficient(run.h)
        energy = (h * h).sum(axis=-2, keepdims=True)
        norm = (A * A).sum(axis=-2, keepdims=True)
        energy_push = 2 * (h * push.h).sum(axis=-2, keepdims=True)
        norm_push = 2 * (A * push.A).sum(axis=-2, keepdims=True)
        dh_push = c * (norm_push * h + norm * push.h)
        dA_push = c * (energy_push * A + energy * push.A)
        return Upstream(0 * push.F, dh_push, dA_push)

    def _coefficient(self, h):
        """(1−p)/(np), broadcast against (..., n, m)."""
        return per_replica(noise_variance(self.keep) / self.n, h, axes=2)


def R1(risk: Risk, theta: ArrayLike, keep: PerReplica) -> Array:
    """Mean extra loss of dropout after the last hidden layer (Lemma 1).

    R_1 = (1−p)/(2np) Σ_i Σ_j ‖W^[L]_j f^[L−1]_j(x_i)‖². Exact for MSE, any width, depth
    and number of outputs, and the same for shared and per-sample masks.

    Equation: eq:r1

    Value (...) for θ (..., P). `risk` has the loss MSE, and `keep` is p, in (0, 1], one
    number or one per replica, or a `Dropout` with that; else ``ValueError``.

    Examples
    --------
    >>> from refimpl.data.example import risk, theta
    >>> float(R1(risk, theta, keep=0.5))  # ½ (3·2)²
    18.0
    """
    return R1Penalty(risk, keep)(theta)


def R1_gradient(risk: Risk, theta: ArrayLike, keep: PerReplica) -> Array:
    """Gradient (..., P) of `R1`, by hand.

    Equation: eq:r1-gradient

    Examples
    --------
    >>> from refimpl.data.example import risk, theta
    >>> R1_gradient(risk, theta, keep=0.5)  # of ½ a² (2w + b)², in (w, b, a)
    array([36., 18., 12.])
    """
    return R1Penalty(risk, keep).gradient(theta)
