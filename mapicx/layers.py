"""The layers: what goes forward, what comes back.

Every built-in layer states its NumPy calls in `forward_calls` and `backward_calls`, on arrays with one
column per sample; `call(np.tanh, x, y)` means `np.tanh(x, out=y)`. A layer of your own only needs
`forward` and `backward` on arrays with one row per sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapicx.replay import call_now, new_columns, with_ones

Array = NDArray[Any]
Call = Callable[..., None]


def choose(kind: str, name: Any, choices: Mapping[str, Any]) -> Any:
    """Look a name up without regard to case; an unknown one raises ValueError naming the choices."""
    found = choices.get(name.lower(), choices) if isinstance(name, str) else choices
    if found is choices:
        raise ValueError(f"unknown {kind} {name!r}; choose one of: {', '.join(sorted(choices))}")
    return found


class Layer:
    """A step of the network; subclass it with `forward` and `backward` to make your own.

    Both take and return arrays (samples, features). If a subclass has `weights` (and `biases`) when
    the network is made, they are trained: the network keeps them in its vector, and `backward` must
    set `dweights` (and `dbiases`), the gradients of the mean loss. A subclass that changes the number
    of features may say so in `n_features` and `n_neurons`, so that sizes are checked early.
    """

    n_features: int | None = None
    n_neurons: int | None = None
    inputs: Any = None
    output: Any = None
    dinputs: Any = None
    weights: Any = None
    biases: Any = None
    dweights: Any = None
    dbiases: Any = None
    rng: Any = None
    views: tuple[str, ...] = (
        "inputs",
        "output",
        "dinputs",
    )  # the arrays that differ per batch size
    forward_calls: Callable[..., Array]
    backward_calls: Callable[..., Any]

    def forward(self, inputs: Array, training: bool = False) -> Array:
        """Return the layer's values for inputs (samples, features)."""
        inputs = np.asarray(inputs)
        x = new_columns(inputs.shape[1], inputs.shape[0], np.result_type(inputs, np.float32))
        x[...] = inputs.T
        self.inputs = x.T
        self.output = self.forward_calls(call_now, x, training).T
        return self.output

    def backward(self, dvalues: Array) -> Array:
        """Return the gradient with respect to the last inputs, given that of the last output."""
        d = np.array(dvalues.T, self.inputs.dtype, order="C")
        self.dinputs = self.backward_calls(call_now, d, True).T
        return self.dinputs

    def arrays(self) -> dict[str, Array]:
        """The trained arrays by name: weights, then biases, if there are any."""
        found = {name: getattr(self, name) for name in ("weights", "biases")}
        return {name: np.asarray(values) for name, values in found.items() if values is not None}

    def bind(self, parameters: Array, gradients: Array, start: int) -> int:
        """Move into the network's vectors, from `start`; return where the next layer begins."""
        for name, values in self.arrays().items():
            stop = start + values.size
            setattr(self, name, parameters[start:stop].reshape(values.shape))
            setattr(self, "d" + name, gradients[start:stop].reshape(values.shape))
            start = stop
        return start

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in self.views}

    def __repr__(self) -> str:
        sizes = (self.n_features, self.n_neurons)
        return (
            f"{type(self).__name__}({', '.join(str(size) for size in sizes if size is not None)})"
        )


def is_own(layer: Layer) -> bool:
    """Whether the layer's class brings a `forward` or `backward` of its own (a user's layer)."""
    return type(layer).forward is not Layer.forward or type(layer).backward is not Layer.backward


def own_forward_calls(layer: Layer, call: Call, x: Array, training: bool) -> Array:
    """A user's `forward` as one call on the tape."""
    results: list[Array] = []

    def run() -> None:
        values = np.asarray(layer.forward(x.T, training))
        if values.ndim != 2 or len(values) != x.shape[1]:
            raise ValueError(
                f"{type(layer).__name__}.forward returned shape {values.shape} for inputs of shape "
                f"{x.T.shape}; return one row of values per sample"
            )
        if not results:
            results.append(new_columns(values.shape[1], len(values), x.dtype))
        np.copyto(results[0], values.T, casting="same_kind")

    call(run)
    return results[0]


def own_backward_calls(layer: Layer, call: Call, d: Array) -> Array:
    """A user's `backward` as one call on the tape; its gradients are copied into the vector."""
    views = {name: getattr(layer, name) for name in ("dweights", "dbiases")}
    results: list[Array] = []

    def run() -> None:
        dinputs = np.asarray(layer.backward(d.T)).T
        if not results:
            results.append(np.empty(dinputs.shape, d.dtype))
        np.copyto(results[0], dinputs, casting="same_kind")
        for name, view in views.items():
            given = getattr(layer, name)
            if given is not view and not isinstance(layer, Dense):
                np.copyto(view, given, casting="same_kind")
                setattr(layer, name, view)

    call(run)
    return results[0]


class Dense(Layer):
    """output = inputs @ weights + biases.

    `init` draws the weights: "he" N(0, 2/n_features) (He et al. 2015), "glorot" U(+-sqrt(6/(n_features
    + n_neurons))) (Glorot and Bengio 2010), "normal" 0.01 N(0, 1) as in the original mapicx. Biases
    start at 0. `weights` (n_features, n_neurons) and `biases` (1, n_neurons) are views of one block;
    assigning to them copies the values in.
    """

    block: Any = None
    dblock: Any = None

    def __init__(self, n_features: int, n_neurons: int, *, init: str = "he") -> None:
        for name, size in (("n_features", n_features), ("n_neurons", n_neurons)):
            if not isinstance(size, int | np.integer) or isinstance(size, bool) or size < 1:
                raise ValueError(f"{name} is {size!r}; give a whole number of at least 1")
        self.n_features, self.n_neurons = int(n_features), int(n_neurons)
        choose("initialisation", init, INITIALISATIONS)
        self.init = init.lower()

    def initialise(self, rng: Any, dtype: Any) -> None:
        """Draw new weights, biases 0."""
        self.block = np.zeros((self.n_features + 1, self.n_neurons), dtype)
        self.weights = INITIALISATIONS[self.init](rng, self.n_features, self.n_neurons)

    def bind(self, parameters: Array, gradients: Array, start: int) -> int:
        stop = start + (self.n_features + 1) * self.n_neurons
        self.block = parameters[start:stop].reshape(-1, self.n_neurons)
        self.dblock = gradients[start:stop].reshape(-1, self.n_neurons)
        return stop

    def _part(self, name: str, rows: slice) -> Array | None:
        block = getattr(self, name)
        return None if block is None else block[rows]

    def _assign(self, rows: slice, values: Any) -> None:
        if self.block is None:
            self.block = np.zeros((self.n_features + 1, self.n_neurons), np.asarray(values).dtype)
        self.block[rows] = values

    weights = property(
        lambda self: self._part("block", slice(None, -1)),
        lambda self, values: self._assign(slice(None, -1), values),
    )
    biases = property(
        lambda self: self._part("block", slice(-1, None)),
        lambda self, values: self._assign(slice(-1, None), values),
    )
    dweights = property(lambda self: self._part("dblock", slice(None, -1)))
    dbiases = property(lambda self: self._part("dblock", slice(-1, None)))

    def forward_calls(self, call: Call, x: Array, training: bool) -> Array:
        self.x = x
        y = new_columns(self.n_neurons, x.shape[1], x.dtype)
        call(np.dot, self.block.T, with_ones(x), y)
        return y

    def backward_calls(self, call: Call, d: Array, need_dinputs: bool) -> Array | None:
        call(np.dot, with_ones(self.x), d.T, self.dblock)
        if not need_dinputs:
            return None
        dx = np.empty(self.x.shape, d.dtype)
        call(np.dot, self.weights, d, dx)
        return dx

    views = ("x", *Layer.views)


INITIALISATIONS: dict[str, Callable[[Any, int, int], Array]] = {
    "he": lambda rng, n_in, n_out: rng.standard_normal((n_in, n_out)) * (2 / n_in) ** 0.5,
    "glorot": lambda rng, n_in, n_out: (
        rng.uniform(-1, 1, (n_in, n_out)) * (6 / (n_in + n_out)) ** 0.5
    ),
    "normal": lambda rng, n_in, n_out: rng.standard_normal((n_in, n_out)) * 0.01,
}


class Dropout(Layer):
    """In training, set each value to 0 with probability `rate` and scale the rest by 1/(1 - rate).

    Inverted dropout (Srivastava et al. 2014); outside training the values pass unchanged.
    """

    views = ("mask", *Layer.views)
    mask: Any = None

    def __init__(self, rate: float) -> None:
        if not isinstance(rate, int | float | np.floating) or not 0 <= rate < 1:
            raise ValueError(
                f"the dropout rate is {rate!r}; give a number from 0 up to, not including, 1"
            )
        self.rate = float(rate)

    def forward_calls(self, call: Call, x: Array, training: bool) -> Array:
        self.mask = None
        if not training or self.rate == 0:
            return x
        y = new_columns(*x.shape, x.dtype)
        self.mask = np.empty(x.shape, x.dtype)
        call(self.draw, self.mask)
        call(np.multiply, x, self.mask, y)
        return y

    def draw(self, mask: Array) -> None:
        """Fill `mask` with 0 or 1/(1 - rate); 16 random bits per value, so rate is met to 1/65536.

        A quarter of the raw 64-bit words that `rng.random` would use: 11 us for 64 x 300, not 29.
        """
        if self.rng is None:
            self.rng = np.random.default_rng()
        keep = max(1, round((1 - self.rate) * 65536))
        bits = self.rng.bit_generator.random_raw(-(-mask.size // 4)).view(np.uint16)[: mask.size]
        np.multiply(bits.reshape(mask.shape) < keep, mask.dtype.type(65536 / keep), mask)

    def backward_calls(self, call: Call, d: Array, _need_dinputs: bool) -> Array:
        if self.mask is None:
            return d
        dx = np.empty_like(d)
        call(np.multiply, d, self.mask, dx)
        return dx


class ReLU(Layer):
    """max(x, 0); the slope at 0 is 0."""

    def forward_calls(self, call: Call, x: Array, training: bool) -> Array:
        self.y = new_columns(*x.shape, x.dtype)
        # An array of zeros: against a scalar 0, np.maximum takes 8.5 us instead of 3.3 (64 x 300).
        call(np.maximum, x, np.zeros(x.shape, x.dtype), self.y)
        return self.y

    def backward_calls(self, call: Call, d: Array, _need_dinputs: bool) -> Array:
        positive, dx = np.empty(d.shape, bool), np.empty_like(d)
        call(np.greater, self.y, np.zeros((), d.dtype), positive)
        # Booleans to numbers first (2.6 us), then the product (1.9); d * booleans takes 5.7.
        call(np.copyto, dx, positive)
        call(np.multiply, dx, d, dx)
        return dx

    views = ("y", *Layer.views)


class LeakyReLU(Layer):
    """x for x > 0, else slope * x (Maas et al. 2013)."""

    def __init__(self, slope: float = 0.01) -> None:
        if not 0 <= slope < 1:
            raise ValueError(
                f"the slope is {slope!r}; give a number from 0 up to, not including, 1"
            )
        self.slope = float(slope)

    def forward_calls(self, call: Call, x: Array, training: bool) -> Array:
        self.y = new_columns(*x.shape, x.dtype)
        call(np.multiply, x, x.dtype.type(self.slope), self.y)
        call(np.maximum, x, self.y, self.y)
        return self.y

    def backward_calls(self, call: Call, d: Array, _need_dinputs: bool) -> Array:
        negative, dx = np.empty(d.shape, bool), np.empty_like(d)
        call(np.less_equal, self.y, np.zeros((), d.dtype), negative)
        call(np.copyto, dx, d)
        call(partial(np.multiply, where=negative), d, d.dtype.type(self.slope), dx)
        return dx

    views = ("y", *Layer.views)


class Sigmoid(Layer):
    """1 / (1 + exp(-x)), computed as (1 + tanh(x/2)) / 2, which cannot overflow."""

    def forward_calls(self, call: Call, x: Array, training: bool) -> Array:
        self.x, self.y = x, new_columns(*x.shape, x.dtype)
        half = np.array(0.5, x.dtype)
        call(np.multiply, x, half, self.y)
        call(np.tanh, self.y, self.y)
        call(np.multiply, self.y, half, self.y)
        call(np.add, self.y, half, self.y)
        return self.y

    def backward_calls(self, call: Call, d: Array, _need_dinputs: bool) -> Array:
        dx = np.empty_like(d)
        call(np.subtract, np.ones((), d.dtype), self.y, dx)  # d y (1 - y)
        call(np.multiply, dx, self.y, dx)
        call(np.multiply, dx, d, dx)
        return dx

    views = ("x", "y", *Layer.views)


class Tanh(Layer):
    """The hyperbolic tangent."""

    def forward_calls(self, call: Call, x: Array, training: bool) -> Array:
        self.y = new_columns(*x.shape, x.dtype)
        call(np.tanh, x, self.y)
        return self.y

    def backward_calls(self, call: Call, d: Array, _need_dinputs: bool) -> Array:
        dx = np.empty_like(d)
        call(np.multiply, self.y, self.y, dx)  # d (1 - y^2)
        call(np.subtract, np.ones((), d.dtype), dx, dx)
        call(np.multiply, dx, d, dx)
        return dx

    views = ("y", *Layer.views)


class Softmax(Layer):
    """exp(x) / sum(exp(x)) over the features of each sample, shifted by their maximum.

    `shifted` (x less its maximum) and `sums` (of the exponentials) also give the cross-entropy.
    """

    def forward_calls(self, call: Call, x: Array, training: bool) -> Array:
        classes, samples = x.shape
        self.y, self.shifted = new_columns(*x.shape, x.dtype), np.empty(x.shape, x.dtype)
        self.sums, row = np.empty(samples, x.dtype), np.empty(samples, x.dtype)
        call(np.maximum.reduce, x, 0, None, row)
        call(np.subtract, x, row, self.shifted)
        call(np.exp, self.shifted, self.y)
        call(np.dot, np.ones(classes, x.dtype), self.y, self.sums)  # half the price of a sum
        call(np.reciprocal, self.sums, row)
        call(np.multiply, self.y, row, self.y)
        return self.y

    def backward_calls(self, call: Call, d: Array, _need_dinputs: bool) -> Array:
        dx, row = np.empty_like(d), np.empty(d.shape[1], d.dtype)
        call(np.multiply, d, self.y, dx)  # y (d - sum(d y))
        call(np.dot, np.ones(len(d), d.dtype), dx, row)
        call(np.subtract, d, row, dx)
        call(np.multiply, dx, self.y, dx)
        return dx

    views = ("y", "shifted", "sums", *Layer.views)


ACTIVATIONS: dict[str, Callable[[], Layer] | None] = {
    "relu": ReLU,
    "leakyrelu": LeakyReLU,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "softmax": Softmax,
    "linear": None,
}


def check_sizes(layers: Sequence[Layer]) -> tuple[int | None, int | None]:
    """Check that each layer takes what the one before gives; return (features in, values out).

    None stands for "not known before there are data", after a user's layer that does not say.
    """
    first: int | None = None
    width: int | None = None
    known = False  # whether the width so far traces back to the input
    for position, layer in enumerate(layers):
        takes, gives = layer.n_features, layer.n_neurons
        if takes is not None and width is not None and takes != width:
            raise ValueError(
                f"layer {position} ({layer!r}) takes {takes} features, but the layers before it "
                f"give {width}; make the two equal"
            )
        if takes is not None and width is None and not known:
            first = takes
        known = known or takes is not None or is_own(layer)
        width = gives if gives is not None else None if is_own(layer) else takes or width
    return first, width
