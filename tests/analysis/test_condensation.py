"""Measures of condensation against brute force and planted clusters."""

import itertools
import math

import numpy as np
import pytest
from oracles import assert_close

import refimpl
from refimpl.analysis import condensation

HALF = math.acos(0.95)  # of the arc that one direction covers


def on_circle(angles, radii=1.0):
    angles = np.asarray(angles, dtype=float)
    return radii * np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def brute_force_cover(angles, symmetric):
    """Least number of directions, of all directions of the circle.

    Which weights a direction represents changes at finitely many angles only; one
    direction between each two of them stands for all. Nothing is said of arcs.
    """
    angles = np.asarray(angles)
    changes = [angles + HALF, angles - HALF]
    if symmetric:
        changes += [angles + HALF + np.pi, angles - HALF + np.pi]
    changes = np.sort(np.concatenate(changes) % (2 * np.pi))
    ahead = np.append(changes[1:], changes[0] + 2 * np.pi)
    cosines = on_circle((changes + ahead) / 2) @ on_circle(angles).T
    covers = (np.abs(cosines) if symmetric else cosines) > 0.95
    covers = np.unique(covers, axis=0)
    for size in range(1, len(angles) + 1):
        for chosen in itertools.combinations(range(len(covers)), size):
            if covers[list(chosen)].any(axis=0).all():
                return size


@pytest.mark.equation("eq:effective-ratio")
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_the_sweep_finds_the_least_cover_of_the_circle(seed, symmetric):
    rng = np.random.default_rng(seed)
    m = int(rng.integers(1, 9))
    angles = rng.uniform(-np.pi, np.pi, m)
    if seed % 2:  # clustered
        angles = rng.choice(angles[:2], m) + 0.2 * rng.standard_normal(m)
    weights = on_circle(angles, rng.uniform(0.5, 2, (m, 1)))
    expected = brute_force_cover(angles, symmetric) / m
    assert_close(condensation.effective_ratio(weights, symmetric=symmetric), expected)


@pytest.mark.equation("eq:effective-ratio", "eq:orientation-count")
@pytest.mark.parametrize("dimension", [2, 3])
def test_a_zero_weight_needs_no_direction(dimension):
    weights, ones = np.zeros((4, dimension)), np.ones(4)
    assert condensation.effective_ratio(weights) == 0
    assert refimpl.orientation_count(weights, ones) == 0
    weights[1:3, 1] = 1.0, -2.0
    assert condensation.effective_ratio(weights) == 2 / 4
    assert refimpl.orientation_count(weights, ones, mass=1.0) == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_weight_is_within_its_own_orientation(dtype):
    """However near the threshold is to 1, and whatever rounding does."""
    weights = np.random.default_rng(5).standard_normal((20, 5)).astype(dtype)
    assert condensation.effective_ratio(weights, threshold=1 - 1e-16) == 1


@pytest.mark.equation("eq:effective-ratio")
def test_an_uncovered_circle_needs_ten_directions():
    """2π over an arc of 2 arccos 0.95 is 9.9."""
    weights = on_circle(np.linspace(-np.pi, np.pi, 1000, endpoint=False))
    assert condensation.effective_ratio(weights) == 10 / 1000
    assert condensation.effective_ratio(weights, symmetric=True) == 5 / 1000


@pytest.mark.equation("eq:effective-ratio")
@pytest.mark.parametrize("seed", range(10))
def test_greedy_is_an_upper_bound_with_cosine_as_it_says(seed):
    rng = np.random.default_rng(seed)
    plane = rng.standard_normal((8, 2))
    space = np.concatenate([plane, np.zeros((8, 1))], axis=1)
    greedy = condensation.effective_ratio(space)
    assert greedy >= condensation.effective_ratio(plane)
    cosines = refimpl.cosine_similarity(space)
    least = next(
        size
        for size in range(1, 9)
        for chosen in itertools.combinations(range(8), size)
        if (cosines[list(chosen)] > 0.95).any(axis=0).all()
    )
    assert greedy * 8 >= least


@pytest.mark.equation("eq:orientation-count")
def test_planted_clusters_are_counted():
    rng = np.random.default_rng(0)
    centres = np.array([-2.0, 0.0, 1.0, 2.5])
    angles = np.repeat(centres, 10) + 0.05 * rng.standard_normal(40)
    weights, equal = on_circle(angles), np.ones(40)
    assert refimpl.orientation_count(weights, equal, mass=1.0) == 4
    assert refimpl.orientation_count(weights, equal, mass=0.5) == 2
    # One cluster with most of the amplitude; the others weigh 3% each.
    heavy = np.where(np.arange(40) < 10, 91.0, 3.0)
    assert refimpl.orientation_count(weights, heavy) == 1
    assert refimpl.orientation_count(weights, heavy, mass=0.95) == 3
    # A neuron without amplitude is left out.
    none = np.where(np.arange(40) < 10, 1.0, 0.0)
    assert refimpl.orientation_count(weights, none, mass=1.0) == 1


@pytest.mark.equation("eq:orientation-count")
@pytest.mark.parametrize("dimension", [2, 5])
def test_opposites_are_one_orientation_when_symmetric(dimension):
    rng = np.random.default_rng(1)
    directions = np.eye(dimension)[:2]
    weights = np.concatenate([directions, -directions] * 5)
    weights = weights * rng.uniform(0.5, 2, (20, 1))
    count = [
        refimpl.orientation_count(weights, np.ones(20), 1.0, symmetric=symmetric)
        for symmetric in (False, True)
    ]
    assert count == [4, 2]


@pytest.mark.equation("eq:orientation")
def test_orientations_are_unit_vectors_along_the_weights():
    weights = np.random.default_rng(2).standard_normal((3, 4, 5))
    unit = refimpl.orientation(weights)
    assert_close(np.linalg.norm(unit, axis=-1), np.ones((3, 4)))
    assert_close(unit * np.linalg.norm(weights, axis=-1, keepdims=True), weights)
    assert not refimpl.orientation(np.zeros((1, 2))).any()


@pytest.mark.equation("eq:orientation")
def test_angles_lie_in_minus_pi_to_below_pi():
    angles = np.array([-np.pi, -1.0, 0.0, 2.0])
    assert_close(refimpl.angle(on_circle(angles)), angles)
    weights = np.array([[-1.0, 0.0], [-1.0, -0.0]])  # both sides of the cut
    np.testing.assert_array_equal(refimpl.angle(weights), [-np.pi, -np.pi])


@pytest.mark.equation("eq:amplitude")
def test_amplitude_is_the_product_of_the_norms():
    net = refimpl.TwoLayer(2, 3, 2)
    theta = np.random.default_rng(3).standard_normal(net.size)
    W, b, A = net.unpack(theta)
    amplitudes = refimpl.amplitude(
        net.input_weights(theta), net.outgoing_weights(theta)
    )
    for j in range(3):
        norm = np.sqrt(W[j] @ W[j] + b[j] ** 2)
        assert_close(amplitudes[j], np.linalg.norm(A[:, j]) * norm)


@pytest.mark.equation("eq:cosine-similarity")
def test_cosines_are_those_of_the_angles_between_weights():
    angles = np.array([0.0, 1.0, 2.5])
    cosines = refimpl.cosine_similarity(on_circle(angles, 3.0))
    assert_close(cosines, np.cos(angles[:, None] - angles))


@pytest.mark.equation("eq:active")
@pytest.mark.parametrize("deep", [False, True])
def test_neurons_dead_on_every_sample_are_inactive(deep):
    net = refimpl.Deep((1, 4, 1)) if deep else refimpl.TwoLayer(1, 4, 1, "relu")
    # Active on both samples, on none, on both, on the second alone.
    W = np.array([[1.0], [1.0], [-1.0], [1.0]])
    b = np.array([0.0, -5.0, 5.0, -1.5])
    A = np.ones((1, 4))
    theta = net.pack([(W, b), (A, np.zeros(1))]) if deep else net.pack(W, b, A)
    X = np.array([[1.0], [2.0]])
    expected = [True, False, True, True]
    np.testing.assert_array_equal(refimpl.active(net, theta, X), expected)


def test_leading_axes_are_kept():
    weights = np.random.default_rng(4).standard_normal((2, 3, 6, 2))
    amplitudes = np.ones((2, 3, 6))
    ratio = refimpl.effective_ratio(weights)
    count = refimpl.orientation_count(weights, amplitudes)
    assert ratio.shape == count.shape == (2, 3)
    assert ratio[1, 2] == refimpl.effective_ratio(weights[1, 2])
    assert count[1, 2] == refimpl.orientation_count(weights[1, 2], amplitudes[1, 2])


@pytest.mark.equation("eq:orientation", "eq:amplitude")
@pytest.mark.parametrize("size", [1e-30, 1e-44, 1e30])
def test_weights_of_any_size_have_orientation_and_amplitude(size):
    weights = (np.array([[3, -4], [0, 0]]) * size).astype(np.float32)
    unit = refimpl.orientation(weights)
    expected = weights[0] / np.linalg.norm(weights[0].astype(float))
    np.testing.assert_allclose(unit, [expected, [0, 0]], rtol=1e-6)
    outgoing = np.full((2, 1), 1 / size)
    found = refimpl.amplitude(weights.astype(float), outgoing)
    np.testing.assert_allclose(found, [5, 0], rtol=0.2)  # 1e-44 has two bits
