"""Everything a report is made of, read once from a run folder."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analyse.checks import Finding, check
from benchmarks.analyse.crossover import Crossing, crossings
from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.ladder import Rung, rungs
from benchmarks.analyse.metrics import MARGINS, METRICS
from benchmarks.analyse.splits import split_shares
from benchmarks.analyse.summary import GROUP, summarise
from benchmarks.paths import ARRAYS, FORCED
from benchmarks.record.store import load, read_run

# Ends of the scale of a score: lowest, highest.
SCALES: dict[str, tuple[float | None, float | None]] = {
    "accuracy_train": (0.0, 1.0),
    "accuracy_test": (0.0, 1.0),
    "r2_test": (None, 1.0),
    "mse_test": (0.0, None),
    "loss_test": (0.0, None),
}
FAMILIES = ("network", "classical", "bound")  # what result tables show, in this order


@dataclasses.dataclass(frozen=True)
class Material:
    """One run: its folder, its run.json, its rows and what follows from them."""

    folder: Path
    run: dict[str, Any]
    frame: pd.DataFrame
    summary: pd.DataFrame
    findings: list[Finding]

    @property
    def name(self) -> str:
        """The run's folder name."""
        return self.folder.name

    @property
    def margins(self) -> dict[str, float]:
        """Margins as the run fixed them before its first trial, else the usual ones."""
        return MARGINS | {k: v for k, v in (self.run.get("margins") or {}).items() if k in MARGINS}

    @property
    def places(self) -> list[tuple[str, int]]:
        """(workload, threads), workloads in the run's order, then what only rows name."""
        planned = [(t.get("workload"), t.get("threads")) for t in self.run.get("trials") or ()]
        found = [tuple(place) for place in self.summary[GROUP].itertuples(index=False)]
        order = {name: i for i, name in enumerate(self.run.get("workloads") or ())}
        both = dict.fromkeys([p for p in planned if p[0] is not None] + found)
        return sorted(both, key=lambda place: (order.get(place[0], len(order)), place[1]))

    @property
    def headline(self) -> tuple[str, int] | None:
        """The (workload, threads) that the first screen is about: the one of the most rows."""
        places = self.places
        counts = self.frame.groupby(GROUP).size().to_dict()
        return max(places, key=lambda p: (counts.get(p, 0), -places.index(p))) if places else None

    @property
    def forced(self) -> list[dict[str, Any]]:
        """Each time the run went on although something had changed: what, and to what."""
        path = self.folder / FORCED
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines if line.strip()]

    def workload(self, name: str) -> dict[str, Any]:
        """What run.json says of a workload; {} if nothing."""
        return (self.run.get("workloads") or {}).get(name) or {}

    @functools.cached_property
    def ladder(self) -> list[Rung]:
        """The rungs of a run of training steps; [] if it is none."""
        workloads = self.run.get("workloads") or {}
        return rungs(self.frame, self.summary, workloads, self.margins["time"])

    @functools.cached_property
    def crossings(self) -> list[Crossing]:
        """Each framework along each axis of a run over sizes; [] if it is none."""
        workloads = self.run.get("workloads") or {}
        return crossings(self.frame, self.summary, workloads, self.margins["time"])

    def at(self, place: tuple[str, int] | None, shown: bool = True) -> pd.DataFrame:
        """Summary of one place; `shown` leaves out the controls."""
        part = self.summary
        if place is not None:
            part = part[part["workload"].eq(place[0]) & part["threads"].eq(place[1])]
        return (part[part["family"].isin(FAMILIES)] if shown else part).reset_index(drop=True)

    def rows(self, place: tuple[str, int]) -> pd.DataFrame:
        """The rows of one place."""
        rows = self.frame
        return rows[rows["workload"].eq(place[0]) & rows["threads"].eq(place[1])]

    def base(self, place: tuple[str, int] | None) -> pd.Series | None:
        """The base system's line at a place, if it has an ok row."""
        lines = self.at(place)
        lines = lines[lines["system"].eq(BASE) & lines["ok"].gt(0)]
        return lines.iloc[0] if len(lines) else None

    def planned(self, place: tuple[str, int]) -> dict[str, str]:
        """system -> family of what was planned at a place, without controls."""
        return {
            str(trial["system"]): str(trial.get("family") or "")
            for trial in self.run.get("trials") or ()
            if (trial.get("workload"), trial.get("threads")) == place
            and trial.get("family") in FAMILIES
        }

    def arrays(self, place: tuple[str, int], measure: str) -> Iterator[tuple[str, dict]]:
        """(system, arrays) of each ok trial of a place that left readable arrays, one each."""
        rows = self.frame[
            self.frame["workload"].eq(place[0])
            & self.frame["threads"].eq(place[1])
            & self.frame["measure"].eq(measure)
            & self.frame["status"].eq("ok")
            & self.frame["family"].isin(FAMILIES)
        ].sort_values(["block", "order"])
        seen: set[str] = set()
        for system, trial in zip(rows["system"], rows["trial_id"], strict=True):
            found = {} if system in seen else _read(self.folder / ARRAYS / f"{trial}.npz")
            if found:
                seen.add(system)
                yield str(system), found

    @property
    def has_arrays(self) -> bool:
        """Whether the run folder still holds arrays (they are the larger part of it)."""
        return any((self.folder / ARRAYS).glob("*.npz"))


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (OSError, ValueError, EOFError, KeyError):  # missing or cut short: drawn without it
        return {}
    except Exception as error:  # zipfile.BadZipFile without importing zipfile here
        if type(error).__name__ == "BadZipFile":
            return {}
        raise


def material(folder: Path) -> Material:
    """Read a run. FileNotFoundError with a sentence if it is none."""
    run = read_run(folder)
    frame = load(folder)
    margins = run.get("margins") if isinstance(run.get("margins"), dict) else {}
    shares = split_shares(run.get("workloads"))
    summary = _within_scale(_bounds_alone(summarise(frame, margins, shares=shares)))
    return Material(folder, run, frame, summary, check(frame, margins, shares))


def _within_scale(summary: pd.DataFrame) -> pd.DataFrame:
    """Student's interval of a mean does not know where the scale of a score ends."""
    for name, (least, most) in SCALES.items():
        bounds = [f"{name}_low", f"{name}_high"]
        summary[bounds] = summary[bounds].clip(least, most)
    return summary


def _bounds_alone(summary: pd.DataFrame) -> pd.DataFrame:
    """Bounds train nothing: an empty call's microseconds are no training time, nor is the cost
    of a bound a multiple of anything."""
    bound = summary["family"].eq("bound")
    ratios = [f"{m.name}_ratio" for m in METRICS.values() if m.compare == "ratio"]
    for prefix in ("time_train_cold_s", "time_train_warm_s", "time_step_warm_s", *ratios):
        summary.loc[bound, prefix] = np.nan
        summary.loc[bound, f"{prefix}_kind"] = "none"
    for prefix in ratios:
        summary.loc[bound, prefix.removesuffix("_ratio") + "_verdict"] = ""
    return summary.copy()  # in one piece: rows are taken from it many times
