"""What the systems share: the bookkeeping of the contract, nothing of the mathematics.

A system writes out load, build, train and reset in the idiom of its framework. The rest stands
here once, so that labels and probabilities mean the same thing in every row.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from baselines.contract import Data, Workload


class Base:
    """A system that does nothing; what it keeps is what controls need."""

    name: ClassVar[str]
    family: ClassVar[str] = "control"
    requires: ClassVar[tuple[str, ...]] = ()
    own_order: ClassVar[bool] = False

    def __init__(self, workload: Workload, *, seed: int, threads: int, dtype: str) -> None:
        self.workload = workload
        self.seed = seed
        self.threads = threads
        self.dtype = dtype
        self.steps = 0
        self.samples_seen = 0
        self.losses: list[Any] = []

    @classmethod
    def supports(cls, workload: Workload) -> str | None:
        return None

    def load(self) -> None:
        pass

    def build(self, data: Data, weights: Sequence[Any] | None = None) -> None:
        pass

    def train(self, record: bool = False) -> None:
        pass

    def reset(self, weights: Sequence[Any] | None) -> None:
        pass

    def predict(self, X: Any) -> Any:
        return None

    def predict_proba(self, X: Any) -> Any:
        return None

    def get_weights(self) -> list[Any] | None:
        return None

    def compilations(self) -> int | None:
        return None

    def gemm_gflops(self) -> float | None:
        return None


class Network(Base):
    """A network with `outputs(X)`, its last layer's values before softmax or sigmoid.

    `parameters` holds its arrays [W1 (n_in, n_out), b1 (n_out,), ...], of any framework.
    """

    family: ClassVar[str] = "network"
    parameters: list[Any]

    def build(self, data: Data, weights: Sequence[Any] | None = None) -> None:
        self.data = data
        self.reset(weights)

    def get_weights(self) -> list[Any] | None:
        import numpy as np

        return [np.array(p) for p in self.parameters]

    def outputs(self, X: Any) -> Any:
        """The last layer's values, a NumPy array (n, outputs), dropout off."""
        raise NotImplementedError

    def predict(self, X: Any) -> Any:
        outputs = self.outputs(X)
        if self.workload.loss == "mse":
            return outputs[:, 0]
        if self.workload.loss == "bce":
            return (outputs[:, 0] > 0).astype("int64")
        return outputs.argmax(axis=1)

    def predict_proba(self, X: Any) -> Any:
        import numpy as np

        if self.workload.loss == "mse":
            return None
        outputs = self.outputs(X)
        if self.workload.loss == "bce":  # the softmax of (0, z) is (1 - sigmoid(z), sigmoid(z))
            outputs = np.concatenate([np.zeros_like(outputs), outputs], axis=1)
        odds = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    def count(self, steps: int) -> None:
        """Set `steps` and `samples_seen` of whole epochs from a framework's step counter."""
        rows = self.workload.train_rows
        per_epoch = -(-rows // (self.workload.batch_size or rows))
        self.steps = int(steps)
        self.samples_seen = self.steps * rows // per_epoch


class NumpyNetwork(Network):
    """A network whose arrays and products are NumPy's own."""

    requires: ClassVar[tuple[str, ...]] = ("numpy",)

    def load(self) -> None:
        import_numpy(self.threads)

    def gemm_gflops(self) -> float:
        return numpy_gflops()


def import_numpy(threads: int) -> Any:
    """NumPy with a number of BLAS threads: its BLAS reads them once, from the environment."""
    for library in ("OPENBLAS_NUM", "MKL_NUM", "BLIS_NUM", "OMP_NUM", "VECLIB_MAXIMUM"):
        os.environ[f"{library}_THREADS"] = str(threads)
    import numpy

    return numpy


def numpy_gflops() -> float:
    """The speed of NumPy's own matrix product."""
    import numpy as np

    a = np.random.default_rng(0).random((1024, 1024), dtype=np.float32)
    out = np.empty_like(a)
    return gflops(lambda: np.matmul(a, a, out=out))


def gflops(product: Callable[[], Any], n: int = 1024, seconds: float = 0.1) -> float:
    """Best rate of `product`, one finished n x n by n x n product, over about `seconds`.

    The best and not the mean: a neighbour on the machine can only make a product slower.
    """
    product()
    best, end = float("inf"), time.perf_counter() + seconds
    while True:
        start = time.perf_counter()
        product()
        now = time.perf_counter()
        best = min(best, now - start)
        if now >= end:
            return 2 * n**3 / best / 1e9
