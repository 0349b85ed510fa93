"""The outcome of a run: which figures it lacks, whether its controls hold, its exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.plan.trials import Trial

MEBIBYTE = 2**20
FAILED, NOTHING_OK, IMPOSSIBLE = 1, 4, 5  # exit codes; 0 where nothing is wrong


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


def find_missing(plan: Iterable[Trial], rows: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Map each measure to the systems that were planned for it and have no ok row."""
    known = {(row["measure"], row["system"]) for row in rows if row["status"] == "ok"}
    missing: dict[str, list[str]] = {}
    for measure, system in sorted({(trial.measure, trial.system) for trial in plan} - known):
        missing.setdefault(measure, []).append(system)
    return missing


def count_complete_blocks(plan: Iterable[Trial], rows: Iterable[dict[str, Any]]) -> int:
    """How many blocks of measurements have all of their rows."""
    recorded = {row["trial_id"] for row in rows}
    blocks = {trial.block for trial in plan if trial.block}
    return len(blocks - {trial.block for trial in plan if trial.trial_id not in recorded})


def find_defects(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return sentences about controls whose known answers are impossible; none if all hold."""
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


def choose_exit_code(
    rows: Sequence[dict[str, Any]], named: Iterable[str], *, ran: bool
) -> tuple[int, list[str]]:
    """Return the exit code, and sentences that say why it is not 0.

    named: systems requested by name, whose absence is a failure. ran: whether this call measured
    anything.
    """
    failed = [
        row
        for row in rows
        if row["status"] != "ok" and (row["status"] != "unavailable" or row["system"] in named)
    ]
    if ran and not any(row["status"] == "ok" for row in rows):
        return NOTHING_OK, ["No trial gave an ok row."]
    if failed:
        line = "{system}, {workload}, {measure}: {status}: {reason}"
        return FAILED, list(dict.fromkeys(map(line.format_map, failed)))
    defects = find_defects(rows)
    sentences = [f"This machine's figures cannot be trusted: {defect}." for defect in defects]
    return (IMPOSSIBLE, sentences) if defects else (0, [])
