"""Run trials on the workers of a Dask cluster, which decides where each one runs.

The timed trials of a block go together to one worker that declares the resource `exclusive`, so
that the times compared come from one machine. They also return together: if the worker dies, the
block is timed again. Everything else goes to any worker, row by row, with as many units at once as
the workers' `trial` resources allow: one per core or, if none declares any, one per thread.
"""

from __future__ import annotations

import base64
import contextlib
import json
import queue
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.errors import MachineFault, describe_error, strip_paths
from benchmarks.measure import machine
from benchmarks.measure.cluster_workers import FRESH_S, PATIENCE_S, Workers, load_task
from benchmarks.measure.executor import OnRow, Unit, split_units
from benchmarks.plan.durations import Durations
from benchmarks.plan.trials import Trial

REMOTE = "benchmarks.measure.remote"
MAX_ATTEMPTS = 3  # per unit, if its workers die
MAX_SEEDS = 100  # of one system in a unit, so that several workers share them

# A message of a unit is a line of the remote program, one of these, or the finished future.
BEGUN, STOP, GONE = 1, 2, 3


class Cluster:
    """Trials on the workers of a cluster.

    Parameters
    ----------
    client : distributed.Client
        The connection; closed with the executor, as is `owned`.
    spec : mapping
        What the remote program of every unit receives: see `remote.py`.
    workloads : mapping
        The run's workloads, as run.json describes them.
    folder : str
        Path of the checkout on the workers.
    address : str
        Address of the scheduler, for messages.
    side_by_side : bool
        Whether timed trials share a machine.
    note : callable
        Called once per machine, with the facts known about it.
    owned : object
        The cluster, if it is to end with the run.
    """

    max_parallel = 256
    pause = FRESH_S

    def __init__(
        self,
        client: Any,
        spec: Mapping[str, Any],
        workloads: Mapping[str, Any],
        folder: str,
        address: str,
        *,
        side_by_side: bool,
        note: Callable[[str, dict[str, Any]], None],
        owned: Any = None,
    ) -> None:
        self.client, self.spec, self.workloads = client, spec, workloads
        self.folder, self.owned = folder, owned
        self.workers = Workers(client, address)
        self.side_by_side = side_by_side
        self._note, self._noted = note, set[str]()
        self._topic = f"mapicx-{secrets.token_hex(8)}"
        self._inboxes: dict[str, queue.SimpleQueue[Any]] = {}
        self._noting = threading.Lock()
        self._stopping = False
        self._task = load_task()
        client.subscribe_topic(self._topic, self._handle_event)

    @property
    def in_order(self) -> bool:
        """Whether a timing worker shares its machine with others, which then wait for it."""
        return self.workers.share_machines

    def check(self, trials: Sequence[Trial]) -> None:
        """Raise UsageError if the workers cannot run these trials or do not match the run."""
        alone = [self._is_alone(trial) for trial in trials]
        shared = [t.threads for t, is_alone in zip(trials, alone, strict=True) if not is_alone]
        self.workers.require(exclusive=any(alone), cores=max(shared, default=1))

        def look(address: str) -> Any:
            return self.client.submit(
                self._task, REMOTE, self._describe(None), self.folder, self._topic, "probe", False,
                key=f"mapicx-probe-{secrets.token_hex(8)}", workers=[address],
            )  # fmt: skip

        self.workers.probe(look)

    def count_parallel(self) -> tuple[int, int]:
        """Count trials (one per core) and blocks (one per exclusive worker) that run at once."""
        places = self.workers.places()
        return max(1, places.cores), 1 if self.in_order else max(1, len(places.exclusive))

    def split(self, trials: Sequence[Trial], durations: Durations) -> list[list[list[Trial]]]:
        """Make one unit of the timed trials; if machines are shared, the rest start after it."""
        timed = [trial for trial in trials if self._is_alone(trial)]
        others = [
            unit[first : first + MAX_SEEDS]
            for unit in split_units([trial for trial in trials if not self._is_alone(trial)])
            for first in range(0, len(unit), MAX_SEEDS)
        ]
        others.sort(key=lambda unit: -durations.expect(unit))
        whole = [timed] if timed else []
        stages = [whole, others] if self.in_order else [whole + others]
        return [stage for stage in stages if stage]

    def can_start(self, unit: Unit, running: Sequence[Unit]) -> bool:
        """Return whether a worker is free for a unit."""
        places, alone = self.workers.places(), self._is_alone(unit.trials[0])
        beside = [other for other in running if self._is_alone(other.trials[0]) == alone]
        if alone:
            return len(beside) < len(places.exclusive)
        threads = sum(other.trials[0].threads for other in [*beside, unit])
        return threads <= places.cores

    def _is_alone(self, trial: Trial) -> bool:
        return trial.measure == "time" and not self.side_by_side

    def run_unit(self, unit: Unit, array_path: Callable[[str], Path], on_row: OnRow) -> None:
        """Measure a unit on any worker; if that dies, retry on another, a few times."""
        missing = {trial.trial_id: trial for trial in unit.trials}
        machine_id: str | None = None

        def take(line: str) -> None:
            nonlocal machine_id
            message = json.loads(line)
            if "refused" in message or "fault" in message:
                raise MachineFault(f"of a worker: {message.get('refused') or message['fault']}")
            if "machine" in message:
                machine_id = message["machine"].pop("machine_id")
                self._note_machine(str(machine_id), message["machine"])
                return
            row = message["row"]
            trial = missing.pop(row["trial_id"], None)
            if trial is None:
                return  # from a worker that was presumed dead
            if "arrays" in message:
                array_path(trial.trial_id).write_bytes(base64.b64decode(message["arrays"]))
            on_row(trial, row, message["seconds"])

        attempts, reason = 0, ""
        while missing and attempts < MAX_ATTEMPTS:
            rest = unit.keep(lambda trial: trial.trial_id in missing)
            begun, reason = self._attempt(rest, MAX_ATTEMPTS - attempts, take)
            attempts += max(1, begun)
        for trial in list(missing.values()):
            loss = f"{reason}; it was tried {attempts} times"
            on_row(trial, self._describe_loss(trial, machine_id, loss), 0.0)

    def _attempt(self, unit: Unit, most: int, take: Callable[[str], None]) -> tuple[int, str]:
        """Return how often workers began the unit, and why rows may be missing."""
        token = f"mapicx-{secrets.token_hex(8)}"
        inbox = self._inboxes[token] = queue.SimpleQueue()
        begun, alone = 0, self._is_alone(unit.trials[0])
        died = "the worker that measured it ended"
        future, among = self._submit(token, unit, alone)
        try:
            future.add_done_callback(inbox.put)
            while True:
                message = self._wait(inbox, alone, among)
                if isinstance(message, str):
                    take(message)
                elif message == BEGUN:
                    begun += 1  # Dask itself reassigns the task to another worker
                    if begun > most:
                        return most, died
                elif message == GONE:
                    return begun, died
                elif message == STOP:
                    raise MachineFault("it was interrupted")
                elif future.status == "finished":
                    try:
                        result = future.result()
                    except OSError:  # the result arrives over the connection
                        raise self.workers.connection_lost() from None
                    if "refused" in result:
                        raise MachineFault(result["refused"])
                    for line in result["lines"]:
                        take(line)
                    return begun, strip_paths(result["failure"] or "its row did not arrive")
                elif future.status == "error":
                    error = future.exception()
                    killed = type(error).__name__ == "KilledWorker"
                    return begun, died if killed else describe_error(error)
                else:
                    raise self.workers.connection_lost()
        finally:
            del self._inboxes[token]
            with contextlib.suppress(Exception):  # the connection may be gone
                future.cancel()

    def _submit(self, token: str, unit: Unit, alone: bool) -> tuple[Any, frozenset[str]]:
        """Return the future and, if only some workers may run it, their addresses."""
        places = self.workers.places()
        where: dict[str, Any] = {"workers": list(places.others)}
        if alone:
            where = {"resources": {"exclusive": 1}}
        elif places.declared:
            where = {"resources": {"trial": unit.trials[0].threads}}
        try:
            future = self.client.submit(
                self._task, REMOTE, self._describe(unit), self.folder, self._topic, token,
                not alone, key=token, **where,
            )  # fmt: skip
        except Exception:  # a lost connection may raise anything
            raise self.workers.connection_lost() from None
        return future, frozenset(where.get("workers", ()))

    def _describe(self, unit: Unit | None) -> str:
        """Return the spec of a unit as JSON; None: of a look at the machine only."""
        trials = unit.trials if unit else ()
        return json.dumps(
            {
                **self.spec,
                "workloads": {t.workload: self.workloads[t.workload] for t in trials},
                "trials": [trial.describe() for trial in trials],
                "repeats": list(unit.repeats) if unit else [],
                "extras": bool(unit and unit.extras),
                "alone": any(map(self._is_alone, trials)),
            }
        )

    def _wait(self, inbox: queue.SimpleQueue[Any], alone: bool, among: frozenset[str]) -> Any:
        """Return the next message. Raise MachineFault if no worker is left for the unit."""
        missing_since = None
        while True:
            if self._stopping:
                return STOP
            try:
                return inbox.get(timeout=FRESH_S)
            except queue.Empty:
                places = self.workers.places()
            if places.exclusive if alone else places.others:
                missing_since = None
                if among and among.isdisjoint(places.others):
                    return GONE  # a restarted worker has another address
                continue
            missing_since = missing_since or time.monotonic()
            if time.monotonic() - missing_since > PATIENCE_S:
                start = self.workers.start_command(alone=alone)
                raise MachineFault(f"no worker is left for it; `{start}` starts one")

    def _handle_event(self, event: tuple[float, Mapping[str, Any]]) -> None:
        """Pass on a task's message about a unit; called in the client's thread."""
        message = event[1]
        inbox = self._inboxes.get(message["unit"])
        if inbox is not None:
            inbox.put(message.get("line", BEGUN))

    def _note_machine(self, machine_id: str, facts: dict[str, Any]) -> None:
        with self._noting:
            if machine_id not in self._noted:
                self._note(machine_id, facts)
                self._noted.add(machine_id)

    def _describe_loss(self, trial: Trial, machine_id: str | None, reason: str) -> dict[str, Any]:
        """Return the row of a trial whose workers all died."""
        return {
            **trial.describe(),
            "run_id": self.spec["run_id"],
            "machine_id": machine_id,
            "system_digest": machine.digest_system(trial.system),
            "status": "crashed",
            "reason": reason,
            "shared": not self._is_alone(trial),
        }

    def stop(self) -> None:
        """Cancel every unit; the workers then end what they are running."""
        self._stopping = True
        for inbox in list(self._inboxes.values()):
            inbox.put(STOP)

    def close(self) -> None:
        """Close the connection, and the cluster if the run started it."""
        for part in filter(None, (self.client, self.owned)):
            with contextlib.suppress(Exception):  # nothing can be lost by now
                part.close(timeout=5)
