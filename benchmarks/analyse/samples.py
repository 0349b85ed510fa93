"""The values behind an estimate, and how values of two systems are paired."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analyse.metrics import Metric
from benchmarks.analyse.stats import MIN_FOR_MEAN
from benchmarks.plan.datasets import BUNDLED

PAIR = ["run_id", "machine_id", "block", "seed"]
FIXED_TABLES = ("table", *BUNDLED)  # a user's own table, and those that come with scikit-learn


class Sample(dict[tuple, float]):
    """(run, machine, block, seed), or (run, seed) for scores -> value, the mean of repeats.

    Attributes
    ----------
    trials : dict
        For each key, the (order, value) of every trial in the order they ran.
    """

    def __init__(self, trials: Mapping[tuple, list[tuple[int, float]]]) -> None:
        self.trials = {key: sorted(found) for key, found in trials.items()}
        super().__init__(
            (key, float(np.mean([value for _, value in found])))
            for key, found in self.trials.items()
        )


def collect_samples(rows: pd.DataFrame, metric: Metric) -> Sample:
    """Collect a system's values of a metric from its ok rows, sorted by key.

    Several trials may hold the score of one seed; the first of metric.measures is used. Times of
    trials that shared the machine get keys of their own, so that they are never compared.
    """
    key = ["run_id", "seed"] if len(metric.measures) > 1 else PAIR
    rank = {measure: i for i, measure in enumerate(metric.measures)}
    names = ("status", "measure", metric.name, "order", "shared", "system", *key)
    found: dict[tuple, dict[int, list[tuple[int, float]]]] = {}
    for status, measure, value, order, shared, system, *where in zip(
        *(rows[name].tolist() for name in names), strict=True
    ):
        if status != "ok" or measure not in rank or pd.isna(value):
            continue
        at = tuple("" if pd.isna(part) else part for part in where)
        if shared is True and metric.name.startswith(("time", "cpu")):
            at += (system,)
        place = 0 if pd.isna(order) else int(order)
        found.setdefault(at, {}).setdefault(rank[measure], []).append((place, float(value)))
    preferred = {at: found[at][min(found[at])] for at in sorted(found, key=str)}
    if metric.estimator == "mean":  # a score is the same in every process
        preferred = {at: trials[:1] for at, trials in preferred.items()}
    return Sample(preferred)


def pair(values: Mapping[tuple, float], base: Mapping[tuple, float]) -> tuple[Any, Any]:
    """Return the values of two systems, where both have one, as two arrays.

    Where a block has several trials of either, each trial of the system with fewer trials is
    compared with the geometric mean of the other's trials right before and right after it. Both
    values are then geometric means, because later steps work with logarithms.
    """
    found = np.array(list(pair_by_block(values, base).values()), dtype=float).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def pair_by_block(
    values: Mapping[tuple, float], base: Mapping[tuple, float]
) -> dict[tuple, tuple[float, float]]:
    """Return the pairs of `pair` by key."""
    return {key: _pair_block(key, values, base) for key in values if key in base}


def pair_levels(values: Mapping[tuple, float], base: Mapping[tuple, float]) -> tuple[Any, Any]:
    """Like `pair`, but with one pair per machine if three or more machines have pairs.

    Blocks of one machine share its peculiarities, so the machine is the independent unit: its pair
    holds the geometric means over its blocks. Two machines are too few to tell how machines
    differ; their blocks are then used as they are.
    """
    a, b = pair(values, base)
    at = PAIR.index("machine_id")
    keys = [key for key in values if key in base]
    machines = np.array([str(key[at]) if len(key) >= len(PAIR) else "" for key in keys])
    usable = (a > 0) & (b > 0)
    found = sorted(set(machines[usable]))
    if len(found) < MIN_FOR_MEAN:
        return a, b
    groups = [usable & (machines == name) for name in found]
    means = [(_geometric_mean(list(a[group])), _geometric_mean(list(b[group]))) for group in groups]
    levels = np.array(means, dtype=float)
    return levels[:, 0], levels[:, 1]


def _pair_block(
    key: tuple, values: Mapping[tuple, float], base: Mapping[tuple, float]
) -> tuple[float, float]:
    if not (isinstance(values, Sample) and isinstance(base, Sample)):
        return values[key], base[key]
    ours, theirs = values.trials[key], base.trials[key]
    if len(ours) == len(theirs) == 1 or min(value for _, value in ours + theirs) <= 0:
        return values[key], base[key]
    if len(ours) > len(theirs):
        return _pair_block(key, base, values)[::-1]
    flanks = [_geometric_mean(_find_flanks(order, theirs)) for order, _ in ours]
    return _geometric_mean([value for _, value in ours]), _geometric_mean(flanks)


def _find_flanks(order: int, trials: list[tuple[int, float]]) -> list[float]:
    """Return the values of the nearest trials before and after a place in the run."""
    before = [value for place, value in trials if place <= order]
    after = [value for place, value in trials if place > order]
    return before[-1:] + after[:1]


def _geometric_mean(values: list[float]) -> float:
    return float(np.exp(np.mean(np.log(values))))


def find_identical(samples: Mapping[str, Mapping[tuple, float]]) -> dict[str, str]:
    """Map systems to an earlier one with bit-identical values at three keys or more.

    Two programs with the same arithmetic are one observation and count once in a family.
    """
    found: dict[str, str] = {}
    for later, earlier in itertools.combinations(reversed(list(samples)), 2):
        common = [key for key in samples[earlier] if key in samples[later]]
        same = all(samples[earlier][key] == samples[later][key] for key in common)
        if same and len(common) >= 3:
            found[later] = earlier
    return found


def count_machines(values: Mapping[tuple, float]) -> int:
    """Count the machines that the values come from."""
    at = PAIR.index("machine_id")
    return len({key[at] for key in values if len(key) >= len(PAIR)})


def find_split_ratios(workloads: Mapping[str, Mapping[str, Any]] | None) -> dict[str, float]:
    """Map workloads to test rows / training rows where every seed splits one fixed table.

    Such splits overlap, so their scores are less independent than those of fresh draws.
    """
    return {
        name: workload["test_rows"] / workload["train_rows"]
        for name, workload in (workloads or {}).items()
        if workload.get("dataset") in FIXED_TABLES
    }
