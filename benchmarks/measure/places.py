"""Which workers of a Dask cluster take which units, by the resources that they declare."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Places:
    """Where units may run now."""

    exclusive: frozenset[str]  # addresses of the workers that take blocks of times
    others: Mapping[str, int]  # of those that take the rest, with how many cores
    declared: bool  # that number is the resource `trial`
    disturbing: frozenset[str]  # those of them that may run something beside a block of times

    @property
    def cores(self) -> int:
        """Of what is not timed."""
        return sum(self.others.values())


def read_places(workers: Mapping[str, Mapping[str, Any]]) -> Places:
    """The places of a cluster's workers, as its scheduler describes them."""
    resources = {address: worker.get("resources") or {} for address, worker in workers.items()}
    exclusive = frozenset(a for a, declared in resources.items() if declared.get("exclusive"))
    trial = {a: int(declared["trial"]) for a, declared in resources.items() if "trial" in declared}
    threads = {address: int(worker["nthreads"]) for address, worker in workers.items()}
    free = {address: n for address, n in threads.items() if address not in exclusive}
    others = trial or free or threads
    disturbing = frozenset(a for a in others if a not in exclusive or threads[a] > 1)
    return Places(exclusive, others, bool(trial), disturbing)


def find_host(address: str) -> str:
    """The host of a worker's address."""
    return address.rpartition("//")[2].rpartition(":")[0]
