"""Intervals cover what they say, tests err as seldom as they say: shown by simulation."""

import math

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from benchmarks.analyse import stats
from benchmarks.analyse.stats import Estimate

RECORDED = 0.15  # spread of a log ratio within a block, as of recorded runs' twins


def share_covered(estimates, truth):
    return np.mean([e.low <= truth <= e.high for e in estimates])


def allow(promise, times):
    """Three standard errors of a simulation."""
    return 3 * math.sqrt(promise * (1 - promise) / times)


@pytest.mark.parametrize("n", [6, 9, 20])
def test_median_interval_covers_the_median_of_a_skewed_distribution_in_95_percent(n):
    rng = np.random.default_rng(n)
    found = [stats.median_interval(rng.lognormal(0, 1, n)) for _ in range(600)]
    assert share_covered(found, 1.0) >= 0.95 - allow(0.95, 600)


def test_no_interval_is_claimed_from_too_few_values():
    for n in range(6):
        assert stats.median_interval(np.arange(float(n))).kind in ("none", "single", "range")
    for n in range(3):
        assert stats.mean_interval(np.arange(float(n))).kind in ("none", "single", "range")
    assert stats.median_interval(np.arange(6.0)) == Estimate(2.5, 0.0, 5.0, 6, "interval")
    assert stats.mean_interval([1.0, 2.0, 3.0]).kind == "interval"


def draw_log_noise(rng, blocks, state):
    """Noise as recorded: normal, or of a machine whose cores are at times a third slower."""
    noise = rng.normal(0, RECORDED, blocks)
    return noise + (np.log(1.33) * (rng.random(blocks) < 0.3) if state else 0)


def simulate_ratios(blocks, times, state, seed=1):
    rng = np.random.default_rng(seed)
    for _ in range(times):
        base = rng.lognormal(0, 0.5, blocks)  # blocks differ much: pairing removes it
        own, other = (draw_log_noise(rng, blocks, state) for _ in range(2))
        yield stats.paired_ratio(base * 2 * np.exp(own), base * np.exp(other))


@pytest.mark.parametrize("blocks", [3, 6])
def test_a_ratios_interval_covers_already_at_three_blocks(blocks):
    found = list(simulate_ratios(blocks, 500, state=False))
    assert share_covered(found, 2.0) >= 0.95 - allow(0.95, 500)


@pytest.mark.slow
@pytest.mark.parametrize("state", [False, True], ids=["steady", "states"])
@pytest.mark.parametrize("blocks", [3, 4, 6, 10, 20])
def test_a_ratios_interval_covers_on_noise_like_the_recorded(blocks, state):
    found = list(simulate_ratios(blocks, 20_000, state, seed=blocks))
    assert share_covered(found, 2.0) == pytest.approx(0.95, abs=0.015)


@pytest.mark.slow
def test_a_ratio_of_a_half_more_is_found_at_six_blocks():
    rng, found = np.random.default_rng(8), 0
    for _ in range(2000):
        logs = np.log(1.5) + rng.normal(0, RECORDED * math.sqrt(2), 6)
        found += stats.difference_p(logs) < 0.05
    assert found / 2000 > 0.9


def test_a_range_is_the_lowest_and_highest_ratio():
    found = stats.paired_ratio([2.0, 4.0, 3.0], [1.0, 1.0, 1.0], ranged=True)
    assert (found.low, found.value, found.high, found.kind) == pytest.approx((2, 3, 4, "range"))


def test_geometric_mean_is_that_of_the_ratios_and_its_interval_covers():
    base = np.array([[1.0, 1.0]] * 6)
    assert stats.geometric_mean_ratio(base * [2.0, 8.0], base).value == pytest.approx(4)
    rng, found = np.random.default_rng(2), []
    for _ in range(300):
        base = rng.lognormal(0, 0.3, (6, 3))
        found.append(stats.geometric_mean_ratio(base * 3 * rng.lognormal(0, 0.2, (6, 3)), base))
    assert share_covered(found, 3.0) >= 0.95 - allow(0.95, 300)


def test_two_equal_differences_test_nothing_and_three_do():
    assert math.isnan(stats.difference_p([0.5, 0.5])) and math.isnan(stats.difference_p([0.5]))
    assert stats.difference_p([0.5] * 3) == 0.0 and stats.difference_p([0.0] * 3) == 1.0
    assert math.isnan(stats.equivalence_p([0.0, 0.0], 0.1))
    assert stats.equivalence_p([0.0] * 3, 0.1) == 0.0 and stats.equivalence_p([0.5] * 3, 0.1) == 1.0
    assert stats.difference_p([0.1, -0.1]) == 1.0


def test_paired_difference_interval_covers_with_six_seeds():
    rng = np.random.default_rng(3)
    found = []
    for _ in range(400):
        seeds = rng.normal(0, 0.02, 6)
        found.append(stats.mean_interval(seeds + rng.normal(0.01, 0.004, 6) - seeds))
    assert share_covered(found, 0.01) >= 0.95 - allow(0.95, 400)


@pytest.mark.parametrize("n", [3, 6, 9])
def test_difference_test_errs_in_at_most_5_percent(n):
    rng = np.random.default_rng(n)
    p = np.array([stats.difference_p(rng.normal(0, 1, n)) for _ in range(600)])
    assert np.mean(p < 0.05) <= 0.05 + allow(0.05, 600)


def test_equivalence_at_the_margin_is_claimed_in_at_most_5_percent():
    rng = np.random.default_rng(6)
    p = np.array([stats.equivalence_p(rng.normal(0.01, 0.005, 8), 0.01) for _ in range(400)])
    assert np.mean(p < 0.05) <= 0.05 + allow(0.05, 400)


def test_equivalence_is_that_of_statsmodels():
    d = np.random.default_rng(4).normal(0.002, 0.01, 9)
    assert stats.equivalence_p(d, 0.01) == pytest.approx(
        ttost_paired(d, np.zeros(9), -0.01, 0.01)[0]
    )


def test_equal_and_constant_differences_need_no_variance():
    same, shifted = np.zeros(6), np.full(6, 0.1)
    assert stats.difference_p(same) == 1 and stats.equivalence_p(same, 0.01) == 0
    assert stats.difference_p(shifted) == 0 and stats.equivalence_p(shifted, 0.01) == 1


def test_few_equal_differences_prove_nothing():
    assert math.isnan(stats.equivalence_p([0.0] * 2, 0.01))
    assert stats.equivalence_p([0.0] * 3, 0.01) == 0.0


def test_holm_is_that_of_statsmodels_and_keeps_missing_values():
    p = np.array([0.01, 0.04, 0.5, 0.03, 0.9, 0.001])
    assert stats.adjust_holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    adjusted = stats.adjust_holm([0.01, 0.04, math.nan, 0.03])
    assert adjusted[[0, 1, 3]] == pytest.approx([0.03, 0.06, 0.06])
    assert math.isnan(adjusted[2]) and not stats.adjust_holm([]).size


def test_share_above_counts_ties_half():
    assert stats.share_above([1, 0, -1, 4]) == pytest.approx(0.625)


def test_splits_of_one_table_are_not_taken_for_independent_draws():
    """All rows that were drawn into a table shift every split of it alike."""
    rng = np.random.default_rng(5)
    plain, corrected, resampled = [], [], []
    for _ in range(300):
        shared = rng.normal(0, math.sqrt(1 / 3))  # Nadeau and Bengio: correlation 1/4, share 1/3
        d = shared + rng.normal(0, 1, 10)
        plain.append(stats.mean_interval(d))
        corrected.append(stats.mean_interval(d, test_train_ratio=1 / 3))
        resampled.append(stats.difference_p(d, test_train_ratio=1 / 3) < 0.05)
    assert share_covered(corrected, 0.0) >= 0.92 and share_covered(plain, 0.0) < 0.80
    assert np.mean(resampled) <= 0.08


def test_the_correction_makes_equivalence_harder_to_show():
    d = np.array([0.90, 0.91, 0.90, 0.91, 0.90, 0.91]) - 0.905
    assert stats.equivalence_p(d, 0.01) < stats.equivalence_p(d, 0.01, test_train_ratio=1 / 3)


def test_an_interval_of_a_score_stays_within_its_scale():
    assert Estimate(0.98, 0.95, 1.01, 6, "interval").clip(0, 1).high == 1.0
