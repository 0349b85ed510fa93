"""Compare two recorded runs, pairing their rows trial by trial."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from benchmarks.analyse.metrics import MARGINS, METRICS, Metric
from benchmarks.analyse.revision_comparison import CompareRule, Difference, SideComparison
from benchmarks.analyse.stats import (
    Estimate,
    adjust_holm,
    difference_p,
    equivalence_p,
    log_ratios,
    mean_interval,
    median_range,
    paired_ratio,
)
from benchmarks.analyse.verdicts import Kind, Verdict, judge_difference, judge_ratio
from benchmarks.errors import UsageError

KEY = ["system", "workload", "workload_digest", "seed", "threads", "measure", "dtype"]
CASE = ["system", "workload", "threads"]
COMPARED = (
    "time_total_s", "time_import_s", "time_step_warm_s", "time_predict_one_s", "memory_peak_bytes",
    "accuracy_test", "r2_test",
)  # fmt: skip
CONTROL = "matmul"  # its program is the same in both runs


def compare_runs(
    base: pd.DataFrame, head: pd.DataFrame, names: tuple[str, str], cross_machine: bool = False
) -> SideComparison:
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
    return SideComparison(*names, tuple(found), f"control {CONTROL}", tuple(remarks))


def pair_rows(base: pd.DataFrame, head: pd.DataFrame) -> pd.DataFrame:
    """Pair trials that ended ok in both runs, as columns NAME_base and NAME_head.

    The repeats of a trial in its block are one value, their mean. Times of trials that shared the
    machine are left out.
    """
    sides = []
    for rows in (base, head):
        ok = rows[rows["status"] == "ok"].copy()
        times = [name for name in COMPARED if name.startswith("time")]
        ok.loc[ok["shared"].fillna(False).astype(bool), times] = np.nan
        sides.append(ok.groupby(KEY, as_index=False, dropna=False)[list(COMPARED)].mean())
    return sides[0].merge(sides[1], on=KEY, suffixes=("_base", "_head"))


def find_differences(pairs: pd.DataFrame) -> list[Difference]:
    """Return a difference for each case and metric with values, corrected for their number."""
    compared: list[tuple[Metric, np.ndarray, np.ndarray, str]] = []
    tests: list[float] = []
    for case, rows in pairs.groupby(CASE, sort=True):
        if case[0] == CONTROL:
            continue
        label = f"{case[0]}, {case[1]}" + (f", {case[2]} threads" if case[2] != 1 else "")
        for metric in map(METRICS.__getitem__, COMPARED):
            a, b = collect(rows, metric)
            if len(a):
                compared.append((metric, a, b, label))
                gaps = b - a if metric.compare == "difference" else log_ratios(b, a)
                tests.append(difference_p(gaps))
    control = estimate_control(pairs)
    return [_judge(*each, p, control) for each, p in zip(compared, adjust_holm(tests), strict=True)]


def collect(rows: pd.DataFrame, metric: Metric) -> tuple[np.ndarray, np.ndarray]:
    """Return base's and head's values, one for each seed that both have, from any measure."""
    columns = [f"{metric.name}_base", f"{metric.name}_head"]
    parts = [rows.loc[rows["measure"] == name, ["seed", *columns]] for name in metric.measures]
    values = pd.concat(parts).dropna().drop_duplicates("seed")[columns].to_numpy(float)
    return values[:, 0], values[:, 1]


def estimate_control(pairs: pd.DataFrame) -> Estimate:
    """Estimate how much the control's total time changed between the runs."""
    rows = pairs[(pairs["system"] == CONTROL) & (pairs["measure"] == "time")]
    return paired_ratio(rows["time_total_s_head"], rows["time_total_s_base"])


def _judge(
    metric: Metric, a: np.ndarray, b: np.ndarray, case: str, p: float, control: Estimate
) -> Difference:
    """Judge head's values b against base's a; p is corrected.

    Times are decided only if the control's time did not change.
    """
    scored, steady = metric.compare == "difference", metric.estimator == "range"
    margin = MARGINS[metric.margin]
    worse = Kind.LESS if scored else Kind.MORE
    rule = CompareRule(metric.heading, metric.unit, metric.less, metric.more, worse)
    if scored:
        # The ratio column stays empty; the verdict rests on the difference.
        verdict = judge_difference(mean_interval(b - a), margin, p, equivalence_p(b - a, margin))
        base, head = mean_interval(a), mean_interval(b)
        return Difference(metric.name, rule, base, head, verdict=verdict, case=case)
    ratio = paired_ratio(b, a, steady)
    verdict = judge_ratio(ratio, margin, math.nan if steady else p, steady)
    twin = Estimate()
    if metric.unit == "s":
        twin = control
        if judge_ratio(control, margin).differs:
            verdict = Verdict(Kind.UNDECIDED, margin)
    return Difference(
        metric.name, rule, median_range(a), median_range(b), ratio, twin, verdict, case
    )
