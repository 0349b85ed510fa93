"""What the harness gives to a system under test, and what it asks of it.

Structural: a system of another package needs these names and imports nothing from here.
Standard library only, so that a worker can read it before any clock has to be explained.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any, Protocol

CHOICES = {
    "task": ("classification", "regression"),
    "activation": ("relu", "tanh", "sigmoid"),
    "optimizer": ("sgd", "adam"),
}
RANGES = {  # lowest value, and the first that is too high
    "dropout": (0.0, 1.0),
    "lr": (0.0, math.inf),
    "momentum": (0.0, 1.0),
    "beta_1": (0.0, 1.0),
    "beta_2": (0.0, 1.0),
    "epsilon": (0.0, math.inf),
    "decay": (0.0, math.inf),
    "l2": (0.0, math.inf),
}


@dataclasses.dataclass(frozen=True)
class Workload:
    """A data set, a network and a training recipe; one entry of workloads.toml.

    `layers` holds the widths from input to output. `batch_size` None means all rows at once.
    `l2` is the coefficient of the gradient term `l2 * W`, on weights only.
    `decay` gives the learning rate `lr / (1 + decay * t)`, t counted in updates from 0.
    """

    name: str
    task: str  # "classification" | "regression"
    dataset: str
    dataset_args: dict[str, Any]
    train_rows: int
    test_rows: int
    layers: tuple[int, ...]
    activation: str = "relu"
    dropout: float = 0.0
    optimizer: str = "sgd"  # "sgd" | "adam"
    lr: float = 0.1
    momentum: float = 0.0
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    decay: float = 0.0
    l2: float = 0.0
    epochs: int = 1
    batch_size: int | None = None
    shuffle: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        fault = self._find_fault()
        if fault:
            raise ValueError(f"workload {self.name!r}: {fault}")

    def _find_fault(self) -> str | None:
        """What no system could train, as a sentence; None if there is nothing of the kind."""
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                return f"{name} is {getattr(self, name)!r}; choose from {', '.join(choices)}"
        for name in ("name", "dataset"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value or {"/", "\\", "\0"} & set(value):
                return f"{name} is {value!r}; expected a name without slashes"
        if not isinstance(self.dataset_args, dict) or not isinstance(self.shuffle, bool):
            return "dataset_args is no table, or shuffle neither true nor false"
        counts = {"train_rows": self.train_rows, "test_rows": self.test_rows, "epochs": self.epochs}
        counts |= {f"layer {i}": width for i, width in enumerate(self.layers)}
        if self.batch_size is not None:
            counts["batch_size"] = self.batch_size
        for name, count in counts.items():
            if type(count) is not int or not 1 <= count < 2**31:
                return f"{name} is {count!r}; expected a whole number from 1 on"
        if len(self.layers) < 2:
            return "layers needs the widths of input and output at least"
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if type(value) not in (int, float) or not low <= value < high:
                return f"{name} is {value!r}; expected a number from {low:g} to below {high:g}"
        return None

    @property
    def loss(self) -> str:
        """The loss that task and outputs imply: "mse", "bce" (one output) or "cce"."""
        if self.task == "regression":
            return "mse"
        return "bce" if self.layers[-1] == 1 else "cce"

    @property
    def recipe(self) -> str:
        """The shape of the mathematics, which one parity trial proves for every workload."""
        parts = [self.activation, self.optimizer, self.loss]
        parts += ["l2"] * bool(self.l2) + ["decay"] * bool(self.decay)
        return "-".join(parts)

    @property
    def parameter_count(self) -> int:
        """Weights and biases of the network."""
        return sum(n_in * n_out + n_out for n_in, n_out in itertools.pairwise(self.layers))


class Data(Protocol):
    """One draw of a workload's data set, in the trial's dtype.

    X_train (n, features); y_train (n,) integer labels 0..n_classes-1, or floats for regression.
    """

    X_train: Any
    y_train: Any
    X_test: Any
    y_test: Any
    n_classes: int
    ceiling: float | None  # accuracy of the Bayes rule on fresh points, where it is known

    def batches(self, epoch: int) -> Sequence[Any]:
        """Row indices of each step of an epoch; one `slice(None)` for the full batch."""

    def posterior(self, X: Any) -> Any:
        """P(class | x), shape (n, classes); None where it is unknown."""


class System(Protocol):
    """What is measured. The phases load, build, train and predict are timed one by one."""

    name: str
    family: str  # "network" | "classical" | "bound" | "control"
    requires: tuple[str, ...]  # distributions as pip names them; empty: gets no data either
    own_order: bool  # True: shuffles by itself when the workload shuffles
    steps: int  # updates done by the last train(), by the framework's own counter
    samples_seen: int
    losses: list[Any]  # after train(record=True): data loss of each step before its update

    def __init__(self, workload: Workload, *, seed: int, threads: int, dtype: str) -> None:
        """Cheap: imports nothing heavy."""

    @classmethod
    def supports(cls, workload: Workload) -> str | None:
        """None, or the reason why not, such as "no dropout"."""

    def load(self) -> None:
        """Import the framework and set its number of threads."""

    def build(self, data: Data, weights: Sequence[Any] | None = None) -> None:
        """Make model and optimizer, convert the data.

        weights: [W1 (n_in, n_out), b1 (n_out,), ...] for networks, None for the rest.
        """

    def train(self, record: bool = False) -> None:
        """Run the workload's whole recipe; with record fill `losses` (one number a step)."""

    def reset(self, weights: Sequence[Any] | None) -> None:
        """Fresh weights and optimizer state in the same objects; nothing is compiled again."""

    def predict(self, X: Any) -> Any:
        """Labels or values, shape (n,); None if the system predicts nothing."""

    def predict_proba(self, X: Any) -> Any:
        """Probabilities (n, classes), or None."""

    def get_weights(self) -> list[Any] | None:
        """Networks: [W1 (n_in, n_out), b1 (n_out,), ...] as NumPy arrays."""

    def compilations(self) -> int | None:
        """How often something was compiled so far, or None if nothing ever is."""

    # Optional: def gemm_gflops(self) -> float | None, the speed of one float32 product of 1024 by
    # 1024 through the framework's own matmul.
