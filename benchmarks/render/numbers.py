"""Numbers as text, with no more digits than their bounds support.

(low-high) in round brackets is a 95 % interval, [low-high] in square ones the lowest and highest
value; a number without brackets is a single value. The last digit printed is the leading digit
of half the width, one more if that digit is 1 or 2, and never beyond the third significant one.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable

import pandas as pd

from benchmarks.analyse.stats import Estimate
from benchmarks.record.schema import FIELDS

NOTHING = "–"
MIB = 2**20
PREFIXES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
SIGNIFICANT = 3


def decimals(value: float, low: float, high: float) -> int:
    """Decimal places that the bounds support; negative: round to tens, hundreds, ..."""
    size = max(abs(value), 1e-300)
    finest = math.floor(math.log10(size)) - SIGNIFICANT + 1 if value else -SIGNIFICANT
    half = (high - low) / 2
    if half > 0:
        place = math.floor(math.log10(half))
        place -= half / 10**place < 3
        # A value drowned in its bounds still shows one digit.
        finest = min(max(finest, place), finest + SIGNIFICANT - 1) if value else place
    return -finest


def rounded(value: float, places: int) -> str:
    """The value with `places` decimals, which may be negative."""
    return f"{value:.{places}f}" if places > 0 else f"{round(value, places):.0f}"


def quantity(estimate: Estimate, scale: float = 1.0, signed: bool = False) -> str:
    """The estimate in units of `scale`, with its bounds."""
    if estimate.kind == "mixed":
        return "several machines"
    if not estimate.known:
        return NOTHING
    value, low, high = (part / scale for part in estimate[:3])
    if value == low == high == 0:
        return "0"
    places = decimals(value, low, high)
    text = rounded(value, places)
    if signed and value > 0:
        text = "+" + text
    if estimate.kind == "single":
        return text
    low_text, high_text = rounded(low, places), rounded(high, places)
    dash = " to " if low < 0 else "–"
    bounds = f"{low_text}{dash}{high_text}"
    return f"{text} ({bounds})" if estimate.kind == "interval" else f"{text} [{bounds}]"


def time_unit(values: Iterable[float]) -> tuple[float, str]:
    """Scale and name of the unit in which the median of these seconds is 1 or more."""
    known = [v for v in values if v is not None and math.isfinite(v) and v > 0]
    typical = statistics.median(known) if known else 1.0
    for scale, name in PREFIXES:
        if typical >= scale:
            return scale, name
    return PREFIXES[-1]


def unit_of(lines: pd.DataFrame, name: str) -> tuple[float, str]:
    """Scale and printed unit of a column of a summary; the network systems choose it."""
    chosen = lines.loc[lines["family"].eq("network"), name]
    return unit(FIELDS[name].unit, (chosen if chosen.notna().any() else lines[name]).tolist())


def unit(field_unit: str, values: Iterable[float]) -> tuple[float, str]:
    """Scale and printed unit for values of a schema unit: bytes become MiB, seconds s, ms, µs."""
    if field_unit == "B":
        return MIB, "MiB"
    if field_unit == "s":
        return time_unit(values)
    return 1.0, field_unit
