"""Teachers: two-layer networks whose outputs other networks learn."""

from refimpl.arrays.checks import as_real
from refimpl.core.two_layer import TwoLayer


def teacher(W, b, A, X, activation="tanh"):
    """Outputs (n, o) of a two-layer teacher with weights W (m, d), b (m,), A (o, m)."""
    W, A = as_real("W", W), as_real("A", A)
    if W.ndim != 2 or A.ndim != 2:
        raise ValueError(
            f"W and A must have shapes (m, d) and (o, m), got {W.shape} and {A.shape}"
        )
    net = TwoLayer(W.shape[1], W.shape[0], A.shape[0], activation)
    return net.forward(net.pack(W, b, A), X)
