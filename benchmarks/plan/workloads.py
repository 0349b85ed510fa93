"""Reads workloads.toml: built-in workloads use the format that users write."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from baselines.contract import Workload
from benchmarks.plan.datasets import DATASETS

HERE = Path(__file__).parent


class UsageError(Exception):
    """The user asked for something that does not exist; the text says what would."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """A sentence that names the nearest known names."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known
    return UsageError(f"there is no {kind} {name!r}; did you mean {', '.join(near)}?")


def read_table(file: str) -> dict[str, dict[str, Any]]:
    """One of this folder's TOML files."""
    return tomllib.loads((HERE / file).read_text(encoding="utf-8"))


def workloads(table: dict[str, dict[str, Any]] | None = None) -> dict[str, Workload]:
    """Every workload by name. `like` copies another entry's keys first."""
    table = read_table("workloads.toml") if table is None else table
    return {name: _workload(name, _resolve(name, table)) for name in table}


def _resolve(name: str, table: dict[str, dict[str, Any]]) -> dict[str, Any]:
    entry = dict(table[name])
    parent = entry.pop("like", None)
    if parent is None:
        return entry
    if parent not in table:
        raise unknown("workload", parent, table)
    return {**_resolve(parent, table), **entry}


def _workload(name: str, entry: dict[str, Any]) -> Workload:
    fields = {field.name for field in dataclasses.fields(Workload)}
    for key in entry:
        if key not in fields:
            raise unknown(f"key of workload {name!r} called", key, fields)
    if entry.get("dataset") not in DATASETS:
        raise unknown(f"data set for workload {name!r} called", str(entry.get("dataset")), DATASETS)
    return Workload(**{"name": name, "task": "classification", **entry})


def digest(workload: Workload) -> str:
    """Hash of everything that defines the workload."""
    text = json.dumps(dataclasses.asdict(workload), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
