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

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def make_safe(value: Any) -> Any:
    """The value for a cell; text that a spreadsheet would compute gets an apostrophe."""
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return value


def format_csv(table: pd.DataFrame, digits: int = 10) -> str:
    """The table as CSV, the same bytes for the same values."""
    safe = table.map(make_safe).rename(columns=make_safe)
    return safe.to_csv(index=False, lineterminator="\n", float_format=f"%.{digits}g")


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write the table."""
    write_atomically(path, format_csv(table))


def spread(name: str, estimate: Estimate) -> dict[str, Any]:
    """An estimate as the columns NAME, NAME_low, NAME_high, NAME_n and NAME_kind."""
    parts = (estimate.value, estimate.low, estimate.high, estimate.n, estimate.kind)
    return dict(zip([name, *(f"{name}_{p}" for p in ("low", "high", "n", "kind"))], parts,
                    strict=True))  # fmt: skip


def tabulate(lines: Iterable[Line], metrics: Iterable[str]) -> pd.DataFrame:
    """One row per system with the estimates of some metrics."""
    metrics = list(metrics)
    rows: list[Mapping[str, Any]] = []
    for line in lines:
        row: dict[str, Any] = {"system": line.system, "family": line.family}
        for name in metrics:
            row |= spread(name, line.estimate(name))
        rows.append(row)
    return pd.DataFrame(rows)


def tabulate_summary(lines: Iterable[Line]) -> pd.DataFrame:
    """Every estimate, ratio and verdict, one row per case and system."""
    rows = []
    for line in lines:
        row: dict[str, Any] = {"workload": line.case.workload, "threads": line.case.threads}
        row |= {"system": line.system, "family": line.family, "framework": line.framework}
        row |= {"version": "; ".join(line.versions), "dtype": line.dtype, "ok": line.counts.ok}
        row |= {"comparable": line.comparable, "other_work": line.other_work}
        for metric in METRICS.values():
            row |= spread(metric.name, line.estimate(metric.name))
            if metric.compare:
                found = line.against(metric.name)
                name = f"{metric.name}_{metric.compare}"
                row |= spread(name, found.estimate) | {f"{name}_p": found.p}
                row[f"{metric.name}_verdict"] = found.verdict.kind.value
        rows.append(row)
    return pd.DataFrame(rows)
