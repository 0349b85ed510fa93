"""Turn a request into trials: which system is measured on what, in which block and which order.

Block 0 holds the parity trials. Every other block holds every planned system on one seed, so any
whole number of blocks is a balanced experiment. Timed trials of one workload are adjacent, in
random order, because a machine's speed changes within seconds:

* flanks: trials of the base between the other trials, so that each is compared with a base timed
  in the same seconds; they add at most a tenth to the time of the workload;
* repeats: a system with a short process is run several times, spread over the block;
* a system that takes over 15 % of a block, and over 15 s, is timed in half of the blocks: the
  first, then those after the third, once the others have the three that an interval needs.

Accuracy is not timed: it is trained for all seeds at the end of the first block.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import baselines
from baselines.contract import Workload
from benchmarks.options import format_duration
from benchmarks.plan import workloads as catalogue
from benchmarks.plan.durations import Durations
from benchmarks.plan.suites import Request
from benchmarks.plan.trials import BASE, CONTROLS, DTYPES, SystemInfo, Trial

T = TypeVar("T")
FLANKS_SHARE = 0.08  # of a workload's time that extra trials of the base may add
REPEAT_S, MAX_REPEATS = 2.6, 10  # a system is repeated as often as fits into this time
SLOW_SHARE, SLOW_S = 0.15, 15.0  # share of a block's time, and seconds; slow is above both
MIN_BLOCKS = 3  # enough for an interval
ACCURACY_LIMIT_S = 120.0  # a system that takes longer has only the scores of its timed trials


def plan_trials(
    request: Request, systems: Mapping[str, SystemInfo], durations: Durations, order_seed: int
) -> tuple[list[Trial], list[dict[str, str]]]:
    """Return all trials in the order of their execution, and what is skipped and why."""
    plan = _Plan(request, systems, durations, random.Random(order_seed))
    skipped = [
        {"system": name, "workload": workload.name, "reason": systems[name].refused[workload.name]}
        for workload in request.workloads
        for name in request.systems
        if workload.name in systems[name].refused
    ]
    blocks = {0: plan.list_parity()} if "parity" in request.measures else {}
    blocks |= {1 + index: plan.list_block(index) for index in range(request.seeds)}
    if "accuracy" in request.measures:
        accuracy, slow = plan.list_accuracy()
        blocks[1] += accuracy
        skipped += slow
    numbered = [(number, trial) for number, block in blocks.items() for trial in block]
    return [
        dataclasses.replace(trial, block=number, order=order)
        for order, (number, trial) in enumerate(numbered)
    ], skipped


class _Plan:
    """Lists the trials of each block, in order, not yet numbered."""

    def __init__(
        self,
        request: Request,
        systems: Mapping[str, SystemInfo],
        durations: Durations,
        rng: random.Random,
    ) -> None:
        self.request, self.systems = request, systems
        self.durations, self.rng = durations, rng

    def list_parity(self) -> list[Trial]:
        """List a trial per network system and recipe, on the first workload of the recipe."""
        by_recipe: dict[str, Workload] = {}
        for workload in self.request.workloads:
            by_recipe.setdefault(workload.recipe, workload)
        return self._shuffle(
            self._make_trial(name, workload, 0, 1, "parity")
            for workload in by_recipe.values()
            for name in self.request.systems
            if self.systems[name].family == "network" and self._supports(name, workload)
        )

    def list_block(self, index: int) -> list[Trial]:
        """List the timed trials, then those of memory; index counts from 0."""
        trials: list[Trial] = []
        measures = self.request.measures
        if "time" in measures:
            cases = [self._list_members(index, *case, "time") for case in self._cases()]
            whole = self.durations.expect(itertools.chain(*cases))
            for members in self._shuffle(cases):
                trials += self._arrange(self._without_slow(members, whole, index))
        if "memory" in measures and ("time" not in measures or index in self._memory_blocks()):
            for case in self._cases():
                trials += self._shuffle(self._list_members(index, *case, "memory"))
        return trials

    def list_accuracy(self) -> tuple[list[Trial], list[dict[str, str]]]:
        """List every seed of each system in turn, and the systems that take too long."""
        trials: list[Trial] = []
        skipped = []
        for workload, threads in self._cases():
            for name in self._shuffle(self.request.systems):
                if not self._supports(name, workload):
                    continue
                group = [
                    self._make_trial(name, workload, seed, threads, "accuracy")
                    for seed in range(self.request.accuracy_seeds)
                ]
                expected = sum(map(self.durations.expect_one, group))
                if "time" in self.request.measures and expected > ACCURACY_LIMIT_S:
                    reason = (
                        f"accuracy of {len(group)} seeds would take {format_duration(expected)};"
                        " its scores are those of its timed trials"
                    )
                    skipped.append({"system": name, "workload": workload.name, "reason": reason})
                else:
                    trials += group
        return trials, skipped

    def _cases(self) -> list[tuple[Workload, int]]:
        return list(itertools.product(self.request.workloads, self.request.threads))

    def _list_members(
        self, seed: int, workload: Workload, threads: int, measure: str
    ) -> list[Trial]:
        """List one trial of every system and control."""
        names = dict.fromkeys([*self.request.systems, *CONTROLS[measure]])
        return [
            self._make_trial(name, workload, seed, threads, measure)
            for name in names
            if self._supports(name, workload)
        ]

    def _memory_blocks(self) -> set[int]:
        """Choose the first two, so that a short run has a verdict, and spread the rest evenly."""
        others = self.request.memory_blocks - 1
        return {0} | {1 + i * (self.request.seeds - 1) // others for i in range(others)}

    def _slow_blocks(self) -> set[int]:
        """Choose half of the blocks, but at least three."""
        seeds = self.request.seeds
        order = [0, *range(MIN_BLOCKS, seeds), *range(1, MIN_BLOCKS)]
        return set(order[: max(MIN_BLOCKS, math.ceil(seeds / 2))])

    def _without_slow(self, members: list[Trial], whole: float, index: int) -> list[Trial]:
        if index in self._slow_blocks():
            return members
        limit = max(SLOW_S, SLOW_SHARE * whole)
        return [trial for trial in members if self.durations.expect_one(trial) <= limit]

    def _arrange(self, members: list[Trial]) -> list[Trial]:
        """Arrange timed trials of one workload, with their repeats and flanks, in random order."""
        if self.request.side_by_side:  # nothing is compared
            return self._shuffle(members)
        placed = [
            ((repeat + self.rng.random()) / count, dataclasses.replace(trial, repeat=repeat))
            for trial in members
            if trial.system != BASE
            for count in [self._count_repeats(trial)]
            for repeat in range(count)
        ]
        others = [trial for _, trial in sorted(placed, key=lambda entry: entry[0])]
        bases = [trial for trial in members if trial.system == BASE]
        return self._flank(others, bases[0]) if bases else others

    def _count_repeats(self, trial: Trial) -> int:
        """Count repeats of a system whose times are compared; for others, one is enough."""
        if trial.family not in ("network", "classical") and trial.system not in baselines.TWINS:
            return 1
        fitting = int(REPEAT_S / self.durations.expect_process(trial))
        return max(1, min(MAX_REPEATS, fitting))

    def _flank(self, others: Sequence[Trial], base: Trial) -> list[Trial]:
        """Put trials of the base between the others, evenly in time if not every gap gets one."""
        repeats = Counter(trial.system for trial in others)
        expected = [self.durations.expect_one(trial, repeats[trial.system]) for trial in others]
        extra = int(FLANKS_SHARE * sum(expected) / self.durations.expect_one(base, MAX_REPEATS))
        count = min(1 + extra, len(others) + 1)
        passed = [0.0, *itertools.accumulate(expected)]  # when each gap is due
        gaps = self._spread(passed, count)
        flanks = {
            gap: dataclasses.replace(base, repeat=repeat) for repeat, gap in enumerate(sorted(gaps))
        }
        arranged: list[Trial] = []
        for gap in range(len(passed)):
            arranged += [flanks[gap]] if gap in flanks else []
            arranged += others[gap : gap + 1]
        return arranged

    def _spread(self, passed: Sequence[float], count: int) -> set[int]:
        """Choose `count` gaps, each the free one nearest to its share of the time."""
        if count == 1:
            return {self.rng.randrange(len(passed))}
        gaps: set[int] = set()
        for i in range(count):
            due = passed[-1] * i / (count - 1)
            free = [gap for gap in range(len(passed)) if gap not in gaps]
            gaps.add(min(free, key=lambda gap: abs(passed[gap] - due)))
        return gaps

    def _shuffle(self, items: Iterable[T]) -> list[T]:
        listed = list(items)
        self.rng.shuffle(listed)
        return listed

    def _supports(self, name: str, workload: Workload) -> bool:
        return workload.name not in self.systems[name].refused

    def _make_trial(
        self, name: str, workload: Workload, seed: int, threads: int, measure: str
    ) -> Trial:
        return Trial(
            system=name,
            family=self.systems[name].family,
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
