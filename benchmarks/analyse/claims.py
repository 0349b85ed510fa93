"""Judges sentences: reading x program over the rows of runs -> a number and a verdict.

holds           the whole 95 % interval (memory: the whole range) lies within what is said
does not hold   the whole of it lies outside
not measured    no run has the rows, there are too few for an interval, or the interval reaches
                across the limit, so that more blocks have to be measured before anyone can tell

A sentence about several systems holds if it holds for each, and does not if it fails for one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from benchmarks.analyse.queries import Evidence, Query
from benchmarks.analyse.stats import Estimate
from benchmarks.plan.claims import ENGINE, Reading

HOLDS, FAILS, UNKNOWN = "holds", "does not hold", "not measured"
SOURCE = "this repository"  # in place of a run, for what is counted in the source


class Judged(NamedTuple):
    """What one reading gave for one program. said: in place of a number, for recorded fields."""

    estimate: Estimate = Estimate()
    verdict: str = UNKNOWN
    systems: str = ""
    run: str = ""
    digest: str = ""
    said: str = ""

    @property
    def known(self) -> bool:
        """There is something to show."""
        return self.estimate.known or bool(self.said)


def judge(
    reading: Reading, program: str, runs: Iterable[Evidence], facts: Mapping[str, float]
) -> Judged:
    """By the newest run that can tell, else by the newest that has anything. runs: oldest first.

    facts: counts from the source of this repository, which no run measures.
    """
    if program == ENGINE and reading.metric in facts:
        exact = float(facts[reading.metric])
        estimate = Estimate(exact, exact, exact, 1, "single")
        return Judged(estimate, verdict_of(estimate, reading), run=SOURCE)
    found = [_in_run(reading, program, run) for run in reversed(list(runs))]
    telling = [one for one in found if one.verdict != UNKNOWN]
    return (telling or [one for one in found if one.known] or [Judged()])[0]


def verdict_of(estimate: Estimate, reading: Reading, noise: float = math.nan) -> str:
    """Where the interval lies. noise: A/A ratio above 1, below which nothing is called faster."""
    low, high = reading.low - reading.tolerance, reading.high + reading.tolerance
    if low <= estimate.low and estimate.high <= high:
        return UNKNOWN if reading.low == 1 and estimate.value < noise else HOLDS
    return FAILS if estimate.high < low or estimate.low > high else UNKNOWN


def _in_run(reading: Reading, program: str, evidence: Evidence) -> Judged:
    if reading.form == "recorded":
        return _recorded(reading, evidence)
    query = Query(reading, program, evidence)
    answers = query.answers()
    if not answers:
        return Judged()
    verdicts = [
        verdict_of(one.estimate, reading, query.noise) if one.enough else UNKNOWN for one in answers
    ]
    together = next((word for word in (FAILS, UNKNOWN) if word in verdicts), HOLDS)
    # Of several systems the one that the sentence fits least is shown.
    shown = min(answers, key=lambda one: _margin(one.estimate, reading))
    return Judged(shown.estimate, together, shown.systems, evidence.name, query.digest)


def _margin(estimate: Estimate, reading: Reading) -> float:
    """How far inside of what is said the value lies; negative outside."""
    return min(estimate.value - reading.low, reading.high - estimate.value)


def _recorded(reading: Reading, evidence: Evidence) -> Judged:
    """Whether the run used the workload that the sentence describes."""
    workload = (evidence.run.get("workloads") or {}).get(reading.workload)
    if workload is None or not evidence.frame["workload"].eq(reading.workload).any():
        return Judged()
    found = {field: _part(workload.get(field), said) for field, said in reading.recorded.items()}
    said = ", ".join(f"{field} {_spoken(value)}" for field, value in found.items())
    verdict = HOLDS if found == reading.recorded else FAILS
    return Judged(verdict=verdict, run=evidence.name, said=said)


def _part(value: Any, stated: Any) -> Any:
    """Of a table only the keys that the sentence is about."""
    if isinstance(value, Mapping) and isinstance(stated, Mapping):
        return {key: value.get(key) for key in stated}
    return value


def _spoken(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {part}" for key, part in value.items())
    return "-".join(map(str, value)) if isinstance(value, list) else str(value)
