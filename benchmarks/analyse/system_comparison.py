"""Systems against the base in one quantity: estimate, verdict and the tests behind it.

The systems of one call are one family, whose p values are corrected after Holm.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from benchmarks.analyse import stats
from benchmarks.analyse.metrics import Metric
from benchmarks.analyse.samples import Sample, find_identical, pair, pair_levels
from benchmarks.analyse.stats import Estimate
from benchmarks.analyse.verdicts import Verdict, judge_difference, judge_ratio


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A system against the base: ratio or difference, its verdict, and the evidence for it."""

    estimate: Estimate = dataclasses.field(default_factory=Estimate)
    verdict: Verdict = dataclasses.field(default_factory=Verdict)
    p: float = math.nan  # of no difference; like p_equal, corrected
    p_equal: float = math.nan  # of non-equivalence
    share_above: float = math.nan  # of seeds where the system scores above the base


def compare_samples(a: Sample, b: Sample, metric: Metric, split_ratio: float = 0.0) -> Estimate:
    """Estimate the paired ratio a / b, or difference a - b, of two systems' samples."""
    if metric.compare == "ratio":
        return stats.paired_ratio(*pair_levels(a, b), metric.estimator == "range")
    values, base = pair(a, b)
    return stats.mean_interval(values - base, split_ratio)


def compare_scores(
    samples: Mapping[str, Sample],
    base: Mapping[tuple, float],
    margin: float,
    split_ratio: float,
    same_bits: Mapping[str, str],
) -> dict[str, Comparison]:
    """Compare every system's scores with the base's and judge the differences, as one family.

    same_bits: systems that add no test to the family, as `find_identical` returns them.
    """
    pairs = {name: pair(values, base) for name, values in samples.items()}
    gaps = {name: a - b for name, (a, b) in pairs.items()}
    differs = {name: stats.difference_p(gap, split_ratio) for name, gap in gaps.items()}
    same = {name: stats.equivalence_p(gap, margin, split_ratio) for name, gap in gaps.items()}
    differs, same = _adjust(differs, same_bits), _adjust(same, same_bits)
    found = {}
    for name, gap in gaps.items():
        estimate, p = stats.mean_interval(gap, split_ratio), (differs[name], same[name])
        verdict = judge_difference(estimate, margin, *p)
        found[name] = Comparison(estimate, verdict, *p, stats.share_above(gap))
    return found


def compare_costs(
    samples: Mapping[str, Sample], base: Sample, metric: Metric, margin: float, is_family: bool
) -> dict[str, Comparison]:
    """Compare every system's times or memory with the base's; is_family: correct the p values."""
    steady = metric.estimator == "range"
    pairs = {name: pair_levels(values, base) for name, values in samples.items()}
    p = {name: stats.difference_p(stats.log_ratios(a, b)) for name, (a, b) in pairs.items()}
    if is_family:
        p = _adjust(p, find_identical(samples))
    found = {}
    for name, (a, b) in pairs.items():
        ratio = stats.paired_ratio(a, b, steady)
        verdict = judge_ratio(ratio, margin, math.nan if steady else p[name], steady)
        found[name] = Comparison(ratio, verdict, p=p[name])
    return found


def _adjust(p_values: Mapping[str, float], same_bits: Mapping[str, str]) -> dict[str, float]:
    """Adjust a family by Holm's method. A system that repeats another's bits adds no test."""
    counted = {name: p for name, p in p_values.items() if name not in same_bits}
    adjusted = {}
    for name, p in p_values.items():
        # A repeat may have fewer seeds than the original, so its own p replaces the original's.
        first = same_bits.get(name, name)
        family = counted | {first: p}
        adjusted[name] = float(stats.adjust_holm(list(family.values()))[list(family).index(first)])
    return adjusted
