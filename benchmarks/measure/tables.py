"""A fixed table as one draw: split by seed, then preprocessed from its training part alone.

scikit-learn does both, in the process that makes the data, so no measured process loads it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from baselines.contract import Workload

BUNDLED_TEST_SHARE = 0.3


def user_table(source: Path, workload: Workload, seed: int) -> tuple[dict[str, Any], int]:
    """The parts of a user's table, and its number of classes (0 for regression).

    ValueError if the file is no longer the one that the workload was made from.
    """
    from benchmarks.plan import table_file
    from benchmarks.plan.columns import checked

    args = workload.dataset_args
    frame, digest = table_file.read(source)
    if digest != args["sha256"]:
        raise ValueError(f"{args['file']!r} was changed since the run was planned")
    columns = checked(frame, args["target"], workload.task)
    return parts_of(columns, args["split"], workload, seed), len(columns.classes)


def bundled(loader: str, workload: Workload, seed: int) -> tuple[dict[str, Any], int]:
    """The parts of one of scikit-learn's own tables, and its number of classes."""
    from sklearn import datasets

    from benchmarks.plan.columns import Columns

    X, y = getattr(datasets, loader)(return_X_y=True)
    numeric = {str(i): X[:, i] for i in range(X.shape[1])}
    classes = [str(label) for label in sorted(set(y.tolist()))]
    columns = Columns(numeric, {}, y, classes, [])
    train = len(y) - math.ceil(BUNDLED_TEST_SHARE * len(y))
    return parts_of(columns, (train, len(y) - train), workload, seed), len(classes)


def parts_of(columns: Any, split: Sequence[int], workload: Workload, seed: int) -> dict[str, Any]:
    """X_train, y_train, X_test, y_test in float64 and int64 (regression: float64).

    split: rows for training and test. A workload of fewer rows gets the first of each part.
    """
    import numpy as np
    from sklearn.model_selection import train_test_split

    y = columns.target
    is_labels = workload.task == "classification"
    parts = train_test_split(
        np.arange(len(y)),
        train_size=split[0],
        test_size=split[1],
        random_state=seed,
        stratify=y if is_labels else None,
    )
    X = preprocessed(columns, parts[0])
    if not is_labels:  # a target of thousands would ask for another learning rate than one of 0.1
        mean, deviation = y[parts[0]].mean(), y[parts[0]].std()
        y = (y - mean) / (deviation or 1.0)
    found = {}
    limits = (workload.train_rows, workload.test_rows)
    for name, rows, limit in zip(("train", "test"), parts, limits, strict=True):
        found[f"X_{name}"], found[f"y_{name}"] = X[rows[:limit]], y[rows[:limit]]
    return found


def preprocessed(columns: Any, train: Any) -> Any:
    """All rows as (n, inputs) float64; statistics come from the training rows alone.

    Numbers are standardised; a text becomes one input per value, values from the whole table.
    """
    import numpy as np
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    blocks = []
    if columns.numeric:
        numbers = np.column_stack(list(columns.numeric.values()))
        blocks.append(StandardScaler().fit(numbers[train]).transform(numbers))
    if columns.texts:
        texts = np.column_stack(list(columns.texts.values()))
        encoder = OneHotEncoder(
            categories=[np.array(values, dtype=object) for values in columns.categories.values()],
            handle_unknown="ignore",
            sparse_output=False,
        )
        blocks.append(encoder.fit(texts[train]).transform(texts))
    return np.concatenate(blocks, axis=1)
