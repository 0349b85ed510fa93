"""Runs trials on the workers of a Dask cluster, which says where each of them runs.

What is timed in a block goes as a whole to one worker that declares the resource `exclusive`, so
that what is compared was timed on one machine. It arrives as a whole, too: if its worker dies, the
block is timed again. Everything else goes to any worker, row by row: as many units at once as the
workers declare of the resource `trial`, one for each core or, where none declares any, one for
each thread of a worker.
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
from benchmarks.measure.units import OnRow, Unit, split_units
from benchmarks.plan.durations import Durations
from benchmarks.plan.trials import Trial

REMOTE = "benchmarks.measure.remote"
MAX_ATTEMPTS = 3  # at a unit whose workers die
MAX_SEEDS = 100  # of a system in one unit, so that several workers share them

Message = str | int | Any  # a line of the remote program, one of these, or the future's end
BEGUN, STOP, GONE = 1, 2, 3


class Cluster:
    """Trials on the workers of a cluster.

    Parameters
    ----------
    client : distributed.Client
        The connection; it is closed with the executor, and so is `owned`.
    spec : mapping
        What every unit's remote program is given: see `remote.py`.
    workloads : mapping
        The run's workloads, as run.json describes them.
    folder : str
        The checkout on the workers.
    address : str
        Of the scheduler, for sentences.
    side_by_side : bool
        Whether timed trials share a machine.
    note : callable
        Called with what is known of each machine, once.
    owned : object
        The cluster, if it ends with the run.
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
        self._inboxes: dict[str, queue.SimpleQueue[Message]] = {}
        self._noting = threading.Lock()
        self._stopping = False
        self._task = load_task()
        client.subscribe_topic(self._topic, self._handle_event)

    @property
    def in_order(self) -> bool:
        """Whether what is timed shares its machine with other workers: then they wait for it."""
        return self.workers.share_machines

    def check(self, trials: Sequence[Trial]) -> None:
        """UsageError if the workers cannot run these trials, or are not what the run needs."""
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
        """One trial for each core of the workers, and a block for each exclusive one."""
        places = self.workers.places()
        return max(1, places.cores), 1 if self.in_order else max(1, len(places.exclusive))

    def split(self, trials: Sequence[Trial], durations: Durations) -> list[list[list[Trial]]]:
        """What is timed is one unit; the rest begins after it where they share a machine."""
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
        """Whether a worker is free for a unit."""
        places, alone = self.workers.places(), self._is_alone(unit.trials[0])
        beside = [other for other in running if self._is_alone(other.trials[0]) == alone]
        if alone:
            return len(beside) < len(places.exclusive)
        threads = sum(other.trials[0].threads for other in [*beside, unit])
        return threads <= places.cores

    def _is_alone(self, trial: Trial) -> bool:
        return trial.measure == "time" and not self.side_by_side

    def run_unit(self, unit: Unit, array_path: Callable[[str], Path], on_row: OnRow) -> None:
        """Measure a unit on some worker, again on another one if that dies, a few times."""
        wanted = {trial.trial_id: trial for trial in unit.trials}
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
            trial = wanted.pop(row["trial_id"], None)
            if trial is None:
                return  # from a worker that was thought to be dead
            if "arrays" in message:
                array_path(trial.trial_id).write_bytes(base64.b64decode(message["arrays"]))
            on_row(trial, row, message["seconds"])

        attempts, reason = 0, ""
        while wanted and attempts < MAX_ATTEMPTS:
            rest = unit.keep(lambda trial: trial.trial_id in wanted)
            begun, reason = self._attempt(rest, MAX_ATTEMPTS - attempts, take)
            attempts += max(1, begun)
        for trial in list(wanted.values()):
            loss = f"{reason}; it was tried {attempts} times"
            on_row(trial, self._describe_loss(trial, machine_id, loss), 0.0)

    def _attempt(self, unit: Unit, most: int, take: Callable[[str], None]) -> tuple[int, str]:
        """How often workers began a unit, and why its rows may not all have come."""
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
                    begun += 1  # Dask itself gives the task to another worker
                    if begun > most:
                        return most, died
                elif message == GONE:
                    return begun, died
                elif message == STOP:
                    raise MachineFault("it was interrupted")
                elif future.status == "finished":
                    try:
                        result = future.result()
                    except OSError:  # of the connection, through which it comes
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
        """The future, and the addresses of the only workers that may run it, if it has any."""
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
        except Exception:  # whatever a lost connection raises
            raise self.workers.connection_lost() from None
        return future, frozenset(where.get("workers", ()))

    def _describe(self, unit: Unit | None) -> str:
        """The spec of a unit; None: of a look at the machine alone."""
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

    def _wait(
        self, inbox: queue.SimpleQueue[Message], alone: bool, among: frozenset[str]
    ) -> Message:
        """What happens next. MachineFault if no worker is there for it any more."""
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
                    return GONE  # a worker that is started again has another address
                continue
            missing_since = missing_since or time.monotonic()
            if time.monotonic() - missing_since > PATIENCE_S:
                start = self.workers.start_command(alone=alone)
                raise MachineFault(f"no worker is left for it; `{start}` starts one")

    def _handle_event(self, event: tuple[float, Mapping[str, Any]]) -> None:
        """In the client's thread: pass on what a task says of a unit."""
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
        """The row of a trial that no worker lived to measure."""
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
        """Take back every unit; their workers end what they run."""
        self._stopping = True
        for inbox in list(self._inboxes.values()):
            inbox.put(STOP)

    def close(self) -> None:
        """Close the connection, and the cluster if the run began it."""
        for part in filter(None, (self.client, self.owned)):
            with contextlib.suppress(Exception):  # nothing is lost by it any more
                part.close(timeout=5)
