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
from benchmarks.analyse.verdicts import Kind, Verdict, judge_ratio
from benchmarks.measure.parity import find_largest_difference


@dataclasses.dataclass(frozen=True)
class Quantity:
    """A quantity to compare.

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
    "step_small_s": Quantity("step time, small network", "s", "faster", "slower"),
    "step_large_s": Quantity("step time, large network", "s", "faster", "slower"),
    "predict_one_s": Quantity("prediction of one row", "s", "faster", "slower"),
    "import_s": Quantity("import time", "s", "faster", "slower"),
    "total_s": Quantity("total process time", "s", "faster", "slower"),
}
COUNTED = {
    "peak_bytes": Quantity("peak memory", "B", "smaller", "larger", share=0.02),
    "allocated_bytes": Quantity("allocations of a steady training", "B", "smaller", "larger",
                                share=MARGINS["memory"], least=1024),
    "python_calls": Quantity("Python calls per step", least=0.01),
    "numpy_calls": Quantity("NumPy calls per step", least=0.01),
    "modules": Quantity("modules imported"),
    "package_bytes": Quantity("compressed package", "B", "smaller", "larger",
                              share=MARGINS["memory"]),
    "accuracy": Quantity("test accuracy", "", "lower", "higher", Kind.LESS,
                         least=MARGINS["accuracy"]),
    "parity": Quantity("final weights, largest difference", "", "", "differ", least=1e-9),
}  # fmt: skip


NO_ESTIMATE, NO_VERDICT = Estimate(), Verdict()


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of a comparison. `twin` is base against base, or the change in a control."""

    name: str
    quantity: Quantity
    base: Estimate = NO_ESTIMATE
    head: Estimate = NO_ESTIMATE
    ratio: Estimate = NO_ESTIMATE
    twin: Estimate = NO_ESTIMATE
    verdict: Verdict = NO_VERDICT
    case: str = ""

    @property
    def is_worse(self) -> bool:
        """Whether this is a regression."""
        return self.verdict.kind is self.quantity.worse

    @property
    def is_better(self) -> bool:
        """Whether this is an improvement."""
        return self.verdict.kind in (Kind.LESS, Kind.MORE) and not self.is_worse

    @property
    def word(self) -> str:
        """The verdict in the words of the quantity."""
        words = {Kind.LESS: self.quantity.less, Kind.MORE: self.quantity.more}
        return words.get(self.verdict.kind, self.verdict.kind.value)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """All findings about two sides, with remarks on how they were obtained."""

    base: str
    head: str
    findings: tuple[Finding, ...]
    twin: str  # heading of the twin column
    remarks: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """The overall verdict: slower, faster, equivalent or undecided."""
        timed = [finding for finding in self.findings if finding.quantity.unit == "s"]
        if any(finding.is_worse for finding in self.findings):
            return "slower" if any(finding.is_worse for finding in timed) else "worse"
        if any(finding.is_better for finding in timed):
            return "faster"
        return "undecided" if self.undecided else "equivalent"

    @property
    def undecided(self) -> list[Finding]:
        """The quantities that were measured but need more rounds."""
        known = [
            finding for finding in self.findings if finding.verdict.kind is not Kind.NOT_MEASURED
        ]
        return [finding for finding in known if not finding.verdict.decided]

    @property
    def is_worse(self) -> bool:
        """Whether anything is a regression."""
        return any(finding.is_worse for finding in self.findings)


class Judge:
    """Judge timed quantities after each round; a decision, once made, stands.

    This is valid because the intervals of all looks cover simultaneously.
    """

    def __init__(self) -> None:
        self.findings: dict[str, Finding] = {}

    def update(self, samples: Any) -> list[str]:
        """Look at measure.interleave's samples; return the quantities that need more rounds."""
        undecided = []
        for name, quantity in TIMED.items():
            if name in self.findings and self.findings[name].verdict.decided:
                continue
            self.findings[name] = judge_times(name, quantity, samples)
            if not self.findings[name].verdict.decided:
                undecided.append(name)
        return undecided


def judge_times(name: str, quantity: Quantity, samples: Any) -> Finding:
    """Return the finding about one timed quantity after the rounds so far.

    If the twin, which runs base's own code, differs from base, the machine cannot be trusted and
    a difference in head is left undecided.
    """
    ratio, twin = (
        repeated_interval(samples.logs.get((name, side), ()), samples.max_rounds, len(TIMED))
        for side in ("head", "twin")
    )
    verdict = judge_ratio(ratio, MARGINS["time"])
    same = judge_ratio(twin, MARGINS["time"])
    if {verdict.kind, same.kind} <= {Kind.LESS, Kind.MORE}:
        verdict = Verdict(Kind.UNDECIDED, MARGINS["time"])
    base, head = (median_range(samples.values.get((name, side), ())) for side in ("base", "head"))
    return Finding(name, quantity, base, head, ratio, twin, verdict)


def judge_counts(counts: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """Judge counts by limits. counts: "base", "head" and "twin", each name -> value or values."""
    found = []
    for name, quantity in COUNTED.items():
        if name == "parity":
            found.append(judge_weights(quantity, counts))
            continue
        values = {side: _middle(counts[side].get(name)) for side in ("base", "head", "twin")}
        base, head, twin = values["base"], values["head"], values["twin"]
        if not (base.known and head.known):
            found.append(Finding(name, quantity, base, head))
            continue
        own = abs(twin.value - base.value) if twin.known else 0.0  # base against itself
        limit = max(quantity.share * abs(base.value), quantity.least) + 2 * own
        verdict = judge_limit(head.value - base.value, limit)
        ratio = Estimate.exact(head.value / base.value) if base.value else Estimate()
        again = Estimate.exact(twin.value / base.value) if base.value and twin.known else Estimate()
        found.append(Finding(name, quantity, base, head, ratio, again, verdict))
    return found


def judge_limit(difference: float, limit: float) -> Verdict:
    """Judge a difference: less or more beyond the limit, otherwise equivalent."""
    if abs(difference) <= limit:
        return Verdict(Kind.EQUIVALENT, limit)
    return Verdict(Kind.LESS if difference < 0 else Kind.MORE, limit)


def judge_weights(quantity: Quantity, counts: Mapping[str, Mapping[str, Any]]) -> Finding:
    """Judge whether both sides reach the same weights from the same start, in float64."""
    weights = {side: counts[side].get("weights") for side in ("base", "head", "twin")}
    if weights["base"] is None or weights["head"] is None:
        return Finding("parity", quantity)
    head, twin = (
        find_largest_difference(weights[side] or (), weights["base"]) for side in ("head", "twin")
    )
    verdict = judge_limit(head, quantity.least)
    return Finding("parity", quantity, Estimate.exact(twin), Estimate.exact(head), verdict=verdict)


def _middle(value: Any) -> Estimate:
    """Return a count, or the median of several, as an exact estimate."""
    values = [v for v in (value if isinstance(value, list) else [value]) if v is not None]
    return Estimate.exact(float(statistics.median(values))) if values else Estimate()
