"""Runs the trials of a plan block by block, within a budget; every ended trial is a row on disk."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import Any, Protocol

from benchmarks.measure.executors import Local
from benchmarks.plan.durations import Durations
from benchmarks.plan.trials import Trial
from benchmarks.record.store import Store


class Listener(Protocol):
    """Who watches a run: the screen."""

    def begins(self, trial: Trial, left_s: float) -> None: ...

    def ended(self, trial: Trial, row: dict[str, Any], seconds: float) -> None: ...

    def block_complete(self, block: int) -> None: ...


class Campaign:
    """The trials that are still missing, in the order of the plan."""

    def __init__(
        self, store: Store, executor: Local, durations: Durations, listener: Listener
    ) -> None:
        self.store, self.executor = store, executor
        self.durations, self.listener = durations, listener
        self._recording_s: float | None = None

    def run(self, plan: Sequence[Trial], budget_s: float | None) -> bool:
        """True if the plan is complete, False if the budget ended it after a whole block.

        The first block of measurements is always run: a run without one has no table.
        """
        began = time.perf_counter()
        recorded = {row["trial_id"] for row in self.store.rows()}
        missing = [trial for trial in plan if trial.trial_id not in recorded]
        first = min((trial.block for trial in plan if trial.block), default=0)
        for block, members in itertools.groupby(missing, key=lambda trial: trial.block):
            trials = list(members)
            left = None if budget_s is None else budget_s - (time.perf_counter() - began)
            if left is not None and block > first and self.durations.of(trials) > left:
                return False
            self._block(block, trials, missing, extras=block == first)
        return True

    def _block(
        self, block: int, trials: list[Trial], missing: list[Trial], *, extras: bool
    ) -> None:
        for place, trial in enumerate(trials):
            after = [other for other in missing if other.block > block]
            self.listener.begins(trial, self.durations.of([*trials[place:], *after]))
            began = time.perf_counter()
            row = self._measured(trial, extras)
            recording = time.perf_counter()
            self.store.append(row)
            ended = time.perf_counter()
            self._recording_s = ended - recording
            self.durations.saw(trial, ended - began)
            self.listener.ended(trial, row, ended - began)
        self.store.write_table()
        self.listener.block_complete(block)

    def _measured(self, trial: Trial, extras: bool) -> dict[str, Any]:
        row = self.executor.run(trial, self.store.array_path(trial.trial_id), extras=extras)
        if trial.system == "noop" and trial.measure == "time":
            # What the harness itself costs: noop less a bare interpreter, plus writing a row.
            row["time_bare_s"] = self.executor.bare_interpreter_s()
            row["time_record_s"] = self._recording_s
        return row
