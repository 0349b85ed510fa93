"""Estimates with intervals from small samples, computed with SciPy.

The unit of analysis is the process (time, memory) or the seed (scores), never a repetition within
a process. Coverage and error rates of every method are simulated in tests/benchmarks.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

LEVEL = 0.95
ALPHA = 1 - LEVEL
# Below six values no two order statistics cover the median with 95 %: 1 - 2 / 2**5 = 0.9375.
MIN_FOR_MEDIAN = 6
MIN_FOR_MEAN = 3  # Student's interval of two values is too wide to be of use


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A central value with bounds, all in the unit of the sample.

    Attributes
    ----------
    value, low, high : float
        The estimate and its bounds.
    n : int
        Number of processes or seeds behind it.
    kind : str
        What the bounds are: "interval" (95 %), "range" (lowest and highest: too few values for an
        interval, or a quantity that hardly varies), "single" (no bounds), "mixed" (several
        machines, so there is no value) or "none".
    """

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    kind: str = "none"

    @classmethod
    def exact(cls, value: float) -> Estimate:
        """Make the estimate of a count."""
        return cls(value, value, value, 1, "single")

    def exp(self) -> Estimate:
        """Turn the estimate of a logarithm into that of the quantity itself."""
        low, value, high = (math.exp(x) for x in (self.low, self.value, self.high))
        return Estimate(value, low, high, self.n, self.kind)

    def invert(self) -> Estimate:
        """Turn the estimate of a / b, all positive, into that of b / a."""
        return Estimate(1 / self.value, 1 / self.high, 1 / self.low, self.n, self.kind)

    def clip(self, least: float, most: float) -> Estimate:
        """Keep the bounds within a scale."""
        low, high = max(self.low, least), min(self.high, most)
        return dataclasses.replace(self, low=low, high=high)

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return self.kind not in ("none", "mixed")

    @property
    def bounded(self) -> bool:
        """Whether bounds suffice for a verdict: an interval, or the range of three processes."""
        return self.kind == "interval" or (self.kind == "range" and self.n >= MIN_FOR_MEAN)


def keep_finite(values: ArrayLike) -> np.ndarray:
    """Return the values as floats without missing ones."""
    array = np.asarray(values, dtype=float)
    return array[np.isfinite(array)]


def median_range(values: ArrayLike) -> Estimate:
    """Return the median with the lowest and highest value."""
    x = keep_finite(values)
    if not x.size:
        return Estimate()
    kind = "range" if x.size > 1 else "single"
    return Estimate(float(np.median(x)), float(x.min()), float(x.max()), int(x.size), kind)


def median_interval(values: ArrayLike) -> Estimate:
    """Return the median with its exact distribution-free 95 % interval; a range below six values.

    The bounds are order statistics, so nothing is assumed about the distribution (David and
    Nagaraja, Order Statistics, 7.1). Coverage is at least 95 %.
    """
    x = keep_finite(values)
    if x.size < MIN_FOR_MEDIAN:
        return median_range(x)
    low, high = _find_ranks(x.size)
    x = np.sort(x)
    return Estimate(float(np.median(x)), float(x[low]), float(x[high]), x.size, "interval")


@functools.cache
def _find_ranks(n: int) -> tuple[int, int]:
    """Return the 0-based ranks of the two of n sorted values that bound the median with 95 %."""
    bounds = stats.quantile_test(np.arange(n), p=0.5).confidence_interval(LEVEL)
    return int(bounds.low), int(bounds.high)


def mean_interval(values: ArrayLike, test_train_ratio: float = 0.0) -> Estimate:
    """Return the mean with Student's 95 % interval; a range below three values.

    test_train_ratio: test rows / training rows, above 0 for repeated splits of one fixed table;
    see `standard_error`.
    """
    x = keep_finite(values)
    if not x.size:
        return Estimate()
    mean = float(x.mean())
    if x.size < MIN_FOR_MEAN:
        return dataclasses.replace(median_range(x), value=mean)
    half = find_t_quantile(x.size - 1) * standard_error(x, test_train_ratio)
    return Estimate(mean, mean - half, mean + half, x.size, "interval")


@functools.cache
def find_t_quantile(freedom: int) -> float:
    """Return the half-width of Student's 95 % interval in standard errors."""
    return float(stats.t.ppf(1 - ALPHA / 2, freedom))


def standard_error(values: np.ndarray, test_train_ratio: float = 0.0) -> float:
    """Return the standard error of the mean. Splits of one table overlap, so s**2 / J becomes
    s**2 * (1 / J + test_train_ratio) (Nadeau and Bengio 2003)."""
    return math.sqrt((1 / values.size + test_train_ratio) * values.var(ddof=1))


def log_ratios(values: ArrayLike, base: ArrayLike) -> np.ndarray:
    """Return log(values / base) where both are positive."""
    a, b = np.asarray(values, dtype=float), np.asarray(base, dtype=float)
    usable = np.isfinite(a) & np.isfinite(b) & (a > 0) & (b > 0)
    return np.log(a[usable]) - np.log(b[usable])


def paired_ratio(values: ArrayLike, base: ArrayLike, ranged: bool = False) -> Estimate:
    """Estimate the ratio values / base of pairs from the same block: exp(mean of the paired logs).

    Student's interval has its nominal coverage from three blocks on; the tests simulate it with
    noise like that of recorded runs. `ranged` returns the median with the lowest and highest
    ratio instead, for quantities that hardly vary.
    """
    logs = log_ratios(values, base)
    return (median_range(logs) if ranged else mean_interval(logs)).exp()


def geometric_mean_ratio(values: np.ndarray, base: np.ndarray) -> Estimate:
    """Estimate the geometric mean ratio of paired (blocks, cases), with its interval over blocks.

    Blocks with a missing case are left out, so every case has the same weight.
    """
    logs = np.log(np.asarray(values, dtype=float)) - np.log(np.asarray(base, dtype=float))
    logs = logs.reshape(len(logs), -1)
    return mean_interval(logs[np.isfinite(logs).all(axis=1)].mean(axis=1)).exp()


def difference_p(differences: ArrayLike, test_train_ratio: float = 0.0) -> float:
    """Return Student's two-sided p of "the paired values do not differ"."""
    one_sided = _student_p(differences, lambda distance: distance, test_train_ratio)
    return float(np.minimum(1.0, 2 * one_sided))  # unlike min, it keeps nan


def equivalence_p(differences: ArrayLike, margin: float, test_train_ratio: float = 0.0) -> float:
    """Return p of "means differ by `margin` or more" (two one-sided t tests)."""
    return _student_p(differences, lambda distance: margin - distance, test_train_ratio)


def _student_p(
    differences: ArrayLike, excess: Callable[[float], float], test_train_ratio: float
) -> float:
    """Return Student's one-sided p of "excess(|mean|) is not above 0"; nan below two pairs.

    Without any spread there is no test: three equal differences count as proof, fewer do not.
    """
    d = keep_finite(differences)
    spread = float(np.ptp(d)) if d.size else 0.0
    if d.size < (2 if spread else MIN_FOR_MEAN):
        return math.nan
    above = excess(abs(float(d.mean())))
    if not spread:
        return float(above <= 0)
    return float(stats.t.sf(above / standard_error(d, test_train_ratio), d.size - 1))


def adjust_holm(p_values: ArrayLike) -> np.ndarray:
    """Adjust the p values of one declared family by Holm's method; missing ones stay missing.

    Not statsmodels' function: it collects garbage on each call, which takes a tenth of a second.
    """
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    order = np.argsort(p)[: np.isfinite(p).sum()]  # nan sorts last
    if order.size:
        stepped = p[order] * np.arange(order.size, 0, -1)
        adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted


def share_above(differences: ArrayLike) -> float:
    """Return P(A > B) over paired seeds, counting ties half; nan without pairs."""
    d = keep_finite(differences)
    return float((np.sign(d) + 1).mean() / 2) if d.size else math.nan
