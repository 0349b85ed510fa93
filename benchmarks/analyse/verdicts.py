"""When a difference is called one. The words stand in metrics.py, the rules here.

Ratios of time and memory, system / base:
  equivalent within x   the whole interval lies within the margin x, and so does the A/A noise
  faster, slower, ...   the interval excludes 1, and the ratio is beyond the A/A noise
  undecided             anything else, and any time ratio from fewer than six blocks
Scores: equivalent if two one-sided tests say so, higher or lower if the paired test says so,
both corrected for the number of systems that are compared with the base.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from benchmarks.analyse import stats
from benchmarks.analyse.metrics import EQUIVALENT, UNDECIDED, Metric, margin_words
from benchmarks.analyse.samples import Sample, paired
from benchmarks.analyse.stats import ALPHA, Estimate

JUDGED = ("network", "classical")
SMALLEST_RANGE = 3  # processes behind a verdict on memory, which hardly varies


def enough(ratio: Estimate, metric: Metric) -> bool:
    """There are enough blocks behind a ratio for any verdict on it."""
    needed = "range" if metric.estimator == "range" else "interval"
    return ratio.kind == needed and ratio.n >= SMALLEST_RANGE


def of_ratio(ratio: Estimate, metric: Metric, noise: float, margin: float) -> str:
    """The verdict on a paired ratio; "" if there is none. noise: A/A ratio above 1, or nan.

    Without an A/A twin the margin stands in for the noise.
    """
    if not ratio.known:
        return ""
    if not enough(ratio, metric):
        return UNDECIDED
    blur = noise if math.isfinite(noise) else 1 + margin
    if max(ratio.high, 1 / ratio.low, blur) <= 1 + margin:
        return f"{EQUIVALENT} {margin_words(metric, margin)}"
    if ratio.high < 1 and 1 / ratio.value > blur:
        return metric.less
    if ratio.low > 1 and ratio.value > blur:
        return metric.more
    return UNDECIDED


def judge_scores(
    lines: list[dict[str, Any]],
    metric: Metric,
    drawn: Mapping[str, Sample],
    base: str,
    margin: float,
    test_share: float = 0.0,
) -> None:
    """Give each line its M_verdict and the corrected p values behind it, M_p and M_p_equal,
    and M_p_greater: the share of seeds on which the system scores above the base.

    The family is every network and classical system that was compared with the base.
    """
    for line in lines:
        line |= {f"{metric.name}_verdict": "", f"{metric.name}_noise": math.nan}
    family = [
        line
        for line in lines
        if line["system"] != base
        and line["family"] in JUDGED
        and line[f"{metric.name}_{metric.compare}_kind"] not in ("none", "single")
    ]
    both = [paired(drawn[str(line["system"])], drawn[base]) for line in family]
    differs = stats.holm([stats.difference_p(a, b, len(both), test_share) for a, b in both])
    equals = stats.holm([stats.equivalence_p(a, b, margin, test_share) for a, b in both])
    for line, p, p_equal in zip(family, differs, equals, strict=True):
        difference = line[f"{metric.name}_{metric.compare}"]
        if p_equal < ALPHA:
            word = f"{EQUIVALENT} {margin_words(metric, margin)}"
        elif p < ALPHA:
            word = metric.less if difference < 0 else metric.more
        else:
            word = UNDECIDED
        line[f"{metric.name}_verdict"] = word
        line |= {f"{metric.name}_p": p, f"{metric.name}_p_equal": p_equal}
    for line, (a, b) in zip(family, both, strict=True):
        line[f"{metric.name}_p_greater"] = stats.probability_greater(a, b)
