"""Compare two recorded runs, pairing their rows trial by trial."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from benchmarks.analyse.comparison import Comparison, Finding, Quantity
from benchmarks.analyse.metrics import MARGINS, METRICS, Metric
from benchmarks.analyse.stats import (
    Estimate,
    adjust_holm,
    difference_p,
    equivalence_p,
    log_ratios,
    mean_interval,
    median_range,
    paired_difference,
    paired_ratio,
)
from benchmarks.analyse.verdicts import Kind, Verdict, judge_difference, judge_ratio
from benchmarks.errors import UsageError

KEY = ["system", "workload", "seed", "threads", "measure", "dtype", "repeat"]
CASE = ["system", "workload", "threads"]
COMPARED = (
    "time_total_s", "time_import_s", "time_step_warm_s", "time_predict_one_s", "memory_peak_bytes",
    "accuracy_test", "r2_test",
)  # fmt: skip
CONTROL = "matmul"  # its program is the same in both runs


def compare_runs(
    base: pd.DataFrame, head: pd.DataFrame, names: tuple[str, str], cross_machine: bool = False
) -> Comparison:
    """Compare the rows of two runs, as returned by `benchmarks.load`.

    Raise UsageError if they share no trial, or come from different machines without
    `cross_machine`.
    """
    pairs = pair_rows(base, head)
    if pairs.empty:
        raise UsageError(
            f"{names[0]} and {names[1]} have no trial in common (system, workload, seed, threads"
            " and measure); compare runs of one suite"
        )
    machines = {name for side in (base, head) for name in side["machine_id"].dropna()}
    if len(machines) > 1 and not cross_machine:
        raise UsageError(
            f"the rows come from {len(machines)} machines ({', '.join(sorted(machines))}), whose"
            " times say nothing about the code; measure both on one, or add --cross-machine"
        )
    found = find_differences(pairs)
    if not found:
        raise UsageError("the trials that both runs have give no figure that can be compared")
    remarks = [f"{len(pairs)} trials are in both runs; each is paired with its own."]
    if len(machines) > 1:
        remarks.append("The runs come from different machines: differences are theirs as well.")
    return Comparison(*names, tuple(found), f"control {CONTROL}", tuple(remarks))


def pair_rows(base: pd.DataFrame, head: pd.DataFrame) -> pd.DataFrame:
    """Pair trials that ended ok in both runs: one row each, columns NAME_base and NAME_head."""
    sides = []
    for rows in (base, head):
        ok = rows[rows["status"] == "ok"]
        ok = ok.assign(repeat=ok["repeat"].fillna(0))
        sides.append(ok.groupby(KEY, as_index=False, dropna=False)[list(COMPARED)].mean())
    return sides[0].merge(sides[1], on=KEY, suffixes=("_base", "_head"))


def find_differences(pairs: pd.DataFrame) -> list[Finding]:
    """Return a finding for each case and metric with values, corrected for their number."""
    found: list[Finding] = []
    tests: list[float] = []
    for case, rows in pairs.groupby(CASE, sort=True):
        if case[0] == CONTROL:
            continue
        for name in COMPARED:
            metric = METRICS[name]
            a, b = collect(rows, metric, "base"), collect(rows, metric, "head")
            if not (np.isfinite(a) & np.isfinite(b)).any():
                continue
            label = f"{case[0]}, {case[1]}" + (f", {case[2]} threads" if case[2] != 1 else "")
            found.append(_describe(metric, a, b, label))
            differences = b - a if metric.compare == "difference" else log_ratios(b, a)
            tests.append(difference_p(differences))
    corrected = adjust_holm(tests)
    control = estimate_control(pairs)
    return [_judge(one, p, control) for one, p in zip(found, corrected, strict=True)]


def collect(rows: pd.DataFrame, metric: Metric, side: str) -> np.ndarray:
    """Return the values of a metric from the first measure that supplies it."""
    for measure in metric.measures:
        chosen = rows.loc[rows["measure"] == measure, f"{metric.name}_{side}"]
        if chosen.notna().any():
            return chosen.to_numpy(float)
    return np.array([math.nan])


def estimate_control(pairs: pd.DataFrame) -> Estimate:
    """Estimate how much the control's total time changed between the runs."""
    rows = pairs[(pairs["system"] == CONTROL) & (pairs["measure"] == "time")]
    return paired_ratio(rows["time_total_s_head"], rows["time_total_s_base"])


def _describe(metric: Metric, a: np.ndarray, b: np.ndarray, case: str) -> Finding:
    worse = Kind.LESS if metric.name in ("accuracy_test", "r2_test") else Kind.MORE
    quantity = Quantity(metric.heading, metric.unit, metric.less, metric.more, worse)
    if metric.compare == "difference":
        # The ratio column stays empty; the verdict rests on the difference.
        base, head = mean_interval(a), mean_interval(b)
        verdict = judge_difference(
            paired_difference(b, a), MARGINS["accuracy"], difference_p(b - a),
            equivalence_p(b - a, MARGINS["accuracy"]),
        )  # fmt: skip
        return Finding(metric.name, quantity, base, head, verdict=verdict, case=case)
    ratio = paired_ratio(b, a, ranged=metric.estimator == "range")
    return Finding(metric.name, quantity, median_range(a), median_range(b), ratio, case=case)


def _judge(found: Finding, p: float, control: Estimate) -> Finding:
    """Add the verdict to a finding; times are decided only if the control's time did not change."""
    import dataclasses

    metric = METRICS[found.name]
    if metric.compare == "difference":
        undone = p >= 0.05 and found.verdict.kind in (Kind.LESS, Kind.MORE)
        verdict = Verdict(Kind.UNDECIDED, found.verdict.margin) if undone else found.verdict
        return dataclasses.replace(found, verdict=verdict)
    margin = MARGINS[metric.margin]
    verdict = judge_ratio(found.ratio, margin, math.nan if metric.estimator == "range" else p)
    if metric.unit != "s":
        return dataclasses.replace(found, verdict=verdict)
    if judge_ratio(control, margin).kind in (Kind.LESS, Kind.MORE):
        verdict = Verdict(Kind.UNDECIDED, margin)
    return dataclasses.replace(found, verdict=verdict, twin=control)
