"""One trial, in this process, from exec to one row on the pipe.

    python -m benchmarks.measure.worker SPEC     SPEC is JSON, written by executors.py

Only the standard library is imported until the system loads its framework, so that what the
process costs is what the system costs. The row travels over its own pipe: nothing that a
framework prints can spoil it.
"""

import sys

STARTED_WITH = frozenset(sys.modules)  # an environment's start-up hooks are not the system's

import contextlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import time  # noqa: E402

import baselines  # noqa: E402
from baselines.contract import Workload  # noqa: E402
from benchmarks.measure import isolation, threads  # noqa: E402
from benchmarks.measure.data import Drawn, read_weights  # noqa: E402
from benchmarks.measure.score import (  # noqa: E402
    Diverged,
    Invalid,
    as_losses,
    finite_weights,
    scores,
)

WARM_REPEATS, WARM_LIMIT_S = 3, 5.0
GRID = 60  # points per side of the picture of the decision boundary


class Stopwatch:
    """Seconds of each phase, wall and CPU."""

    def __init__(self):
        self.wall, self.cpu = {}, {}

    @contextlib.contextmanager
    def phase(self, name):
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.wall[name] = time.perf_counter() - wall
            self.cpu[name] = time.process_time() - cpu


def run(spec, row):
    """Fill `row` with what this trial's measure asks for. Exceptions become its status."""
    ready = time.perf_counter()
    measure = spec["measure"]
    isolation.hide(**spec["hidden"])
    workload = Workload(**spec["workload"])
    clock = Stopwatch()
    probe = clock
    if measure == "memory":
        from benchmarks.measure.memory import HighWater

        probe = HighWater()
        with probe.phase("numpy"):
            import numpy  # noqa: F401  (a phase of its own: every framework needs it)
    try:
        trial = Trial(spec, workload, probe)
        trial.train()
        row["cpu_s"] = time.process_time()
        row["context_switches"] = _involuntary_switches()
        if measure == "parity":
            row.update(trial.parity())
        else:
            row["measured_until"] = time.time()
            row.update(trial.scored())
        if measure == "time":
            row["time_start_s"] = ready - spec["exec_at"]
            row.update(_times(clock.wall))
            began = time.perf_counter()
            row.update(trial.repeated(clock))
            row["excluded_s"] = trial.scoring_s + time.perf_counter() - began
            row["defect"] = threads.cap_defect(
                spec["threads"], clock.cpu["train"], clock.wall["train"]
            )
        elif measure == "accuracy":
            trial.save(losses=as_losses(trial.system.losses))
    finally:
        if measure == "memory":
            row.update(probe.fields())
    if measure == "memory":  # its own import comes after every figure
        from benchmarks.measure.loaded import loaded

        row.update(loaded(STARTED_WITH))


class Trial:
    """A system with its data, taken through the contract's phases."""

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
                self.data = Drawn(spec["data"], workload)
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

    def repeated(self, clock):
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
        from benchmarks.measure.parity import largest_difference, tolerance

        reference = baselines.system("numpy-plain")(
            self.workload, seed=0, threads=1, dtype="float64"
        )
        reference.load()
        reference.build(self.data, self.weights)
        reference.train(record=True)
        difference = largest_difference(self.system, reference)
        pools = threads.pools(self.spec["threads"])
        return {
            **pools,
            "parity_max_abs": difference if difference < float("inf") else None,
            "comparable": difference <= tolerance(self.workload),
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


def _times(wall):
    return {
        "time_import_s": wall["import"],
        "time_data_s": wall["data"],
        "time_build_s": wall["build"],
        "time_train_cold_s": wall["train"],
        "time_predict_s": wall["predict"],
    }


def _involuntary_switches():
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _foreign_modules():
    """Top-level modules that were loaded beside the standard library and this project."""
    own = {"baselines", "benchmarks", "mapicx", "__main__", "__mp_main__"}
    roots = {name.partition(".")[0] for name in sys.modules.keys() - STARTED_WITH}
    return sorted(roots - own - sys.stdlib_module_names)


def outcome(error):
    """(status, reason) of an exception."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    if isinstance(error, ImportError):
        return "unavailable", text
    if isinstance(error, (Diverged, FloatingPointError)):
        return "diverged", text
    if isinstance(error, Invalid):
        return "invalid", text
    return "crashed", text


def main():
    spec = json.loads(sys.argv[1])
    cores = threads.pin(spec["threads"], spec["slot"])
    row = {"status": "ok", "reason": None, "cores": cores}
    try:
        run(spec, row)
    except (Exception, SystemExit) as error:
        row["status"], row["reason"] = outcome(error)
    defect = row.pop("defect", None)
    if row["status"] == "ok" and defect:
        row["status"], row["reason"] = "invalid", defect
    row["modules"] = _foreign_modules()
    text = json.dumps({**row, "ended_at": time.perf_counter()}) + "\n"
    with contextlib.suppress(OSError), os.fdopen(spec["row_pipe"], "w") as pipe:
        pipe.write(text)


if __name__ == "__main__":
    main()
