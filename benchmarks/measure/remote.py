"""Measure units on a machine of a cluster, as a run there would, and print their rows.

    python -m benchmarks.measure.remote     reads specs, JSON lines written by cluster.py

Each output line is an object with one of these keys: "machine" (what this machine is), "refused"
(why nothing is measured here), "fault" (what about this machine ended the unit), "row" (with
"seconds" and the bytes of its "arrays"), or "done" after each unit. The process ends when its
input does, or after a minute without a unit.
"""

from __future__ import annotations

import base64
import contextlib
import getpass
import json
import os
import queue
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import baselines
from baselines.contract import Workload
from benchmarks.errors import MachineFault, format_count, quote_names
from benchmarks.measure import machine, process, signals, threads
from benchmarks.measure.container import read_kernel_file
from benchmarks.measure.executor import Unit
from benchmarks.measure.local_executor import Local
from benchmarks.measure.workspace import Workspace
from benchmarks.paths import lock_file
from benchmarks.plan.trials import Trial, read_trial

Say = Callable[[Mapping[str, Any]], None]
IDLE_S = 60.0  # without a unit; then the process ends
LOCKS = Path(tempfile.gettempdir()) / f"mapicx-cores-{getpass.getuser()}"  # shared on the machine
PAUSE_S = 0.05  # between checks for free cores


def find_difference(spec: Mapping[str, Any]) -> str | None:
    """Return why rows from here would not belong to the run, as a sentence; None if they would."""
    here = machine.digest_code()
    other = [name for name, digest in spec["digests"].items() if here.get(name) != digest]
    if other:
        return (
            f"the checkout there has other code in {quote_names(other)}; update it to the"
            " version that the run was planned with"
        )
    versions = machine.installed_versions()
    # Missing packages are reported by the rows of the systems that need them.
    pairs = [(name, version, versions.get(name)) for name, version in spec["versions"].items()]
    wrong = [f"{name} {has}, not {wants}" for name, wants, has in pairs if has not in (None, wants)]
    if wrong:
        return f"other versions are installed there: {', '.join(wrong)}; install the same ones"
    if spec["source"] and not Path(spec["source"]).is_file():
        return f"the table {Path(spec['source']).name!r} is not there; copy it to the same path"
    return None


@contextlib.contextmanager
def hold_cores(count: int | None) -> Iterator[int]:
    """Lock `count` cores (None: all) and yield the number of their slot.

    Waits until they are free. The locks are files, because units on one machine may belong to
    several workers; however a process ends, its cores are freed.
    """
    cores = threads.list_cores()
    size = len(cores) if count is None else count
    LOCKS.mkdir(mode=0o700, exist_ok=True)
    while True:
        for slot in range(len(cores) // size):
            with contextlib.ExitStack() as stack:
                slot_cores = cores[slot * size : (slot + 1) * size]
                paths = [LOCKS / str(core) for core in slot_cores]
                files = [stack.enter_context(path.open("wb")) for path in paths]
                if all(lock_file(file, wait=False) for file in files):
                    yield slot
                    return
        time.sleep(PAUSE_S)


class RemoteRunner:
    """Runs the units of one run that reach this process, making once what they share.

    Parameters
    ----------
    spec : mapping
        The first unit's spec; what it says about the run holds for all units.
    folder : Path
        Where arrays are kept until they are sent.
    """

    def __init__(self, spec: Mapping[str, Any], folder: Path) -> None:
        environment, versions = machine.environment(), machine.installed_versions()
        identity = machine.identify_machine(environment)
        self.folder = folder
        self.difference = find_difference(spec)
        self.known = set(baselines.names())
        self.described = {
            "machine": {"machine_id": identity, "versions": versions, "environment": environment},
            "boot": read_boot(),
        }
        self.executor = Local(
            {},
            {name: tuple(names) for name, names in spec["requires"].items()},
            {"run_id": spec["run_id"], "machine_id": identity, "versions": versions},
            timeout=spec["timeout"],
            memory_limit=spec["memory_limit"],
            source=Path(spec["source"]) if spec["source"] else None,
        )

    def measure(self, spec: Mapping[str, Any], say: Say) -> None:
        """Measure what a spec lists, and report the results."""
        say(self.described)
        if self.difference:
            say({"refused": self.difference})
            return
        trials = [read_trial(entry) for entry in spec["trials"]]
        unit = Unit(trials, spec["repeats"], spec["extras"])
        most = max((trial.threads for trial in trials), default=1)
        if most > machine.count_cores():
            reason = (
                f"it has {format_count(machine.count_cores(), 'core')}; a trial asks for {most}"
            )
            say({"refused": reason})
            return
        self.executor.workloads = {k: Workload(**v) for k, v in spec["workloads"].items()}

        def send_row(trial: Trial, row: dict[str, Any], seconds: float) -> None:
            message = {"row": {**row, "shared": not spec["alone"]}, "seconds": seconds}
            path = self._array_path(trial.trial_id)
            if path.exists():
                message["arrays"] = base64.b64encode(path.read_bytes()).decode()
                path.unlink()
            say(message)

        for trial in unit.trials:
            if trial.system not in self.known:
                send_row(trial, self.executor.describe_missing(trial), 0.0)
        present = unit.keep(lambda trial: trial.system in self.known)
        if present.trials:
            with hold_cores(None if spec["alone"] else most) as slot:
                self.executor.run_on(slot, present, self._array_path, send_row)

    def _array_path(self, trial_id: str) -> Path:
        return self.folder / f"{trial_id}.npz"


def read_boot() -> str:
    """Return an ID that all workers on one machine share, even in different containers."""
    import socket

    return read_kernel_file("/proc/sys/kernel/random/boot_id") or socket.gethostname()


def _read_specs(specs: queue.SimpleQueue[bytes]) -> None:
    """Pass on the lines of the input, from a thread, and interrupt this process at its end."""
    text = b""
    while part := os.read(0, 65536):  # not sys.stdin, whose lock would delay the process's end
        *lines, text = (text + part).split(b"\n")
        for line in lines:
            specs.put(line)
    process.kill_all()
    os.kill(os.getpid(), signal.SIGTERM)


def serve(say: Say) -> None:
    """Measure units, one at a time, as their specs arrive."""
    specs: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_specs, args=(specs,), daemon=True).start()
    runner = None
    with Workspace() as workspace:
        while True:
            spec = json.loads(specs.get(timeout=IDLE_S))
            runner = runner or RemoteRunner(spec, workspace.folder)
            try:
                runner.measure(spec, say)
            except MachineFault as error:
                say({"fault": str(error)})
            say({"done": True})


def main() -> None:
    """Read specs, measure, print."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing but answers goes to the worker

    def say(message: Mapping[str, Any]) -> None:
        answer.write(json.dumps(message) + "\n")
        answer.flush()

    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError, queue.Empty):
        signals.handle_signals()
        serve(say)


if __name__ == "__main__":
    main()
