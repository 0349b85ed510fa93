"""Tables of numbers as CSV: the data behind figures, summaries, rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.analyse.metrics import METRICS
from benchmarks.analyse.stats import Estimate
from benchmarks.analyse.summary import Line
from benchmarks.paths import write_atomically
from benchmarks.record.frame import disarm


def format_csv(table: pd.DataFrame, digits: int = 10) -> str:
    """Format the table as CSV; equal values give equal bytes."""
    safe = table.map(disarm).rename(columns=disarm)
    return safe.to_csv(index=False, lineterminator="\n", float_format=f"%.{digits}g")


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write the table as a CSV file."""
    write_atomically(path, format_csv(table))


def spread(name: str, estimate: Estimate) -> dict[str, Any]:
    """Spread an estimate over columns NAME, NAME_low, NAME_high, NAME_n and NAME_kind."""
    parts = ("low", "high", "n", "kind")
    return {name: estimate.value} | {f"{name}_{part}": getattr(estimate, part) for part in parts}


def make_frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Make a frame with one line per row; an estimate takes five columns."""
    frame = []
    for row in rows:
        line: dict[str, Any] = {}
        for name, value in row.items():
            line |= spread(name, value) if isinstance(value, Estimate) else {name: value}
        frame.append(line)
    return pd.DataFrame(frame)


def tabulate(lines: Iterable[Line], metrics: Iterable[str]) -> pd.DataFrame:
    """Tabulate the estimates of some metrics, one row per system."""
    metrics = list(metrics)
    return make_frame(
        {"system": line.system, "family": line.family}
        | {name: line.estimate(name) for name in metrics}
        for line in lines
    )


def tabulate_summary(lines: Iterable[Line]) -> pd.DataFrame:
    """Tabulate every estimate, ratio and verdict, one row per case and system."""
    return make_frame(map(_summarise, lines))


def _summarise(line: Line) -> dict[str, Any]:
    row: dict[str, Any] = {"workload": line.case.workload, "threads": line.case.threads}
    row |= {"system": line.system, "family": line.family, "framework": line.framework}
    row |= {
        "version": "; ".join(line.versions),
        "dtype": line.dtype,
        "ok": line.statuses.get("ok", 0),
    }
    row |= {"comparable": line.comparable, "other_work": line.other_work}
    for name, metric in METRICS.items():
        row[name] = line.estimate(name)
        if metric.compare:
            found, compared = line.against(name), f"{name}_{metric.compare}"
            row |= {compared: found.estimate, f"{compared}_p": found.p}
            row[f"{name}_verdict"] = found.verdict.kind.value
    return row
