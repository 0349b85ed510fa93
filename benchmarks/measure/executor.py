"""The units that a scheduler hands out, and the executor that measures them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from benchmarks.plan.durations import Durations
from benchmarks.plan.trials import Trial

MAX_SEEDS = 500  # in one process: they are one argument of its command line

OnRow = Callable[[Trial, dict[str, Any], float], None]  # a row, and the seconds it took


@dataclasses.dataclass(frozen=True)
class Unit:
    """Trials that are measured one after another in one place.

    Attributes
    ----------
    trials : sequence of Trial
        One trial, the seeds of an accuracy measure or, on a cluster, a block's timed trials.
    repeats : sequence of int
        For each trial, how many processes of its system share the block's warm trainings.
    extras : bool
        Also write the arrays and figures that are needed from only one block of a run.
    """

    trials: Sequence[Trial]
    repeats: Sequence[int]
    extras: bool

    def keep(self, predicate: Callable[[Trial], bool]) -> Unit:
        """Return a unit with only the trials for which the predicate is true."""
        whole = zip(self.trials, self.repeats, strict=True)
        pairs = [pair for pair in whole if predicate(pair[0])]
        trials, repeats = zip(*pairs, strict=True) if pairs else ((), ())
        return Unit(trials, repeats, self.extras)


class Executor(Protocol):
    """Measures units, each called in its own thread, and passes on their rows as they are ready."""

    @property
    def max_parallel(self) -> int:
        """The most units that may ever run at once."""

    @property
    def in_order(self) -> bool:
        """Whether a stage begins only when the one before it has ended."""

    @property
    def pause(self) -> float | None:
        """Seconds after which there may be more places; None if there never are."""

    def count_parallel(self) -> tuple[int, int]:
        """Return how many untimed trials, and how many timed blocks, run at once."""

    def split(self, trials: Sequence[Trial], durations: Durations) -> list[list[list[Trial]]]:
        """Split the trials of a block into stages, each a list of the trials of its units."""

    def can_start(self, unit: Unit, running: Sequence[Unit]) -> bool:
        """Return whether there is a place for a unit beside those that are running."""

    def run_unit(self, unit: Unit, array_path: Callable[[str], Path], on_row: OnRow) -> None:
        """Measure a unit; `on_row` gets each row. MachineFault ends the run."""

    def stop(self) -> None:
        """End everything that is running, at once, when the run was interrupted."""

    def close(self) -> None:
        """Release what the executor holds."""


def split_units(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Group trials by process. In the plan, the seeds of a system are adjacent."""

    def key(trial: Trial) -> object:
        shares = trial.measure == "accuracy"
        some = trial.seed // MAX_SEEDS
        return (trial.system, trial.workload, trial.threads, some) if shares else trial.trial_id

    return [list(members) for _, members in itertools.groupby(trials, key=key)]
