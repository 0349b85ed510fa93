"""From what users give to what the network needs, or a sentence saying why not."""

import numpy as np

TINY = 1e-300
POSITIVE, FRACTIONS = ("lr", "epsilon", "clipnorm"), ("momentum", "rho", "beta_1", "beta_2")
FLOATS = [np.float64, np.float32]


def require(holds, otherwise: str):
    """Raise ValueError with a sentence unless something holds."""
    if not holds:
        raise ValueError(otherwise)


def choose(kind: str, name, choices):
    """What a name stands for, without regard to case; an unknown one raises ValueError."""
    known = isinstance(name, str) and name.lower() in choices
    require(known, f"unknown {kind} {name!r}; choose one of: {', '.join(choices)}")
    return choices[name.lower()] if isinstance(choices, dict) else name.lower()


def check_number(name: str, value, least: float, below: float = np.inf):
    """The value, if least <= value < below (or both infinite); ValueError otherwise."""
    number = isinstance(value, int | float | np.number)
    fits = number and least <= value and (value < below or below == np.inf)
    require(fits, f"{name} is {value!r}; give a number of at least {least:g}, below {below:g}")
    return value


def check_options(options: dict):
    """Raise ValueError for an option of an optimizer that is out of its range."""
    for name, value in options.items():
        least, below = TINY * (name in POSITIVE), 1 if name in FRACTIONS else np.inf
        if name != "clipnorm" or value is not None:
            check_number(name, value, least, below)


def check_count(name: str, value) -> int:
    """The value, if it is a whole number of at least 1; ValueError otherwise."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < 1:
        raise ValueError(f"{name} is {value!r}; give a whole number of at least 1")
    return int(value)


def check_assembled(network):
    """Raise ValueError if a model is not compiled."""
    require(network.parameters is not None, "the model is not compiled; call compile() after add()")


def check_parts(kind: type, parts: list):
    """Raise ValueError unless there are parts, all different objects of a kind."""
    right = parts and all(isinstance(one, kind) and getattr(one, "forward", one) for one in parts)
    require(right, f"{parts!r} will not do; give at least one {kind.__name__} that has its methods")
    require(len(set(map(id, parts))) == len(parts), "a layer stands twice; make one for each place")


def slices(n: int, size: int = 1024):
    """0 to n in stretches of a batch size, the last one perhaps shorter; ValueError for size 0.

    The default is for prediction: 20,000 rows of 2-64-64-3 take 4.4 ms, in one piece 6.2.
    """
    check_count("batch_size", size)
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def check_sizes(layers, last=object):
    """(features in, values out) of layers in a row, None where only data can tell.

    Raises ValueError where a layer does not take what the one before it gives, or the last one is
    not of the class `last`, which the loss is paired with.
    """
    first = next((one.n_features for one in layers if one.n_features or not one.keeps_width), None)
    width = None
    for layer in layers:
        fits = width in (None, layer.n_features or width)
        require(fits, f"{layer!r} follows a layer that gives {width} values; make them equal")
        width = layer.n_neurons or (width if layer.keeps_width else None)
    require(isinstance(layers[-1], last), f"the loss needs {last.__name__} as the last layer")
    return first, width


def check_dtype(dtype):
    """float32 or float64 as NumPy's dtype; ValueError for others."""
    known = (float, *FLOATS, "float32", "float64")
    require(dtype in known, f"dtype is {dtype!r}; choose float32 or float64")
    return np.dtype(dtype)


def make_rng(seed):
    """The source of chance from None, a whole number or a Generator; ValueError otherwise."""
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise ValueError(f"seed is {seed!r}; give None or a whole number from 0") from error


def to_vector(arrays, network):
    """Arrays in the order and shapes of `get_weights` as one vector; ValueError if they do not fit.

    (n,) stands for (1, n).
    """
    given = [np.atleast_2d(array).shape for array in arrays]
    wanted = [np.atleast_2d(array).shape for array in network.get_weights()]
    require(given == wanted, f"the arrays have shapes {given}; expected {wanted}")
    vector = np.concatenate([[], *map(np.ravel, arrays)]).astype(network.dtype)
    check_finite(vector, "an array")
    return vector


class Data:
    """Checked arrays: X (n, features), targets (outputs, n), weights (n,) or None for all equal."""

    def __init__(self, X, targets=None, weights=None):
        self.X, self.targets, self.weights = X, targets, weights

    def load(self, plan, rows):
        """Copy the samples `rows` (a slice or indices) into a plan; weights there sum to 1.

        A full batch, one slice object throughout a training, is copied once, not in each epoch.
        """
        if plan.loaded is rows:
            return
        if isinstance(rows, slice):
            np.copyto(plan.x, self.X[rows].T)
            if self.targets is not None:
                np.copyto(plan.targets, self.targets[:, rows])
        else:
            # 32 samples of 2-64-3 in 1.6 us; by X[rows] and targets[:, rows] in 3.6.
            np.copyto(plan.x, self.X.take(rows, 0).T)
            np.copyto(plan.targets, self.targets.take(rows, 1))
        if self.weights is not None:
            plan.weight = float(self.weights[rows].sum())
            np.divide(self.weights[rows], plan.weight or 1, plan.weights)
        plan.loaded, plan.right = rows, None

    def take(self, rows):
        """The chosen rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Data(self.X[rows], self.targets[:, rows], weights)


def make_data(network, X, y, sample_weight=None, class_weight=None, *, classes=None):
    """Data for a network, and the labels of its outputs (None: indices); ValueError if unfit."""
    X = to_inputs(X, network)
    classes = network.classes if classes is None else np.unique(classes)
    targets, classes = to_targets(y, len(X), network.n_neurons, network.loss, classes)
    data = Data(X, targets.astype(network.dtype))
    if sample_weight is not None or class_weight is not None:
        data.weights = to_weights(sample_weight, class_weight, targets, classes).astype(X.dtype)
    return data, classes


def to_inputs(X, network):
    """X as a finite array (samples, features) of the network's dtype; ValueError if it cannot."""
    check_assembled(network)
    try:
        with np.errstate(over="ignore"):  # too large for float32: infinite, and refused below
            X = np.asarray(X, network.dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(f"X is not made of numbers (samples, features): {error}") from None
    features = network.n_features
    if X.ndim != 2 or not X.size or X.shape[1] != (features or X.shape[1]):
        raise ValueError(f"X has shape {X.shape}; expected (samples, {features or 'features'})")
    check_finite(X, "X")
    if network.n_neurons is None:  # a user's layer does not say how many values it gives
        network.n_neurons = len(network._pass(Data(X[:1]), slice(0, 1), False).output)
    return X


def check_finite(values, name: str):
    """Raise ValueError if a value is NaN or infinite."""
    # A sum of squares takes 1.0 us, isfinite 2.2, which is felt where one row is predicted in 9.
    # Only if the sum overflows is each value looked at.
    total = float(np.vdot(values, values))
    if not (total - total == 0 or np.isfinite(values).all()):
        raise ValueError(f"{name} has NaN, or numbers too large for {values.dtype}; replace them")


def to_targets(y, n: int, outputs: int, loss, classes):
    """y as targets (outputs, n), and the labels of the outputs; ValueError if that cannot be.

    A classification takes class indices, strings, booleans, or (n, outputs) one-hot or soft
    targets. `classes` are the labels of earlier data, or None for indices.
    """
    y = np.asarray(y)
    y = np.array(y.tolist()) if y.dtype.kind == "O" else y
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    kind, given = y.dtype.kind, f"y has shape {y.shape} and type {y.dtype}"
    fits = y.ndim in (1, 2) and len(y) == n and kind in "biufUS"
    require(fits, f"{given}; give {n} targets, one per sample")
    plain = kind == "f" and outputs == 1 and classes is None
    if not loss.classifies or y.ndim == 2 or plain:  # numbers already
        fits = kind not in "US" and y.size == n * outputs
        require(fits, f"{given}; expected numbers ({n}, {outputs})")
        targets = np.ascontiguousarray(y.reshape(n, outputs).T, float)
        check_finite(targets, "y")
        if loss.classifies:
            excess = targets - 1 if loss.independent else abs(targets.sum(0) - 1) - 1e-3
            require(targets.min() >= 0 and excess.max() <= 0, "y has no probabilities (of sum 1)")
        return targets, classes
    require(outputs == 1 or not loss.independent, f"{given}; expected ({n}, {outputs})")
    indices, classes = to_indices(y, max(outputs, 2), classes)
    return (indices[np.newaxis] if outputs == 1 else np.eye(outputs)[:, indices]), classes


def to_indices(y, n_classes: int, classes):
    """Class labels as indices of outputs, and the labels: sorted strings or booleans, or None."""
    if classes is None and y.dtype.kind in "USb":
        classes = np.array([False, True]) if y.dtype.kind == "b" else np.unique(y)
    known = np.arange(n_classes) if classes is None else classes
    require(len(known) == n_classes, f"{len(known)} labels for {n_classes} outputs; change them")
    alike = (y.dtype.kind in "US") == (known.dtype.kind in "US")
    require(alike and np.isin(y, known).all(), f"y has labels not among {known.tolist()}")
    return np.searchsorted(known, y), classes


def to_weights(sample_weight, class_weight, targets, classes):
    """One weight per sample, (n,): its own times that of its class; ValueError if unfit."""
    n = targets.shape[1]
    weights = np.ones(n) if sample_weight is None else np.array(sample_weight, float)
    require(weights.shape == (n,), f"sample_weight has shape {weights.shape}; give {n} numbers")
    if class_weight is not None:
        known = list(range(max(2, len(targets))) if classes is None else classes.tolist())
        fits = isinstance(class_weight, dict) and set(class_weight) <= set(known)
        require(fits, f"class_weight is {class_weight!r}; give a dict with keys in {known}")
        weights *= np.array([class_weight.get(label, 1) for label in known])[to_labels(targets)]
    fits = np.isfinite(weights).all() and weights.min() >= 0 and weights.max() > 0
    require(fits, "sample weights must be finite, at least zero, and not all zero")
    return weights


def to_labels(outputs):
    """The class index that each column of (classes, n) or (1, n) outputs speaks for."""
    return outputs.argmax(0) if len(outputs) > 1 else (outputs[0] > 0.5).astype(int)


def share(hits, plan) -> float:
    """The weighted share of right answers; count_nonzero takes 0.3 us, mean 2.8."""
    if plan.weighted:
        return float(hits.dot(plan.weights).mean())
    return np.count_nonzero(hits) / hits.size


def to_classes(outputs, loss, classes):
    """The labels that outputs (outputs, n) speak for; ValueError for a regression."""
    require(loss.classifies, "a regression has no classes; use predict()")
    if loss.independent and len(outputs) > 1:
        return (outputs.T > 0.5).astype(int)
    labels = to_labels(outputs)
    return labels if classes is None else classes[labels]


def score(outputs, targets, loss) -> float:
    """The share of right labels, or R^2 (1: perfect, 0: as the mean) for a regression."""
    if loss.classifies:
        return float((loss.decide(outputs) == loss.decide(targets)).mean())
    error, spread = np.square(outputs - targets).mean(), targets.var(1).mean()
    return float(1 - error / spread if spread else error == 0)


def hold_out(network, data: Data, classes, validation_data, fraction: float):
    """What to train on, and what to validate on: given data, or a fraction drawn; or None."""
    check_number("validation_split", fraction, 0, 1)
    require(not (fraction and validation_data), "give validation data or a split, not both")
    if fraction:
        return split(data, fraction, network.loss.classifies, network.rng)
    return data, validation_data and make_data(network, *validation_data, classes=classes)[0]


def split(data: Data, fraction: float, stratify: bool, rng):
    """Draw a fraction of the samples for validation; if `stratify`, alike from each class."""
    n = len(data.X)
    ticks = np.diff(np.floor(np.arange(n + 1) * fraction + 0.5)) > 0
    require(0 < ticks.sum() < n, f"validation_split={fraction} of {n} samples leaves a side empty")
    order = rng.permutation(n)
    if stratify:  # class by class, so that every stretch of the order holds its share of each
        order = order[np.argsort(to_labels(data.targets)[order], kind="stable")]
    return data.take(np.sort(order[~ticks])), data.take(np.sort(order[ticks]))
