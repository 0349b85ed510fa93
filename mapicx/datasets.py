"""Data to play with."""

from typing import Any

import numpy as np

from mapicx.data import Array


def spiral_data(
    samples: int = 100, classes: int = 3, *, seed: Any = None, noise: float = 0.2,
    twist: float = 2.5,
) -> tuple[Array, Array]:  # fmt: skip
    """Arms of a spiral, one per class: X (samples * classes, 2) within the unit circle, labels y.

    Along arm k the radius r goes from 0 to 1 and the angle is twist * (4 r + 4 k) + twist * noise *
    N(0, 1) in radians (after Karpathy's CS231n notes, in the form that the original mapicx used).

    Parameters
    ----------
    samples, classes : int
        How many samples each arm has, and how many arms there are; ValueError if below 1.
    seed : int, numpy.random.Generator or None
    noise, twist : float

    Examples
    --------
    >>> X, y = spiral_data(100, 3, seed=0)
    >>> X.shape, y.shape
    ((300, 2), (300,))
    """
    if samples < 1 or classes < 1:
        raise ValueError(f"samples={samples!r}, classes={classes!r}; give at least 1 of each")
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(classes), samples)
    radius = np.tile(np.linspace(0, 1, samples), classes)
    angle = twist * (4 * radius + 4 * y + noise * rng.standard_normal(samples * classes))
    return np.column_stack([radius * np.sin(angle), radius * np.cos(angle)]).astype(np.float32), y
