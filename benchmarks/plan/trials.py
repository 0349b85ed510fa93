"""A trial, and how run.json keeps it. blocks.py decides which trials a run has, in which order."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping

from benchmarks.record.schema import MEASURES

BASE = "mapicx"  # the system that ratios refer to
# Systems with known answers in every block, which tell whether the instrument can be trusted.
CONTROLS = {
    "time": ("noop", "sleep", "matmul", "mapicx-again"),
    "memory": ("noop", "allocate"),
    "accuracy": (),
    "parity": (),
}
DTYPES = {"parity": "float64"}
LIMIT = 2**32  # seeds, blocks, orders, repeats and threads are below it
NAME = re.compile(r"[\w][\w.@+:=-]*")  # of a system or workload; also usable as part of a path


@dataclasses.dataclass(frozen=True)
class SystemInfo:
    """What the class of a system says about itself, obtained in a separate process."""

    family: str
    requires: tuple[str, ...] = ()
    refused: Mapping[str, str] = dataclasses.field(default_factory=dict)  # workload -> reason
    own_order: bool = False  # a native fit that shuffles by itself


@dataclasses.dataclass(frozen=True)
class Trial:
    """One system on one workload with one seed, one thread setting and one measure.

    A short process is repeated within a block; `repeat` counts from 0.
    """

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
    repeat: int = 0

    @property
    def trial_id(self) -> str:
        """Hash of (system, workload, seed, threads, measure, dtype), and of a repeat above 0."""
        key = [self.system, self.workload, self.seed, self.threads, self.measure, self.dtype]
        if self.repeat:
            key.append(self.repeat)
        return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]

    def describe(self) -> dict[str, object]:
        """Return the trial as run.json keeps it."""
        return {"trial_id": self.trial_id, **dataclasses.asdict(self)}


def read_trial(entry: Mapping[str, object]) -> Trial:
    """Invert `Trial.describe`. ValueError if the entry does not describe a trial."""
    values = {"repeat": 0, **entry}  # older runs have no repeat
    trial_id = values.pop("trial_id", None)
    fields = dataclasses.fields(Trial)
    types = {field.name: int if field.type == "int" else str for field in fields}
    if values.keys() != types.keys() or any(type(values[key]) is not types[key] for key in types):
        raise ValueError("a trial is not described as one")
    trial = Trial(**values)  # type: ignore[arg-type]
    numbers = (trial.seed, trial.block, trial.order, trial.repeat, trial.threads - 1)
    if (
        not all(0 <= number < LIMIT for number in numbers)
        or trial.measure not in MEASURES
        or trial.dtype != DTYPES.get(trial.measure, "float32")
        or not all(NAME.fullmatch(name) for name in (trial.system, trial.workload))
        or trial.trial_id != trial_id
    ):
        raise ValueError(f"trial {trial_id!r} is not as it was planned")
    return trial
