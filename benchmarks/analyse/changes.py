"""Where a series of figures jumps, and whether the jump is worth reporting.

ruptures finds the segments (PELT, Killick et al. 2012) of the logarithms; a jump counts only if
it is large and lasting, because one odd night is usually the machine's doing.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

MIN_STEP = 0.05  # 5 %: the smallest effect of interest
MIN_SEGMENT = 3  # points: a jump that is gone after two nights was not a code change
MIN_POINTS = 2 * MIN_SEGMENT  # shortest series in which a change can be found
PENALTY = 3.0  # times sigma squared times ln n per segment: BIC suggests 2 to 3
MIN_Z = 4.5  # standard errors between neighbouring segments; simulated in the tests
SMALL_SAMPLE = 6.0  # widens that limit by 1 + 6 / n: few points give an uncertain sigma
MIN_SIGMA = 0.002  # keeps constant figures from being split at rounding errors


@dataclasses.dataclass(frozen=True)
class Change:
    """A new segment begins at point `index`, `ratio` times as high as the one before."""

    index: int
    ratio: float


def find_changes(values: Sequence[float]) -> list[Change]:
    """Find the jumps in a series of positive values, in order."""
    if len(values) < MIN_POINTS:
        return []
    logs = np.log(np.asarray(values, dtype=float))
    sigma = estimate_spread(logs)
    ends = _segment(logs, PENALTY * sigma**2 * math.log(len(logs)))
    starts = _merge(logs, [0, *ends[:-1]], sigma)
    levels = _levels(logs, starts)
    return [
        Change(start, math.exp(levels[i + 1] - levels[i])) for i, start in enumerate(starts[1:])
    ]


def estimate_spread(logs: np.ndarray) -> float:
    """Estimate the noise from differences of neighbouring points, which few jumps affect."""
    spread = float(stats.median_abs_deviation(np.diff(logs), scale="normal"))
    return max(MIN_SIGMA, spread / math.sqrt(2))


def _segment(logs: np.ndarray, penalty: float) -> list[int]:
    """Return the end index of each segment."""
    import ruptures

    segmentation = ruptures.Pelt(model="l2", min_size=MIN_SEGMENT, jump=1).fit(logs.reshape(-1, 1))
    return [int(end) for end in segmentation.predict(pen=penalty)]


def _merge(logs: np.ndarray, starts: list[int], sigma: float) -> list[int]:
    """Merge neighbouring segments that differ too little, the most similar pair first."""
    while len(starts) > 1:
        levels = _levels(logs, starts)
        sizes = np.diff([*starts, len(logs)])
        spread = max(sigma, _pool_spread(logs, starts))
        errors = spread * np.sqrt(1 / sizes[:-1] + 1 / sizes[1:]) * (1 + SMALL_SAMPLE / len(logs))
        limits = np.maximum(math.log(1 + MIN_STEP), MIN_Z * errors)
        margins = np.abs(np.diff(levels)) / limits * _find_lasting(logs, starts, levels)
        weakest = int(np.argmin(margins))
        if margins[weakest] >= 1:
            break
        del starts[weakest + 1]
    return starts


def _pool_spread(logs: np.ndarray, starts: list[int]) -> float:
    """Pool the standard deviation within segments, outliers included."""
    squares = sum(float(((part - part.mean()) ** 2).sum()) for part in np.split(logs, starts[1:]))
    return math.sqrt(squares / (len(logs) - len(starts)))


def _find_lasting(logs: np.ndarray, starts: list[int], levels: list[float]) -> np.ndarray:
    """Tell for each pair of neighbours if both have MIN_SEGMENT points nearer their own level."""
    parts = np.split(logs, starts[1:])

    def lasts(part: np.ndarray, own: float, other: float) -> bool:
        return int((np.abs(part - own) < np.abs(part - other)).sum()) >= MIN_SEGMENT

    return np.array([
        lasts(parts[i], levels[i], levels[i + 1]) and lasts(parts[i + 1], levels[i + 1], levels[i])
        for i in range(len(parts) - 1)
    ])  # fmt: skip


def _levels(logs: np.ndarray, starts: list[int]) -> list[float]:
    """Return the median of each segment."""
    return [float(np.median(part)) for part in np.split(logs, starts[1:])]
