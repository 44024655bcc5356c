"""Dropout noise: moments, draws, enumeration."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects
from problems import KEEPS
from scipy import stats

import refimpl
from refimpl.core.dropout import Dropout, noise_moment

NET = refimpl.Deep((2, 3, 2, 1), "tanh")


@pytest.mark.equation("eq:moments", "eq:dropout")
@pytest.mark.parametrize("keep", KEEPS)
@pytest.mark.parametrize("order", range(5))
def test_moments_are_those_of_the_two_values(keep, order):
    p = keep
    closed = {
        0: 1,
        1: 0,
        2: (1 - p) / p,
        3: (1 - p) * (1 - 2 * p) / p**2,
        4: (1 - p) * (1 - 3 * p + 3 * p**2) / p**3,
    }[order]
    np.testing.assert_allclose(Dropout(keep).moment(order), closed, atol=1e-15)
    if order >= 2 and keep in (0.1, 0.9):
        assert_rejects(noise_moment(1 - keep, order), closed)


@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("layers", ["last", "all"])
@pytest.mark.parametrize("keep", KEEPS)
def test_enumeration_has_every_mask_once_with_its_probability(keep, layers, per_sample):
    drop, n = Dropout(keep, per_sample, layers), 2
    probabilities, eta = drop.enumerate(NET, n)
    entries = eta if layers == "all" else (eta,)
    rows = n if per_sample else 1
    widths = NET.hidden if layers == "all" else NET.hidden[-1:]
    bits = rows * sum(widths)
    assert len(probabilities) == 2**bits == drop.count(NET, n)
    assert [e.shape for e in entries] == [(2**bits, rows, m) for m in widths]
    flat = np.concatenate([e.reshape(2**bits, -1) for e in entries], axis=1)
    assert len(np.unique(flat, axis=0)) == 2**bits
    assert_close(probabilities.sum(), 1.0)
    for order in range(1, 5):
        mean = probabilities @ flat**order
        np.testing.assert_allclose(
            mean, drop.moment(order), rtol=1e-12, atol=1e-12 * 9**order
        )


@pytest.mark.parametrize("keeps", [(0.3, 0.8), (0.5, 0.5)])
def test_enumerated_noise_is_independent(keeps):
    """The mean of a product of powers is the product of the means."""
    drop = Dropout(keeps, layers="all")
    probabilities, (first, second) = drop.enumerate(NET, 1)
    for order in range(1, 4):
        product = first[:, 0, 0] ** 2 * second[:, 0, 1] ** order
        expected = noise_moment(keeps[0], 2) * noise_moment(keeps[1], order)
        np.testing.assert_allclose(probabilities @ product, expected, atol=1e-12)
        product = second[:, 0, 0] ** order * second[:, 0, 1] ** 2
        expected = noise_moment(keeps[1], order) * noise_moment(keeps[1], 2)
        np.testing.assert_allclose(probabilities @ product, expected, atol=1e-12)


def test_enumeration_can_be_taken_in_parts():
    drop = Dropout(0.3, per_sample=True)
    probabilities, eta = drop.enumerate(NET, 3)
    parts = [drop.enumerate(NET, 3, start, start + 10) for start in range(0, 64, 10)]
    np.testing.assert_array_equal(np.concatenate([p for p, _ in parts]), probabilities)
    np.testing.assert_array_equal(np.concatenate([e for _, e in parts]), eta)


@pytest.mark.equation("eq:dropout")
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.8, 0.9, 0.999, 1.0])
def test_draws_keep_with_the_right_probability(keep):
    drop = Dropout(keep, per_sample=True)
    eta = drop.draw(refimpl.TwoLayer(1, 1000), 100, np.random.default_rng(0), (4,))
    assert set(np.unique(np.round(eta, 9))) <= {-1.0, round((1 - keep) / keep, 9)}
    kept = (eta > -1).mean()
    error = (keep * (1 - keep) / eta.size) ** 0.5
    assert abs(kept - keep) <= stats.norm.isf(1e-4) * error
    wrong = keep - 1 / 256  # at worst, were p rounded to 8 bits
    assert keep == 1 or abs(kept - wrong) > stats.norm.isf(1e-4) * error


@pytest.mark.equation("eq:moments")
@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_draws_have_mean_0_and_the_variance_of_the_moments(keep, per_sample):
    drop = Dropout(keep, per_sample)
    eta = drop.draw(refimpl.TwoLayer(1, 100), 5, np.random.default_rng(2), 2000)
    bound = stats.norm.isf(1e-4 / 2)
    v, kurtosis = drop.moment(2), drop.moment(4)
    assert abs(eta.mean()) <= bound * (v / eta.size) ** 0.5
    error = ((kurtosis - v**2) / eta.size) ** 0.5
    assert abs((eta**2).mean() - v) <= max(bound * error, 1e-12)
    if keep != 0.5:
        assert abs((eta**2).mean() - 1 / v) > 10 * bound * error  # p and 1 − p swapped


@pytest.mark.parametrize("rows, per_sample", [(1, False), (5, True)])
def test_noise_has_a_sample_axis_after_the_replicas(rows, per_sample):
    rng, last = np.random.default_rng(0), Dropout(0.5, per_sample)
    for samples, lead in (((), ()), (3, (3,)), ((2, 3), (2, 3))):
        assert last.draw(NET, 5, rng, samples).shape == (*lead, rows, 2)
        both = Dropout(0.5, per_sample, "all").draw(NET, 5, rng, samples)
        assert [e.shape for e in both] == [(*lead, rows, 3), (*lead, rows, 2)]


def test_neurons_are_dropped_independently():
    eta = Dropout(0.7).draw(refimpl.TwoLayer(1, 6), 1, np.random.default_rng(1), 40_000)
    correlation = np.corrcoef(eta[:, 0].T)[np.triu_indices(6, 1)]
    assert abs(correlation).max() < stats.norm.isf(1e-4 / 30) / 40_000**0.5


@pytest.mark.parametrize("layers", ["last", "all"])
def test_a_generator_draws_the_same_whatever_is_beside_it(layers):
    drop = Dropout(0.6, per_sample=True, layers=layers)
    rngs = [np.random.default_rng(k) for k in range(3)]
    together = drop.draw(NET, 4, rngs, 3)
    alone = drop.draw(NET, 4, np.random.default_rng(1))
    for row, one in zip(*(e if layers == "all" else (e,) for e in (together, alone))):
        np.testing.assert_array_equal(row[1], one)


def test_keep_may_differ_between_layers():
    drop = Dropout((0.5, 1.0), layers="all")
    first, second = drop.draw(NET, 2, np.random.default_rng(0), 50)
    assert set(np.unique(first)) == {-1.0, 1.0} and not second.any()
    assert drop.moment(2) == (1.0, 0.0)


@pytest.mark.parametrize("many", [False, True])
def test_keep_may_differ_between_replicas(many):
    drop = Dropout(np.array([0.5, 1.0, 0.25]), per_sample=True)
    rng = np.random.default_rng(0)
    rng = [rng, rng, rng] if many else rng
    eta = drop.draw(NET, 50, rng, 3)
    assert [set(np.unique(row)) for row in eta] == [{-1.0, 1.0}, {0.0}, {-1.0, 3.0}]


@pytest.mark.parametrize("keep", [np.array([0.5]), np.array([[0.5], [0.5]])])
def test_an_array_of_keep_fills_all_replicas(keep):
    """Its entries broadcast to the replicas, and no row is left as it was."""
    lead = (4,) if keep.ndim == 1 else (2, 3)
    rngs = [np.random.default_rng(k) for k in range(lead[0])]
    eta = Dropout(keep, per_sample=True).draw(NET, 200, rngs, lead)
    assert eta.shape == (*lead, 200, 2)
    assert set(np.unique(eta)) == {-1.0, 1.0}
    rows = eta.reshape(-1, 400)
    assert len(np.unique(rows, axis=0)) == len(rows)  # each replica has its own


def test_draws_have_the_dtype_asked_for():
    eta = Dropout(0.9).draw(NET, 1, np.random.default_rng(0), dtype=np.float32)
    assert eta.dtype == np.float32
