"""The layers, as the article writes them: rows are samples, columns are features.

`xp` is NumPy where a layer is used alone. In a network it is a recorder (recorder.py): the first
step runs these lines and notes every NumPy call and operator, later steps replay the notes (with
eager=True they run the lines again).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, cast

import numpy as np

from mapicx.data import Array, each_time, linear
from mapicx.validation import by_name, check_count, check_number, choose, show


class Layer(ABC):
    """A step of the network; subclass it to make your own.

    forward(inputs, training=False) and backward(dvalues) take and return arrays (samples,
    features). `weights` (and `biases`) that exist when the network is made are trained: they become
    views of the network's vector, and `backward` must set `dweights` (and `dbiases`), the gradients
    of the mean loss. Sizes are checked early if `n_features` and `n_neurons` are set, or
    `keeps_width = True`. Leave `inputs` as they are; write weights in place, `weights[:] = ...`.

    A layer whose `forward` and `backward` also take `xp`, and no random numbers, is recorded in its
    first step, then replayed: use `xp` for NumPy, and no Python branch that depends on values.

    Attributes
    ----------
    output, dinputs : ndarray (samples, features)
        Set by the last call of `forward` and `backward` by hand (in a network not `dinputs` of the
        first layer and of the activation of a cross-entropy).
    weights, biases : ndarray (n_features, n_neurons) and (1, n_neurons), or None
    dweights, dbiases : ndarray of the same shapes, or None

    Examples
    --------
    >>> class Square(Layer):
    ...     def forward(self, inputs, training=False, xp=np):
    ...         self.inputs = inputs
    ...         return inputs * inputs
    ...     def backward(self, dvalues, xp=np):
    ...         return 2 * self.inputs * dvalues
    >>> Square().forward(np.array([[1.0, 3.0]]))
    array([[1., 9.]])
    """

    keeps_width = False
    n_features = n_neurons = cast(Any, None)  # None: unknown, or as many as come in
    inputs = output = dinputs = cast(Array, None)
    weights = biases = dweights = dbiases = cast(Any, None)
    rng: np.random.Generator | None = None  # the network's random generator

    @abstractmethod
    def forward(self, inputs: Array, training: bool = False) -> Array:
        """The outputs (samples, n_neurons) for inputs (samples, n_features)."""

    @abstractmethod
    def backward(self, dvalues: Array) -> Array:
        """The gradient of the loss wrt the inputs; `dvalues` is that wrt the last output."""

    def initialise(self, rng: np.random.Generator) -> None:  # noqa: B027
        """Draw weights and biases, if there are none yet."""

    def parameters(self) -> dict[str, Array]:
        """The trained arrays by name: weights, then biases, if there are any."""
        arrays = {"weights": self.weights, "biases": self.biases}
        return {name: np.asarray(values) for name, values in arrays.items() if values is not None}

    __repr__ = show


class Dense(Layer):
    """output = inputs @ weights + biases.

    Parameters
    ----------
    n_features, n_neurons : int
        How many values each sample has before and after the layer.
    init : {"he", "glorot", "normal"}
        How the network draws the weights: N(0, 2/n_features) (He et al. 2015); uniform within
        +-sqrt(6 / (n_features + n_neurons)) (Glorot and Bengio 2010); 0.01 N(0, 1), as in the
        article. Biases start at 0.

    Examples
    --------
    >>> layer = Dense(2, 3)
    >>> layer.initialise(np.random.default_rng(0))
    >>> layer.forward(np.zeros((5, 2))).shape
    (5, 3)
    """

    def __init__(self, n_features: int, n_neurons: int, *, init: str = "he") -> None:
        self.n_features = check_count("n_features", n_features)
        self.n_neurons = check_count("n_neurons", n_neurons)
        self.init = choose("initialisation", init, tuple(INITIALISATIONS))

    def initialise(self, rng: np.random.Generator) -> None:
        if self.weights is None:
            self.weights = INITIALISATIONS[self.init](rng, self.n_features, self.n_neurons)
            self.biases = np.zeros((1, self.n_neurons))

    def forward(self, inputs: Array, training: bool = False, xp: Any = np) -> Array:
        self.inputs = inputs
        self.output = linear(inputs, self.weights, self.biases, xp)  # inputs @ weights + biases
        return self.output

    def backward(self, dvalues: Array, xp: Any = np) -> Array:
        # out=None makes an array; later, and in a network, it is overwritten.
        self.dweights = xp.matmul(self.inputs.T, dvalues, out=self.dweights)
        self.dbiases = xp.sum(dvalues, axis=0, keepdims=True, out=self.dbiases)
        self.dinputs = xp.matmul(dvalues, self.weights.T)
        return self.dinputs


class Dropout(Layer):
    """In training each value is set to 0 with probability `rate`, the rest scaled by 1/(1 - rate).

    Inverted dropout (Srivastava et al. 2014); outside training the values pass unchanged.

    Parameters
    ----------
    rate : float
        From 0 to below 1; rounded to a multiple of 1/65536.

    Examples
    --------
    >>> Dropout(0.5).forward(np.ones((1, 2)))
    array([[1., 1.]])
    """

    keeps_width = True
    mask: Any = None

    def __init__(self, rate: float) -> None:
        self.rate = check_number("rate", rate, 0, 1)

    def forward(self, inputs: Array, training: bool = False, xp: Any = np) -> Array:
        self.output, self.mask = inputs, None
        if training and check_number("rate", self.rate, 0, 1):
            self.mask = np.empty(inputs.shape, inputs.dtype, order="F")  # column by column
            each_time(xp, self.draw, self.mask)  # drawn anew in each replay
            self.output = inputs * self.mask
        return self.output

    def backward(self, dvalues: Array, xp: Any = np) -> Array:
        self.dinputs = dvalues if self.mask is None else dvalues * self.mask
        return self.dinputs

    def draw(self, mask: Array) -> None:
        """Fill `mask` with (rng.random(mask.shape) < 1 - rate) / (1 - rate)."""
        # 4 values per 64 random bits: a third of the time of `rng.random`.
        rng = self.rng or np.random.default_rng()
        keep = max(1, round((1 - float(self.rate)) * 65536))
        bits = rng.bit_generator.random_raw((mask.size + 3) // 4).view(np.uint16)[: mask.size]
        np.multiply(bits.reshape(mask.T.shape) < keep, mask.dtype.type(65536 / keep), out=mask.T)


class Activation(Layer):
    """A function of each value or row."""

    keeps_width = True


class ReLU(Activation):
    """max(x, 0), with slope 0 at 0.

    Examples
    --------
    >>> ReLU().forward(np.array([[-1.0, 3.0]]))
    array([[0., 3.]])
    """

    def forward(self, inputs: Array, training: bool = False, xp: Any = np) -> Array:
        self.output = xp.maximum(inputs, 0)
        return self.output

    def backward(self, dvalues: Array, xp: Any = np) -> Array:
        """The gradient passes where the output is above 0."""
        self.dinputs = dvalues * (self.output > 0)
        return self.dinputs


class LeakyReLU(Activation):
    """x where x > 0, else slope * x, 0 <= slope < 1 (Maas et al. 2013).

    Examples
    --------
    >>> LeakyReLU(0.5).forward(np.array([[-1.0, 3.0]]))
    array([[-0.5,  3. ]])
    """

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = check_number("slope", slope, 0, 1)

    def forward(self, inputs: Array, training: bool = False, xp: Any = np) -> Array:
        slope = check_number("slope", self.slope, 0, 1)
        self.output = xp.maximum(inputs, inputs * slope)
        return self.output

    def backward(self, dvalues: Array, xp: Any = np) -> Array:
        self.dinputs = dvalues * xp.maximum(self.output > 0, self.slope)  # True counts as 1
        return self.dinputs


class Tanh(Activation):
    """The hyperbolic tangent.

    Examples
    --------
    >>> Tanh().forward(np.zeros((1, 2)))
    array([[0., 0.]])
    """

    def forward(self, inputs: Array, training: bool = False, xp: Any = np) -> Array:
        self.output = xp.tanh(inputs)
        return self.output

    def backward(self, dvalues: Array, xp: Any = np) -> Array:
        """tanh'(x) = 1 - tanh(x)^2."""
        self.dinputs = dvalues * (1 - self.output * self.output)
        return self.dinputs


class Sigmoid(Activation):
    """1 / (1 + exp(-x)), computed as (1 + tanh(x/2)) / 2, which cannot overflow.

    Examples
    --------
    >>> Sigmoid().forward(np.zeros((1, 2)))
    array([[0.5, 0.5]])
    """

    def forward(self, inputs: Array, training: bool = False, xp: Any = np) -> Array:
        self.inputs = inputs  # for the loss
        self.output = xp.tanh(inputs * 0.5) * 0.5 + 0.5
        return self.output

    def backward(self, dvalues: Array, xp: Any = np) -> Array:
        """y' = y (1 - y)."""
        self.dinputs = dvalues * ((1 - self.output) * self.output)
        return self.dinputs


class Softmax(Activation):
    """exp(x) / sum(exp(x)) over the features; the largest is subtracted against overflow.

    Examples
    --------
    >>> Softmax().forward(np.zeros((1, 2)))
    array([[0.5, 0.5]])
    """

    def forward(self, inputs: Array, training: bool = False, xp: Any = np) -> Array:
        # The cross-entropy reads these two: log(output) = shifted - log(sums).
        self.shifted = inputs - xp.max(inputs, axis=1, keepdims=True)
        exponentials = xp.exp(self.shifted)
        self.sums = xp.sum(exponentials, axis=1, keepdims=True)
        self.output = exponentials / self.sums
        return self.output

    def backward(self, dvalues: Array, xp: Any = np) -> Array:
        """dx_i = y_i (d_i - sum_j(d_j y_j))."""
        weighted = xp.sum(dvalues * self.output, axis=1, keepdims=True)
        self.dinputs = self.output * (dvalues - weighted)
        return self.dinputs


INITIALISATIONS: dict[str, Any] = {
    "he": lambda rng, n, m: rng.standard_normal((n, m)) * (2 / n) ** 0.5,
    "glorot": lambda rng, n, m: rng.uniform(-1, 1, (n, m)) * (6 / (n + m)) ** 0.5,
    "normal": lambda rng, n, m: rng.standard_normal((n, m)) * 0.01,
}
LAYERS = by_name(Dense, Dropout)
ACTIVATIONS = by_name(ReLU, LeakyReLU, Sigmoid, Tanh, Softmax)
