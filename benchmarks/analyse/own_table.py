"""What a user measures their own table for: is there anything to learn, and which system to use.

Systems are compared with the score of a constant answer, then with the best system. All of them
form one family, because the choice is among all.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.analyse import stats
from benchmarks.analyse.frameworks import FLOOR, JUDGED
from benchmarks.analyse.metrics import METRICS
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.summary import Case, Line, estimate_sample
from benchmarks.analyse.system_comparison import Comparison, compare_scores
from benchmarks.analyse.verdicts import Kind

UNBALANCED = 2  # rows of the most frequent class / rows of the rarest, at which to say so
OVERFIT = {"accuracy_test": 0.05, "r2_test": 0.1}  # training score minus test score


@dataclasses.dataclass(frozen=True)
class Choice:
    """Which system to use on a table, and the comparisons behind that choice.

    Attributes
    ----------
    floor : Estimate
        Score of always giving the same answer.
    lines : list of Line
        Networks and classical models with a score, highest first.
    complete : list of Line
        Those of them with the most splits; means over other splits are not ranked with theirs.
    against_floor, against_best : dict
        System -> comparison of its score with the floor and with that of `best`.
    best : Line or None
        The highest-scoring of the complete systems that were shown to be above the floor.
    chosen : Line or None
        The fastest among the best and the systems shown to be equivalent to it.
    """

    floor: stats.Estimate
    lines: list[Line]
    complete: list[Line]
    against_floor: dict[str, Comparison]
    against_best: dict[str, Comparison]
    best: Line | None
    chosen: Line | None

    def find(self, comparisons: Mapping[str, Comparison], kind: Kind) -> list[Line]:
        """Return the systems with this verdict, highest score first."""
        return [x for x in self.lines if _kind(comparisons, x) is kind]

    @property
    def too_few(self) -> bool:
        """Whether there are too few splits for any verdict, or most systems lack some."""
        kinds = {_kind(self.against_floor, line) for line in self.lines}
        lacking = len(self.complete) < len(self.lines) / 2
        return lacking or kinds <= {Kind.TOO_FEW, Kind.NOT_MEASURED}


def _kind(comparisons: Mapping[str, Comparison], line: Line) -> Kind:
    return comparisons.get(line.system, Comparison()).verdict.kind


def choose_system(data: RunData, case: Case) -> Choice:
    """Choose the system to use from the rows of one table."""
    metric = METRICS[data.score(case)]
    split_ratio = data.split_ratios.get(case.workload, 0.0)
    margin = data.margins[metric.margin]
    able = [x for x in data.lines(case) if x.family in JUDGED and x.has(metric.name)]
    lines = sorted(able, key=lambda x: (-x.value(metric.name), x.system))
    most = max((x.estimate(metric.name).n for x in lines), default=0)
    complete = [x for x in lines if x.estimate(metric.name).n == most]
    samples = {x.system: data.collect(case, x.system, metric) for x in lines}
    floor: Mapping[tuple, float] = data.collect(case, FLOOR, metric)
    if not floor:
        known = _find_floor(data.table)
        floor = {} if known is None else {key: known for x in samples.values() for key in x}
    against_floor = compare_scores(samples, floor, margin, split_ratio, {})
    above = [x for x in lines if _kind(against_floor, x) is Kind.MORE]
    best = next((x for x in above if x in complete), None)
    against_best, chosen = {}, None
    if best is not None:
        rivals = {name: found for name, found in samples.items() if name != best.system}
        against_best = compare_scores(rivals, samples[best.system], margin, split_ratio, {})
        alike = [best, *(x for x in above if _kind(against_best, x) is Kind.EQUIVALENT)]
        timed = [x for x in alike if x.has("time_total_s")]
        chosen = min(timed, key=lambda x: (x.value("time_total_s"), x.system), default=best)
    estimate = estimate_sample(list(floor.values()), metric, split_ratio)
    return Choice(estimate, lines, complete, against_floor, against_best, best, chosen)


def _find_floor(table: Mapping[str, Any]) -> float | None:
    """Compute the floor where it was not measured, assuming the same class shares in each split.

    Always answering the mean has a coefficient of determination of 0 by definition.
    """
    if table.get("task") == "regression":
        return 0.0
    counts = table.get("class_rows") or ()
    return max(counts) / sum(counts) if counts else None


def is_unbalanced(table: Mapping[str, Any]) -> bool:
    """Whether one class has far more rows than another, so that accuracy alone says little."""
    counts = table.get("class_rows") or ()
    return len(counts) > 1 and max(counts) >= UNBALANCED * min(counts)


def find_overfitted(lines: Sequence[Line], score: str) -> list[tuple[Line, float]]:
    """Find systems that score far better on their training rows; return them with that score.

    A regression target has variance 1 in the training rows, so their R2 is 1 minus the error.
    """
    found = []
    for line in lines:
        train = line.value("accuracy_train")
        if score == "r2_test":
            train = 1 - line.value("loss_train")
        if math.isfinite(train) and train - line.value(score) >= OVERFIT[score]:
            found.append((line, train))
    return found
