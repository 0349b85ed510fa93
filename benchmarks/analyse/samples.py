"""The values behind an estimate, and which values of two systems belong together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analyse.metrics import Metric
from benchmarks.plan.datasets import BUNDLED

PAIR = ["run_id", "machine_id", "block", "seed"]
Sample = dict[tuple, float]  # (run, machine, block, seed), or (run, seed) for scores -> value
FIXED_TABLES = ("table", *BUNDLED)  # a user's own table, and those that come with scikit-learn


def collect_samples(rows: pd.DataFrame, metric: Metric) -> Sample:
    """A system's values of a metric from its ok rows, sorted by key.

    Scores of one seed may stand in several trials; the first of metric.measures is taken. Repeats
    within a block are averaged, as costs add up. Times of trials that shared the machine have
    keys of their own, so that they are never compared.
    """
    key = ["run_id", "seed"] if len(metric.measures) > 1 else PAIR
    rank = {measure: i for i, measure in enumerate(metric.measures)}
    names = ("status", "measure", metric.name, "shared", "system", *key)
    found: dict[tuple, dict[int, list[float]]] = {}
    for status, measure, value, shared, system, *where in zip(
        *(rows[name].tolist() for name in names), strict=True
    ):
        if status != "ok" or measure not in rank or pd.isna(value):
            continue
        at = tuple("" if pd.isna(part) else part for part in where)
        if shared is True and metric.name.startswith("time"):
            at += (system,)
        found.setdefault(at, {}).setdefault(rank[measure], []).append(float(value))
    preferred = {at: values[min(values)] for at, values in found.items()}
    if metric.estimator == "mean":
        return {at: preferred[at][0] for at in sorted(preferred, key=str)}
    return {at: float(np.mean(preferred[at])) for at in sorted(preferred, key=str)}


def pair(values: Sample, base: Sample) -> tuple[np.ndarray, np.ndarray]:
    """The values of two systems where both have one."""
    shared = [key for key in values if key in base]
    return np.array([values[k] for k in shared]), np.array([base[k] for k in shared])


def count_machines(values: Sample) -> int:
    """How many machines the values come from."""
    at = PAIR.index("machine_id")
    return len({key[at] for key in values if len(key) >= len(PAIR)})


def find_split_shares(workloads: Mapping[str, Mapping[str, Any]] | None) -> dict[str, float]:
    """Workload -> test rows / training rows, where every seed splits one fixed table.

    Such splits overlap, so their scores are less independent than those of fresh draws.
    """
    return {
        name: workload["test_rows"] / workload["train_rows"]
        for name, workload in (workloads or {}).items()
        if workload.get("dataset") in FIXED_TABLES
    }
