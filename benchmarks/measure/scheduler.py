"""Run the trials of a plan block by block, within a budget; each finished trial is a row on disk.

The executor decides how the trials of a block are split, and how many run at once.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import itertools
import queue
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

from benchmarks.measure.executor import Executor, Unit
from benchmarks.measure.signals import check_interrupted
from benchmarks.plan.durations import Durations
from benchmarks.plan.trials import Trial
from benchmarks.record.store import Store

Future = concurrent.futures.Future[None]
Event = Future | tuple[Trial, dict[str, Any], float]
MIN_OVERRUN_S = 60.0  # beyond the budget, for the first block, which may take twice the budget
RECOMPUTE_S = 1.0  # after which the time left is recomputed, not counted down


class Listener(Protocol):
    """Observer of a run: the screen."""

    def on_trial_start(self, trial: Trial, left_s: float) -> None: ...

    def on_trial_end(self, trial: Trial, row: dict[str, Any], seconds: float) -> None: ...

    def on_stage_end(self, block: int) -> None: ...


@dataclasses.dataclass
class Stage:
    """Units of a block that may run at once."""

    block: int
    waiting: list[Unit]
    running: int = 0

    @property
    def ended(self) -> bool:
        """Whether all of its units have ended."""
        return not (self.waiting or self.running)


class Scheduler:
    """Runs the missing trials in the order of the plan."""

    def __init__(
        self, store: Store, executor: Executor, durations: Durations, listener: Listener
    ) -> None:
        self.store, self.executor = store, executor
        self.durations, self.listener = durations, listener
        self._recording_s: float | None = None
        self._deadline = self._first_block_deadline = float("inf")
        self._repeats: Counter[tuple[object, ...]] = Counter()
        self._first = 0  # the first block of measurements, which may take longer than the budget
        self._stages: list[Stage] = []
        self._opened: set[int] = set()
        self._running: dict[Future, tuple[Unit, Stage]] = {}
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._left = (0.0, 0.0, float("-inf"))  # seconds left: all, first block; and when
        self._complete = True

    def run(self, plan: Sequence[Trial], budget_s: float | None) -> bool:
        """Run the plan; return True if it is complete, False if the budget ended it.

        The run ends after the last whole block that is expected to fit, or within a block that took
        longer than expected. The first block of measurements may take twice the budget, because
        a run without it has no table.
        """
        if budget_s is not None:
            self._deadline = time.perf_counter() + budget_s
            self._first_block_deadline = self._deadline + max(budget_s, MIN_OVERRUN_S)
        self._first = min((trial.block for trial in plan if trial.block), default=0)
        self._stages = self._list_stages(plan)
        with concurrent.futures.ThreadPoolExecutor(self.executor.max_parallel) as pool:
            try:
                while self._stages:
                    check_interrupted()
                    self._begin_units(pool)
                    self._handle_next_event()
                    self._retire_stages()
            except BaseException:
                self.executor.stop()  # ends the pool's threads, so that leaving does not wait
                raise
        return self._complete

    def _list_stages(self, plan: Sequence[Trial]) -> list[Stage]:
        """Return the stages of the trials that are missing."""
        missing = self.store.list_missing(plan)
        repeats = self._repeats = Counter(map(_repeat_key, plan))
        stages = []
        for block, members in itertools.groupby(missing, key=lambda trial: trial.block):
            for stage in self.executor.split(list(members), self.durations):
                units = [
                    Unit(trials, [repeats[_repeat_key(t)] for t in trials], block == self._first)
                    for trials in stage
                ]
                stages.append(Stage(block, units))
        return stages

    def _begin_units(self, pool: concurrent.futures.Executor) -> None:
        """Start every unit for which there is a free slot; a block opens with its first unit."""
        running = [unit for unit, _ in self._running.values()]
        for stage in self._stages:
            if stage.waiting and not self._open_block(stage, running):
                return
            for unit in list(stage.waiting):
                if self.executor.can_start(unit, running):
                    stage.waiting.remove(unit)
                    stage.running += 1
                    running.append(unit)
                    self.listener.on_trial_start(unit.trials[0], self._expect_left(unit))
                    future = pool.submit(self._run_unit, unit)
                    self._running[future] = unit, stage
                    future.add_done_callback(self._events.put)
                elif self.executor.in_order:
                    break
            if self.executor.in_order and not stage.ended:
                return

    def _open_block(self, stage: Stage, running: Sequence[Unit]) -> bool:
        """Open a stage's block if it is not open; False if there is no free slot or no time."""
        if stage.block in self._opened:
            return True
        if not self.executor.can_start(stage.waiting[0], running):
            return False
        if self._is_over_budget(stage.block):
            self._drop(stage.block)
            return False
        self._opened.add(stage.block)
        return True

    def _is_over_budget(self, block: int) -> bool:
        """Return whether a block is expected to end after the budget; the first one may."""
        members = [stage for stage in self._stages if stage.block == block]
        expected = self.durations.expect(_list_waiting(members))
        return block > self._first and expected > self._deadline - time.perf_counter()

    def _drop(self, block: int) -> None:
        """Start nothing more of this block and later ones."""
        for stage in self._stages:
            if stage.block >= block and stage.waiting:
                stage.waiting, self._complete = [], False

    def _expect_left(self, unit: Unit) -> float:
        """Return the seconds until the run ends, recomputed about once a second."""
        now = time.perf_counter()
        if now - self._left[-1] > RECOMPUTE_S:
            trials = [*unit.trials, *_list_waiting(self._stages)]
            first = [trial for trial in trials if trial.block <= self._first]
            self._left = self.durations.expect(trials), self.durations.expect(first), now
        everything, first_block, computed = self._left
        passed = now - computed
        return max(
            0.0,
            min(everything - passed, self._deadline - now),
            min(first_block - passed, self._first_block_deadline - now),
        )

    def _handle_next_event(self) -> None:
        """Wait for a row or the end of a unit or, if nothing is running, for a free slot."""
        if not self._running:
            if any(stage.waiting for stage in self._stages):
                time.sleep(self.executor.pause or 0.0)
            return
        try:
            event = self._events.get(timeout=self.executor.pause)
        except queue.Empty:
            return
        if isinstance(event, tuple):
            self._record(*event)
            return
        _, stage = self._running.pop(event)
        stage.running -= 1
        event.result()  # raises an error that ends the run
        now = time.perf_counter()
        if now > self._deadline:
            self._drop(self._first if now > self._first_block_deadline else self._first + 1)

    def _retire_stages(self) -> None:
        """Remove stages that have ended, so that the screen and table.csv show them."""
        for stage in [stage for stage in self._stages if stage.ended]:
            self._stages.remove(stage)
            if stage.block in self._opened:
                self.listener.on_stage_end(stage.block)  # times are shown while memory is measured
                if not any(other.block == stage.block for other in self._stages):
                    self.store.write_table()

    def _run_unit(self, unit: Unit) -> None:
        """Run a unit in a thread of the pool; its rows go to the queue."""
        self.executor.run_unit(unit, self.store.array_path, lambda *event: self._events.put(event))

    def _record(self, trial: Trial, row: dict[str, Any], seconds: float) -> None:
        started = time.perf_counter()
        if trial.system == "noop" and trial.measure == "time":
            # From the previous row, since this one is not written yet. With the time of a bare
            # interpreter, also in the row, it gives what the harness itself costs.
            row["time_record_s"] = self._recording_s
        self.store.append(row)
        self._recording_s = time.perf_counter() - started
        self.durations.observe(
            trial,
            seconds + self._recording_s,
            repeats=self._repeats[_repeat_key(trial)],
            ok=row["status"] == "ok",
        )
        self.listener.on_trial_end(trial, row, seconds)


def _list_waiting(stages: Sequence[Stage]) -> list[Trial]:
    return [trial for stage in stages for unit in stage.waiting for trial in unit.trials]


def _repeat_key(trial: Trial) -> tuple[object, ...]:
    return trial.block, trial.workload, trial.threads, trial.system, trial.measure
