"""Expected durations of trials: a guess from durations.toml, then this run's own rows.

The guess is for the machine of the table. It is multiplied by this machine's pace, which begins as
measured and then follows the trials of the run, for the kinds of trial that are still to come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from baselines.contract import Workload
from benchmarks.plan.trials import Trial
from benchmarks.plan.workloads import read_table

TABLE: dict[str, Any] = read_table("durations.toml")
WARM_S, WARM_MIN, WARM_LIMIT_S = 0.5, 3, 5.0  # for the trainings after the first; see phases.py
ROWS = 300  # in the trainings of the table
TRUST_S = 20.0  # of trials, by the table, which weigh as much as the pace at the beginning


class Durations:
    """Expected seconds of trials. The mean of observed seconds replaces a kind's guess.

    Parameters
    ----------
    workloads : mapping
        Every workload of the run, by name.
    cores : int
        How many untimed trials run at once.
    blocks : int
        How many blocks are timed at once.
    pace : float
        How many times as long as in the table a trial takes here and now.
    """

    def __init__(
        self,
        workloads: Mapping[str, Workload],
        cores: int = 1,
        blocks: int = 1,
        pace: float = 1.0,
    ) -> None:
        self._workloads, self._cores, self._blocks = workloads, cores, blocks
        self._seen: dict[tuple[str, str, int, str], tuple[int, float]] = {}
        self._taken, self._guessed = pace * TRUST_S, TRUST_S

    def observe(self, trial: Trial, seconds: float, *, repeats: int = 1, ok: bool = True) -> None:
        """Record how long a trial took, from start to row on disk.

        One that failed says what its kind takes, but nothing of the machine's pace.
        """
        count, total = self._seen.get(_kind(trial), (0, 0.0))
        self._seen[_kind(trial)] = count + 1, total + seconds
        if ok:
            self._taken += seconds
            self._guessed += self._guess(trial, repeats, 1.0)

    def expect(self, trials: Iterable[Trial]) -> float:
        """Return the seconds that these trials will take; untimed ones share the machine."""
        listed = list(trials)
        repeats = Counter((trial.block, _kind(trial)) for trial in listed)
        timed = len({trial.block for trial in listed if trial.measure == "time"})
        at_once = max(1, min(self._blocks, timed))
        return sum(
            self.expect_one(trial, repeats[trial.block, _kind(trial)])
            / (at_once if trial.measure == "time" else self._cores)
            for trial in listed
        )

    def expect_one(self, trial: Trial, repeats: int = 1) -> float:
        """Return seconds of one trial, from start to row on disk; repeats share warm trainings."""
        if _kind(trial) in self._seen:
            count, total = self._seen[_kind(trial)]
            return total / count
        return self._guess(trial, repeats, self._taken / self._guessed)

    def _guess(self, trial: Trial, repeats: int, pace: float) -> float:
        process, training = pace * self._guess_process(trial), pace * self._guess_training(trial)
        build = pace * _look_up("build", trial.system)
        if trial.measure == "accuracy":  # the seeds of a system share a process
            return training + (process if trial.seed == 0 else build)
        if trial.measure == "parity":
            return process + build
        if trial.measure == "memory":
            return process + training
        warm = WARM_S / repeats if training else 0.0
        return process + training + max(warm, min(WARM_MIN * training, WARM_LIMIT_S + training))

    def find_slowest(self, trials: Iterable[Trial]) -> dict[str, float]:
        """Return seconds of the slowest systems, slowest first, that together take half of all."""
        by_system: dict[str, list[Trial]] = {}
        for trial in trials:
            by_system.setdefault(trial.system, []).append(trial)
        spent = {name: self.expect(members) for name, members in by_system.items()}
        slowest: dict[str, float] = {}
        for name in sorted(spent, key=lambda name: (-spent[name], name)):
            if sum(slowest.values()) >= sum(spent.values()) / 2:
                break
            slowest[name] = spent[name]
        return slowest

    def expect_process(self, trial: Trial) -> float:
        """Return what the table says from exec to exit of a timed trial that trains once."""
        return self._guess_process(trial) + self._guess_training(trial)

    def _guess_process(self, trial: Trial) -> float:
        return float(TABLE["trial"]) + _look_up("process", trial.system)

    def _guess_training(self, trial: Trial) -> float:
        work = self._workloads[trial.workload]
        if trial.family == "bound" or trial.system in ("noop", "sleep", "allocate"):
            return 0.0
        counted = trial.family == "network" or _list_keys(trial.system)[1] in TABLE["step"]
        if not counted and not trial.system.startswith("matmul-only"):
            share = 1.0 if trial.family == "control" else work.train_rows / ROWS
            return share * _look_up("training", trial.system)
        rows = min(work.batch_size or work.train_rows, work.train_rows)
        products = 3 * rows * sum(a * b for a, b in pairwise(work.layers))
        step = _look_up("step", trial.system) + float(TABLE["product"]) * products
        return step * work.epochs * -(-work.train_rows // rows)


def _look_up(table: str, system: str) -> float:
    return float(next(TABLE[table][name] for name in _list_keys(system) if name in TABLE[table]))


def _list_keys(system: str) -> tuple[str, ...]:
    """Return the keys of a system in the table: its full name, its first part, and "other"."""
    return system, system.partition("-")[0], "other"


def _kind(trial: Trial) -> tuple[str, str, int, str]:
    return trial.system, trial.workload, trial.threads, trial.measure
