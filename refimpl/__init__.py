"""Implicit Regularization of Dropout (Zhang and Xu, TPAMI 2024), as executable code.

The paper on one page
---------------------

==========  =========================================================================
Symbol      Meaning, and where it is
==========  =========================================================================
θ           all parameters as one vector (..., P); ``net.pack``, ``net.unpack``
f(x)        network: `TwoLayer` f = Σ_j a_j σ(w_j·x + b_j); `Deep` of any depth;
            `Convolutional` and `Transformer` (room `layers`)
p           probability that a neuron is kept: ``keep``
η, q        dropout noise, (1−p)/p with probability p, else −1; q = 1 + η multiplies the
            layer: `Dropout`; one mask for all samples as the paper writes, or one per
            sample as frameworks draw it
R_S         empirical risk, with the paper's ½ in the MSE: ``Risk(net, X, Y)(theta)``
R_S^drop    the same with dropout: ``risk(theta, eta)``
E_η         mean over the noise, exact or sampled: `expectation`
R_1         E_η R_S^drop − R_S, in closed form (Lemma 1): `R1`, `R1_gradient`
R_2         (ε/4) E_η ‖∇R_S^drop‖², in closed form: `R2`, `R2_gradient`
beyond      E_η R_S^drop − R_S of any loss and any layer, to O((1−p)²): `main_effects`
L1 to L4    R_S + R_1, R_S + R̃_2, R_S^drop − R̃_2, R_S^drop − R_1: `L1` ... `L4`
==========  =========================================================================

Reading order: ``core/network.py`` (what a pass is), ``two_layer`` (one network, forward
to R-operator), ``objective`` and ``risk`` (what is minimised), ``dropout`` and
``expectation`` (the noise, and its mean), ``r1``, ``r2_tilde``, ``modified_losses``,
``optimizers``, ``training``; then ``theory/r2.py``, and what is measured: ``analysis``;
then ``experiments``. ``fast`` gives the same numbers sooner and may be skipped. Every
equation is derived in ``derivations/``.

Leading axes are replicas: θ may be (R, P), η (R, n, m), and every function keeps them.
The array module, NumPy or CuPy, and the precision follow θ.
"""

from refimpl import data as datasets
from refimpl.analysis.baselines import GaussianGradientNoise, WeightDecay
from refimpl.analysis.condensation import effective_ratio, orientation_count
from refimpl.analysis.eigenvalues import top_eigenvalues
from refimpl.analysis.gauss_newton import GaussNewton, ResidualCurvature
from refimpl.analysis.gradient_check import check_gradient
from refimpl.analysis.hessian import hessian, hessian_trace
from refimpl.analysis.landscape import loss_along, normalize_filters
from refimpl.analysis.orientations import (
    active,
    amplitude,
    angle,
    cosine_similarity,
    orientation,
)
from refimpl.analysis.spectra import quadrature, spectral_density
from refimpl.core.deep import Deep
from refimpl.core.expectation import Estimate, expectation
from refimpl.core.r1 import R1
from refimpl.core.training import Divergence, History, train
from refimpl.core.two_layer import TwoLayer
from refimpl.fast.dropout import Dropout
from refimpl.fast.finite_step import L2, L3
from refimpl.fast.optimizers import GD, Adam
from refimpl.fast.r1 import R1_gradient
from refimpl.fast.two_layer import L1, L4, Risk
from refimpl.layers.networks import Convolutional, Transformer
from refimpl.theory.gradient_noise import gradient_covariance_trace
from refimpl.theory.linear_networks import linear_minimum
from refimpl.theory.main_effects import main_effects, main_effects_gradient
from refimpl.theory.r2 import R2, R2_estimate, R2_gradient, R2_gradient_estimate
from refimpl.version import __version__

__all__ = [
    "GD",
    "L1",
    "L2",
    "L3",
    "L4",
    "R1",
    "R1_gradient",
    "R2",
    "R2_estimate",
    "R2_gradient",
    "R2_gradient_estimate",
    "Adam",
    "Convolutional",
    "Deep",
    "Divergence",
    "Dropout",
    "Estimate",
    "GaussNewton",
    "GaussianGradientNoise",
    "History",
    "ResidualCurvature",
    "Risk",
    "Transformer",
    "TwoLayer",
    "WeightDecay",
    "active",
    "amplitude",
    "angle",
    "check_gradient",
    "cosine_similarity",
    "datasets",
    "effective_ratio",
    "expectation",
    "gradient_covariance_trace",
    "hessian",
    "hessian_trace",
    "linear_minimum",
    "loss_along",
    "main_effects",
    "main_effects_gradient",
    "normalize_filters",
    "orientation",
    "orientation_count",
    "quadrature",
    "spectral_density",
    "top_eigenvalues",
    "train",
]


def __dir__():
    return [*__all__, "__version__"]
