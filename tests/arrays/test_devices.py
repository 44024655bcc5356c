"""On a device every function gives what it gives on the host, where it is proven."""

import importlib
import inspect
import pkgutil
import sys
from copy import copy

import numpy as np
import pytest
import strict
from oracles import assert_close, assert_rejects
from problems import ACTIVATIONS, direction, noise

import refimpl
from refimpl.analysis import eigenvalues, hessian
from refimpl.analysis.baselines import GaussianGradientNoise
from refimpl.arrays import backend
from refimpl.arrays.backend import like
from refimpl.core import optimizers
from refimpl.core.activations import ReLU
from refimpl.core.dropout import Dropout
from refimpl.core.modified_losses import FlattenedDropout
from refimpl.core.r1 import R1Penalty
from refimpl.core.r2_tilde import R2Tilde
from refimpl.core.risk import Risk
from refimpl.fast.enumeration import mean_over_masks
from refimpl.theory import (
    balance,
    central_limit,
    contributions,
    delta_method,
    flow,
    gradient_noise,
    iterates,
    jacobian,
    linear_networks,
    zero_loss,
)
from refimpl.theory.kinks import convexity_changes, kinks
from refimpl.theory.linear_skip import LinearSkip

KEEPS, RATES = np.array([0.5, 0.8]), np.array([0.1, 0.3])  # one a replica, on the host
DROPS = [refimpl.Dropout(0.7, per_sample) for per_sample in (False, True)]


def rng():
    """A generator of the host, whose draws are moved: the same on a device."""
    return np.random.default_rng(0)


def slope(objective, theta, eta=None):
    """Value and gradient."""
    return objective(theta, eta), objective.gradient(theta, eta)


def derivatives(objective, theta, eta=None):
    """Value, gradient and a Hessian product."""
    product = objective.hvp(theta, direction(theta), eta)
    return *slope(objective, theta, eta), product


def trained(objective, theta, optimizer, **options):
    rngs = [np.random.default_rng(seed) for seed in range(2)]
    history = refimpl.train(
        objective, theta, optimizer, 5, rng=rngs, snapshots=[2], **options
    )
    return history.theta, history.loss, history.snapshots[0]


def weights(risk, theta):
    return risk.net.input_weights(theta), risk.net.outgoing_weights(theta)


def at_zero_loss(risk, theta):
    """Risk of the same network on its own outputs at one θ, and that θ."""
    theta = theta[0]
    return refimpl.Risk(risk.net, risk.X, risk.net.forward(theta, risk.X)), theta


def of_path(risk, theta):
    fitted, start = at_zero_loss(risk, theta)
    path = zero_loss.follow_zero_loss(fitted, start, R1Penalty(fitted, 0.5), 1e-2, 2)
    near = zero_loss.to_zero_loss(fitted, start + 1e-3 * direction(start))
    tangent = zero_loss.project_to_tangent(fitted, start, direction(start))
    return path, near, tangent


def of_linear_skip(risk, theta):
    """The network of Theorem 1: one input and output, ReLU."""
    net = LinearSkip(1, 3)
    line = refimpl.Risk(net, risk.X[:, :1], risk.Y[:, :1])
    start = like(rng().standard_normal((2, net.size)), theta)
    changes = convexity_changes(net, start, np.linspace(-1, 1, 5))
    both = [derivatives(one, start) for one in (line, refimpl.L1(line, 0.7))]
    return *both, *kinks(net, start), changes


def of_linear(risk, theta):
    net = refimpl.Deep((2, 3, 4, 2), "identity")
    start = like(rng().standard_normal((2, net.size)), theta)
    return refimpl.Risk(net, risk.X, risk.Y), start


def of_kinks(risk, theta):
    net = refimpl.TwoLayer(2, 4, 2, "relu")
    path = like(rng().standard_normal((2, net.size)), theta)
    own = refimpl.Risk(net, risk.X, risk.Y)
    return jacobian.ntk_trace_change(own, path[:1], path[1:])


def of_activation(risk, theta, activation):
    net = refimpl.Deep((2, 3, 4, 2), activation)
    start = like(rng().standard_normal((2, net.size)), theta)
    return derivatives(refimpl.Risk(net, risk.X, risk.Y), start, noise(risk))


def with_relu(risk):
    """The same data; a network with ReLU."""
    net = copy(risk.net)
    net.activation = ReLU
    return refimpl.Risk(net, risk.X, risk.Y)


def split(risk, theta):
    two = refimpl.TwoLayer(2, 4, 2)
    start = like(rng().standard_normal((2, two.size)), theta)
    wide, many = contributions.split_neurons(two, start, 3)
    return many, wide.forward(many, risk.X)


def stacked(array):
    return backend.get_xp(array).stack([array, 2 * array])


def matrix(theta):
    """A positive matrix of θ's size."""
    B = rng().standard_normal((theta.shape[-1], theta.shape[-1]))
    return like(B @ B.T / len(B), theta)


# What is computed of a risk and of θ (2, P).
CASES = {
    "forward": lambda risk, theta: [
        risk.net.forward(theta, risk.X, eta)
        for eta in (None, noise(risk), noise(risk, False), noise(risk, layers="all"))
    ],
    "R_S": lambda risk, theta: derivatives(risk, theta),
    "R_S^drop": lambda risk, theta: [
        derivatives(risk, theta, noise(risk, per_sample, layers, masks))
        for per_sample in (False, True)
        for layers in ("last", "all")
        for masks in ((2,), (5, 1))
    ],
    "data of each replica": lambda risk, theta: [
        derivatives(refimpl.Risk(risk.net, stacked(risk.X), stacked(risk.Y)), start)
        for start in (theta, theta[0])
    ],
    "one theta, many keeps": lambda risk, theta: [
        derivatives(make(risk, KEEPS), theta[0])
        for make in (R1Penalty, refimpl.L1, refimpl.WeightDecay)
    ],
    "single precision": lambda risk, theta: [
        derivatives(make(risk, KEEPS), theta.astype(np.float32))
        for make in (lambda risk, keep: risk, refimpl.L1, refimpl.L4)
    ],
    "a batch": lambda risk, theta: derivatives(risk.batch(np.array([0, 2])), theta),
    "cross-entropy": lambda risk, theta: [
        derivatives(refimpl.Risk(risk.net, risk.X, Y, "cross_entropy"), theta)
        for Y in (np.array([0, 1, 1]), like(np.full((3, 2), 0.5), theta))
    ],
    "R1Penalty": lambda risk, theta: derivatives(R1Penalty(risk, KEEPS), theta),
    "R1": lambda risk, theta: [
        (refimpl.R1(risk, theta, keep), refimpl.R1_gradient(risk, theta, keep))
        for keep in (0.7, KEEPS)
    ],
    "R~_2": lambda risk, theta: slope(R2Tilde(risk, RATES), theta, noise(risk)),
    "L1": lambda risk, theta: derivatives(refimpl.L1(risk, KEEPS), theta),
    "L2": lambda risk, theta: slope(refimpl.L2(risk, RATES), theta, noise(risk)),
    "L3": lambda risk, theta: slope(refimpl.L3(risk, RATES), theta, noise(risk)),
    "L4": lambda risk, theta: derivatives(refimpl.L4(risk, KEEPS), theta, noise(risk)),
    "flattened": lambda risk, theta: slope(
        FlattenedDropout(risk, RATES), theta, noise(risk)
    ),
    "R2": lambda risk, theta: [
        function(risk, theta, drop, RATES)
        for function in (refimpl.R2, refimpl.R2_gradient)
        for drop in DROPS
    ],
    "R2_estimate": lambda risk, theta: [
        [*function(risk, theta, drop, RATES, 20, rng())]
        for function in (refimpl.R2_estimate, refimpl.R2_gradient_estimate)
        for drop in DROPS
    ],
    "gradient_covariance_trace": lambda risk, theta: [
        function(risk, theta, drop)
        for function in (
            gradient_noise.gradient_covariance_trace,
            gradient_noise.gradient_covariance_trace_gradient,
        )
        for drop in DROPS
    ],
    "expectation": lambda risk, theta: [
        [*refimpl.expectation(fn, drop, risk.net, risk.n, **how)]
        for fn in (
            lambda eta: risk(theta, eta[:, None]),
            lambda eta: risk.gradient(theta, eta[:, None]),
        )
        for drop in DROPS
        for how in ({}, {"method": "monte_carlo", "samples": 30, "rng": rng()})
    ],
    "mean_over_masks": lambda risk, theta: mean_over_masks(risk, theta, DROPS[0]),
    "train": lambda risk, theta: [
        trained(risk, theta, optimizer, dropout=drop, batch_size=size)
        for optimizer in (refimpl.GD(0.1), refimpl.GD(RATES), refimpl.Adam(RATES))
        for drop in (None, *DROPS)
        for size in (None, 2)
    ],
    "train, all of it plain": lambda risk, theta: trained(
        Risk(risk.net, risk.X, risk.Y),
        theta,
        optimizers.Adam(RATES),
        dropout=Dropout(KEEPS, per_sample=True),
    ),
    "train on L1 to L4": lambda risk, theta: [
        trained(make(risk, KEEPS), theta, refimpl.GD(0.1), dropout=drop)
        for make, drop in (
            (refimpl.L1, None),
            (refimpl.L2, DROPS[1]),
            (refimpl.L3, DROPS[1]),
            (refimpl.L4, DROPS[1]),
        )
    ],
    "weight decay": lambda risk, theta: derivatives(
        refimpl.WeightDecay(risk, KEEPS), theta, noise(risk)
    ),
    "gradient noise": lambda risk, theta: trained(
        risk,
        theta,
        GaussianGradientNoise(refimpl.GD(0.1), lambda t: (t * t).sum(axis=-1), rng()),
    ),
    "contributions": lambda risk, theta: (
        contributions.contributions(risk, theta),
        *contributions.r1_split(risk, theta, 0.7),
        contributions.r1_group_norm(risk, theta, 0.7),
    ),
    "delta method": lambda risk, theta: [
        delta_method.delta_regularizer(risk, theta, refimpl.Dropout(0.7, layers=layers))
        for layers in ("last", "all")
    ],
    "moments": lambda risk, theta: refimpl.Dropout(like(KEEPS, theta)).moment(2),
    "main effects": lambda risk, theta: [
        fn(risk, theta, refimpl.Dropout(0.7, layers=layers))
        for fn in (refimpl.main_effects, refimpl.main_effects_gradient)
        for layers in ("last", "all")
    ],
    "balance": lambda risk, theta: (
        balance.balance(risk.net, theta),
        balance.mean_balance_step(with_relu(risk), theta, DROPS[0], 0.1),
    ),
    "linear networks": lambda risk, theta: linear_networks.linear_dropout_effect(
        *of_linear(risk, theta), DROPS[0]
    ),
    "central limit": lambda risk, theta: central_limit.central_limit_regularizer(
        risk, theta, 0.7
    ),
    "activation_hessians": delta_method.activation_hessians,
    "gradient_flow": lambda risk, theta: flow.gradient_flow(
        risk.gradient, theta, [0.1], 1e-7
    ),
    "moment_rates": lambda risk, theta: flow.moment_rates(
        risk, theta[0], matrix(theta), DROPS[0], 0.1
    ),
    "mean_flow": lambda risk, theta: flow.mean_flow(
        risk, theta[0], DROPS[0], 0.1, [0.02], 1e-2
    ),
    "third_derivative": lambda risk, theta: flow.third_derivative(
        risk, theta, matrix(theta)
    ),
    "mean_iterate": lambda risk, theta: iterates.mean_iterate(
        risk, theta, DROPS[0], 0.1, 2
    ),
    "mean_epoch": lambda risk, theta: iterates.mean_epoch(
        risk, theta, DROPS[0].enumerate(risk.net, 3)[1][:4], 0.1
    ),
    "gradient_covariance": lambda risk, theta: iterates.gradient_covariance(
        risk, theta, DROPS[0]
    ),
    "batch_gradient_covariance": lambda risk, theta: iterates.batch_gradient_covariance(
        risk, theta, 2
    ),
    "jacobian": lambda risk, theta: (
        jacobian.output_jacobian(risk, theta),
        jacobian.ntk_trace(risk, theta),
        jacobian.ntk_trace_gradient(risk, theta),
        *of_kinks(risk, theta),
        jacobian.ntk_trace_rate(risk, theta, refimpl.L1(risk, 0.7)),
    ),
    "zero loss": of_path,
    "condensation": lambda risk, theta: (
        refimpl.orientation(weights(risk, theta)[0]),
        refimpl.angle(weights(risk, theta)[0][..., :2]),
        refimpl.amplitude(*weights(risk, theta)),
        refimpl.cosine_similarity(weights(risk, theta)[0]),
        refimpl.active(risk.net, theta, risk.X),
    ),
    "orientations": lambda risk, theta: [
        function(some, *sizes, symmetric=symmetric)
        for some in (weights(risk, theta)[0], weights(risk, theta)[0][..., :2])
        for function, sizes in (
            (refimpl.effective_ratio, ()),
            (refimpl.orientation_count, [refimpl.amplitude(*weights(risk, theta))]),
        )
        for symmetric in (False, True)
    ],
    "hessian": lambda risk, theta: refimpl.hessian(risk, theta),
    "Gauss-Newton": lambda risk, theta: [
        refimpl.hessian(part(risk), theta)
        for part in (refimpl.GaussNewton, refimpl.ResidualCurvature)
    ],
    "top_eigenvalues": lambda risk, theta: refimpl.top_eigenvalues(
        risk, theta, 3, 1e-12
    ),
    "hessian_trace": lambda risk, theta: [
        [*refimpl.hessian_trace(risk, theta, **how)]
        for how in (
            {"method": "exact"},
            {"method": "hutchinson", "probes": 10, "rng": rng()},
        )
    ],
    "landscape": lambda risk, theta: [
        refimpl.loss_along(
            risk,
            theta,
            refimpl.normalize_filters(risk.net, direction(theta), theta, filters),
            [-1.0, 0.0, 0.5],
        )
        for filters in ("layer", "row")
    ],
    "spectra": lambda risk, theta: [
        *refimpl.quadrature(risk, theta[0], 5, 3, rng()),
        *refimpl.spectral_density(
            refimpl.quadrature(risk, theta[0], 5, 3, rng()), np.linspace(-1, 2, 7), 0.2
        ),
    ],
    "linear skip": of_linear_skip,
    "activations": lambda risk, theta: [
        of_activation(risk, theta, activation) for activation in ACTIVATIONS
    ],
    "split_neurons": split,
}


KINDS = ("two-layer", "deep 2")


@pytest.fixture(params=[False, True], ids=["at once", "in parts"])
def in_parts(request, monkeypatch):
    """Whether chunks are small, and networks too large for a dense Hessian."""
    if request.param:
        monkeypatch.setattr(backend, "CHUNK_ELEMENTS", 3000)
        for module in (eigenvalues, hessian):
            monkeypatch.setattr(module, "DENSE_SIZE", 1)


@pytest.mark.usefixtures("in_parts")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_a_device_gives_what_the_host_gives(case, kind, problem, device):
    here = CASES[case](*problem(kind, replicas=(2,)))
    there = CASES[case](*problem(kind, replicas=(2,), xp=device))
    for one, expected in zip(leaves(there), leaves(here), strict=True):
        assert type(one) is device.ndarray and one.dtype == expected.dtype
        assert_close(one, expected, 1e-4 if one.dtype == np.float32 else 1e-9)


@pytest.mark.parametrize("case", CASES)
def test_data_of_the_host_serve_parameters_on_a_device(case, problem, device):
    risk, theta = problem(replicas=(2,))
    here, there = (CASES[case](risk, one) for one in (theta, device.asarray(theta)))
    for one, expected in zip(leaves(there), leaves(here), strict=True):
        assert type(one) is device.ndarray
        assert_close(one, expected, 1e-4 if one.dtype == np.float32 else 1e-9)


# Residuals below 1e-12, and ratios of counts.
OF_DOUBLE_PRECISION = {"zero loss", "orientations"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", sorted(CASES.keys() - OF_DOUBLE_PRECISION))
def test_what_is_computed_has_the_precision_of_the_parameters(case, kind, problem):
    risk, theta = problem(kind, replicas=(2,))
    for found in leaves(CASES[case](risk, theta.astype(np.float32))):
        assert found.dtype == np.float32 or found.dtype.kind in "ib"


def test_another_number_would_be_seen(problem):
    one, other = (
        leaves(CASES["R1"](*problem(replicas=(2,), seed=seed))) for seed in (0, 1)
    )
    for found, wrong in zip(one, other, strict=True):
        assert_rejects(found, wrong, 1e-9)


def leaves(result):
    """The arrays and numbers that nested lists and tuples hold."""
    if not isinstance(result, (list, tuple)):
        return [result]
    return [leaf for part in result for leaf in leaves(part)]


def computing():
    """Functions of the rooms that say by which equation they compute."""
    for room in ("core", "theory", "analysis"):
        package = importlib.import_module(f"refimpl.{room}")
        for found in pkgutil.iter_modules(package.__path__, f"refimpl.{room}."):
            module = importlib.import_module(found.name)
            classes = [one for one in vars(module).values() if inspect.isclass(one)]
            for owner in (module, *classes):
                for value in vars(owner).values():
                    ours = inspect.isfunction(value) and value.__module__ == found.name
                    if ours and "Equation:" in (value.__doc__ or ""):
                        yield f"{found.name}.{value.__qualname__}", value.__code__


# On the host whatever its arguments are: numbers of a data set, not of a network.
OF_THE_HOST = {
    "refimpl.theory.kinks.fewest_convexity_changes",
    "refimpl.theory.infinite_width.infinite_width_minimum",
    "refimpl.theory.infinite_width.network",
    "refimpl.theory.linear_networks.equalised",
    "refimpl.theory.linear_networks.linear_minimum",
}


def test_they_are_all_functions_that_compute(problem):
    called = set()
    with strict.installed():
        before = sys.gettrace()  # that of a measurement of coverage
        sys.settrace(lambda frame, event, argument: called.add(frame.f_code))
        try:
            for case in CASES.values():
                for kind in KINDS:
                    case(*problem(kind, replicas=(2,), xp=strict.device))
        finally:
            sys.settrace(before)
    functions = dict(computing())
    missing = {name for name, code in functions.items() if code not in called}
    assert missing == OF_THE_HOST and len(functions) > 40
