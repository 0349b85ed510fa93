"""The values behind an estimate, and which values of two systems belong together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.analyse.metrics import Metric

PAIR = ["run_id", "machine_id", "block", "seed"]
Sample = dict[tuple, float]  # (run, machine, block, seed), or (run, seed) for scores -> value


def samples(rows: pd.DataFrame, metric: Metric) -> Sample:
    """A system's values of a metric from its ok rows, sorted by key.

    Scores of one seed may stand in several trials; the first of metric.measures is taken. Times of
    trials that shared the machine have keys of their own, so that they are never compared.
    """
    timed = metric.name.startswith("time")
    key = ["run_id", "seed"] if len(metric.measures) > 1 else PAIR
    place = {measure: i for i, measure in enumerate(metric.measures)}
    columns = [
        rows[name].tolist() for name in ("status", "measure", metric.name, "shared", "system", *key)
    ]
    found: dict[tuple, tuple[int, float]] = {}
    for status, measure, value, shared, system, *where in zip(*columns, strict=True):
        if status != "ok" or measure not in place or pd.isna(value):
            continue
        at = tuple("" if pd.isna(part) else part for part in where)
        if timed and shared is True:
            at += (system,)
        if at not in found or place[measure] < found[at][0]:
            found[at] = (place[measure], float(value))
    return {where: found[where][1] for where in sorted(found, key=str)}


def paired(values: Sample, base: Sample) -> tuple[np.ndarray, np.ndarray]:
    """The values of two systems where both have one."""
    shared = [key for key in values if key in base]
    return np.array([values[k] for k in shared]), np.array([base[k] for k in shared])
