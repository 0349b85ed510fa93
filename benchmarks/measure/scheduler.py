"""Runs the trials of a plan block by block, within a budget; every ended trial is a row on disk.

A trial that is timed has the machine to itself. The others, whose figures no neighbour changes,
share it: as many at once as there are cores for them, each on cores of its own. A run that only
looks whether all works (`side_by_side`) lets timed ones share it, too; their rows say `shared`.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import time
from collections.abc import Sequence
from typing import Any, Protocol

from benchmarks.measure import machine, process
from benchmarks.measure.executors import Local
from benchmarks.plan.durations import Durations
from benchmarks.plan.trials import Trial
from benchmarks.record.store import Store


class Listener(Protocol):
    """Who watches a run: the screen."""

    def begins(self, trial: Trial, left_s: float) -> None: ...

    def ended(self, trial: Trial, row: dict[str, Any], seconds: float) -> None: ...

    def part_complete(self, block: int) -> None: ...


class Scheduler:
    """Runs the trials that are still missing, in the order of the plan."""

    def __init__(
        self,
        store: Store,
        executor: Local,
        durations: Durations,
        listener: Listener,
        side_by_side: bool = False,
    ) -> None:
        self.store, self.executor = store, executor
        self.durations, self.listener = durations, listener
        self.side_by_side = side_by_side
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
            if left is not None and block > first and self.durations.expect(trials) > left:
                return False
            self._block(block, trials, missing, extras=block == first)
        return True

    def _block(
        self, block: int, trials: list[Trial], missing: list[Trial], *, extras: bool
    ) -> None:
        later = [other for other in missing if other.block > block]
        for _, members in itertools.groupby(trials, key=self._slots):
            group = list(members)
            after = [*trials[trials.index(group[-1]) + 1 :], *later]
            self._group(group, after, extras)
            self.listener.part_complete(block)  # the times stand while memory is still measured
        self.store.write_table()

    def _group(self, group: list[Trial], after: list[Trial], extras: bool) -> None:
        """Trials that may run at once; their rows are recorded as they end."""
        free = list(range(self._slots(group[0])))
        waiting = list(group)
        if len(free) > 1:  # the longest first, so that none is left to run alone at the end
            waiting.sort(key=lambda trial: -self.durations.expect([trial]))
        running: dict[concurrent.futures.Future[dict[str, Any]], tuple[Trial, int, float]] = {}
        with concurrent.futures.ThreadPoolExecutor(len(free)) as pool:
            try:
                while waiting or running:
                    while waiting and free:
                        trial, slot = waiting.pop(0), free.pop()
                        self.listener.begins(
                            trial, self.durations.expect([trial, *waiting, *after])
                        )
                        future = pool.submit(self._measured, trial, extras, slot)
                        running[future] = (trial, slot, time.perf_counter())
                    ready, _ = concurrent.futures.wait(running, return_when="FIRST_COMPLETED")
                    for future in ready:
                        trial, slot, began = running.pop(future)
                        free.append(slot)
                        self._record(trial, future.result(), began)
            except BaseException:
                process.kill_all()  # so that the pool's threads end, and leaving it does not wait
                raise

    def _record(self, trial: Trial, row: dict[str, Any], began: float) -> None:
        recording = time.perf_counter()
        self.store.append(row)
        ended = time.perf_counter()
        self._recording_s = ended - recording
        self.durations.observe(trial, ended - began)
        self.listener.ended(trial, row, ended - began)

    def _measured(self, trial: Trial, extras: bool, slot: int) -> dict[str, Any]:
        arrays = self.store.array_path(trial.trial_id)
        row = self.executor.run_trial(trial, arrays, extras=extras, slot=slot)
        row["shared"] = self._slots(trial) > 1
        if trial.system == "noop" and trial.measure == "time":
            # What the harness itself costs: noop less a bare interpreter, plus writing a row.
            row["time_bare_s"] = self.executor.time_bare_interpreter()
            row["time_record_s"] = self._recording_s
        return row

    def _slots(self, trial: Trial) -> int:
        """How many trials of this kind may run at once."""
        alone = trial.measure == "time" and not self.side_by_side
        return 1 if alone else max(1, machine.count_cores() // trial.threads)
