"""Run one trial, or all seeds of an accuracy measure, in a fresh process; each gives a row."""

from __future__ import annotations

import dataclasses
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen
from typing import Any

import baselines
from baselines.contract import Workload
from benchmarks.measure import machine, parity, process
from benchmarks.measure.data_cache import DataFailed, DataSets
from benchmarks.measure.dependencies import ALTERNATIVES, hidden_modules
from benchmarks.measure.exit_status import install_command, judge_exit
from benchmarks.measure.memory import Sampler
from benchmarks.plan import workloads as catalogue
from benchmarks.plan.durations import WARM_LIMIT_S, WARM_MIN, WARM_S
from benchmarks.plan.trials import Trial

WORKER = "benchmarks.measure.worker"
ATTEMPTS = 3  # per trial, if the harness is stopped or the machine sleeps during it
MAX_DEATHS = 3  # of processes that train many seeds; then the remaining seeds are abandoned


class TrialRunner:
    """Runs trials on this machine; each always gives exactly one row.

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
        self.timeout, self.memory_limit = timeout, memory_limit
        self.data = DataSets(source, timeout)
        self.stopped = False
        import memory_profiler  # noqa: F401  (now, so that the first curve does not wait for it)

    def close(self) -> None:
        """Remove the data sets."""
        self.data.close()

    def run_trial(
        self, trial: Trial, arrays: Path, *, extras: bool, slot: int = 0, repeats: int = 1
    ) -> dict[str, Any]:
        """Run a trial and return its row, whatever happens; only KeyboardInterrupt passes.

        Parameters
        ----------
        trial : Trial
            The trial to run.
        arrays : Path
            File for its arrays.
        extras : bool
            Also write the arrays and figures that are needed from only one block of a run.
        slot : int
            Which cores, counted from the last, so that concurrent trials share none.
        repeats : int
            How many processes of this system share the block's warm trainings.
        """
        identity = self._identify(trial)
        try:
            row = self._measure(trial, arrays, extras, slot, repeats)
        except DataFailed as error:
            row = {"status": "crashed", "reason": str(error)}
        return self._complete(row, identity, arrays)

    def run_seeds(
        self,
        trials: Sequence[Trial],
        array_path: Callable[[str], Path],
        on_row: Callable[[Trial, dict[str, Any]], None],
        *,
        slot: int = 0,
    ) -> None:
        """Train one system on every seed in one process; `on_row` gets each row as it is ready.

        If the process ends before its last seed is done, the failed seed's row says so and the
        others continue in a new process, a few times.
        """
        remaining, deaths = list(trials), 0
        identity = self._identify(trials[0])

        def finish(trial: Trial, row: dict[str, Any]) -> None:
            own = {**identity, **trial.describe()}
            on_row(trial, self._complete(row, own, array_path(trial.trial_id)))

        while remaining:
            try:
                completed, row = self._measure_seeds(remaining, finish, slot)
            except DataFailed as error:
                completed, row, deaths = 0, {"status": "crashed", "reason": str(error)}, MAX_DEATHS
            remaining, deaths = remaining[completed:], deaths + 1
            lost = remaining if deaths >= MAX_DEATHS else remaining[:1]
            for trial in lost:
                finish(trial, dict(row))
            remaining = remaining[len(lost) :]

    def _measure_seeds(
        self,
        trials: Sequence[Trial],
        finish: Callable[[Trial, dict[str, Any]], None],
        slot: int,
    ) -> tuple[int, dict[str, Any]]:
        """Return how many seeds gave a row, and the row of the seed at which the process ended."""
        first, workload = trials[0], self.workloads[trials[0].workload]
        folders = self.data.find(workload, [trial.seed for trial in trials], first.dtype)
        draws = [
            {"seed": trial.seed, "data": str(folder)}
            for trial, folder in zip(trials, folders, strict=True)
        ]
        waiting, began = list(trials), time.perf_counter()
        started_at = _format_now()

        def record_seed(line: bytes) -> None:
            nonlocal started_at
            if not waiting:
                return
            # A short seed may have ended before the previous one's row was read.
            end = process.ProcessEnd(line, "", 0, "", began, time.perf_counter())
            row = self._judge(end, first.system)
            row.pop("measured_until", None)
            finish(waiting.pop(0), {**row, "started_at": started_at})
            started_at = _format_now()

        spec = {**self._describe(first, workload, slot), "draws": draws}
        end = self._run_worker(spec, on_line=record_seed)
        row = self._judge(end._replace(message=b""), first.system)
        return len(trials) - len(waiting), {**row, "started_at": started_at}

    def _ensure_compile_cache(
        self, trial: Trial, workload: Workload, spec: Mapping[str, Any]
    ) -> dict[str, str]:
        """Return the variable for a shared compile cache, filled first by an unrecorded trial."""
        if trial.system not in baselines.CACHED:
            return {}
        name = f"compiled-{catalogue.digest_workload(workload)}-{trial.dtype}-{trial.threads}"
        cache = self.data.folder / name
        variables = {"TORCHINDUCTOR_CACHE_DIR": str(cache)}
        if not cache.exists():
            self._run_worker(spec, variables=variables)
        return variables

    def stop(self) -> None:
        """End every trial, and start no more."""
        self.stopped = True
        process.kill_all()

    def _run_worker(
        self,
        spec: Mapping[str, Any],
        on_start: Callable[[Popen[bytes]], None] = lambda child: None,
        **options: Any,
    ) -> process.ProcessEnd:
        """Run the worker on a spec. Raise KeyboardInterrupt if the run was stopped."""

        def check_stopped(child: Popen[bytes]) -> None:
            if self.stopped:
                raise KeyboardInterrupt
            on_start(child)

        end = process.run_module(
            WORKER,
            spec,
            cores=spec["threads"],
            timeout=self.timeout,
            memory_limit=self.memory_limit,
            on_start=check_stopped,
            **options,
        )
        if self.stopped:
            raise KeyboardInterrupt
        return end

    def _judge(self, end: process.ProcessEnd, system: str) -> dict[str, Any]:
        return judge_exit(end, self.timeout, self.memory_limit, self.requires.get(system, ()))

    def _complete(
        self, row: dict[str, Any], identity: dict[str, Any], arrays: Path
    ) -> dict[str, Any]:
        """Add what the harness knows to a row. MachineFault if the machine is what failed."""
        if row["status"] != "ok":
            machine.check_disk(arrays.parent, Path(tempfile.gettempdir()))
        return {**row, **identity}

    def _describe(self, trial: Trial, workload: Workload, slot: int) -> dict[str, Any]:
        """Describe a trial as worker.py reads it, without its draws."""
        return {
            "system": trial.system,
            "workload": dataclasses.asdict(workload),
            "threads": trial.threads,
            "dtype": trial.dtype,
            "measure": trial.measure,
            "slot": slot,
            "hidden": self._hidden(trial.system),
            "first_block": False,
            "repeats": 1,
            "warm": {"seconds": WARM_S, "least": WARM_MIN, "limit_s": WARM_LIMIT_S},
        }

    def _measure(
        self, trial: Trial, arrays: Path, extras: bool, slot: int, repeats: int
    ) -> dict[str, Any]:
        workload = self.workloads[trial.workload]
        if trial.measure == "parity":
            workload = parity.reduce_workload(workload)
        folder = self.data.find(workload, [trial.seed], trial.dtype)[0]
        spec = {
            **self._describe(trial, workload, slot),
            "draws": [{"seed": trial.seed, "data": str(folder), "arrays": str(arrays)}],
            "first_block": extras and trial.measure == "time",
            "repeats": repeats,
        }
        variables = self._ensure_compile_cache(trial, workload, spec)
        samplers: list[Sampler] = []

        def sample_memory(child: Popen[bytes]) -> None:
            if trial.measure == "memory":
                samplers[:] = [Sampler(child)]

        for _ in range(ATTEMPTS):
            started_at, steal = _format_now(), machine.read_steal_s()
            wall_start = time.time()
            end = self._run_worker(spec, variables=variables, on_start=sample_memory)
            if not end.suspended:
                break
        row = self._judge(end, trial.system)
        row["started_at"] = started_at
        if end.suspended:
            row.update(status="invalid", reason=f"the machine was suspended, {ATTEMPTS} times over")
        if steal is not None:
            row["steal_s"] = max(0.0, (machine.read_steal_s() or 0.0) - steal)
        until = row.pop("measured_until", None)
        for sampler in samplers:
            row.update(sampler.save(until, wall_start, arrays))
        return row

    def describe_missing(self, trial: Trial) -> dict[str, Any]:
        """Return the row of a system that no package on this machine provides."""
        reason = f"there is no system {trial.system!r} here; {install_command(())}"
        return {"status": "unavailable", "reason": reason, **self._identify(trial)}

    def time_bare_interpreter(self) -> float:
        """Return seconds of `python -c pass` in a trial's environment, to compare with noop."""
        end = process.run_python(lambda *_: ["-c", "pass"], timeout=self.timeout)
        return end.ended - end.started

    def _identify(self, trial: Trial) -> dict[str, Any]:
        """Return the fields that say what is measured, and where."""
        versions = self.facts["versions"]
        return {
            **trial.describe(),
            "run_id": self.facts["run_id"],
            "machine_id": self.facts["machine_id"],
            "system_version": ", ".join(
                f"{name} {versions[name]}"
                for required in self.requires.get(trial.system, ())
                if (name := required if required in versions else ALTERNATIVES.get(required))
                in versions
            ),
            "system_digest": machine.digest_system(trial.system),
            "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            "cpu_mhz": machine.read_clock_mhz(),
        }

    def _hidden(self, system: str) -> dict[str, list[str]]:
        if system not in baselines.BUILT_IN:
            return {"modules": [], "distributions": []}
        return hidden_modules(tuple(self.requires.get(system, ())))


def _format_now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
