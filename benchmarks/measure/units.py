"""What a scheduler hands out, and what it needs from whoever measures it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from benchmarks.plan.durations import Durations
from benchmarks.plan.trials import Trial

OnRow = Callable[[Trial, dict[str, Any], float], None]  # a row, and the seconds it took


@dataclasses.dataclass(frozen=True)
class Unit:
    """Trials that are measured one after the other in one place.

    Attributes
    ----------
    trials : sequence of Trial
        One trial, the seeds of an accuracy measure or, on a cluster, what a block times.
    repeats : sequence of int
        For each trial, how many processes of its system share the block's warm trainings.
    extras : bool
        Also write the arrays and figures that one block of a run is enough for.
    """

    trials: Sequence[Trial]
    repeats: Sequence[int]
    extras: bool

    @property
    def measure(self) -> str:
        """What all of its trials measure."""
        return self.trials[0].measure

    def keep(self, wanted: Callable[[Trial], bool]) -> Unit:
        """The unit without the trials that are not wanted."""
        pairs = [pair for pair in zip(self.trials, self.repeats, strict=True) if wanted(pair[0])]
        trials, repeats = zip(*pairs, strict=True) if pairs else ((), ())
        return Unit(trials, repeats, self.extras)


class Executor(Protocol):
    """Measures units, each called in a thread of its own, and passes on their rows as they end."""

    @property
    def max_parallel(self) -> int:
        """Units that may ever run at once."""

    @property
    def in_order(self) -> bool:
        """Whether a stage begins when the one before it has ended."""

    @property
    def pause(self) -> float | None:
        """Seconds after which there may be more places than before."""

    def count_parallel(self) -> tuple[int, int]:
        """How many trials run at once where none is timed, and how many blocks are timed."""

    def split(self, trials: Sequence[Trial], durations: Durations) -> list[list[list[Trial]]]:
        """The trials of a block as stages, each a list of the trials of its units."""

    def can_start(self, unit: Unit, running: Sequence[Unit]) -> bool:
        """Whether there is a place for a unit beside those that are running."""

    def run_unit(self, unit: Unit, array_path: Callable[[str], Path], on_row: OnRow) -> None:
        """Measure a unit; `on_row` gets each row. MachineFault ends the run."""

    def stop(self) -> None:
        """End whatever is running at once, for a run that was interrupted."""

    def close(self) -> None:
        """Give back what the executor holds."""


def split_units(trials: Sequence[Trial]) -> list[list[Trial]]:
    """What each process measures. The seeds of a system stand together in the plan."""

    def key(trial: Trial) -> object:
        shares = trial.measure == "accuracy"
        return (trial.system, trial.workload, trial.threads) if shares else trial.trial_id

    return [list(members) for _, members in itertools.groupby(trials, key=key)]
