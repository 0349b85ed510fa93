"""One side of a comparison, in its own process: only the standard library and that side's code.

    python -P probe.py MODE SPEC     SPEC: a JSON file written by sides.py

serve   builds the side's models, then answers {"quantity": ...} with the seconds of one repeat
once    a whole short program: import, build, train, predict; then it ends
counts  what does not depend on the clock: calls, allocations, final weights
numpy   how many NumPy functions one step calls by name

Answers are JSON lines on the original standard output; what the system prints goes to stderr.
"""

import sys

STARTED_WITH = frozenset(sys.modules)

import gc  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from typing import Any  # noqa: E402

SHORT, LONG = 20, 40  # steps of two trainings, compared to find the cost of the extra steps
ARRAYS = ("X_train", "y_train", "X_test", "y_test")


class Data:
    """The contract's data, read from a folder: full batches, no posterior."""

    ceiling = None
    X_train: Any
    y_train: Any
    X_test: Any
    y_test: Any

    def __init__(self, folder: str, n_classes: int) -> None:
        import numpy as np

        self.n_classes = n_classes
        for name in ARRAYS:
            setattr(self, name, np.load(os.path.join(folder, f"{name}.npy")))

    def batches(self, epoch: int) -> list[slice]:
        """Return all rows as one batch."""
        return [slice(None)]

    def posterior(self, X: Any) -> None:
        """Return None: unknown."""
        return None


class Subject:
    """The system under test on one workload, loaded and built."""

    def __init__(self, spec: dict[str, Any], name: str, **changed: Any) -> None:
        import baselines
        from baselines.contract import Workload

        entry = spec["workloads"][name]
        workload = Workload(**{**entry["workload"], **changed})
        kind: Any = baselines.system(spec["system"])
        refusal = kind.supports(workload)
        if refusal:
            raise SystemExit(f"{spec['system']} does not support {workload.name}: {refusal}")
        self.system = kind(workload, seed=0, threads=1, dtype=entry["dtype"])
        began = time.perf_counter()
        self.system.load()
        self.load_s = time.perf_counter() - began
        self.data = Data(entry["folder"], entry["n_classes"])
        self.weights = None
        if kind.family == "network" or spec["system"] in getattr(baselines, "TWINS", ()):
            import numpy as np

            files = (f"weights{i}.npy" for i in range(entry["weights"]))
            self.weights = [np.load(os.path.join(entry["folder"], file)) for file in files]
        self.system.build(self.data, self.weights)
        self.predictions = entry.get("predictions", 1)

    def time_training(self) -> float:
        """Return seconds per step of a training from the start weights."""
        self.system.reset(self.weights)
        began = time.perf_counter()
        self.system.train()
        return (time.perf_counter() - began) / max(1, self.system.steps)

    def time_prediction(self) -> float:
        """Return the seconds that predicting one row takes."""
        row, predict = self.data.X_test[:1], self.system.predict
        began = time.perf_counter()
        for _ in range(self.predictions):
            predict(row)
        return (time.perf_counter() - began) / self.predictions


def serve(spec: dict[str, Any], answer: Callable[[Any], None]) -> None:
    """Time one repeat of each quantity that is requested, until the input ends."""
    subjects = {name: Subject(spec, name) for name in ("small", "large")}
    timers = {
        "step_small_s": subjects["small"].time_training,
        "step_large_s": subjects["large"].time_training,
        "predict_one_s": subjects["small"].time_prediction,
    }
    for timer in timers.values():
        timer()  # the first repeat compiles and records
    answer({"ready": True})
    for line in sys.stdin:
        answer({"seconds": timers[json.loads(line)["quantity"]]()})


def run_once(spec: dict[str, Any], answer: Callable[[Any], None]) -> None:
    """Run a program as users write it, from import to score."""
    began = time.perf_counter()
    import baselines

    baselines.system(spec["system"])
    imported = time.perf_counter() - began
    subject = Subject(spec, "whole")
    subject.system.train()
    labels = subject.system.predict(subject.data.X_test)
    answer({
        "import_s": imported + subject.load_s,
        "accuracy": float((labels == subject.data.y_test).mean()),
        "peak_bytes": read_peak(),
        "modules": len(set(sys.modules) - STARTED_WITH),
    })  # fmt: skip


def count(spec: dict[str, Any], answer: Callable[[Any], None]) -> None:
    """Count Python calls and allocations of steady steps; report final weights and code files."""
    steady = [Subject(spec, "small", epochs=epochs) for epochs in (SHORT, LONG)]
    seconds = {name: time_epochs(Subject(spec, name)) for name in ("small", "large")}
    subject = Subject(spec, "small")
    subject.time_prediction()
    exact = Subject(spec, "exact", epochs=SHORT)
    exact.system.train()
    weights = exact.system.get_weights()
    answer({
        "files": find_files(type(subject.system)),
        "epoch_s": seconds,
        "predict_one_s": subject.time_prediction(),
        "python_calls": per_step(steady, count_calls),
        "allocated_bytes": measure_allocations(steady[1]),
        "weights": None if weights is None else [array.tolist() for array in weights],
    })  # fmt: skip


def count_numpy(spec: dict[str, Any], answer: Callable[[Any], None]) -> None:
    """Count calls of NumPy's functions by name in a steady step; operators are not seen."""
    import numpy as np
    import numpy.ma  # reads docstrings of functions that are replaced below

    counted: dict[int, Counted] = {}
    for name in dir(np):
        function = getattr(np, name)
        if callable(function) and not isinstance(function, type) and name[0] != "_":
            setattr(np, name, counted.setdefault(id(function), Counted(function)))
    steady = [Subject(spec, "small", epochs=epochs) for epochs in (SHORT, LONG)]

    def count_one(run: Callable[[], None]) -> int:
        before = Counted.calls
        run()
        return Counted.calls - before

    answer({"numpy_calls": per_step(steady, count_one)})


class Counted:
    """A NumPy function that counts its calls; to `isinstance` it is the original function."""

    calls = 0

    def __init__(self, function: Any) -> None:
        self._function = function
        self._parts: dict[str, Any] = {}

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._function)

    def __call__(self, *args: Any, **options: Any) -> Any:
        Counted.calls += 1
        return self._function(*args, **options)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._function, name)
        if not callable(value) or name[:2] == "__" or name == "resolve_dtypes":
            return value
        return self._parts.setdefault(name, Counted(value))


def per_step(steady: list[Subject], measure: Callable[[Callable[[], None]], int]) -> float:
    """Return what the longer training costs beyond the shorter one, per additional step."""
    totals, steps = [], []
    for subject in steady:
        subject.system.train()
        subject.system.reset(subject.weights)
        totals.append(measure(subject.system.train))
        steps.append(subject.system.steps)
    return (totals[1] - totals[0]) / max(1, steps[1] - steps[0])


def count_calls(run: Callable[[], None]) -> int:
    """Count calls of functions written in Python."""
    calls = 0

    def profile(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(profile)
    try:
        run()
    finally:
        sys.setprofile(None)
    return calls


def measure_allocations(subject: Subject) -> int:
    """Return by how many bytes a repeated training, at its peak, exceeds the memory before it."""
    import tracemalloc

    tracemalloc.start()
    try:
        peaks = []
        for _ in range(3):
            subject.system.reset(subject.weights)
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            subject.system.train()
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
        return min(peaks)
    finally:
        tracemalloc.stop()


def time_epochs(subject: Subject) -> float:
    """Return rough seconds of an epoch: the faster of two trainings."""
    best = min(subject.time_training() for _ in range(2))
    return best * max(1, subject.system.steps) / subject.system.workload.epochs


def find_files(kind: type) -> dict[str, str | None]:
    """Return the files of the code that is measured."""
    names = {"mapicx", kind.__module__.split(".")[0], kind.__module__}
    return {
        name: getattr(sys.modules[name], "__file__", None)
        for name in sorted(names)
        if name in sys.modules
    }


def read_peak() -> int | None:
    """Return the peak resident set of this process; None where the kernel does not report it."""
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return 1024 * int(line.split()[1])
    except OSError:
        pass
    return None


MODES = {"serve": serve, "once": run_once, "counts": count, "numpy": count_numpy}


def main(mode: str, path: str) -> None:
    """Run one mode; the system's own prints do not reach the answers."""
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(message: Any) -> None:
        pipe.write(json.dumps(message) + "\n")
        pipe.flush()

    with open(path, encoding="utf-8") as file:
        spec = json.load(file)
    MODES[mode](spec, answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
