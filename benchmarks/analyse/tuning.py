"""Which options a tuning run chooses for each system on each workload."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from statistics import fmean, stdev
from typing import Any, NamedTuple


class Choice(NamedTuple):
    """The options in use from now on; kept: those of the first trial, in use before."""

    options: dict[str, Any]
    kept: bool
    accuracy: float  # mean over the draws
    accuracy_before: float
    best: float  # of the trial with the highest mean, chosen or not


def chosen(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Choice]:
    """(workload, system) -> the trial with the highest mean accuracy, the earliest of equals.

    What was in use stays unless the best is better by more than a standard error of their
    difference, paired in draws: the best of many is partly the luckiest (the one-standard-error
    rule of Breiman et al. 1984). A trial that failed cannot be chosen.
    """
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["workload"], row["system"]), []).append(row)
    return {place: _choice(sorted(group, key=_trial)) for place, group in groups.items()}


def _trial(row: Mapping[str, Any]) -> int:
    return row["trial"]


def _choice(trials: list[Mapping[str, Any]]) -> Choice:
    before = trials[0]
    able = [row for row in trials if row["accuracy"] is not None]
    if not able:
        return Choice(before["options"], True, math.nan, math.nan, math.nan)
    best = max(able, key=lambda row: fmean(row["accuracy"]))
    high = fmean(best["accuracy"])
    if before["accuracy"] is None:
        return Choice(best["options"], False, high, math.nan, high)
    low = fmean(before["accuracy"])
    gains = [a - b for a, b in zip(best["accuracy"], before["accuracy"], strict=True)]
    error = stdev(gains) / math.sqrt(len(gains)) if len(gains) > 1 else math.inf
    kept = best is before or fmean(gains) <= error
    return Choice((before if kept else best)["options"], kept, low if kept else high, low, high)
