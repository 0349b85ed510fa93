"""Rounds in which base, head and base again (the twin) take turns, in random order.

Machines that are shared have states: for some seconds everything takes a third longer. So repeats
are short, the sides' repeats stand next to one another, and what counts is the ratio within one
turn. A round's value is the median over its turns. Each round has fresh processes, because where a
process happens to lie in memory can be worth some per cent; so rounds are what is counted.
"""

from __future__ import annotations

import dataclasses
import math
import random
import statistics
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

REPEATED = ("step_small_s", "step_large_s", "predict_one_s")  # in a process that stays
WHOLE = ("import_s", "total_s")  # a process each
TURNS, PROCESSES = 9, 3  # in a round
FEWER = 3, 1  # where hardly any round of that length fits
FEW = 15
SETTLED = 4  # rounds after which their greatest number is fixed: the first look comes later
BASE, HEAD, TWIN = "base", "head", "twin"
MAX_ROUNDS = 60


class Measured(Protocol):
    """A side as this file sees it."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def time(self, quantity: str) -> float: ...
    def run_once(self) -> dict[str, Any]: ...


@dataclasses.dataclass
class Samples:
    """What the rounds so far gave.

    Attributes
    ----------
    logs : dict
        (quantity, side) -> log ratios to base, one per round; for head and twin.
    values : dict
        (quantity, side) -> medians of the values themselves, one per round.
    processes : dict
        side -> what its whole programs reported.
    rounds, max_rounds : int
        How many rounds were measured, and how many there may be.
    """

    logs: dict[tuple[str, str], list[float]] = dataclasses.field(default_factory=dict)
    values: dict[tuple[str, str], list[float]] = dataclasses.field(default_factory=dict)
    processes: dict[str, list[dict[str, Any]]] = dataclasses.field(default_factory=dict)
    rounds: int = 0
    max_rounds: int = MAX_ROUNDS

    def add_round(self, turns: Mapping[str, list[dict[str, float]]]) -> None:
        """Keep a round's turns: quantity -> one value per side and turn."""
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
        Seconds; a round that would not fit is not begun. The first rounds tell how many fit, so
        that their greatest number is fixed before any value is looked at.
    find_undecided : callable
        Which quantities are still undecided, asked after each round; only these are measured on.
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
    """One round: turns of the repeated quantities, then turns of whole programs.

    sizes: how many turns of either kind.
    """
    turns: dict[str, list[dict[str, float]]] = {}
    repeated = [name for name in REPEATED if name in undecided]
    if repeated:
        try:
            for name in shuffled(sides, rng):
                sides[name].start()
            for _ in range(sizes[0]):
                for quantity in repeated:
                    turn = {name: sides[name].time(quantity) for name in shuffled(sides, rng)}
                    turns.setdefault(quantity, []).append(turn)
        finally:
            for side in sides.values():
                side.stop()
    if any(name in undecided for name in WHOLE):
        for _ in range(sizes[1]):
            ended = {name: sides[name].run_once() for name in shuffled(sides, rng)}
            for name, answer in ended.items():
                samples.processes.setdefault(name, []).append(answer)
            for quantity in (name for name in WHOLE if name in undecided):
                turn = {name: answer[quantity] for name, answer in ended.items()}
                turns.setdefault(quantity, []).append(turn)
    return turns


def shuffled(sides: Mapping[str, Measured], rng: random.Random) -> list[str]:
    """The names in an order that chance decides again."""
    return rng.sample(sorted(sides), len(sides))
