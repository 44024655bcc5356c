"""Bad input gets an error that names the argument, the value and what is allowed."""

import re
from pathlib import Path

import numpy as np
import pytest

import refimpl
from refimpl import datasets
from refimpl.analysis import condensation
from refimpl.reproduce import cli
from refimpl.theory import contributions, flow
from refimpl.theory.balance import mean_balance_step
from refimpl.theory.central_limit import central_limit_regularizer
from refimpl.theory.delta_method import delta_regularizer
from refimpl.theory.infinite_width import infinite_width_minimum
from refimpl.theory.iterates import batch_gradient_covariance
from refimpl.theory.zero_loss import follow_zero_loss, to_zero_loss

NET = refimpl.TwoLayer(2, 3, 2)
DEEP = refimpl.Deep((2, 4, 3, 2))
X, Y = np.ones((5, 2)), np.ones((5, 2))
RISK = refimpl.Risk(NET, X, Y)
ONE = refimpl.Risk(refimpl.TwoLayer(2, 3), X, np.ones(5))
ENTROPY = refimpl.Risk(NET, X, np.zeros(5, int), loss="cross_entropy")
THETA = np.ones(NET.size)
DROP = refimpl.Dropout(0.5)
RNG = np.random.default_rng(0)
GD = refimpl.GD(0.1)
WEIGHTS = np.ones((4, 3))
KEEPS = np.array([0.5, 0.8])


def with_value(array, value):
    changed = np.array(array, dtype=float)
    changed.flat[0] = value
    return changed


def mean(**how):
    return refimpl.expectation(lambda eta: RISK(THETA, eta), DROP, NET, 5, **how)


class Returning:
    """Gradient descent that forgets to change θ."""

    learning_rate = 0.1

    def start(self, theta):
        return lambda gradient: theta - 0.1 * gradient


CASES = {
    # networks
    "no inputs": (lambda: refimpl.TwoLayer(0, 3), "inputs must be an integer of at least 1, got 0"),
    "no width": (lambda: refimpl.TwoLayer(1, 0), "width must be an integer of at least 1, got 0"),
    "half a neuron": (lambda: refimpl.TwoLayer(1, 2.5), "width .* got 2.5"),
    "a width of 2.0": (lambda: refimpl.TwoLayer(1, 2.0), "width must be an integer .* got 2.0"),
    "no outputs": (lambda: refimpl.TwoLayer(1, 2, -1), "outputs .* got -1"),
    "a width of True": (lambda: refimpl.TwoLayer(1, True), "width .* got True"),
    "no hidden layer": (lambda: refimpl.Deep((2, 1)), r"widths .* at least three .* \(2, 1\)"),
    "an empty layer": (lambda: refimpl.Deep((2, 0, 1)), "widths .* got 0"),
    "widths in words": (lambda: refimpl.Deep("abc"), "widths must be an integer of at least 1"),
    "unknown activation": (
        lambda: refimpl.TwoLayer(1, 2, activation="gelu"),
        "activation must be one of identity, relu, tanh, got 'gelu'",
    ),
    "negative std": (lambda: NET.init(RNG, std=-1.0), "std must be finite and at least 0"),
    "two stds for three layers": (
        lambda: DEEP.init(RNG, std=(1.0, 1.0)),
        r"one number or 3, got \(1.0, 1.0\)",
    ),
    "parameters that do not fit": (
        lambda: NET.pack(np.ones((3, 2)), np.ones(4), np.ones((2, 3))),
        r"parameter array 2 of 3 must have trailing shape \(3,\), got shape \(4,\)",
    ),
    "a parameter array too few": (
        lambda: DEEP.pack([(np.ones((4, 2)), np.ones(4))]),
        "6 arrays, got 2",
    ),
    "parameters whose replicas differ": (
        lambda: NET.pack(np.ones((2, 3, 2)), np.ones((5, 3)), np.ones((2, 3))),
        r"leading axes of parameters must broadcast, got \(2,\), \(5,\)",
    ),
    "a layer that is not there": (
        lambda: DEEP.input_weights(np.ones(DEEP.size), layer=2),
        "layer must be a hidden layer, 0 to 1, got 2",
    ),
    "a second layer of two": (
        lambda: NET.input_weights(THETA, layer=1),
        "layer must be a hidden layer, 0 to 0, got 1",
    ),
    "weights that leave no layer": (
        lambda: NET.outgoing_weights(THETA, layer=-1),
        "layer must be a hidden layer, 0 to 0, got -1",
    ),
    "a seed below zero": (lambda: NET.init(-1), "rng must be a random generator.* or its seed, .* got -1"),
    # theta, X, Y
    "theta too short": (lambda: RISK(THETA[:-1]), r"theta must have shape \(..., 15\)"),
    "theta a number": (lambda: RISK(1.0), r"theta .* got shape \(\)"),
    "theta in words": (lambda: RISK("abc"), "theta must be an array of numbers, got str"),
    "NaN in theta": (
        lambda: RISK(with_value(THETA, np.nan)),
        "theta must be finite, got 1 NaN or infinite of 15",
    ),
    "infinity in theta": (lambda: RISK.gradient(with_value(THETA, np.inf)), "theta .* finite"),
    "NaN in the direction": (lambda: RISK.hvp(THETA, with_value(THETA, np.nan)), "v must be finite"),
    "a direction too long": (lambda: RISK.hvp(THETA, np.ones(16)), r"v must have shape \(..., 15\)"),
    "X with a column too many": (
        lambda: refimpl.Risk(NET, np.ones((5, 3)), Y),
        r"X must have shape \(..., n, 2\), .* got shape \(5, 3\)",
    ),
    "X a vector": (lambda: refimpl.Risk(NET, np.ones(2), Y), r"X .* got shape \(2,\)"),
    "X without samples": (
        lambda: refimpl.Risk(NET, np.ones((0, 2)), np.ones((0, 2))),
        r"X must have at least one sample, got shape \(0, 2\)",
    ),
    "NaN in X": (lambda: refimpl.Risk(NET, with_value(X, np.nan), Y), "X must be finite"),
    "infinity in Y": (lambda: refimpl.Risk(NET, X, with_value(Y, -np.inf)), "Y must be finite"),
    "Y of other samples": (
        lambda: refimpl.Risk(NET, X, np.ones((4, 2))),
        r"Y must have shape \(..., 5, 2\).* got shape \(4, 2\)",
    ),
    "Y a vector that would broadcast": (
        lambda: refimpl.Risk(refimpl.TwoLayer(2, 3), X, np.ones(4)),
        r"Y must have shape \(..., 5, 1\).* got shape \(4,\)",
    ),
    "Y a vector for two outputs": (
        lambda: refimpl.Risk(refimpl.TwoLayer(2, 3, 2), X, np.ones(5)),
        r"Y must have shape \(..., 5, 2\).* got shape \(5,\)",
    ),
    "replicas of X and Y that differ": (
        lambda: refimpl.Risk(NET, np.ones((2, 5, 2)), np.ones((3, 5, 2))),
        r"leading axes of X and Y must broadcast, got \(2,\), \(3,\)",
    ),
    "unknown loss": (
        lambda: refimpl.Risk(NET, X, Y, loss="hinge"),
        "loss must be one of mse, cross_entropy, got 'hinge'",
    ),
    "a label too large": (
        lambda: refimpl.Risk(NET, X, np.full(5, 2), loss="cross_entropy"),
        "Y must hold labels 0 to 1, one for each output, got 2 to 2",
    ),
    "labels of other samples": (
        lambda: refimpl.Risk(NET, X, np.zeros(4, int), loss="cross_entropy"),
        r"Y must be integer labels \(5,\)",
    ),
    "rows that are no probabilities": (
        lambda: refimpl.Risk(NET, X, Y, loss="cross_entropy"),
        "each row summing to 1, got rows that sum to 2.0",
    ),
    # noise
    "keep 0": (lambda: refimpl.Dropout(0), r"keep must lie in \(0, 1\], got 0"),
    "keep above 1": (lambda: refimpl.Dropout(1.5), r"keep .* got 1.5"),
    "keep NaN": (lambda: refimpl.Dropout(float("nan")), r"keep must lie in .* got nan"),
    "keep in words": (lambda: refimpl.Dropout("half"), "keep must lie in .* got 'half'"),
    "keep True": (lambda: refimpl.Dropout(True), "keep must lie in .* got True"),
    "a keep of one replica above 1": (
        lambda: refimpl.Dropout(np.array([0.5, 2.0])),
        r"keep must lie in \(0, 1\]",
    ),
    "keeps for one layer": (
        lambda: refimpl.Dropout((0.5, 0.5)),
        "keep must be one probability when layers='last', got 2",
    ),
    "keeps for other layers": (
        lambda: refimpl.Dropout((0.5, 0.5, 0.5), layers="all").draw(DEEP, 5, RNG),
        r"keep must have one entry per hidden layer \(2\), got 3",
    ),
    "unknown layers": (
        lambda: refimpl.Dropout(0.5, layers="first"),
        "layers must be 'last' or 'all', got 'first'",
    ),
    "per_sample in words": (
        lambda: refimpl.Dropout(0.5, per_sample="yes"),
        "per_sample must be True or False, got 'yes'",
    ),
    "too many masks": (
        lambda: refimpl.Dropout(0.5, per_sample=True).enumerate(NET, 7),
        r"2\^20 = 1048576 masks, .* 2\^21",
    ),
    "far too many masks": (
        lambda: DROP.enumerate(refimpl.TwoLayer(1, 1000), 1),
        r"2\^1000",
    ),
    "masks of many keeps": (
        lambda: refimpl.Dropout(np.array([0.5, 0.6])).enumerate(NET, 1),
        "keep must be one number per layer to enumerate",
    ),
    "a keep for each of no replicas": (
        lambda: refimpl.Dropout(np.array([0.5, 0.6])).draw(NET, 1, RNG),
        r"keep must be .* the replicas, of shape \(\), got an array of shape \(2,\)",
    ),
    "keeps for other replicas": (
        lambda: refimpl.Dropout(np.array([0.5, 0.6])).draw(NET, 1, RNG, 3),
        r"the replicas, of shape \(3,\), got an array of shape \(2,\)",
    ),
    "batch of fractions": (lambda: RISK.batch(np.array([0.5])), r"indices must be integers in -5 to 4, .* got array"),
    "one batch for two data sets": (
        lambda: refimpl.Risk(refimpl.TwoLayer(1, 2), np.ones((2, 3, 1)), np.ones((2, 3, 1))).batch(np.array([0])),
        r"indices must have shape \(R, B\), a row for each of several data sets of shape \(2, 3, 1\)",
    ),
    "noise for no sample": (lambda: DROP.draw(NET, 0, RNG), "n must be an integer of at least 1, got 0"),
    "masks for no sample": (lambda: DROP.enumerate(NET, -1), "n must be .* got -1"),
    "noise from half a seed": (lambda: DROP.draw(NET, 1, 0.5), "rng must be a random generator.* got 0.5"),
    "generators for other replicas": (
        lambda: DROP.draw(NET, 1, [RNG, RNG], 3),
        r"samples must begin with the number of generators, 2, got \(3,\)",
    ),
    "eta without sample axis": (
        lambda: RISK(THETA, np.zeros(3)),
        r"eta must have shape \(..., 1, 3\) or \(..., 5, 3\), got \(3,\)",
    ),
    "eta of other samples": (lambda: RISK(THETA, np.zeros((4, 3))), r"eta .* got \(4, 3\)"),
    "eta of another layer": (lambda: RISK(THETA, np.zeros((1, 4))), r"eta .* got \(1, 4\)"),
    "eta a list": (lambda: RISK(THETA, [[0.0] * 3]), "eta .* got list"),
    "eta of other layers": (
        lambda: DEEP.forward(np.ones(DEEP.size), X, (np.zeros((1, 4)),)),
        r"eta must have one entry per hidden layer \(2\), got 1",
    ),
    "eta and theta of other replicas": (
        lambda: RISK(np.ones((2, NET.size)), np.zeros((3, 1, 3))),
        r"leading axes of theta and eta must broadcast, got \(2,\), \(3,\)",
    ),
    "NaN in eta": (
        lambda: RISK(THETA, with_value(np.zeros((1, 3)), np.nan)),
        "eta must be finite, got 1 NaN or infinite of 3",
    ),
    "no keeps": (
        lambda: refimpl.Dropout((), layers="all"),
        "keep must have one entry per hidden layer, got none",
    ),
    "a cosine in words": (
        lambda: condensation.effective_ratio(WEIGHTS, threshold="a"),
        r"threshold must lie in \[0, 1\), got 'a'",
    ),
    "mass in words": (
        lambda: condensation.orientation_count(WEIGHTS, np.ones(4), mass="a"),
        r"mass must lie in \(0, 1\], got 'a'",
    ),
    # expectation
    "unknown method": (
        lambda: mean(method="guess"),
        "method must be 'exact' or 'monte_carlo', got 'guess'",
    ),
    "the exact mean over too many masks": (
        lambda: refimpl.expectation(len, DROP, refimpl.TwoLayer(1, 1000), 1),
        r"limited to 2\^20 = 1048576 masks, .* 2\^1000",
    ),
    "no samples": (lambda: mean(method="monte_carlo", rng=RNG), "samples .* got None"),
    "one sample": (lambda: mean(method="monte_carlo", samples=1, rng=RNG), "at least 2, got 1"),
    "no generator": (lambda: mean(method="monte_carlo", samples=5), "rng must be .* got None"),
    # regularizers
    "R1 for cross-entropy": (lambda: refimpl.R1(ENTROPY, THETA, 0.5), "R1 holds for loss 'mse'"),
    "R1 with keep 0": (lambda: refimpl.R1(RISK, THETA, 0.0), r"keep must lie in \(0, 1\]"),
    "R1 with keeps for other replicas": (
        lambda: refimpl.R1(RISK, np.ones((3, NET.size)), np.array([0.5, 0.6])),
        r"leading axes of theta, eta, data and parameters must broadcast, got \(3,\), \(2,\)",
    ),
    "noise for R_S + R_1": (
        lambda: refimpl.L1(RISK, 0.5)(THETA, np.zeros((1, 3))),
        "eta and dropout must be None: L1",
    ),
    "a mask for the noise": (
        lambda: RISK(THETA, np.ones((1, 3), bool)),
        r"eta must be the noise, \(1−p\)/p or −1, got a mask of bool",
    ),
    "half precision": (
        lambda: RISK(THETA.astype(np.float16)),
        "theta must be float32 or float64, got float16",
    ),
    "two classes of one output": (
        lambda: refimpl.Risk(ONE.net, X, [0, 1, 0, 1, 0], loss="cross_entropy"),
        "Y must hold labels 0 to 0, .* got 0 to 1; two classes take two outputs",
    ),
    "an objective for its gradient": (
        lambda: flow.gradient_flow(RISK, THETA, [1.0]),
        r"gradient must return an array of theta's shape \(15,\), got \(\)",
    ),
    # training
    "an update that returns": (
        lambda: refimpl.train(RISK, THETA, Returning(), 1),
        "optimizer.start.theta. must give a function that changes theta in place",
    ),
    "learning rates in a list": (
        lambda: refimpl.GD([0.1, 0.2]),
        r"learning_rate must be positive .*, a number or an array \(R,\) of them",
    ),
    "a trace below zero": (
        lambda: refimpl.train(
            RISK, THETA, refimpl.GaussianGradientNoise(GD, lambda theta: -np.ones(()), RNG), 1
        ),
        r"trace\(theta\) must not be negative, got -1",
    ),
    "no steps": (lambda: refimpl.train(RISK, THETA, GD, 0), "steps .* got 0"),
    "half steps": (lambda: refimpl.train(RISK, THETA, GD, 1.5), "steps .* got 1.5"),
    "learning rate 0": (lambda: refimpl.GD(0), "learning_rate must be positive .* got 0"),
    "learning rate NaN": (lambda: refimpl.Adam(float("nan")), "learning_rate .* got nan"),
    "learning rates for other replicas": (
        lambda: refimpl.train(RISK, THETA, refimpl.GD(np.ones(3)), 1),
        r"learning_rate must be a number or have shape \(\), .* got shape \(3,\)",
    ),
    "beta 1": (lambda: refimpl.Adam(0.1, betas=(1.0, 0.9)), r"betas must lie in \[0, 1\)"),
    "one beta": (lambda: refimpl.Adam(0.1, betas=(0.9,)), r"betas must be two numbers, got \(0.9,\)"),
    "no betas": (lambda: refimpl.Adam(0.1, betas=None), "betas must be two numbers, got None"),
    "epsilon 0": (lambda: refimpl.Adam(0.1, epsilon=0), "epsilon must be positive and finite, got 0"),
    "a snapshot after the end": (
        lambda: refimpl.train(RISK, THETA, GD, 3, snapshots=[4]),
        "snapshots must be integers in 0 to 3, got 4",
    ),
    "a snapshot in between": (
        lambda: refimpl.train(RISK, THETA, GD, 3, snapshots=[0.5]),
        "snapshots must be integers in 0 to 3, got 0.5",
    ),
    "a snapshot at NaN": (
        lambda: refimpl.train(RISK, THETA, GD, 3, snapshots=[float("nan")]),
        "snapshots must be integers in 0 to 3, got nan",
    ),
    "half a sample": (
        lambda: refimpl.train(RISK, THETA, GD, 1, batch_size=2.5, rng=RNG),
        "batch_size must be an integer in 1 to 5, got 2.5",
    ),
    "generators for other replicas of theta": (
        lambda: refimpl.train(RISK, np.ones((3, NET.size)), GD, 1, batch_size=2, rng=[RNG] * 2),
        r"rng must be one generator, or one for each .*\(3,\), got 2",
    ),
    "a generator each of no replicas": (
        lambda: refimpl.train(RISK, THETA, GD, 1, DROP, rng=[RNG]),
        r"rng must be one generator, or one for each .*\(\), got 1",
    ),
    "dropout without generator": (
        lambda: refimpl.train(RISK, THETA, GD, 1, DROP),
        "rng must be given for dropout or batches, got None",
    ),
    "a batch larger than the data": (
        lambda: refimpl.train(RISK, THETA, GD, 1, batch_size=6, rng=RNG),
        "batch_size must be an integer in 1 to 5, got 6",
    ),
    "NaN in the start": (
        lambda: refimpl.train(RISK, with_value(THETA, np.nan), GD, 1),
        "theta must be finite",
    ),
    # measures
    "no eigenvalue": (lambda: refimpl.top_eigenvalues(RISK, THETA, 0), "k .* 1 to 15, got 0"),
    "too many eigenvalues": (lambda: refimpl.top_eigenvalues(RISK, THETA, 16), "k .* got 16"),
    "the Hessian of many data sets at one theta": (
        lambda: refimpl.hessian(refimpl.Risk(NET, np.ones((15, 5, 2)), Y), THETA),
        r"theta must have the replica axes of data and keep, \(15,\), got \(\)",
    ),
    "the trace for many keeps at one theta": (
        lambda: refimpl.hessian_trace(refimpl.L1(RISK, np.array([0.5, 0.6])), THETA),
        r"theta must have the replica axes of data and keep, \(2,\), got \(\)",
    ),
    "eigenvalues of many data sets": (
        lambda: refimpl.top_eigenvalues(
            refimpl.Risk(NET, np.ones((2, 5, 2)), Y), np.ones((2, NET.size))
        ),
        r"risk must have no replica axes of its own, of data or keep, got \(2,\)",
    ),
    "eigenvalues of many keeps": (
        lambda: refimpl.top_eigenvalues(refimpl.L1(RISK, KEEPS), np.ones((2, NET.size))),
        r"risk must have no replica axes of its own, of data or keep, got \(2,\)",
    ),
    "a spectrum of many keeps": (
        lambda: refimpl.quadrature(refimpl.L1(RISK, KEEPS), THETA, 3),
        r"risk must have no replica axes of its own, of data or keep, got \(2,\)",
    ),
    "unknown trace": (
        lambda: refimpl.hessian_trace(RISK, THETA, "guess"),
        "method must be 'exact' or 'hutchinson', got 'guess'",
    ),
    "one probe": (
        lambda: refimpl.hessian_trace(RISK, THETA, "hutchinson", probes=1),
        "probes must be an integer of at least 2, got 1",
    ),
    "unknown filters": (
        lambda: refimpl.normalize_filters(NET, THETA, THETA, "column"),
        "filters must be 'layer' or 'row', got 'column'",
    ),
    "a direction too short": (
        lambda: refimpl.loss_along(RISK, THETA, THETA[:-1], [0.0]),
        r"direction must have shape \(..., 15\)",
    ),
    "a direction with NaN": (
        lambda: refimpl.normalize_filters(NET, with_value(THETA, np.nan), THETA),
        "direction must be finite",
    ),
    "a point at infinity": (
        lambda: refimpl.loss_along(RISK, THETA, THETA, [np.inf]),
        "steps must be finite",
    ),
    "NaN in weights": (
        lambda: condensation.effective_ratio(with_value(WEIGHTS, np.nan)),
        "weights must be finite, got 1 NaN or infinite of 12",
    ),
    "outgoing weights of other neurons": (
        lambda: refimpl.amplitude(WEIGHTS, np.ones((1, 2))),
        r"outgoing must have shape \(..., 4, o\), .* got shape \(1, 2\)",
    ),
    "activity of a layer that is not there": (
        lambda: refimpl.active(DEEP, np.ones(DEEP.size), X, layer=2),
        "layer must be a hidden layer, 0 to 1, got 2",
    ),
    "an angle in space": (lambda: refimpl.angle(WEIGHTS), r"shape \(..., m, 2\)"),
    "weights without rows": (
        lambda: refimpl.orientation(np.ones((0, 2))),
        r"m at least 1, got shape \(0, 2\)",
    ),
    "a cosine of 1": (
        lambda: condensation.effective_ratio(WEIGHTS, threshold=1.0),
        r"threshold must lie in \[0, 1\), got 1.0",
    ),
    "mass 0": (
        lambda: condensation.orientation_count(WEIGHTS, np.ones(4), mass=0),
        r"mass must lie in \(0, 1\], got 0",
    ),
    "amplitudes of other neurons": (
        lambda: condensation.orientation_count(WEIGHTS, np.ones(3)),
        r"amplitudes must have shape \(4,\), .* got shape \(3,\)",
    ),
    "negative amplitudes": (
        lambda: condensation.orientation_count(WEIGHTS, -np.ones(4)),
        "amplitudes must be finite and at least 0",
    ),
    # data
    "no digits": (lambda: datasets.digits(RNG, 0), "n_train must be an integer in 1 to 1796, got 0"),
    "half a digit": (lambda: datasets.digits(RNG, 10.5), "n_train .* got 10.5"),
    "digits from a truth": (lambda: datasets.digits(True), "rng must be a random generator.* got True"),
    "half a part of the digits": (lambda: datasets.digits(RNG, 9, 0.5), "part must be an integer .* got 0.5"),
    "a target without points": (lambda: datasets.tanh_pair(0), "n must be .* at least 1, got 0"),
    "a target of half a point": (lambda: datasets.relu_pair(0.5), "n must be .* got 0.5"),
    "too many digits": (lambda: datasets.digits(RNG, 1797), "n_train .* got 1797"),
    "mnist of nowhere": (lambda: datasets.mnist("/nowhere"), "/nowhere has no file train-"),
    "too much mnist": (lambda: datasets.mnist(".", 60001), "n_train .* got 60001"),
    # what an argument is
    "a number for a network": (lambda: refimpl.Risk(3, X, Y), "net must be a network, TwoLayer or Deep, got 3"),
    "the class of a network": (lambda: refimpl.Risk(refimpl.TwoLayer, X, Y), "net must be a network.* got <class"),
    "noise for no network": (lambda: DROP.draw(None, 5, RNG), "net must be a network.* got None"),
    "filters of no network": (lambda: refimpl.normalize_filters(None, THETA, THETA), "net must be a network.* got None"),
    "a network to train": (lambda: refimpl.train(NET, THETA, GD, 1), "objective must be an objective, such as a Risk"),
    "an optimizer in words": (lambda: refimpl.train(RISK, THETA, "gd", 1), "optimizer must be .* GD or Adam, got 'gd'"),
    "a number for dropout": (
        lambda: refimpl.train(RISK, THETA, GD, 1, 0.5, rng=RNG),
        "dropout must be a Dropout, got 0.5",
    ),
    "progress that is no function": (
        lambda: refimpl.train(RISK, THETA, GD, 1, progress=3),
        "progress must be a function, got 3",
    ),
    "R1 of a network": (lambda: refimpl.R1(NET, THETA, 0.5), r"risk must be a Risk, got TwoLayer\(inputs="),
    "R1 of R_S + R_1": (lambda: refimpl.R1(refimpl.L1(RISK, 0.5), THETA, 0.5), "risk must be a Risk"),
    "R2 with no probability": (lambda: refimpl.R2(RISK, THETA, 1.5, 0.1), "keep must lie .* got 1.5"),
    "an estimate of R2 with a word": (
        lambda: refimpl.R2_estimate(RISK, THETA, "p", 0.1, 10, RNG),
        "keep must lie .* got 'p'",
    ),
    "R1 of noise before the last layer": (
        lambda: refimpl.R1(refimpl.Risk(DEEP, X, Y), np.ones(DEEP.size), refimpl.Dropout(0.5, layers="all")),
        "keep must act after the last hidden layer only .* expectation and R2_estimate take any",
    ),
    "a grid of no neurons": (
        lambda: infinite_width_minimum(ONE, 0.5, np.zeros((0, 3))),
        r"grid must have a neuron that is not silent .* got none in shape \(0, 3\)",
    ),
    "a grid of silent neurons": (
        lambda: infinite_width_minimum(ONE, 0.5, np.zeros((2, 3))),
        r"grid must have a neuron that is not silent .* got none in shape \(2, 3\)",
    ),
    "a grid with NaN": (
        lambda: infinite_width_minimum(ONE, 0.5, with_value(np.ones((2, 3)), np.nan)),
        "grid must be finite, got 1 NaN",
    ),
    "a certificate with NaN": (
        lambda: infinite_width_minimum(ONE, 0.5, np.eye(3), np.full((1, 3), np.nan)),
        "certificate must be finite, got 3 NaN",
    ),
    "one keep for two layers of the delta method": (
        lambda: delta_regularizer(
            refimpl.Risk(DEEP, X, Y), np.ones(DEEP.size), refimpl.Dropout([0.5], layers="all")
        ),
        r"keep must have one entry per hidden layer \(2\), got 1",
    ),
    "three keeps for two layers of the delta method": (
        lambda: delta_regularizer(
            refimpl.Risk(DEEP, X, Y), np.ones(DEEP.size), refimpl.Dropout([0.5] * 3, layers="all")
        ),
        r"keep must have one entry per hidden layer \(2\), got 3",
    ),
    "the delta method of a penalised risk": (
        lambda: delta_regularizer(refimpl.L1(RISK, 0.5), THETA, 0.5),
        "risk must be a Risk, got L1",
    ),
    "contributions to a penalised risk": (
        lambda: contributions.contributions(refimpl.L1(RISK, 0.5), THETA),
        "risk must be a Risk, got L1",
    ),
    "batches of a penalised risk": (
        lambda: batch_gradient_covariance(refimpl.L1(RISK, 0.5), THETA, 1),
        "risk must be a Risk, got L1",
    ),
    "split neurons of a deep network": (
        lambda: contributions.split_neurons(DEEP, np.ones(DEEP.size), 2),
        "net must be a TwoLayer network, got Deep",
    ),
    "one node": (
        lambda: central_limit_regularizer(RISK, THETA, 0.5, nodes=1),
        "nodes must be an integer in 2 to 300, got 1",
    ),
    "more nodes than have finite weights": (
        lambda: central_limit_regularizer(RISK, THETA, 0.5, nodes=400),
        "nodes must be an integer in 2 to 300, got 400",
    ),
    "balance of tanh": (
        lambda: mean_balance_step(RISK, THETA, DROP, 0.1),
        "network with activation relu or identity, got tanh",
    ),
    "a time that is one number": (
        lambda: flow.gradient_flow(RISK.gradient, THETA, 1.0),
        "times must be a sequence of numbers .*, got 1.0",
    ),
    "a covariance that does not fit": (
        lambda: flow.third_derivative(RISK, THETA, np.eye(3)),
        r"C must have shape \(..., 15, 15\), got \(3, 3\)",
    ),
    "less than no corrections": (
        lambda: to_zero_loss(RISK, THETA, steps=-1),
        "steps must be an integer of at least 0, got -1",
    ),
    "less than no steps on the zero-loss set": (
        lambda: follow_zero_loss(RISK, THETA, RISK, 0.1, steps=-3),
        "steps must be an integer of at least 0, got -3",
    ),
    "steps that ascend": (
        lambda: follow_zero_loss(RISK, THETA, RISK, -0.1, steps=1),
        "step_size must be positive and finite, got -0.1",
    ),
    "a negative probability": (
        lambda: refimpl.Risk(NET, X, np.tile([-0.5, 1.5], (5, 1)), loss="cross_entropy"),
        "Y must hold probabilities, got -0.5",
    ),
    "a label too few": (
        lambda: refimpl.Risk(NET, X, np.zeros(4, int), loss="cross_entropy"),
        r"Y must be integer labels \(5,\) or .* got shape \(4,\) of int64",
    ),
    "three rates for two replicas": (
        lambda: refimpl.L2(RISK, np.full(3, 0.1))(np.ones((2, NET.size))),
        r"theta, eta, data and parameters must broadcast, got \(2,\), \(3,\)",
    ),
    "R2 of three keeps for two replicas": (
        lambda: refimpl.R2(RISK, np.ones((2, NET.size)), refimpl.Dropout(np.full(3, 0.5)), 0.1),
        r"theta, data and epsilon, keep must broadcast, got \(2,\), \(\), \(3,\)",
    ),
    "covariance of no dropout": (
        lambda: refimpl.gradient_covariance_trace(RISK, THETA, None),
        "keep must lie .* got None",
    ),
    "L1 of nothing": (lambda: refimpl.L1(None, 0.5), "risk must be a Risk, got None"),
    "L2 of nothing": (lambda: refimpl.L2(None, 0.1), "risk must be an objective.* got None"),
    "decay of nothing": (lambda: refimpl.WeightDecay(None, 0.1), "objective must be .* got None"),
    "Gauss-Newton of L1": (lambda: refimpl.GaussNewton(refimpl.L1(RISK, 0.5)), "risk must be a Risk"),
    "the Hessian of nothing": (lambda: refimpl.hessian(None, THETA), "risk must be an objective, such as a Risk"),
    "the mean of a number": (lambda: refimpl.expectation(3, DROP, NET, 5), "fn must be a function, got 3"),
    "the mean over a probability": (lambda: refimpl.expectation(len, 0.5, NET, 5), "drop must be a Dropout, got 0.5"),
    "the mean of what forgets its masks": (
        lambda: refimpl.expectation(lambda eta: np.ones(3), DROP, NET, 5),
        r"fn must return one value per mask, shape \(8, ...\), got \(3,\)",
    ),
    "the mean of one number": (
        lambda: refimpl.expectation(lambda eta: 1.0, DROP, NET, 5),
        "fn must return one value per mask.* got 1.0",
    ),
    "noise on no optimizer": (
        lambda: refimpl.GaussianGradientNoise("gd", len, [RNG]),
        "optimizer must be .* got 'gd'",
    ),
    "noise of no trace": (lambda: refimpl.GaussianGradientNoise(GD, 3, [RNG]), "trace must be a function, got 3"),
    "the density of nothing": (lambda: refimpl.spectral_density(None, [0.0], 1.0), "rule must be a Quadrature, got None"),
    # numbers that are none
    "theta of objects": (lambda: RISK(THETA.astype(object)), "theta must be an array of numbers, got ndarray of object"),
    "theta of numerals": (lambda: RISK(THETA.astype(str)), "theta must be an array of numbers, got ndarray of <U"),
    "theta of dates": (lambda: RISK(np.ones(15, "m8[s]")), "theta must be an array of numbers"),
    "theta of ragged rows": (lambda: RISK([[1.0], [1.0, 2.0]]), "theta must be an array of numbers, got list"),
    "no theta": (lambda: RISK(None), "theta must be an array of numbers, got NoneType"),
    "an empty theta": (lambda: RISK([]), r"theta must have shape \(..., 15\).* got shape \(0,\)"),
    "complex X": (lambda: refimpl.Risk(NET, X + 1j, Y), "X must be real, got an array of complex128"),
    "complex Y": (lambda: refimpl.Risk(NET, X, Y + 1j), "Y must be real, got an array of complex128"),
    "complex X forward": (lambda: NET.forward(THETA, X + 1j), "X must be real"),
    "complex theta in training": (lambda: refimpl.train(RISK, THETA + 1j, GD, 1), "theta must be real"),
    "complex theta in a Hessian": (lambda: refimpl.hessian(RISK, THETA + 1j), "theta must be real"),
    "complex theta in eigenvalues": (lambda: refimpl.top_eigenvalues(RISK, THETA + 1j), "theta must be real"),
    "complex noise": (lambda: RISK(THETA, 1j * np.ones((1, 3))), "eta must be real"),
    "noise of objects": (lambda: RISK(THETA, np.full((1, 3), None)), "eta must be an array of numbers"),
    "complex weights": (lambda: refimpl.orientation(1j * WEIGHTS), "weights must be real"),
    "complex amplitudes": (
        lambda: condensation.orientation_count(WEIGHTS, 1j * np.ones(4)),
        "amplitudes must be real",
    ),
    "mass True": (lambda: condensation.orientation_count(WEIGHTS, np.ones(4), mass=True), "mass .* got True"),
    "symmetric in words": (
        lambda: condensation.effective_ratio(WEIGHTS, symmetric="no"),
        "symmetric must be True or False, got 'no'",
    ),
    "layer False": (lambda: NET.input_weights(THETA, layer=False), "layer .* got False"),
    "layer 0.0": (lambda: refimpl.active(NET, THETA, X, 0.0), "layer .* got 0.0"),
    "std True": (lambda: NET.init(RNG, std=True), "std must be .* got True"),
    "seeds in an array": (lambda: NET.init(np.array([1, 2])), r"rng must be .* got array\(\[1, 2\]\)"),
    "no generators": (lambda: NET.init([]), r"rng must be .* got \[\]"),
    "layers that are no pairs": (lambda: DEEP.pack([1, 2, 3]), r"layers must be pairs \(W, b\).* got \[1, 2, 3\]"),
    "epsilon in words": (lambda: refimpl.Adam(0.1, epsilon="a"), "epsilon must be positive and finite, got 'a'"),
    "epsilon True": (lambda: refimpl.Adam(0.1, epsilon=True), "epsilon .* got True"),
    "one snapshot, not in a list": (
        lambda: refimpl.train(RISK, THETA, GD, 2, snapshots=2),
        "snapshots must be a sequence of steps, got 2",
    ),
    "a snapshot of True": (lambda: refimpl.train(RISK, THETA, GD, 2, snapshots=[True]), "snapshots .* got True"),
    "snapshots in rows": (
        lambda: refimpl.train(RISK, THETA, GD, 2, snapshots=np.array([[1]])),
        r"snapshots must be integers in 0 to 2, got array\(\[1\]\)",
    ),
    "replicas of data for one theta": (
        lambda: refimpl.train(refimpl.Risk(NET, np.ones((2, 5, 2)), Y), THETA, GD, 1),
        r"theta must have the replica axes of data and keep, \(2,\), got \(\)",
    ),
    "minus one mask": (lambda: DROP.draw(NET, 5, RNG, samples=-1), "samples must be .* at least 0, got -1"),
    "half a mask": (lambda: DROP.draw(NET, 5, RNG, samples=1.5), "samples .* got 1.5"),
    "noise of integers": (lambda: DROP.draw(NET, 5, RNG, dtype=int), "dtype must be a floating type, got <class 'int'>"),
    "noise of no type": (lambda: DROP.draw(NET, 5, RNG, dtype="abc"), "dtype must be .* got 'abc'"),
    "a moment of order one half": (lambda: DROP.moment(0.5), "order must be an integer .* got 0.5"),
    "masks from below 0": (lambda: DROP.enumerate(NET, 5, start=-1), "start must be .* got -1"),
    "keeps of no replica": (lambda: refimpl.Dropout(np.array([])), r"keep must lie in \(0, 1\]"),
    "epsilon of R2 in words": (lambda: refimpl.R2(RISK, THETA, DROP, "a"), "epsilon must be .* got str"),
    "epsilons for other replicas": (
        lambda: refimpl.R2(RISK, np.ones((3, 15)), DROP, np.ones(2)),
        r"leading axes of theta, eta, data and parameters must broadcast, got \(3,\), \(2,\)",
    ),
    "epsilons of L2 for other replicas": (
        lambda: refimpl.L2(RISK, np.ones(2))(np.ones((3, 15))),
        r"leading axes .* must broadcast, got \(3,\), \(2,\)",
    ),
    "decay for other replicas": (
        lambda: refimpl.WeightDecay(RISK, np.ones(2))(np.ones((3, 15))),
        r"leading axes .* must broadcast, got \(3,\), \(2,\)",
    ),
    "directions for other replicas": (
        lambda: RISK.hvp(np.ones((2, 15)), np.ones((3, 15))),
        r"leading axes of theta, v, .* must broadcast, got \(2,\), \(3,\)",
    ),
    "X of other replicas": (
        lambda: NET.forward(np.ones((2, 15)), np.ones((3, 5, 2))),
        r"leading axes of theta, X and eta must broadcast, got \(2,\), \(3,\)",
    ),
    "no tolerance": (lambda: refimpl.top_eigenvalues(RISK, THETA, tolerance=0), "tolerance must be positive .* got 0"),
    "tolerance NaN": (lambda: refimpl.top_eigenvalues(RISK, THETA, tolerance=np.nan), "tolerance .* got nan"),
    "eigenvalues from a word": (lambda: refimpl.top_eigenvalues(RISK, THETA, rng="3"), "rng must be .* got '3'"),
    "a point, not in a list": (
        lambda: refimpl.loss_along(RISK, THETA, THETA, 1.0),
        r"steps must have shape \(S,\), S at least 1, got shape \(\)",
    ),
    "no points": (lambda: refimpl.loss_along(RISK, THETA, THETA, []), r"steps .* got shape \(0,\)"),
    "points in words": (lambda: refimpl.loss_along(RISK, THETA, THETA, ["a"]), "steps must be an array of numbers"),
    "complex points": (lambda: refimpl.loss_along(RISK, THETA, THETA, [1j]), "steps must be real"),
    "a target up to NaN": (lambda: datasets.tanh_pair(limit=np.nan), "limit must be positive and finite, got nan"),
    "a target of no length": (lambda: datasets.relu_pair(limit=-1), "limit .* got -1"),
    "a centre in words": (lambda: datasets.tanh_pair(centre="a"), "centre must be a finite number, got 'a'"),
    "a teacher in one dimension": (
        lambda: datasets.teacher([1.0], [0.0], [[1.0]], X),
        r"W and A must have shapes \(m, d\) and \(o, m\), got \(1,\) and \(1, 1\)",
    ),
    "a digit of 10": (lambda: datasets.one_hot([10]), "labels must lie in 0 to 9, got 10 to 10"),
    "a digit of -1": (lambda: datasets.one_hot([-1]), "labels must lie in 0 to 9, got -1 to -1"),
    "half a label": (lambda: datasets.one_hot([0.5]), "labels must be integers .* of float64"),
    "one label": (lambda: datasets.one_hot(3), r"labels must be integers of shape \(n,\), got shape \(\)"),
    "no classes": (lambda: datasets.one_hot([0], 0), "classes must be an integer of at least 1, got 0"),
    "digits from two generators": (lambda: datasets.digits([RNG]), "rng must be a random generator"),
    "mnist of no folder": (lambda: datasets.mnist(None), "folder must be a path, got None"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_refused(case):
    call, words = CASES[case]
    with pytest.raises(ValueError) as error:
        call()
    assert re.search(words, str(error.value)), str(error.value)


COMMANDS = {
    "no seeds": ("--seeds=0", "--seeds must be a positive integer, got 0"),
    "seeds in words": ("--seeds=a", "--seeds must be a positive integer, got a"),
    "no jobs": ("--jobs=0", "--jobs must be a positive integer, got 0"),
    "half a job": ("--jobs=0.5", "--jobs must be a positive integer, got 0.5"),
    "an unknown experiment": ("nothing_like_it", "no experiment 'nothing_like_it'"),
    "a path for an experiment": ("../fig04_condensation", r"no experiment '../fig04"),
    "an absolute path": ("/etc/passwd", "no experiment '/etc/passwd'"),
    "a name with a null": ("fig04\0", "no experiment 'fig04.x00'"),
    "a module that is none": ("framework", "no experiment 'framework'"),
    "mnist of nowhere": (
        "--mnist=/nowhere",
        "--mnist: mnist folder /nowhere has no file",
    ),
    "mnist of no name": ("--mnist=", "--mnist must be a folder, got ''"),
    "results of no name": ("--out=", "--out must be a folder .* got ''"),
    "a file for the results": (
        "--out=setup.cfg",
        "--out must be a folder .* got setup.cfg",
    ),
}


@pytest.mark.parametrize("case", COMMANDS)
def test_a_bad_command_ends_with_one_line_and_status_2(case, capsys, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[1])
    argument, words = COMMANDS[case]
    assert cli.main(["--quick", "--jobs=1", "--quiet", argument]) == 2
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1 and re.search(words, err), err
