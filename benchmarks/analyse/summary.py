"""Rows -> one Line per system in each case: estimates, comparisons with the base, verdicts.

Depends on the rows alone. No ratio is formed with a system that is not comparable, nor across
machines or blocks; ratios of several machines are combined with machine as a level.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from benchmarks.analyse import stats
from benchmarks.analyse.equal_work import compare_work, count_work
from benchmarks.analyse.frameworks import BASE, JUDGED, find_framework
from benchmarks.analyse.metrics import MARGINS, METRICS, STEP, Metric
from benchmarks.analyse.samples import (
    Sample,
    collect_samples,
    count_machines,
    find_identical,
)
from benchmarks.analyse.stats import Estimate
from benchmarks.analyse.system_comparison import Comparison, compare_costs, compare_scores


@dataclasses.dataclass(frozen=True, order=True)
class Case:
    """What systems are compared on: a workload at one number of threads."""

    workload: str
    threads: int


def split_cases(frame: pd.DataFrame) -> Iterator[tuple[Case, pd.DataFrame]]:
    """Yield the rows of each case, sorted by workload and threads."""
    for (workload, threads), rows in frame.groupby(["workload", "threads"], sort=True):
        yield Case(str(workload), int(str(threads))), rows


@dataclasses.dataclass
class Line:
    """One system in one case."""

    case: Case
    system: str
    family: str
    framework: str
    versions: tuple[str, ...]
    dtype: str
    comparable: bool | None  # None: parity was not checked
    parity: float
    other_work: bool
    differs_in: tuple[str, ...]
    statuses: Mapping[str, int]  # number of rows by status
    machines: int
    values: dict[str, Estimate] = dataclasses.field(default_factory=dict)
    comparisons: dict[str, Comparison] = dataclasses.field(default_factory=dict)

    def estimate(self, metric: str) -> Estimate:
        """Return the estimate of a field; unknown if no row has it."""
        return self.values.get(metric, Estimate())

    def has(self, metric: str) -> bool:
        """Whether the field has a value."""
        return self.estimate(metric).known

    def value(self, metric: str) -> float:
        """Return the value of a field; nan if unknown."""
        return self.estimate(metric).value

    def against(self, metric: str) -> Comparison:
        """Return the comparison with the base; unknown where none is allowed."""
        return self.comparisons.get(metric, Comparison())

    @property
    def unchecked(self) -> bool:
        """Whether it is a network not shown to train the same network as the base."""
        return self.family == "network" and self.comparable is None and self.system != BASE


Lines = dict[str, Line]  # system -> line
Summary = dict[Case, Lines]


def summarise(
    frame: pd.DataFrame,
    margins: Mapping[str, float] | None = None,
    split_ratios: Mapping[str, float] | None = None,
) -> Summary:
    """Estimate and compare everything in these rows.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows as returned by `benchmarks.load`.
    margins : mapping, optional
        Smallest effects of interest, keys of metrics.MARGINS, as fixed before the run.
    split_ratios : mapping, optional
        Workload on a fixed table -> test rows / training rows (`find_split_ratios`).
    """
    limits = MARGINS | dict(margins or {})
    found: Summary = {}
    for case, group in split_cases(frame):
        split_ratio = (split_ratios or {}).get(case.workload, 0.0)
        rows = {str(name): part for name, part in group.groupby("system")}
        lines = {name: _describe(case, name, part, rows.get(BASE)) for name, part in rows.items()}
        for metric in METRICS.values():
            samples = {name: collect_samples(part, metric) for name, part in rows.items()}
            _measure(lines, metric, samples, split_ratio)
            if BASE in samples and metric.compare:
                _compare(lines.values(), metric, samples, limits[metric.margin], split_ratio)
        found[case] = lines
    return found


def _describe(case: Case, name: str, rows: pd.DataFrame, base: pd.DataFrame | None) -> Line:
    family = str(_first(rows["family"], ""))
    ok = rows[rows["status"] == "ok"]
    other = False
    differs: tuple[str, ...] = ()
    if base is not None and rows is not base and base["status"].eq("ok").any():
        other = family != _first(base["family"])
        if not other and family == "network" and len(ok):
            mine, theirs = (
                count_work(part[(part["measure"] != "parity") & (part["status"] == "ok")])
                for part in (rows, base)
            )
            differs = compare_work(mine, theirs)
    comparable = _first(rows["comparable"])
    statuses = rows["status"].value_counts().sort_index()
    return Line(
        case=case,
        system=name,
        family=family,
        framework=find_framework(name),
        versions=tuple(sorted(ok["system_version"].dropna().unique())),
        dtype=str(_first(rows.loc[rows["measure"] != "parity", "dtype"], "float32")),
        comparable=None if comparable is None else bool(comparable),
        parity=float(_first(rows["parity_max_abs"], math.nan)),
        other_work=other or bool(differs),
        differs_in=differs,
        statuses={str(k): int(n) for k, n in statuses.items()},
        machines=rows["machine_id"].nunique(),
    )


def _first(column: pd.Series, default: Any = None) -> Any:
    known = column.dropna()
    return known.iloc[0] if len(known) else default


def _measure(
    lines: Lines, metric: Metric, samples: Mapping[str, Sample], split_ratio: float
) -> None:
    """Add the estimate of one metric to each line. Bounds are not trained."""
    for name, line in lines.items():
        values = samples[name]
        if not values or (metric.trained and line.family == "bound"):
            continue
        if metric.depends_on_machine and count_machines(values) > 1:
            line.values[metric.name] = Estimate(n=len(values), kind="mixed")
        else:
            line.values[metric.name] = estimate_sample(list(values.values()), metric, split_ratio)


def estimate_sample(values: list[float], metric: Metric, split_ratio: float = 0.0) -> Estimate:
    """Estimate one metric from its values."""
    if metric.estimator == "mean":
        return stats.mean_interval(values, split_ratio).clip(*metric.scale)
    return (stats.median_range if metric.estimator == "range" else stats.median_interval)(values)


def _compare(
    lines: Iterable[Line],
    metric: Metric,
    samples: Mapping[str, Sample],
    margin: float,
    split_ratio: float,
) -> None:
    """Compare every line with the base, correcting each family separately.

    The twin and other controls are compared too, but belong to no family.
    """
    allowed = [line for line in lines if line.system != BASE and _may_compare(line, metric)]
    for family in {line.family for line in allowed}:
        members = {line.system: line for line in allowed if line.family == family}
        own, base = {name: samples[name] for name in members}, samples[BASE]
        if metric.compare == "difference":
            found = compare_scores(own, base, margin, split_ratio, find_identical(own))
        else:
            found = compare_costs(own, base, metric, margin, family in JUDGED)
        for name, comparison in found.items():
            if comparison.estimate.known:
                members[name].comparisons[metric.name] = comparison


def _may_compare(line: Line, metric: Metric) -> bool:
    """Whether a ratio is allowed: not with a bound, after failed parity, or for unequal work."""
    if metric.compare == "difference":
        return line.family in JUDGED
    if line.family == "bound" or line.comparable is False:
        return False
    return not (metric is STEP and line.other_work)


def find_best_variants(lines: Iterable[Line], metric: str) -> dict[str, Line]:
    """Map each framework to its network system with the lowest value.

    Systems that failed parity or have no value are ignored. Choosing and estimating from the same
    rows favours the framework.
    """
    able = [
        line
        for line in lines
        if line.family == "network" and line.has(metric) and line.comparable is not False
    ]
    best: dict[str, Line] = {}
    for line in sorted(able, key=lambda line: (line.value(metric), line.system)):
        best.setdefault(line.framework, line)
    return best
