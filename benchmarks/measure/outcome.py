"""The outcome of a run: which planned figures it lacks, and its exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.measure.controls import find_defects
from benchmarks.plan.trials import Trial

FAILED, NOTHING_OK, IMPOSSIBLE = 1, 4, 5  # exit codes; 0 where nothing is wrong


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
