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

from baselines.contract import Workload  # noqa: E402
from benchmarks.measure import isolation, threads  # noqa: E402
from benchmarks.measure.score import Diverged, Invalid, as_losses  # noqa: E402
from benchmarks.measure.trial import Trial  # noqa: E402


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
            row.update(trial.repeated())
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
