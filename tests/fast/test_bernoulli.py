"""Events drawn from random bytes have the probability asked for, and no memory."""

import numpy as np
import pytest
from scipy import stats

from refimpl.fast.bernoulli import bernoulli

P = [0.001, 1 / 512, 0.1, 0.25, 0.5, 0.7, 0.9, 0.9999]
LEVEL = 1e-4 / len(P)
GENERATORS = ["PCG64", "PCG64DXSM", "SFC64", "Philox", "MT19937"]


def drawn(p, name="PCG64", size=2_000_000, seed=0):
    """Events and the standard error of their frequency."""
    rng = np.random.Generator(getattr(np.random, name)(seed))
    return bernoulli(rng, p, (size,)), (p * (1 - p) / size) ** 0.5


@pytest.mark.equation("eq:bernoulli")
@pytest.mark.parametrize("p", P)
def test_the_probability_is_p_and_not_p_in_8_bits(p):
    events, error = drawn(p)
    assert abs(events.mean() - p) < stats.norm.isf(LEVEL / 2) * error
    rounded = np.ceil(256 * p) / 256
    if rounded != p:
        assert abs(events.mean() - rounded) > stats.norm.isf(LEVEL / 2) * error


@pytest.mark.equation("eq:bernoulli")
@pytest.mark.parametrize("name", GENERATORS)
def test_every_generator_of_numpy_serves(name):
    events, error = drawn(0.9, name)
    assert abs(events.mean() - 0.9) < stats.norm.isf(1e-5) * error
    # A generator of 32-bit numbers would leave half of the bytes 0, all of them events.
    halves = events.reshape(-1, 8)[:, :4].mean(), events.reshape(-1, 8)[:, 4:].mean()
    assert abs(halves[0] - halves[1]) < stats.norm.isf(1e-5) * 2 * error


@pytest.mark.equation("eq:bernoulli")
@pytest.mark.parametrize("p", [0.003, 0.9])
@pytest.mark.parametrize("distance", [1, 2, 7, 8, 64, 1000])
def test_places_do_not_know_of_each_other(p, distance):
    events, _ = drawn(p)
    both = (events[:-distance] & events[distance:]).mean()
    variance = p**2 * (1 - p**2) + 2 * p**3 * (1 - p)  # overlapping pairs
    error = (variance / events.size) ** 0.5
    assert abs(both - p**2) < stats.norm.isf(1e-5) * error


@pytest.mark.equation("eq:bernoulli")
def test_the_number_of_events_is_binomial():
    rng, n, p = np.random.default_rng(0), 40, 0.9
    counts = bernoulli(rng, p, (50_000, n)).sum(axis=1)
    bins = np.arange(30, n + 1)
    observed = np.array([(counts == k).sum() for k in bins[1:]])
    expected = 50_000 * stats.binom.pmf(bins[1:], n, p)
    seen, wanted = np.append(observed, (counts <= 30).sum()), stats.binom.cdf(30, n, p)
    expected = np.append(expected, 50_000 * wanted)
    assert stats.chisquare(seen, expected).pvalue > 1e-4


def test_certain_events_and_empty_shapes():
    rng = np.random.default_rng(0)
    assert bernoulli(rng, 1.0, (3, 1000)).all()
    assert bernoulli(rng, 0.9, (0, 5)).shape == (0, 5)


def test_an_array_of_probabilities_uses_the_plain_formula():
    p = np.array([0.1, 0.9])
    events = bernoulli(np.random.default_rng(0), p, (2, 10, 3))
    uniform = np.random.default_rng(0).random((2, 10, 3))
    np.testing.assert_array_equal(events, uniform < p[:, None, None])
