"""What one training step costs, from the smallest network to the largest, and on what.

A point of the sweep is one workload of suite `steps` at one number of threads. Ratios are mapicx /
system within a block: below 1, mapicx is faster. "Everything else" is a step minus the matrix
products of its framework, which a control measures alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmarks.analyse import stats
from benchmarks.analyse.equal_work import format_shape
from benchmarks.analyse.frameworks import BASE, NO_FRAMEWORK, PRODUCTS, WHOLE_LOOP, find_framework
from benchmarks.analyse.metrics import STEP
from benchmarks.analyse.samples import Sample, collect_samples, pair
from benchmarks.analyse.stats import Estimate
from benchmarks.analyse.summary import Case, Line, Summary, split_cases
from benchmarks.analyse.verdicts import Verdict

PREFIX = "step-"  # of the names of the sweep's workloads
# Controls whose step is one backward pass of the network.
LOOPS, VECTORISED = "dense-loops", "dense-vectorised"


@dataclasses.dataclass(frozen=True)
class StepCost:
    """One system at one point, in seconds."""

    system: str
    step: Estimate
    rest: Estimate  # step minus the framework's own products, paired within blocks
    ratio: Estimate  # mapicx / system
    verdict: Verdict  # on mapicx
    checked: bool  # whether it was shown to train the same network


@dataclasses.dataclass(frozen=True)
class SweepPoint:
    """One workload: its shape and every step that was measured, mapicx first."""

    case: Case
    shape: str
    batch: int
    optimizer: str
    steps: dict[str, StepCost]
    products: dict[str, Estimate]  # by control

    @property
    def competitor(self) -> StepCost | None:
        """The fastest comparable system of another framework whose loop is in Python."""
        able = [
            step
            for step in self.steps.values()
            if step.ratio.known
            and step.system != WHOLE_LOOP
            and find_framework(step.system) not in NO_FRAMEWORK
        ]
        return min(able, key=lambda step: (step.step.value, step.system), default=None)

    @property
    def products_share(self) -> float | None:
        """NumPy's products as a share of mapicx's step; None if either was not measured."""
        own = self.products.get(PRODUCTS[BASE])
        if own is None or BASE not in self.steps:
            return None
        return own.value / self.steps[BASE].step.value


def find_sweep(
    frame: pd.DataFrame,
    summary: Summary,
    workloads: Mapping[str, Mapping[str, Any]],
    margin: float,
) -> list[SweepPoint]:
    """Return the step-time sweep of a run in the order of `workloads`; [] if it has none."""
    found = []
    for name, workload in workloads.items():
        if not name.startswith(PREFIX):
            continue
        for threads, rows in frame[frame["workload"].eq(name)].groupby("threads", sort=True):
            case = Case(name, int(str(threads)))
            point = _measure_point(case, rows, summary[case], workload, margin)
            if point.steps:
                found.append(point)
    return found


def collect_steps(rows: pd.DataFrame) -> dict[str, Sample]:
    """Map each system that has step times to its step times by block."""
    found = {str(name): collect_samples(part, STEP) for name, part in rows.groupby("system")}
    return {name: values for name, values in found.items() if values}


def subtract_samples(
    step: Mapping[tuple, float], products: Mapping[tuple, float]
) -> dict[tuple, float]:
    """Subtract the products from the step within each block."""
    return {key: value - products[key] for key, value in step.items() if key in products}


def _measure_point(
    case: Case,
    rows: pd.DataFrame,
    lines: Mapping[str, Line],
    workload: Mapping[str, Any],
    margin: float,
) -> SweepPoint:
    samples = collect_steps(rows)
    names = [name for name in samples if lines[name].family == "network"]
    names.sort(key=lambda name: (name != BASE, name))
    return SweepPoint(
        case=case,
        shape=format_shape(workload["layers"]),
        batch=int(workload["batch_size"] or workload["train_rows"]),
        optimizer={"sgd": "SGD", "adam": "Adam"}.get(workload["optimizer"], workload["optimizer"]),
        steps={name: _measure_step(lines[name], samples, margin) for name in names},
        products={
            control: stats.median_interval(list(samples[control].values()))
            for control in dict.fromkeys(PRODUCTS.values())
            if control in samples
        },
    )


def _measure_step(line: Line, samples: Mapping[str, Sample], margin: float) -> StepCost:
    # The summary has a ratio only where parity and equal work allow one.
    found = line.against(STEP.name)
    products: Mapping[tuple, float] = samples.get(PRODUCTS.get(line.framework, ""), {})
    return StepCost(
        line.system,
        stats.median_interval(list(samples[line.system].values())),
        stats.median_interval(list(subtract_samples(samples[line.system], products).values())),
        found.estimate.invert() if found.estimate.known else Estimate(),
        found.verdict.reverse(),
        line.comparable is not None,
    )


@dataclasses.dataclass(frozen=True)
class BackwardPass:
    """One case's backward pass: seconds in Python loops, seconds vectorised, their ratio."""

    case: Case
    loops: Estimate
    vectorised: Estimate
    ratio: Estimate  # loops / vectorised, paired in blocks


def compare_loops(frame: pd.DataFrame) -> list[BackwardPass]:
    """Compare loops and vectorised in each case that has both; [] if there is none."""
    found = []
    rows = frame[frame["system"].isin([LOOPS, VECTORISED])]
    for case, part in split_cases(rows):
        steps = collect_steps(part)
        slow, fast = pair(steps.get(LOOPS, {}), steps.get(VECTORISED, {}))
        if len(slow):
            seconds = stats.median_interval(slow), stats.median_interval(fast)
            found.append(BackwardPass(case, *seconds, stats.paired_ratio(slow, fast)))
    return found
