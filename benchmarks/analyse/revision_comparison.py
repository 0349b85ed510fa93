"""How two revisions or two recorded runs differ, quantity by quantity.

Times are judged by intervals. What does not depend on the clock is judged by limits: it is the
same in every run on one machine, so any difference beyond the limit is real.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping
from typing import Any

from benchmarks.analyse.metrics import MARGINS
from benchmarks.analyse.sequential import repeated_interval
from benchmarks.analyse.stats import Estimate, median_range
from benchmarks.analyse.verdicts import Kind, Verdict, judge_ratio, name_kind
from benchmarks.measure.parity import find_largest_difference


@dataclasses.dataclass(frozen=True)
class CompareRule:
    """How a quantity is compared, and how its differences are worded.

    Attributes
    ----------
    less, more : str
        The verdict when head's value is below or above base's.
    worse : Kind
        Which of the two is a regression.
    share, least : float
        Differences up to this share of base's value, or up to this amount, are ignored.
    """

    heading: str
    unit: str = ""
    less: str = "fewer"
    more: str = "more"
    worse: Kind = Kind.MORE
    share: float = 0.0
    least: float = 0.0


TIMED = {
    "step_small_s": CompareRule("step time, small network", "s", "faster", "slower"),
    "step_large_s": CompareRule("step time, large network", "s", "faster", "slower"),
    "predict_one_s": CompareRule("prediction of one row", "s", "faster", "slower"),
    "import_s": CompareRule("import time", "s", "faster", "slower"),
    "total_s": CompareRule("total process time", "s", "faster", "slower"),
}
COUNTED = {
    "peak_bytes": CompareRule("peak memory", "B", "smaller", "larger", share=0.02),
    "allocated_bytes": CompareRule("allocations of a steady training", "B", "smaller", "larger",
                                   share=MARGINS["memory"], least=1024),
    "python_calls": CompareRule("Python calls per step", least=0.01),
    "numpy_calls": CompareRule("NumPy calls per step", least=0.01),
    "modules": CompareRule("modules imported"),
    "package_bytes": CompareRule("compressed package", "B", "smaller", "larger",
                                 share=MARGINS["memory"]),
    "accuracy": CompareRule("test accuracy", "", "lower", "higher", Kind.LESS,
                            least=MARGINS["accuracy"]),
    "parity": CompareRule("final weights, largest difference", "", "", "differ", least=1e-9),
}  # fmt: skip


NO_ESTIMATE, NO_VERDICT = Estimate(), Verdict()


@dataclasses.dataclass(frozen=True)
class Difference:
    """One line of a comparison. `twin` is base against base, or the change in a control."""

    name: str
    rule: CompareRule
    base: Estimate = NO_ESTIMATE
    head: Estimate = NO_ESTIMATE
    ratio: Estimate = NO_ESTIMATE
    twin: Estimate = NO_ESTIMATE
    verdict: Verdict = NO_VERDICT
    case: str = ""

    @property
    def is_worse(self) -> bool:
        """Whether this is a regression."""
        return self.verdict.kind is self.rule.worse

    @property
    def is_better(self) -> bool:
        """Whether this is an improvement."""
        return self.verdict.differs and not self.is_worse

    @property
    def word(self) -> str:
        """The verdict in the words of the quantity."""
        return name_kind(self.verdict.kind, self.rule)


@dataclasses.dataclass(frozen=True)
class SideComparison:
    """How two sides differ, quantity by quantity, with remarks on how that was measured."""

    base: str
    head: str
    differences: tuple[Difference, ...]
    twin: str  # heading of the twin column
    remarks: tuple[str, ...] = ()
    sequential: bool = False  # judged after every round of a measurement, not once

    @property
    def verdict(self) -> str:
        """The overall verdict: slower, faster, equivalent or undecided."""
        timed = [found for found in self.differences if found.rule.unit == "s"]
        if self.is_worse:
            return "slower" if any(found.is_worse for found in timed) else "worse"
        if any(found.is_better for found in timed):
            return "faster"
        return "undecided" if self.undecided else "equivalent"

    @property
    def undecided(self) -> list[Difference]:
        """The quantities that were measured but need more rounds."""
        return [
            found
            for found in self.differences
            if not found.verdict.decided and found.verdict.kind is not Kind.NOT_MEASURED
        ]

    @property
    def is_worse(self) -> bool:
        """Whether anything is a regression."""
        return any(found.is_worse for found in self.differences)


def judge_round(timed: dict[str, Difference], samples: Any) -> list[str]:
    """Judge the timed quantities after a round; return the names of those that need more.

    timed: the differences so far, which are updated. A decision, once made, stands, because the
    intervals of all looks cover simultaneously. samples: see measure/interleave.py.
    """
    for name, rule in TIMED.items():
        if name not in timed or not timed[name].verdict.decided:
            timed[name] = judge_times(name, rule, samples)
    return [name for name, found in timed.items() if not found.verdict.decided]


def judge_times(name: str, rule: CompareRule, samples: Any) -> Difference:
    """Return the difference in one timed quantity after the rounds so far.

    If the twin, which runs base's own code, differs from base, the machine cannot be trusted and
    a difference in head is left undecided.
    """
    ratio, twin = (
        repeated_interval(samples.logs.get((name, side), ()), samples.max_rounds, len(TIMED))
        for side in ("head", "twin")
    )
    verdict = judge_ratio(ratio, MARGINS["time"])
    same = judge_ratio(twin, MARGINS["time"])
    if verdict.differs and same.differs:
        verdict = Verdict(Kind.UNDECIDED, MARGINS["time"])
    base, head = (median_range(samples.values.get((name, side), ())) for side in ("base", "head"))
    return Difference(name, rule, base, head, ratio, twin, verdict)


def judge_counts(counts: Mapping[str, Mapping[str, Any]]) -> list[Difference]:
    """Judge counts by limits. counts: "base", "head" and "twin", each name -> value or values."""
    found = []
    for name, rule in COUNTED.items():
        if name == "parity":
            found.append(judge_weights(rule, counts))
            continue
        values = {side: _middle(counts[side].get(name)) for side in ("base", "head", "twin")}
        base, head, twin = values["base"], values["head"], values["twin"]
        if not (base.known and head.known):
            found.append(Difference(name, rule, base, head))
            continue
        own = abs(twin.value - base.value) if twin.known else 0.0  # base against itself
        limit = max(rule.share * abs(base.value), rule.least) + 2 * own
        verdict = judge_limit(head.value - base.value, limit)
        ratio = Estimate.exact(head.value / base.value) if base.value else Estimate()
        again = Estimate.exact(twin.value / base.value) if base.value and twin.known else Estimate()
        found.append(Difference(name, rule, base, head, ratio, again, verdict))
    return found


def judge_limit(difference: float, limit: float) -> Verdict:
    """Judge a difference: less or more beyond the limit, otherwise equivalent."""
    if abs(difference) <= limit:
        return Verdict(Kind.EQUIVALENT, limit)
    return Verdict(Kind.LESS if difference < 0 else Kind.MORE, limit)


def judge_weights(rule: CompareRule, counts: Mapping[str, Mapping[str, Any]]) -> Difference:
    """Judge whether both sides reach the same weights from the same start, in float64."""
    weights = {side: counts[side].get("weights") for side in ("base", "head", "twin")}
    if weights["base"] is None or weights["head"] is None:
        return Difference("parity", rule)
    head, twin = (
        find_largest_difference(weights[side] or (), weights["base"]) for side in ("head", "twin")
    )
    verdict = judge_limit(head, rule.least)
    return Difference("parity", rule, Estimate.exact(twin), Estimate.exact(head), verdict=verdict)


def _middle(value: Any) -> Estimate:
    """Return a count, or the median of several, as an exact estimate."""
    values = [v for v in (value if isinstance(value, list) else [value]) if v is not None]
    return Estimate.exact(float(statistics.median(values))) if values else Estimate()
