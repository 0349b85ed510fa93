"""Draws of a workload's data set, made in a separate process and read from .npy files.

The process that measures a system therefore loads neither a generator nor another library. A fixed
table is split by seed, then preprocessed by scikit-learn, fitted on the training part alone.

    python -m benchmarks.measure.data SPEC      SPEC: {"folders": {folder: seed}, "workload",
                                                "dtype", "ceiling"}, and "source", the file of a
                                                user's table
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from baselines.contract import Workload

if TYPE_CHECKING:  # a timed process needs no pathlib of ours
    from pathlib import Path

    from benchmarks.plan.table_columns import Columns

ARRAYS = ("X_train", "y_train", "X_test", "y_test")
ORDERS, FACTS = "orders.npy", "facts.json"
WEIGHTS = "weights-{:03}.npy"  # not .npz: NumPy would import zipfile in each timed process


class Data:
    """The contract's Data, read from a folder. Attributes: X_train, y_train, X_test, y_test."""

    X_train: Any
    y_train: Any
    X_test: Any
    y_test: Any

    def __init__(self, folder: str | Path, workload: Workload) -> None:
        import numpy as np

        for name in ARRAYS:
            setattr(self, name, np.load(os.path.join(folder, f"{name}.npy")))
        facts = _read_facts(folder)
        self.n_classes: int = facts["n_classes"]
        self.ceiling: float | None = facts["ceiling"]
        self._workload = workload
        orders = os.path.join(folder, ORDERS)
        self._orders: Any = np.load(orders) if os.path.exists(orders) else None
        # Indices even without shuffling, because systems take any slice for the full batch.
        if self._orders is None and workload.batch_size is not None:
            self._orders = np.broadcast_to(
                np.arange(len(self.X_train)), (workload.epochs, len(self.X_train))
            )

    def batches(self, epoch: int) -> list[Any]:
        """Return row indices of each step of an epoch; one `slice(None)` for the full batch."""
        size, rows = self._workload.batch_size, len(self.X_train)
        if size is None or size >= rows:
            return [slice(None)]
        order = self._orders[epoch]
        return [order[start : start + size] for start in range(0, rows, size)]

    def posterior(self, X: Any) -> Any:
        """Return P(class | x), shape (n, classes); None where it is unknown."""
        from benchmarks.plan.datasets import DATASETS

        entry = DATASETS.get(self._workload.dataset)  # a fixed table has none
        if entry is None or entry.posterior is None:
            return None
        return entry.posterior(X, **self._workload.dataset_args)


def read_ceiling(folder: str | Path) -> float | None:
    """Return the accuracy of the Bayes rule on this data set; None where it is unknown."""
    return _read_facts(folder)["ceiling"]


def _read_facts(folder: str | Path) -> dict[str, Any]:
    with open(os.path.join(folder, FACTS), encoding="utf-8") as file:
        return json.load(file)


def read_weights(folder: str | Path) -> list[Any]:
    """Return the start weights of this seed: [W1 (n_in, n_out), b1 (n_out,), ...]."""
    import numpy as np

    paths = (os.path.join(folder, WEIGHTS.format(i)) for i in itertools.count())
    return [np.load(path) for path in itertools.takewhile(os.path.exists, paths)]


class DataSet(NamedTuple):
    """Everything that a seed determines: arrays by name, start weights, batch orders (or None)."""

    arrays: dict[str, Any]
    n_classes: int
    weights: list[Any]
    orders: Any


def generate_data(workload: Workload, seed: int, dtype: str, source: str | None = None) -> DataSet:
    """Draw training rows, test rows, start weights and batch orders.

    Each part has its own stream, spawned from the seed, so changing one leaves the others alone.
    """
    import numpy as np

    train, test, start, order = (
        np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(4)
    )
    arrays, n_classes = _draw_parts(workload, seed, train, test, source)
    for name, values in arrays.items():
        is_labels = name.startswith("y") and workload.task == "classification"
        arrays[name] = np.ascontiguousarray(values, np.int64 if is_labels else dtype)
    orders = None
    if workload.shuffle and workload.batch_size is not None:
        orders = [order.permutation(workload.train_rows) for _ in range(workload.epochs)]
    return DataSet(arrays, n_classes, draw_weights(workload.layers, start, dtype), orders)


def write_data(
    folder: Path,
    workload: Workload,
    seed: int,
    dtype: str,
    source: str | None = None,
    ceiling: float | None = None,
) -> float | None:
    """Write one draw of a workload's data set into a folder, for `Data` to read.

    Parameters
    ----------
    folder : Path
        Where the files go; created if necessary.
    workload : Workload
        The workload to draw.
    seed : int
        Determines everything random.
    dtype : str
        Type of all floating-point arrays.
    source : str
        The file of a user's table.
    ceiling : float
        The ceiling if known from another draw; otherwise it is found here.

    Returns
    -------
    float or None
        The ceiling, for other draws of the data set.
    """
    import numpy as np

    from benchmarks.plan.datasets import find_ceiling

    drawn = generate_data(workload, seed, dtype, source)
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in drawn.arrays.items():
        np.save(folder / f"{name}.npy", array)
    for i, array in enumerate(drawn.weights):
        np.save(folder / WEIGHTS.format(i), array)
    if drawn.orders is not None:
        np.save(folder / ORDERS, drawn.orders)
    if ceiling is None:
        ceiling = find_ceiling(workload.dataset, workload.dataset_args)
    facts = {"n_classes": drawn.n_classes, "ceiling": ceiling}
    (folder / FACTS).write_text(json.dumps(facts))
    return ceiling


def _draw_parts(
    workload: Workload, seed: int, train: Any, test: Any, source: str | None
) -> tuple[dict[str, Any], int]:
    """Return X and y of both parts, by array name, and the number of classes."""
    from benchmarks.plan.datasets import BUNDLED, DATASETS

    if source is not None:
        return _read_user_table(source, workload, seed)
    if workload.dataset in BUNDLED:
        return _read_bundled_table(BUNDLED[workload.dataset], workload, seed)
    entry, args = DATASETS[workload.dataset], workload.dataset_args
    parts = {}
    parts["X_train"], parts["y_train"] = entry.make(workload.train_rows, train, **args)
    parts["X_test"], parts["y_test"] = entry.make(workload.test_rows, test, **args)
    return parts, args.get("classes", 2)


def draw_weights(layers: tuple[int, ...], rng: Any, dtype: str) -> list[Any]:
    """Draw as He et al. 2015: weights N(0, 2 / n_in), biases zero; [W1, b1, W2, b2, ...]."""
    import numpy as np

    weights: list[Any] = []
    for n_in, n_out in itertools.pairwise(layers):
        weights.append((rng.normal(size=(n_in, n_out)) * np.sqrt(2 / n_in)).astype(dtype))
        weights.append(np.zeros(n_out, dtype))
    return weights


@functools.cache  # the seeds of a process share a table
def _read_columns(source: str, task: str, arguments: str) -> Columns:
    from pathlib import Path

    from benchmarks.plan import table_file
    from benchmarks.plan.table_columns import check_columns

    args = json.loads(arguments)
    frame, digest = table_file.read_file(Path(source))
    if digest != args["sha256"]:
        raise ValueError(f"{args['file']!r} was changed since the run was planned")
    return check_columns(frame, args["target"], task, args.get("missing"), args.get("drop", ()))


def _read_user_table(source: str, workload: Workload, seed: int) -> tuple[dict[str, Any], int]:
    """Return the parts of a user's table, and its number of classes (0 for regression).

    ValueError if the file has changed since the workload was made from it.
    """
    args = workload.dataset_args
    columns = _read_columns(source, workload.task, json.dumps(args))
    return _split(columns, args["split"], workload, seed), len(columns.classes)


def _read_bundled_table(loader: str, workload: Workload, seed: int) -> tuple[dict[str, Any], int]:
    """Return the parts of one of scikit-learn's own tables, and its number of classes."""
    from sklearn import datasets

    from benchmarks.plan.datasets import BUNDLED_TEST_SHARE
    from benchmarks.plan.table_columns import Columns

    X, y = getattr(datasets, loader)(return_X_y=True)
    numeric = {str(i): X[:, i] for i in range(X.shape[1])}
    classes = [str(label) for label in sorted(set(y.tolist()))]
    columns = Columns(numeric, {}, y, classes, [])
    train = len(y) - math.ceil(BUNDLED_TEST_SHARE * len(y))
    return _split(columns, (train, len(y) - train), workload, seed), len(classes)


def _split(columns: Any, split: Sequence[int], workload: Workload, seed: int) -> dict[str, Any]:
    """Return X_train, y_train, X_test, y_test in float64 and int64 (regression: float64).

    split: numbers of training and test rows. A smaller workload gets the first rows of each part.
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
    X = _preprocess(columns, parts[0])
    if not is_labels:  # otherwise the target's scale would affect the best learning rate
        mean, deviation = y[parts[0]].mean(), y[parts[0]].std()
        y = (y - mean) / (deviation or 1.0)
    arrays = {}
    limits = (workload.train_rows, workload.test_rows)
    for name, rows, limit in zip(("train", "test"), parts, limits, strict=True):
        arrays[f"X_{name}"], arrays[f"y_{name}"] = X[rows[:limit]], y[rows[:limit]]
    return arrays


def _preprocess(columns: Any, train: Any) -> Any:
    """Return all rows as (n, inputs) float64, using statistics of the training rows alone.

    Missing numbers become medians and numbers are standardised; inputs that say where a number was
    missing follow. A text becomes one input per value, with values from the whole table.
    """
    import numpy as np
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    blocks = []
    if columns.numeric:
        numbers = np.column_stack(list(columns.numeric.values()))
        is_missing = np.isnan(numbers)
        if columns.gaps:
            from sklearn.impute import SimpleImputer

            # A column without a number in the training rows is kept, as 0.
            fill = SimpleImputer(strategy="median", keep_empty_features=True)
            numbers = fill.fit(numbers[train]).transform(numbers)
        blocks.append(StandardScaler().fit(numbers[train]).transform(numbers))
        if columns.has_indicators:
            with_gaps = [name in columns.gaps for name in columns.numeric]
            blocks.append(is_missing[:, with_gaps].astype(np.float64))
    if columns.texts:
        texts = np.column_stack(list(columns.texts.values()))
        encoder = OneHotEncoder(
            categories=[np.array(values, dtype=object) for values in columns.categories.values()],
            handle_unknown="ignore",
            sparse_output=False,
        )
        blocks.append(encoder.fit(texts[train]).transform(texts))
    return np.concatenate(blocks, axis=1)


if __name__ == "__main__":
    from pathlib import Path

    spec = json.loads(sys.argv[1])
    ceiling = spec["ceiling"]
    for folder, seed in spec["folders"].items():
        ceiling = write_data(
            Path(folder), Workload(**spec["workload"]), seed, spec["dtype"], spec["source"], ceiling
        )
