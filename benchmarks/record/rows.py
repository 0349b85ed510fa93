"""Read recorded rows back, and decide which lines of a run's files count as rows.

A line that is damaged, repeated or not of a planned trial does not count; see `find_damage`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.errors import format_count
from benchmarks.paths import ENDED, FORCED, LOCAL, MACHINES, ROWS, RUN

ENDS = ("complete", "budget", "interrupt", "fault")  # how an invocation ended
# Fields in which a row must agree with the plan.
IDENTITY_KEYS = ("system", "workload", "seed", "threads", "measure", "block")


def read_rows(run: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of one run that count."""
    for _, row, fault in judge_lines(run):
        if row is not None and not fault:
            yield row


def read_other_rows(run: Path, key: str) -> Iterator[dict[str, Any]]:
    """Yield rows other than trials: those with this key. They are not in the plan."""
    for _, row in _read_lines(run, key):
        if row is not None:
            yield row


def find_damage(run: Path) -> list[str]:
    """Return a sentence for each line that does not count, and one if rows have been lost.

    A last line truncated by a crash is not damage: its trial is run again.
    """
    problems, kept = [], 0
    for number, _, fault in judge_lines(run):
        kept += not fault
        if fault:
            problems.append(f"line {number} of {ROWS} {fault} and is left out")
    last = max((end["rows"] for end in read_ends(run)), default=0)
    if kept < last:
        rows = format_count(kept, "row")
        problems.append(f"{ROWS} has {rows} of the {last} that were there when the run ended")
    return problems


def read_ends(run: Path) -> list[dict[str, Any]]:
    """Read how each invocation that measured ended: `how` (one of ENDS) and `rows` (a count)."""
    ends = _read_entries(Path(run) / ENDED)
    return [end for end in ends if end.get("how") in ENDS and type(end.get("rows")) is int]


def read_forced(run: Path) -> list[dict[str, Any]]:
    """Read each time the run was continued by force: `changed`, and new versions and digests."""
    entries = _read_entries(Path(run) / FORCED)
    return [entry for entry in entries if isinstance(entry.get("changed"), list)]


def _read_entries(path: Path) -> list[dict[str, Any]]:
    """Read the undamaged lines of a file that may be missing."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [entry for entry in map(_parse, lines) if entry is not None]


def judge_lines(run: Path) -> Iterator[tuple[int, dict[str, Any] | None, str]]:
    """Yield number, row and fault ("" if it counts) of each complete line."""
    planned, run_id = _read_plan(run)
    seen: dict[str, int] = {}
    for number, row in _read_lines(run, "trial_id"):
        if row is None:
            yield number, None, "is damaged"
            continue
        entry = planned.get(row["trial_id"])
        first = seen.get(row["trial_id"])
        fault = ""
        if run_id is not None and row.get("run_id") != run_id:
            fault = "is of another run"
        elif planned and entry is None:
            fault = "belongs to no planned trial"
        elif entry and any(row.get(key) != entry[key] for key in IDENTITY_KEYS if key in entry):
            fault = "is not of the trial that it names"
        elif first is not None:
            fault = f"repeats the trial of line {first}"
        else:
            seen[row["trial_id"]] = number
        yield number, row, fault


def _read_plan(run: Path) -> tuple[dict[str, dict[str, Any]], str | None]:
    """Return trials by id, and the run's id; {} and None where run.json lacks them."""
    try:
        description = read_run(run)
    except (OSError, ValueError):
        return {}, None
    plan, entries = description.get("plan"), description.get("trials")
    planned: dict[str, dict[str, Any]] = {}
    for entry in [*(plan if isinstance(plan, list) else ()),
                  *(entries if isinstance(entries, list) else ())]:  # fmt: skip
        if isinstance(entry, str):
            planned[entry] = {}
        elif isinstance(entry, dict) and entry.get("trial_id") in planned:
            planned[entry["trial_id"]] = entry
    run_id = description.get("run_id")
    return planned, run_id if isinstance(run_id, str) else None


def _read_lines(run: Path, key: str) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Yield number and row of each complete line; None instead of an invalid row."""
    path = Path(run) / ROWS
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.endswith(b"\n"):
                yield number, _parse_row(line, key)


def _parse_row(line: bytes, key: str) -> dict[str, Any] | None:
    row = _parse(line)
    return row if row is not None and isinstance(row.get(key), (str, int)) else None


def _parse(line: bytes) -> dict[str, Any] | None:
    """Parse a line of JSON; None if it is damaged or holds something other than keys."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def read_run(run: Path) -> dict[str, Any]:
    """Read run.json. Raise FileNotFoundError if it is missing, ValueError if it is damaged."""
    try:
        description = json.loads((Path(run) / RUN).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"there is no run at {run}: it has no {RUN}") from None
    except (ValueError, RecursionError):
        description = None
    if not isinstance(description, dict):
        raise ValueError(f"{RUN} of run {Path(run).name} is damaged; restore it from a copy")
    return description


def is_local(folder: Path, run: Mapping[str, Any]) -> bool:
    """Whether a run is on a user's table or in a folder for such runs: it is never published."""
    return "table" in run or folder.resolve().parent.name == LOCAL


def read_machines(run: Path) -> dict[str, Any]:
    """Map machines to environment and versions in a run on a cluster; {} for any other run."""
    try:
        found = json.loads((Path(run) / MACHINES).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
