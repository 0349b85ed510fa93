"""A system with its data, taken through the contract's phases, and what each measure asks of it.

Standard library only until the system loads its framework; see worker.py.
"""

from __future__ import annotations

import os
import time

import baselines
from benchmarks.measure import threads
from benchmarks.measure.data import Data, read_weights
from benchmarks.measure.score import as_losses, finite_weights, scores

WARM_REPEATS, WARM_LIMIT_S = 3, 5.0
GRID = 60  # points per side of the picture of the decision boundary


class MeasuredSystem:
    """The system and its data. `probe` watches the phases: a stopwatch, or peak memory."""

    def __init__(self, spec, workload, probe):
        self.spec, self.workload, self.probe = spec, workload, probe
        with probe.phase("import"):
            system = baselines.system(spec["system"])
            arguments = {key: spec[key] for key in ("seed", "threads", "dtype")}
            self.system = system(workload, **arguments)
            self.system.load()
        self.data = self.weights = None
        self.scoring_s = 0.0
        with probe.phase("data"):
            if self.system.requires:  # a system that requires nothing cannot hold an array
                self.data = Data(spec["data"], workload)
                if self.system.family == "network" or spec["system"] in baselines.TWINS:
                    self.weights = read_weights(spec["data"])
        with probe.phase("build"):
            self.system.build(self.data, self.weights)

    def train(self):
        """The cold training and the prediction of all test rows."""
        record = self.spec["measure"] in ("parity", "accuracy")
        with self.probe.phase("train"):
            self.system.train(record)
        self.counted = {
            "parameters": self._parameters(),
            "steps": self.system.steps or None,
            "samples_seen": self.system.samples_seen or None,
            "compilations": self.system.compilations(),
        }
        with self.probe.phase("predict"):
            self.predicted = None if self.data is None else self.system.predict(self.data.X_test)

    def _parameters(self):
        weights = self.system.get_weights()
        return sum(array.size for array in weights) if weights else None

    def scored(self):
        """What the cold-trained model is worth; nothing for a system that predicts nothing."""
        began = time.perf_counter()
        row = dict(self.counted)
        if self.predicted is not None:
            finite_weights(self.system)
            row.update(scores(self.system, self.data, self.workload.task, self.predicted))
            row["ceiling"] = self.data.ceiling
        self.scoring_s = time.perf_counter() - began
        return row

    def repeated(self):
        """Warm trainings, single predictions and, in the first block, the picture's arrays."""
        row = {"time_predict_one_s": self._predict_one()}
        first = self._first_block_arrays() if self.spec["first_block"] else {}
        row.update(self._warm())
        if self.spec["first_block"]:
            row["gemm_gflops"] = self._gflops()
            if self.system.family == "network":
                self.system.reset(self.weights)
                self.system.train(record=True)
                first["losses"] = as_losses(self.system.losses)
            self.save(**first)
        if self.spec["system"] == "matmul":
            row.update(threads.pools(self.spec["threads"]))
        return row

    def _warm(self):
        """Median of up to 3 trainings after reset(); none begins after 5 s, one always does."""
        if not self.system.requires:
            return {}
        before = self.system.compilations()
        durations, began = [], time.perf_counter()
        while not durations or (
            len(durations) < WARM_REPEATS and time.perf_counter() - began < WARM_LIMIT_S
        ):
            self.system.reset(self.weights)
            start = time.perf_counter()
            self.system.train()
            durations.append(time.perf_counter() - start)
        median = (
            sorted(durations)[len(durations) // 2] if len(durations) != 2 else sum(durations) / 2
        )
        steps = self.counted["steps"]
        return {
            "time_train_warm_s": median,
            "time_step_warm_s": median / steps if steps else None,
            "compiled_again": None if before is None else self.system.compilations() > before,
        }

    def _predict_one(self):
        """Median seconds of predicting one row, over at most 30 calls or a fifth of a second."""
        if self.predicted is None:
            return None
        row, durations, began = self.data.X_test[:1], [], time.perf_counter()
        self.system.predict(row)  # the first call of a shape may compile
        while len(durations) < 30 and (not durations or time.perf_counter() - began < 0.2):
            start = time.perf_counter()
            self.system.predict(row)
            durations.append(time.perf_counter() - start)
        return sorted(durations)[len(durations) // 2]

    def _first_block_arrays(self):
        """Class probabilities (or labels) on a grid over the training rows, if they are flat."""
        if self.predicted is None or self.data.X_train.shape[1] != 2:
            return {}
        import numpy as np

        X = self.data.X_train
        margin = 0.1 * np.ptp(X, axis=0)
        low, high = X.min(0) - margin, X.max(0) + margin
        x, y = (np.linspace(low[i], high[i], GRID) for i in (0, 1))
        points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(X.dtype)
        probabilities = self.system.predict_proba(points)
        arrays = {"grid_x": x, "grid_y": y, "X_train": X, "y_train": self.data.y_train}
        if probabilities is None:
            return {**arrays, "grid_labels": np.asarray(self.system.predict(points))}
        return {**arrays, "grid_proba": np.asarray(probabilities, "float32")}

    def _gflops(self):
        measured = getattr(self.system, "gemm_gflops", None)
        return measured() if measured is not None else None

    def parity(self):
        """Compare with numpy-plain in this process; it needs NumPy alone, which is here."""
        from benchmarks.measure.parity import choose_tolerance, find_largest_difference

        reference = baselines.system("numpy-plain")(
            self.workload, seed=0, threads=1, dtype="float64"
        )
        reference.load()
        reference.build(self.data, self.weights)
        reference.train(record=True)
        difference = find_largest_difference(self.system, reference)
        pools = threads.pools(self.spec["threads"])
        return {
            **pools,
            "parity_max_abs": difference if difference < float("inf") else None,
            "comparable": difference <= choose_tolerance(self.workload),
        }

    def save(self, **arrays):
        """Arrays are on disk before the row is."""
        if not arrays:
            return
        import numpy as np

        path = self.spec["arrays"]
        with open(path + ".part", "wb") as file:
            np.savez_compressed(file, **arrays)
        os.replace(path + ".part", path)
