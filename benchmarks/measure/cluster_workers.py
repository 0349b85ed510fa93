"""The workers of a Dask cluster: the task they run, and the units that their resources admit."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.errors import MachineFault, UsageError, describe_error

TASK = Path(__file__).with_name("cluster_task.py")
FRESH_S = 2.0  # how long the list of workers is trusted
PATIENCE_S = 30.0  # how long to wait for a worker that can run the rest
START = "dask worker tcp://{address} --nthreads 1 --resources '{resources}'"


@dataclasses.dataclass(frozen=True)
class Places:
    """Where units may run now."""

    exclusive: frozenset[str]  # addresses of the workers that time blocks
    others: Mapping[str, int]  # addresses of those that run the rest, with their cores
    declared: bool  # the cores are those declared as the resource `trial`
    disturbing: frozenset[str]  # of `others`, those that may run beside a timed block

    @property
    def cores(self) -> int:
        """Cores for trials that are not timed."""
        return sum(self.others.values())


class Workers:
    """The workers that a scheduler knows.

    Parameters
    ----------
    client : distributed.Client
    address : str
        Address of the scheduler, for messages.
    """

    def __init__(self, client: Any, address: str) -> None:
        self.client, self.address = client, address
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._places = Places(frozenset(), {}, False, frozenset())
        self._machine_of_host: dict[str, str] = {}

    def places(self) -> Places:
        """Return where units may run, a few seconds old. MachineFault if the scheduler is gone."""
        with self._lock:
            if time.monotonic() - self._read_at > FRESH_S:
                try:
                    workers = self.client.scheduler_info(n_workers=-1)["workers"]
                except Exception:  # a lost connection may raise anything
                    raise self.connection_lost() from None
                self._places, self._read_at = read_places(workers), time.monotonic()
            return self._places

    @property
    def share_machines(self) -> bool:
        """Whether an exclusive worker's machine has other workers, which then wait for it."""
        places = self.places()
        machines = self._list_machines(places.exclusive)
        return not machines.isdisjoint(self._list_machines(places.disturbing))

    def _list_machines(self, addresses: Iterable[str]) -> set[str]:
        hosts = map(find_host, addresses)
        return {self._machine_of_host.get(host, host) for host in hosts}

    def require(self, *, exclusive: bool, cores: int) -> None:
        """Raise UsageError if no worker times blocks, or none runs trials of this many cores."""
        places = self.places()
        if exclusive and not places.exclusive:
            raise UsageError(
                "no worker declares itself exclusive, and times of a machine that others use are"
                f" not comparable; start one with `{self.start_command(alone=True)}`, or leave the"
                " times out with --measures accuracy,memory,parity"
            )
        if places.declared and cores > max(places.others.values()):
            raise UsageError(
                f"a trial asks for {cores} cores, and no worker declares as many; start one with"
                f" `--resources trial={cores}`, or give fewer --threads"
            )

    def probe(self, look: Callable[[str], Any]) -> None:
        """Raise UsageError if a host's worker cannot run a task, or its checkout is not the run's.

        look: submits a task that describes the machine of the worker at an address.
        """
        places = self.places()
        addresses = {find_host(address): address for address in (*places.exclusive, *places.others)}
        futures = {host: look(address) for host, address in addresses.items()}
        for host, future in futures.items():
            who = f"the worker at {addresses[host]}"
            try:
                result = future.result(timeout=PATIENCE_S)
            except Exception as error:  # another version of Python or Dask may raise anything
                raise UsageError(f"{who} cannot run a task: {describe_error(error)}") from None
            refused = result.get("refused") or result["failure"]
            for line in result["lines"]:
                message = json.loads(line)
                if "boot" in message:
                    self._machine_of_host[host] = message["boot"]
                if "refused" in message:
                    refused = f"{who} is refused: {message['refused']}"
            if refused:
                raise UsageError(f"{refused} (--worker-path names another checkout)")

    def start_command(self, *, alone: bool) -> str:
        """Return the command that starts a worker for timed blocks, or for the rest."""
        resources = "exclusive=1" if alone else "trial=1"
        return START.format(address=self.address, resources=resources)

    def connection_lost(self) -> MachineFault:
        """Return the error to raise when the scheduler does not answer."""
        return MachineFault(f"the connection to the Dask scheduler at {self.address} was lost")


def read_places(workers: Mapping[str, Mapping[str, Any]]) -> Places:
    """Return where units may run, from the scheduler's description of its workers."""
    resources = {address: worker.get("resources") or {} for address, worker in workers.items()}
    exclusive = frozenset(a for a, declared in resources.items() if declared.get("exclusive"))
    trial = {a: int(declared["trial"]) for a, declared in resources.items() if "trial" in declared}
    threads = {address: int(worker["nthreads"]) for address, worker in workers.items()}
    free = {address: n for address, n in threads.items() if address not in exclusive}
    others = trial or free or threads
    disturbing = frozenset(a for a in others if a not in exclusive or threads[a] > 1)
    return Places(exclusive, others, bool(trial), disturbing)


def find_host(address: str) -> str:
    """Return the host of a worker's address."""
    return address.rpartition("//")[2].rpartition(":")[0]


def load_task() -> Callable[..., Any]:
    """Return the function that workers run, defined so that it is sent by value, not by name."""
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(TASK.read_text(), "cluster_task.py", "exec"), names)
    return names["run_in_checkout"]
