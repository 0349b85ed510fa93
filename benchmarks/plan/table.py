"""A user's table as a workload: what is learnt, from which columns, by which network.

Everything is checked here, before anything is trained. The workload carries the file's name and
digest, never its path, which the process that makes the data gets separately.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from baselines.contract import Workload
from benchmarks.errors import UsageError, format_count, quote_names
from benchmarks.plan import table_file
from benchmarks.plan.table_columns import FILLS, Columns, check_columns
from benchmarks.plan.table_values import MAX_WHOLE_CLASSES

NAME = "table"  # of the workload and of its data set
TEST_SHARE = 0.25
ABOUT_TABLE = ("target", "task", "missing", "drop")  # options of --data

# Most training rows -> batch size (None: all rows at once), hidden layers, learning rate, epochs.
# Up to a million rows take fewer than 10,000 updates, so that results come within minutes; rates
# are low enough that rounding in float32 does not lead equal networks to different scores.
RECIPES: tuple[tuple[float, int | None, tuple[int, ...], float, int], ...] = (
    (256, None, (32, 32), 0.01, 200),
    (2_000, 32, (64, 64), 0.002, 20),
    (20_000, 64, (64, 64), 0.002, 10),
    (100_000, 128, (128, 128), 0.002, 4),
    (math.inf, 128, (128, 128), 0.002, 1),
)
L2 = 1e-3


@dataclasses.dataclass(frozen=True)
class Table:
    """What a run on a user's table needs: the workload, where the file is, what to report."""

    workload: Workload
    source: Path
    facts: dict[str, Any]  # run.json["table"]


def prepare(
    path: str,
    target: str | None,
    task: str | None = None,
    most_epochs: int | None = None,
    fill: str | None = None,
    leave_out: Sequence[str] = (),
) -> Table:
    """Read and check a file. UsageError names the faulty column.

    All parameters but `path` and `most_epochs`, a preset's limit, are those of `check_columns`.
    """
    source = table_file.resolve_path(path)
    frame, digest = table_file.read_file(source)
    if target is None:
        raise UsageError(f"--data needs --target; the columns are {quote_names(frame.columns)}")
    columns = check_columns(frame, target, task, fill, leave_out)
    rows = len(columns.target)
    args: dict[str, Any] = {
        "file": source.name, "sha256": digest, "target": target, "missing": fill,
        "drop": list(leave_out),
    }  # fmt: skip
    workload = _choose_recipe(columns, {name: value for name, value in args.items() if value})
    if most_epochs is not None:
        workload = dataclasses.replace(workload, epochs=min(workload.epochs, most_epochs))
    notes = _list_notes(columns, workload, task, len(frame) - rows)
    if "read" in frame.attrs:
        notes.insert(0, f"The file is {frame.attrs['read']}.")
    facts = {
        "file": source.name,
        "sha256": digest,
        "rows": rows,
        "rows_left_out": len(frame) - rows,
        "columns": list(frame.columns),
        "numeric": list(columns.numeric),
        "categorical": {name: len(values) for name, values in columns.categories.items()},
        "dropped": columns.dropped,
        "ids": columns.ids,
        "suspects": columns.suspects,
        "missing": fill,
        "missing_values": columns.gaps,
        "drop": list(leave_out),
        "inputs": columns.inputs,
        "target": target,
        "task": workload.task,
        "classes": columns.classes,
        "class_rows": _count_classes(columns),
        "train_rows": workload.train_rows,
        "test_rows": workload.test_rows,
        "notes": notes,
    }
    return Table(workload, source, facts)


def _count_classes(columns: Columns) -> list[int]:
    """Count the rows of each class; empty for regression."""
    import numpy as np

    return np.bincount(columns.target).tolist() if columns.classes else []


def _choose_recipe(columns: Columns, args: Mapping[str, Any]) -> Workload:
    """Choose the network recipe for a table of this size.

    Training rows are a multiple of the batch, so that every update sees the same number of rows.
    """
    rows = len(columns.target)
    train = rows - math.ceil(TEST_SHARE * rows)
    _, batch, hidden, lr, epochs = next(recipe for recipe in RECIPES if train <= recipe[0])
    if batch is not None:
        train -= train % batch
    outputs = len(columns.classes) if len(columns.classes) > 2 else 1
    return Workload(
        name=NAME,
        task="classification" if columns.classes else "regression",
        dataset=NAME,
        dataset_args={**args, "split": [train, rows - train]},
        train_rows=train,
        test_rows=rows - train,
        layers=(columns.inputs, *hidden, outputs),
        optimizer="adam",
        lr=lr,
        l2=L2,
        epochs=epochs,
        batch_size=batch,
    )


def _list_notes(
    columns: Columns, workload: Workload, asked: str | None, rows_left_out: int
) -> list[str]:
    """List what was chosen and done, one sentence each. Names from the file are quoted."""
    target = workload.dataset_args["target"]
    why = "as asked" if asked else "chosen from its values, --task overrides"
    if columns.classes:
        kind = (
            f"classification into {len(columns.classes)} classes ({quote_names(columns.classes)})"
        )
    else:
        kind = "regression"
        different = len(set(columns.target.tolist()))
        if different <= MAX_WHOLE_CLASSES and not asked:
            why += f"; if its {different} different values are classes, --task classification"
    batch = f"batches of {workload.batch_size}" if workload.batch_size else "full batch"
    notes = [
        f"Target {target!r}: {kind}; {why}.",
        f"Network {'-'.join(map(str, workload.layers))}, {workload.activation},"
        f" {workload.optimizer} with learning rate {workload.lr:g}, L2 {workload.l2:g},"
        f" {workload.epochs} epochs, {batch}; chosen from the table's size.",
        f"Each seed draws {workload.train_rows:,} rows for training and {workload.test_rows:,} for"
        f" test{', with equal shares of every class' if columns.classes else ''}.",
    ]
    fill = str(workload.dataset_args.get("missing"))
    if columns.gaps:
        counts = ", ".join(f"{name!r} {count:,}" for name, count in columns.gaps.items())
        notes.append(
            f"Missing numbers ({counts}): of each column {FILLS[fill]} (scikit-learn's"
            " SimpleImputer, fitted on the training rows of each seed)."
        )
    if rows_left_out:
        what = "a value" if fill == "drop" else "the target"
        notes.append(f"Left out, {format_count(rows_left_out, 'row')} without {what}.")
    if columns.numeric:
        notes.append(
            f"Numbers ({format_count(len(columns.numeric), 'column')}) are standardised by mean"
            " and deviation of the training rows."
        )
    if columns.texts:
        notes.append(
            f"Texts ({format_count(len(columns.texts), 'column')}) become one input per value; the"
            " lists of values come from the whole table, so that every seed has the same network."
        )
    if not columns.classes:
        notes.append(
            "The target is standardised like the columns, so errors are in units of its deviation;"
            " R2 does not depend on units."
        )
    empty = [name for name, values in columns.categories.items() if "" in values]
    if empty:
        notes.append(f"An empty cell counts as a value of its own in {quote_names(empty)}.")
    if columns.ids:
        notes.append(
            f"Left out, an ID with another value in every row: {quote_names(columns.ids)}."
        )
    if columns.suspects:
        notes.append(
            f"Learnt from although they may only name or count the rows:"
            f" {quote_names(columns.suspects)}. If so, start again with"
            f" {' '.join(f'--drop {name!r}' for name in columns.suspects[:3])}"
            f"{' ...' if len(columns.suspects) > 3 else ''}."
        )
    if asked_out := workload.dataset_args.get("drop"):
        notes.append(f"Left out, as asked: {quote_names(asked_out)}.")
    if columns.dropped:
        notes.append(f"Left out, the same value in every row: {quote_names(columns.dropped)}.")
    return notes


def read_options(options: argparse.Namespace, most_epochs: int | None) -> Table | None:
    """Return the user's table, checked, if --data names one; a preset may cap its epochs."""
    if options.data is None:
        for name in ABOUT_TABLE:
            if getattr(options, name) is not None:
                raise UsageError(f"--{name} is about a table; name its file with --data")
        return None
    for name in ("suite", "workloads", "workload_file"):
        if getattr(options, name) is not None:
            option = name.replace("_", "-")
            raise UsageError(f"--{option} and --data exclude each other: the table is the workload")
    if options.readme:
        raise UsageError("--readme shows the project's own data sets; leave it out with --data")
    return prepare(
        options.data,
        options.target,
        options.task,
        most_epochs,
        options.missing,
        options.drop or (),
    )


def find_source(options: argparse.Namespace, description: Mapping[str, Any]) -> Path | None:
    """Return the file with which to resume a run on a user's table; None for other runs."""
    facts = description.get("table")
    if facts is None:
        for name in ("data", *ABOUT_TABLE):
            if getattr(options, name) is not None:
                raise UsageError(f"--{name}: this run was not made from a table; leave it out")
        return None
    if options.data is None:
        raise UsageError(f"this run needs its table {facts['file']!r} again; name it with --data")
    for name in ABOUT_TABLE:
        asked, had = getattr(options, name), facts.get(name)
        if asked is not None and asked != had:
            raise UsageError(
                f"--{name} {asked!r} does not agree with the run, which has {had or 'none'!r};"
                " leave it out to resume"
            )
    return table_file.check_same_file(options.data, facts["sha256"])


def describe_table(description: Mapping[str, Any]) -> list[str]:
    """List what was chosen for a user's table, a line each; nothing for other runs."""
    facts = description.get("table")
    if not facts:
        return []
    columns = len(facts.get("columns") or ())
    size = f"{facts.get('file')!r}: {facts.get('rows', 0):,} rows, {columns} columns."
    return [size, *map(str, facts.get("notes") or ())]
