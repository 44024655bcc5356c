"""Balance of a ReLU neuron: what a step does to ‖a_j‖² − ‖(w_j, b_j)‖².

Whatever the mask and the loss, a_j·∂R/∂a_j = (w_j, b_j)·∂R/∂(w_j, b_j): the risk sees a
positively homogeneous neuron through the product of the two only. So the term of first
order in ε cancels from a step of gradient descent, and what is left is its square.
"""

from refimpl.arrays.backend import get_xp
from refimpl.arrays.checks import check_positive
from refimpl.core.activations import Identity, ReLU
from refimpl.core.r1 import R1_gradient
from refimpl.theory.iterates import gradient_covariance


def balance(net, theta, layer=0):
    """‖a_j‖² − ‖(w_j, b_j)‖² of every neuron of a hidden layer: (..., m).

    a_j are the weights that leave it, (w_j, b_j) its input weights with the bias. A
    step θ − εg of gradient descent on R_S^drop changes it by ε² times the balance of g,
    for any mask, batch, loss and layer, if the activation is ReLU or the identity
    and nothing skips past a_j, as the connections of a residual network do.

    Equation: eq:balance

    Examples
    --------
    >>> import refimpl
    >>> net = refimpl.TwoLayer(1, 1, activation="relu")
    >>> balance(net, net.pack(W=[[1.0]], b=[2.0], A=[[3.0]]))
    array([4.])
    """
    leaving, incoming = (
        (weights(theta, layer) ** 2).sum(axis=-1)
        for weights in (net.outgoing_weights, net.input_weights)
    )
    return leaving - incoming


def mean_balance_step(risk, theta, drop, epsilon):
    """Mean change (..., m) of the last hidden layer's `balance` in a step with dropout.

    ε² (B(∇(R_S + R_1)) + tr Cov of ∂R/∂a_j − tr Cov of ∂R/∂(w_j, b_j)). The covariance
    is that of R_2; here it acts on the mean after every finite number of steps.

    For MSE, ReLU or the identity, and dropout after the last hidden layer; few enough
    masks to enumerate; else ``ValueError``.

    Equation: eq:balance-mean

    Examples
    --------
    >>> import refimpl
    >>> net = refimpl.TwoLayer(1, 1, activation="relu")
    >>> risk = refimpl.Risk(net, X=[[2.0]], Y=[[0.0]])
    >>> theta = net.pack(W=[[1.0]], b=[0.0], A=[[3.0]])  # f(2) = 3·2
    >>> drop = refimpl.Dropout(0.5)  # g = 24 (2; 3·2, 3) or 0
    >>> mean_balance_step(risk, theta, drop, epsilon=0.1)  # 0.01·½·24² (2² − 3²·5)
    array([-118.08])
    """
    epsilon = check_positive("epsilon", epsilon)
    net, last = risk.net, len(risk.net.hidden) - 1
    if net.activation not in (Identity, ReLU):
        raise ValueError(
            "risk must be of a network with activation relu or identity, got "
            f"{net.activation.__name__.lower()}"
        )
    mean = risk.gradient(theta) + R1_gradient(risk, theta, drop)
    covariance = gradient_covariance(risk, theta, drop)
    variances = get_xp(covariance).diagonal(covariance, axis1=-2, axis2=-1)
    leaving = net.outgoing_weights(variances, last).sum(axis=-1)
    incoming = net.input_weights(variances, last).sum(axis=-1)
    return epsilon**2 * (balance(net, mean, last) + leaving - incoming)
