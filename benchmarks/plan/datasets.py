"""Data sets: how to draw one, and what is known about the best possible classifier.

Each synthetic draw has two independent parts, training rows and a large test set, so that accuracy
is measured on points that no system has seen. The two-class shapes in the plane are those of the
literature, each with its exact P(class | x). `X` is (n, 2), a posterior (n, classes).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

NODES = 256  # of the integral along a curve; noise of 0.05 is still smooth at this spacing


class Dataset(NamedTuple):
    """`make(rows, rng, **args)` gives X (n, features) and y (n,) in float64 and int64.

    `posterior(X, **args)` gives P(class | x), shape (n, classes), where it is known.
    """

    make: Callable[..., Any]
    posterior: Callable[..., Any] | None


def _spiral(rows: int, rng: Any, *, classes: int, noise: float, twist: float) -> Any:
    from mapicx.datasets import spiral_data

    seed = int(rng.integers(2**31))
    X, y = spiral_data(-(-rows // classes), classes, seed=seed, noise=noise, twist=twist)
    if len(X) > rows:  # arms are equally long; random surplus rows are dropped
        kept = rng.permutation(len(X))[:rows]
        X, y = X[kept], y[kept]
    return X, y


def _spiral_posterior(X: Any, *, classes: int, noise: float, twist: float) -> Any:
    """At a given radius, classes differ only in angle, which is a wrapped normal for each.

    A point of class j at radius r has the angle twist * (4 * (j + r) + noise * N(0, 1)), so
    its standard deviation is twist * noise; three turns either way cover all of its mass.
    """
    radius = np.hypot(X[:, 0], X[:, 1])[:, None]
    angle = np.arctan2(X[:, 0], X[:, 1])[:, None]  # the generator puts the sine first
    centre = twist * 4 * (np.arange(classes)[None] + radius)
    turns = 2 * np.pi * np.arange(-3, 4)
    gap = np.angle(np.exp(1j * (angle - centre)))[:, :, None] + turns
    density = np.exp(-0.5 * (gap / (twist * noise)) ** 2).sum(axis=2)
    return density / density.sum(axis=1, keepdims=True)


def _blobs(rows: int, rng: Any, *, features: int, classes: int) -> Any:
    """Draw Gaussian clouds around random centres, for when only the shapes of arrays matter.

    The centres depend only on the shape, so that both parts of a draw share them.
    """
    centres = np.random.default_rng([features, classes]).normal(size=(classes, features))
    y = rng.integers(classes, size=rows)
    y[:classes] = np.arange(classes)  # every class occurs
    return centres[y] + 2.0 * rng.normal(size=(rows, features)), y


def two_spirals(rows: int, rng: Any) -> Any:
    """Draw as Lang and Witbrock 1988: three turns without noise, class 0 mirrors class 1.

    With i from 0 to 96 the angle is i pi / 16 and the radius (104 - i) / 104. Here i is uniform;
    theirs took the 97 whole numbers once for each class, and their radii were 6.5 times as large.
    """
    y = _halves(rows, rng)
    place = rng.uniform(0, 96, size=rows)
    side = np.where(y == 1, 1.0, -1.0) * (104 - place) / 104
    angle = place * np.pi / 16
    return np.column_stack([side * np.sin(angle), side * np.cos(angle)]), y


def two_spirals_posterior(X: Any) -> Any:
    """Pick the nearer arm for certain; the radius gives both arms' angles, half a turn apart."""
    X = np.asarray(X, float)
    angle = 104 * (1 - np.hypot(X[:, 0], X[:, 1])) * np.pi / 16
    towards = X[:, 0] * np.sin(angle) + X[:, 1] * np.cos(angle)  # cosine of the gap, times r
    first = (towards > 0).astype(float)
    return np.column_stack([1 - first, first])


def moons(rows: int, rng: Any, *, noise: float) -> Any:
    """Draw as scikit-learn's make_moons: two interleaved half circles with Gaussian noise."""
    y = _halves(rows, rng)
    X = _moon(rng.uniform(0, np.pi, size=rows), y)
    return X + noise * rng.normal(size=X.shape), y


def moons_posterior(X: Any, *, noise: float) -> Any:
    """Integrate each class's noise density along its half circle."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    angle = (nodes + 1) * np.pi / 2
    curves = [_moon(angle, np.full(NODES, label)) for label in (0, 1)]
    return _around_curves(X, curves, weights, noise)


def _moon(angle: Any, y: Any) -> Any:
    x = np.where(y == 0, np.cos(angle), 1 - np.cos(angle))
    return np.column_stack([x, np.where(y == 0, np.sin(angle), 0.5 - np.sin(angle))])


def circles(rows: int, rng: Any, *, noise: float, factor: float) -> Any:
    """Draw as scikit-learn's make_circles: class 0 at radius 1, class 1 at `factor`, and noise."""
    y = _halves(rows, rng)
    radius = np.where(y == 0, 1.0, factor)
    angle = rng.uniform(0, 2 * np.pi, size=rows)
    X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return X + noise * rng.normal(size=X.shape), y


def circles_posterior(X: Any, *, noise: float, factor: float) -> Any:
    """As for moons, but the curve is closed, so evenly spaced nodes integrate it exactly."""
    angle = 2 * np.pi * np.arange(NODES) / NODES
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    return _around_curves(X, [circle, factor * circle], np.ones(NODES), noise)


def _around_curves(X: Any, curves: list[Any], weights: Any, noise: float) -> Any:
    """Return the posterior of equally large classes, each a curve plus Gaussian noise."""
    X = np.asarray(X, float)
    squares = np.stack([_nearest(X, curve) for curve in curves])
    nearest = squares.min(axis=0)  # subtracted in the exponent, so that far points do not underflow
    density = np.zeros((len(X), len(curves)))
    for label, curve in enumerate(curves):
        for point, weight in zip(curve, weights, strict=True):  # one node at a time saves memory
            square = (X[:, 0] - point[0]) ** 2 + (X[:, 1] - point[1]) ** 2
            density[:, label] += weight * np.exp((nearest - square) / (2 * noise**2))
    return density / density.sum(axis=1, keepdims=True)


def _nearest(X: Any, curve: Any) -> Any:
    best = np.full(len(X), np.inf)
    for point in curve:
        np.minimum(best, (X[:, 0] - point[0]) ** 2 + (X[:, 1] - point[1]) ** 2, out=best)
    return best


def xor(rows: int, rng: Any, *, flip: float) -> Any:
    """Draw uniformly from [-1, 1]^2; class 1 where the signs differ, a share `flip` mislabelled."""
    X = rng.uniform(-1, 1, size=(rows, 2))
    return X, _flipped(X[:, 0] * X[:, 1] < 0, flip, rng)


def xor_posterior(X: Any, *, flip: float) -> Any:
    """Return 1 - flip for the class of the quadrant, at every point."""
    return _with_flips(X[:, 0] * X[:, 1] < 0, flip)


def linear(rows: int, rng: Any, *, flip: float) -> Any:
    """Draw uniformly from [-1, 1]^2; class 1 above the falling diagonal, `flip` mislabelled."""
    X = rng.uniform(-1, 1, size=(rows, 2))
    return X, _flipped(X[:, 0] + X[:, 1] > 0, flip, rng)


def linear_posterior(X: Any, *, flip: float) -> Any:
    """Return 1 - flip for the class of the side, at every point."""
    return _with_flips(X[:, 0] + X[:, 1] > 0, flip)


def _halves(rows: int, rng: Any) -> Any:
    """Return as many labels 0 as 1 (one more 0 if `rows` is odd), in random order."""
    return rng.permutation(np.arange(rows) % 2)


def _flipped(is_one: Any, flip: float, rng: Any) -> Any:
    return (is_one ^ (rng.random(len(is_one)) < flip)).astype(np.int64)


def _with_flips(is_one: Any, flip: float) -> Any:
    first = np.where(is_one, 1 - flip, flip)
    return np.column_stack([1 - first, first])


DATASETS = {
    "spiral": Dataset(_spiral, _spiral_posterior),
    "blobs": Dataset(_blobs, None),
    "two-spirals": Dataset(two_spirals, two_spirals_posterior),
    "moons": Dataset(moons, moons_posterior),
    "circles": Dataset(circles, circles_posterior),
    "xor": Dataset(xor, xor_posterior),
    "linear": Dataset(linear, linear_posterior),
}

# scikit-learn's own tables: name -> the function of sklearn.datasets that loads it. They are fixed,
# so a draw is a split by seed, and the best possible accuracy is unknown.
BUNDLED_TEST_SHARE = 0.3  # of the rows
BUNDLED = {
    "digits": "load_digits",
    "wine": "load_wine",
    "breast-cancer": "load_breast_cancer",
    "iris": "load_iris",
}


def find_ceiling(dataset: str, args: dict[str, Any], rows: int = 200_000) -> float | None:
    """Estimate the Bayes rule's accuracy on fresh points by its mean confidence in a large draw.

    The mean of max P(class | x) has a standard error below 0.0005 at 200,000 points.
    """
    entry = DATASETS.get(dataset)
    if entry is None or entry.posterior is None:
        return None
    X, _ = entry.make(rows, np.random.default_rng(0), **args)
    return float(entry.posterior(np.asarray(X, float), **args).max(axis=1).mean())
