"""From what users give to what the network needs."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mapicx.validation import (
    check_count,
    check_number,
    check_options,
    is_masked,
    is_real,
    not_replayable,
    require,
    takes_xp,
    to_numbers,
)

if TYPE_CHECKING:
    from mapicx.layers import Layer
    from mapicx.losses import Loss
    from mapicx.network import NeuralNetwork
    from mapicx.optimizers import Optimizer
    from mapicx.recorder import Recorder

Array = np.ndarray[Any, Any]
Rows = Any  # a slice or an array of indices
BY_VALUE = bool | int | float | str | None | np.generic
# Attributes of a layer that are no settings.
BOUND = {"n_features", "n_neurons", "init", "rng", "inputs", "output", "dinputs"}
BOUND |= {"weights", "biases", "dweights", "dbiases"}
CACHE = 2**20  # bytes; smaller results gain nothing from sharing memory
NARROW = 64  # up to so many features, a shuffled batch is gathered feature by feature


class Data:
    """Checked X (n, features), targets (n, outputs), weights (n, 1) or None: all equal."""

    def __init__(self, X: Array, targets: Any = None, weights: Array | None = None) -> None:
        self.X, self.targets, self.weights = X, targets, weights

    def gather(self) -> Data:
        """The same, in the memory order from which rows are picked fastest."""
        # 32 narrow rows take a third of the time, a tenth of a step; wide ones more.
        if self.X.shape[1] <= NARROW:
            self.X = np.asfortranarray(self.X)
        return self

    def load(self, batch: Batch, rows: Rows) -> None:
        """Copy samples into a batch, unless it holds them; weights there sum to 1."""
        if batch.loaded is rows:
            return
        if isinstance(rows, slice):
            np.copyto(batch.inputs, self.X[rows])
            if self.targets is not None:
                np.copyto(batch.targets, self.targets[rows])
        else:
            if self.X.flags.f_contiguous:
                self.X.T.take(rows, 1, batch.inputs.T, "clip")
            else:
                np.copyto(batch.inputs, self.X.take(rows, 0))
            self.targets.T.take(rows, 1, batch.targets.T, "clip")
        if self.weights is not None:
            weights = self.weights[rows]
            batch.weight = float(weights.sum())
            np.divide(weights, batch.weight or 1, batch.weights)
        batch.loaded, batch.answers = rows, None

    def take(self, rows: Rows) -> Data:
        weights = None if self.weights is None else self.weights[rows]
        return Data(self.X[rows], np.asfortranarray(self.targets[rows]), weights)


class Batch:
    """The arrays of batches of one kind, and the calls recorded on them.

    `weights` sum to 1; `weight` is their sum before, the batch's weight in an epoch's mean.
    """

    settings: Any = ()  # the attributes of layers that were recorded as constants
    loaded: Any = None  # the very object, `rows`, whose samples the arrays hold
    answers: Any = None  # what accuracy compares the output with
    output: Any = None
    last: Any = None  # a copy of the last layer, which the loss reads
    loss: Any = None

    def __init__(
        self, key: Any, shape: tuple[int, int, int], layers: list[Layer], recorder: Recorder
    ) -> None:
        (samples, features, outputs), dtype = shape, recorder.dtype
        self.key, self.layers, self.recorder = key, layers, recorder
        self.training = key[0] in ("train", "by hand, training")  # whether dropout is on
        self.has_backward = key[0] not in ("predict", "evaluate")  # whether backward may follow
        self.inputs = new_array((samples, features), dtype)
        self.targets = new_array((samples, outputs), dtype)
        self.weights: Array = np.full((samples, 1), 1 / samples, dtype)
        self.weight = float(samples)
        self.calls: dict[str, list[Callable[[], Any]]] = {}
        self.passed: list[Array] = []  # what each layer was given
        self.returned: list[Array] = []  # the gradient that each gave, the last layer's first

    def run(self, part: str, record: Callable[[Batch], None]) -> None:
        """Replay, or first record, a part of the step."""
        if part in self.calls:
            for call in self.calls[part]:
                call()
        else:
            self.recorder.calls = []
            record(self)
            # No reference cycle: a dropped network's memory serves the next one's first step.
            self.calls[part], self.recorder.calls = self.recorder.calls, []
            large = sum(a.nbytes for a in self.recorder.results) > CACHE
            if large and (part, self.key[0]) == ("backward", "train") and not self.recorder.eager:
                self.calls = share_memory(self.calls, self.recorder.results, self.output, self.loss)
                self.layers, self.passed, self.returned, self.last = [], [], [], None
                self.recorder.results = []

    def finish(self, output: Array) -> None:
        """Keep what the last layer gave."""
        self.last, self.output = copy_shallow(self.layers[-1]), plain(output)
        self.last.output = output

    def forward_of(self, layer: Layer) -> Callable[..., Array]:
        """forward of a layer; of a copy where what it keeps for backward is another's."""
        if self.has_backward or layer not in self.recorder.called:
            return layer.forward
        return lambda *args: copy_shallow(layer).forward(*args)

    def values(self, loss: Loss, names: Sequence[str]) -> list[float]:
        """[loss] or [loss, accuracy], weighted means over the samples."""
        values = [float(self.loss.item())]
        if len(names) > 1:
            if self.answers is None:  # stays while the same full batch is loaded: a twentieth
                self.answers = to_answers(self.targets, loss)
            weights = self.weights if self.key[2] else None
            values.append(accuracy(self.output, self.answers, loss, weights))
        return values


class Batches:
    """The batches of a network, each for one user (thread) at a time.

    Each has copies of the layers with `xp`, since forward leaves values there for backward.
    """

    def __init__(self, network: NeuralNetwork, recorder: type[Recorder]) -> None:
        self.network = weakref.ref(network)  # no cycle, see Batch.run
        self.eager, self.kept, self.recorder = network.eager, dict[Any, Batch](), recorder
        network.optimizer._network = self.network
        self.called = [layer for layer in network.layers if not takes_xp(layer)]
        # Recorded as constants (rate, slope): another value makes another batch.
        self.settings: list[Any] = [
            (layer, name)
            for layer in network.layers
            if layer not in self.called
            for name in vars(layer).keys() - BOUND
        ]

    def take(self, purpose: str, data: Data, rows: Rows) -> Batch:
        network: Any = self.network()
        samples = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
        settings = self.settings and [vars(layer).get(name) for layer, name in self.settings]
        known = settings and [v if isinstance(v, BY_VALUE) else id(v) for v in settings]
        key = (purpose, samples, data.weights is not None, *known)
        batch = self.kept.pop(key, None)
        if batch is None:
            itself = network.eager and purpose not in ("predict", "evaluate")
            called = network.layers if itself else self.called
            shape = samples, data.X.shape[1], network.n_neurons or 1
            recorder = self.recorder(network.dtype, network.eager, self.called)
            layers = [a if a in called else copy_layer(a, recorder) for a in network.layers]
            batch = Batch(key, shape, layers, recorder)
            batch.settings = settings  # so that nothing else gets their id
        data.load(batch, rows)
        return batch

    def outputs(self, data: Data, rows: Rows) -> Array:
        """The outputs (samples, outputs) for some rows of data, dropout off."""
        batch = self.take("predict", data, rows)
        network: Any = self.network()
        batch.run("forward", network._forward)
        outputs = np.array(batch.output, order="C")
        self.give(batch)
        return outputs

    def give(self, batch: Batch) -> None:
        if not self.eager:
            self.kept[batch.key] = batch
            if len(self.kept) > 6:
                self.kept.pop(next(iter(list(self.kept))), None)


def make_batches(n: int, size: Any = 1024) -> list[slice]:
    """0 to n in stretches; 20,000 rows of 2-64-64-3 in one take 1.4 times as long to predict."""
    size = check_count("batch_size", size)
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def bind_arrays(
    layers: Sequence[Layer], vector: Array, gradients: Array
) -> tuple[list[dict[str, Array]], Array]:
    """Make layers' arrays views of two vectors; those of gradients, and which weights decay."""
    decays, stop, found = np.zeros(vector.size, bool), 0, []
    for layer in layers:
        views = {}
        for name, values in layer.parameters().items():
            part, stop = slice(stop, stop + values.size), stop + values.size
            setattr(layer, name, vector[part].reshape(values.shape))
            views["d" + name] = gradients[part].reshape(values.shape)
            decays[part] = name == "weights"
        vars(layer).update(views)
        found.append(views)
    return found, decays


def copy_layer(layer: Layer, xp: Recorder) -> Layer:
    """A copy whose own arrays are recorded, too."""
    copied: Layer = copy_shallow(layer)
    for name, value in vars(layer).items():
        if type(value) is np.ndarray:
            setattr(copied, name, xp.track(value))
    return copied


def store_gradients(layer: Layer, views: dict[str, Array], xp: Recorder) -> None:
    """Note a copy of gradients that are not in their place."""
    for name, view in views.items():
        if layer in xp.called or base_of(getattr(layer, name)) is not base_of(view):
            xp.note(
                lambda n, v: np.copyto(v, plain(getattr(layer, n)).reshape(v.shape)), name, view
            )


def drop_product(calls: list[Any], result: Array) -> None:
    last: Any = calls[-1] if calls else None
    if getattr(last, "func", None) is np.dot and base_of(last.args[-1]) is base_of(result):
        calls.pop()


def to_vector(arrays: Sequence[Any], like: Sequence[Array], dtype: Any) -> Array:
    given = [np.atleast_2d(array).shape for array in arrays]
    wanted = [np.atleast_2d(array).shape for array in like]
    require(given == wanted, f"the arrays have shapes {given}; expected {wanted}")
    vectors = [to_numbers(array, "an array of weights", dtype).ravel() for array in arrays]
    return np.concatenate([np.empty(0, dtype), *vectors])


def make_data(
    network: NeuralNetwork, X: Any, y: Any, sample_weight: Any = None, class_weight: Any = None,
    *, classes: Any = None,
) -> tuple[Data, Array | None]:  # fmt: skip
    """Data for a network, and the labels of its outputs (None: indices)."""
    X, loss = to_inputs(X, network), network.loss
    outputs = network.n_neurons or 1
    if classes is not None:
        classes = np.unique(to_labels(classes))
        require(loss.classifies and not several(loss, outputs), f"{loss} takes no classes here")
        check_labels(classes, max(2, outputs))
    classes = network.classes if classes is None else classes
    targets, classes = to_targets(y, len(X), outputs, loss, classes)
    data = Data(X, np.asfortranarray(to_numbers(targets, "y", network.dtype)))
    if sample_weight is not None or class_weight is not None:
        weights = to_weights(sample_weight, class_weight, targets, loss, classes)
        data.weights = weights.astype(network.dtype)
    return data, classes


def to_inputs(X: Any, network: NeuralNetwork) -> Any:
    """X as a finite array (samples, features) of the network's dtype."""
    X = to_numbers(X, "X", network.dtype)
    features = network.n_features
    if X.ndim != 2 or not X.size or X.shape[1] != (features or X.shape[1]):
        raise ValueError(f"X has shape {X.shape}; expected (samples, {features or 'features'})")
    if network.n_neurons is None:  # a user's layer need not say it
        network.n_neurons = network._batches.outputs(Data(X[:1]), slice(0, 1)).shape[1]
    return X


def to_targets(
    y: Any, n: int, outputs: int, loss: Loss, classes: Array | None
) -> tuple[Array, Array | None]:
    """y as targets (n, outputs), and the labels of the outputs, if there are any."""
    y = to_labels(y)
    given = f"y has shape {y.shape} and type {y.dtype}"
    fits = y.ndim in (1, 2) and len(y) == n and y.dtype.kind in "biufU"
    require(fits, f"{given}; give {n} targets, one per sample")
    numbers = y.dtype.kind == "f" and outputs == 1 and classes is None
    if not loss.classifies or y.ndim == 2 or numbers:
        fits = y.dtype.kind != "U" and y.size == n * outputs
        require(fits, f"{given}; expected numbers ({n}, {outputs})")
        targets = to_numbers(y.reshape(n, outputs), "y", float)
        if loss.classifies:
            excess = targets - 1 if loss.independent else abs(targets.sum(1) - 1) - 1e-3
            fits = targets.min() >= 0 and excess.max() <= 0
            require(fits, "y has numbers that are no probabilities (0 to 1, of sum 1 per sample)")
        return targets, classes
    require(outputs == 1 or not loss.independent, f"{given}; expected ({n}, {outputs})")
    indices, classes = to_indices(y, max(outputs, 2), classes)
    return (indices[:, np.newaxis] if outputs == 1 else np.eye(outputs)[indices]), classes


def to_labels(y: Any) -> Array:
    """Targets as numbers, booleans or strings, a single column flat."""
    require(not is_masked(y), "y is masked; leave those samples out")
    try:
        # Among strings, NaN would become one.
        y = np.asarray(y, object if isinstance(y, list | tuple) else None)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"y is not an array: {error}") from None
    if y.dtype.kind == "T":  # NumPy's strings of any length
        y = y.astype(object)
    if y.dtype.kind == "O":
        kinds = {kind_of_label(value) for value in y.ravel()}
        alike = len(kinds) <= 1 and kinds <= {"string", "truth value", "number"}
        require(alike, f"y holds {', '.join(sorted(kinds))}; give labels of one kind, none missing")
        y = np.array(y.tolist())
    require(y.dtype.kind != "S", "y holds bytes; give strings, y.astype(str)")
    labels: Array = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    return labels


def kind_of_label(value: Any) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool | np.bool):
        return "truth value"
    return "number" if is_real(value) and value == value else f"{type(value).__name__} {value!r}"


def to_indices(y: Array, n_classes: int, classes: Array | None) -> tuple[Array, Array | None]:
    """Class labels as indices of outputs, and the sorted labels, or None."""
    if classes is None and y.dtype.kind in "Ub":
        classes = np.array([False, True]) if y.dtype.kind == "b" else np.unique(y)
    known = np.arange(n_classes) if classes is None else classes
    check_labels(known, n_classes)
    indices, strange = np.zeros(len(y), int), y
    if (y.dtype.kind == "U") == (known.dtype.kind == "U"):
        indices = known.searchsorted(y).clip(max=n_classes - 1)
        strange = y[known[indices] != y]
    if strange.size:
        advice = "" if classes is not None else "; other labels as strings, y.astype(str)"
        labels = np.unique(strange)[:5].tolist()
        raise ValueError(f"y has labels {labels}, not among {known.tolist()}{advice}")
    return indices, classes


def check_labels(labels: Array, outputs: int) -> None:
    require(len(labels) == outputs, f"{len(labels)} labels for {outputs} outputs; change them")


def to_weights(
    sample_weight: Any, class_weight: Any, targets: Array, loss: Loss, classes: Array | None
) -> Array:
    """One weight per sample, (n, 1): its own times that of its class; ValueError if unfit.

    The largest is 1, so that any data type can hold them.
    """
    n = len(targets)
    weights = np.ones(n)
    if sample_weight is not None:
        weights = to_numbers(sample_weight, "sample_weight", np.float64)
        require(weights.shape == (n,), f"sample_weight has shape {weights.shape}; give {n} numbers")
    if class_weight is not None:
        fits = loss.classifies and not several(loss, targets.shape[1])
        require(fits, "class_weight is for one class per sample; give sample_weight")
        indices = to_class_indices(targets)
        known = np.arange(max(2, targets.shape[1])) if classes is None else classes
        weights = weights * to_class_weights(class_weight, known.tolist(), indices)[indices]
    fits = weights.min() >= 0 and 0 < weights.max() < np.inf
    require(fits, "sample weights must be finite, at least zero, and not all zero")
    weights = weights / weights.max()
    return np.reshape(weights, (n, 1))


def several(loss: Loss, outputs: int) -> bool:
    return loss.independent and outputs > 1


def to_class_weights(class_weight: Any, known: list[Any], indices: Array) -> Array:
    """The weight of each class; "balanced": 1 / how often it occurs."""
    if isinstance(class_weight, str) and class_weight == "balanced":
        counts = np.bincount(indices, minlength=len(known))
        return len(indices) / (len(known) * np.maximum(counts, 1))
    fits = isinstance(class_weight, dict) and set(class_weight) <= set(known)
    advice = f"give 'balanced' or a dict with keys in {known}"
    require(fits, f"class_weight is {class_weight!r}; {advice}")
    named = [check_number(f"the weight of {k!r}", class_weight.get(k, 1), 0) for k in known]
    return np.array(named)


def to_class_indices(outputs: Array) -> Array:
    if outputs.shape[1] > 1:
        return np.asarray(outputs.argmax(1))
    return (outputs[:, 0] > 0.5).astype(int)


def to_answers(outputs: Array, loss: Loss) -> Array:
    """What accuracy compares: class indices (n,), or yes or no, (outputs, n)."""
    return outputs.T > 0.5 if loss.independent else outputs.argmax(1)


def accuracy(outputs: Array, answers: Array, loss: Loss, weights: Array | None = None) -> float:
    hits = to_answers(outputs, loss) == answers
    if weights is not None:
        return float(hits.dot(weights[:, 0]).mean())
    return float(np.count_nonzero(hits) / hits.size)  # a tenth of the time of mean


def to_classes(outputs: Array, loss: Loss, classes: Array | None) -> Array:
    require(loss.classifies, "a regression has no classes; use predict()")
    if loss.independent and outputs.shape[1] > 1:
        return (outputs > 0.5).astype(int)
    indices = to_class_indices(outputs)
    return indices if classes is None else classes[indices]


def hold_out(
    network: NeuralNetwork, data: Data, classes: Any, validation_data: Any, fraction: float
) -> tuple[Data, Data | None]:
    fraction = check_number("validation_split", fraction, 0, 1)
    if validation_data is None:
        return split(data, fraction, network) if fraction else (data, None)
    require(not fraction, "give validation data or a split, not both")
    pair = isinstance(validation_data, Sequence) and len(validation_data) in (2, 3)
    require(pair, "validation_data must be a pair (X, y), or (X, y, sample_weight)")
    return data, make_data(network, *validation_data, classes=classes)[0]


def split(data: Data, fraction: float, network: NeuralNetwork) -> tuple[Data, Data]:
    n = len(data.X)
    ticks = np.diff(np.floor(np.arange(n + 1) * fraction + 0.5)) > 0
    require(0 < ticks.sum() < n, f"validation_split={fraction} of {n} samples leaves a side empty")
    order = network.rng.permutation(n)
    if network.loss.classifies:  # every stretch of the order has its share of each class
        order = order[np.argsort(to_class_indices(data.targets)[order], kind="stable")]
    sides = data.take(np.sort(order[~ticks])), data.take(np.sort(order[ticks]))
    heavy = all(side.weights is None or side.weights.any() for side in sides)
    require(heavy, f"validation_split={fraction} leaves a side whose sample weights are all zero")
    return sides


# Arrays in memory

# An update goes through the vector in slices that stay in the cache: Adam on 5.8 million
# parameters takes two thirds of the time of whole passes.
SLICE = 65_536

CONSTANTS = {"eye", "full_like", "ndim", "ones", "ones_like", "shape", "zeros", "zeros_like"}
# Methods that give a view, or are made of recorded functions.
RECORDED = {"all", "any", "clip", "max", "mean", "min", "prod", "std", "sum", "var"}
RECORDED |= {"ravel", "reshape", "squeeze", "swapaxes", "transpose", "view"}


class RecordedArray(np.ndarray[Any, Any]):
    """What a recorder hands to layers; its operators and NumPy's functions are recorded, too."""

    recorder: Any = None
    memory: Any = None  # the array that owns it; in a copy still that of its source
    array: Any = None  # the same as a plain array; None in a view or a copy

    def __array_finalize__(self, source: Any) -> None:
        if isinstance(source, RecordedArray):
            self.recorder, self.memory = source.recorder, source.memory

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, out: Any = (None,), **options: Any
    ) -> Any:
        xp = self.recorder
        if method == "__call__":
            return xp.call(ufunc, *inputs, out=out[0], **options)
        if method == "reduce":  # also x.sum() and x.max()
            reduction = xp.sum if ufunc is np.add else partial(xp.call, ufunc.reduce)
            return reduction(*inputs, out=out[0], **{"axis": 0} | options)
        raise not_replayable(xp.layer, f"np.{ufunc.__name__}.{method}")

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return getattr(self.recorder, function.__name__)(*args, **kwargs)

    def __reduce__(self) -> Any:  # copies and pickles are plain arrays
        return np.asarray(self).__reduce__()

    def __deepcopy__(self, memo: Any) -> Any:
        return np.array(self, subok=False)

    def __repr__(self) -> str:
        return repr(np.asarray(self))

    def __str__(self) -> str:
        return str(np.asarray(self))

    def __getitem__(self, key: Any) -> Any:
        keys = key if isinstance(key, tuple) else (key,)
        if any(isinstance(k, RecordedArray) for k in keys) and not self.recorder.eager:
            raise not_replayable(self.recorder.layer, "x[y] of arrays")
        part = super().__getitem__(key)
        return super().__getitem__((*keys, ...)) if isinstance(part, np.generic) else part


def guard(name: str) -> Callable[..., Any]:
    """A method of arrays that uses their values, which a replay would not do again."""

    def use(array: RecordedArray, *args: Any, **options: Any) -> Any:
        if not array.recorder.eager:
            what = f"{name}, Python's use of values (if, float(x), x[i] = 0),"
            raise not_replayable(array.recorder.layer, what)
        return getattr(np.asarray(array), name)(*args, **options)

    return use


for method in ("bool", "float", "int", "index", "complex", "setitem", "iter", "contains"):
    setattr(RecordedArray, f"__{method}__", guard(f"__{method}__"))
for method, kind in vars(np.ndarray).items():
    if method[0] != "_" and method not in RECORDED and type(kind) is type(np.ndarray.copy):
        setattr(RecordedArray, method, guard(method))


def plain(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, RecordedArray) else value


def new_array(shape: Any, dtype: Any) -> Array:
    """An array for a result, one feature after the other in memory (order F), then ones.

    A maximum over 3 classes of 300 samples takes a thirtieth of the time; ones: see `linear`.
    """
    if len(shape) != 2:
        return np.empty(shape, dtype)
    memory = np.empty((shape[1] + 1, shape[0]), dtype)
    memory[-1] = 1
    return memory[:-1].T


def join_factors(inputs: Array, weights: Array, biases: Array) -> list[Array] | None:
    """[inputs, 1] and [weights; biases], if each stands together in memory."""
    extended, vector, start = base_of(inputs).T, base_of(weights), offset(weights)
    joined = extended.shape == (len(inputs), inputs.shape[1] + 1) and offset(inputs) == 0
    joined &= inputs.strides == extended.strides and bool((extended[:, -1] == 1).all())
    joined &= base_of(biases) is vector and offset(biases) == start + weights.nbytes
    joined &= weights.flags.c_contiguous and biases.shape == (1, weights.shape[1])
    if not joined or vector.ndim != 1:
        return None
    shape = len(weights) + 1, weights.shape[1]
    return [extended, np.ndarray(shape, vector.dtype, vector, start)]


def join_sum(calls: list[Any], values: Array, out: Any) -> bool:
    """inputs.T @ values, the last call, and the sum of values as [inputs, 1].T @ values.

    If the results stand together, as gradients do: 4 % of a step.
    """
    last: Any = calls[-1] if calls and out is not None else None
    dot = getattr(last, "func", None) is np.dot and len(last.args) == 3
    if not dot or last.args[0].ndim != 2 or last.args[1] is not values:
        return False
    factors = join_factors(last.args[0].T, last.args[2], np.asarray(out))
    if factors:
        calls[-1] = partial(np.dot, factors[0].T, values, factors[1])
        calls[-1]()
    return bool(factors)


def base_of(array: Array) -> Array:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def offset(array: Array) -> int:
    """How many bytes into its base's memory an array begins."""
    begin, whole = (a.__array_interface__["data"][0] for a in (array, base_of(array)))
    return int(begin - whole)


def bind_call(function: Any, args: list[Array], out: Array, options: Any) -> Callable[[], Any]:
    if function is np.dot and args[0].ndim == args[1].ndim == 2:
        function = np.matmul
    if function is np.matmul and out.flags.c_contiguous:  # np.dot takes 0.4 us less of 1.5
        return partial(np.dot, *args, out)
    if function is np.matmul and out.T.flags.c_contiguous:
        return partial(np.dot, args[1].T, args[0].T, out.T)
    if isinstance(function, np.ufunc) and function not in (np.maximum, np.minimum):
        return partial(function, *args, out, **options)  # 0.1 us less than out=out
    return partial(function, *args, out=out, **options)


def fill_numbers(values: Any, args: list[Array]) -> list[Array]:
    shape, pairs = np.broadcast(*args).shape, zip(values, args, strict=True)
    return [a if isinstance(v, np.ndarray) else np.full(shape[::-1], a).T for v, a in pairs]


def make_constant(xp: Recorder, function: Any, *args: Any, **options: Any) -> Any:
    """What depends on shapes alone; filled anew in each replay."""
    named = {name: plain(value) for name, value in options.items()}
    make = partial(function, *map(plain, args), **named)
    result = make()
    if not isinstance(result, np.ndarray):
        return result
    xp.calls.append(lambda: np.copyto(result, make()))
    return xp.track(result)


def to_constant(value: Any, xp: Recorder) -> Array:
    """What is not recorded as an array; ValueError for lists of arrays."""
    if isinstance(value, list | tuple) and not all(isinstance(v, BY_VALUE) for v in value):
        raise not_replayable(xp.layer, "a list of arrays")
    return np.asarray(value, xp.dtype if isinstance(value, int | float) else None)


def refuse_arrays(xp: Recorder, options: dict[str, Any]) -> None:
    """ValueError for options such as `where`."""
    for name, value in options.items():
        if isinstance(value, np.ndarray):
            raise not_replayable(xp.layer, f"an array as {name}=")


def find_result(function: Any, args: list[Array], options: dict[str, Any]) -> tuple[Any, Any]:
    """Shape and data type of a result."""
    if function is np.matmul and args[0].ndim == args[1].ndim == 2:  # all that takes long
        return (len(args[0]), args[1].shape[1]), np.result_type(*args)
    result = np.asarray(function(*args, **options))
    return result.shape, result.dtype


def share_memory(
    parts: dict[str, list[Any]], results: list[Array], *kept: Array
) -> dict[str, list[Any]]:
    """The same calls, with results in the memory of earlier ones that no later call reads.

    A linear scan, as compilers allocate registers: a twentieth of a step of 2-512-512-3.
    """
    calls = [(part, call) for part, noted in parts.items() for call in noted]
    known = (np.ufunc, type(np.add.reduce), type(np.dot))
    if not all(isinstance(getattr(call, "func", None), known) for _, call in calls):
        return parts
    own = {id(base_of(a)) for a in results} - {id(base_of(a)) for a in kept}
    last = {id(base_of(a)): i for i, (_, call) in enumerate(calls) for a in split_out(call)[0]}
    moved: dict[int, Array] = {}  # the memory that took the place of a result's own
    spare: dict[Any, list[Array]] = {}
    placed: set[int] = set()
    shared: dict[str, list[Any]] = {part: [] for part in parts}
    for i, (part, call) in enumerate(calls):
        args, out = split_out(call)
        read = {id(base_of(a)): base_of(a) for a in args}
        free = [moved.get(m, a) for m, a in read.items() if m in own and last[m] == i]
        in_place = isinstance(call.func, np.ufunc)  # it may write where it reads
        for memory in free if in_place else ():
            spare.setdefault((memory.shape, memory.dtype), []).append(memory)
        base = base_of(out)
        unused = spare.get((base.shape, base.dtype))
        if unused and id(base) in own - placed:
            moved[id(base)] = unused.pop()
        placed.add(id(base))
        args, out = [rebase(a, moved) for a in args], rebase(out, moved)
        for memory in () if in_place else free:
            spare.setdefault((memory.shape, memory.dtype), []).append(memory)
        named = call.keywords | {"out": out} if "out" in call.keywords else {}
        last_arg = () if named else (out,)
        shared[part].append(partial(call.func, *args, *last_arg, **(named or call.keywords)))
    return shared


def split_out(call: Any) -> tuple[list[Array], Array]:
    if "out" in call.keywords:
        return list(call.args), call.keywords["out"]
    return list(call.args[:-1]), call.args[-1]


def rebase(array: Array, moved: dict[int, Array]) -> Array:
    memory = moved.get(id(base_of(array)))
    if memory is None:
        return array
    return np.ndarray(array.shape, array.dtype, memory, offset(array), array.strides)


class Slices:
    """The update of one vector, slice by slice; recorded once, then replayed."""

    def __init__(
        self, optimizer: Optimizer, w: Array, gradients: Array, decays: Array,
        recorder: type[Recorder],
    ) -> None:  # fmt: skip
        self.w, self.gradients, self.recorder = w, gradients, recorder
        if optimizer.state and optimizer.state[0].shape != w.shape:
            optimizer.iterations, optimizer.state = 0, []  # they are another network's
        fresh = [np.zeros_like(w) for _ in optimizer.slots[len(optimizer.state) :]]
        optimizer.state = [*optimizer.state, *fresh][: len(optimizer.slots)]
        self.weight_decay = optimizer.weight_decay
        self.decay = (decays * self.weight_decay).astype(w.dtype)
        number = np.finfo(w.dtype)
        # Adam's squares add up.
        self.limit = float(number.max) * (1 - (optimizer.beta_2 or 0))
        fits = optimizer.epsilon is None or optimizer.epsilon >= number.tiny
        require(fits, f"epsilon is {optimizer.epsilon}; give more than {number.tiny} in {w.dtype}")
        self.numbers = np.zeros(2 + len(optimizer.rates(optimizer.lr)), w.dtype)
        self.calls: list[Callable[[], Any]] = []

    def can_hold(self, norm_squared: float, lr: float) -> bool:
        """Whether a gradient of this norm keeps all finite."""
        decay = self.weight_decay
        decayed = float(self.w.dot(self.w)) * decay * decay if decay else 0.0
        return (norm_squared + decayed) * max(1.0, lr * lr) < self.limit  # False for NaN

    def run(self, optimizer: Optimizer, numbers: tuple[float, ...], eager: bool) -> None:
        self.numbers[:] = numbers
        if self.calls and not eager:
            for call in self.calls:
                call()
            return
        xp = self.recorder(self.w.dtype)
        scalars = [self.numbers[i, ...] for i in range(len(self.numbers))]
        vectors = [self.w, self.gradients, self.decay, *optimizer.state]
        for start in range(0, self.w.size, SLICE):
            w, g, decay, *state = (xp.track(v[start : start + SLICE]) for v in vectors)
            optimizer.update_slice(w, g, decay, state, scalars, xp)
            xp.used = 0  # the same temporary arrays serve all slices
        self.calls, xp.calls = xp.calls, []


def attach(optimizer: Optimizer, network: NeuralNetwork) -> None:
    """Let an optimizer start clean; its former network keeps a copy."""
    former = optimizer._network and optimizer._network()
    if former is not None and former.optimizer is optimizer:
        former.optimizer = copy_deep(optimizer)
        former.optimizer._network = optimizer._network
    optimizer.iterations, optimizer.state, optimizer._slices = 0, [], None


def refresh_options(optimizer: Optimizer) -> None:
    now = {name: getattr(optimizer, name) for name in optimizer.options}
    if now != optimizer.options:
        checked = check_options(type(optimizer).__name__, now | {"lr": 1})
        checked["lr"] = check_number("lr", optimizer.lr, 0)  # a schedule may end at 0
        require(checked["lr"] < np.inf, "lr is infinite; give a number")
        vars(optimizer).update(checked, options=checked, _slices=None)


def linear(inputs: Array, weights: Array, biases: Array, xp: Any = np) -> Any:
    """inputs @ weights + biases.

    In a network ones stand behind the inputs in memory, biases behind weights: one product,
    [inputs, 1] @ [weights; biases], saves a tenth of a step.
    """
    factors = join_factors(inputs, weights, biases) if isinstance(inputs, RecordedArray) else None
    return xp.matmul(*factors) if factors else xp.matmul(inputs, weights) + biases


def each_time(xp: Any, function: Callable[..., Any], *args: Any) -> None:
    """Call a function now and in every replay."""
    note = getattr(xp, "note", None)
    note(function, *args) if note else function(*args)


def copy_shallow(value: Any) -> Any:
    """copy.copy, without its import."""
    copied = object.__new__(type(value))
    vars(copied).update(vars(value))
    return copied


def copy_deep(value: Any, memo: Any = None) -> Any:
    import copy

    return copy.deepcopy(value, memo)


class Vector:
    """An attribute to whose array an assignment writes."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = "_" + name

    def __get__(self, network: Any, owner: type) -> Any:
        return self if network is None else vars(network)[self.name]

    def __set__(self, network: Any, values: Any) -> None:
        vars(network)[self.name][:] = values
