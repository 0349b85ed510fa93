"""From how a process ended, and what it sent, to the status and reason of its row."""

from __future__ import annotations

import functools
import json
import math
import re
import signal
from pathlib import Path
from typing import Any

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


def fields(
    end: Ended,
    timeout: float,
    memory_limit: int | None,
    requires: tuple[str, ...] | None,
) -> dict[str, Any]:
    """Status, reason and the worker's figures, judged by how the process ended."""
    row = _parsed(end.message)
    ended_at, excluded = row.pop("ended_at", None), row.pop("excluded_s", 0.0)
    row["exit_code"] = end.exit_code
    if end.killed == "timeout":
        return {**row, "status": "timeout", "reason": f"stopped after {timeout:g} s"}
    if end.killed == "oom":
        limit = (memory_limit or 0) / 2**20
        return {**row, "status": "oom", "reason": f"stopped above {limit:,.0f} MiB of memory"}
    if end.exit_code != 0:
        return {**row, "status": "crashed", "reason": death(end)}
    if ended_at is None:
        said = "nothing" if not end.message else "something that is no row"
        return {**row, "status": "invalid", "reason": f"the process ended well but sent {said}"}
    row["distributions"] = _distributions(row.pop("modules", ()))
    if row["reason"]:
        row["reason"] = without_paths(row["reason"])
    if row["status"] == "unavailable":
        row["reason"] = f"{row['reason']}; {installation(requires)}"
    if row.get("time_start_s") is not None:
        row["time_exit_s"] = end.ended - ended_at
        row["time_total_s"] = end.ended - end.started - excluded
    return row


def _parsed(message: bytes) -> dict[str, Any]:
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


def death(end: Ended) -> str:
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
    return without_paths(f"{text}: {last[-1].strip()}" if last else text)


def installation(requires: tuple[str, ...] | None) -> str:
    """The command that installs what a system needs."""
    extra = next((EXTRAS[name] for name in requires or () if name in EXTRAS), None)
    if extra is None:
        return "install the package that provides it"
    return f'install it with: python -m pip install -c constraints.txt -e ".[{extra}]"'


def without_paths(text: str, limit: int = 300) -> str:
    """One line without folders: a row holds neither user names nor home directories."""
    text = re.sub(
        r"(?:[A-Za-z]:)?[\w.@+\-]*(?:[/\\][\w.@+\- ]+){2,}", lambda m: Path(m[0]).name, text
    )
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


@functools.cache
def _owners() -> dict[str, list[str]]:
    from importlib.metadata import packages_distributions

    return dict(packages_distributions())


def _distributions(modules: list[str]) -> list[str]:
    """Installed packages to which these top-level modules belong."""
    return sorted({owner for module in modules for owner in _owners().get(module, ())})
