"""Runs one trial on this machine and always returns exactly one row."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen
from typing import Any

import baselines
from baselines.contract import Workload
from benchmarks.measure import machine, parity, process
from benchmarks.measure.data import read_ceiling
from benchmarks.measure.dependencies import ALTERNATIVES, hidden_modules
from benchmarks.measure.exit_status import describe_exit, judge_exit
from benchmarks.measure.memory import Sampler
from benchmarks.paths import ROOT
from benchmarks.plan import workloads as catalogue
from benchmarks.plan.trials import Trial

ATTEMPTS = 3  # at a trial during which the harness was stopped or the machine slept


class DataFailed(Exception):
    """A data set could not be made; the text says why."""


class Local:
    """Trials on this machine, each in a fresh process.

    Data are generated once for each workload, seed and dtype, and live in a temporary folder
    until `close`.

    Parameters
    ----------
    workloads : mapping
        Every workload of the run, by name.
    requires : mapping
        What each system requires, by the system's name.
    facts : mapping
        "run_id", "machine_id" and "versions", which go into every row.
    timeout, memory_limit : float, int
        Seconds and bytes at which a trial is killed.
    source : Path
        The file of a user's table.
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
        self._folder = tempfile.TemporaryDirectory(prefix="mapicx-data-")
        self._generating = threading.Lock()
        self._ceilings: dict[str, float | None] = {}  # by data set
        Sampler.prepare()

    def close(self) -> None:
        """Remove the data sets."""
        self._folder.cleanup()

    def run_trial(
        self, trial: Trial, arrays: Path, *, extras: bool, slot: int = 0
    ) -> dict[str, Any]:
        """Give one row, whatever happens; only KeyboardInterrupt passes.

        Parameters
        ----------
        trial : Trial
            What to run.
        arrays : Path
            Where its arrays belong.
        extras : bool
            Also write the arrays and figures that one block of a run is enough for.
        slot : int
            Which cores, counted from the last, so that trials at the same time do not share.
        """
        identity = self._identify(trial)
        try:
            row = self._measure(trial, arrays, extras, slot)
        except DataFailed as error:
            row = {"status": "crashed", "reason": str(error)}
        if row["status"] != "ok":
            machine.check_disk(arrays.parent, Path(tempfile.gettempdir()))
        return {**row, **identity}

    def _measure(self, trial: Trial, arrays: Path, extras: bool, slot: int) -> dict[str, Any]:
        workload = self.workloads[trial.workload]
        if trial.measure == "parity":
            workload = parity.reduce_workload(workload)
        spec = {
            "system": trial.system,
            "workload": dataclasses.asdict(workload),
            "seed": trial.seed,
            "threads": trial.threads,
            "dtype": trial.dtype,
            "measure": trial.measure,
            "data": str(self._find_data(workload, trial.seed, trial.dtype)),
            "arrays": str(arrays),
            "slot": slot,
            "hidden": self._hidden(trial.system),
            "first_block": extras and trial.measure == "time",
        }
        samplers: list[Sampler] = []
        steal = machine.read_steal_s()

        def watch(child: Popen[bytes]) -> None:
            if trial.measure == "memory":
                samplers[:] = [Sampler(child)]

        for _ in range(ATTEMPTS):
            started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
            wall_start = time.time()
            end = process.run_module(
                "benchmarks.measure.worker",
                spec,
                cores=trial.threads,
                timeout=self.timeout,
                memory_limit=self.memory_limit,
                watch=watch,
            )
            if not end.suspended:
                break
        requires = self.requires.get(trial.system, ())
        row = judge_exit(end, self.timeout, self.memory_limit, requires)
        row["started_at"] = started_at
        if end.suspended:
            row.update(status="invalid", reason=f"the machine was suspended, {ATTEMPTS} times over")
        if steal is not None:
            row["steal_s"] = max(0.0, (machine.read_steal_s() or 0.0) - steal)
        until = row.pop("measured_until", None)
        for sampler in samplers:
            row.update(sampler.save(until, wall_start, arrays))
        return row

    def time_bare_interpreter(self) -> float:
        """Seconds of `python -c pass` in a trial's environment: what noop is compared with."""
        end = process.run_python(lambda *_: ["-c", "pass"], timeout=self.timeout)
        return end.ended - end.started

    @staticmethod
    def environment(cores: int, scratch: str) -> dict[str, str]:
        """The environment of a trial on so many cores, whose temporary files lie in `scratch`."""
        return process.child_environment(cores, scratch)

    def _identify(self, trial: Trial) -> dict[str, Any]:
        """The fields that say what is measured, and where."""
        versions = self.facts["versions"]
        return {
            **dataclasses.asdict(trial),
            "trial_id": trial.trial_id,
            "run_id": self.facts["run_id"],
            "machine_id": self.facts["machine_id"],
            "system_version": ", ".join(
                f"{name} {versions[name]}"
                for required in self.requires.get(trial.system, ())
                if (name := required if required in versions else ALTERNATIVES.get(required))
                in versions
            ),
            "system_digest": digest_system(trial.system),
            "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            "cpu_mhz": machine.read_clock_mhz(),
        }

    def _hidden(self, system: str) -> dict[str, list[str]]:
        if system not in baselines.BUILT_IN:
            return {"modules": [], "distributions": []}
        return hidden_modules(tuple(self.requires.get(system, ())))

    def _find_data(self, workload: Workload, seed: int, dtype: str) -> Path:
        """The folder of a draw, which is made when it is asked for first."""
        name = f"{catalogue.digest_workload(workload)}-{seed}-{dtype}"
        folder = Path(self._folder.name) / name
        key = workload.dataset + json.dumps(workload.dataset_args, sort_keys=True)
        with self._generating:
            if not folder.exists():
                half = folder.with_suffix(".part")
                spec = {
                    "folder": str(half),
                    "workload": dataclasses.asdict(workload),
                    "seed": seed,
                    "dtype": dtype,
                    "source": str(self.source) if self.source else None,
                    "ceiling": self._ceilings.get(key),  # which can take seconds to find
                }
                end = process.run_module("benchmarks.measure.data", spec, timeout=self.timeout)
                if end.exit_code != 0:
                    raise DataFailed(f"the data could not be drawn: {describe_exit(end)}")
                self._ceilings[key] = read_ceiling(half)
                half.rename(folder)
        return folder


def digest_system(name: str) -> str | None:
    """Hash of the file that defines a built-in system; None for a plug-in."""
    if name not in baselines.BUILT_IN:
        return None
    module = ROOT / Path(*baselines.BUILT_IN[name][0].split(".")).with_suffix(".py")
    return hashlib.sha256(module.read_bytes()).hexdigest()[:12] if module.exists() else None
