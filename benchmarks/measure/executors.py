"""Runs one trial on this machine and always returns exactly one row."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import baselines
from baselines.contract import Workload
from benchmarks.measure import endings, isolation, parity, process, threads
from benchmarks.measure.closure import ALSO
from benchmarks.measure.sampler import Sampler
from benchmarks.plan import workloads as catalogue
from benchmarks.plan.trials import Trial
from benchmarks.record.schema import FIELDS

ROOT = Path(__file__).resolve().parents[2]


class DrawingFailed(Exception):
    """A data set could not be made; the text says why."""


class Local:
    """Trials on this machine, one after the other, each in a fresh process.

    `facts` (run_id, machine_id, versions) go into every row. Data are drawn once for each
    workload, seed and dtype, and live in a temporary folder until `close`. `source` is the file
    of a user's table.
    """

    def __init__(
        self,
        workloads: Mapping[str, Workload],
        requires: Mapping[str, tuple[str, ...]],
        facts: Mapping[str, Any],
        *,
        timeout: float = 120.0,
        memory_limit: int | None = None,
        source: Path | None = None,
    ) -> None:
        self.workloads, self.requires, self.facts = workloads, requires, facts
        self.timeout, self.memory_limit, self.source = timeout, memory_limit, source
        self._drawn = tempfile.TemporaryDirectory(prefix="mapicx-data-")
        self._drawing = threading.Lock()

    def close(self) -> None:
        """Remove the data sets."""
        self._drawn.cleanup()

    def run(self, trial: Trial, arrays: Path, *, extras: bool, slot: int = 0) -> dict[str, Any]:
        """One row, whatever happens; only KeyboardInterrupt passes.

        extras: also write the arrays and figures that one block of a run is enough for.
        slot: which cores, counted from the last, so that trials at the same time do not share.
        """
        try:
            row = self._run(trial, arrays, extras, slot)
        except DrawingFailed as error:
            row = {**self._identity(trial), "status": "crashed", "reason": str(error)}
        return {key: value for key, value in row.items() if key in FIELDS}

    def _run(self, trial: Trial, arrays: Path, extras: bool, slot: int) -> dict[str, Any]:
        row = self._identity(trial)
        steal = _steal_s()
        workload = self.workloads[trial.workload]
        if trial.measure == "parity":
            workload = parity.reduced(workload)
        sampler: list[Sampler] = []
        with tempfile.TemporaryDirectory(prefix="mapicx-trial-") as scratch:
            spec = {
                "system": trial.system,
                "workload": dataclasses.asdict(workload),
                "seed": trial.seed,
                "threads": trial.threads,
                "dtype": trial.dtype,
                "measure": trial.measure,
                "data": str(self._data(workload, trial.seed, trial.dtype)),
                "arrays": str(arrays),
                "slot": slot,
                "hidden": self._hidden(trial.system),
                "first_block": extras and trial.measure == "time",
            }

            def command(pipe: int, started: float) -> list[str]:
                text = json.dumps({**spec, "row_pipe": pipe, "exec_at": started})
                return [sys.executable, "-P", "-m", "benchmarks.measure.worker", text]

            row["started_at"] = _now()
            wall_start = time.time()
            end = process.run(
                command,
                environment=self.environment(trial.threads, scratch),
                folder=scratch,
                timeout=self.timeout,
                memory_limit=self.memory_limit,
                watch=(
                    (lambda child: sampler.append(Sampler(child)))
                    if trial.measure == "memory"
                    else None
                ),
            )
        row.update(
            endings.fields(end, self.timeout, self.memory_limit, self.requires.get(trial.system))
        )
        if steal is not None:
            row["steal_s"] = max(0.0, (_steal_s() or 0.0) - steal)
        until = row.pop("measured_until", None)
        if sampler:
            row.update(_sampled(sampler[0], until, wall_start, arrays))
        return row

    def bare_interpreter_s(self) -> float:
        """Seconds of `python -c pass` in a trial's environment: what noop is compared with."""
        with tempfile.TemporaryDirectory(prefix="mapicx-trial-") as scratch:
            end = process.run(
                lambda pipe, started: [sys.executable, "-P", "-c", "pass"],
                environment=self.environment(1, scratch),
                folder=scratch,
                timeout=self.timeout,
            )
        return end.ended - end.started

    @staticmethod
    def environment(threads_count: int, scratch: str) -> dict[str, str]:
        """A trial's environment; the project itself is found through PYTHONPATH."""
        return threads.child_environment(threads_count, scratch, str(ROOT), os.environ)

    def _identity(self, trial: Trial) -> dict[str, Any]:
        requires = self.requires.get(trial.system, ())
        versions = self.facts["versions"]
        return {
            **dataclasses.asdict(trial),
            "trial_id": trial.trial_id,
            "run_id": self.facts["run_id"],
            "machine_id": self.facts["machine_id"],
            "system_version": ", ".join(
                f"{name} {versions[name]}"
                for asked in requires
                if (name := asked if asked in versions else ALSO.get(asked)) in versions
            ),
            "system_digest": system_digest(trial.system),
            "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            "cpu_mhz": _cpu_mhz(),
        }

    def _hidden(self, system: str) -> dict[str, list[str]]:
        if system not in baselines.BUILT_IN:
            return {"modules": [], "distributions": []}
        return isolation.hidden(tuple(self.requires.get(system, ())))

    def _data(self, workload: Workload, seed: int, dtype: str) -> Path:
        folder = Path(self._drawn.name) / f"{catalogue.digest(workload)}-{seed}-{dtype}"
        with self._drawing:
            self._draw(folder, workload, seed, dtype)
        return folder

    def _draw(self, folder: Path, workload: Workload, seed: int, dtype: str) -> None:
        if not folder.exists():
            half = folder.with_suffix(".part")
            spec = {
                "folder": str(half),
                "workload": dataclasses.asdict(workload),
                "seed": seed,
                "dtype": dtype,
                "source": str(self.source) if self.source else None,
            }
            end = process.run(
                lambda *_: [
                    sys.executable,
                    "-P",
                    "-m",
                    "benchmarks.measure.data",
                    json.dumps(spec),
                ],
                environment=self.environment(1, self._drawn.name),
                folder=self._drawn.name,
                timeout=self.timeout,
            )
            if end.exit_code != 0:
                raise DrawingFailed(f"the data could not be drawn: {endings.death(end)}")
            half.rename(folder)


def system_digest(name: str) -> str | None:
    """Hash of the file that defines a built-in system; None for a plug-in."""
    if name not in baselines.BUILT_IN:
        return None
    module = ROOT / Path(*baselines.BUILT_IN[name][0].split(".")).with_suffix(".py")
    return hashlib.sha256(module.read_bytes()).hexdigest()[:12] if module.exists() else None


def _sampled(
    sampler: Sampler, until: float | None, wall_start: float, arrays: Path
) -> dict[str, Any]:
    """The sampled peak for the row; the curve goes to the trial's arrays."""
    import numpy as np

    curve = sampler.curve(until)
    if not curve:
        return {}
    part = arrays.with_suffix(".part")
    with part.open("wb") as file:
        np.savez_compressed(
            file,
            memory_s=np.array([moment - wall_start for moment, _ in curve]),
            memory_bytes=np.array([size for _, size in curve]),
        )
    part.replace(arrays)
    return {"memory_sampled_peak_bytes": max(size for _, size in curve)}


def _steal_s() -> float | None:
    """Seconds that the hypervisor has taken from this machine's cores so far; None: unknown."""
    try:
        with open("/proc/stat") as stat:
            return int(stat.readline().split()[8]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return None


def _cpu_mhz() -> float | None:
    """Mean clock of the cores now; None where the system does not show it."""
    try:
        with open("/proc/cpuinfo") as info:
            clocks = [float(line.partition(":")[2]) for line in info if line.startswith("cpu MHz")]
    except (OSError, ValueError):
        return None
    return sum(clocks) / len(clocks) if clocks else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
