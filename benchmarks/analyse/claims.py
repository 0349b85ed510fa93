"""Judge sentences: reading x program over the rows of runs -> a number and a verdict.

holds           the whole 95 % interval (memory: the whole range) lies within the claim
does not hold   the whole of it lies outside the claim
undecided       measured, but the bounds straddle the limit or there are too few values for bounds
not measured    no run has the rows needed

A sentence about several systems holds if it holds for each of them and fails if it fails for one.
The words of a query are explained in plan/claims.py.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from benchmarks.analyse.footprint import FOOTPRINT, ITSELF, read_installed
from benchmarks.analyse.frameworks import find_framework
from benchmarks.analyse.metrics import METRICS
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.stats import Estimate
from benchmarks.analyse.summary import Case, Line
from benchmarks.analyse.system_comparison import compare_samples
from benchmarks.plan.claims import BEST, ENGINE, EVERY, PROGRAM, Claim, Reading
from benchmarks.record.schema import FIELDS

SOURCE = "this repository"  # stands for the run where a figure is counted in the source
LOADED = "loaded_beyond_numpy"  # distributions that the timed process had loaded
COUNTED = (*FOOTPRINT, LOADED)  # exact, so that one value suffices for a verdict
MEASURED = (*METRICS, *COUNTED)  # given by runs; other metrics are counted in the source
CLASSICAL = "classical"


class Ruling(enum.Enum):
    """The verdict on a sentence, as worded on the page."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNDECIDED = "undecided"
    NOT_MEASURED = "not measured"

    @property
    def decided(self) -> bool:
        """Whether the rows suffice to decide."""
        return self in (Ruling.HOLDS, Ruling.FAILS)


@dataclasses.dataclass(frozen=True)
class Judgement:
    """The result of one reading for one program.

    systems: (of, to) as the query resolved them. fields: recorded fields, instead of a number.
    """

    estimate: Estimate = dataclasses.field(default_factory=Estimate)
    ruling: Ruling = Ruling.NOT_MEASURED
    systems: tuple[str, ...] = ()
    run: str = ""
    digest: str = ""
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether there is anything to show."""
        return self.estimate.known or bool(self.fields)


def judge(
    reading: Reading, program: str, runs: Iterable[RunData], facts: Mapping[str, float]
) -> Judgement:
    """Judge by the newest run that decides the reading, else the newest with any value.

    Parameters
    ----------
    reading : Reading
        One interpretation of the sentence.
    program : str
        The program that PROGRAM stands for.
    runs : iterable of RunData
        Oldest first.
    facts : mapping
        Counts from the source of this repository, which no run measures.
    """
    if program == ENGINE and reading.metric in facts:
        estimate = Estimate.exact(float(facts[reading.metric]))
        return Judgement(estimate, rule(estimate, reading), run=SOURCE)
    found = [_judge_in(reading, program, run) for run in reversed(list(runs))]
    telling = [judgement for judgement in found if judgement.ruling.decided]
    return (telling or [judgement for judgement in found if judgement.known] or [Judgement()])[0]


def rule(estimate: Estimate, reading: Reading) -> Ruling:
    """Compare the bounds of an estimate with the limits of a reading."""
    low, high = reading.low - reading.tolerance, reading.high + reading.tolerance
    if low <= estimate.low and estimate.high <= high:
        return Ruling.HOLDS
    return Ruling.FAILS if estimate.high < low or estimate.low > high else Ruling.UNDECIDED


def _judge_in(reading: Reading, program: str, data: RunData) -> Judgement:
    if reading.form == "recorded":
        return _judge_recorded(reading, data)
    if reading.metric not in MEASURED:
        return Judgement()
    case = Case(reading.workload, reading.threads)
    lines = list(data.summary.get(case, {}).values())
    found: list[tuple[Estimate, Ruling, tuple[str, ...]]] = []
    for of in _find_systems(reading.of, reading, program, data, lines):
        others = _find_systems(reading.to, reading, program, data, lines)
        for to in others if reading.to else [""]:
            estimate = _estimate(reading, of, to, data, case)
            if estimate.known:
                able = reading.metric in COUNTED or estimate.bounded
                ruling = rule(estimate, reading) if able else Ruling.UNDECIDED
                found.append((estimate, ruling, (of, to) if to else (of,)))
    if not found:
        return Judgement()
    rulings = [ruling for _, ruling, _ in found]
    worst = next((r for r in (Ruling.FAILS, Ruling.UNDECIDED) if r in rulings), Ruling.HOLDS)
    # Of several systems, show the one least in favour of the sentence.
    estimate, _, systems = min(found, key=lambda result: _find_slack(result[0], reading))
    digest = ""  # lets other runs be compared only if they did the same work
    if reading.workload:
        rows = data.rows(case)
        digest = " ".join(sorted(rows["workload_digest"].dropna().unique()))
    return Judgement(estimate, worst, systems, data.name, digest)


def _find_slack(estimate: Estimate, reading: Reading) -> float:
    """Return how far inside the claimed limits the value lies; negative if outside."""
    return min(estimate.value - reading.low, reading.high - estimate.value)


def _find_systems(
    named: str, reading: Reading, program: str, data: RunData, lines: list[Line]
) -> list[str]:
    """Resolve the systems that a query names."""
    if named == PROGRAM:
        return [program]
    for word in (BEST, EVERY):
        if named.startswith(word):
            ranked = _rank(named.removeprefix(word), reading.metric, data, lines)
            return ranked[:1] if word == BEST else ranked
    return [named]


def _rank(group: str, metric: str, data: RunData, lines: list[Line]) -> list[str]:
    """Return the systems of a group that have a value and did not fail parity, best first."""
    if metric in FOOTPRINT:
        sizes = read_installed(data.run, metric)
        fitting = [name for name in sizes if find_framework(name) == group]
        return sorted(fitting, key=lambda name: (sizes[name], name))
    sign = -1 if FIELDS[metric].better == "higher" else 1
    able = [line for line in lines if line.has(metric)]
    if group == CLASSICAL:
        able = [line for line in able if line.family == CLASSICAL]
    else:
        able = [line for line in able if line.family == "network" and line.framework == group]
        able = [line for line in able if line.comparable is not False]
    able.sort(key=lambda line: (sign * line.value(metric), line.system))
    return [line.system for line in able]


def _estimate(reading: Reading, of: str, to: str, data: RunData, case: Case) -> Estimate:
    name = reading.metric
    if name in COUNTED:
        counts = (
            _count_loaded(data.rows(case)) if name == LOADED else read_installed(data.run, name)
        )
        if of not in counts or (to and not counts.get(to)):
            return Estimate()
        return Estimate.exact(counts[of] / counts[to] if to else counts[of])
    metric = METRICS[name]
    if reading.form in ("ratio", "difference"):
        metric = dataclasses.replace(metric, compare=reading.form)
        a, b = (data.collect(case, system, METRICS[name]) for system in (of, to))
        return compare_samples(a, b, metric, data.split_ratios.get(reading.workload, 0.0))
    line = data.summary.get(case, {}).get(of)
    return line.estimate(name) if line else Estimate()


def _count_loaded(rows: pd.DataFrame) -> dict[str, float]:
    """Count the distributions, other than ITSELF, that each system's timed process had loaded."""
    timed = rows["measure"].eq("time") & rows["status"].eq("ok") & rows["distributions"].notna()
    return {
        str(system): float(max(len(set(names) - ITSELF) for names in part))
        for system, part in rows[timed].groupby("system")["distributions"]
    }


def _judge_recorded(reading: Reading, data: RunData) -> Judgement:
    """Judge whether the run used the workload that the sentence describes."""
    workload = data.workloads.get(reading.workload)
    if workload is None or not data.frame["workload"].eq(reading.workload).any():
        return Judgement()
    found = {}
    for field, stated in reading.recorded.items():
        value = workload.get(field)
        if isinstance(value, Mapping) and isinstance(stated, Mapping):
            value = {key: value.get(key) for key in stated}
        found[field] = value
    ruling = Ruling.HOLDS if found == reading.recorded else Ruling.FAILS
    return Judgement(ruling=ruling, run=data.name, fields=found)


@dataclasses.dataclass(frozen=True)
class Published:
    """A verdict as recorded in claims.csv."""

    program: str
    ruling: Ruling
    systems: tuple[str, ...]
    run: str
    digest: str


@dataclasses.dataclass(frozen=True)
class Agreement:
    """One published verdict and the verdict of another run."""

    claim: Claim
    reading: Reading
    published: Published
    here: Judgement

    @property
    def holds(self) -> bool:
        """Whether both verdicts agree."""
        return self.published.ruling is self.here.ruling


def compare_published(
    data: RunData, claims: Iterable[Claim], published: Mapping[tuple[str, str], Published]
) -> list[Agreement]:
    """Compare this run with the published verdicts that it measures but is not the evidence for.

    Both use the same reading, program and workload definition and the same systems as the
    published verdict, and this run must have enough blocks to decide.
    """
    found = []
    present = {*data.frame["system"], *(data.run.get("footprint") or {})}
    for claim in claims:
        for reading in claim.readings:
            line = published.get((claim.name, reading.name))
            if line is None or not line.ruling.decided or reading.form == "recorded":
                continue
            if line.run in ("", SOURCE, data.name) or not present.issuperset(line.systems):
                continue
            here = judge(reading, line.program, [data], {})
            if here.ruling.decided and here.digest == line.digest:
                found.append(Agreement(claim, reading, line, here))
    return found
