"""Data to play with, made on demand."""

import numpy as np


def spiral_data(samples=100, classes=3, *, seed=None, noise=0.2, twist=2.5):
    """Arms of a spiral, one per class: X (samples * classes, 2) within the unit circle, labels y.

    Along arm k the radius r goes from 0 to 1 and the angle is twist * (4 r + 4 k) + twist * noise *
    N(0, 1) in radians (after Karpathy's CS231n notes, in the form that the original mapicx used).
    """
    if samples < 1 or classes < 1:
        raise ValueError(f"samples={samples!r}, classes={classes!r}; give at least 1 of each")
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(classes), samples)
    radius = np.tile(np.linspace(0, 1, samples), classes)
    angle = twist * (4 * radius + 4 * y + noise * rng.standard_normal(samples * classes))
    return np.column_stack([radius * np.sin(angle), radius * np.cos(angle)]).astype(np.float32), y
