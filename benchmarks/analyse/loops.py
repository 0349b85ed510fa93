"""How many times longer a backward pass takes with Python loops than vectorised."""

from __future__ import annotations

import dataclasses

import pandas as pd

from benchmarks.analyse import stats
from benchmarks.analyse.samples import pair
from benchmarks.analyse.stats import Estimate
from benchmarks.analyse.steps import collect_steps
from benchmarks.analyse.summary import Case, split_cases

# Controls whose step is one backward pass of the network.
LOOPS, VECTORISED = "dense-loops", "dense-vectorised"


@dataclasses.dataclass(frozen=True)
class BackwardPass:
    """One case's backward pass: seconds in loops, seconds vectorised, their ratio."""

    case: Case
    loops: Estimate
    vectorised: Estimate
    ratio: Estimate  # loops / vectorised, paired in blocks


def compare_loops(frame: pd.DataFrame) -> list[BackwardPass]:
    """Compare both in each case that has them; [] if there is none."""
    found = []
    rows = frame[frame["system"].isin([LOOPS, VECTORISED])]
    for case, part in split_cases(rows):
        steps = collect_steps(part)
        slow, fast = pair(steps.get(LOOPS, {}), steps.get(VECTORISED, {}))
        if len(slow):
            seconds = stats.median_interval(slow), stats.median_interval(fast)
            found.append(BackwardPass(case, *seconds, stats.paired_ratio(slow, fast)))
    return found
