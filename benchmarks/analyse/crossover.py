"""From which size on a framework's step is faster than mapicx's, along one axis of scaling.

For the whole step, for its matrix products, and for everything else. At every size a framework
stands for its best variant there, the one with the shortest step. Between the sizes of the fixed
grid the logarithm of the ratio is interpolated linearly in the logarithm of the size.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm, t

from benchmarks.analyse import stats
from benchmarks.analyse.frameworks import BASE, best_variants
from benchmarks.analyse.metrics import METRICS
from benchmarks.analyse.samples import Sample, samples
from benchmarks.analyse.stats import Estimate
from benchmarks.analyse.step_parts import PRODUCTS, split
from benchmarks.analyse.verdicts import of_ratio

WHOLE, MULTIPLIED, REST = "step", "products", "everything else"
PARTS = (WHOLE, MULTIPLIED, REST)
STEP = METRICS["time_step_warm_s"]
RESAMPLES = 1999
UNITS = {"width": "units", "depth": "hidden layers", "batch": "rows a batch", "rows": "rows"}


class Axis(NamedTuple):
    """Workloads that differ in one size alone: size -> workload, smallest first."""

    name: str
    workloads: dict[int, str]


class Crossing(NamedTuple):
    """One framework against mapicx along an axis, in one part of the step.

    ratios: size -> mapicx / framework, below 1 where mapicx is faster; verdicts: on mapicx, in the
    words of metrics.py. at: the size from which on the framework is faster at every larger one;
    0 and infinity stand for below the smallest and beyond the largest size, also as bounds.
    unresolved: sizes at which everything else does not stand out from the noise.
    """

    axis: Axis
    threads: int
    framework: str
    part: str
    ratios: dict[int, Estimate]
    variants: dict[int, str]
    verdicts: dict[int, str]
    at: Estimate
    unresolved: tuple[int, ...] = ()


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
    frame: pd.DataFrame,
    summary: pd.DataFrame,
    workloads: Mapping[str, Mapping[str, Any]],
    margin: float,
) -> list[Crossing]:
    """Every framework along every axis of a run, per number of threads and part of the step."""
    found = []
    for axis in axes(workloads):
        lines = summary[summary["workload"].isin(axis.workloads.values())]
        for threads in sorted(lines["threads"].unique()):
            rows = frame[frame["threads"].eq(threads)]
            compared = _compared(axis, rows, lines[lines["threads"].eq(threads)], margin)
            names = sorted({point.framework for point in compared})
            for part, name in itertools.product(PARTS, names):
                points = [c for c in compared if (c.framework, c.part) == (name, part)]
                if len(points) > 1:
                    found.append(_crossing_of(points, axis, int(threads), margin))
    return found


class _Point(NamedTuple):
    """A framework against mapicx at one size, in one part; logs: block -> log ratio."""

    framework: str
    part: str
    size: int
    variant: str
    logs: dict[tuple, float]
    blur: float  # the ratio above 1 that may be noise; infinite: not resolved


def _compared(axis: Axis, rows: pd.DataFrame, lines: pd.DataFrame, margin: float) -> list[_Point]:
    found = []
    for size, workload in axis.workloads.items():
        here = rows[rows["workload"].eq(workload)]
        drawn = {str(name): samples(part, STEP) for name, part in here.groupby("system")}
        part = lines[lines["workload"].eq(workload) & lines[f"{STEP.name}_ratio"].notna()]
        for _, line in best_variants(part, STEP.name).iterrows():
            noise = float(line[f"{STEP.name}_noise"])
            noise = noise if math.isfinite(noise) else 1 + margin
            found += _points(drawn, line["framework"], str(line["system"]), size, noise)
    return found


def _points(
    drawn: Mapping[str, Sample], framework: str, variant: str, size: int, noise: float
) -> list[_Point]:
    """The step and, where the products of both were measured, its two parts."""
    controls = PRODUCTS[BASE], PRODUCTS.get(framework, "")
    own, other = (
        split(drawn[name], drawn.get(control, {}), noise)
        for name, control in zip((BASE, variant), controls, strict=True)
    )
    found = [_Point(framework, WHOLE, size, variant, _logs(own.step, other.step), noise)]
    if not own.products or not other.products:
        return found
    if controls[0] != controls[1]:  # scikit-learn's products are NumPy's, as mapicx's are
        logs = _logs(own.products, other.products)
        found.append(_Point(framework, MULTIPLIED, size, controls[1], logs, noise))
    both = own.resolved and other.resolved
    logs = _logs(own.rest, other.rest) if both else {}
    blur = max(own.blur, other.blur)
    return [*found, _Point(framework, REST, size, variant, logs, blur)]


def _logs(own: Sample, other: Sample) -> dict[tuple, float]:
    return {key: math.log(own[key] / other[key]) for key in other if key in own}


def _crossing_of(points: list[_Point], axis: Axis, threads: int, margin: float) -> Crossing:
    """What the sizes say together, those that are not resolved left out."""
    known = [point for point in points if point.logs]
    ratios = {p.size: stats.median_interval(list(p.logs.values())).exp() for p in known}
    return Crossing(
        axis=axis,
        threads=threads,
        framework=points[0].framework,
        part=points[0].part,
        ratios=ratios,
        variants={point.size: point.variant for point in known},
        verdicts={p.size: of_ratio(ratios[p.size], STEP, p.blur, margin) for p in known},
        at=locate({point.size: point.logs for point in known}) if known else Estimate(),
        unresolved=tuple(point.size for point in points if not point.logs),
    )


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
