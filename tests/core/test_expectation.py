"""E_η: exact, and by Monte Carlo with the right standard error, in bounded memory."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects, worst_z

import refimpl
from refimpl.arrays import backend
from refimpl.core.dropout import Dropout


@pytest.mark.equation("eq:expectation")
def test_exact_is_the_sum_over_masks(problem):
    objective, theta = problem()
    drop = Dropout(0.3)
    probabilities, eta = drop.enumerate(objective.net, objective.n)
    expected = sum(p * objective(theta, e) for p, e in zip(probabilities, eta))
    result = refimpl.expectation(
        lambda e: objective(theta, e), drop, objective.net, objective.n
    )
    assert_close(result.mean, expected)
    assert result.standard_error == 0
    assert_rejects(np.mean([objective(theta, e) for e in eta]), expected)


@pytest.mark.equation("eq:expectation")
def test_monte_carlo_has_the_textbook_mean_and_error(problem, monkeypatch):
    objective, theta = problem()
    drop, samples = Dropout(0.3, per_sample=True), 100
    # Small chunks: what is merged must equal what is taken at once.
    monkeypatch.setattr(backend, "CHUNK_ELEMENTS", 7 * (3 * 4 + objective.net.size))
    seen = []

    def gradient(eta):
        seen.append(objective.gradient(theta, eta))
        return seen[-1]

    result = refimpl.expectation(
        gradient,
        drop,
        objective.net,
        3,
        "monte_carlo",
        samples,
        np.random.default_rng(1),
    )
    assert len(seen) > 10 and max(len(part) for part in seen) <= 7
    values = np.concatenate(seen)
    assert len(values) == samples
    assert_close(result.mean, values.mean(axis=0))
    error = values.std(axis=0, ddof=1) / samples**0.5
    assert_close(result.standard_error, error)
    assert_rejects(values.std(axis=0) / samples**0.5, error)


@pytest.mark.equation("eq:expectation")
def test_monte_carlo_agrees_with_exact(problem):
    objective, theta = problem()
    drop = Dropout(0.6)
    exact, sampled = (
        refimpl.expectation(
            lambda e: objective.gradient(theta, e), drop, objective.net, 3, **how
        )
        for how in (
            {},
            {
                "method": "monte_carlo",
                "samples": 20_000,
                "rng": np.random.default_rng(2),
            },
        )
    )
    worst, bound = worst_z(sampled, exact.mean)
    assert worst < bound
    worst, _ = worst_z(sampled, objective.gradient(theta))
    assert worst > 10 * bound  # dropout's mean gradient is not that of R_S


def test_exact_memory_is_bounded(problem, monkeypatch):
    objective, theta = problem()
    drop, largest = Dropout(0.3, per_sample=True), 0
    whole = refimpl.expectation(
        lambda e: objective(theta, e), drop, objective.net, 3
    ).mean
    monkeypatch.setattr(backend, "CHUNK_ELEMENTS", 1000)

    def value(eta):
        nonlocal largest
        largest = max(largest, len(eta))
        return objective(theta, eta)

    parts = refimpl.expectation(value, drop, objective.net, 3).mean
    assert largest * (12 + objective.net.size) <= 1000
    assert_close(parts, whole)


def test_replicas_keep_their_axis(problem):
    objective, theta = problem()
    thetas = np.stack([theta, 2 * theta])
    drop = Dropout(0.5)
    together = refimpl.expectation(
        lambda eta: objective(thetas, eta[:, None]), drop, objective.net, 3
    ).mean
    alone = refimpl.expectation(
        lambda e: objective(2 * theta, e), drop, objective.net, 3
    ).mean
    assert_close(together[1], alone)


@pytest.mark.equation("eq:expectation")
@pytest.mark.parametrize("dtype", [bool, int, np.float32, complex])
def test_counts_have_means_too(dtype):
    """The kept neurons of three, at 0.3 each."""
    net, drop = refimpl.TwoLayer(1, 3), Dropout(0.3)

    def kept(eta):
        return (eta > -1).reshape(len(eta), 3).astype(dtype)

    for how in ({}, {"method": "monte_carlo", "samples": 4000, "rng": 0}):
        found = refimpl.expectation(kept, drop, net, 2, **how).mean
        np.testing.assert_allclose(
            found, np.full(3, 0.3), atol=1e-7 if not how else 0.05
        )
