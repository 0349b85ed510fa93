"""The processes of a comparison: each side runs its own files, nothing is installed.

A side's process has its folder as working directory and first on its path, and runs probe.py. Like
everything that it is compared with, it is bound to one core.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.errors import UsageError, strip_paths
from benchmarks.measure import threads
from benchmarks.measure.data import generate_data
from benchmarks.paths import ROOT
from benchmarks.plan.workloads import read_workloads

PROBE = Path(__file__).with_name("probe.py")
LIMIT_S = 120.0  # for one answer
REPEAT_S = 0.004  # per timed repeat: long for the clock, short for the machine's states
# The workload for each purpose. Full batches and fixed order make batch orders unnecessary.
WORKLOADS = {
    "small": ("step-2-64-3-b300-sgd", "float32"),
    "large": ("step-784-512-256-10-b128-sgd", "float32"),
    "whole": ("spiral", "float32"),
    "exact": ("step-2-64-3-b32-sgd", "float64"),
}


class Broken(Exception):
    """A side's process ended without an answer; the text says why."""


@dataclasses.dataclass
class Side:
    """One side of a comparison: "base", "head", or "twin", which is base again."""

    label: str
    folder: Path
    scratch: Path
    spec: Path
    _server: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start a process that builds its models and then waits for requests."""
        self._server = self._open("serve")
        self._read(self._server)

    def stop(self) -> None:
        """End the process that `start` started."""
        if self._server is not None:
            _end(self._server)
            self._server = None

    def time(self, quantity: str) -> float:
        """Return the seconds of one repeat in the started process."""
        assert self._server is not None and self._server.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._server.stdin.write(json.dumps({"quantity": quantity}) + "\n")
            self._server.stdin.flush()
        return self._read(self._server)["seconds"]

    def run_once(self) -> dict[str, Any]:
        """Run a whole program, timed from outside."""
        began = time.perf_counter()
        process = self._open("once")
        try:
            answer = self._read(process)
            code = process.wait(LIMIT_S)
            answer["total_s"] = time.perf_counter() - began
        finally:
            _end(process)
        if code:
            raise Broken(f"{self.label} ended with exit code {code}")
        return answer

    def ask(self, mode: str) -> dict[str, Any]:
        """Run a mode that gives one answer, and return it."""
        process = self._open(mode)
        try:
            return self._read(process)
        finally:
            _end(process)

    def _open(self, mode: str) -> subprocess.Popen[str]:
        log = self.scratch / f"{mode}.log"
        with pin_children(), open(log, "w", encoding="utf-8") as errors:
            return subprocess.Popen(
                [sys.executable, "-P", str(PROBE), mode, str(self.spec)],
                cwd=self.folder,
                env=_make_environment(self.folder, self.scratch),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )

    def _read(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        assert process.stdout is not None
        late = threading.Timer(LIMIT_S, process.kill)
        late.start()
        try:
            answer = json.loads(process.stdout.readline())
        except ValueError:
            answer = None
        finally:
            late.cancel()
        if not isinstance(answer, dict):
            _end(process)
            raise Broken(f"{self.label}: {self._find_reason()}")
        return answer

    def _find_reason(self) -> str:
        newest = max(self.scratch.glob("*.log"), key=lambda log: log.stat().st_mtime)
        lines = newest.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return strip_paths(lines[-1]) if lines else "its process ended without an answer"


def _end(process: subprocess.Popen[str]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()  # a process that serves ends with its input
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def pin_children() -> Iterator[None]:
    """Bind processes started inside to one core; this process returns to its own cores."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    threads.pin(1)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _make_environment(folder: Path, scratch: Path) -> dict[str, str]:
    """Put the side's files first; what it lacks (as a plug-in's checkout) comes from here."""
    parts = [folder, folder / "src", ROOT]
    path = os.pathsep.join(str(part) for part in parts if part.is_dir())
    return threads.child_environment(1, str(scratch), path, os.environ)


def write_spec(system: str, folder: Path) -> Path:
    """Draw the data, and write the spec of all sides' processes; `calibrate` sets the epochs."""
    import numpy as np

    spec: dict[str, Any] = {"system": system, "workloads": {}}
    workloads = read_workloads()
    for name, (workload_name, dtype) in WORKLOADS.items():
        workload = workloads[workload_name]
        place = folder / name
        place.mkdir(parents=True)
        drawn = generate_data(workload, 0, dtype)
        arrays = drawn.arrays | {f"weights{i}": array for i, array in enumerate(drawn.weights)}
        for key, array in arrays.items():
            np.save(place / f"{key}.npy", array)
        spec["workloads"][name] = {
            "workload": dataclasses.asdict(workload),
            "dtype": dtype,
            "folder": str(place),
            "n_classes": drawn.n_classes,
            "weights": len(drawn.weights),
        }
    path = folder / "spec.json"
    path.write_text(json.dumps(spec), encoding="utf-8")
    return path


def calibrate(path: Path, counts: Mapping[str, Any]) -> None:
    """Set the epochs and predictions of a repeat, so that it takes REPEAT_S at base's speed."""
    spec = json.loads(path.read_text(encoding="utf-8"))
    for name, seconds in counts["epoch_s"].items():
        spec["workloads"][name]["workload"]["epochs"] = max(1, math.ceil(REPEAT_S / seconds))
    predictions = max(1, math.ceil(REPEAT_S / counts["predict_one_s"]))
    spec["workloads"]["small"]["predictions"] = predictions
    path.write_text(json.dumps(spec), encoding="utf-8")


def check_files(side: Side, system: str, files: Mapping[str, str | None]) -> None:
    """Raise UsageError if the code that ran is not this side's own."""
    own = (side.folder / "mapicx").is_dir()
    for name, file in files.items():
        if name == "mapicx" and not own:
            continue  # a plug-in's repository: the engine is not what is compared
        if name.split(".")[0] == "baselines" and not (side.folder / "baselines").is_dir():
            raise UsageError(f"{side.label} does not hold the system {system}")
        if file is None or not Path(file).resolve().is_relative_to(side.folder.resolve()):
            raise UsageError(
                f"{side.label}: {name} was imported from elsewhere, so nothing can be compared;"
                " an installed copy hides the revision's: uninstall it, or install with -e"
            )
