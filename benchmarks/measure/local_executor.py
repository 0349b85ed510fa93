"""Place units of trials on the cores of this machine.

A timed trial has the machine to itself. The others, whose figures no neighbour changes, share it:
as many at once as there are cores for, each on its own cores. A run that only checks whether
everything works (`side_by_side`) lets timed trials share it, too; their rows say `shared`.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from baselines.contract import Workload
from benchmarks.measure import machine
from benchmarks.measure.executor import OnRow, Unit, split_units
from benchmarks.measure.trial_runner import TrialRunner
from benchmarks.plan.durations import Durations
from benchmarks.plan.trials import Trial


class Local(TrialRunner):
    """The executor for this machine.

    Parameters
    ----------
    side_by_side : bool
        Whether timed trials share the machine.
    """

    in_order = True
    pause = None

    def __init__(
        self,
        workloads: Mapping[str, Workload],
        requires: Mapping[str, tuple[str, ...]],
        facts: Mapping[str, Any],
        *,
        side_by_side: bool = False,
        **limits: Any,
    ) -> None:
        super().__init__(workloads, requires, facts, **limits)
        self.side_by_side = side_by_side
        self.max_parallel = machine.count_cores()
        self._free = set(range(self.max_parallel))  # slots
        self._choosing = threading.Lock()

    def count_parallel(self) -> tuple[int, int]:
        """Return how many trials (one per core) and blocks (one) run at once."""
        return machine.count_cores(), 1

    def split(self, trials: Sequence[Trial], durations: Durations) -> list[list[list[Trial]]]:
        """Group consecutive trials that may run at once into stages."""
        stages = []
        # Slots of different sizes overlap, so they are not of one stage.
        for _, group in itertools.groupby(trials, key=lambda x: (self._count_slots(x), x.threads)):
            members = list(group)
            units = split_units(members)
            if self._count_slots(members[0]) > 1:  # so that no long one runs alone at the end
                units.sort(key=lambda unit: -durations.expect(unit))
            stages.append(units)
        return stages

    def can_start(self, unit: Unit, running: Sequence[Unit]) -> bool:
        """Return whether cores are free; running units are of the same stage."""
        return len(running) < self._count_slots(unit.trials[0])

    def _count_slots(self, trial: Trial) -> int:
        """Count the trials of this kind that may run at once."""
        alone = trial.measure == "time" and not self.side_by_side
        return 1 if alone else max(1, machine.count_cores() // trial.threads)

    def run_unit(self, unit: Unit, array_path: Callable[[str], Path], on_row: OnRow) -> None:
        """Measure the trials of a unit on cores that no other unit is using."""
        with self._choosing:
            slot = min(self._free)
            self._free.remove(slot)
        try:
            self.run_on(slot, unit, array_path, on_row)
        finally:
            self._free.add(slot)

    def run_on(
        self, slot: int, unit: Unit, array_path: Callable[[str], Path], on_row: OnRow
    ) -> None:
        """Measure the trials of a unit on the cores of one slot; slots count from the last core."""
        began = time.perf_counter()

        def finish(trial: Trial, row: dict[str, Any]) -> None:
            nonlocal began
            row["shared"] = self._count_slots(trial) > 1
            ended = time.perf_counter()
            on_row(trial, row, ended - began)
            began = ended

        if unit.trials[0].measure == "accuracy":
            self.run_seeds(unit.trials, array_path, finish, slot=slot)
            return
        for trial, repeats in zip(unit.trials, unit.repeats, strict=True):
            row = self.run_trial(
                trial,
                array_path(trial.trial_id),
                extras=unit.extras and not trial.repeat,
                slot=slot,
                repeats=repeats,
            )
            if trial.system == "noop" and trial.measure == "time":
                # noop's time less this is what the harness itself costs; see also time_record_s.
                row["time_bare_s"] = self.time_bare_interpreter()
            finish(trial, row)
