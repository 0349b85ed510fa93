"""What a reading of a claim says and what was measured of it, as text in one unit."""

from __future__ import annotations

import math

from benchmarks.analyse.claims import Judged
from benchmarks.plan.claims import Reading
from benchmarks.record.schema import FIELDS
from benchmarks.render.escape import markdown
from benchmarks.render.numbers import NOTHING, quantity, unit

GIGABYTE = 1e9


def _unit(reading: Reading) -> tuple[float, str, bool]:
    """Scale, name of the unit, and whether a plus sign is printed."""
    if reading.form == "ratio":
        return 1.0, "times", False
    if reading.form == "difference" and reading.metric.startswith("accuracy"):
        return 0.01, "points", True
    if reading.metric.startswith("installed_bytes"):
        return GIGABYTE, "GB", False
    if reading.metric in FIELDS:
        scale, name = unit(FIELDS[reading.metric].unit, [reading.low, reading.high])
        return scale, name, reading.form == "difference"
    return 1.0, "", False


def value(one: Judged, reading: Reading) -> str:
    """The measured value without its bounds."""
    if not one.estimate.known:
        return markdown(one.said) or NOTHING
    scale, name, signed = _unit(reading)
    if reading.form == "count":
        return f"{one.estimate.value:g}"
    return f"{quantity(one.estimate.alone(), scale, signed)} {name}".strip()


def measured_text(one: Judged, reading: Reading) -> str:
    """Value and bounds in one piece."""
    return f"{value(one, reading)} {bounds(one, reading)}".strip()


def bounds(one: Judged, reading: Reading) -> str:
    """The bounds of the measured value, in its unit."""
    if one.estimate.kind not in ("interval", "range"):
        return ""
    scale = _unit(reading)[0]
    return quantity(one.estimate, scale).partition(" ")[2]


def stated(reading: Reading) -> str:
    """What the sentence says, as a limit."""
    if reading.form == "recorded":
        return "as recorded"
    scale, name, signed = _unit(reading)
    low, high = (f"{x / scale:{'+' if signed and x else ''}g}" for x in (reading.low, reading.high))
    if reading.low == reading.high:
        said = low
    elif math.isinf(reading.high):
        said = f"more than {low}" if reading.low == 1 else f"at least {low}"
    else:
        said = f"at most {high}" if math.isinf(reading.low) else f"{low} to {high}"
    said = f"{said} {name}".strip()
    return f"{said}, tolerance {reading.tolerance / scale:g}" if reading.tolerance else said
