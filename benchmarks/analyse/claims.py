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
import functools
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from benchmarks.analyse.footprint import FOOTPRINT, ITSELF, read_installed
from benchmarks.analyse.frameworks import find_framework
from benchmarks.analyse.metrics import METRICS, Metric
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.samples import Sample, collect_samples, find_test_train_ratios
from benchmarks.analyse.stats import Estimate
from benchmarks.analyse.summary import Case, Line, compare_samples
from benchmarks.plan.claims import BEST, ENGINE, EVERY, PROGRAM, Claim, Reading
from benchmarks.record.schema import FIELDS

SOURCE = "this repository"  # stands for the run where a figure is counted in the source
LOADED = "loaded_beyond_numpy"  # distributions that the timed process had loaded
MEASURED = (*METRICS, *FOOTPRINT, LOADED)  # given by runs; other metrics are counted in the source
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


class Evidence:
    """A run with a cache of the samples that many claims use."""

    def __init__(self, data: RunData) -> None:
        self.data = data
        self.shares = find_test_train_ratios(data.workloads)
        self.collect = functools.cache(self._collect)

    def _collect(self, case: Case, system: str, metric: Metric) -> Sample:
        rows = self.data.rows(case)
        return collect_samples(rows[rows["system"].eq(system)], metric)


def judge(
    reading: Reading, program: str, runs: Iterable[Evidence], facts: Mapping[str, float]
) -> Judgement:
    """Judge by the newest run that decides the reading, else the newest with any value.

    Parameters
    ----------
    reading : Reading
        One interpretation of the sentence.
    program : str
        The program that PROGRAM stands for.
    runs : iterable of Evidence
        Oldest first.
    facts : mapping
        Counts from the source of this repository, which no run measures.
    """
    if program == ENGINE and reading.metric in facts:
        estimate = Estimate.exact(float(facts[reading.metric]))
        return Judgement(estimate, rule(estimate, reading), run=SOURCE)
    found = [_judge_in(reading, program, run) for run in reversed(list(runs))]
    telling = [one for one in found if one.ruling.decided]
    return (telling or [one for one in found if one.known] or [Judgement()])[0]


def rule(estimate: Estimate, reading: Reading) -> Ruling:
    """Compare the bounds of an estimate with the limits of a reading."""
    low, high = reading.low - reading.tolerance, reading.high + reading.tolerance
    if low <= estimate.low and estimate.high <= high:
        return Ruling.HOLDS
    return Ruling.FAILS if estimate.high < low or estimate.low > high else Ruling.UNDECIDED


def _judge_in(reading: Reading, program: str, evidence: Evidence) -> Judgement:
    if reading.form == "recorded":
        return _judge_recorded(reading, evidence.data)
    if reading.metric not in MEASURED:
        return Judgement()
    case = Case(reading.workload, reading.threads)
    lines = list(evidence.data.summary.get(case, {}).values())
    found: list[tuple[Estimate, Ruling, tuple[str, ...]]] = []
    for of in _find_systems(reading.of, reading, program, evidence, lines):
        others = _find_systems(reading.to, reading, program, evidence, lines)
        for to in others if reading.to else [""]:
            estimate = _estimate(reading, of, to, evidence, case)
            if estimate.known:
                exact = reading.metric in FOOTPRINT or reading.metric == LOADED
                able = exact or estimate.bounded
                ruling = rule(estimate, reading) if able else Ruling.UNDECIDED
                found.append((estimate, ruling, (of, to) if to else (of,)))
    if not found:
        return Judgement()
    rulings = [ruling for _, ruling, _ in found]
    worst = next((r for r in (Ruling.FAILS, Ruling.UNDECIDED) if r in rulings), Ruling.HOLDS)
    # Of several systems, show the one least in favour of the sentence.
    estimate, _, systems = min(found, key=lambda one: _find_slack(one[0], reading))
    digest = ""  # lets other runs be compared only if they did the same work
    if reading.workload:
        rows = evidence.data.rows(case)
        digest = " ".join(sorted(rows["workload_digest"].dropna().unique()))
    return Judgement(estimate, worst, systems, evidence.data.name, digest)


def _find_slack(estimate: Estimate, reading: Reading) -> float:
    """Return how far inside the claimed limits the value lies; negative if outside."""
    return min(estimate.value - reading.low, reading.high - estimate.value)


def _find_systems(
    named: str, reading: Reading, program: str, evidence: Evidence, lines: list[Line]
) -> list[str]:
    """Resolve the systems that a query names."""
    if named == PROGRAM:
        return [program]
    for word in (BEST, EVERY):
        if named.startswith(word):
            ranked = _rank(named.removeprefix(word), reading.metric, evidence, lines)
            return ranked[:1] if word == BEST else ranked
    return [named]


def _rank(group: str, metric: str, evidence: Evidence, lines: list[Line]) -> list[str]:
    """Return the systems of a group that have a value and did not fail parity, best first."""
    if metric in FOOTPRINT:
        sizes = read_installed(evidence.data.run, metric)
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


def _estimate(reading: Reading, of: str, to: str, evidence: Evidence, case: Case) -> Estimate:
    data, name = evidence.data, reading.metric
    if name in FOOTPRINT or name == LOADED:
        counts = (
            _count_loaded(data.rows(case)) if name == LOADED else read_installed(data.run, name)
        )
        if of not in counts or (to and not counts.get(to)):
            return Estimate()
        return Estimate.exact(counts[of] / counts[to] if to else counts[of])
    metric = METRICS[name]
    if reading.form in ("ratio", "difference"):
        metric = dataclasses.replace(metric, compare=reading.form)
        a, b = (evidence.collect(case, system, METRICS[name]) for system in (of, to))
        return compare_samples(a, b, metric, evidence.shares.get(reading.workload, 0.0))
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
    here, found = Evidence(data), []
    present = {*data.frame["system"], *(data.run.get("footprint") or {})}
    for claim in claims:
        for reading in claim.readings:
            line = published.get((claim.name, reading.name))
            if line is None or not line.ruling.decided or reading.form == "recorded":
                continue
            if line.run in ("", SOURCE, data.name) or not present.issuperset(line.systems):
                continue
            judged = judge(reading, line.program, [here], {})
            if judged.ruling.decided and judged.digest == line.digest:
                found.append(Agreement(claim, reading, line, judged))
    return found
