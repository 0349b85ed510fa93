"""How many training steps it takes for a faster step to make up for a slower start.

The start is what a fresh process takes beyond its training at warm speed: interpreter, import,
build, compilation, exit. Of two systems, the one that starts later catches up step by step; after
(later start) / (time saved per step) steps both have taken the same time.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from benchmarks.analyse import stats
from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.metrics import METRICS, STEP
from benchmarks.analyse.samples import collect_samples
from benchmarks.analyse.stats import Estimate
from benchmarks.analyse.summary import Line
from benchmarks.analyse.verdicts import Kind


@dataclasses.dataclass(frozen=True)
class BreakEven:
    """A system compared with mapicx. Differences are system minus mapicx, in seconds.

    steps: number of steps after which the later starter is ahead; unknown where one of the two
    both starts earlier and steps faster, or where blocks disagree. An infinite upper bound means
    that it may never catch up. faster: the system's step is shown to be faster, or its median is
    lower where there are too few blocks for a verdict.
    """

    system: str
    later_start: Estimate
    slower_step: Estimate
    steps: Estimate
    faster: bool = False

    @property
    def repays(self) -> bool:
        """Whether the system starts later than mapicx but catches up."""
        return self.steps.known and self.later_start.value > 0

    @property
    def is_slower(self) -> bool:
        """Whether the system both starts later and takes longer per step."""
        both = (self.later_start, self.slower_step)
        return all(estimate.low > 0 and estimate.n > 1 for estimate in both)


def compare_starts(rows: pd.DataFrame, system: str, faster: bool = False) -> BreakEven | None:
    """Compare a system with mapicx in the rows of one case; None if no block has both."""
    own, other = (_split_time(rows[rows["system"].eq(name)]) for name in (BASE, system))
    shared = [key for key in other if key in own]
    if not shared:
        return None
    start, step = (np.array([other[k][i] - own[k][i] for k in shared]) for i in (0, 1))
    later, slower = stats.median_interval(start), stats.median_interval(step)
    return BreakEven(system, later, slower, _divide(start, step), faster)


def _divide(start: np.ndarray, step: np.ndarray) -> Estimate:
    """Estimate the median of start / -step over blocks via its inverse, which is finite.

    Known only if `start` has the same sign in every block and the median step the opposite one.
    """
    if not (np.all(start > 0) or np.all(start < 0)):
        return Estimate()
    repaid = stats.median_interval(-step / start)  # share of the later start that one step recovers
    if repaid.value <= 0:
        return Estimate()
    high = 1 / repaid.low if repaid.low > 0 else math.inf
    return dataclasses.replace(repaid, value=1 / repaid.value, low=1 / repaid.high, high=high)


def _split_time(rows: pd.DataFrame) -> dict[tuple, tuple[float, float]]:
    """Map each block to (start, step) in seconds."""
    names = ("time_total_s", "time_train_warm_s", STEP.name)
    total, warm, step = (collect_samples(rows, METRICS[name]) for name in names)
    shared = {key: total[key] for key in total if key in warm and key in step}
    return {key: (total[key] - warm[key], step[key]) for key in shared}


def find_break_evens(rows: pd.DataFrame, lines: Iterable[Line]) -> list[BreakEven]:
    """Compare each network system whose steps are comparable to mapicx's, in order of lines."""
    found = []
    for line in lines:
        step = line.against(STEP.name)
        if line.family == "network" and line.system != BASE and step.estimate.known:
            few = step.verdict.kind is Kind.TOO_FEW and step.estimate.value < 1
            faster = few or step.verdict.kind is Kind.LESS
            found.append(compare_starts(rows, line.system, faster))
    return [one for one in found if one is not None]
