"""Implicit Regularization of Dropout (Zhang and Xu, TPAMI 2024), as executable code."""

from refimpl.condensation import (
    active,
    amplitude,
    angle,
    cosine_similarity,
    effective_ratio,
    orientation,
    orientation_count,
)
from refimpl.curvature import hessian, hessian_trace, top_eigenvalues
from refimpl.deep import Deep
from refimpl.expectation import Estimate, expectation
from refimpl.landscape import loss_along, normalize_filters
from refimpl.modified_loss import L1
from refimpl.noise import Dropout
from refimpl.optimizers import GD, Adam
from refimpl.regularizers import R1, R1_gradient
from refimpl.risk import Risk
from refimpl.training import Divergence, History, train
from refimpl.two_layer import TwoLayer
