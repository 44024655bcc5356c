"""Losses that hold one part of dropout's effect, as objectives to train on."""

from refimpl.network import Upstream
from refimpl.objective import Objective
from refimpl.regularizers import R1Penalty


class L1(Objective):
    """R_S + R_1: the mean dropout loss without its noise (the paper's L_1).

    Equation: eq:l1

    Parameters
    ----------
    risk : Risk
        With MSE.
    keep : float, or array of one per replica
    """

    def __init__(self, risk, keep):
        self.risk, self.net = risk, risk.net
        self.penalty = R1Penalty(risk, keep)

    @property
    def n(self):
        """Number of samples."""
        return self.risk.n

    def forward(self, theta, q):
        """Forward pass, R_S + R_1 (...), and its `Upstream` derivatives."""
        if any(factor is not None for factor in q):
            raise ValueError("eta must be None: R_S + R_1 has no noise")
        run, risk, (output, _, _) = self.risk.forward(theta, q)
        penalty, (_, hidden, weights) = self.penalty.of(run)
        return run, risk + penalty, Upstream(output, hidden, weights)

    def upstream_push(self, run, push):
        """Directional derivatives of `forward`'s `Upstream`."""
        output, _, _ = self.risk.upstream_push(run, push)
        _, hidden, weights = self.penalty.upstream_push(run, push)
        return Upstream(output, hidden, weights)

    def batch(self, indices):
        """R_S + R_1 of the samples `indices`: both are means over samples."""
        return L1(self.risk.batch(indices), self.penalty.keep)
