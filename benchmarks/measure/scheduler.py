"""Runs the trials of a plan block by block, within a budget; every ended trial is a row on disk.

A trial that is timed has the machine to itself. The others, whose figures no neighbour changes,
share it: as many at once as there are cores for them, each on cores of its own. A run that only
looks whether all works (`side_by_side`) lets timed ones share it, too; their rows say `shared`.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import queue
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

from benchmarks.measure import machine, process
from benchmarks.measure.executors import Local
from benchmarks.plan.durations import Durations
from benchmarks.plan.trials import Trial
from benchmarks.record.store import Store

Unit = list[Trial]  # what one process measures: one trial, or the seeds of an accuracy measure
Future = concurrent.futures.Future[None]


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
        self._deadline: float | None = None
        self._repeats: Counter[tuple[object, ...]] = Counter()

    def run(self, plan: Sequence[Trial], budget_s: float | None) -> bool:
        """True if the plan is complete, False if the budget ended it.

        It ends after the last whole block that is expected to fit, or within a block that took
        longer than expected. The first block of measurements is always run: a run without one
        has no table.
        """
        self._deadline = None if budget_s is None else time.perf_counter() + budget_s
        self._repeats = Counter(map(_kind, plan))
        recorded = {row["trial_id"] for row in self.store.rows()}
        missing = [trial for trial in plan if trial.trial_id not in recorded]
        first = min((trial.block for trial in plan if trial.block), default=0)
        for block, members in itertools.groupby(missing, key=lambda trial: trial.block):
            trials = list(members)
            if block > first and self.durations.expect(trials) > self._budget_left():
                return False
            if not self._run_block(block, trials, missing, first):
                return False
        return True

    def _budget_left(self) -> float:
        return float("inf") if self._deadline is None else self._deadline - time.perf_counter()

    def _run_block(self, block: int, trials: list[Trial], missing: list[Trial], first: int) -> bool:
        """False if the budget ended it."""
        later = [other for other in missing if other.block > block]
        complete = True
        for _, members in itertools.groupby(trials, key=self._count_slots):
            group = list(members)
            after = [*trials[trials.index(group[-1]) + 1 :], *later]
            complete = self._run_group(group, after, first)
            self.listener.part_complete(block)  # the times stand while memory is still measured
            if not complete:
                break
        self.store.write_table()
        return complete

    def _run_group(self, group: list[Trial], after: list[Trial], first: int) -> bool:
        """Run trials that may run at once; their rows are recorded as they end."""
        free = list(range(self._count_slots(group[0])))
        waiting = split_units(group)
        if len(free) > 1:  # the longest first, so that none is left to run alone at the end
            waiting.sort(key=lambda unit: -self.durations.expect(unit))
        running: dict[Future, int] = {}
        events: queue.SimpleQueue[Future | tuple[Trial, dict[str, Any], float]]
        events = queue.SimpleQueue()
        complete = True
        with concurrent.futures.ThreadPoolExecutor(len(free)) as pool:
            try:
                while waiting or running:
                    while waiting and free:
                        unit, slot = waiting.pop(0), free.pop()
                        left = self.durations.expect([*unit, *itertools.chain(*waiting), *after])
                        self.listener.begins(unit[0], max(0.0, min(left, self._budget_left())))
                        future = pool.submit(
                            self._run_unit, unit, unit[0].block == first, slot, events
                        )
                        running[future] = slot
                        future.add_done_callback(events.put)
                    event = events.get()
                    if isinstance(event, tuple):
                        self._record(*event)
                        continue
                    free.append(running.pop(event))
                    event.result()  # raises what ends the run
                    if group[0].block > first and self._budget_left() < 0 and waiting:
                        waiting, complete = [], False
            except BaseException:
                process.kill_all()  # so that the pool's threads end, and leaving it does not wait
                raise
        return complete

    def _run_unit(self, unit: Unit, extras: bool, slot: int, events: queue.SimpleQueue) -> None:
        """In a thread of the pool; its rows go to the queue."""
        began = time.perf_counter()

        def tell(trial: Trial, row: dict[str, Any]) -> None:
            nonlocal began
            row["shared"] = self._count_slots(trial) > 1
            ended = time.perf_counter()
            events.put((trial, row, ended - began))
            began = ended

        if unit[0].measure == "accuracy":
            self.executor.run_seeds(unit, self.store.array_path, tell, slot=slot)
            return
        trial = unit[0]
        arrays, repeats = self.store.array_path(trial.trial_id), self._repeats[_kind(trial)]
        row = self.executor.run_trial(
            trial, arrays, extras=extras and not trial.repeat, slot=slot, repeats=repeats
        )
        if trial.system == "noop" and trial.measure == "time":
            # What the harness itself costs: noop less a bare interpreter, plus writing a row.
            row["time_bare_s"] = self.executor.time_bare_interpreter()
            row["time_record_s"] = self._recording_s
        tell(trial, row)

    def _record(self, trial: Trial, row: dict[str, Any], seconds: float) -> None:
        recording = time.perf_counter()
        self.store.append(row)
        self._recording_s = time.perf_counter() - recording
        self.durations.observe(trial, seconds + self._recording_s)
        self.listener.ended(trial, row, seconds)

    def _count_slots(self, trial: Trial) -> int:
        """How many trials of this kind may run at once."""
        alone = trial.measure == "time" and not self.side_by_side
        return 1 if alone else max(1, machine.count_cores() // trial.threads)


def split_units(trials: Sequence[Trial]) -> list[Unit]:
    """What each process measures. The seeds of a system stand together in the plan."""

    def key(trial: Trial) -> object:
        shares = trial.measure == "accuracy"
        return (trial.system, trial.workload, trial.threads) if shares else trial.trial_id

    return [list(members) for _, members in itertools.groupby(trials, key=key)]


def _kind(trial: Trial) -> tuple[object, ...]:
    return trial.block, trial.workload, trial.threads, trial.system, trial.measure
