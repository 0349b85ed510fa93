"""Measure rounds in which base, head and base again (the twin) take turns in random order.

Shared machines change state: for some seconds everything takes a third longer. Repeats are
therefore short, the sides' repeats are adjacent, and only the ratio within one turn counts. A
round's value is the median over its turns. Each round has fresh processes, because where a process
happens to be in memory can change times by some per cent; so the unit of analysis is the round.
"""

from __future__ import annotations

import dataclasses
import math
import random
import statistics
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

REPEATED = ("step_small_s", "step_large_s", "predict_one_s")  # timed in a process that persists
WHOLE = ("import_s", "total_s")  # timed in one process per value
TURNS, PROCESSES = 9, 3  # per round
FEWER = 3, 1  # if fewer than FEW rounds of full size fit
FEW = 15
SETTLED = 4  # rounds after which the maximum is fixed, which is before the first look
BASE, HEAD, TWIN = "base", "head", "twin"
MAX_ROUNDS = 60


class Measured(Protocol):
    """What this module needs of a side."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def time(self, quantity: str) -> float: ...
    def run_once(self) -> dict[str, Any]: ...


@dataclasses.dataclass
class Samples:
    """Results of the rounds so far.

    Attributes
    ----------
    logs : dict
        (quantity, side) -> log ratios to base, one per round; for head and twin.
    values : dict
        (quantity, side) -> medians of the values themselves, one per round.
    processes : dict
        side -> what its whole programs reported.
    rounds, max_rounds : int
        Rounds measured, and the most that there may be.
    """

    logs: dict[tuple[str, str], list[float]] = dataclasses.field(default_factory=dict)
    values: dict[tuple[str, str], list[float]] = dataclasses.field(default_factory=dict)
    processes: dict[str, list[dict[str, Any]]] = dataclasses.field(default_factory=dict)
    rounds: int = 0
    max_rounds: int = MAX_ROUNDS

    def add_round(self, turns: Mapping[str, list[dict[str, float]]]) -> None:
        """Add a round's turns: quantity -> one value per side and turn."""
        for quantity, values in turns.items():
            for side in (BASE, HEAD, TWIN):
                middle = statistics.median(turn[side] for turn in values)
                self.values.setdefault((quantity, side), []).append(middle)
            for side in (HEAD, TWIN):
                ratios = [math.log(turn[side] / turn[BASE]) for turn in values]
                self.logs.setdefault((quantity, side), []).append(statistics.median(ratios))
        self.rounds += 1


def measure_rounds(
    sides: Mapping[str, Measured],
    *,
    budget_s: float,
    clock: Callable[[], float],
    rng: random.Random,
    find_undecided: Callable[[Samples], Collection[str]],
) -> Samples:
    """Measure until every quantity is decided or the budget is used up.

    Parameters
    ----------
    sides : mapping
        "base", "head" and "twin".
    budget_s : float
        Seconds; a round that would not fit is not started. The first rounds show how many fit, so
        that the maximum is fixed before any value is looked at.
    find_undecided : callable
        Called after each round; returns the undecided quantities, the only ones measured further.
    """
    samples = Samples()
    began, longest, sizes = clock(), 0.0, (TURNS, PROCESSES)
    undecided: Collection[str] = (*REPEATED, *WHOLE)
    while undecided and samples.rounds < samples.max_rounds:
        start = clock()
        if samples.rounds and start - began + longest > budget_s:
            break
        samples.add_round(measure_round(sides, undecided, rng, samples, sizes))
        longest = max(longest, clock() - start)
        if samples.rounds <= SETTLED:
            fit = math.floor((budget_s - (clock() - began)) / (clock() - start))
            samples.max_rounds = min(MAX_ROUNDS, samples.rounds + max(0, fit))
        if samples.rounds == 1 and samples.max_rounds < FEW:
            sizes, longest = FEWER, longest / 2
        undecided = find_undecided(samples)
    return samples


def measure_round(
    sides: Mapping[str, Measured],
    undecided: Collection[str],
    rng: random.Random,
    samples: Samples,
    sizes: tuple[int, int] = (TURNS, PROCESSES),
) -> dict[str, list[dict[str, float]]]:
    """Measure one round: turns of the repeated quantities, then turns of whole programs.

    sizes: how many turns of each kind.
    """
    turns: dict[str, list[dict[str, float]]] = {}
    repeated = [name for name in REPEATED if name in undecided]
    if repeated:
        try:
            for name in shuffle(sides, rng):
                sides[name].start()
            for _ in range(sizes[0]):
                for quantity in repeated:
                    turn = {name: sides[name].time(quantity) for name in shuffle(sides, rng)}
                    turns.setdefault(quantity, []).append(turn)
        finally:
            for side in sides.values():
                side.stop()
    if any(name in undecided for name in WHOLE):
        for _ in range(sizes[1]):
            ended = {name: sides[name].run_once() for name in shuffle(sides, rng)}
            for name, answer in ended.items():
                samples.processes.setdefault(name, []).append(answer)
            for quantity in (name for name in WHOLE if name in undecided):
                turn = {name: answer[quantity] for name, answer in ended.items()}
                turns.setdefault(quantity, []).append(turn)
    return turns


def shuffle(sides: Mapping[str, Measured], rng: random.Random) -> list[str]:
    """Return the names in a new random order."""
    return rng.sample(sorted(sides), len(sides))
