"""Asks the rows of one run what a reading of a sentence asks: which systems, and which number.

The words of a query are explained in plan/claims.py.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.analyse import stats
from benchmarks.analyse.footprints import FOOTPRINT, ITSELF, installed
from benchmarks.analyse.frameworks import framework
from benchmarks.analyse.metrics import METRICS, Metric
from benchmarks.analyse.samples import Sample, paired, samples
from benchmarks.analyse.splits import split_shares
from benchmarks.analyse.stats import Estimate
from benchmarks.analyse.summary import estimate_of
from benchmarks.analyse.verdicts import enough
from benchmarks.plan.claims import BEST, EVERY, PROGRAM, Reading
from benchmarks.record.schema import FIELDS

LOADED = "loaded_beyond_numpy"  # distributions that the timed process had loaded
MEASURED = (*METRICS, *FOOTPRINT, LOADED)  # what a run can say; the rest is counted in the source
CLASSICAL = "classical"


class Evidence:
    """One run: its name, run.json, rows, and the summary of the rows."""

    def __init__(
        self, name: str, run: Mapping[str, Any], frame: pd.DataFrame, summary: pd.DataFrame
    ) -> None:
        self.name, self.run, self.frame = name, run, frame
        self.summary = summary.copy()  # in one piece: rows are taken from it many times
        # A ledger asks for the same few samples again and again.
        self.at = functools.cache(self._at)
        self.samples = functools.cache(self._samples)

    def _at(self, workload: str, threads: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Rows and lines of the summary of one place; all of them if there is no workload."""
        rows, lines = self.frame, self.summary
        if workload:
            rows = rows[rows["workload"].eq(workload) & rows["threads"].eq(threads)]
            lines = lines[lines["workload"].eq(workload) & lines["threads"].eq(threads)]
        return rows, lines

    def _samples(self, workload: str, threads: int, system: str, metric: Metric) -> Sample:
        rows, _ = self.at(workload, threads)
        return samples(rows[rows["system"].eq(system)], metric)


class Answer(NamedTuple):
    """A number, whether there is enough behind it for a verdict, and of which systems it is."""

    estimate: Estimate
    enough: bool
    systems: str


class Query:
    """One reading, for one program, over the rows of its workload in one run."""

    def __init__(self, reading: Reading, program: str, evidence: Evidence) -> None:
        self.reading, self.program, self.run = reading, program, evidence.run
        self.evidence, self.place = evidence, (reading.workload, reading.threads)
        self.rows, self.lines = evidence.at(*self.place)

    def answers(self) -> list[Answer]:
        """One for each pair of systems that the reading names and this run measured."""
        if self.reading.metric not in MEASURED:
            return []
        found = []
        for of in self._systems(self.reading.of):
            for to in self._systems(self.reading.to) if self.reading.to else [""]:
                estimate, telling = self._estimate(of, to)
                between = "/" if self.reading.form == "ratio" else "−"
                found.append(Answer(estimate, telling, f"{of} {between} {to}" if to else of))
        return [answer for answer in found if answer.estimate.known]

    @property
    def digest(self) -> str:
        """Of the workload, so that only equal work is compared between runs."""
        if not self.reading.workload:
            return ""
        return " ".join(sorted(self.rows["workload_digest"].dropna().unique()))

    @property
    def noise(self) -> float:
        """How far mapicx, run twice in each block, seems to differ from itself; nan: unknown."""
        column = f"{self.reading.metric}_noise"
        if self.reading.form != "ratio" or column not in self.lines or self.lines.empty:
            return math.nan
        return float(self.lines[column].max())

    def _systems(self, named: str) -> list[str]:
        if named == PROGRAM:
            return [self.program]
        for word in (BEST, EVERY):
            if named.startswith(word):
                ranked = self._ranked(named.removeprefix(word))
                return ranked[:1] if word == BEST else ranked
        return [named]

    def _ranked(self, group: str) -> list[str]:
        """The systems of a group that have a value, best first; parity must not have failed."""
        metric = self.reading.metric
        if metric in FOOTPRINT:
            values = installed(self.run, metric)
            fitting = [name for name in values if framework(name) == group]
            return sorted(fitting, key=lambda name: (values[name], name))
        lines = self.lines[["system", "family", "framework", "comparable", metric]]
        lines = lines[lines[metric].notna()]
        if group == CLASSICAL:
            lines = lines[lines["family"].eq(CLASSICAL)]
        else:
            lines = lines[lines["family"].eq("network") & lines["framework"].eq(group)]
            lines = lines[~lines["comparable"].eq(False).fillna(False).astype(bool)]
        lowest_first = FIELDS[metric].better != "higher"
        ranked = lines.sort_values([metric, "system"], ascending=[lowest_first, True])
        return [str(name) for name in ranked["system"]]

    def _estimate(self, of: str, to: str) -> tuple[Estimate, bool]:
        name = self.reading.metric
        if name in FOOTPRINT:
            return _exact(installed(self.run, name), of, to)
        if name == LOADED:
            return _exact(_loaded(self.rows), of, to)
        metric = METRICS[name]
        if self.reading.form == "ratio":
            a, b = self._paired(of, to, metric)
            estimate = stats.paired_ratio(a, b, metric.estimator == "range")
        elif self.reading.form == "difference":
            share = split_shares(self.run.get("workloads")).get(self.reading.workload, 0.0)
            estimate = stats.paired_difference(*self._paired(of, to, metric), share)
        else:
            line = self.lines[self.lines["system"].eq(of)]
            estimate = estimate_of(line.iloc[0], name) if len(line) else Estimate()
        return estimate, enough(estimate, metric)

    def _paired(self, of: str, to: str, metric: Metric) -> tuple[np.ndarray, np.ndarray]:
        a, b = (self.evidence.samples(*self.place, system, metric) for system in (of, to))
        return paired(a, b)


def _exact(values: Mapping[str, float], of: str, to: str) -> tuple[Estimate, bool]:
    """A count, or the quotient of two; exact, so one is enough."""
    if of not in values or (to and not values.get(to)):
        return Estimate(), False
    value = values[of] / values[to] if to else values[of]
    return Estimate(value, value, value, 1, "single"), True


def _loaded(rows: pd.DataFrame) -> dict[str, float]:
    """System -> distributions other than NumPy and itself that its timed process had loaded."""
    timed = rows["measure"].eq("time") & rows["status"].eq("ok") & rows["distributions"].notna()
    rows = rows.loc[timed, ["system", "distributions"]]
    return {
        str(system): float(max(len(set(names) - ITSELF) for names in part))
        for system, part in rows.groupby("system")["distributions"]
    }
