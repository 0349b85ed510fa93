"""Format numbers with no more digits than their bounds support.

(low–high) in round brackets is a 95 % interval, [low–high] in square ones the lowest and highest
value; a number without brackets is a single value. The last digit printed is the leading digit
of half the width, one more if that digit is 1 or 2, and never beyond the third significant one.
"""

from __future__ import annotations

import math
import operator
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from benchmarks.analyse.metrics import METRICS, Metric
from benchmarks.analyse.stats import Estimate
from benchmarks.analyse.summary import Line
from benchmarks.analyse.verdicts import Kind, Verdict, name_kind
from benchmarks.render.document import Cell, Code, Link, Quantity, Strong

NOTHING = "–"
MIB = 2**20
MICRO = 1e-6
PREFIXES = ((1.0, "s"), (1e-3, "ms"), (MICRO, "µs"))
SIGNIFICANT = 3
NEGLIGIBLE = 1e-9  # share of the bounds' distance
Marks = Mapping[type, Callable[[Any], str]]  # how a writer formats links, code and strong text
PLAIN: Marks = dict.fromkeys((Link, Code, Strong), operator.attrgetter("text"))


def count_decimals(value: float, low: float, high: float) -> int:
    """Return the decimals that the bounds support; if negative, round to tens, hundreds, ..."""
    size = max(abs(value), 1e-300)
    finest = math.floor(math.log10(size)) - SIGNIFICANT + 1 if value else -SIGNIFICANT
    half = (high - low) / 2
    if half > 0 and math.isfinite(half):
        place = math.floor(math.log10(half))
        place -= half / 10**place < 3
        # A value much smaller than its bounds still shows one digit.
        finest = min(max(finest, place), finest + SIGNIFICANT - 1) if value else place
    return -finest


def format_rounded(value: float, places: int) -> str:
    """Format the value with `places` decimals, which may be negative."""
    if not math.isfinite(value):
        return "∞"
    return f"{value:.{places}f}" if places > 0 else f"{round(value, places):.0f}"


def format_estimate(
    estimate: Estimate, scale: float = 1.0, signed: bool = False, bounds: bool = True
) -> str:
    """Format the estimate in units of `scale`, with or without its bounds."""
    if not estimate.known:
        return "several machines" if estimate.kind == "mixed" else NOTHING
    value, low, high = _divide(estimate, scale)
    if value == low == high == 0:
        return "0"
    sign = "+" if signed and value > 0 else ""
    text = sign + format_rounded(value, count_decimals(value, low, high))
    return f"{text} {format_bounds(estimate, scale)}".rstrip() if bounds else text


def format_bounds(estimate: Estimate, scale: float = 1.0) -> str:
    """Format the bounds alone; empty if there are none."""
    if estimate.kind not in ("interval", "range"):
        return ""
    value, low, high = _divide(estimate, scale)
    places = count_decimals(value, low, high)
    dash = " to " if low < 0 else "–"
    text = f"{format_rounded(low, places)}{dash}{format_rounded(high, places)}"
    return f"({text})" if estimate.kind == "interval" else f"[{text}]"


def _divide(estimate: Estimate, scale: float) -> tuple[float, float, float]:
    value, low, high = estimate.value / scale, estimate.low / scale, estimate.high / scale
    if abs(value) < NEGLIGIBLE * (high - low) < math.inf:  # zero but for rounding
        value = 0.0
    return value, low, high


def format_number(value: float) -> str:
    """Format a number without bounds, to three significant digits."""
    return format_estimate(Estimate.exact(value)) if math.isfinite(value) else NOTHING


def format_cell(cell: Cell, marks: Marks = PLAIN, escape: Callable[[str], str] = str) -> str:
    """Format a cell or text: plain, unless a writer passes its own marks and escaping."""
    if isinstance(cell, tuple):
        return "".join(format_cell(piece, marks, escape) for piece in cell)
    if type(cell) in marks:
        return marks[type(cell)](cell)
    if isinstance(cell, Quantity):
        text = format_estimate(cell.estimate, cell.scale, cell.signed, cell.bounds)
        return escape(text + cell.suffix if cell.estimate.known else text)
    return escape("" if cell is None else str(cell))


def find_sort_key(cell: Cell) -> float | None:
    """Return the number by which a cell is sorted, if it holds one."""
    for piece in cell if isinstance(cell, tuple) else (cell,):
        if isinstance(piece, Quantity) and piece.estimate.known:
            return piece.estimate.value
    return None


def choose_unit(field_unit: str, values: Iterable[float]) -> tuple[float, str]:
    """Choose scale and printed unit for a schema unit: MiB for bytes; s, ms or µs for seconds.

    The median of the values is at least 1 in the chosen unit.
    """
    if field_unit == "B":
        return MIB, "MiB"
    if field_unit != "s":
        return 1.0, field_unit
    known = [v for v in values if math.isfinite(v) and v > 0]
    typical = statistics.median(known) if known else 1.0
    return next((prefix for prefix in PREFIXES if typical >= prefix[0]), PREFIXES[-1])


def choose_column_unit(lines: Iterable[Line], metric: str) -> tuple[float, str]:
    """Choose scale and printed unit of a column, based on the network systems."""
    lines = [line for line in lines if line.has(metric)]
    chosen = [line for line in lines if line.family == "network"] or lines
    return choose_unit(METRICS[metric].unit, [line.value(metric) for line in chosen])


def format_with_unit(estimate: Estimate, unit: str, bounds: bool = False) -> str:
    """Format a value of a schema unit in a suitable unit: "0.22 s", "38 MiB"."""
    scale, name = choose_unit(unit, [estimate.value])
    return f"{format_estimate(estimate, scale, bounds=bounds)} {name}".strip()


def format_verdict(verdict: Verdict, metric: Metric) -> str:
    """Format a verdict in the words of its metric."""
    if verdict.kind is Kind.EQUIVALENT:
        return f"equivalent within {format_margin(verdict.margin, metric)}"
    return name_kind(verdict.kind, metric)


def format_margin(margin: float, metric: Metric) -> str:
    """Format the margin as it follows "equivalent within"."""
    if metric.compare == "ratio":
        return f"{margin * 100:g} %"
    return f"{margin * 100:g} point" + ("" if margin == 0.01 else "s")


def join_some(words: Sequence[str], most: int, separator: str = ", ") -> str:
    """Join the first `most` words and count the others: "a, b and 3 more"."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return separator.join(words[:most]) + more


def join_words(words: Iterable[str]) -> str:
    """Join words into a list for running text."""
    *most, last = list(words) or [""]
    return f"{', '.join(most)} and {last}" if most else last
