"""From what users have (lists, labels, weights) to what the network needs, or a sentence why not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Data:
    """Checked arrays: X (n, features), targets (outputs, n), weights (n,) or None for all equal."""

    def __init__(self, X: Array, targets: Array, weights: Array | None = None) -> None:
        self.X, self.targets, self.weights = X, targets, weights

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: Array) -> Data:
        """The chosen rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Data(self.X[rows], self.targets[:, rows], weights)


def to_inputs(X: Any, n_features: int | None, dtype: Any) -> Array:
    """X as a finite array (samples, features) of `dtype`; ValueError otherwise. A row is a sample."""
    try:
        X = np.asarray(X, dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"X cannot be read as numbers ({error}); give an array (samples, features)"
        ) from None
    if X.ndim != 2 or X.size == 0 or (n_features is not None and X.shape[1] != n_features):
        wanted = "features" if n_features is None else n_features
        raise ValueError(
            f"X has shape {X.shape}; expected (samples, {wanted}) with at least one sample"
        )
    check_finite(X, "X")
    return X


def check_finite(values: Array, name: str) -> None:
    """Raise ValueError if a value is NaN or infinite."""
    # A sum of squares is a fifth of the price of isfinite; only if it overflows is each value asked.
    flat = values.reshape(-1)
    total = flat.dot(flat)
    if not total - total == 0 and not np.isfinite(values).all():
        raise ValueError(
            f"{name} contains NaN, or values that are infinite or too large for {values.dtype}; "
            f"remove or replace them"
        )


def to_targets(
    y: Any, samples: int, outputs: int, loss: Any, classes: Array | None, dtype: Any
) -> tuple[Array, Array | None]:
    """y as targets (outputs, samples), and the labels in the order of the outputs.

    `classes` are the labels that earlier data had, or None. For a classification y may hold class
    indices, strings, booleans, or (samples, outputs) one-hot or soft targets; the labels stay None
    for class indices. Raises ValueError for anything else.
    """
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 0 or len(y) != samples:
        raise ValueError(
            f"X has {samples} samples, but y has shape {y.shape}; give one target per sample"
        )
    if y.dtype.kind == "O":
        y = np.array(y.tolist())
    if y.dtype.kind not in "biufUS":
        raise ValueError(f"y has type {y.dtype}; give numbers, strings or booleans")
    if y.dtype.kind in "biuf":
        check_finite(y.astype(np.float64), "y")
    binary = outputs == 1
    if not loss.classifies or y.ndim == 2 or (binary and y.dtype.kind == "f" and classes is None):
        return _to_values(y, samples, outputs, loss, dtype), classes
    if y.ndim != 1 or (not binary and loss.independent):
        raise ValueError(f"y has shape {y.shape}; expected ({samples}, {outputs})")
    indices, classes = _to_indices(y, max(outputs, 2), classes)
    if binary:
        return indices[np.newaxis].astype(dtype), classes
    targets = np.zeros((outputs, samples), dtype)
    targets[indices, np.arange(samples)] = 1
    return targets, classes


def _to_values(y: Array, samples: int, outputs: int, loss: Any, dtype: Any) -> Array:
    """Targets that are numbers already: regression, one-hot, soft."""
    if y.dtype.kind in "US" or y.size != samples * outputs or y.ndim > 2:
        raise ValueError(
            f"y has shape {y.shape} and type {y.dtype}; expected numbers of shape ({samples}, {outputs})"
        )
    targets = np.ascontiguousarray(y.reshape(samples, outputs).T, dtype)
    check_finite(targets, "y")
    if loss.classifies and (targets.min() < 0 or targets.max() > 1):
        raise ValueError(
            "y holds values outside 0 to 1; one-hot and soft targets are probabilities"
        )
    if loss.classifies and not loss.independent:
        if np.abs(targets.sum(0) - 1).max() > 1e-3:
            raise ValueError("a row of y does not sum to 1; one-hot and soft targets must")
    return targets


def _to_indices(y: Array, n_classes: int, classes: Array | None) -> tuple[Array, Array | None]:
    """Class labels as indices of outputs; strings and booleans are sorted."""
    if classes is None and y.dtype.kind in "USb":
        classes = np.array([False, True]) if y.dtype.kind == "b" else np.unique(y)
        if len(classes) != n_classes:
            raise ValueError(
                f"y has {len(classes)} different labels, but the network tells {n_classes} apart; "
                f"give as many neurons to the last layer, or all labels by partial_fit(classes=...)"
            )
    if classes is None:
        indices = y.astype(np.intp)
        if (indices != y).any() or indices.min() < 0 or indices.max() >= n_classes:
            raise ValueError(
                f"y goes from {y.min()} to {y.max()}; class labels are whole numbers from 0 to "
                f"{n_classes - 1}, the index of the output"
            )
        return indices, None
    if (y.dtype.kind in "US") != (classes.dtype.kind in "US") or not np.isin(y, classes).all():
        raise ValueError(f"y has labels that are not among those known: {classes.tolist()}")
    return np.searchsorted(classes, y), classes


def to_classes(classes: Any, outputs: int) -> Array:
    """The labels that `partial_fit` announces, sorted; as many as the network tells apart."""
    labels = np.unique(np.asarray(classes))
    if labels.ndim != 1 or labels.dtype.kind not in "biufUS" or len(labels) != max(outputs, 2):
        raise ValueError(
            f"classes is {classes!r}; give the {max(outputs, 2)} different labels that the network tells apart"
        )
    return labels


def to_weights(
    sample_weight: Any, class_weight: Any, data: Data, classes: Array | None, dtype: Any
) -> Array | None:
    """One weight per sample: the product of `sample_weight` and that of its class, or None."""
    if sample_weight is None and class_weight is None:
        return None
    samples = len(data)
    weights = np.ones(samples) if sample_weight is None else np.asarray(sample_weight, np.float64)
    if weights.shape != (samples,):
        raise ValueError(
            f"sample_weight has shape {weights.shape}; expected ({samples},), one per sample"
        )
    if class_weight is not None:
        indices = to_labels(data.targets)
        known = range(max(2, len(data.targets))) if classes is None else classes.tolist()
        if not hasattr(class_weight, "items") or not set(class_weight) <= set(known):
            raise ValueError(
                f"class_weight is {class_weight!r}; give a dict from labels to weights, labels among {list(known)}"
            )
        weights = (
            weights * np.array([class_weight.get(label, 1) for label in known], float)[indices]
        )
    if not np.isfinite(weights).all() or weights.min() < 0 or weights.max() == 0:
        raise ValueError("the weights of samples must be finite, not negative, and not all 0")
    return weights.astype(dtype)


def to_labels(outputs: Array) -> Array:
    """The index of the class that outputs (classes, samples) or (1, samples) speak for."""
    return outputs.argmax(0) if len(outputs) > 1 else (outputs[0] > 0.5).astype(np.intp)


def split(data: Data, fraction: float, stratify: bool, rng: Any) -> tuple[Data, Data]:
    """Draw `fraction` of the samples at random for validation, from each class alike if `stratify`."""
    order = rng.permutation(len(data))
    held_out = np.zeros(len(data), bool)
    groups = to_labels(data.targets)[order] if stratify else np.zeros(len(data))
    due = 0.0  # carries the rounding from class to class, so that the total is right
    for group in np.unique(groups):
        members = order[groups == group]
        due += fraction * len(members)
        count = min(round(due), len(members) - 1)
        held_out[members[:count]] = True
        due -= count
    if not held_out.any():
        raise ValueError(
            f"validation_split={fraction} of {len(data)} samples leaves nothing for validation; use more"
        )
    return data.take(np.flatnonzero(~held_out)), data.take(np.flatnonzero(held_out))


def batches(samples: int, batch_size: int | None, shuffle: bool, rng: Any) -> Iterator[Any]:
    """The rows of each batch of an epoch: None for all, slices in order, or shuffled indices."""
    if batch_size is None or batch_size >= samples:
        yield None  # the mean over all rows does not depend on their order
        return
    order = rng.permutation(samples) if shuffle else None
    for start in range(0, samples, batch_size):
        rows = slice(start, min(start + batch_size, samples))
        yield rows if order is None else order[rows]
