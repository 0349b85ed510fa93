"""A user's table as a workload: what is learnt, from which columns, by which network.

Everything is checked here, before anything is trained. The workload carries the file's name and
digest, never its path; the process that makes the data gets the path apart from it.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

from baselines.contract import Workload
from benchmarks.plan import table_file
from benchmarks.plan.columns import MOST_WHOLE_CLASSES, Columns, checked, count_of, some
from benchmarks.plan.workloads import UsageError

NAME = "table"  # of the workload and of its data set
TEST_SHARE = 0.25

# Training rows up to -> batch size (None: all rows at once), hidden layers, learning rate, epochs.
# Fewer than 10,000 updates up to a million rows, so that a table appears within minutes; rates so
# low that rounding in float32 does not lead equal networks to different scores.
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
    """What a run on a user's table needs: the workload, where the file is, what to tell."""

    workload: Workload
    source: Path
    facts: dict[str, Any]  # run.json["table"]


def prepare(path: str, target: str | None, task: str | None = None) -> Table:
    """Read and check a file. UsageError names the column that is at fault."""
    source = table_file.find(path)
    frame, digest = table_file.read(source)
    if target is None:
        raise UsageError(f"--data needs --target; the columns are {some(frame.columns)}")
    columns = checked(frame, target, task)
    chosen = "classification" if columns.classes else "regression"
    workload = _workload(columns, len(frame), chosen, target, source.name, digest)
    notes = _notes(columns, workload, task)
    if "read" in frame.attrs:
        notes.insert(0, f"The file is {frame.attrs['read']}.")
    facts = {
        "file": source.name,
        "sha256": digest,
        "rows": len(frame),
        "columns": list(frame.columns),
        "numeric": list(columns.numeric),
        "categorical": {name: len(values) for name, values in columns.categories.items()},
        "dropped": columns.dropped,
        "ids": columns.ids,
        "inputs": columns.inputs,
        "target": target,
        "task": chosen,
        "classes": columns.classes,
        "train_rows": workload.train_rows,
        "test_rows": workload.test_rows,
        "notes": notes,
    }
    return Table(workload, source, facts)


def _workload(
    columns: Columns, rows: int, task: str, target: str, file: str, digest: str
) -> Workload:
    """The network recipe for a table of this size.

    Training rows are a multiple of the batch, so that every update sees equally many rows.
    """
    train = rows - math.ceil(TEST_SHARE * rows)
    _, batch, hidden, lr, epochs = next(recipe for recipe in RECIPES if train <= recipe[0])
    if batch is not None:
        train -= train % batch
    outputs = len(columns.classes) if len(columns.classes) > 2 else 1
    split = [train, rows - train]
    return Workload(
        name=NAME,
        task=task,
        dataset=NAME,
        dataset_args={"file": file, "sha256": digest, "target": target, "split": split},
        train_rows=train,
        test_rows=rows - train,
        layers=(columns.inputs, *hidden, outputs),
        optimizer="adam",
        lr=lr,
        l2=L2,
        epochs=epochs,
        batch_size=batch,
    )


def _notes(columns: Columns, workload: Workload, asked: str | None) -> list[str]:
    """What was chosen and done, one sentence each. Names from the file stand in quotes."""
    target = workload.dataset_args["target"]
    why = "as asked" if asked else "chosen from its values, --task overrides"
    if columns.classes:
        kind = f"classification into {len(columns.classes)} classes ({some(columns.classes)})"
    else:
        kind = "regression"
        different = len(set(columns.target.tolist()))
        if different <= MOST_WHOLE_CLASSES and not asked:
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
    if columns.numeric:
        notes.append(
            f"Numbers ({count_of(len(columns.numeric), 'column')}) are standardised by mean"
            " and deviation of the training rows."
        )
    if columns.texts:
        notes.append(
            f"Texts ({count_of(len(columns.texts), 'column')}) become one input per value; the"
            " lists of values come from the whole table, so that every seed has the same network."
        )
    if not columns.classes:
        notes.append(
            "The target is standardised like the columns, so errors are in units of its deviation;"
            " R2 does not depend on units."
        )
    empty = [name for name, values in columns.categories.items() if "" in values]
    if empty:
        notes.append(f"An empty cell counts as a value of its own in {some(empty)}.")
    if columns.ids:
        notes.append(f"Left out, an ID with another value in every row: {some(columns.ids)}.")
    if columns.dropped:
        notes.append(f"Left out, the same value in every row: {some(columns.dropped)}.")
    return notes
