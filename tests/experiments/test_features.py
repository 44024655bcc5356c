"""Measures that the experiments on condensation share."""

import numpy as np
from problems import network

import refimpl
from refimpl.data import tanh_pair
from refimpl.experiments.common import features
from refimpl.experiments.common.context import Context


def test_inactive_neurons_are_left_out():
    net = network("two-layer", "relu", inputs=1, outputs=1, width=3)
    X = np.array([[-1.0], [1.0]])
    # w, b, a: active on the right, active everywhere, inactive on both points.
    theta = net.pack([[1.0], [0.0], [0.0]], [0.0, 1.0, -1.0], [[1.0, 1.0, 99.0]])
    weights, sizes = features.features(net, theta, X)
    assert weights.shape == (3, 2) and sizes.tolist() == [1.0, 1.0, 0.0]
    assert features.orientations(net, theta, X) == 2
    everything = refimpl.amplitude(weights, net.outgoing_weights(theta))
    assert refimpl.orientation_count(weights, everything) == 1  # the inactive one


def test_one_orientation_and_its_opposite_count_as_two():
    net = network("two-layer", "tanh", inputs=1, outputs=1, width=40)
    signs = np.where(np.arange(40) % 2, 1.0, -1.0)
    theta = net.pack(signs[:, None], 0.5 * signs, np.ones((1, 40)))
    X = np.array([[-1.0], [1.0]])
    assert features.orientations(net, theta, X) == 2
    start = net.init(np.random.default_rng(0), std=1.0)
    snapshots = [np.stack([start, start]), np.stack([theta] * 2)]
    path = features.counts(net, snapshots, X)["coarse"]
    assert path.shape == (2, 2) and (path[:, 0] > 5).all() and (path[:, 1] == 2).all()


def test_orientations_that_the_coarse_resolution_merges_are_told_apart():
    net = network("two-layer", "tanh", inputs=1, outputs=1, width=4)
    turned = np.array([0.0, 0.4, 0.8, 1.2])  # 23 degrees apart: pairs within 36
    theta = net.pack(np.cos(turned)[:, None], np.sin(turned), np.ones((1, 4)))
    found = features.counts(net, [theta[None]], np.array([[-1.0], [1.0]]))
    assert (found["count"], found["coarse"]) == ([[4]], [[2]])


def test_a_seed_starts_alike_whatever_seeds_are_beside_it():
    net = network("two-layer", "tanh")
    context = Context("test")
    both = features.start(net, 1.0, context, [3, 5])
    np.testing.assert_array_equal(both[1], features.start(net, 1.0, context, [5])[0])
    assert both.dtype == np.float32 and not np.array_equal(both[0], both[1])
    draws = [rng.random() for rng in context.noise("noise", [3, 5])]
    assert draws[1] == context.noise("noise", [5])[0].random() != draws[0]


def test_total_variation_of_a_zigzag():
    zigzag = np.array([0.0, 2.0, 1.0, 1.0])
    np.testing.assert_array_equal(
        features.total_variation(np.stack([zigzag] * 2)), [3, 3]
    )


def test_all_neurons_are_kept_without_dropout():
    assert features.dropout(1.0) is None
    drop = features.dropout(0.9, "all")
    assert (drop.keep, drop.per_sample, drop.layers) == (0.9, True, "all")


def test_a_training_is_recorded_from_start_to_end():
    net = network("two-layer", "tanh", inputs=1, outputs=1, width=5)
    context = Context("test")
    risk = refimpl.Risk(net, [[-1.0], [2.0]], [[0.0], [1.0]])
    start = features.start(net, 1.0, context, [3, 5, 7])
    history = context.train(risk, start, refimpl.GD(0.1), 8, snapshots=(0, 4, 8))
    kept = features.record(risk, history)
    shapes = {name: values.shape for name, values in kept.items()}
    assert shapes == {
        "count": (3, 3),
        "coarse": (3, 3),
        "loss": (3, 3),
        "output": (3, len(features.GRID)),
        "weights": (3, 2, 5, 2),
        "amplitude": (3, 2, 5),
    }
    np.testing.assert_array_equal(kept["weights"][:, 0], net.input_weights(start))
    np.testing.assert_array_equal(kept["loss"][:, 2], risk(history.theta))
    assert (kept["loss"][:, 2] < kept["loss"][:, 0]).all()
    at = features.GRID[[100]][:, None]
    ends = net.forward(history.theta.astype(float), at)[:, 0, 0]
    np.testing.assert_allclose(kept["output"][:, 100], ends)


def test_stages_of_one_kind_are_one_training():
    net = refimpl.TwoLayer(1, 3)
    risk, rate = refimpl.Risk(net, *tanh_pair()), refimpl.GD(0.01)
    theta, wanted = net.init(np.random.default_rng(0)), np.array([0, 3, 4, 7, 10])
    context = Context("test")
    whole = context.train(risk, theta, rate, 10, snapshots=wanted).snapshots
    stages = ((risk, rate, 4), (risk, rate, 6))
    found = features.in_stages(context, theta, wanted, stages)
    np.testing.assert_array_equal(found, whole)
    slower = ((risk, rate, 4), (risk, refimpl.GD(0.001), 6))
    other = features.in_stages(context, theta, wanted, slower)
    np.testing.assert_array_equal(other[:3], whole[:3])
    assert (other[3] != whole[3]).any()
