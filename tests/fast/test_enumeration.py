"""The mean over all masks by the output layer, against every mask through the net."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects
from problems import ACTIVATIONS, NETWORKS

import refimpl
from refimpl.fast import enumeration
from refimpl.fast.enumeration import mean_over_masks

KEEP = 0.6


def one_by_one(objective, theta, drop):
    """The plain route: value and gradient of every mask."""

    def mean(fn):
        def of_masks(eta):
            beside = eta.reshape(len(eta), *(1,) * (theta.ndim - 1), *eta.shape[1:])
            return fn(theta, beside)

        return refimpl.expectation(of_masks, drop, objective.net, objective.n).mean

    return mean(objective), mean(objective.gradient)


@pytest.mark.equation("eq:mean-over-masks")
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", NETWORKS)
def test_the_mean_is_that_of_the_masks_one_by_one(kind, activation, loss, problem):
    objective, theta = problem(kind, activation, loss=loss)
    drop = refimpl.Dropout(KEEP, per_sample=False)
    value, gradient = mean_over_masks(objective, theta, drop)
    expected, expected_gradient = one_by_one(objective, theta, drop)
    assert_close(value, expected)
    assert_close(gradient, expected_gradient)
    swapped = refimpl.Dropout(1 - KEEP, per_sample=False)
    wrong, wrong_gradient = one_by_one(objective, theta, swapped)
    assert_rejects(value, wrong)
    assert_rejects(gradient, wrong_gradient)


@pytest.mark.equation("eq:mean-over-masks")
@pytest.mark.parametrize("own_data", [False, True])
def test_replicas_are_kept_apart(own_data, problem):
    objective, theta = problem(replicas=(3,), own_data=own_data)
    drop = refimpl.Dropout(KEEP, per_sample=False)
    value, gradient = mean_over_masks(objective, theta, drop)
    for k in range(3):
        data = objective.X, objective.Y
        alone = refimpl.Risk(objective.net, *(d[k] if own_data else d for d in data))
        expected, expected_gradient = mean_over_masks(alone, theta[k], drop)
        assert_close(value[k], expected)
        assert_close(gradient[k], expected_gradient)


def test_chunks_do_not_change_the_mean(monkeypatch, problem):
    objective, theta = problem()
    drop = refimpl.Dropout(KEEP, per_sample=False)
    whole = mean_over_masks(objective, theta, drop)
    for elements in (1, 100, 400, 10_000):  # a table of the masks of 0, 1, 3, 4 neurons
        monkeypatch.setattr(enumeration, "ELEMENTS", elements)
        for found, expected in zip(mean_over_masks(objective, theta, drop), whole):
            assert_close(found, expected)


@pytest.mark.parametrize(
    "drop, message",
    [
        (refimpl.Dropout(KEEP, per_sample=True), "one mask for all samples"),
        (refimpl.Dropout(KEEP, per_sample=False, layers="all"), "layers='last'"),
        (refimpl.Dropout(np.array([0.5, 0.6]), per_sample=False), "keep must be one"),
        (0.5, "drop must be a Dropout"),
    ],
)
def test_noise_that_reaches_further_is_refused(drop, message, problem):
    with pytest.raises(ValueError, match=message):
        mean_over_masks(*problem("deep 2"), drop)


def test_too_many_masks_are_refused(problem):
    drop = refimpl.Dropout(KEEP, per_sample=False)
    with pytest.raises(ValueError, match="limited to 2.20"):
        mean_over_masks(*problem(width=21), drop)
