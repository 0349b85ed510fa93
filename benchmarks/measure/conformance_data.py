"""What the conformance suite trains on: small workloads, and draws that need no files."""

from __future__ import annotations

import dataclasses
from typing import Any

import baselines
from baselines.contract import Workload
from benchmarks.measure.data import draw_weights

SEED = 0  # of everything random here
# All values are exact in float32, because Keras rounds Python numbers to it.
BASE = Workload(
    name="conformance", task="classification", dataset="spiral", dataset_args={}, train_rows=64,
    test_rows=16, layers=(2, 16, 16, 3), lr=0.125, epochs=20,
)  # fmt: skip
MOMENTUM = {"momentum": 0.875, "l2": 2.0**-10}
ADAM = {
    "optimizer": "adam", "lr": 2.0**-6, "beta_1": 0.875, "beta_2": 1 - 2.0**-10,
    "epsilon": 2.0**-40, "l2": 2.0**-10,
}  # fmt: skip
ONE_OUTPUT = {"layers": (2, 16, 1)}
# Changes to BASE, by name: every recipe whose mathematics a network must reproduce.
RECIPES: dict[str, dict[str, Any]] = {
    "sgd-relu": {},
    "sgd-tanh": {"activation": "tanh"},
    "momentum-relu": MOMENTUM,
    "momentum-tanh": {**MOMENTUM, "activation": "tanh"},
    "adam-relu": ADAM,
    "adam-tanh": {**ADAM, "activation": "tanh"},
    "sigmoid": {**MOMENTUM, "activation": "sigmoid"},
    "decay": {**MOMENTUM, "decay": 2.0**-7},
    "adam-decay": {**ADAM, "decay": 2.0**-7},
    "bce": {**MOMENTUM, **ONE_OUTPUT},
    "bce-adam": {**ADAM, **ONE_OUTPUT},
    "mse": {**MOMENTUM, **ONE_OUTPUT, "task": "regression"},
    "mse-adam": {**ADAM, **ONE_OUTPUT, "task": "regression"},
    "batches": {"momentum": 0.875, "batch_size": 24, "epochs": 7},  # 24, 24 and 16 rows
    "decay-batches": {**MOMENTUM, "decay": 2.0**-10, "batch_size": 24, "epochs": 7},
    "batches-adam-l2": {**ADAM, "batch_size": 16, "epochs": 5},
    "batches-l2-short": {**MOMENTUM, "batch_size": 24, "epochs": 7},
    "shuffled": {"momentum": 0.875, "batch_size": 24, "epochs": 7, "shuffle": True},
}
# The recipe of each task that a system may support.
TASKS = {"three classes": "sgd-relu", "two classes, one output": "bce", "regression": "mse"}


class SampleData:
    """A draw as the harness provides it. Class labels are independent of X and equally likely."""

    ceiling = None

    def __init__(self, workload: Workload, dtype: str = "float64") -> None:
        import numpy as np

        rng = np.random.default_rng(SEED)
        self.workload = workload
        n_in, n_out = workload.layers[0], workload.layers[-1]
        self.n_classes = 0 if workload.task == "regression" else max(2, n_out)
        self.X_train, self.y_train = self._draw_part(rng, workload.train_rows, n_in, dtype)
        self.X_test, self.y_test = self._draw_part(rng, workload.test_rows, n_in, dtype)

    def _draw_part(self, rng: Any, rows: int, n_in: int, dtype: str) -> tuple[Any, Any]:
        import numpy as np

        X = rng.normal(size=(rows, n_in)).astype(dtype)
        if self.workload.task == "regression":
            return X, np.sin(X.sum(axis=1)).astype(dtype)
        return X, np.arange(rows) % self.n_classes

    def batches(self, epoch: int) -> list[Any]:
        """Return row indices of each step of an epoch; one `slice(None)` for the full batch."""
        import numpy as np

        rows, size = self.workload.train_rows, self.workload.batch_size
        if size is None:
            return [slice(None)]
        order = np.arange(rows)
        if self.workload.shuffle:
            order = np.random.default_rng([SEED, epoch]).permutation(rows)
        return [order[i : i + size] for i in range(0, rows, size)]

    def posterior(self, X: Any) -> Any:
        """Return P(class | x), shape (n, classes)."""
        import numpy as np

        return np.full((len(X), self.n_classes), 1 / self.n_classes)


def choose_workload(recipe: str) -> Workload:
    """Return the workload of a recipe, by its name in RECIPES."""
    return dataclasses.replace(BASE, **RECIPES[recipe])


def start_weights(workload: Workload, dtype: str = "float64") -> list[Any]:
    """Return the start weights of every network: [W1 (n_in, n_out), b1 (n_out,), ...]."""
    import numpy as np

    return draw_weights(workload.layers, np.random.default_rng([SEED, 1]), dtype)


def gets_weights(system: Any) -> bool:
    """Return whether the harness gives start weights to this system."""
    return system.family == "network" or system.name in baselines.TWINS


def prepare_system(
    system: Any, workload: Workload, dtype: str = "float64", data: Any = None
) -> Any:
    """Build an object of a system's class as the harness does, on `data` or a new draw."""
    made = system(workload, seed=SEED, threads=1, dtype=dtype)
    made.load()
    if data is None and system.requires:
        data = SampleData(workload, dtype)
    made.build(data, start_weights(workload, dtype) if gets_weights(system) else None)
    return made
