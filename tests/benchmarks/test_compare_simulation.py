"""Comparisons on simulated machines: false alarms, and what is found, looks included.

The machine has two states 1.35 apart that change every few seconds, drifts, is hit by spikes with
a heavy tail, and gives each process a speed of its own, as recorded runs show them. The clock is
simulated; rounds, turns, looks and verdicts are the command's own.
"""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from scipy import stats

from benchmarks.analyse.revision_comparison import TIMED, Difference, judge_round
from benchmarks.analyse.sequential import FIRST_LOOK, find_levels, repeated_interval
from benchmarks.analyse.verdicts import Kind
from benchmarks.measure.interleave import REPEATED, measure_rounds

BUDGET_S = 180.0
STATES, STAY_S = 1.35, 3.0
COSTS = {"step_small_s": 0.004, "step_large_s": 0.005, "predict_one_s": 0.004}
START_S, IMPORT_S, TOTAL_S = 0.25, 0.08, 0.22


class Machine:
    """A clock that work moves on, faster or slower by the moment."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.now, self.slow, self.change = 0.0, False, 0.0
        self.drift, self.phase = self.rng.uniform(-0.3, 0.3), self.rng.uniform(0, 6)

    def spend(self, seconds: float) -> float:
        """How long this work takes now."""
        while self.now >= self.change:
            self.slow = not self.slow
            self.change += self.rng.expovariate(1 / STAY_S)
        speed = math.exp(self.drift * self.now / BUDGET_S + 0.1 * math.sin(self.now / 20 + 1))
        spike = 1 + 0.01 * self.rng.paretovariate(1.5)
        taken = seconds * (STATES if self.slow else 1.0) * speed * spike
        self.now += taken
        return taken


class SimulatedSide:
    """Each process is up to some per cent faster or slower than the next, for good."""

    def __init__(self, machine: Machine, slower: dict[str, float]) -> None:
        self.machine, self.slower, self.own = machine, slower, 1.0

    def start(self) -> None:
        self.own = math.exp(self.machine.rng.gauss(0, 0.015))
        self.machine.spend(START_S)

    def stop(self) -> None:
        pass

    def time(self, quantity: str) -> float:
        return self.machine.spend(COSTS[quantity] * self.own * self.slower.get(quantity, 1.0))

    def run_once(self) -> dict[str, float]:
        own = math.exp(self.machine.rng.gauss(0, 0.02))
        begun = self.machine.spend(IMPORT_S * own * self.slower.get("import_s", 1.0))
        rest = TOTAL_S * self.slower.get("total_s", 1.0) - IMPORT_S
        return {"import_s": begun, "total_s": begun + self.machine.spend(rest * own)}


def compare(seed: int, slower: dict[str, float]) -> tuple[dict[str, Difference], float]:
    """The differences of one comparison, and how long it took."""
    machine, found = Machine(seed), {}
    sides = {name: SimulatedSide(machine, {}) for name in ("base", "twin")}
    measure_rounds(
        sides | {"head": SimulatedSide(machine, slower)},
        budget_s=BUDGET_S,
        clock=lambda: machine.now,
        rng=random.Random(seed),
        find_undecided=lambda samples: judge_round(found, samples),
    )
    return found, machine.now


def kinds(differences: dict[str, Difference]) -> dict[str, Kind]:
    return {name: found.verdict.kind for name, found in differences.items()}


def test_a_comparison_ends_early_in_the_right_verdicts():
    differences, seconds = compare(0, dict.fromkeys(REPEATED, 1.3))
    found = kinds(differences)
    assert all(found[name] is Kind.MORE for name in REPEATED)
    assert found["import_s"] is not Kind.MORE and seconds <= BUDGET_S
    alike, _ = compare(1, {})
    assert set(kinds(alike).values()) <= {Kind.EQUIVALENT, Kind.UNDECIDED}
    faster, _ = compare(2, dict.fromkeys(TIMED, 0.7))
    assert all(kind is Kind.LESS for kind in kinds(faster).values())


def test_the_levels_of_all_looks_together_spend_the_error():
    levels = np.array(find_levels(30, 0.05))
    draws = np.random.default_rng(0).standard_normal((20_000, 30))
    looks = np.arange(FIRST_LOOK, 31)
    z = draws.cumsum(axis=1)[:, FIRST_LOOK - 1 :] / np.sqrt(looks)
    missed = (np.abs(z) > stats.norm.isf(levels / 2)).any(axis=1).mean()
    assert abs(missed - 0.05) < 0.006


def test_before_the_first_look_nothing_is_decided():
    assert not repeated_interval([0.5] * (FIRST_LOOK - 1), 20, 5).bounded
    assert repeated_interval([0.5, 0.6] * 3, 20, 5).kind == "interval"


@pytest.mark.slow
def test_intervals_hold_at_all_looks_whatever_the_tails():
    """Student's quantiles at the normal levels are an approximation: its error is bounded here."""
    rounds, error = 40, 0.02
    levels = np.array(find_levels(rounds, error))
    n = np.arange(FIRST_LOOK, rounds + 1)
    quantiles = stats.t.isf(levels / 2, n - 1)
    rng = np.random.default_rng(1)
    for draws in (rng.standard_normal((20_000, rounds)), rng.standard_t(3, (20_000, rounds))):
        total = draws.cumsum(axis=1)[:, FIRST_LOOK - 1 :]
        squares = (draws**2).cumsum(axis=1)[:, FIRST_LOOK - 1 :]
        spread = np.sqrt((squares - total**2 / n) / (n - 1))
        missed = (np.abs(total / n) > quantiles * spread / np.sqrt(n)).any(axis=1).mean()
        assert missed < 1.5 * error


@pytest.mark.slow
def test_equal_code_raises_at_most_two_alarms_in_a_hundred_comparisons():
    alarms = [seed for seed in range(100) if Kind.MORE in kinds(compare(seed, {})[0]).values()]
    assert len(alarms) <= 2, alarms


@pytest.mark.slow
@pytest.mark.parametrize("names", [REPEATED, ("total_s", "import_s")])
def test_fifteen_per_cent_is_found_in_at_least_95_of_100_comparisons(names):
    found = 0
    for seed in range(100):
        verdicts = kinds(compare(1000 + seed, dict.fromkeys(names, 1.15))[0])
        found += all(verdicts[name] is Kind.MORE for name in names)
    assert found >= 95
