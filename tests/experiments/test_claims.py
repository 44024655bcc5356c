"""A rule decides by its interval; estimates and their p-values are Student's."""

import numpy as np
import pytest
from scipy import stats

from refimpl.experiments.common import statistics
from refimpl.experiments.common.claims import (
    Claim,
    above,
    at_least,
    at_most,
    below,
    between,
    decided,
)


@pytest.mark.parametrize(
    "rule, value, verdict",
    [
        (above(1), 1.1, "supported"),
        (above(1), 1, "refuted"),
        (at_least(1), 1, "supported"),
        (at_least(1), 0.9, "refuted"),
        (below(1), 0.9, "supported"),
        (below(1), 1, "refuted"),
        (at_most(1), 1, "supported"),
        (at_most(1), 1.1, "refuted"),
        (between(1, 2), 1, "supported"),
        (between(1, 2), 2, "supported"),
        (between(1, 2), 2.1, "refuted"),
    ],
)
def test_a_number_is_decided_by_itself(rule, value, verdict):
    assert rule.verdict(value) == verdict


@pytest.mark.parametrize(
    "rule, interval, verdict",
    [
        (above(1), (1.1, 2), "supported"),
        (above(1), (1, 2), "undecided"),
        (above(1), (0, 2), "undecided"),
        (above(1), (0, 1), "refuted"),
        (at_least(1), (1, 2), "supported"),
        (at_least(1), (0, 1), "undecided"),
        (below(1), (-1, 0.9), "supported"),
        (below(1), (0, 2), "undecided"),
        (below(1), (1, 2), "refuted"),
        (at_most(1), (0, 1), "supported"),
        (at_most(1), (1.1, 2), "refuted"),
        (between(1, 2), (1, 2), "supported"),
        (between(1, 2), (1.5, 3), "undecided"),
        (between(1, 2), (0, 1.5), "undecided"),
        (between(1, 2), (0, 3), "undecided"),  # the interval covers the region
        (between(1, 2), (0, 0.9), "refuted"),
        (between(1, 2), (2.1, 3), "refuted"),
        (between(1, 2), (-np.inf, np.inf), "undecided"),
    ],
)
def test_an_estimate_is_decided_by_its_interval(rule, interval, verdict):
    assert rule.verdict(1.5, interval) == verdict  # whatever the estimate


def test_a_threshold_is_drawn_where_the_text_has_it():
    assert above(1.5).text == "above 1.5" and above(1.5).thresholds == (1.5,)
    assert between(-0.5, 1).text == "between −0.5 and 1"
    assert between(-0.5, 1).thresholds == (-0.5, 1)
    assert at_most(4).text == "at most 4" and at_most(4).thresholds == (4,)


@pytest.fixture
def sample():
    return np.random.default_rng(0).normal(1.0, 2.0, 8)


def test_the_paired_interval_is_students(sample):
    effect = statistics.paired(sample)
    expected = stats.ttest_1samp(sample, 0).confidence_interval(0.95)
    np.testing.assert_allclose(effect.interval, expected)


@pytest.mark.parametrize("end", [-1.0, 0.0, 2.5])
@pytest.mark.parametrize("rule, side", [(above, "greater"), (below, "less")])
def test_the_p_value_is_students(sample, rule, side, end):
    p = statistics.paired(sample).p_value(rule(end))
    expected = stats.ttest_1samp(sample, end, alternative=side).pvalue
    np.testing.assert_allclose(p, expected)


@pytest.mark.parametrize("value", [-1.0, 0.0, 1.0, 2.0])
@pytest.mark.parametrize(
    "rule", [above(0), below(0), at_most(0), at_least(0), between(0, 1)], ids=str
)
def test_without_spread_the_p_value_says_what_the_verdict_says(rule, value):
    effect = statistics.paired([value] * 3)
    verdict = rule.verdict(effect.mean, effect.interval)
    assert effect.p_value(rule) == (0 if verdict == "supported" else 1)


def test_the_p_value_of_a_region_excludes_both_ends(sample):
    p = statistics.paired(sample).p_value(between(0, 1.5))
    low = stats.ttest_1samp(sample, 0, alternative="greater").pvalue
    high = stats.ttest_1samp(sample, 1.5, alternative="less").pvalue
    np.testing.assert_allclose(p, max(low, high))


def test_a_ratio_is_tested_on_its_logarithm(sample):
    above_, below_ = np.exp(sample), np.full(8, 2.0)
    effect = statistics.paired_ratio(above_, below_)
    logs = sample - np.log(2)
    expected = stats.ttest_1samp(logs, np.log(1.2), alternative="greater")
    np.testing.assert_allclose(effect.p_value(above(1.2)), expected.pvalue)
    interval = stats.ttest_1samp(logs, 0).confidence_interval(0.95)
    np.testing.assert_allclose(effect.interval, np.exp(interval))
    np.testing.assert_allclose(effect.mean, np.exp(logs.mean()))


def test_one_seed_decides_nothing():
    effect = statistics.paired([5.0])
    assert effect.interval == (-np.inf, np.inf)
    assert effect.p_value(above(0)) is None
    for rule in (above(0), below(0), between(0, 9)):
        assert rule.verdict(effect.mean, effect.interval) == "undecided"


def test_the_slope_of_a_power_law_is_its_exponent():
    x = np.array([1.0, 2.0, 4.0, 8.0])
    fit = statistics.slope(x, 3 * x**-0.5)
    np.testing.assert_allclose(fit.mean, -0.5)
    np.testing.assert_allclose(fit.interval, (-0.5, -0.5))
    many = statistics.slopes(x, np.stack([[3 * x**-0.5, x], [x**2, 1 / x]]))
    np.testing.assert_allclose(many, [[-0.5, 1], [2, -1]], atol=1e-12)


def test_the_interval_of_a_slope_is_that_of_least_squares():
    x = np.geomspace(1, 100, 9)
    y = x * np.exp(np.random.default_rng(1).normal(0, 0.3, 9))
    fit = statistics.slope(x, y)
    least = stats.linregress(np.log(x), np.log(y))
    half = stats.t.ppf(0.975, 7) * least.stderr
    np.testing.assert_allclose(fit.interval, (least.slope - half, least.slope + half))
    np.testing.assert_allclose(fit.p_value(above(0)), least.pvalue / 2)


def test_a_resampled_interval_is_about_students(sample):
    many = np.random.default_rng(1).normal(1.0, 2.0, 200)
    found = statistics.resampled(lambda drawn: many[drawn].mean(), len(many))
    expected = statistics.paired(many)
    assert found.mean == expected.mean
    np.testing.assert_allclose(found.interval, expected.interval, rtol=0.1)
    assert found.p_value(above(0)) is None


def holds(estimate, truth, shape, repeats=400):
    """Share of intervals of standard normal samples that hold the truth."""
    draws = np.random.default_rng(2).normal(size=(repeats, *shape))
    found = [estimate(one).interval for one in draws]
    return np.mean([low <= truth <= high for low, high in found])


def test_a_resampled_interval_of_few_seeds_holds_the_truth_as_often():
    """The plain quantiles of five do in 83 of 100 cases."""

    def mean(sample):
        return statistics.resampled(lambda drawn: sample[drawn].mean(), 5, draws=200)

    assert holds(mean, 0.0, (5,)) == pytest.approx(0.95, abs=0.03)


def test_the_largest_size_of_several_means_is_not_refuted_for_looking_largest():
    """Student's interval of the mean that looks largest lies above the truth in more
    than the 2.5% that it promises."""
    noise = np.random.default_rng(2).normal(size=(2000, 3, 16))
    samples = np.array([1.0, -1.0, 1.0])[:, None] + noise
    found = [statistics.largest(one).interval for one in samples]
    low, high = np.array(found).T
    assert np.mean(low > 1) < 0.025 and np.mean(high < 1) < 0.025
    sizes = np.abs(samples.mean(axis=-1))
    chosen = samples[np.arange(2000), sizes.argmax(axis=1)]
    half = stats.t.ppf(0.975, 15) * chosen.std(axis=1, ddof=1) / 16**0.5
    assert np.mean(sizes.max(axis=1) - half > 1) > 0.05


def test_the_largest_size_is_bounded_by_all_means():
    one = np.array([[3.0, 1.0, 2.0], [0.5, -9.5, -3.0]])  # means 2 and -4
    found = statistics.largest(one)
    assert found.mean == 4 and found.p_value(at_most(1)) is None
    half = stats.t.ppf(1 - 0.05 / 4, 2) * one.std(axis=1, ddof=1) / 3**0.5
    np.testing.assert_allclose(found.interval, (0, (4 + half[1])))
    assert statistics.largest(one[:1, :1]).interval == (0, np.inf)


def test_effects_numbers_and_reasons_are_told_apart(sample):
    claims = [
        Claim(name, "Words.", "Lemma 1", "a number", at_most(0))
        for name in ("estimated", "counted", "missing")
    ]
    effect = statistics.paired(sample - 10)
    measured = {"estimated": effect, "counted": np.int64(3), "missing": "no data"}
    found = decided(claims, measured, {"counted": "of five"})
    estimated, counted, missing = (found[claim.id] for claim in claims)
    assert estimated.verdict == "supported" and estimated.p < 1e-4
    assert estimated.interval == effect.interval and estimated.measured == effect.mean
    assert (counted.verdict, counted.measured) == ("refuted", 3.0)
    assert (counted.interval, counted.p, counted.detail) == (None, None, "of five")
    assert (missing.verdict, missing.measured) == ("not attempted", None)
    assert missing.detail == "no data"


@pytest.mark.parametrize("interval", [None, (0.0, 1.0), (np.nan, 1.0)])
def test_a_nan_is_no_verdict(interval):
    value = 0.5 if interval and np.isnan(interval[0]) else np.nan
    with pytest.raises(ValueError, match="NaN decides nothing"):
        above(0).verdict(value, interval)


def test_an_experiment_that_measured_nan_says_so(sample):
    claims = [Claim(n, "W.", "L", "q", above(0)) for n in ("number", "effect")]
    measured = {"number": np.nan, "effect": statistics.paired(sample * np.nan)}
    found = decided(claims, measured, {"number": "by seed"})
    assert {one.verdict for one in found.values()} == {"not attempted"}
    assert found["number"].detail == "measured NaN; by seed"


def test_a_claim_without_a_measurement_is_named():
    claim = Claim("forgotten", "Words.", "Lemma 1", "a number", at_most(0))
    with pytest.raises(ValueError, match=r"it lacks \['forgotten'\]"):
        decided([claim], {})
