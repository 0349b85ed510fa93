"""Gradients in Python loops against vectorised ones: how many times longer one pass takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from benchmarks.analyse import stats
from benchmarks.analyse.metrics import METRICS
from benchmarks.analyse.samples import paired, samples
from benchmarks.analyse.stats import Estimate

LOOPS, VECTORISED = "dense-loops", "dense-vectorised"
PASS = METRICS["time_step_warm_s"]  # a step of either is one backward pass of the network


class Pass(NamedTuple):
    """One workload's backward pass: seconds in loops, seconds vectorised, their ratio."""

    workload: str
    threads: int
    loops: Estimate
    vectorised: Estimate
    ratio: Estimate  # loops / vectorised, paired in blocks


def passes(frame: pd.DataFrame, workloads: Iterable[str]) -> list[Pass]:
    """One for each place that has both, in the order of `workloads`; [] if a run has none."""
    found = []
    rows = frame[frame["system"].isin([LOOPS, VECTORISED])]
    for name in workloads:
        for threads, part in rows[rows["workload"].eq(name)].groupby("threads", sort=True):
            own = {system: samples(trials, PASS) for system, trials in part.groupby("system")}
            slow, fast = paired(own.get(LOOPS, {}), own.get(VECTORISED, {}))
            if len(slow):
                seconds = (stats.median_interval(slow), stats.median_interval(fast))
                ratio = stats.paired_ratio(slow, fast)
                found.append(Pass(name, int(str(threads)), seconds[0], seconds[1], ratio))
    return found
