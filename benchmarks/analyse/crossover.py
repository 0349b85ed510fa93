"""From which size on a framework's step is faster than mapicx's, along one axis of scaling.

At every size a framework stands for its best variant there. Between the sizes of the fixed grid
the logarithm of the ratio is interpolated linearly in the logarithm of the size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm, t

from benchmarks.analyse import stats
from benchmarks.analyse.frameworks import BASE, best_variants
from benchmarks.analyse.metrics import METRICS
from benchmarks.analyse.samples import samples
from benchmarks.analyse.stats import Estimate

STEP = METRICS["time_step_warm_s"]
RESAMPLES = 1999
UNITS = {"width": "units", "depth": "hidden layers", "batch": "rows a batch", "rows": "rows"}


class Axis(NamedTuple):
    """Workloads that differ in one size alone: size -> workload, smallest first."""

    name: str
    workloads: dict[int, str]


class Crossing(NamedTuple):
    """One framework against mapicx along an axis.

    ratios: size -> mapicx / framework, below 1 where mapicx is faster. at: the size from which on
    the framework is faster at every larger one; 0 and infinity stand for below the smallest and
    beyond the largest measured size, also as bounds.
    """

    axis: Axis
    threads: int
    framework: str
    ratios: dict[int, Estimate]
    variants: dict[int, str]
    at: Estimate


def axes(workloads: Mapping[str, Mapping[str, Any]]) -> list[Axis]:
    """Groups of workloads NAME-VALUE that differ in one size; [] if there are none."""
    groups: dict[str, list[str]] = {}
    for name in workloads:
        stem, _, value = name.rpartition("-")
        if stem and value.isdigit():
            groups.setdefault(stem, []).append(name)
    found = []
    for names in groups.values():
        for axis, sizes in _sizes([workloads[name] for name in names]).items():
            by_size = dict(sorted(zip(sizes, names, strict=True)))
            found.append(Axis(axis, by_size))
    return found


def _sizes(group: list[Mapping[str, Any]]) -> dict[str, list[int]]:
    """The one size that varies within a group; {} if none does or several do."""
    sizes = {
        "width": [workload["layers"][1] for workload in group],
        "depth": [len(workload["layers"]) - 2 for workload in group],
        "batch": [workload["batch_size"] or workload["train_rows"] for workload in group],
        "rows": [workload["train_rows"] for workload in group],
    }
    varying = {axis: found for axis, found in sizes.items() if len(set(found)) > 1}
    if "rows" in varying:  # a full batch grows with the rows
        varying.pop("batch", None)
    return varying if len(varying) == 1 else {}


def crossings(
    frame: pd.DataFrame, summary: pd.DataFrame, workloads: Mapping[str, Mapping[str, Any]]
) -> list[Crossing]:
    """Every framework along every axis of a run, per number of threads."""
    found = []
    for axis in axes(workloads):
        lines = summary[summary["workload"].isin(axis.workloads.values())]
        for threads in sorted(lines["threads"].unique()):
            rows = frame[frame["threads"].eq(threads)]
            found += _along(axis, int(threads), rows, lines[lines["threads"].eq(threads)])
    return found


def _along(axis: Axis, threads: int, rows: pd.DataFrame, lines: pd.DataFrame) -> list[Crossing]:
    drawn: dict[str, dict[int, dict[tuple, float]]] = {}  # framework -> size -> block -> log ratio
    variants: dict[str, dict[int, str]] = {}
    for size, workload in axis.workloads.items():
        here = rows[rows["workload"].eq(workload)]
        base = samples(here[here["system"].eq(BASE)], STEP)
        part = lines[lines["workload"].eq(workload) & lines[f"{STEP.name}_ratio"].notna()]
        for _, line in best_variants(part, STEP.name).iterrows():
            other = samples(here[here["system"].eq(line["system"])], STEP)
            logs = {key: math.log(base[key] / other[key]) for key in other if key in base}
            drawn.setdefault(line["framework"], {})[size] = logs
            variants.setdefault(line["framework"], {})[size] = line["system"]
    return [
        Crossing(axis, threads, name, _ratios(logs), variants[name], locate(logs))
        for name, logs in sorted(drawn.items())
        if len(logs) > 1
    ]


def _ratios(logs: Mapping[int, Mapping[tuple, float]]) -> dict[int, Estimate]:
    return {size: stats.median_interval(list(by.values())).exp() for size, by in logs.items()}


def locate(logs: Mapping[int, Mapping[tuple, float]]) -> Estimate:
    """The crossing of the mean log ratio, with the 95 % interval over whole blocks.

    logs: size -> block -> log(mapicx / framework). The bootstrap draws blocks, the same for every
    size; blocks that lack a size are left out. Below six blocks there is no interval.
    """
    sizes = sorted(logs)
    shared = set.intersection(*(set(logs[size]) for size in sizes))
    table = np.array([[logs[size][key] for size in sizes] for key in sorted(shared, key=str)])
    if not len(table):
        return Estimate()
    value = _crossing(sizes, table.mean(axis=0))
    if len(table) < stats.SMALLEST_N:
        return Estimate(value, value, value, len(table), "single")
    rng = np.random.default_rng(stats.RNG_SEED)
    draws = rng.integers(len(table), size=(RESAMPLES, len(table)))
    # A plain percentile interval of few blocks covers too little; widened as Student's t is
    # (Hesterberg, What teachers should know about the bootstrap, 2015, section 3.3).
    n, mean = len(table), table.mean(axis=0)
    wider = math.sqrt(n / (n - 1)) * float(t.ppf(0.975, n - 1) / norm.ppf(0.975))
    means = mean + (table[draws].mean(axis=1) - mean) * wider
    found = np.sort([_crossing(sizes, drawn) for drawn in means])
    low, high = (found[round(q * (RESAMPLES - 1))] for q in (0.025, 0.975))
    return Estimate(value, min(low, value), max(high, value), len(table), "interval")


def _crossing(sizes: list[int], logs: np.ndarray) -> float:
    """Where the framework becomes faster and stays so; 0: everywhere, infinity: nowhere."""
    slower = np.flatnonzero(logs < 0)  # there mapicx is faster
    if not len(slower):
        return 0.0
    last = int(slower[-1])
    if last == len(sizes) - 1:
        return math.inf
    share = -logs[last] / (logs[last + 1] - logs[last])
    left, right = math.log(sizes[last]), math.log(sizes[last + 1])
    return math.exp(left + share * (right - left))
