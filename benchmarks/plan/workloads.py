"""Read workloads.toml; built-in workloads use the same format as a user's own.

An entry with `axis` and `values` stands for one workload per value, called NAME-VALUE. Its
`epochs` may be a list, one for each value. `tuned_by` names the run of suite tuning that chose lr
and l2; it is not part of the workload, so `like` does not copy it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from baselines.contract import Workload
from benchmarks.errors import UsageError, check_known, unknown_name
from benchmarks.plan.datasets import BUNDLED, DATASETS

HERE = Path(__file__).parent

# What a value on an axis sets, given the layer widths of the entry: input, hidden ..., output.
AXES: dict[str, Callable[[list[int], int], dict[str, Any]]] = {
    "width": lambda layers, width: {
        "layers": [layers[0], *(width for _ in layers[1:-1]), layers[-1]]
    },
    "depth": lambda layers, depth: {"layers": [layers[0], *depth * [layers[1]], layers[-1]]},
    "batch": lambda layers, batch: {"batch_size": batch},
    "rows": lambda layers, rows: {"train_rows": rows},
}


def read_table(file: str) -> dict[str, Any]:
    """Read one of this folder's TOML files."""
    return tomllib.loads((HERE / file).read_text(encoding="utf-8"))


def read_workloads(
    table: dict[str, dict[str, Any]] | None = None, names: Iterable[str] | None = None
) -> dict[str, Workload]:
    """Return every workload by name, or those of some entries. `like` copies another's keys."""
    table = read_table("workloads.toml") if table is None else table
    return {
        full_name: _make_workload(full_name, entry)
        for name in (table if names is None else names)
        for full_name, entry in _expand(name, _resolve(name, table))
    }


def expand_name(name: str, table: dict[str, dict[str, Any]]) -> list[str]:
    """Return the names that an entry stands for."""
    return [full_name for full_name, _ in _expand(name, _resolve(name, table))]


def _expand(name: str, entry: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the entry itself, or one for each value of its axis."""
    if "axis" not in entry:
        return [(name, entry)]
    axis, values = entry.pop("axis"), entry.pop("values", [])
    check_known(f"axis for workload {name!r} called", [axis], AXES)
    epochs = entry.get("epochs", 1)
    if not isinstance(epochs, list):
        epochs = [epochs] * len(values)
    if len(epochs) != len(values):
        raise UsageError(
            f"workload {name!r} has {len(values)} values and {len(epochs)} epochs; give as many"
        )
    return [
        (f"{name}-{value}", _at(entry, {**AXES[axis](entry["layers"], value), "epochs": count}))
        for value, count in zip(values, epochs, strict=True)
    ]


def _at(entry: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    """Return the entry at one value. A batch of all rows, or more, becomes the full batch."""
    entry = {**entry, **changed}
    size, rows = entry.get("batch_size"), entry["train_rows"]
    if type(size) is type(rows) is int and size >= rows:  # other types are refused later
        entry["batch_size"] = None
    return entry


def _resolve(name: str, table: dict[str, dict[str, Any]]) -> dict[str, Any]:
    entry = dict(table[name])
    parent = entry.pop("like", None)
    entry.pop("tuned_by", None)
    if parent is None:
        return entry
    check_known("workload", [parent], table)
    return {**_resolve(parent, table), **entry}


def _make_workload(name: str, entry: dict[str, Any]) -> Workload:
    fields = {field.name for field in dataclasses.fields(Workload)}
    check_known(f"key of workload {name!r} called", entry, fields)
    known = [*DATASETS, *BUNDLED]
    if entry.get("dataset") not in known:
        raise unknown_name(
            f"data set for workload {name!r} called", str(entry.get("dataset")), known
        )
    try:
        return Workload(**{"name": name, "task": "classification", "dataset_args": {}, **entry})
    except (TypeError, ValueError) as error:  # a missing key or a wrong value
        raise UsageError(str(error).replace("Workload.__init__()", f"workload {name!r}")) from None


def digest_workload(workload: Workload) -> str:
    """Hash everything that defines the workload."""
    text = json.dumps(dataclasses.asdict(workload), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
