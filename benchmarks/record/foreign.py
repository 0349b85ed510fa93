"""Read figures recorded by pytest-benchmark, pyperf and `benchmarks.compare --save`.

Each file yields one measurement per benchmark. Host and user names in these files are not read.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.errors import UsageError


class Measurement(NamedTuple):
    """One benchmark in one file. facts: details that may explain a change."""

    machine: str
    benchmark: str
    metric: str
    value: float
    at: str
    facts: dict[str, str]


def read_foreign(path: Path) -> list[Measurement]:
    """Return the measurements in a file; none if it is some other kind of JSON.

    Raise UsageError if it cannot be read or is not of the kind that it claims to be.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise UsageError(
            f"{path.name} is not valid JSON ({error}); remove it or restore it"
        ) from None
    if not isinstance(content, dict):
        return []
    reader, kind = _find_reader(content)
    if reader is None:
        return []
    try:
        found = list(reader(content))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise UsageError(
            f"{path.name} looks like a file of {kind}, but it is damaged"
            f" ({type(error).__name__}: {error}); remove it or restore it"
        ) from None
    for one in found:
        if not (isinstance(one.value, (int, float)) and 0 < one.value < math.inf):
            raise UsageError(f"{path.name}: {one.benchmark} has no positive value")
    return found


def _find_reader(content: dict[str, Any]) -> tuple[Any, str]:
    if content.get("kind") == "mapicx comparison":
        # One of two recorded runs is not a point in time; their own rows are.
        return (_read_comparison if "head_commit" in content else None), "benchmarks.compare"
    if "benchmarks" in content and "machine_info" in content:
        return _read_pytest, "pytest-benchmark"
    if "benchmarks" in content and "version" in content:
        return _read_pyperf, "pyperf"
    return None, ""


def _read_pytest(content: dict[str, Any]) -> Iterator[Measurement]:
    """Read pytest-benchmark JSON: stats in seconds (https://pytest-benchmark.readthedocs.io)."""
    info = content["machine_info"]
    cpu = info.get("cpu", {}).get("brand_raw") or info.get("processor") or "unknown processor"
    python = str(info.get("python_version", ""))
    facts = {"processor": str(cpu), "python": python}
    facts["commit"] = str(content.get("commit_info", {}).get("id") or "")[:9]
    for entry in content["benchmarks"]:
        yield Measurement(
            f"{cpu}, {python}", entry.get("fullname") or entry["name"], "median time",
            entry["stats"]["median"], str(content["datetime"]), facts,
        )  # fmt: skip


def _read_pyperf(content: dict[str, Any]) -> Iterator[Measurement]:
    """Read pyperf JSON (https://pyperf.readthedocs.io): benchmarks > runs > values and metadata."""
    shared = content.get("metadata", {})
    for entry in content["benchmarks"]:
        known = shared | entry.get("metadata", {})
        runs = [run for run in entry["runs"] if run.get("values")]
        first = known | runs[0].get("metadata", {})
        cpu = str(first.get("cpu_model_name") or "unknown processor")
        python = str(first.get("python_version", ""))
        yield Measurement(
            f"{cpu}, {python}", str(known["name"]), f"median ({known.get('unit', 'second')})",
            statistics.median(value for run in runs for value in run["values"]),
            str(first.get("date", "")), {"processor": cpu, "python": python},
        )  # fmt: skip


def _read_comparison(content: dict[str, Any]) -> Iterator[Measurement]:
    """Read ratios to a fixed base. The machine affects both sides of a ratio, so figures from one
    kind of processor form one series, whichever runner they come from."""
    environment = content["environment"]
    facts = {"commit": content["head_commit"][:9], "processor": str(environment["cpu"])}
    facts |= {"python": environment["python"]} | content["versions"]
    for entry in content["findings"]:
        value = entry["ratio"]["value"]
        if value:  # a count that fell to 0 has no ratio that a history could show
            yield Measurement(
                str(environment["cpu"]), f"against {content['base_commit'][:9]}", entry["name"],
                value, content["at"], facts,
            )  # fmt: skip
