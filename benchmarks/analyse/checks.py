"""What must be true of a trustworthy run, as named findings that reports print and tests assert.

A finding is True (holds), False (does not) or None (these rows cannot tell).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.analyse import stats
from benchmarks.analyse.frameworks import CEILING
from benchmarks.analyse.metrics import MARGINS, METRICS, margin_words
from benchmarks.analyse.samples import Sample, paired, samples
from benchmarks.analyse.summary import GROUP

# The standard error of fewer seeds is too unsure to accuse a system.
SMALLEST_N = 3


class Finding(NamedTuple):
    """One checked statement, with its evidence in a sentence."""

    name: str
    workload: str
    threads: int
    holds: bool | None
    detail: str


def check(
    frame: pd.DataFrame,
    margins: Mapping[str, float] | None = None,
    shares: Mapping[str, float] | None = None,
) -> list[Finding]:
    """Every finding of every workload, in a fixed order."""
    margin = float((margins or {}).get("accuracy", MARGINS["accuracy"]))
    findings = []
    for (workload, threads), group in frame.groupby(GROUP, sort=True):
        networks = group[group["family"] == "network"]
        scores = {
            str(name): samples(rows, METRICS["accuracy_test"])
            for name, rows in networks.groupby("system", sort=True)
        }
        scores = {name: values for name, values in scores.items() if len(values)}
        share = (shares or {}).get(str(workload), 0.0)
        place = (str(workload), int(str(threads)))
        if scores or group["measure"].eq("parity").any():
            findings.append(Finding("parity", *place, *parity(networks)))
        if scores:
            findings.append(Finding("no network differs", *place, *same_accuracy(scores, share)))
            equal = equivalent_accuracy(scores, margin, share)
            findings.append(Finding("networks equivalent", *place, *equal))
            if math.isfinite(ceiling_of(group)):
                findings.append(Finding("none above the ceiling", *place, *below_ceiling(group)))
    return findings


def parity(networks: pd.DataFrame) -> tuple[bool | None, str]:
    """Every network system that gave rows proved that it trains the same network."""
    ran = networks[networks["status"].eq("ok")].drop_duplicates("system")
    proven = dict(zip(ran["system"], ran["comparable"], strict=True))
    failed = sorted(name for name, verdict in proven.items() if pd.notna(verdict) and not verdict)
    missing = sorted(name for name, verdict in proven.items() if pd.isna(verdict))
    if failed:
        return False, f"beyond tolerance: {', '.join(failed)}"
    if missing or not proven:
        return None, f"not checked: {', '.join(missing) or 'no network system ran'}"
    return True, f"{len(proven)} systems train the same network as numpy-plain"


def _pairs(scores: Mapping[str, Sample]) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    found = {}
    for one, two in itertools.combinations(scores, 2):
        a, b = paired(scores[one], scores[two])
        if len(a) > 1:
            found[one, two] = (a, b)
    return found


def same_accuracy(scores: Mapping[str, Sample], share: float = 0.0) -> tuple[bool | None, str]:
    """No pair of network systems differs in test accuracy (paired over seeds, Holm)."""
    pairs = _pairs(scores)
    if not pairs:
        return None, "a paired test needs two systems and two seeds"
    adjusted = stats.holm([stats.difference_p(a, b, len(pairs), share) for a, b in pairs.values()])
    smallest = int(np.argmin(adjusted))
    worst = " and ".join(list(pairs)[smallest])
    seeds = min(len(a) for a, _ in pairs.values())
    what = f"{len(pairs)} pairs over {seeds} seeds; smallest corrected p {adjusted[smallest]:.2g}"
    return bool(adjusted[smallest] >= stats.ALPHA), f"{what} ({worst})"


def equivalent_accuracy(
    scores: Mapping[str, Sample], margin: float, share: float = 0.0
) -> tuple[bool | None, str]:
    """Every pair of network systems is equivalent within the margin (two one-sided tests, Holm).

    None instead of False: rows that do not show equivalence do not show a difference either.
    """
    pairs = _pairs(scores)
    if not pairs:
        return None, "a paired test needs two systems and two seeds"
    adjusted = stats.holm([stats.equivalence_p(a, b, margin, share) for a, b in pairs.values()])
    shown = int((adjusted < stats.ALPHA).sum())
    largest = max(abs(float(np.mean(a - b))) for a, b in pairs.values()) * 100
    size = margin_words(METRICS["accuracy_test"], margin)
    what = f"{shown} of {len(pairs)} pairs within {size}"
    detail = f"{what}; largest mean difference {largest:.2f} points"
    return (True if shown == len(pairs) else None), detail


def ceiling_of(group: pd.DataFrame) -> float:
    """The accuracy that no system can exceed on fresh points; nan if unknown."""
    known = group["ceiling"].dropna()
    if len(known):
        return float(known.mean())
    bayes = samples(group[group["system"] == CEILING], METRICS["accuracy_test"])
    return float(np.mean(list(bayes.values()))) if bayes else math.nan


def below_ceiling(group: pd.DataFrame) -> tuple[bool | None, str]:
    """No trained system's mean test accuracy is above the ceiling by over 3 standard errors."""
    ceiling = ceiling_of(group)
    if not math.isfinite(ceiling):
        return None, "the ceiling of this data set is not known"
    above, unknown, highest = [], [], (-math.inf, "")
    trained = group[group["family"].isin(["network", "classical"])]
    for name, rows in trained.groupby("system", sort=True):
        values = np.array(list(samples(rows, METRICS["accuracy_test"]).values()))
        if not len(values):
            continue
        highest = max(highest, (float(values.mean()), str(name)))
        if len(values) < SMALLEST_N:
            unknown.append(str(name))
        elif values.mean() > ceiling + 3 * values.std(ddof=1) / math.sqrt(len(values)):
            above.append(str(name))
    if above:
        return False, f"above {ceiling:.3f} by over 3 standard errors: {', '.join(above)}"
    detail = f"ceiling {ceiling:.3f}; highest mean {highest[0]:.3f} ({highest[1]})"
    return (None if unknown else True), detail
