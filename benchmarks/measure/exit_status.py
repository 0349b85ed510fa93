"""Turn how a process ended, and what it sent, into the status and reason of its row."""

from __future__ import annotations

import functools
import json
import math
import signal
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from benchmarks.errors import strip_paths
from benchmarks.measure.process import ProcessEnd
from benchmarks.record.schema import FIELDS, IDENTITY

# Which extra of pyproject.toml installs each distribution.
EXTRAS = {
    "torch": "torch",
    "tensorflow-cpu": "tensorflow",
    "tensorflow": "tensorflow",
    "keras": "tensorflow",
    "scikit-learn": "sklearn",
    "jax": "jax",
    "nnfs": "original",
    "distributed": "dask",
}
# Statuses that a worker may send.
WORKER_STATUSES = ("ok", "unavailable", "crashed", "diverged", "invalid")


def judge_exit(
    end: ProcessEnd, timeout: float, memory_limit: int | None, requires: Sequence[str]
) -> dict[str, Any]:
    """Judge a worker by how its process ended.

    Parameters
    ----------
    end : ProcessEnd
        How the process ended, and what it sent.
    timeout, memory_limit : float, int
        Its limits, in seconds and bytes.
    requires : sequence of str
        What its system requires; the reason of an `unavailable` row says how to install it.

    Returns
    -------
    dict
        Status, reason and the worker's figures, as fields of a row.
    """
    row, ended_at, excluded = _read_message(end)
    row["exit_code"] = end.exit_code
    if end.kill_reason == "timeout":
        return {**row, "status": "timeout", "reason": f"stopped after {timeout:g} s"}
    if end.kill_reason == "oom":
        limit = (memory_limit or 0) / 2**20
        return {**row, "status": "oom", "reason": f"stopped above {limit:,.0f} MiB of memory"}
    if end.exit_code != 0:
        return {**row, "status": "crashed", "reason": describe_exit(end)}
    if ended_at is None:
        sent = "nothing" if not end.message else "something that is not a row"
        return {**row, "status": "invalid", "reason": f"the process ended well but sent {sent}"}
    if row["status"] == "unavailable":
        row["reason"] = f"{row['reason']}; {install_command(requires)}"
    if row.get("time_start_s") is not None:
        row["time_exit_s"] = end.ended - ended_at
        row["time_total_s"] = end.ended - end.started - excluded
    return row


def _read_message(end: ProcessEnd) -> tuple[dict[str, Any], float | None, float]:
    """Return the worker's row, when it ended, and how many seconds do not count.

    The row is the last line of the pipe, if that holds one. Fields that the harness knows better
    are dropped; so are values that their field does not allow, which make an `ok` row invalid.
    """
    lines = end.message.splitlines()
    try:
        message = json.loads(lines[-1]) if lines else None
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict) or message.get("status") not in WORKER_STATUSES:
        return {}, None, 0.0
    ended_at, excluded = message.get("ended_at"), message.get("excluded_s", 0.0)
    if not _is_between(end.started, ended_at, end.ended):
        return {}, None, 0.0
    row: dict[str, Any] = {"status": message["status"], "reason": None}
    faults = []
    if not _is_between(0.0, excluded, end.ended - end.started):
        faults.append("excluded_s is not part of the trial's time")
        excluded = 0.0
    for name, field in FIELDS.items():
        if name in message and name not in (*IDENTITY, *row):
            fault = field.find_fault(message[name])
            if fault:
                faults.append(f"{name} {fault}")
            row[name] = None if fault else message[name]
    if message.get("reason") is not None:
        row["reason"] = strip_paths(str(message["reason"]))
    if faults and row["status"] == "ok":
        row.update(status="invalid", reason=strip_paths(f"the system reported: {faults[0]}"))
    modules = message.get("modules")
    row["distributions"] = _find_owners(modules if isinstance(modules, list) else [])
    if _is_between(0.0, message.get("measured_until"), math.inf):
        row["measured_until"] = message["measured_until"]
    return row, ended_at, excluded


def _is_between(low: float, value: object, high: float) -> bool:
    return isinstance(value, (int, float)) and low <= value <= high


def describe_exit(end: ProcessEnd) -> str:
    """Describe in one sentence how a process ended: by an exit code or a signal."""
    code = end.exit_code or 0
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        text = f"the process was ended by {name}"
        if name == "SIGKILL":
            text += ", as the operating system does where memory runs out"
    else:
        text = f"the process ended with exit code {code}"
    last = [line for line in end.stderr.splitlines() if line.strip()]
    return strip_paths(f"{text}: {last[-1].strip()}" if last else text)


def install_command(requires: Sequence[str]) -> str:
    """Return the command that installs what a system needs."""
    extra = next((EXTRAS[name] for name in requires if name in EXTRAS), None)
    if extra is None:
        return "install the package that provides it"
    return f'install it with: python -m pip install -c constraints.txt -e ".[{extra}]"'


_list_packages = functools.cache(metadata.packages_distributions)


def _find_owners(modules: list[Any]) -> list[str]:
    """Return the installed packages to which these top-level modules belong."""
    known = _list_packages()
    return sorted({owner for module in modules for owner in known.get(str(module), ())})
