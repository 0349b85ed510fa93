"""Take a system and its data through the contract's phases, as each measure requires.

Standard library only until the system loads its framework; see worker.py.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import baselines
from baselines.contract import Workload
from benchmarks.measure import threads
from benchmarks.measure.data import Data, read_weights
from benchmarks.measure.score import check_weights, convert_losses, score_system

WARM_MAX = 200  # most trainings after the first
ONE_ROW_S = 0.2  # spent on predictions of one row
GRID = 60  # points per side of the picture of the decision boundary


class Probe(Protocol):
    """What observes the phases: a stopwatch, or peak memory."""

    def phase(self, name: str) -> AbstractContextManager[None]: ...


class MeasuredSystem:
    """A system built on its data. Its methods run the later phases, in this order.

    Parameters
    ----------
    spec : mapping
        The trial, as trial_runner.py describes it.
    workload : Workload
        The workload to train.
    probe : Probe
        The observer of the phases.
    """

    def __init__(self, spec: Mapping[str, Any], workload: Workload, probe: Probe) -> None:
        self.spec, self.workload, self.probe = spec, workload, probe
        with probe.phase("import"):
            system: Any = baselines.system(spec["system"])
            arguments = {key: spec[key] for key in ("seed", "threads", "dtype")}
            self.system = system(workload, **arguments)
            self.system.load()
        self.data: Data | None = None
        self.weights: list[Any] | None = None
        self.predicted: Any = None
        self.counted: dict[str, Any] = {}
        self.scoring_s = 0.0
        self._compiled: int | None = None  # compilations before the warm trainings
        with probe.phase("data"):
            if self.system.requires:  # a system that requires nothing cannot hold an array
                self.data = Data(spec["data"], workload)
                if spec["measure"] == "parity":
                    from benchmarks.measure.parity import limit_inputs

                    limit_inputs(self.data)
                if self.system.family == "network" or spec["system"] in baselines.TWINS:
                    self.weights = read_weights(spec["data"])
        with probe.phase("build"):
            self.system.build(self.data, self.weights)

    def train(self) -> None:
        """Run the cold training and predict all test rows."""
        with self.probe.phase("train"):
            self.system.train(record=self.spec["measure"] == "parity")
        self.counted = {
            "parameters": sum(array.size for array in self.system.get_weights() or ()) or None,
            "steps": self.system.steps or None,
            "samples_seen": self.system.samples_seen or None,
            "compilations": self.system.compilations(),
        }
        with self.probe.phase("predict"):
            self.predicted = None if self.data is None else self.system.predict(self.data.X_test)

    def score(self) -> dict[str, Any]:
        """Return counters and, for a system that predicts, the cold-trained model's scores."""
        began = time.perf_counter()
        row = dict(self.counted)
        if self.predicted is not None and self.data is not None:
            check_weights(self.system)
            row.update(score_system(self.system, self.data, self.workload.task, self.predicted))
            row["ceiling"] = self.data.ceiling
        self.scoring_s = time.perf_counter() - began
        return row

    def repeat(self) -> dict[str, Any]:
        """Time warm trainings and single predictions; in the first block, draw the picture, too."""
        row = {"time_predict_one_s": self._time_one_prediction()}
        arrays = self._draw_boundary() if self.spec["first_block"] else {}
        durations = self._train_again()
        if durations:
            arrays["warm_s"] = durations
            row.update(self._describe_warm(durations))
        if self.spec["first_block"]:
            measure_product = getattr(self.system, "gemm_gflops", None)
            row["gemm_gflops"] = None if measure_product is None else measure_product()
            if self.system.family == "network":
                self.system.reset(self.weights)
                self.system.train(record=True)
                arrays["losses"] = convert_losses(self.system.losses)
        self.save_arrays(**arrays)
        if self.spec["system"] == "matmul":
            row.update(threads.inspect_pools(self.spec["threads"]))
        return row

    def _train_again(self) -> list[float]:
        """Return seconds of trainings after reset(), as many as the spec says; at least one."""
        if not self.system.requires:
            return []
        warm = self.spec["warm"]
        self._compiled = self.system.compilations()
        durations: list[float] = []
        began = time.perf_counter()
        while not durations or (
            (passed := time.perf_counter() - began) < warm["limit_s"]
            and (passed < warm["seconds"] / self.spec["repeats"] or len(durations) < warm["least"])
            and len(durations) < WARM_MAX
        ):
            self.system.reset(self.weights)
            start = time.perf_counter()
            self.system.train()
            durations.append(time.perf_counter() - start)
        return durations

    def _describe_warm(self, durations: list[float]) -> dict[str, Any]:
        ordered, steps = sorted(durations), self.counted["steps"]
        median = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
        before, after = self._compiled, self.system.compilations()
        return {
            "time_train_warm_s": median,
            "time_train_warm_low_s": ordered[(len(ordered) - 1) // 4],
            "time_step_warm_s": median / steps if steps else None,
            "warm_trainings": len(durations),
            "compiled_again": None if before is None else after > before,
        }

    def _time_one_prediction(self) -> float | None:
        """Return the median seconds of predicting one row: up to 30 calls in limited time."""
        if self.predicted is None or self.data is None:
            return None
        row, began = self.data.X_test[:1], time.perf_counter()
        limit = ONE_ROW_S / self.spec["repeats"]
        durations: list[float] = []
        self.system.predict(row)  # the first call of a shape may compile
        while len(durations) < 30 and (not durations or time.perf_counter() - began < limit):
            start = time.perf_counter()
            self.system.predict(row)
            durations.append(time.perf_counter() - start)
        return sorted(durations)[len(durations) // 2]

    def _draw_boundary(self) -> dict[str, Any]:
        """Return class probabilities (or labels) on a grid over training rows of two features."""
        if self.predicted is None or self.data is None or self.data.X_train.shape[1] != 2:
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

    def check_parity(self) -> dict[str, Any]:
        """Compare with numpy-plain in this process; it needs only NumPy, which is present."""
        from benchmarks.measure.parity import choose_tolerance, find_largest_difference

        plain: Any = baselines.system("numpy-plain")
        reference = plain(self.workload, seed=0, threads=1, dtype="float64")
        reference.load()
        reference.build(self.data, self.weights)
        reference.train(record=True)
        ours, theirs = (
            [[float(loss) for loss in trained.losses], *trained.get_weights()]
            for trained in (self.system, reference)
        )
        difference = find_largest_difference(ours, theirs)
        pools = threads.inspect_pools(self.spec["threads"])
        return {
            **pools,
            "parity_max_abs": difference if difference < float("inf") else None,
            "comparable": difference <= choose_tolerance(self.workload),
        }

    def save_arrays(self, **arrays: Any) -> None:
        """Write the arrays to disk, before the row is written."""
        if not arrays:
            return
        import numpy as np

        path = self.spec["arrays"]
        with open(path + ".part", "wb") as file:
            np.savez_compressed(file, **arrays)
        os.replace(path + ".part", path)
