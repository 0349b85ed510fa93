"""From what users give to what the network needs, or a sentence saying why not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def choose(kind: str, name: Any, choices: Any) -> Any:
    """What a name stands for, without regard to case; an unknown one raises ValueError."""
    if not isinstance(name, str) or name.lower() not in choices:
        raise ValueError(f"unknown {kind} {name!r}; choose one of: {', '.join(choices)}")
    return choices[name.lower()]


def check_number(name: str, value: Any, least: float, below: float = np.inf) -> Any:
    """The value, if least <= value < below (or both infinite); ValueError otherwise."""
    is_number = isinstance(value, int | float | np.number)
    if is_number and least <= value <= below and (value < below or below == np.inf):
        return value
    raise ValueError(f"{name} is {value!r}; give a number of at least {least:g}, below {below:g}")


def check_count(name: str, value: Any) -> int:
    """The value, if it is a whole number of at least 1; ValueError otherwise."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {value!r}; give a whole number of at least 1")
    return int(value)


def check_parts(kind: type, parts: list[Any]) -> None:
    """Raise ValueError unless there are parts, all different objects of a kind."""
    if not parts or not all(isinstance(part, kind) for part in parts):
        raise ValueError(f"{parts!r} will not do; give at least one object, each a {kind.__name__}")
    if any(getattr(part, "forward", 0) is None for part in parts):
        raise ValueError(f"a layer of {parts!r} lacks the methods forward and backward")
    if len({id(part) for part in parts}) < len(parts):
        raise ValueError("a layer stands twice in the network; make one for each place")


def check_sizes(layers: Any, is_own: Any) -> tuple[Any, Any]:
    """(features in, values out) of layers in a row, None where only data can tell.

    Raises ValueError where a layer does not take what the one before it gives.
    """
    first = next((layer.n_features for layer in layers if layer.n_features or is_own(layer)), None)
    width = None
    for layer in layers:
        if layer.n_features and width and layer.n_features != width:
            raise ValueError(
                f"{layer!r} follows a layer that gives {width} values; make them equal"
            )
        width = layer.n_neurons or (None if is_own(layer) else width)
    return first, width


def check_last(layer: Any, loss: Any) -> None:
    """Raise ValueError unless the layer is the one that the loss is paired with."""
    if not isinstance(layer, loss.activation):
        raise ValueError(f"{loss!r} needs {loss.activation.__name__} as last layer, not {layer!r}")


def check_dtype(dtype: Any) -> Any:
    """float32 or float64 as NumPy's dtype; ValueError for others."""
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype is {dtype!r}; choose float32 or float64")
    return np.dtype(dtype)


def make_rng(seed: Any) -> Any:
    """The source of chance from None, a whole number or a Generator; ValueError otherwise."""
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise ValueError(f"seed is {seed!r}; give None or a whole number from 0") from error


def check_arrays(given: Any, wanted: list[Array]) -> list[Array]:
    """The given arrays in the types and shapes of those wanted; ValueError if they do not fit."""
    if len(given) != len(wanted):
        raise ValueError(f"{len(given)} arrays are given; the network has {len(wanted)}")
    arrays = [np.asarray(a, target.dtype) for a, target in zip(given, wanted, strict=True)]
    for array, target in zip(arrays, wanted, strict=True):
        if array.shape != target.shape and (1, *array.shape) != target.shape:
            raise ValueError(f"an array has shape {array.shape}; expected {target.shape}")
        check_finite(array, "an array")
    return arrays


class Data:
    """Checked arrays: X (n, features), targets (outputs, n), weights (n,) or None for all equal."""

    def __init__(self, X: Array, targets: Array, weights: Array | None = None) -> None:
        self.X, self.targets, self.weights = X, targets, weights

    def take(self, rows: Array) -> Data:
        """The chosen rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Data(self.X[rows], self.targets[:, rows], weights)


def make_data(network: Any, X: Any, y: Any, sample_weight=None, class_weight=None, classes=None):
    """Data for a network, and the labels of its outputs (None: indices); ValueError if unfit."""
    X = to_inputs(X, network.n_features, network.dtype)
    if network.n_neurons is None:  # a user's layer does not say how many values it gives
        network.n_neurons = network.forward(X[:1]).shape[1]
    classes = network.classes if classes is None else np.unique(classes)
    targets, classes = to_targets(y, len(X), network.n_neurons, network.loss, classes)
    data = Data(X, targets.astype(network.dtype))
    if sample_weight is not None or class_weight is not None:
        data.weights = to_weights(sample_weight, class_weight, targets, classes).astype(X.dtype)
    return data, classes


def to_inputs(X: Any, n_features: Any, dtype: Any) -> Array:
    """X as a finite array (samples, features) of `dtype`; ValueError if that cannot be."""
    try:
        with np.errstate(over="ignore"):  # too large for float32: infinite, and refused below
            X = np.asarray(X, dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"X cannot be read as numbers; give (samples, features): {error}"
        ) from None
    if X.ndim != 2 or X.size == 0 or X.shape[1] != (n_features or X.shape[1]):
        raise ValueError(f"X has shape {X.shape}; expected (samples, {n_features or 'features'})")
    check_finite(X, "X")
    return X


def check_finite(values: Array, name: str) -> None:
    """Raise ValueError if a value is NaN or infinite."""
    # The sum of squares costs a fifth of isfinite; only if it overflows is each value looked at.
    total = float(np.vdot(values, values))
    if not total - total == 0 and not np.isfinite(values).all():
        raise ValueError(f"{name} has NaN, or numbers too large for {values.dtype}; replace them")


def to_targets(y: Any, n: int, outputs: int, loss: Any, classes: Any) -> tuple[Array, Any]:
    """y as targets (outputs, n), and the labels of the outputs; ValueError if that cannot be.

    A classification takes class indices, strings, booleans, or (n, outputs) one-hot or soft
    targets. `classes` are the labels of earlier data, or None for indices.
    """
    y = np.asarray(y)
    y = np.array(y.tolist()) if y.dtype.kind == "O" else y
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim not in (1, 2) or len(y) != n or y.dtype.kind not in "biufUS":
        raise ValueError(
            f"y has shape {y.shape} and type {y.dtype}; give {n} targets, one per sample"
        )
    if y.dtype.kind in "iuf":
        check_finite(y.astype(float), "y")
    plain = y.dtype.kind == "f" and outputs == 1 and classes is None
    if not loss.classifies or y.ndim == 2 or plain:  # numbers already
        if y.dtype.kind in "US" or y.size != n * outputs:
            raise ValueError(
                f"y has shape {y.shape}, type {y.dtype}; expected numbers ({n}, {outputs})"
            )
        targets = np.ascontiguousarray(y.reshape(n, outputs).T, float)
        sums = np.ones(1) if loss.independent else targets.sum(0)
        if loss.classifies and (
            targets.min() < 0 or targets.max() > 1 or abs(sums - 1).max() > 1e-3
        ):
            raise ValueError(
                "targets are probabilities: from 0 to 1, those of all classes sum to 1"
            )
        return targets, classes
    if loss.independent and outputs > 1:
        raise ValueError(f"y has shape {y.shape}; expected ({n}, {outputs})")
    indices, classes = to_indices(y, max(outputs, 2), classes)
    return (indices[np.newaxis] if outputs == 1 else np.eye(outputs)[:, indices]), classes


def to_indices(y: Array, n_classes: int, classes: Any) -> tuple[Array, Any]:
    """Class labels as indices of outputs, and the labels: sorted strings or booleans, or None."""
    if classes is None and y.dtype.kind in "USb":
        classes = np.array([False, True]) if y.dtype.kind == "b" else np.unique(y)
    if classes is not None and len(classes) != n_classes:
        raise ValueError(f"{len(classes)} labels for {n_classes} classes; change the last layer")
    known = np.arange(n_classes) if classes is None else classes
    if not np.isin(y, known).all() or (y.dtype.kind in "US") != (known.dtype.kind in "US"):
        raise ValueError(f"y has labels that are not among {known.tolist()}")
    return np.searchsorted(known, y), classes


def to_weights(sample_weight: Any, class_weight: Any, targets: Array, classes: Any) -> Array:
    """One weight per sample, (n,): its own times that of its class; ValueError if unfit."""
    weights = np.ones(targets.shape[1])
    if class_weight is not None:
        known = range(max(2, len(targets))) if classes is None else classes.tolist()
        if not isinstance(class_weight, dict) or not set(class_weight) <= set(known):
            raise ValueError(
                f"class_weight is {class_weight!r}; give a dict with keys in {list(known)}"
            )
        weights *= np.array([class_weight.get(label, 1) for label in known])[to_labels(targets)]
    if sample_weight is not None:
        sample_weight = np.asarray(sample_weight, float)
        if sample_weight.shape != weights.shape:
            raise ValueError(
                f"sample_weight has shape {sample_weight.shape}; expected {weights.shape}"
            )
        weights *= sample_weight
    if not np.isfinite(weights).all() or weights.min() < 0 or weights.max() == 0:
        raise ValueError("sample weights must be finite, at least zero, and not all zero")
    return weights


def to_labels(outputs: Array) -> Array:
    """The class index that each column of (classes, n) or (1, n) outputs speaks for."""
    return outputs.argmax(0) if len(outputs) > 1 else (outputs[0] > 0.5).astype(int)


def split(data: Data, fraction: float, stratify: bool, rng: Any) -> tuple[Data, Data]:
    """Draw a fraction of the samples for validation; if `stratify`, alike from each class."""
    order = rng.permutation(len(data.X))
    if stratify:  # class by class, so that every stretch of the order holds its share of each
        order = order[np.argsort(to_labels(data.targets)[order], kind="stable")]
    ticks = np.floor(np.arange(len(order) + 1) * fraction + 0.5)
    held_out = np.diff(ticks) > 0
    if held_out.all() or not held_out.any():
        raise ValueError(
            f"validation_split={fraction} of {len(order)} samples leaves one side empty"
        )
    return data.take(np.sort(order[~held_out])), data.take(np.sort(order[held_out]))


def training_data(
    network: Any, X: Any, y: Any, validation_data=None, validation_split=0.0, **weights: Any
) -> tuple[Data, Data | None, Any]:
    """What to train on, what to validate on (or None), and the labels of the outputs."""
    check_number("validation_split", validation_split, 0, 1)
    if validation_split and validation_data is not None:
        raise ValueError("validation_data and validation_split are both given; give one")
    data, classes = make_data(network, X, y, **weights)
    if validation_data is not None:
        return data, make_data(network, *validation_data, classes=classes)[0], classes
    if not validation_split:
        return data, None, classes
    return *split(data, validation_split, network.loss.classifies, network.rng), classes
