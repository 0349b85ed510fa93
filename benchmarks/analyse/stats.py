"""Estimates with intervals from small samples. SciPy and statsmodels compute; this arranges.

The unit of analysis is the process (time, memory) or the seed (accuracy), never a repetition
inside a process. Every random procedure has a fixed seed, so equal rows give equal reports.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

LEVEL = 0.95
ALPHA = 1 - LEVEL
RESAMPLES = 9999
RNG_SEED = 20_260_101
# Below six values no pair of order statistics covers the median with 95 %: 1 - 2 / 2**5 = 0.9375.
SMALLEST_N = 6


class Estimate(NamedTuple):
    """A central value with bounds, all in the unit of the sample.

    kind says what the bounds are: "interval" (95 %), "range" (lowest and highest: too few values
    for an interval, or a quantity that hardly varies), "single" (one value), "none" (no value).
    """

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    kind: str = "none"

    def exp(self) -> Estimate:
        """The estimate of a logarithm turned into that of the quantity."""
        return Estimate(math.exp(self.value), math.exp(self.low), math.exp(self.high), *self[3:])

    def alone(self) -> Estimate:
        """The value without its bounds, for text that shows them elsewhere."""
        return self._replace(kind="single") if self.kind in ("interval", "range") else self

    @property
    def known(self) -> bool:
        """There is at least one value behind it."""
        return self.kind != "none"


def finite(values: ArrayLike) -> np.ndarray:
    """The values as floats without missing ones."""
    array = np.asarray(values, dtype=float)
    return array[np.isfinite(array)]


def median_range(values: ArrayLike) -> Estimate:
    """Median with the lowest and highest value."""
    x = finite(values)
    if not x.size:
        return Estimate()
    kind = "range" if x.size > 1 else "single"
    return Estimate(float(np.median(x)), float(x.min()), float(x.max()), int(x.size), kind)


def median_interval(values: ArrayLike) -> Estimate:
    """Median with the exact distribution-free 95 % interval; a range below six values.

    The bounds are order statistics, so nothing is assumed about the distribution (David and
    Nagaraja, Order Statistics, 7.1). Coverage is at least 95 %.
    """
    x = finite(values)
    if x.size < SMALLEST_N:
        return median_range(x)
    low, high = _ranks(x.size)
    x = np.sort(x)
    return Estimate(float(np.median(x)), float(x[low]), float(x[high]), x.size, "interval")


@functools.cache
def _ranks(n: int) -> tuple[int, int]:
    """Which of n sorted values bound the median with 95 %, counted from 0."""
    bounds = stats.quantile_test(np.arange(n), p=0.5).confidence_interval(LEVEL)
    return int(bounds.low), int(bounds.high)


def paired_ratio(values: ArrayLike, base: ArrayLike, ranged: bool = False) -> Estimate:
    """Typical ratio values / base of pairs from the same block: exp(median of the logs).

    The interval is the exact one of the median of the paired logs, because at six blocks a
    bootstrapped median covers less than it says (the tests measure it). `ranged` asks for the
    lowest and highest ratio instead, for quantities that hardly vary.
    """
    a, b = np.asarray(values, dtype=float), np.asarray(base, dtype=float)
    usable = np.isfinite(a) & np.isfinite(b) & (a > 0) & (b > 0)
    logs = np.log(a[usable]) - np.log(b[usable])
    estimate = median_range(logs) if ranged else median_interval(logs)
    return estimate.exp() if estimate.known else estimate


def mean_bootstrap(values: ArrayLike, test_share: float = 0.0) -> Estimate:
    """Mean with the BCa bootstrap interval over the values (seeds or blocks); range below six.

    test_share: above 0 for repeated splits of one fixed table, whose interval is Student's with
    the variance of `corrected_error`.
    """
    x = finite(values)
    if x.size < SMALLEST_N:
        return median_range(x)._replace(value=float(x.mean())) if x.size else Estimate()
    mean = float(x.mean())
    if np.ptp(x) == 0:
        return Estimate(mean, mean, mean, x.size, "interval")
    if test_share:
        half = float(stats.t.ppf(1 - ALPHA / 2, x.size - 1)) * corrected_error(x, test_share)
        return Estimate(mean, mean - half, mean + half, x.size, "interval")
    bounds = stats.bootstrap(
        (x,), np.mean, n_resamples=RESAMPLES, method="BCa", confidence_level=LEVEL, rng=RNG_SEED
    ).confidence_interval
    return Estimate(mean, float(bounds.low), float(bounds.high), x.size, "interval")


def paired_difference(values: ArrayLike, base: ArrayLike, test_share: float = 0.0) -> Estimate:
    """Mean of values - base over paired seeds, with its interval over seeds."""
    difference = np.asarray(values, dtype=float) - np.asarray(base, dtype=float)
    return mean_bootstrap(difference, test_share)


def geometric_mean_ratio(values: np.ndarray, base: np.ndarray) -> Estimate:
    """Geometric mean of paired ratios, shape (blocks, cases), bootstrapped over whole blocks.

    Blocks with a missing case are left out, so every case has the same weight.
    """
    logs = np.log(np.asarray(values, dtype=float)) - np.log(np.asarray(base, dtype=float))
    logs = logs.reshape(len(logs), -1)
    estimate = mean_bootstrap(logs[np.isfinite(logs).all(axis=1)].mean(axis=1))
    return estimate.exp() if estimate.known else estimate


def difference_p(
    values: ArrayLike, base: ArrayLike, tests: int = 1, test_share: float = 0.0
) -> float:
    """Two-sided p of "the paired values do not differ"; nan below two pairs.

    Sign flips assume least, but with n pairs their p cannot be below 2 / 2**n. They are used
    where `tests` corrected tests can still reach 5 %, else Student's paired t, which can.
    Repeated splits of one table (test_share above 0) have their own corrected t.
    """
    d = finite(np.asarray(values, dtype=float) - np.asarray(base, dtype=float))
    if test_share:
        return corrected_resampled_p(d, test_share)
    if d.size < 2:
        return math.nan
    if np.ptp(d) == 0:
        return 1.0 if d[0] == 0 else 0.0
    if 2.0 / 2.0**d.size * tests > ALPHA:
        return float(stats.ttest_1samp(d, 0.0).pvalue)
    test = stats.permutation_test(
        (d,), np.mean, permutation_type="samples", n_resamples=RESAMPLES, rng=RNG_SEED
    )
    return float(test.pvalue)


def equivalence_p(
    values: ArrayLike, base: ArrayLike, margin: float, test_share: float = 0.0
) -> float:
    """p of "the paired means differ by `margin` or more" (two one-sided tests); nan below two.

    Without any spread there is no test: six equal differences count as proof, fewer do not.
    """
    a, b = np.asarray(values, dtype=float), np.asarray(base, dtype=float)
    usable = np.isfinite(a) & np.isfinite(b)
    d = a[usable] - b[usable]
    if d.size < (SMALLEST_N if d.size and np.ptp(d) == 0 else 2):
        return math.nan
    if np.ptp(d) == 0:
        return 0.0 if abs(d[0]) < margin else 1.0
    if test_share:
        error = corrected_error(d, test_share)
        above = stats.t.sf((d.mean() + margin) / error, d.size - 1)
        below = stats.t.cdf((d.mean() - margin) / error, d.size - 1)
        return float(max(above, below))
    return float(ttost_paired(d, np.zeros_like(d), -margin, margin)[0])


def holm(p_values: ArrayLike) -> np.ndarray:
    """p values of one declared family, adjusted after Holm; missing ones stay missing."""
    p = np.asarray(p_values, dtype=float)
    adjusted, known = np.full(p.shape, np.nan), np.isfinite(p)
    if known.any():
        adjusted[known] = multipletests(p[known], alpha=ALPHA, method="holm")[1]
    return adjusted


def probability_greater(values: ArrayLike, base: ArrayLike) -> float:
    """P(A > B) over paired seeds, ties counted half; nan without pairs."""
    d = finite(np.asarray(values, dtype=float) - np.asarray(base, dtype=float))
    return float((np.sign(d) + 1).mean() / 2) if d.size else math.nan


def corrected_error(values: np.ndarray, test_share: float) -> float:
    """Standard error of the mean over repeated splits of one fixed table (Nadeau, Bengio 2003).

    test_share: test rows / training rows. Splits overlap, so the variance of the mean is
    (1 / J + test_share) * s**2 instead of s**2 / J.
    """
    return math.sqrt((1 / values.size + test_share) * values.var(ddof=1))


def corrected_resampled_p(differences: ArrayLike, test_share: float) -> float:
    """Two-sided p of a mean difference over repeated splits of one fixed table."""
    d = finite(differences)
    if d.size < 2 or np.ptp(d) == 0:
        return math.nan if d.size < 2 else float(d[0] == 0)
    t = d.mean() / corrected_error(d, test_share)
    return float(2 * stats.t.sf(abs(t), d.size - 1))
