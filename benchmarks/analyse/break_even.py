"""After how many training steps a faster step has repaid a slower start.

The start is what a fresh process takes beyond its training at warm speed: interpreter, import,
build, compilation, exit. Of two systems the one that starts later repays step by step; after
(later start) / (time saved per step) steps both have taken as long.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.analyse import stats
from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.metrics import METRICS
from benchmarks.analyse.samples import Sample, samples
from benchmarks.analyse.stats import Estimate

FIELDS = ("time_total_s", "time_train_warm_s", "time_step_warm_s")


class BreakEven(NamedTuple):
    """A system against mapicx. Estimates of differences: system less mapicx, in seconds.

    steps: from this many steps on the one that starts later is ahead; unknown where one of the
    two both starts earlier and steps faster, or where blocks disagree about it. An upper bound
    of infinity: it may never happen.
    """

    system: str
    later_start: Estimate
    slower_step: Estimate
    steps: Estimate

    @property
    def repays(self) -> bool:
        """The system starts later than mapicx and makes up for it."""
        return self.steps.known and self.later_start.value > 0


def break_even(rows: pd.DataFrame, system: str, base: str = BASE) -> BreakEven | None:
    """From the rows of one workload and thread setting; None without a block that has both."""
    own, other = (_parts(rows[rows["system"].eq(name)]) for name in (base, system))
    shared = [key for key in other if key in own]
    if not shared:
        return None
    start, step = (np.array([other[k][i] - own[k][i] for k in shared]) for i in (0, 1))
    later, slower = stats.median_interval(start), stats.median_interval(step)
    return BreakEven(system, later, slower, _steps(start, step))


def _steps(start: np.ndarray, step: np.ndarray) -> Estimate:
    """Median of start / -step over blocks, by way of its inverse, which is finite.

    Only where the sign of `start` is the same in every block and the median step has the other.
    """
    if not (np.all(start > 0) or np.all(start < 0)):
        return Estimate()
    repaid = stats.median_interval(-step / start)  # share of the later start that a step repays
    if repaid.value <= 0:
        return Estimate()
    high = 1 / repaid.low if repaid.low > 0 else math.inf
    return repaid._replace(value=1 / repaid.value, low=1 / repaid.high, high=high)


def _parts(rows: pd.DataFrame) -> dict[tuple, tuple[float, float]]:
    """Block -> (start, step) in seconds."""
    total, warm, step = (samples(rows, METRICS[name]) for name in FIELDS)
    shared: Sample = {key: total[key] for key in total if key in warm and key in step}
    return {key: (total[key] - warm[key], step[key]) for key in shared}


def all_break_evens(rows: pd.DataFrame, summary: pd.DataFrame, base: str = BASE) -> list[BreakEven]:
    """Of every network system whose steps may be compared with the base's, in summary's order.

    rows, summary: of one workload and thread setting.
    """
    allowed = summary[
        summary["family"].eq("network")
        & summary["system"].ne(base)
        & summary["time_step_warm_s_ratio"].notna()
    ]
    found = [break_even(rows, str(name), base) for name in allowed["system"]]
    return [one for one in found if one is not None]
