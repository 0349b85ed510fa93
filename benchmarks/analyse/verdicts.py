"""When a difference counts as one.

less, more     the whole interval (memory: range) lies on one side of no difference, the estimate
               is beyond the smallest effect of interest, and the test, corrected after Holm over
               its family, rejects
equivalent     two one-sided tests say so: the interval lies within the margin
undecided      measured, but none of these
too few        measured in too few blocks or seeds for any verdict
not measured   there is no value
"""

from __future__ import annotations

import dataclasses
import enum
import math
from typing import Protocol

from benchmarks.analyse.stats import ALPHA, Estimate

STEADY_N = 2  # processes


class Kind(enum.Enum):
    """The kinds of verdict."""

    LESS = "less"
    MORE = "more"
    EQUIVALENT = "equivalent"
    UNDECIDED = "undecided"
    TOO_FEW = "too few"
    NOT_MEASURED = "not measured"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a comparison showed, and the margin of equivalence used."""

    kind: Kind = Kind.NOT_MEASURED
    margin: float = 0.0

    @property
    def decided(self) -> bool:
        """Whether a difference or an equivalence was shown."""
        return self.kind in (Kind.LESS, Kind.MORE, Kind.EQUIVALENT)

    @property
    def differs(self) -> bool:
        """Whether a difference was shown."""
        return self.kind in (Kind.LESS, Kind.MORE)

    def reverse(self) -> Verdict:
        """Return the same verdict from the other system's point of view."""
        other = {Kind.LESS: Kind.MORE, Kind.MORE: Kind.LESS}.get(self.kind, self.kind)
        return dataclasses.replace(self, kind=other)


class Words(Protocol):
    """What calls a difference by the words of its quantity: "faster", "slower"."""

    @property
    def less(self) -> str: ...
    @property
    def more(self) -> str: ...


def name_kind(kind: Kind, words: Words) -> str:
    """Name a kind of verdict in the words of a quantity."""
    return {Kind.LESS: words.less, Kind.MORE: words.more}.get(kind, kind.value)


def judge_ratio(
    ratio: Estimate, margin: float, p: float = math.nan, steady: bool = False
) -> Verdict:
    """Judge a paired ratio.

    p: of no difference, corrected; nan if there is no separate test. steady: the quantity hardly
    varies, so the range of two processes bounds it.
    """
    if not ratio.known:
        return Verdict(Kind.NOT_MEASURED, margin)
    if not (ratio.bounded or (steady and ratio.n >= STEADY_N)):
        return Verdict(Kind.TOO_FEW, margin)
    if max(ratio.high, 1 / ratio.low) <= 1 + margin:
        return Verdict(Kind.EQUIVALENT, margin)
    beyond = max(ratio.value, 1 / ratio.value) > 1 + margin and not p >= ALPHA
    if beyond and (ratio.high < 1 or ratio.low > 1):
        return Verdict(Kind.LESS if ratio.high < 1 else Kind.MORE, margin)
    return Verdict(Kind.UNDECIDED, margin)


def judge_difference(difference: Estimate, margin: float, p: float, p_equal: float) -> Verdict:
    """Judge a paired difference of scores; both p values are corrected."""
    if not difference.known:
        return Verdict(Kind.NOT_MEASURED, margin)
    if not difference.bounded:
        return Verdict(Kind.TOO_FEW, margin)
    if p_equal < ALPHA:
        return Verdict(Kind.EQUIVALENT, margin)
    if p < ALPHA:
        return Verdict(Kind.LESS if difference.value < 0 else Kind.MORE, margin)
    return Verdict(Kind.UNDECIDED, margin)
