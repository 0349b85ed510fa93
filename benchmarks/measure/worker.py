"""Run one trial in this process, from exec to one row on the pipe.

    python -m benchmarks.measure.worker SPEC     SPEC is JSON, written by trial_runner.py

Only the standard library is imported until the system loads its framework, so that what the
process costs is what the system costs. The row has its own pipe, so that nothing a framework
prints can spoil it. The seeds of an accuracy trial share a process, with a row for each.
"""

import sys

STARTED_WITH = frozenset(sys.modules)  # modules of start-up hooks are not the system's

import contextlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import re  # noqa: E402
import time  # noqa: E402
from collections.abc import Collection, Iterator  # noqa: E402
from importlib.machinery import PathFinder  # noqa: E402
from typing import Any  # noqa: E402

from baselines.contract import Workload  # noqa: E402
from benchmarks.measure import threads  # noqa: E402
from benchmarks.measure.phases import MeasuredSystem  # noqa: E402
from benchmarks.measure.score import Diverged, Invalid  # noqa: E402

HARNESS = frozenset({"baselines", "benchmarks", "__main__", "__mp_main__"})
SHARED_OBJECT = re.compile(r"/\S.*\.so(?:\.\d+)*(?: \(deleted\))?$")


class Stopwatch:
    """Seconds of each phase, wall and CPU."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}
        self.cpu: dict[str, float] = {}

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time the `with` block under this name."""
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.wall[name] = time.perf_counter() - wall
            self.cpu[name] = time.process_time() - cpu


class Finder:
    """The interpreter's path finder, except that it hides some modules and distributions."""

    def __init__(self, modules: Collection[str], distributions: Collection[str]) -> None:
        self.modules, self.distributions = frozenset(modules), frozenset(distributions)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if path is None and name in self.modules:
            return None
        return PathFinder.find_spec(name, path, target)

    def find_distributions(self, *context: Any) -> Iterator[Any]:
        for distribution in PathFinder.find_distributions(*context):
            if _normalise(distribution.name) not in self.distributions:
                yield distribution

    def __getattr__(self, name: str) -> Any:
        return getattr(PathFinder, name)


def hide(modules: Collection[str], distributions: Collection[str]) -> None:
    """Make these impossible to find from now on; what is loaded stays."""
    sys.meta_path[sys.meta_path.index(PathFinder)] = Finder(modules, distributions)


def _normalise(name: str) -> str:
    """Return a distribution's name as the packaging standards compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def run_trial(spec: dict[str, Any], row: dict[str, Any]) -> None:
    """Fill `row` with the figures of this trial's measure. Exceptions become its status."""
    ready = time.perf_counter()
    measure = spec["measure"]
    workload = Workload(**spec["workload"])
    clock, memory = Stopwatch(), None
    if measure == "memory":
        from benchmarks.measure.memory import HighWater

        memory = HighWater()
        with memory.phase("numpy"):
            import numpy  # noqa: F401  (a phase of its own: every framework needs it)
    try:
        measured = MeasuredSystem(spec, workload, memory or clock)
        measured.train()
        row["cpu_s"] = time.process_time()
        row["context_switches"] = _count_switches()
        if measure == "parity":
            row.update(measured.check_parity())
        else:
            row["measured_until"] = time.time()
            row.update(measured.score())
        if measure == "time":
            row["time_start_s"] = ready - spec["exec_at"]
            phases = ("import", "data", "build", "predict")
            row.update({f"time_{name}_s": clock.wall[name] for name in phases})
            row["time_train_cold_s"] = clock.wall["train"]
            began = time.perf_counter()
            row.update(measured.repeat())
            row["excluded_s"] = measured.scoring_s + time.perf_counter() - began
            row["defect"] = threads.find_cap_defect(
                spec["threads"], clock.cpu["train"], clock.wall["train"]
            )
    finally:
        if memory is not None:
            row.update(memory.list_fields())
    if memory is not None:
        row.update(count_loaded())


def count_loaded(started_with: Collection[str] = STARTED_WITH) -> dict[str, int | None]:
    """Count what this process holds at its end: imported modules and mapped shared libraries."""
    names = sys.modules.keys() - set(started_with)
    return {
        "modules_imported": sum(name.partition(".")[0] not in HARNESS for name in names),
        "shared_objects": count_shared_objects(),
    }


def count_shared_objects() -> int | None:
    """Count distinct shared libraries in memory; None where the system does not list them."""
    try:
        with open("/proc/self/maps", errors="replace") as maps:
            matches = (SHARED_OBJECT.search(line.rstrip("\n")) for line in maps)
            return len({match[0] for match in matches if match})
    except OSError:
        return None


def _count_switches() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _list_foreign_modules() -> list[str]:
    """List loaded top-level modules outside the standard library and this project."""
    roots = {name.partition(".")[0] for name in sys.modules.keys() - STARTED_WITH}
    return sorted(roots - HARNESS - {"mapicx"} - sys.stdlib_module_names)


def judge_error(error: BaseException) -> tuple[str, str]:
    """Return (status, reason) for an exception."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    if isinstance(error, ImportError):
        return "unavailable", text
    if isinstance(error, (Diverged, FloatingPointError)):
        return "diverged", text
    if isinstance(error, Invalid):
        return "invalid", text
    return "crashed", text


def _plain(value: Any) -> Any:
    """Convert a framework's scalar to Python's own, and anything else to its text."""
    return value.item() if hasattr(value, "item") else str(value)


def measure_row(spec: dict[str, Any]) -> dict[str, Any]:
    """Run one trial and return the row to send; an exception becomes the row's status."""
    row: dict[str, Any] = {"status": "ok", "reason": None}
    try:
        run_trial(spec, row)
    except (Exception, SystemExit) as error:
        row["status"], row["reason"] = judge_error(error)
    defect = row.pop("defect", None)
    if row["status"] == "ok" and defect:
        row["status"], row["reason"] = "invalid", defect
    row["modules"] = _list_foreign_modules()
    return row


def main() -> None:
    """Run the trial of the command line and send its row, or one for each of its seeds."""
    spec = json.loads(sys.argv[1])
    cores = threads.pin(spec["threads"], spec["slot"])
    hide(**spec["hidden"])
    with contextlib.suppress(OSError), os.fdopen(spec["pipe"], "w") as pipe:
        for draw in spec["draws"]:
            row = {"cores": cores, **measure_row({**spec, **draw}), "ended_at": time.perf_counter()}
            pipe.write(json.dumps(row, default=_plain) + "\n")
            pipe.flush()


if __name__ == "__main__":
    main()
