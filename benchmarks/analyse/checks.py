"""What must hold for a trustworthy run: named findings that reports print and tests assert."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from benchmarks.analyse import stats
from benchmarks.analyse.frameworks import CEILING
from benchmarks.analyse.metrics import MARGINS, METRICS
from benchmarks.analyse.samples import Sample, collect_samples, find_identical, pair
from benchmarks.analyse.stats import Estimate, median_interval
from benchmarks.analyse.summary import Case, split_cases

Pairs = dict[tuple[str, str], np.ndarray]  # two systems -> paired differences of their scores


@dataclasses.dataclass(frozen=True)
class Finding:
    """One checked statement. `holds` is None where the rows cannot tell."""

    name: str
    case: Case
    holds: bool | None
    detail: str


def check_run(
    frame: pd.DataFrame,
    margins: Mapping[str, float] | None = None,
    split_ratios: Mapping[str, float] | None = None,
) -> list[Finding]:
    """Return all findings of all cases in a fixed order. See `summarise` for the arguments."""
    margin = (margins or MARGINS)["accuracy"]
    findings = []
    for case, group in split_cases(frame):
        networks = group[group["family"] == "network"]
        scores = {
            str(name): collect_samples(rows, METRICS["accuracy_test"])
            for name, rows in networks.groupby("system", sort=True)
        }
        scores = {name: values for name, values in scores.items() if values}
        split_ratio, ceiling = (split_ratios or {}).get(case.workload, 0.0), find_ceiling(group)
        if scores or group["measure"].eq("parity").any():
            findings.append(Finding("parity", case, *check_parity(networks)))
        if len(scores) > 1:  # one network alone has none to differ from
            pairs = _pair_scores(scores)
            unpaired = _judge_without_pairs(scores)
            same = check_same_accuracy(pairs, split_ratio) if pairs else unpaired
            equal = check_equivalence(pairs, margin, split_ratio) if pairs else unpaired
            findings.append(Finding("no network differs", case, *same))
            findings.append(Finding("networks equivalent", case, *equal))
        if scores and math.isfinite(ceiling):
            findings.append(Finding("none above the ceiling", case, *check_ceiling(group, ceiling)))
    return findings


def check_parity(networks: pd.DataFrame) -> tuple[bool | None, str]:
    """Check that every network system with rows was shown to train the same network."""
    ran = networks[networks["status"].eq("ok")].drop_duplicates("system")
    proven = dict(zip(ran["system"], ran["comparable"], strict=True))
    failed = sorted(name for name, verdict in proven.items() if pd.notna(verdict) and not verdict)
    missing = sorted(name for name, verdict in proven.items() if pd.isna(verdict))
    if failed:
        return False, f"beyond tolerance: {', '.join(failed)}"
    if missing or not proven:
        return None, f"not checked: {', '.join(missing) or 'no network system ran'}"
    return True, f"{len(proven)} systems train the same network as numpy-plain"


def _pair_scores(scores: Mapping[str, Sample]) -> Pairs:
    """Return paired differences for each pair of systems that share at least two seeds.

    Systems with bit-identical scores are represented by the first of them.
    """
    found = {}
    same_bits = find_identical(scores)
    different = [name for name in scores if name not in same_bits]
    for one, two in itertools.combinations(different, 2):
        a, b = pair(scores[one], scores[two])
        if len(a) > 1:
            found[one, two] = a - b
    return found


def _judge_without_pairs(scores: Mapping[str, Sample]) -> tuple[bool | None, str]:
    if len(find_identical(scores)) == len(scores) - 1:
        return True, "the scores of all networks are the same, bit for bit"
    return None, "a paired test needs two seeds on which two networks have a score"


def check_same_accuracy(pairs: Pairs, split_ratio: float) -> tuple[bool | None, str]:
    """Check that no two network systems differ in test accuracy (paired over seeds, Holm)."""
    adjusted = stats.adjust_holm([stats.difference_p(d, split_ratio) for d in pairs.values()])
    if np.isnan(adjusted).all():
        return None, "two equal differences test nothing; a third seed would"
    smallest = int(np.nanargmin(adjusted))
    worst = " and ".join(list(pairs)[smallest])
    seeds = min(map(len, pairs.values()))
    p = adjusted[smallest]
    shown = "below 0.001" if p < 0.001 else f"{p:.3f}"
    detail = f"{len(pairs)} pairs over {seeds} seeds; smallest corrected p {shown} ({worst})"
    return bool(p >= stats.ALPHA), detail


def check_equivalence(pairs: Pairs, margin: float, split_ratio: float) -> tuple[bool | None, str]:
    """Check that all pairs of network systems are equivalent (two one-sided tests, Holm).

    None, not False, otherwise: failing to show equivalence does not show a difference.
    """
    p = [stats.equivalence_p(gaps, margin, split_ratio) for gaps in pairs.values()]
    adjusted = stats.adjust_holm(p)
    shown = int((adjusted < stats.ALPHA).sum())
    largest = max(abs(float(np.mean(d))) for d in pairs.values())
    detail = f"{shown} of {len(pairs)} pairs shown to differ by less than {margin:g}"
    detail += f"; largest mean difference {largest:.4f}"
    return (True if shown == len(pairs) else None), detail


def find_ceiling(group: pd.DataFrame) -> float:
    """Return the accuracy that no system can exceed on fresh points; nan if unknown."""
    known = group["ceiling"].dropna()
    if len(known):
        return float(known.mean())
    bayes = collect_samples(group[group["system"] == CEILING], METRICS["accuracy_test"])
    return float(np.mean(list(bayes.values()))) if bayes else math.nan


def check_ceiling(group: pd.DataFrame, ceiling: float) -> tuple[bool | None, str]:
    """Check that no trained system's mean accuracy is over 3 standard errors above the ceiling.

    With too few seeds the standard error is too uncertain to fault a system.
    """
    above, unknown, highest = [], [], (-math.inf, "")
    trained = group[group["family"].isin(["network", "classical"])]
    for name, rows in trained.groupby("system", sort=True):
        values = np.array(list(collect_samples(rows, METRICS["accuracy_test"]).values()))
        if not len(values):
            continue
        mean = float(values.mean())
        highest = max(highest, (mean, str(name)))
        if mean <= ceiling:
            continue
        if len(values) < stats.MIN_FOR_MEAN:
            unknown.append(str(name))
        elif mean > ceiling + 3 * stats.standard_error(values):
            above.append(str(name))
    if above:
        return False, f"above {ceiling:.3f} by over 3 standard errors: {', '.join(above)}"
    detail = f"ceiling {ceiling:.3f}; highest mean {highest[0]:.3f} ({highest[1]})"
    return (None if unknown else True), detail


def estimate_overhead(frame: pd.DataFrame) -> Estimate:
    """Estimate seconds from exec to row on disk of an empty trial, minus a bare interpreter."""
    rows = frame[
        frame["system"].eq("noop") & frame["measure"].eq("time") & frame["status"].eq("ok")
    ]
    return median_interval(rows["time_total_s"] + rows["time_record_s"].fillna(0.0)
                           - rows["time_bare_s"])  # fmt: skip
