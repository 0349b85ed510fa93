"""Check the controls of a run, whose answers are known: can its instrument be trusted?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

MEBIBYTE = 2**20


class Control(NamedTuple):
    """A figure of a control's row that must lie within bounds on any working machine."""

    system: str
    measure: str
    field: str
    low: float
    high: float
    format_value: Callable[[float], str]


BOUNDS = (
    Control("sleep", "time", "time_train_cold_s", 0.050, 0.500, lambda s: f"{1000 * s:.0f} ms"),
    Control(
        "allocate", "memory", "memory_train_increment_bytes", 64 * MEBIBYTE, 80 * MEBIBYTE,
        lambda b: f"{b / MEBIBYTE:.1f} MiB",
    ),
)  # fmt: skip
MUST_WORK = ("noop", "matmul")  # matmul checks its own product


def find_defects(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return sentences about impossible controls; none if the instrument can be trusted."""
    defects = []
    for row in rows:
        if row["system"] in MUST_WORK and row["status"] not in ("ok", "unavailable"):
            defects.append(f"the control {row['system']} ended {row['status']}: {row['reason']}")
        for control in BOUNDS:
            if (row["system"], row["measure"]) != (control.system, control.measure):
                continue
            value = row[control.field]
            if row["status"] == "ok" and not (
                value is not None and control.low <= value <= control.high
            ):
                measured = "nothing" if value is None else control.format_value(value)
                low, high = control.format_value(control.low), control.format_value(control.high)
                defects.append(
                    f"the control {control.system} measured {measured} in block {row['block']};"
                    f" between {low} and {high} is possible"
                )
    return defects
