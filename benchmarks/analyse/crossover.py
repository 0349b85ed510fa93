"""The size above which a framework's step is faster than mapicx's, along one scaling axis.

Computed for the whole step, its matrix products, and everything else. At each size a framework is
represented by its best variant there, the one with the shortest step. Between the sizes of the
fixed grid the log ratio is interpolated linearly in the log size.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analyse import stats
from benchmarks.analyse.frameworks import BASE, PRODUCTS
from benchmarks.analyse.metrics import STEP
from benchmarks.analyse.samples import Sample, pair_by_block
from benchmarks.analyse.stats import Estimate
from benchmarks.analyse.steps import collect_steps, subtract_samples
from benchmarks.analyse.summary import Lines, Summary, find_best_variants
from benchmarks.analyse.verdicts import Verdict, judge_ratio

WHOLE, MULTIPLIED, REST = "step", "products", "everything else"
PARTS = (WHOLE, MULTIPLIED, REST)
POINTS = 100  # between two neighbouring sizes, at which the interval of a crossing is looked up
UNITS = {"width": "units", "depth": "hidden layers", "batch": "rows a batch", "rows": "rows"}


@dataclasses.dataclass(frozen=True)
class Axis:
    """Workloads that differ in a single size: size -> workload, smallest first."""

    name: str
    workloads: dict[int, str]


@dataclasses.dataclass(frozen=True)
class Crossing:
    """One framework against mapicx along an axis, for one part of the step.

    ratios: size -> mapicx / framework, below 1 where mapicx is faster; verdicts: on mapicx.
    at: the size above which the framework is faster throughout; 0 means below the smallest size
    and infinity beyond the largest, also in the bounds. unresolved: sizes at which the part
    "everything else" cannot be told from noise.
    """

    axis: Axis
    threads: int
    framework: str
    part: str
    ratios: dict[int, Estimate]
    variants: dict[int, str]
    verdicts: dict[int, Verdict]
    at: Estimate
    unresolved: tuple[int, ...] = ()


def find_axes(workloads: Mapping[str, Mapping[str, Any]]) -> list[Axis]:
    """Find groups of workloads NAME-VALUE that differ in one size; [] if there are none."""
    groups: dict[str, list[str]] = {}
    for name in workloads:
        stem, _, value = name.rpartition("-")
        if stem and value.isdigit():
            groups.setdefault(stem, []).append(name)
    found = []
    for names in groups.values():
        for axis, sizes in _find_sizes([workloads[name] for name in names]).items():
            found.append(Axis(axis, dict(sorted(zip(sizes, names, strict=True)))))
    return found


def _find_sizes(group: list[Mapping[str, Any]]) -> dict[str, list[int]]:
    """Find the one size that varies within a group; {} if none or several do."""
    sizes = {
        "width": [workload["layers"][1] for workload in group],
        "depth": [len(workload["layers"]) - 2 for workload in group],
        "batch": [workload["batch_size"] or workload["train_rows"] for workload in group],
        "rows": [workload["train_rows"] for workload in group],
    }
    varying = {axis: found for axis, found in sizes.items() if len(set(found)) > 1}
    if "rows" in varying:  # the size of a full batch grows with the rows
        varying.pop("batch", None)
    return varying if len(varying) == 1 else {}


def find_crossings(
    frame: pd.DataFrame,
    summary: Summary,
    workloads: Mapping[str, Mapping[str, Any]],
    margin: float,
) -> list[Crossing]:
    """Compare every framework along every axis of a run, per thread count and part of the step."""
    found = []
    for axis in find_axes(workloads):
        sizes = {workload: size for size, workload in axis.workloads.items()}
        cases = [case for case in summary if case.workload in sizes]
        for threads in sorted({case.threads for case in cases}):
            points: list[_Point] = []
            for case in sorted(cases, key=lambda case: sizes[case.workload]):
                if case.threads == threads:
                    rows = frame["workload"].eq(case.workload) & frame["threads"].eq(threads)
                    size = sizes[case.workload]
                    points += _compare_at(size, collect_steps(frame[rows]), summary[case])
            names = sorted({point.framework for point in points})
            for part, name in itertools.product(PARTS, names):
                these = [point for point in points if (point.framework, point.part) == (name, part)]
                if len(these) > 1:
                    found.append(_find_crossing(these, axis, threads, margin))
    return found


@dataclasses.dataclass(frozen=True)
class _Point:
    """A framework against mapicx at one size, for one part. logs: block -> log ratio."""

    framework: str
    part: str
    size: int
    variant: str
    logs: dict[tuple, float]


def _compare_at(size: int, samples: Mapping[str, Sample], lines: Lines) -> list[_Point]:
    """Compare the step and, where both systems' products were measured, its two parts."""
    found = []
    able = [line for line in lines.values() if line.against(STEP.name).estimate.known]
    for name, line in sorted(find_best_variants(able, STEP.name).items()):
        own, other = samples[BASE], samples[line.system]
        controls = PRODUCTS[BASE], PRODUCTS.get(name, "")
        found.append(_Point(name, WHOLE, size, line.system, _take_logs(own, other)))
        products: list[Mapping[tuple, float]] = [samples.get(control, {}) for control in controls]
        if not all(products):
            continue
        if controls[0] != controls[1]:  # scikit-learn's products are NumPy's, as mapicx's are
            found.append(_Point(name, MULTIPLIED, size, controls[1], _take_logs(*products)))
        rests = [subtract_samples(*both) for both in zip((own, other), products, strict=True)]
        logs = _take_logs(*rests) if all(map(_stands_out, rests)) else {}
        found.append(_Point(name, REST, size, line.system, logs))
    return found


def _stands_out(rest: Mapping[tuple, float]) -> bool:
    """Whether a difference of two times is above 0 in every block, and its interval too."""
    return (
        bool(rest) and min(rest.values()) > 0 and stats.mean_interval(list(rest.values())).low > 0
    )


def _take_logs(own: Mapping[tuple, float], other: Mapping[tuple, float]) -> dict[tuple, float]:
    return {key: float(np.log(a / b)) for key, (a, b) in pair_by_block(own, other).items()}


def _find_crossing(points: list[_Point], axis: Axis, threads: int, margin: float) -> Crossing:
    """Combine the sizes into one crossing, leaving out unresolved ones."""
    known = [point for point in points if point.logs]
    ratios = {p.size: stats.mean_interval(list(p.logs.values())).exp() for p in known}
    return Crossing(
        axis=axis,
        threads=threads,
        framework=points[0].framework,
        part=points[0].part,
        ratios=ratios,
        variants={point.size: point.variant for point in known},
        verdicts={size: judge_ratio(ratio, margin) for size, ratio in ratios.items()},
        at=locate({point.size: point.logs for point in known}) if known else Estimate(),
        unresolved=tuple(point.size for point in points if not point.logs),
    )


def locate(logs: Mapping[int, Mapping[tuple, float]]) -> Estimate:
    """Locate the crossing of the mean log ratio, with its 95 % interval.

    logs: size -> block -> log(mapicx / framework). Blocks that lack a size are left out. The
    interval holds every size at which Student's test of the interpolated ratios finds neither
    faster (Fieller's argument); below three blocks there is none.
    """
    sizes = sorted(logs)
    shared = set.intersection(*(set(logs[size]) for size in sizes))
    table = np.array([[logs[size][key] for size in sizes] for key in sorted(shared, key=str)])
    if not len(table):
        return Estimate()
    value = _interpolate(sizes, table.mean(axis=0))
    if len(table) < stats.MIN_FOR_MEAN:
        return Estimate(value, value, value, len(table), "single")
    gaps = itertools.pairwise(sizes)
    grid = np.concatenate(
        [*(np.geomspace(a, b, POINTS, endpoint=False) for a, b in gaps), sizes[-1:]]
    )
    curves = np.array([np.interp(np.log(grid), np.log(sizes), row) for row in table])
    bounds = [stats.mean_interval(column) for column in curves.T]
    low = _find_last(grid, [bound.high < 0 for bound in bounds])  # mapicx is shown to be faster
    high = _find_last(grid, [bound.low <= 0 for bound in bounds])  # it is not shown to be slower
    return Estimate(value, low, high, len(table), "interval")


def _find_last(grid: np.ndarray, holds: list[bool]) -> float:
    """Return the last size at which it holds; 0: nowhere, inf: even at the largest."""
    places = np.flatnonzero(holds)
    if not len(places):
        return 0.0
    return math.inf if places[-1] == len(grid) - 1 else float(grid[places[-1]])


def _interpolate(sizes: list[int], logs: np.ndarray) -> float:
    """Return the size where the framework becomes and stays faster; 0: everywhere, inf: nowhere."""
    slower = np.flatnonzero(logs < 0)  # indices where mapicx is faster
    if not len(slower):
        return 0.0
    last = int(slower[-1])
    if last == len(sizes) - 1:
        return math.inf
    share = -logs[last] / (logs[last + 1] - logs[last])
    left, right = math.log(sizes[last]), math.log(sizes[last + 1])
    return float(math.exp(left + share * (right - left)))
