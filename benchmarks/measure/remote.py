"""Measures one unit on a machine of a cluster, as a run there would, and prints its rows.

    python -m benchmarks.measure.remote     reads one line, a spec that cluster.py wrote as JSON

Each line of the output is an object with one key: "machine" (what this machine is), "refused"
(why nothing is measured here), "fault" (what about this machine ended the unit), or "row", beside
which "seconds" and the bytes of its "arrays" stand. The end of the input ends the process.
"""

from __future__ import annotations

import base64
import contextlib
import getpass
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import baselines
from baselines.contract import Workload
from benchmarks.errors import MachineFault, quote_names
from benchmarks.measure import machine, process, threads
from benchmarks.measure.executors import Local
from benchmarks.measure.units import Unit
from benchmarks.measure.workspace import Workspace
from benchmarks.paths import lock_file
from benchmarks.plan.trials import Trial, read_trial

PAUSE_S = 0.05  # between two looks at cores that others use


def find_difference(spec: Mapping[str, Any]) -> str | None:
    """Why rows from here would not belong to the run, as a sentence; None if they would."""
    here = machine.digest_code()
    other = [name for name, digest in spec["digests"].items() if here.get(name) != digest]
    if other:
        return (
            f"the checkout there has other code in {quote_names(other)}; update it to the"
            " version that the run was planned with"
        )
    versions = machine.installed_versions()
    # What is missing altogether is told by the rows of the systems that need it.
    pairs = [(name, version, versions.get(name)) for name, version in spec["versions"].items()]
    wrong = [f"{name} {has}, not {wants}" for name, wants, has in pairs if has not in (None, wants)]
    if wrong:
        return f"other versions are installed there: {', '.join(wrong)}; install the same ones"
    if spec["source"] and not Path(spec["source"]).is_file():
        return f"the table {Path(spec['source']).name!r} is not there; copy it to the same path"
    return None


@contextlib.contextmanager
def hold_cores(count: int | None) -> Iterator[int]:
    """Keep other units from so many cores (None: from all); the slot that they are.

    Waits until they are free. The locks are files, because units of one machine may belong to
    several workers; the end of a process, however it comes, frees its cores.
    """
    cores = threads.list_cores()
    size = len(cores) if count is None else count
    folder = Path(tempfile.gettempdir()) / f"mapicx-cores-{getpass.getuser()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    while True:
        for slot in range(len(cores) // size):
            with contextlib.ExitStack() as stack:
                wanted = cores[slot * size : (slot + 1) * size]
                files = [stack.enter_context((folder / str(core)).open("wb")) for core in wanted]
                if all(lock_file(file, wait=False) for file in files):
                    yield slot
                    return
        time.sleep(PAUSE_S)


def measure(spec: Mapping[str, Any], say: Any) -> None:
    """Do what a spec asks for, and say what came of it."""
    environment = machine.environment()
    facts = {
        "run_id": spec["run_id"],
        "machine_id": machine.identify_machine(environment),
        "versions": machine.installed_versions(),
    }
    told = {key: facts[key] for key in ("machine_id", "versions")}
    say({"machine": {**told, "environment": environment}, "boot": read_boot()})
    difference = find_difference(spec)
    if difference:
        say({"refused": difference})
        return
    unit = Unit([read_trial(entry) for entry in spec["trials"]], spec["repeats"], spec["extras"])
    if not unit.trials:
        return
    most = max(trial.threads for trial in unit.trials)
    if most > machine.count_cores():
        say({"refused": f"it has {machine.count_cores()} cores, and a trial asks for {most}"})
        return
    with hold_cores(None if spec["alone"] else most) as slot, Workspace() as workspace:
        executor = Local(
            {name: Workload(**entry) for name, entry in spec["workloads"].items()},
            {name: tuple(names) for name, names in spec["requires"].items()},
            facts,
            timeout=spec["timeout"],
            memory_limit=spec["memory_limit"],
            source=Path(spec["source"]) if spec["source"] else None,
        )

        def array_path(trial_id: str) -> Path:
            return workspace.folder / f"{trial_id}.npz"

        def tell(trial: Trial, row: dict[str, Any], seconds: float) -> None:
            message = {"row": {**row, "shared": not spec["alone"]}, "seconds": seconds}
            path = array_path(trial.trial_id)
            if path.exists():
                message["arrays"] = base64.b64encode(path.read_bytes()).decode()
                path.unlink()
            say(message)

        try:
            known = set(baselines.names())
            for trial in unit.trials:
                if trial.system not in known:
                    tell(trial, executor.describe_missing(trial), 0.0)
            present = unit.keep(lambda trial: trial.system in known)
            if present.trials:
                executor.run_on(slot, present, array_path, tell)
        except MachineFault as error:
            say({"fault": str(error)})
        finally:
            executor.close()


def read_boot() -> str:
    """What two workers of one machine have in common, wherever their containers differ."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        import socket

        return socket.gethostname()


def _end_with_input() -> None:
    """Interrupt this process once nobody is there to read what it says."""
    while os.read(0, 4096):  # not sys.stdin, whose lock would hold up this process's own end
        pass
    process.kill_all()
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Read the spec, measure, print."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing but answers goes to the worker
    process.handle_signals()
    spec = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()

    def say(message: dict[str, Any]) -> None:
        answer.write(json.dumps(message) + "\n")
        answer.flush()

    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        measure(spec, say)


if __name__ == "__main__":
    main()
