"""Read a user's own workloads: a TOML file in the format of workloads.toml, checked before a run.

Every fault of the file gets its own sentence: an unknown field, a value of the wrong type, layers
that do not fit the data set.
"""

from __future__ import annotations

import hashlib
import inspect
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from baselines.contract import Workload
from benchmarks.errors import UsageError, unknown_name
from benchmarks.plan.datasets import BUNDLED, BUNDLED_TEST_SHARE, DATASETS
from benchmarks.plan.trials import NAME
from benchmarks.plan.workloads import read_table, read_workloads

EXAMPLE = "see benchmarks/plan/workloads.toml for examples"
MAX_DRAWN = 1000  # rows of a data set, to look at it
LISTS = ("layers", "values")  # of whole numbers


def read_file(path: Path) -> tuple[dict[str, dict[str, Any]], str]:
    """Return the entries of a file by name, checked, and the hash of the file.

    UsageError says what is wrong and what would be right.
    """
    try:
        content = path.read_bytes()
        table = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise UsageError(
            f"--workload-file {str(path)!r} cannot be read: {error.strerror}"
        ) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"--workload-file {path.name!r} is not TOML: {error}; {EXAMPLE}") from None
    if not table:
        raise UsageError(f"--workload-file {path.name!r} holds no workload; {EXAMPLE}")
    built_in = read_table("workloads.toml")
    for name, entry in table.items():
        _check_entry(name, entry, built_in)
    everything = {**built_in, **table}
    _check_chains(everything, table)
    for workload in read_workloads(everything, table).values():
        _check_data(workload)
    return table, hashlib.sha256(content).hexdigest()


def _check_entry(name: str, entry: Any, built_in: Mapping[str, Any]) -> None:
    """Check what can be seen before the entry is resolved: its name, and the types of its lists."""
    if not isinstance(entry, dict):
        raise UsageError(
            f"{name!r} stands outside a workload; put the fields below a heading such as"
            " [my-workload]"
        )
    if not NAME.fullmatch(name):
        raise UsageError(
            f"a workload cannot be called {name!r}; use letters, digits, and . @ + : = -"
        )
    if name in built_in:
        raise UsageError(
            f'there is a built-in workload {name!r}; choose another name, and write like = "{name}"'
            " to begin with its fields"
        )
    for key in LISTS:
        value = entry.get(key, [])
        if not isinstance(value, list) or not all(type(item) is int for item in value):
            raise UsageError(
                f"workload {name!r}: {key} is {value!r}; expected whole numbers in brackets, such"
                " as [2, 64, 64, 3]"
            )
    for key, what in (("like", "a workload's name"), ("axis", 'what varies, such as "width"')):
        if not isinstance(entry.get(key, ""), str):
            raise UsageError(f"workload {name!r}: {key} is {entry[key]!r}; expected {what}")
    if entry.get("values") == []:
        raise UsageError(f"workload {name!r}: values is empty; write at least one")


def _check_chains(table: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Raise UsageError for circular `like`, missing fields, and axes without what they change."""
    for name in own:
        seen, fields, current = [name], dict(own[name]), own[name]
        while "like" in current:
            parent = current["like"]
            if parent not in table:
                raise unknown_name(f"workload for {name!r} to be like, called", parent, table)
            if parent in seen:
                raise UsageError(
                    f"workload {name!r} is like itself: {' -> '.join([*seen, parent])}"
                )
            seen.append(parent)
            current = table[parent]
            fields = {**current, **fields}
        for key in ("dataset", "layers", "train_rows", "test_rows"):
            if key not in fields:
                raise UsageError(
                    f"workload {name!r} has no {key}; write it, or write"
                    ' like = "spiral" to begin with the fields of another workload'
                )
        if ("axis" in fields) != ("values" in fields):
            raise UsageError(f"workload {name!r} needs both axis and values, or neither")
        if "axis" in fields and len(fields["layers"]) < 3:
            raise UsageError(f"workload {name!r} has an axis, so layers needs a hidden width")


def _check_data(workload: Workload) -> None:
    """Raise UsageError for arguments that the data set does not take, or layers that do not fit."""
    what, args = f"workload {workload.name!r}", workload.dataset_args
    if workload.task != "classification":
        raise UsageError(
            f"{what}: the data set {workload.dataset!r} has classes; write"
            ' task = "classification", or measure a table of your own with --data'
        )
    if workload.dataset in BUNDLED:
        if args:
            raise UsageError(f"{what}: the table {workload.dataset!r} takes no dataset_args")
        rows, inputs, classes = _measure_table(BUNDLED[workload.dataset], what)
        for_test = math.ceil(BUNDLED_TEST_SHARE * rows)
        if workload.train_rows > rows - for_test or workload.test_rows > for_test:
            raise UsageError(
                f"{what}: the table {workload.dataset!r} has {rows - for_test} rows for training"
                f" and {for_test} for the test, not {workload.train_rows} and {workload.test_rows}"
            )
    else:
        inputs, classes = _measure_draw(workload, what)
    first, last = workload.layers[0], workload.layers[-1]
    if first != inputs:
        raise UsageError(
            f"{what}: layers begins with {first}, and {workload.dataset!r} has {inputs} inputs;"
            f" write layers = [{inputs}, ...]"
        )
    if last != classes and not (classes == 2 and last == 1):
        either = " or 1" if classes == 2 else ""
        raise UsageError(
            f"{what}: layers ends with {last}, and {workload.dataset!r} has {classes} classes;"
            f" write {classes}{either}"
        )


def _measure_draw(workload: Workload, what: str) -> tuple[int, int]:
    """Return inputs and classes of a generated data set, from a small draw."""
    import numpy as np

    entry, args = DATASETS[workload.dataset], workload.dataset_args
    accepted = [
        parameter.name
        for parameter in inspect.signature(entry.make).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    ]
    for name in args:
        if name not in accepted:
            raise unknown_name(
                f"argument of {workload.dataset!r} for {what} called", name, accepted or ["(none)"]
            )
    try:
        rows = min(workload.train_rows, workload.test_rows, MAX_DRAWN)
        X, _ = entry.make(rows, np.random.default_rng(0), **args)
        return X.shape[1], args.get("classes", 2)
    except Exception as error:
        raise UsageError(
            f"{what}: {workload.dataset!r} cannot be drawn with dataset_args = {args!r}: {error}"
        ) from None


def _measure_table(loader: str, what: str) -> tuple[int, int, int]:
    """Return rows, inputs and classes of one of scikit-learn's own tables."""
    try:
        from sklearn import datasets
    except ImportError:
        raise UsageError(f"{what}: its table comes with scikit-learn, which is missing") from None
    X, y = getattr(datasets, loader)(return_X_y=True)
    return *X.shape, len(set(y.tolist()))
