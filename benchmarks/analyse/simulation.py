"""How often intervals and verdicts are right, on simulated machines like the measured one.

The machine has two states, a third apart in speed, that alternate within seconds; its speed
drifts; single processes scatter with heavy tails. It runs the design of plan/blocks.py: a system's
trials between flanks of the base, in blocks, judged as a report judges a single comparison.
Holm's correction, applied to families of several, lowers both errors and power.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from benchmarks.analyse import stats
from benchmarks.analyse.metrics import MARGINS

STATES = np.log(1.35)  # log ratio of a core's two speeds, as recorded
DWELL_S = 8.0  # how long a state lasts on average
DRIFT = 0.02  # standard deviation of the drift in log speed over a block
SCATTER, FREEDOM = 0.03, 3  # per process: Student's t, so that some are outliers
BASE_S = 0.25  # duration of a base process
STEP_S = 0.25  # resolution of the simulated clock


@dataclasses.dataclass(frozen=True)
class Design:
    """How often, and for how long, a system and the base are measured within a block."""

    name: str
    process_s: float
    repeats: int
    gap_s: float  # between a trial and the nearest base trial
    flanked: bool = True
    block_s: float = 120.0


DESIGNS = (
    Design("long process, base once in the block", 5.0, 1, 40.0, flanked=False),
    Design("long process between flanks", 5.0, 1, 0.5),
    Design("short process, repeated, between flanks", 0.25, 8, 2.0),
)


@dataclasses.dataclass(frozen=True)
class Performance:
    """Fractions of simulated runs."""

    covered: float  # whose interval covers the true ratio of 1
    false: float  # that call equal systems different
    power: float  # that call systems different that are a given ratio apart


@functools.cache
def simulate(design: Design, blocks: int, ratio: float = 1.15, runs: int = 1000) -> Performance:
    """Judge simulated runs of two systems, both equal ones and ones `ratio` apart.

    Bounds follow `stats.mean_interval` and verdicts `judge_ratio`, vectorised over runs.
    """
    logs = draw_logs(design, blocks, runs)
    half = stats.find_t_quantile(blocks - 1) * logs.std(axis=1, ddof=1) / np.sqrt(blocks)
    means = logs.mean(axis=1)
    return Performance(
        covered=float(np.mean(abs(means) <= half)),
        false=float(np.mean(_are_different(means, half))),
        power=float(np.mean(_are_different(means + np.log(ratio), half))),
    )


def _are_different(means: np.ndarray, half: np.ndarray) -> np.ndarray:
    return (abs(means) > half) & (abs(means) > np.log1p(MARGINS["time"]))


def draw_logs(design: Design, blocks: int, runs: int) -> np.ndarray:
    """Draw paired log ratios of equal systems, shape (runs, blocks)."""
    rng = np.random.default_rng([blocks, design.repeats, int(design.gap_s)])
    passed = np.cumsum(_draw_speed(design.block_s, (runs, blocks), rng), axis=-1)

    def measure(begin: np.ndarray, seconds: float) -> np.ndarray:
        """Return the mean log speed while a process runs, plus the process's own scatter."""
        first = (begin / STEP_S).astype(int)[..., None]
        last = first + max(1, int(seconds / STEP_S))
        both = (np.take_along_axis(passed, index, axis=-1)[..., 0] for index in (last, first))
        mean = np.subtract(*both) / (last - first)[..., 0]
        return mean + SCATTER * rng.standard_t(FREEDOM, (runs, blocks))

    free = design.block_s - 2 * design.gap_s - design.process_s
    pairs = []
    for repeat in range(design.repeats):
        part = (repeat + rng.random((runs, blocks))) / design.repeats
        begin = design.gap_s + part * free
        flanks = [
            measure(begin - design.gap_s, BASE_S),
            measure(begin + design.process_s + design.gap_s, BASE_S),
        ]
        # Without flanks, the base runs once, on either side.
        before = rng.random((runs, blocks)) < 0.5
        base = np.mean(flanks, axis=0) if design.flanked else np.where(before, *flanks)
        pairs.append(measure(begin, design.process_s) - base)
    return np.mean(pairs, axis=0)


def _draw_speed(seconds: float, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw the log of the time that one second's work takes, at every clock step."""
    count = int(seconds / STEP_S) + 40
    changes = rng.random((*shape, count)) < STEP_S / DWELL_S
    state = (np.cumsum(changes, axis=-1) + rng.integers(2, size=(*shape, 1))) % 2
    return STATES * state + rng.normal(0, DRIFT, (*shape, 1)) * np.linspace(0, 1, count)
