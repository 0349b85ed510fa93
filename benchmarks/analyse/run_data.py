"""All data that a report is made from, read once from a run folder."""

from __future__ import annotations

import dataclasses
import functools
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analyse.checks import Finding, check_run, find_ceiling
from benchmarks.analyse.crossover import Crossing, find_crossings
from benchmarks.analyse.frameworks import BASE, FAMILIES
from benchmarks.analyse.metrics import MARGINS, Metric
from benchmarks.analyse.samples import Sample, collect_samples, find_split_ratios
from benchmarks.analyse.steps import SweepPoint, find_sweep
from benchmarks.analyse.summary import Case, Line, Summary, summarise
from benchmarks.paths import ARRAYS
from benchmarks.record.frame import load
from benchmarks.record.rows import is_local, read_forced, read_run

OWN = "table"  # name of the data set in a run on a user's table


@dataclasses.dataclass(frozen=True)
class RunData:
    """One run: its folder, its run.json, its rows and what is derived from them."""

    folder: Path
    run: dict[str, Any]
    frame: pd.DataFrame

    @property
    def name(self) -> str:
        """The run's folder name."""
        return self.folder.name

    @property
    def is_local(self) -> bool:
        """Whether the run is on a user's table, so that it is never published."""
        return is_local(self.folder, self.run)

    @functools.cached_property
    def margins(self) -> dict[str, float]:
        """The margins fixed before the run's first trial, else the current defaults."""
        stored = self.run.get("margins")
        known = stored if isinstance(stored, dict) else {}
        return MARGINS | {k: float(v) for k, v in known.items() if k in MARGINS}

    @property
    def workloads(self) -> dict[str, dict[str, Any]]:
        """What run.json records about each workload."""
        return self.run.get("workloads") or {}

    @property
    def table(self) -> dict[str, Any]:
        """What run.json records about a user's table; {} if the run is not on one."""
        return self.run.get("table") or {}

    @functools.cached_property
    def split_ratios(self) -> dict[str, float]:
        """Test rows / training rows of each workload whose seeds split one fixed table."""
        return find_split_ratios(self.workloads)

    @functools.cached_property
    def summary(self) -> Summary:
        """The estimates and comparisons of every system in each case that has rows."""
        return summarise(self.frame, self.margins, self.split_ratios)

    @functools.cached_property
    def collect(self) -> Callable[[Case, str, Metric], Sample]:
        """Return the samples of a system: collect(case, system, metric)."""

        @functools.cache
        def collect(case: Case, system: str, metric: Metric) -> Sample:
            rows = self.rows(case)
            return collect_samples(rows[rows["system"].eq(system)], metric)

        return collect

    @functools.cached_property
    def cases(self) -> list[Case]:
        """The cases in the run's order: planned ones, then those that occur only in rows."""
        planned = [
            Case(str(trial["workload"]), int(trial["threads"]))
            for trial in self.run.get("trials") or ()
            if trial.get("workload") is not None and trial.get("threads") is not None
        ]
        order = {name: i for i, name in enumerate(self.workloads)}
        both = dict.fromkeys([*planned, *self.summary])
        return sorted(both, key=lambda c: (order.get(c.workload, len(order)), c.threads))

    @functools.cached_property
    def headline(self) -> Case | None:
        """The case that the first screen shows: the one with the most rows."""
        counts = self.frame.groupby(["workload", "threads"]).size().to_dict()
        return max(self.cases, key=lambda c: counts.get((c.workload, c.threads), 0), default=None)

    @functools.cached_property
    def workload_count(self) -> int:
        """Number of workloads in the run's cases."""
        return len({case.workload for case in self.cases})

    @property
    def failed(self) -> int:
        """Number of trials without values."""
        return int(self.frame["status"].ne("ok").sum())

    @property
    def missing(self) -> int:
        """Number of planned trials without a row."""
        return len(set(self.run.get("plan") or ()) - set(self.frame["trial_id"]))

    @property
    def forced(self) -> list[dict[str, Any]]:
        """Each time the run was continued despite changes: what changed, and to what."""
        return read_forced(self.folder)

    @functools.cached_property
    def findings(self) -> list[Finding]:
        """The results of all checks of the run's trustworthiness."""
        return check_run(self.frame, self.margins, self.split_ratios)

    @functools.cached_property
    def sweep(self) -> list[SweepPoint]:
        """The step-time sweep, if the run is of suite `steps`; otherwise []."""
        return find_sweep(self.frame, self.summary, self.workloads, self.margins["time"])

    @functools.cached_property
    def crossings(self) -> list[Crossing]:
        """Each framework along each scaling axis, if the run has any; otherwise []."""
        return find_crossings(self.frame, self.summary, self.workloads, self.margins["time"])

    def lines(self, case: Case | None = None, controls: bool = False) -> list[Line]:
        """Return the lines of one case or of all, without controls by default."""
        cases = [case] if case is not None else list(self.summary)
        found = [line for one in cases for line in self.summary.get(one, {}).values()]
        return [line for line in found if controls or line.family in FAMILIES]

    def rows(self, case: Case, measure: str = "") -> pd.DataFrame:
        """Return the rows of one case, optionally of a single measure."""
        rows = self.frame
        rows = rows[rows["workload"].eq(case.workload) & rows["threads"].eq(case.threads)]
        return rows[rows["measure"].eq(measure)] if measure else rows

    def base(self, case: Case | None) -> Line | None:
        """Return the base system's line of a case, if it has an ok row."""
        line = self.summary.get(case, {}).get(BASE) if case else None
        return line if line and line.statuses.get("ok") else None

    def planned(self, case: Case) -> dict[str, str]:
        """Map each system planned for a case to its family, without controls."""
        return {
            str(trial["system"]): str(trial["family"])
            for trial in self.run.get("trials") or ()
            if (trial.get("workload"), trial.get("threads")) == (case.workload, case.threads)
            and trial.get("family") in FAMILIES
        }

    def is_own_table(self, case: Case) -> bool:
        """Whether a case is a user's own table."""
        return bool(self.workloads.get(case.workload, {}).get("dataset") == OWN)

    def score(self, case: Case) -> str:
        """Return the score field that belongs to a case's task."""
        regression = self.workloads.get(case.workload, {}).get("task") == "regression"
        return "r2_test" if regression else "accuracy_test"

    def ceiling(self, case: Case) -> float:
        """Return the accuracy that no system can exceed; nan if unknown."""
        return find_ceiling(self.rows(case))

    def blocks(self, measure: str = "time") -> int:
        """Count the blocks of a measure."""
        return int(self.frame.loc[self.frame["measure"].eq(measure), "block"].nunique())

    @property
    def cpu(self) -> str:
        """The model of the processor; empty if it was not recorded."""
        return str((self.run.get("environment") or {}).get("cpu") or "")

    def read_arrays(self, case: Case, measure: str) -> Iterator[tuple[str, dict]]:
        """Yield (system, arrays) from each system's first ok trial with readable arrays."""
        rows = self.rows(case, measure).sort_values(["block", "order"])
        rows = rows[rows["status"].eq("ok") & rows["family"].isin(FAMILIES)]
        for system, trials in rows.groupby("system", sort=False)["trial_id"]:
            paths = (self.folder / ARRAYS / f"{trial}.npz" for trial in trials)
            arrays = next(filter(None, map(_read_arrays, paths)), None)
            if arrays:
                yield str(system), arrays

    @property
    def has_arrays(self) -> bool:
        """Whether the run folder still holds arrays (they may be left out of a clone)."""
        return any((self.folder / ARRAYS).glob("*.npz"))


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return {}  # missing or truncated: the report does without


def read_run_data(folder: Path) -> RunData:
    """Read a run. Raise FileNotFoundError, with a message, if there is none."""
    return RunData(folder, read_run(folder), load(folder))
