"""From how a process ended, and what it sent, to the status and reason of its row."""

from __future__ import annotations

import functools
import json
import math
import signal
from collections.abc import Sequence
from typing import Any

from benchmarks.errors import strip_paths
from benchmarks.measure.process import Ended

# What installs a distribution: the extra of pyproject.toml that holds it.
EXTRAS = {
    "torch": "torch",
    "tensorflow-cpu": "tensorflow",
    "tensorflow": "tensorflow",
    "keras": "tensorflow",
    "scikit-learn": "sklearn",
    "jax": "jax",
    "nnfs": "original",
}


def judge_exit(
    end: Ended, timeout: float, memory_limit: int | None, requires: Sequence[str]
) -> dict[str, Any]:
    """Judge a worker by how its process ended.

    Parameters
    ----------
    end : Ended
        The process's end, and what it sent.
    timeout, memory_limit : float, int
        The limits that it had, in seconds and bytes.
    requires : sequence of str
        What its system requires; a row that says `unavailable` says how to install it.

    Returns
    -------
    dict
        Status, reason and the worker's figures, as fields of a row.
    """
    row = _parse_row(end.message)
    ended_at, excluded = row.pop("ended_at", None), row.pop("excluded_s", 0.0)
    row["exit_code"] = end.exit_code
    if end.killed == "timeout":
        return {**row, "status": "timeout", "reason": f"stopped after {timeout:g} s"}
    if end.killed == "oom":
        limit = (memory_limit or 0) / 2**20
        return {**row, "status": "oom", "reason": f"stopped above {limit:,.0f} MiB of memory"}
    if end.exit_code != 0:
        return {**row, "status": "crashed", "reason": describe_exit(end)}
    if ended_at is None:
        said = "nothing" if not end.message else "something that is no row"
        return {**row, "status": "invalid", "reason": f"the process ended well but sent {said}"}
    row["distributions"] = _find_owners(row.pop("modules", ()))
    if row["reason"]:
        row["reason"] = strip_paths(row["reason"])
    if row["status"] == "unavailable":
        row["reason"] = f"{row['reason']}; {install_command(requires)}"
    if row.get("time_start_s") is not None:
        row["time_exit_s"] = end.ended - ended_at
        row["time_total_s"] = end.ended - end.started - excluded
    return row


def _parse_row(message: bytes) -> dict[str, Any]:
    """The worker's row: the last line of the pipe, if it is one; numbers that are not finite
    become None."""
    lines = message.splitlines()
    try:
        row = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    if not isinstance(row, dict) or "ended_at" not in row or row.get("status") is None:
        return {}
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }


def describe_exit(end: Ended) -> str:
    """One sentence about a process that ended with an exit code or a signal."""
    code = end.exit_code or 0
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        text = f"the process was ended by {name}"
    else:
        text = f"the process ended with exit code {code}"
    last = [line for line in end.stderr.splitlines() if line.strip()]
    return strip_paths(f"{text}: {last[-1].strip()}" if last else text)


def install_command(requires: Sequence[str]) -> str:
    """The command that installs what a system needs."""
    extra = next((EXTRAS[name] for name in requires if name in EXTRAS), None)
    if extra is None:
        return "install the package that provides it"
    return f'install it with: python -m pip install -c constraints.txt -e ".[{extra}]"'


@functools.cache
def _packages() -> dict[str, list[str]]:
    from importlib.metadata import packages_distributions

    return dict(packages_distributions())


def _find_owners(modules: list[str]) -> list[str]:
    """Installed packages to which these top-level modules belong."""
    return sorted({owner for module in modules for owner in _packages().get(module, ())})
