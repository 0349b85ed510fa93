"""Recorded figures over time: one series per machine, workload, system and metric.

A run's figures are ratios to a control in the same block, whose program never changes: a slower
night, or a newer library in the harness, moves both.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from benchmarks.analyse.changes import Change, find_changes
from benchmarks.analyse.revision_comparison import COUNTED
from benchmarks.analyse.stats import keep_finite
from benchmarks.analyse.verdicts import Kind
from benchmarks.errors import UsageError
from benchmarks.paths import RUN, find_runs
from benchmarks.record.foreign import read_foreign
from benchmarks.record.frame import load
from benchmarks.record.rows import read_run

# metric -> the measure that supplies it, and the control's metric that it is divided by
RELATED = {
    "time_step_warm_s": ("time", "time_train_cold_s"),
    "time_predict_one_s": ("time", "time_train_cold_s"),
    "time_import_s": ("time", "time_total_s"),
    "time_total_s": ("time", "time_total_s"),
    "memory_peak_bytes": ("memory", "memory_peak_bytes"),
}
CONTROLS = ("matmul", "noop", "numpy-plain")  # the first one with the metric in a run is used
BLOCK = ["machine_id", "workload", "workload_digest", "threads", "block"]


Key = tuple[str, str, str, str, str]  # machine, workload and threads, digest, system, metric


@dataclasses.dataclass(frozen=True)
class Point:
    """One figure at one time. facts: versions, processor, code digests."""

    at: str
    run: str
    value: float
    facts: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Series:
    """Points of one quantity in chronological order, with the changes among them."""

    machine: str
    workload: str
    system: str
    metric: str
    points: tuple[Point, ...]
    changes: tuple[Change, ...] = ()

    @property
    def name(self) -> str:
        """The system and workload, without the machine."""
        return ", ".join(part for part in (self.system, self.workload) if part)

    @property
    def is_worse(self) -> bool:
        """Whether the newest segment is worse than the one before."""
        return bool(self.changes) and self.makes_worse(self.changes[-1])

    def makes_worse(self, change: Change) -> bool:
        """Whether a change is one for the worse: a rise, or a fall where higher is better."""
        rule = COUNTED.get(self.metric)
        falls = rule is not None and rule.worse is Kind.LESS
        return change.ratio < 1 if falls else change.ratio > 1

    def find_causes(self, change: Change) -> list[str]:
        """List the recorded facts that differ before and after a change."""
        before, after = self.points[change.index - 1].facts, self.points[change.index].facts
        return [
            f"{key} {before.get(key, '?')} → {after.get(key, '?')}"
            for key in sorted({*before, *after})
            if before.get(key) != after.get(key)
        ]


def read_history(folder: Path) -> list[Series]:
    """Read every series below a folder: recorded runs, and JSON files of other programs.

    Raise UsageError for a file that cannot be read, or if there are no figures.
    """
    runs = find_runs(folder)
    found: dict[Key, list[Point]] = {}
    for run in runs:
        for key, point in _read_run(run):
            found.setdefault(key, []).append(point)
    inside = {run.resolve() for run in runs}
    for path in sorted(folder.rglob("*.json")):
        if not inside & {parent.resolve() for parent in path.parents}:
            for one in read_foreign(path):
                file = path.relative_to(folder).as_posix()
                point = Point(one.at, file, float(one.value), one.facts)
                found.setdefault((one.machine, "", "", one.benchmark, one.metric), []).append(point)
    if not found:
        raise UsageError(
            f"{folder.name} holds no figures: neither a recorded run with a control (matmul or"
            " numpy-plain) nor JSON of pytest-benchmark, pyperf or benchmarks.compare --save"
        )
    recipes: dict[str, set[str]] = {}
    for _, place, digest, _, _ in found:
        recipes.setdefault(place, set()).add(digest)
    return [
        _make_series(key, points, len(recipes[key[1]]) > 1) for key, points in sorted(found.items())
    ]


def _make_series(key: Key, points: Iterable[Point], ambiguous: bool) -> Series:
    """Make a series. ambiguous: other series have a workload of this name that is another one."""
    machine, place, digest, system, metric = key
    place = f"{place} ({digest})" if ambiguous else place
    ordered = tuple(sorted(points, key=lambda point: (point.at, point.run)))
    changes = find_changes([point.value for point in ordered])
    return Series(machine, place, system, metric, ordered, tuple(changes))


def _read_run(run: Path) -> Iterable[tuple[Key, Point]]:
    """Yield the figures of one run, each with the key of its series."""
    try:
        description = read_run(run)
        at, shared = description["created_at"], _list_facts(description)
    except ValueError as error:
        raise UsageError(f"{error}, or move the run away") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"the {RUN} of {run.name} cannot be read ({type(error).__name__}: {error});"
            " restore it from a copy, or move the run away"
        ) from None
    rows = load(run)
    alone = ~rows["shared"].fillna(False).astype(bool) | rows["measure"].eq("memory")
    rows = rows[rows["status"].eq("ok") & alone]
    rows = rows.assign(workload_digest=rows["workload_digest"].fillna(""))
    for metric in RELATED:
        for (machine, workload, digest, threads, system), value, version in relate(rows, metric):
            place = workload if threads == 1 else f"{workload}, {threads} threads"
            facts = shared | {"version": version}
            yield (machine, place, digest, system, metric), Point(at, run.name, value, facts)


def _list_facts(description: dict[str, Any]) -> dict[str, str]:
    """List facts in run.json that may explain a change: processor, Python, versions, digests."""
    environment = description["environment"]
    facts = {"processor": environment.get("cpu"), "python": environment.get("python")}
    facts |= {f"{name} code": digest for name, digest in description["digests"].items()
              if "." not in name}  # fmt: skip
    facts |= description["versions"]
    return {key: str(value) for key, value in facts.items() if value is not None}


def relate(
    rows: pd.DataFrame, metric: str
) -> Iterable[tuple[tuple[str, str, str, int, str], float, str]]:
    """Yield (machine, workload, digest, threads, system), mean ratio to the control, version."""
    measure, of_control = RELATED[metric]
    rows = rows[rows["measure"] == measure]
    for control in CONTROLS:
        own = rows[rows["system"] == control]
        if own[of_control].notna().any():
            break
    else:
        return
    base = own.groupby(BLOCK)[of_control].mean()
    others = rows[(rows["family"] != "control") & (rows["system"] != control) & rows[metric].gt(0)]
    for key, part in others.groupby([*BLOCK[:-1], "system"]):
        place = cast(tuple[str, str, str, int, str], key)
        paired = part.join(base.rename("control"), on=BLOCK)
        logs = keep_finite(np.log(paired[metric].astype(float) / paired["control"].astype(float)))
        if logs.size:
            version = str(part["system_version"].iloc[0])
            yield place, float(np.exp(logs.mean())), version
