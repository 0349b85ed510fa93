"""From a request to trials: who is measured on what, in which block, in which order.

A block holds every planned system once, on one seed, in shuffled order, so any whole number of
blocks is a balanced experiment. Parity trials form block 0.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import re
from collections.abc import Iterable, Mapping

from baselines.contract import Workload
from benchmarks.plan import workloads as catalogue
from benchmarks.plan.suites import Request
from benchmarks.record.schema import MEASURES

# Known answers that sit in every block: they tell whether the instrument can be trusted.
CONTROLS = {
    "time": ("noop", "sleep", "matmul", "mapicx-again"),
    "memory": ("noop", "allocate"),
    "accuracy": (),
    "parity": (),
}
DTYPES = {"parity": "float64"}


MOST = 2**32  # seeds, blocks, places and threads are below it
NAME = re.compile(r"[\w][\w.@+:=-]*")  # of a system or workload: a plain part of a path


@dataclasses.dataclass(frozen=True)
class SystemInfo:
    """What the class of a system says of itself, asked in a process of its own."""

    family: str
    requires: tuple[str, ...] = ()
    refused: Mapping[str, str] = dataclasses.field(default_factory=dict)  # workload -> reason
    own_order: bool = False  # a native fit that shuffles by itself
    defect: str = ""  # why the class itself could not be loaded


@dataclasses.dataclass(frozen=True)
class Trial:
    """One system on one workload with one seed, one thread setting and one measure."""

    system: str
    family: str
    workload: str
    seed: int
    threads: int
    measure: str
    dtype: str
    block: int
    order: int
    recipe: str
    workload_digest: str

    @property
    def trial_id(self) -> str:
        """Hash of (system, workload, seed, threads, measure, dtype)."""
        key = [self.system, self.workload, self.seed, self.threads, self.measure, self.dtype]
        return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]

    def describe(self) -> dict[str, object]:
        """The trial as run.json keeps it."""
        return {"trial_id": self.trial_id, **dataclasses.asdict(self)}


FIELDS_OF_TRIAL = dataclasses.fields(Trial)


def read_trial(entry: Mapping[str, object]) -> Trial:
    """The inverse of `Trial.describe`. ValueError if the entry does not describe a trial."""
    values = dict(entry)
    trial_id = values.pop("trial_id", None)
    types = {field.name: int if field.type == "int" else str for field in FIELDS_OF_TRIAL}
    if values.keys() != types.keys() or any(type(values[key]) is not types[key] for key in types):
        raise ValueError("a trial is not described as one")
    trial = Trial(**values)  # type: ignore[arg-type]
    numbers = (trial.seed, trial.block, trial.order, trial.threads - 1)
    if (
        not all(0 <= number < MOST for number in numbers)
        or trial.measure not in MEASURES
        or trial.dtype != DTYPES.get(trial.measure, "float32")
        or not all(NAME.fullmatch(name) for name in (trial.system, trial.workload))
        or trial.trial_id != trial_id
    ):
        raise ValueError(f"trial {trial_id!r} is not as it was planned")
    return trial


def plan_trials(
    request: Request, systems: Mapping[str, SystemInfo], order_seed: int
) -> tuple[list[Trial], list[dict[str, str]]]:
    """All trials in the order of their execution, and what is skipped and why."""
    shuffle = random.Random(order_seed).shuffle
    skipped = [
        {"system": name, "workload": workload.name, "reason": systems[name].refused[workload.name]}
        for workload in request.workloads
        for name in request.systems
        if workload.name in systems[name].refused
    ]
    blocks = [_parity(request, systems)] if "parity" in request.measures else []
    blocks += [_block(request, systems, seed) for seed in range(_block_count(request))]
    first = 0 if "parity" in request.measures else 1
    trials: list[Trial] = []
    for number, block in enumerate(blocks, start=first):
        shuffle(block)
        # Measure by measure: what is timed runs alone, the rest side by side after it.
        block.sort(key=lambda trial: MEASURES.index(trial.measure))
        start = len(trials)
        trials += [
            dataclasses.replace(trial, block=number, order=start + place)
            for place, trial in enumerate(block)
        ]
    return trials, skipped


def _block_count(request: Request) -> int:
    with_accuracy = request.accuracy_seeds if "accuracy" in request.measures else 0
    with_clock = request.seeds if {"time", "memory"} & set(request.measures) else 0
    return max(with_accuracy, with_clock)


def _measured_in(block: int, request: Request) -> Iterable[str]:
    """The measures of one block (counted from 0): memory in some, time in the first `seeds`."""
    if block < request.seeds:
        if "time" in request.measures:
            yield "time"
        alone = "time" not in request.measures
        if "memory" in request.measures and (alone or block in _memory_blocks(request)):
            yield "memory"
    if "accuracy" in request.measures and block < request.accuracy_seeds:
        yield "accuracy"


def _memory_blocks(request: Request) -> set[int]:
    """Spread evenly, the first block among them, so that the first table is complete."""
    return {
        index * request.seeds // request.memory_blocks for index in range(request.memory_blocks)
    }


def _block(request: Request, systems: Mapping[str, SystemInfo], seed: int) -> list[Trial]:
    return [
        _trial(name, systems[name], workload, seed, threads, measure)
        for measure in _measured_in(seed, request)
        for workload in request.workloads
        for threads in request.threads
        for name in dict.fromkeys([*request.systems, *CONTROLS[measure]])
        if workload.name not in systems[name].refused
    ]


def _parity(request: Request, systems: Mapping[str, SystemInfo]) -> list[Trial]:
    """Once per network system and recipe; the first workload of a recipe stands for it."""
    by_recipe: dict[str, Workload] = {}
    for workload in request.workloads:
        by_recipe.setdefault(workload.recipe, workload)
    return [
        _trial(name, systems[name], workload, 0, 1, "parity")
        for workload in by_recipe.values()
        for name in request.systems
        if systems[name].family == "network" and workload.name not in systems[name].refused
    ]


def _trial(
    name: str, info: SystemInfo, workload: Workload, seed: int, threads: int, measure: str
) -> Trial:
    return Trial(
        system=name,
        family=info.family,
        workload=workload.name,
        seed=seed,
        threads=threads,
        measure=measure,
        dtype=DTYPES.get(measure, "float32"),
        block=0,
        order=0,
        recipe=workload.recipe,
        workload_digest=catalogue.digest_workload(workload),
    )
