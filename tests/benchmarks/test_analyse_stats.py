"""Intervals cover what they say, tests err as seldom as they say: shown by simulation."""

import math

import numpy as np
import pytest
from scipy.stats import wilcoxon

from benchmarks.analyse import stats


def covered(estimates, truth):
    return np.mean([e.low <= truth <= e.high for e in estimates])


@pytest.mark.parametrize("n", [6, 9, 20])
def test_median_interval_covers_the_median_of_a_skewed_distribution_in_95_percent(n):
    rng = np.random.default_rng(n)
    found = [stats.median_interval(rng.lognormal(0, 1, n)) for _ in range(600)]
    # Three standard errors of the simulation below the promise.
    assert covered(found, 1.0) >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 600)


def test_no_interval_is_claimed_below_six_values():
    for n in range(6):
        assert stats.median_interval(np.arange(float(n))).kind in ("none", "single", "range")
    assert stats.median_interval(np.arange(6.0)) == (2.5, 0.0, 5.0, 6, "interval")


def test_paired_ratio_interval_covers_at_six_blocks_where_a_bootstrapped_median_does_not():
    rng = np.random.default_rng(1)
    exact, boot = [], []
    for _ in range(500):
        logs = math.log(2) + rng.normal(0, 0.1, 6)
        base = rng.lognormal(0, 0.5, 6)  # blocks differ much more than systems: pairing removes it
        exact.append(stats.paired_ratio(base * np.exp(logs), base))
        medians = np.median(rng.choice(logs, (400, 6)), axis=1)
        boot.append(stats.Estimate(0, *np.exp(np.quantile(medians, [0.025, 0.975]))))
    assert covered(exact, 2.0) >= 0.93
    assert covered(boot, 2.0) < covered(exact, 2.0)


def test_geometric_mean_interval_covers_with_twenty_blocks():
    rng = np.random.default_rng(2)
    found = []
    for _ in range(60):
        base = rng.lognormal(0, 0.3, (20, 3))
        found.append(stats.geometric_mean_ratio(base * 3 * rng.lognormal(0, 0.2, (20, 3)), base))
    assert covered(found, 3.0) >= 0.85


def test_geometric_mean_is_that_of_the_ratios():
    base = np.array([[1.0, 1.0]] * 6)
    assert stats.geometric_mean_ratio(base * [2.0, 8.0], base).value == pytest.approx(4)


def test_paired_difference_interval_covers_with_twenty_seeds():
    rng = np.random.default_rng(3)
    found = []
    for _ in range(80):
        seeds = rng.normal(0, 0.02, 20)
        difference = rng.normal(0.01, 0.004, 20)
        found.append(stats.paired_difference(seeds + difference, seeds))
    assert covered(found, 0.01) >= 0.85


@pytest.mark.parametrize(("n", "tests"), [(6, 1), (6, 20), (9, 1)])
def test_difference_test_errs_in_at_most_5_percent(n, tests):
    rng = np.random.default_rng(n + tests)
    p = [stats.difference_p(rng.normal(0, 1, n), np.zeros(n), tests) for _ in range(300)]
    assert np.mean(np.array(p) < 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)


def test_sign_flips_give_way_to_t_where_they_cannot_reach_the_threshold():
    a, b = np.array([0.5, 0.6, 0.7, 0.5, 0.65, 0.55]), np.zeros(6)
    assert stats.difference_p(a, b, tests=1) == pytest.approx(2 / 2**6)
    assert stats.difference_p(a, b, tests=66) < 0.05 / 66


def test_sign_flips_agree_with_wilcoxon_on_order():
    rng = np.random.default_rng(5)
    d = rng.normal(0.5, 1, 12)
    assert stats.difference_p(d, np.zeros(12)) == pytest.approx(wilcoxon(d).pvalue, abs=0.1)


def test_equivalence_at_the_margin_is_claimed_in_at_most_5_percent():
    rng = np.random.default_rng(6)
    p = [stats.equivalence_p(rng.normal(0.01, 0.005, 8), np.zeros(8), 0.01) for _ in range(400)]
    assert np.mean(np.array(p) < 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


def test_equal_and_constant_differences_need_no_variance():
    same = np.full(6, 0.8)
    assert stats.difference_p(same, same) == 1 and stats.equivalence_p(same, same, 0.01) == 0
    assert stats.difference_p(same + 0.1, same) == 0
    assert stats.equivalence_p(same + 0.1, same, 0.01) == 1


def test_holm_is_the_textbook_example_and_keeps_missing_values():
    adjusted = stats.holm([0.01, 0.04, math.nan, 0.03])
    assert adjusted[[0, 1, 3]] == pytest.approx([0.03, 0.06, 0.06])
    assert math.isnan(adjusted[2])


def test_probability_greater_counts_ties_half():
    assert stats.probability_greater([1, 2, 3, 4], [0, 2, 4, 0]) == pytest.approx(0.625)


def test_repeated_splits_are_judged_more_carefully_than_independent_draws():
    d = np.array([0.01, 0.02, 0.015, 0.005, 0.012, 0.018])
    assert stats.corrected_resampled_p(d, 0.25) > stats.difference_p(d, np.zeros(6), tests=20)


def test_the_same_values_give_the_same_interval():
    x = np.random.default_rng(0).normal(size=12)
    assert stats.mean_bootstrap(x) == stats.mean_bootstrap(x)


def test_splits_of_one_table_are_not_taken_for_independent_draws():
    """All rows that were drawn into a table shift every split of it alike."""
    rng = np.random.default_rng(5)
    plain, corrected, resampled = [], [], []
    for _ in range(300):
        shared = rng.normal(0, math.sqrt(1 / 3))  # Nadeau and Bengio: correlation 1/4, share 1/3
        d = shared + rng.normal(0, 1, 10)
        plain.append(stats.mean_bootstrap(d))
        corrected.append(stats.mean_bootstrap(d, test_share=1 / 3))
        resampled.append(stats.difference_p(d, np.zeros(10), test_share=1 / 3) < 0.05)
    assert covered(corrected, 0.0) >= 0.92 and covered(plain, 0.0) < 0.80
    assert np.mean(resampled) <= 0.08


def test_the_correction_makes_equivalence_harder_to_show():
    a, b = np.array([0.90, 0.91, 0.90, 0.91, 0.90, 0.91]), np.full(6, 0.905)
    assert stats.equivalence_p(a, b, 0.01) < stats.equivalence_p(a, b, 0.01, test_share=1 / 3)


def test_few_equal_differences_prove_nothing():
    assert math.isnan(stats.equivalence_p([0.9] * 5, [0.9] * 5, 0.01))
    assert stats.equivalence_p([0.9] * 6, [0.9] * 6, 0.01) == 0.0
