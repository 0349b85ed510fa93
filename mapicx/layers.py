"""The layers: what goes forward, what comes back.

Built-in layers state their NumPy calls in `forward_calls` and `backward_calls`, on arrays with one
column per sample; `call(np.tanh, x, y)` stands for `np.tanh(x, out=y)`. A layer of your own needs
only `forward` and `backward`, on arrays with one row per sample.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mapicx.replay import Tape, new_columns, with_ones
from mapicx.targets import check_count, check_number, choose

NOTHING: Any = None  # an attribute that may become anything


class Layer:
    """A step of the network; subclass it with `forward` and `backward` to make your own.

    Both take and return arrays (samples, features). If an object has `weights` (and `biases`) when
    the network is made, they are trained: they become views of the network's vector, and `backward`
    must set `dweights` (and `dbiases`), the gradients of the mean loss. A layer that changes the
    number of features may say so in `n_features` and `n_neurons`; then sizes are checked early.
    """

    n_features = n_neurons = inputs = output = dinputs = weights = biases = rng = NOTHING
    views: tuple[str, ...] = ()  # attributes that hold other arrays for another batch size

    def forward_calls(self, call: Callable, x: Any, training: bool) -> Any:
        """State the forward pass of x (features, samples); return the array of its result."""
        return own_calls(call, lambda: self.forward(x.T, training), x.dtype)

    def backward_calls(self, call: Callable, d: Any, need_dinputs: bool) -> Any:
        """State the way back of d, the gradient of the result; return that of x."""
        views = {"d" + name: getattr(self, "d" + name) for name in self.arrays()}

        def run() -> Any:
            dinputs = self.backward(d.T)
            for name, view in views.items():  # whatever array the layer has set
                np.copyto(view, getattr(self, name))
                setattr(self, name, view)
            return dinputs

        return own_calls(call, run, d.dtype)

    forward: Callable[..., Any] = NOTHING  # (inputs, training=False): values (samples, n_neurons)
    backward: Callable[..., Any] = NOTHING  # (dvalues): the gradient with respect to the inputs

    def arrays(self) -> dict[str, Any]:
        """The trained arrays by name: weights, then biases, if there are any."""
        found = (("weights", self.weights), ("biases", self.biases))
        return {name: np.asarray(values) for name, values in found if values is not None}

    def bind(self, parameters: Any, gradients: Any, start: int) -> int:
        """Become views of the network's vectors from `start`; return where the next one starts."""
        for name, values in self.arrays().items():
            part = slice(start, start + values.size)
            setattr(self, name, parameters[part].reshape(values.shape))
            setattr(self, "d" + name, gradients[part].reshape(values.shape))
            start = part.stop
        return start

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in self.views}

    def __repr__(self) -> str:
        plain = [f"{n}={v!r}" for n, v in vars(self).items() if isinstance(v, int | float | str)]
        return f"{type(self).__name__}({', '.join(plain)})"


def own_calls(call: Callable, function: Callable, dtype: Any) -> Any:
    """Put a user's method on the tape; return the array that its transposed result is copied to."""
    result: list[Any] = []

    def run() -> None:
        values = np.asarray(function()).T
        if not result:
            result.append(new_columns(*values.shape, dtype))
        np.copyto(result[0], values)

    call(run)
    return result[0]


class TapedLayer(Layer):
    """A built-in layer: it states calls; outside a network they run at once."""

    views = ("inputs", "output", "dinputs", "x", "y", "mask", "shifted", "sums")

    def forward(self, inputs: Any, training: bool = False) -> Any:
        inputs = np.asarray(inputs)
        x = new_columns(*inputs.T.shape, np.result_type(inputs, np.float32))
        np.copyto(x, inputs.T)
        self.inputs, self.output = x.T, self.forward_calls(Tape(), x, training).T
        return self.output

    def backward(self, dvalues: Any) -> Any:
        d = np.array(dvalues.T, self.inputs.dtype, order="C")
        self.dinputs = self.backward_calls(Tape(), d, True).T
        return self.dinputs


def is_own(layer: Layer) -> bool:
    """Whether a user wrote the layer's forward or backward, perhaps in a built-in's subclass."""
    kind = type(layer)
    return kind.forward is not TapedLayer.forward or kind.backward is not TapedLayer.backward


class Dense(TapedLayer):
    """output = inputs @ weights + biases; weights (n_features, n_neurons), biases (1, n_neurons).

    `init` draws the weights: "he" N(0, 2/n_features) (He et al. 2015); "glorot" uniform within
    +-sqrt(6 / (n_features + n_neurons)) (Glorot and Bengio 2010); "normal" 0.01 N(0, 1), as in the
    original mapicx. Biases start at 0. The network that the layer joins draws them.
    """

    block = NOTHING  # weights with the biases as last row, as they lie in the network's vector

    def __init__(self, n_features: int, n_neurons: int, *, init: str = "he") -> None:
        choose("initialisation", init, INITIALISATIONS)
        self.n_features = check_count("n_features", n_features)
        self.n_neurons, self.init = check_count("n_neurons", n_neurons), init.lower()

    def initialise(self, rng: Any) -> None:
        """Draw the weights."""
        self.weights = INITIALISATIONS[self.init](rng, self.n_features, self.n_neurons)
        self.biases = np.zeros((1, self.n_neurons))

    def bind(self, parameters: Any, gradients: Any, start: int) -> int:
        stop = super().bind(parameters, gradients, start)
        self.block = parameters[start:stop].reshape(-1, self.n_neurons)
        self.dblock = gradients[start:stop].reshape(-1, self.n_neurons)
        return stop

    def forward_calls(self, call: Callable, x: Any, training: bool) -> Any:
        self.x, y = x, new_columns(self.n_neurons, x.shape[1], x.dtype)
        call(np.dot, self.block.T, with_ones(x), y)
        return y

    def backward_calls(self, call: Callable, d: Any, need_dinputs: bool) -> Any:
        call(np.dot, with_ones(self.x), d.T, self.dblock)
        dx = np.empty(self.x.shape, d.dtype) if need_dinputs else None
        if need_dinputs:
            call(np.dot, self.weights, d, dx)
        return dx


class Dropout(TapedLayer):
    """In training each value is set to 0 with probability `rate`, the rest scaled by 1/(1 - rate).

    Inverted dropout (Srivastava et al. 2014); outside training the values pass unchanged.
    """

    def __init__(self, rate: float) -> None:
        self.rate = check_number("rate", rate, 0, 1)

    def forward_calls(self, call: Callable, x: Any, training: bool) -> Any:
        self.mask = None
        if not training or not self.rate:
            return x
        self.mask, y = np.empty(x.shape, x.dtype), new_columns(*x.shape, x.dtype)
        call(self.draw, self.mask)
        call(np.multiply, x, self.mask, y)
        return y

    def draw(self, mask: Any) -> None:
        """Fill `mask` with 0 or 1/(1 - rate); `rate` is met to within 1/65536.

        16 random bits per value, not the 64 of `rng.random`: 11 us for 64 x 300, not 29.
        """
        keep = max(1, round((1 - self.rate) * 65536))
        bits = self.rng.bit_generator.random_raw(-(-mask.size // 4)).view(np.uint16)[: mask.size]
        np.multiply(bits.reshape(mask.shape) < keep, mask.dtype.type(65536 / keep), mask)

    def backward_calls(self, call: Callable, d: Any, need_dinputs: bool) -> Any:
        dx = d if self.mask is None else np.empty_like(d)
        if self.mask is not None:
            call(np.multiply, d, self.mask, dx)
        return dx


class Activation(TapedLayer):
    """y = f(x); subclasses state f in `function_calls` and dx = d * f'(x) in `slope_calls`."""

    def forward_calls(self, call: Callable, x: Any, training: bool) -> Any:
        self.x, self.y = x, new_columns(*x.shape, x.dtype)
        self.function_calls(call, x, self.y)
        return self.y

    def backward_calls(self, call: Callable, d: Any, need_dinputs: bool) -> Any:
        dx = np.empty_like(d)
        self.slope_calls(call, d, self.y, dx)
        return dx

    function_calls: Callable
    slope_calls: Callable


class LeakyReLU(Activation):
    """x where x > 0, else slope * x (Maas et al. 2013)."""

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = check_number("slope", slope, 0, 1)

    def function_calls(self, call: Callable, x: Any, y: Any) -> None:
        call(np.multiply, x, np.array(self.slope, x.dtype), y)
        call(np.maximum, x, y, out=y)

    def slope_calls(self, call: Callable, d: Any, y: Any, dx: Any) -> None:
        ReLU.slope_calls(self, call, np.full_like(d, 1 - self.slope), y, dx)
        call(np.add, dx, np.array(self.slope, d.dtype), dx)
        call(np.multiply, d, dx, dx)


class ReLU(Activation):
    """max(x, 0), with slope 0 at 0."""

    def function_calls(self, call: Callable, x: Any, y: Any) -> None:
        # An array of zeros: against a single 0, np.maximum takes 8.5 us instead of 3.3 (64 x 300).
        call(np.maximum, x, np.zeros_like(x), out=y)

    def slope_calls(self, call: Callable, d: Any, y: Any, dx: Any) -> None:
        positive = np.empty(d.shape, bool)
        call(np.greater, y, np.zeros((), d.dtype), positive)
        # Booleans to numbers (2.6 us), then the product (1.9); d * booleans would take 5.7.
        call(np.copyto, dx, positive)
        call(np.multiply, d, dx, dx)


class Tanh(Activation):
    """The hyperbolic tangent."""

    def function_calls(self, call: Callable, x: Any, y: Any) -> None:
        call(np.tanh, x, y)

    def slope_calls(self, call: Callable, d: Any, y: Any, dx: Any) -> None:
        call(np.multiply, y, y, dx)
        call(np.subtract, np.ones((), d.dtype), dx, dx)
        call(np.multiply, d, dx, dx)


class Sigmoid(Activation):
    """1 / (1 + exp(-x)), computed as (1 + tanh(x/2)) / 2, which cannot overflow."""

    def function_calls(self, call: Callable, x: Any, y: Any) -> None:
        half = np.array(0.5, x.dtype)
        call(np.multiply, x, half, y)
        call(np.tanh, y, y)
        call(np.multiply, y, half, y)
        call(np.add, y, half, y)

    def slope_calls(self, call: Callable, d: Any, y: Any, dx: Any) -> None:
        call(np.subtract, np.ones((), d.dtype), y, dx)
        call(np.multiply, y, dx, dx)
        call(np.multiply, d, dx, dx)


class Softmax(Activation):
    """exp(x) / sum(exp(x)) over the features of each sample.

    `shifted` (x less its maximum) and `sums` (of its exponentials) also give the cross-entropy.
    """

    def function_calls(self, call: Callable, x: Any, y: Any) -> None:
        self.shifted, self.sums, row = np.empty_like(x), np.empty_like(x[0]), np.empty_like(x[0])
        call(np.maximum.reduce, x, 0, None, row)
        call(np.subtract, x, row, self.shifted)
        call(np.exp, self.shifted, y)
        call(np.dot, np.ones(len(x), x.dtype), y, self.sums)  # half the price of a sum
        call(np.reciprocal, self.sums, row)
        call(np.multiply, y, row, y)

    def slope_calls(self, call: Callable, d: Any, y: Any, dx: Any) -> None:
        row = np.empty_like(d[0])
        call(np.multiply, d, y, dx)  # y (d - sum(d y))
        call(np.dot, np.ones(len(d), d.dtype), dx, row)
        call(np.subtract, d, row, dx)
        call(np.multiply, y, dx, dx)


INITIALISATIONS: dict[str, Callable] = {
    "he": lambda rng, n, m: rng.standard_normal((n, m)) * (2 / n) ** 0.5,
    "glorot": lambda rng, n, m: rng.uniform(-1, 1, (n, m)) * (6 / (n + m)) ** 0.5,
    "normal": lambda rng, n, m: rng.standard_normal((n, m)) * 0.01,
}
KINDS = {"dense": Dense, "dropout": Dropout}
ACTIVATIONS = {kind.__name__.lower(): kind for kind in (ReLU, LeakyReLU, Sigmoid, Tanh, Softmax)}
