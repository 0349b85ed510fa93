"""Data sets: how to draw one, and what is known about the best possible classifier.

Each synthetic draw is made of two independent parts, training rows and a large test set, so that
accuracy is measured on points that no system has seen. The shapes in the plane stand in
planar.py. NumPy is imported on first use, because the list of names is read by processes that
must stay small.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.plan import planar


class Dataset(NamedTuple):
    """`make(rows, rng, **args)` gives X (n, features) and y (n,) in float64 and int64.

    `posterior(X, **args)` gives P(class | x), shape (n, classes), where it is known.
    """

    make: Callable[..., Any]
    posterior: Callable[..., Any] | None
    classes: Callable[..., int]


def _spiral(rows: int, rng: Any, *, classes: int, noise: float, twist: float) -> Any:
    from mapicx.datasets import spiral_data

    seed = int(rng.integers(2**31))
    X, y = spiral_data(-(-rows // classes), classes, seed=seed, noise=noise, twist=twist)
    if len(X) > rows:  # arms are equally long; the surplus is left out at random
        kept = rng.permutation(len(X))[:rows]
        X, y = X[kept], y[kept]
    return X, y


def _spiral_posterior(X: Any, *, classes: int, noise: float, twist: float) -> Any:
    """Given the radius, the classes differ in angle alone: a wrapped normal each.

    A point of class j at radius r has the angle twist * (4 * (j + r) + noise * N(0, 1)), so
    its standard deviation is twist * noise; three turns either way hold all of its mass.
    """
    import numpy as np

    radius = np.hypot(X[:, 0], X[:, 1])[:, None]
    angle = np.arctan2(X[:, 0], X[:, 1])[:, None]  # the generator puts the sine first
    centre = twist * 4 * (np.arange(classes)[None] + radius)
    turns = 2 * np.pi * np.arange(-3, 4)
    gap = np.angle(np.exp(1j * (angle - centre)))[:, :, None] + turns
    density = np.exp(-0.5 * (gap / (twist * noise)) ** 2).sum(axis=2)
    return density / density.sum(axis=1, keepdims=True)


def _blobs(rows: int, rng: Any, *, features: int, classes: int) -> Any:
    """Gaussian clouds around random centres: a stand-in where only the shapes matter.

    The centres depend on the shape alone, so that both parts of a draw share them.
    """
    import numpy as np

    centres = np.random.default_rng([features, classes]).normal(size=(classes, features))
    y = rng.integers(classes, size=rows)
    y[:classes] = np.arange(classes)  # every class occurs
    return centres[y] + 2.0 * rng.normal(size=(rows, features)), y


def _classes(**args: Any) -> int:
    return args["classes"]


def _two(**args: Any) -> int:
    return 2


DATASETS = {
    "spiral": Dataset(_spiral, _spiral_posterior, _classes),
    "blobs": Dataset(_blobs, None, _classes),
    "two-spirals": Dataset(planar.two_spirals, planar.two_spirals_posterior, _two),
    "moons": Dataset(planar.moons, planar.moons_posterior, _two),
    "circles": Dataset(planar.circles, planar.circles_posterior, _two),
    "xor": Dataset(planar.xor, planar.xor_posterior, _two),
    "linear": Dataset(planar.linear, planar.linear_posterior, _two),
}

# scikit-learn's own tables: name -> the function of sklearn.datasets that loads it. They are fixed,
# so a draw is a split by seed, and what the best classifier reaches is unknown.
BUNDLED = {
    "digits": "load_digits",
    "wine": "load_wine",
    "breast-cancer": "load_breast_cancer",
    "iris": "load_iris",
}


def ceiling(dataset: str, args: dict[str, Any], rows: int = 200_000) -> float | None:
    """Accuracy of the Bayes rule on fresh points, by averaging its confidence over a large draw.

    The mean of max P(class | x) has a standard error below 0.0005 at 200,000 points.
    """
    import numpy as np

    entry = DATASETS.get(dataset)
    if entry is None or entry.posterior is None:
        return None
    X, _ = entry.make(rows, np.random.default_rng(0), **args)
    return float(entry.posterior(np.asarray(X, float), **args).max(axis=1).mean())
