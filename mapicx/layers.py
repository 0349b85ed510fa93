"""The layers: what goes forward, what comes back.

A layer of your own needs only `forward` and `backward`, on arrays with one row per sample. Built-in
layers state formulas in `forward_calls` and `backward_calls`, on arrays with one column per sample;
`call` there is a Tape: read replay.py before them.
"""

import numpy as np

from mapicx.replay import Tape, new_columns
from mapicx.targets import check_count, check_number, choose


class Layer:
    """A step of the network; subclass it with `forward` and `backward` to make your own.

    forward(inputs, training=False) and backward(dvalues) take and return arrays (samples,
    features). If an object has `weights` (and `biases`) when the network is made, they are trained:
    they become views of the network's vector, and `backward` must set `dweights` (and `dbiases`),
    the gradients of the mean loss. A layer that changes the number of features says so in
    `n_features` and `n_neurons`, one that does not in `keeps_width = True`; then sizes are checked
    early. Leave `inputs` as they are; write weights in place, `weights[:] = ...`.
    """

    n_features = n_neurons = None  # None: unknown, or as many as it is given if `keeps_width`
    keeps_width = False
    # Of the last network.forward and backward, a row per sample: views, which the next one changes.
    inputs = output = dinputs = None
    # block: weights, then biases; dblock: their gradients; rng: the network's source of chance
    weights = biases = block = dblock = rng = None
    forward = backward = None

    def initialise(self):
        """Make the trained arrays, if there are none yet."""

    def arrays(self):
        """The trained arrays by name: weights, then biases, if there are any."""
        found = {"weights": self.weights, "biases": self.biases}
        return {name: np.asarray(values) for name, values in found.items() if values is not None}

    def forward_calls(self, call, x):
        """State the forward pass of x (features, samples); return the array of its result."""
        return user_calls(call, lambda: self.forward(x.T, call.training))

    def backward_calls(self, call, d, need_dinputs):
        """State the way back of d, the gradient of the result; return that of x."""

        def run():
            dinputs = self.backward(d.T)
            gradients = [np.ravel(getattr(self, "d" + name)) for name in self.arrays()]
            np.concatenate([[], *gradients], out=self.dblock)
            return dinputs

        return user_calls(call, run)

    def __repr__(self):
        plain = [f"{n}={v!r}" for n, v in vars(self).items() if isinstance(v, int | float | str)]
        return f"{type(self).__name__}({', '.join(plain)})"


def user_calls(call, function):
    """Put a user's method on the tape; return the array that its transposed result is copied to."""
    values = np.asarray(function()).T
    result = new_columns(*values.shape, call.dtype)
    np.copyto(result, values)
    call.noted.append(lambda: np.copyto(result, np.asarray(function()).T))
    return result


class TapedLayer(Layer):
    """A built-in layer: it states formulas. Those without weights or chance also run alone."""

    keeps_width = True

    def __init_subclass__(cls):
        if "forward" in vars(cls) or "backward" in vars(cls):  # a user's, in a built-in's subclass
            cls.forward_calls, cls.backward_calls = Layer.forward_calls, Layer.backward_calls
        elif "forward_calls" in vars(cls):
            cls.taped_forward, cls.taped_backward = cls.forward_calls, cls.backward_calls

    def forward(self, inputs, training=False):
        inputs = np.asarray(inputs)
        self.inputs, self.tape = inputs, Tape(np.result_type(inputs, np.float32), training)
        np.copyto(x := new_columns(*inputs.T.shape, self.tape.dtype), inputs.T)
        self.output = self.taped_forward(self.tape, x).T
        return self.output

    def backward(self, dvalues):
        d = np.array(np.transpose(dvalues), self.tape.dtype, order="C")
        self.dinputs = self.taped_backward(self.tape, d, True).T
        return self.dinputs


class Dense(TapedLayer):
    """output = inputs @ weights + biases; weights (n_features, n_neurons), biases (1, n_neurons).

    `init` draws the weights: "he" N(0, 2/n_features) (He et al. 2015); "glorot" uniform within
    +-sqrt(6 / (n_features + n_neurons)) (Glorot and Bengio 2010); "normal" 0.01 N(0, 1), as in the
    original mapicx. Biases start at 0. The network that the layer joins draws them.
    """

    keeps_width = False

    def __init__(self, n_features, n_neurons, *, init="he"):
        choose("initialisation", init, INITIALISATIONS)
        self.n_features = check_count("n_features", n_features)
        self.n_neurons, self.init = check_count("n_neurons", n_neurons), init.lower()

    def initialise(self):
        if self.weights is None:
            self.weights = INITIALISATIONS[self.init](self.rng, self.n_features, self.n_neurons)
            self.biases = np.zeros((1, self.n_neurons))

    def forward_calls(self, call, x):
        y, block = new_columns(self.n_neurons, x.shape[1], x.dtype), self.block
        call("y = Wb @ x1", Wb=block.reshape(-1, self.n_neurons).T, x1=x.base, y=y)
        # x is for the way back; in a lean pass the next layer may write its result over y.
        call.kept[self], call.kept["lent"] = x, call.lean and y
        return y

    def backward_calls(self, call, d, need_dinputs):
        x1, dWb = call.kept[self].base, self.dblock.reshape(-1, self.n_neurons)
        call("dWb = x1 @ dT", x1=x1, dT=d.T, dWb=dWb)  # of weights and biases
        return call("dx = W @ d", W=self.weights, d=d)["dx"] if need_dinputs else None


class Dropout(TapedLayer):
    """In training each value is set to 0 with probability `rate`, the rest scaled by 1/(1 - rate).

    Inverted dropout (Srivastava et al. 2014); outside training the values pass unchanged.
    """

    def __init__(self, rate):
        self.rate = check_number("rate", rate, 0, 1)

    def forward_calls(self, call, x):
        if not call.training or not self.rate:
            return x
        call.kept[self] = mask = np.empty(x.shape, x.dtype)
        call.note(self.draw, mask)
        return call("y = x * mask", x=x, mask=mask, y=new_columns(*x.shape, x.dtype))["y"]

    def draw(self, mask):
        """Fill `mask` with 0 or 1/(1 - rate); `rate` is met to within 1/65536.

        16 random bits per value, not the 64 of `rng.random`: 11 us for 64 x 300, not 29.
        """
        keep = max(1, round((1 - self.rate) * 65536))
        bits = self.rng.bit_generator.random_raw(-(-mask.size // 4)).view(np.uint16)[: mask.size]
        np.multiply(bits.reshape(mask.shape) < keep, mask.dtype.type(65536 / keep), mask)

    def backward_calls(self, call, d, need_dinputs):
        mask = call.kept.get(self)
        return d if mask is None else call("dx = d * mask", d=d, mask=mask)["dx"]


class Activation(TapedLayer):
    """y = f(x) by the formulas `forth`; dx = d * f'(x) by the formulas `back`.

    `forth` may use zeros (as x), ones (features,) and, in braces, attributes set in `__init__`;
    `back` also all that `forth` has named. A `forth` that begins with "y =" promises that nothing
    reads x after that formula, not `back` and not a loss. Swish, x sigmoid(x), must not:

        forth = "half = x * 0.5, t = tanh half, t = t * 0.5, s = t + 0.5, y = x * s"
        back = "rest = 1 - s, part = y * rest, slopes = s + part, dx = d * slopes"
    """

    forth = back = ""

    def forward_calls(self, call, x):
        constants = {"zeros": np.zeros_like(x), "ones": np.ones(len(x), x.dtype)}
        # y is written over x if x is a Dense layer's result, the pass is lean and no one else needs
        # x: so, here and on the way back, ReLU takes 0.16 ms of a step of 2-512-512-3, else 0.32.
        in_place = x is call.kept.pop("lent", None) and self.forth.startswith("y =")
        y = x if in_place else new_columns(*x.shape, x.dtype)
        call.kept[self] = call(self.forth.format(**vars(self)), x=x, y=y, **constants)
        return y

    def backward_calls(self, call, d, need_dinputs):
        place = {"dx": d} if call.lean else {}
        return call(self.back.format(**vars(self)), d=d, **place, **call.kept[self])["dx"]


class ReLU(Activation):
    """max(x, 0), with slope 0 at 0."""

    # An array of zeros: against a single 0, np.maximum takes 8.5 us instead of 3.3 (64 x 300).
    forth = "y = x max zeros"
    back = "positive = y > 0, dx = d * positive"


class LeakyReLU(Activation):
    """x where x > 0, else slope * x (Maas et al. 2013)."""

    forth = "low = x * {slope}, y = x max low"
    back = "positive = y > 0, slopes = positive max {slope}, dx = d * slopes"

    def __init__(self, slope=0.01):
        self.slope = check_number("slope", slope, 0, 1)


class Tanh(Activation):
    """The hyperbolic tangent."""

    forth = "y = tanh x"
    back = "square = y * y, slopes = 1 - square, dx = d * slopes"


class Sigmoid(Activation):
    """1 / (1 + exp(-x)), computed as (1 + tanh(x/2)) / 2, which cannot overflow."""

    forth = "half = x * 0.5, t = tanh half, t = t * 0.5, y = t + 0.5"
    back = "rest = 1 - y, slopes = y * rest, dx = d * slopes"


class Softmax(Activation):
    """exp(x) / sum(exp(x)) over the features; `shifted` and `sums` give the cross-entropy, too."""

    # A product with ones sums over 3 classes of 300 samples in 0.5 us, np.add.reduce in 1.0.
    forth = "m = top x, shifted = x - m, e = exp shifted, sums = ones @ e, r = 1 / sums, y = e * r"
    back = "dy = d * y, mean = ones @ dy, rest = d - mean, dx = y * rest"


INITIALISATIONS = {
    "he": lambda rng, n, m: rng.standard_normal((n, m)) * (2 / n) ** 0.5,
    "glorot": lambda rng, n, m: rng.uniform(-1, 1, (n, m)) * (6 / (n + m)) ** 0.5,
    "normal": lambda rng, n, m: rng.standard_normal((n, m)) * 0.01,
}
KINDS = {"dense": Dense, "dropout": Dropout}
ACTIVATIONS = {kind.__name__.lower(): kind for kind in (ReLU, LeakyReLU, Sigmoid, Tanh, Softmax)}
