"""Rows -> one line per (workload, threads, system): estimates, ratios to the base, verdicts.

A pure function of the rows. Each metric M gives the columns M, M_low, M_high, M_n, M_kind and,
where it is compared, M_ratio (or M_difference) with _low, _high, _n, _kind, and M_verdict.
A ratio is never formed with a system that is not comparable, nor across machines or blocks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmarks.analyse import stats, verdicts
from benchmarks.analyse.equal_work import DIFFERENT, counted, differing
from benchmarks.analyse.frameworks import AGAIN, BASE, framework
from benchmarks.analyse.metrics import MARGINS, METRICS, Metric
from benchmarks.analyse.samples import PAIR, Sample, paired, samples
from benchmarks.analyse.stats import Estimate

GROUP = ["workload", "threads"]
ESTIMATORS = {
    "median": stats.median_interval,
    "range": stats.median_range,
}


def summarise(
    frame: pd.DataFrame,
    margins: Mapping[str, float] | None = None,
    base: str = BASE,
    shares: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """One line per (workload, threads, system), in order of first appearance.

    margins: keys of metrics.MARGINS, as fixed before the run. shares: of workloads on a fixed
    table, test rows / training rows (splits.py). No rows give an empty table.
    """
    limits = MARGINS | {k: float(v) for k, v in (margins or {}).items() if k in MARGINS}
    lines: list[dict[str, Any]] = []
    for (workload, threads), group in frame.groupby(GROUP, sort=True):
        systems = {str(name): rows for name, rows in group.groupby("system")}
        place = {"workload": workload, "threads": threads}
        lines += _group(systems, place, limits, base, (shares or {}).get(str(workload), 0.0))
    return pd.DataFrame(lines, columns=columns())


def columns() -> list[str]:
    """The columns of an empty summary."""
    names = [*GROUP, "system", "family", "framework", "version", "dtype", "comparable", "parity"]
    names += ["work", "ok", "rows", "statuses", "reason", "machines", "versions"]
    for metric in METRICS.values():
        names += _names(metric.name, Estimate())
        if metric.compare:
            names += _names(f"{metric.name}_{metric.compare}", Estimate())
            names += [f"{metric.name}_verdict", f"{metric.name}_noise"]
        if metric.compare == "difference":
            names += [f"{metric.name}_{part}" for part in ("p", "p_equal", "p_greater")]
    return names


def noise_of(systems: Mapping[str, pd.DataFrame], metric: Metric, base: str = BASE) -> float:
    """The A/A noise as a ratio above 1: how far two runs of the same system seem to differ.

    nan if the A/A twin has no pair. It is the further end of the twin's interval (or range).
    """
    if AGAIN not in systems or base not in systems or metric.compare != "ratio":
        return math.nan
    a, b = paired(samples(systems[AGAIN], metric), samples(systems[base], metric))
    twin = stats.paired_ratio(a, b, metric.estimator == "range")
    return max(twin.high, 1 / twin.low) if twin.known else math.nan


def _group(
    systems: dict[str, pd.DataFrame],
    place: dict[str, Any],
    limits: Mapping[str, float],
    base: str,
    share: float,
) -> list[dict[str, Any]]:
    lines = [place | _facts(name, rows, systems.get(base)) for name, rows in systems.items()]
    for metric in METRICS.values():
        noise = noise_of(systems, metric, base)
        drawn = {name: samples(rows, metric) for name, rows in systems.items()}
        for line in lines:
            _measure(line, metric, drawn, base, noise, limits, share)
        if metric.compare == "difference":
            verdicts.judge_scores(lines, metric, drawn, base, limits[metric.margin], share)
    return lines


def _facts(name: str, rows: pd.DataFrame, base: pd.DataFrame | None) -> dict[str, Any]:
    trials = rows[rows["measure"] != "parity"]
    ok, bad = rows[rows["status"] == "ok"], rows[rows["status"] != "ok"]
    family = _first(rows["family"])
    work = ""
    if base is not None and name != base["system"].iloc[0]:
        if family != _first(base["family"]):
            work = DIFFERENT
        elif family == "network":
            mine = counted(trials[trials["status"] == "ok"])
            theirs = counted(base[(base["measure"] != "parity") & (base["status"] == "ok")])
            what = differing(mine, theirs)
            work = f"{DIFFERENT}: {', '.join(what)}" if what and len(ok) else ""
    counts = rows["status"].value_counts().sort_index()
    return {
        "system": name,
        "family": family,
        "framework": framework(name),
        "version": _first(ok["system_version"]),
        "dtype": _first(trials["dtype"]),
        "comparable": _first(rows["comparable"]),
        "parity": _first(rows["parity_max_abs"]),
        "work": work,
        "ok": len(ok),
        "rows": len(rows),
        "statuses": ", ".join(f"{status} {n}" for status, n in counts.items()),
        "reason": _first(bad["reason"]) if len(bad) else None,
        "machines": rows["machine_id"].nunique(),
        "versions": ok["system_version"].nunique(),
    }


def _first(column: pd.Series) -> Any:
    known = column.dropna()
    return known.iloc[0] if len(known) else None


def _measure(
    line: dict[str, Any],
    metric: Metric,
    drawn: Mapping[str, Sample],
    base: str,
    noise: float,
    limits: Mapping[str, float],
    share: float,
) -> None:
    values, name = drawn[str(line["system"])], metric.name
    physical = metric.compare == "ratio" or name.startswith(("time", "memory"))
    mixed = physical and _machines(values) > 1
    estimate = Estimate(n=len(values), kind="mixed") if mixed else _estimate(values, metric, share)
    line.update(_names(name, estimate))
    if not metric.compare:
        return
    other = Estimate()
    if line["system"] != base and base in drawn and _may_compare(line, metric):
        a, b = paired(values, drawn[base])
        if metric.compare == "ratio" and not mixed:
            other = stats.paired_ratio(a, b, metric.estimator == "range")
        elif metric.compare == "difference":
            other = stats.paired_difference(a, b, share)
    line.update(_names(f"{name}_{metric.compare}", other))
    if metric.compare == "ratio":
        line[f"{name}_noise"] = noise
        line[f"{name}_verdict"] = verdicts.of_ratio(other, metric, noise, limits[metric.margin])


def _may_compare(line: Mapping[str, Any], metric: Metric) -> bool:
    """No ratio if parity failed; no step ratio between networks that did different work."""
    if metric.compare == "ratio" and line["comparable"] is not None and not line["comparable"]:
        return False
    return not (metric.name == "time_step_warm_s" and line["work"])


def _machines(values: Sample) -> int:
    return len({key[PAIR.index("machine_id")] for key in values if len(key) == len(PAIR)})


def _estimate(values: Sample, metric: Metric, share: float) -> Estimate:
    if metric.estimator == "mean":
        return stats.mean_bootstrap(list(values.values()), share)
    return ESTIMATORS[metric.estimator](list(values.values()))


def _names(prefix: str, estimate: Estimate) -> dict[str, Any]:
    low, high, n, kind = estimate[1:]
    return {
        prefix: estimate.value,
        f"{prefix}_low": low,
        f"{prefix}_high": high,
        f"{prefix}_n": n,
        f"{prefix}_kind": kind,
    }


def estimate_of(line: Mapping[str, Any] | pd.Series, prefix: str) -> Estimate:
    """The estimate that a line of the summary holds under a prefix."""
    fields = [line[prefix], *(line[f"{prefix}_{part}"] for part in ("low", "high", "n", "kind"))]
    return Estimate(*fields) if isinstance(fields[4], str) else Estimate()
