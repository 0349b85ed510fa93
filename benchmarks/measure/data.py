"""One draw of a workload's data set, made by a process of its own and read from .npy files.

So the process that measures a system loads neither a generator nor another library.

    python -m benchmarks.measure.data SPEC      SPEC: {"folder", "workload", "seed", "dtype"},
                                                and "source", the file of a user's table
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any

from baselines.contract import Workload

ARRAYS = ("X_train", "y_train", "X_test", "y_test")


class Drawn:
    """The contract's Data, read from a folder. Attributes: X_train, y_train, X_test, y_test."""

    X_train: Any
    y_train: Any
    X_test: Any
    y_test: Any

    def __init__(self, folder: Path, workload: Workload) -> None:
        import numpy as np

        folder = Path(folder)
        for name in ARRAYS:
            setattr(self, name, np.load(folder / f"{name}.npy"))
        facts = json.loads((folder / "facts.json").read_text())
        self.n_classes: int = facts["n_classes"]
        self.ceiling: float | None = facts["ceiling"]
        self._workload = workload
        orders = folder / "orders.npy"
        self._orders: Any = np.load(orders) if orders.exists() else None
        # Indices also without shuffling, because systems take any slice for the full batch.
        if self._orders is None and workload.batch_size is not None:
            self._orders = np.broadcast_to(
                np.arange(len(self.X_train)), (workload.epochs, len(self.X_train))
            )

    def batches(self, epoch: int) -> list[Any]:
        """Row indices of each step of an epoch; one `slice(None)` for the full batch."""
        size, rows = self._workload.batch_size, len(self.X_train)
        if size is None or size >= rows:
            return [slice(None)]
        order = self._orders[epoch]
        return [order[start : start + size] for start in range(0, rows, size)]

    def posterior(self, X: Any) -> Any:
        """P(class | x), shape (n, classes); None where it is unknown."""
        from benchmarks.plan.datasets import DATASETS

        entry = DATASETS.get(self._workload.dataset)  # a fixed table has none
        if entry is None or entry.posterior is None:
            return None
        return entry.posterior(X, **self._workload.dataset_args)


def read_weights(folder: Path) -> list[Any]:
    """The start weights of this seed: [W1 (n_in, n_out), b1 (n_out,), ...]."""
    import numpy as np

    with np.load(Path(folder) / "weights.npz") as archive:
        return [archive[name] for name in sorted(archive.files)]


def make(
    folder: Path, workload: Workload, seed: int, dtype: str, source: str | None = None
) -> None:
    """Draw training rows, test rows, start weights and batch orders, and write them.

    Streams are spawned from the seed, so a change of one part leaves the others alone.
    """
    import numpy as np

    from benchmarks.plan.datasets import ceiling

    train, test, start, order = (
        np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(4)
    )
    arrays, n_classes = parts(workload, seed, train, test, source)
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in arrays.items():
        is_labels = name.startswith("y") and workload.task == "classification"
        np.save(
            folder / f"{name}.npy", np.ascontiguousarray(values, np.int64 if is_labels else dtype)
        )
    weights = he_normal(workload.layers, start, dtype)
    np.savez(folder / "weights.npz", **{f"{i:03}": array for i, array in enumerate(weights)})
    if workload.shuffle and workload.batch_size is not None:
        rows = workload.train_rows
        np.save(folder / "orders.npy", [order.permutation(rows) for _ in range(workload.epochs)])
    facts = {"n_classes": n_classes, "ceiling": ceiling(workload.dataset, workload.dataset_args)}
    (folder / "facts.json").write_text(json.dumps(facts))


def parts(
    workload: Workload, seed: int, train: Any, test: Any, source: str | None
) -> tuple[dict[str, Any], int]:
    """X and y of both parts, by array name, and the number of classes."""
    from benchmarks.plan.datasets import BUNDLED, DATASETS

    if source is not None or workload.dataset in BUNDLED:
        from benchmarks.measure import tables

        if source is not None:
            return tables.user_table(Path(source), workload, seed)
        return tables.bundled(BUNDLED[workload.dataset], workload, seed)
    entry, args = DATASETS[workload.dataset], workload.dataset_args
    parts = {}
    parts["X_train"], parts["y_train"] = entry.make(workload.train_rows, train, **args)
    parts["X_test"], parts["y_test"] = entry.make(workload.test_rows, test, **args)
    return parts, entry.classes(**args)


def he_normal(layers: tuple[int, ...], rng: Any, dtype: str) -> list[Any]:
    """He et al. 2015: weights N(0, 2 / n_in), biases zero; [W1, b1, W2, b2, ...]."""
    import numpy as np

    weights: list[Any] = []
    for n_in, n_out in itertools.pairwise(layers):
        weights.append((rng.normal(size=(n_in, n_out)) * np.sqrt(2 / n_in)).astype(dtype))
        weights.append(np.zeros(n_out, dtype))
    return weights


if __name__ == "__main__":
    spec = json.loads(sys.argv[1])
    make(Path(spec.pop("folder")), Workload(**spec.pop("workload")), **spec)
