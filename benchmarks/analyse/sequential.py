"""Intervals that may be checked after every round, and what they decide.

A comparison stops as soon as it reaches its verdicts, so an ordinary interval would be used too
often: one with 95 % coverage at each of fifty looks errs at one or more of them far more often
than once in twenty. Here the error is spent over the looks (Lan and DeMets 1983, Biometrika 70:659;
with the power family of Kim and DeMets 1987, Biometrika 74:149) and inverted into repeated
confidence intervals (Jennison and Turnbull 1989, JRSS B 51:305), which cover the true ratio at all
looks together. The spread is estimated, so the level of each look is applied to Student's
distribution (Jennison and Turnbull 2000, Group Sequential Methods, chapter 11). Coverage, false
alarms and power are simulated in tests/benchmarks/test_compare_simulation.py.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
from scipy import optimize, stats

from benchmarks.analyse.stats import Estimate

FIRST_LOOK = 5  # rounds: with fewer, Student's quantiles are too large to decide anything
ERROR = 0.02  # probability that any interval of a comparison is wrong at any look
GRID = 201  # integration points; doubling them changes no bound by a hundredth


@functools.cache
def find_levels(rounds: int, error: float) -> tuple[float, ...]:
    """Return the two-sided level of each look, from FIRST_LOOK to `rounds` rounds.

    The recursion of Armitage, McPherson and Rowe (1969): the density of a sum of normal values
    that has stayed within its bounds is carried from look to look on a grid, and each bound is set
    so that it spends the next part of the error, which grows with the share of the rounds done.
    """
    levels: list[float] = []
    grid, weights = np.zeros(1), np.ones(1)  # all mass is at 0 before the first value
    done = 0
    for look in range(FIRST_LOOK, rounds + 1):
        sd = math.sqrt(look - done)
        part = error * (look - done) / rounds
        bound = _find_bound(grid, weights, sd, part, math.sqrt(look))
        levels.append(float(2 * stats.norm.sf(bound / math.sqrt(look))))
        finer = np.linspace(-bound, bound, GRID)
        density = stats.norm.pdf(finer[:, None], grid[None, :], sd) @ weights
        grid, weights = finer, density * _trapezium(finer)
        done = look
    return tuple(levels)


def _find_bound(
    grid: np.ndarray, weights: np.ndarray, sd: float, part: float, scale: float
) -> float:
    def excess(bound: float) -> float:
        beyond = stats.norm.sf(bound, grid, sd) + stats.norm.cdf(-bound, grid, sd)
        return float(beyond @ weights) - part

    return float(optimize.brentq(excess, 0.0, 12 * scale))


def _trapezium(grid: np.ndarray) -> np.ndarray:
    weights = np.full(grid.size, grid[1] - grid[0])
    weights[[0, -1]] /= 2
    return weights


def repeated_interval(logs: Sequence[float], rounds: int, quantities: int) -> Estimate:
    """Return the ratio with its interval at this look; before the first look, its range.

    Parameters
    ----------
    logs : sequence of float
        One log ratio per round so far.
    rounds : int
        Maximum number of rounds, fixed before any value is seen.
    quantities : int
        Number of quantities judged together; each gets its share of the error.
    """
    values = np.asarray(logs, dtype=float)
    if not values.size:
        return Estimate()
    mean = float(values.mean())
    if values.size == 1:
        return Estimate.exact(mean).exp()
    if not FIRST_LOOK <= values.size <= rounds:
        low, high = float(values.min()), float(values.max())
        return Estimate(mean, low, high, 1, "range").exp()  # n = 1: too few for a verdict
    level = find_levels(rounds, ERROR / quantities)[values.size - FIRST_LOOK]
    error = float(values.std(ddof=1)) / math.sqrt(values.size)
    half = float(stats.t.isf(level / 2, values.size - 1)) * error
    return Estimate(mean, mean - half, mean + half, values.size, "interval").exp()
