"""What makes the engine fast, all in one place: formulas that are stated once and replayed.

A network makes the same NumPy calls in every step, on arrays of the same shapes. So layers and
optimizers state them once, as text, and a `Tape` runs them ever after:

    call = Tape(np.dtype("float32"))
    def state(call):
        call("s = g * lr, w = w - s", g=g, lr=lr, w=w)
    call.run("step", state)   # states them: s is made, w changes
    call.run("step", state)   # replays np.multiply(g, lr, s), np.subtract(w, s, w)

A formula is `result = a function b`, or `result = function a`, with spaces between: one NumPy call,
whose result goes to the array of that name. Several are separated by ", " and run in order. A name
stands for an array that is passed by that name; a result without an array is given one, the only
time that memory is taken; all else is a number. Functions are + - * / > (compare), @ (matrix
product), max (of two arrays), top (maximum over the features) and any function of one array in
NumPy: exp, tanh, sqrt. The replay does what the text says to whatever the arrays hold by then: new
data are copied in, and the optimizer writes its scalars, arrays of shape (), before each replay.

Inside the engine a batch has one *column* per sample: (features, samples). The maximum over 3
classes of 300 samples takes 1 us this way, 31 us with a row per sample. Users see it transposed.

Prices in comments, here and elsewhere in the package, were measured in float32 on one thread of an
AMD Zen 5 with NumPy 2. Other machines have other figures.
"""

from functools import partial

import numpy as np

FUNCTIONS: dict = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, ">": np.greater}
FUNCTIONS |= {"@": np.dot, "max": lambda a, b, out=None: np.maximum(a, b, out=out)}
FUNCTIONS["top"] = lambda a, out=None: np.maximum.reduce(a, 0, None, out)  # over the features


class Tape:
    """Calls that are run and noted once, then replayed on what their arrays hold by then.

    `dtype` is that of numbers in formulas, `training` tells layers what the calls are for; in
    `kept` a layer's forward pass leaves what its way back needs, in `back` stand the gradients that
    layers gave. `lean`: a result may take the place of an array that nothing reads any more.
    """

    def __init__(self, dtype, training=False, lean=False):
        self.dtype, self.training, self.lean = dtype, training, lean
        self.kept, self.back, self.calls, self.noted = {}, {}, {}, []

    def __call__(self, formulas, **arrays):
        """State formulas, "s = g * lr, w = w - s", of `arrays` by name; returns all their arrays.

        Numbers become arrays of shape (): a call with one takes 0.3 us, with a Python float 0.6.
        """
        for formula in formulas.split(", "):
            result, _, *terms = formula.split()
            name = terms.pop(-2)
            function = FUNCTIONS.get(name) or getattr(np, name)
            given = [arrays[t] if t in arrays else np.array(float(t), self.dtype) for t in terms]
            arrays[result] = function(*given, arrays.get(result))  # None: an array is made
            self.noted.append(partial(function, *given, arrays[result]))
        return arrays

    def note(self, function, *arguments):
        """Run a call, now and in every replay."""
        self.noted.append(partial(function, *arguments))
        self.noted[-1]()

    def run(self, name, state):
        """Replay the calls of that name; the first time, have them stated."""
        if name in self.calls:
            for call in self.calls[name]:
                call()
        else:
            self.noted = []
            state(self)
            self.calls[name] = self.noted


def new_columns(features, samples, dtype):
    """An array (features, samples) for a batch; its `base` has a row of ones below.

    [W; b].T @ [x; 1] is W.T @ x + b in one product, and [x; 1] @ d.T both gradients: the additions
    and sums that this saves are a tenth of a step of 2-64-3, or more.
    """
    return np.ones((features + 1, samples), dtype)[:-1]


class Plan(Tape):
    """The calls for batches of one size, and the arrays that each batch is copied to.

    x (features, samples), targets (outputs, samples), weights (samples,), which sum to 1; `weight`
    is their sum before, by which the batch counts in an epoch's mean; `weighted`: they differ.
    `passed`: what each layer was given, and the output; `right`: what the targets say, decided.
    """

    output = None  # of the last layer, (outputs, samples)
    loaded = None  # the very object, rows, whose samples x, targets and weights hold

    def __init__(self, dtype, features, outputs, samples, training, weighted, lean):
        super().__init__(dtype, training, lean)
        self.weighted, self.x = weighted, new_columns(features, samples, dtype)
        self.targets = np.empty((outputs, samples), dtype)
        self.weights, self.weight = np.full(samples, 1 / samples, dtype), float(samples)
