"""The network: layers, a loss and an optimizer, held together by one vector of parameters."""

import copy
import functools

import numpy as np

from mapicx import targets
from mapicx.callbacks import CallbackList, History
from mapicx.layers import Layer
from mapicx.losses import Loss
from mapicx.optimizers import Optimizer
from mapicx.replay import Plan


class NeuralNetwork:
    """Layers that are trained together. They become this network's own.

    By hand: `net.forward(X, training=True)`, `net.backward(y)`, `net.update_params()`; `train`, or
    `fit`, does this and more for every batch, and goes on where it ended when it is called again.

    NeuralNetwork(layers, loss_activation, optimizer, *, seed=None, dtype="float32"): a list of
    Layer objects, a Loss, an Optimizer; `seed` (None or a whole number) decides all that is left to
    chance; `dtype` is float32 or float64. Cross-entropy wants its activation as the last layer.
    ValueError if things do not fit together.

    X is (samples, features), what comes out (samples, outputs); y holds class indices, strings,
    booleans, or one column per output. `parameters` and `gradients` are vectors of `dtype` in the
    order of `get_weights`, to be read and written; the layers' arrays are views of them.
    """

    parameters: np.ndarray = None  # type: ignore  # until the network is assembled
    classes = _plan = None  # the labels of the outputs, or None: indices; the last forward's plan

    def __init__(self, layers, loss_activation, optimizer, *, seed=None, dtype="float32"):
        self.dtype, self.rng = targets.check_dtype(dtype), targets.make_rng(seed)
        self.history = History()
        self._assemble(list(layers), loss_activation, optimizer)

    def _assemble(self, layers, loss, optimizer, metrics=("accuracy",)):
        """Put the parts together; arrays that layers already have are kept."""
        for kind, parts in ((Layer, layers), (Loss, [loss]), (Optimizer, [optimizer])):
            targets.check_parts(kind, parts)
        self.n_features, self.n_neurons = targets.check_sizes(layers, loss.activation)
        self.layers, self.loss, self.optimizer = layers, loss, optimizer
        self.names = ["loss", *(metrics if loss.classifies else ())]  # what is recorded
        for layer in layers:
            layer.rng = self.rng
            layer.initialise()
        vectors = [values.ravel() for layer in layers for values in layer.arrays().values()]
        self.parameters = np.concatenate([[], *vectors]).astype(self.dtype)
        optimizer.reset()
        self._bind()

    def _bind(self):
        """Make the layers' arrays views of the vectors; drop the plans, which held older ones."""
        # The arrays of six kinds of batch (size, training, weighted, lean) are kept.
        self._plan_for = functools.lru_cache(6)(functools.partial(Plan, self.dtype))
        self._plan = None
        self.gradients, stop = np.zeros_like(self.parameters), 0
        self._decays = np.zeros(self.parameters.size, bool)  # what weight decay acts on
        for layer in self.layers:
            first = stop
            for name, values in layer.arrays().items():
                part, stop = slice(stop, stop + values.size), stop + values.size
                setattr(layer, name, self.parameters[part].reshape(values.shape))
                setattr(layer, "d" + name, self.gradients[part].reshape(values.shape))
                self._decays[part] = name == "weights"
            layer.block, layer.dblock = self.parameters[first:stop], self.gradients[first:stop]

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name[0] != "_"}

    def __setstate__(self, state):
        vars(self).update(state)
        if self.parameters is not None:  # a copy of a view is no view: bind the layers anew
            self._bind()

    __copy__ = copy.deepcopy

    def get_weights(self):
        """Copies of the parameters: [W1 (n_in, n_out), b1 (1, n_out), ...], layer by layer.

        ValueError before compile, as for all methods that need weights.
        """
        targets.check_assembled(self)
        return [values.copy() for layer in self.layers for values in layer.arrays().values()]

    def set_weights(self, weights):
        """Copy in arrays in the order of `get_weights`; biases may be (n_out,).

        ValueError if shapes do not fit or a number is not finite.
        """
        self.parameters[:] = targets.to_vector(weights, self)

    def _state_forward(self, call):
        """Forward: what one layer gives, the next one takes."""
        call.passed = [call.x]
        for layer in self.layers:
            call.passed.append(layer.forward_calls(call, call.passed[-1]))
        call.output = call.passed[-1]

    def _state_backward(self, call):
        """Backward: the gradient takes the same way in reverse."""
        d = self.loss.gradient_calls(call)
        for layer in reversed(self.layers[: None if self.loss.activation is Layer else -1]):
            d = call.back[layer] = layer.backward_calls(call, d, layer is not self.layers[0])

    def update_params(self):
        """Let the optimizer take one step by `gradients`; FloatingPointError if it is too large."""
        self.optimizer.step(self.parameters, self.gradients, self._decays)

    def _pass(self, data, rows, training, lean=True):
        """Go forward on some rows (a slice or indices) of data; give the plan."""
        samples = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
        sizes = data.X.shape[1], self.n_neurons or 1, samples
        plan = self._plan_for(*sizes, training, data.weights is not None, lean)
        data.load(plan, rows)
        plan.run("forward", self._state_forward)
        return plan

    def _values(self, plan):
        """[loss] or [loss, accuracy] of a plan's output, weighted means over its samples."""
        values = [float(self.loss.value(plan, plan.kept.get(self.layers[-1])))]
        if len(self.names) > 1:
            if plan.right is None:  # stays while the same full batch is loaded: 3 us of 50
                plan.right = self.loss.decide(plan.targets)
            values.append(targets.share(self.loss.decide(plan.output) == plan.right, plan))
        return values

    def _run(self, data, batches, update=False):
        """The mean values of batches of data. With `update` each also trains, after its value.

        FloatingPointError, with the parameters as they were, when a number is not finite.
        """
        sums, total = [0.0, 0.0], 0.0
        for rows in batches:
            plan = self._pass(data, rows, update)
            values = self._values(plan)
            if update and not values[0] - values[0] == 0:  # false for infinity and NaN
                raise FloatingPointError("the loss is not finite")
            if update and plan.weight:
                plan.run("backward", self._state_backward)
                self.update_params()
            sums = [s + value * plan.weight for s, value in zip(sums, values, strict=False)]
            total += plan.weight
        return [s / total for s in sums]

    def forward(self, X, training=False):
        """The outputs (samples, outputs) for X (samples, features); dropout only in training."""
        data = targets.Data(targets.to_inputs(X, self))
        self._plan = plan = self._pass(data, slice(0, len(data.X)), training, lean=False)
        for layer, given, result in zip(self.layers, plan.passed, plan.passed[1:], strict=False):
            layer.inputs, layer.output = given.T, result.T
        return plan.output.T.copy()

    def backward(self, y):
        """Fill `gradients`: of the mean loss of the outputs of the last `forward` against y."""
        targets.require(self._plan, "there is nothing to go back from; call forward(X) first")
        plan = self._plan
        data, self.classes = targets.make_data(self, plan.x.T, y)
        data.load(plan, slice(0, len(data.X)))
        plan.run("backward", self._state_backward)
        for layer, d in plan.back.items():
            layer.dinputs = None if layer is self.layers[0] else d.T

    def loss_and_gradients(self, X, y, sample_weight=None):
        """The mean loss over all of X, dropout off; fills `gradients`.

        sample_weight: (samples,); the mean is sum(w loss) / sum(w), here and everywhere.
        """
        data, self.classes = targets.make_data(self, X, y, sample_weight)
        plan = self._pass(data, slice(0, len(data.X)), False)
        plan.run("backward", self._state_backward)
        return self._values(plan)[0]

    def predict(self, X):
        """The outputs (samples, outputs): probabilities, or the values of a regression."""
        data = targets.Data(targets.to_inputs(X, self))
        chunks = targets.slices(len(data.X))
        return np.concatenate([self._pass(data, rows, False).output.T.copy() for rows in chunks])

    def evaluate(self, X, y, sample_weight=None):
        """{"loss": ..., "accuracy": ...} with dropout off; the accuracy if compile asked for it."""
        data, _ = targets.make_data(self, X, y, sample_weight)
        values = self._run(data, targets.slices(len(data.X)))
        return dict(zip(self.names, values, strict=True))

    @np.errstate(all="ignore")  # what is not finite raises; once per training, it takes 1 us
    def fit(self, X, y, epochs=1, print_every=100, *, batch_size=None, shuffle=True,
            validation_data=None, validation_split=0.0, sample_weight=None, class_weight=None,
            callbacks=(), verbose=True):  # fmt: skip
        """Train for exactly `epochs` passes; print a line every `print_every`.

        batch_size: samples per update; None: all; the last batch of an epoch may be shorter.
        shuffle: take the samples in a new order in each epoch. validation_data: a pair (X, y).
        validation_split: the share of the samples to validate on, drawn at random, alike from each
        class. sample_weight: (samples,). class_weight: a dict from labels to weights. callbacks:
        see mapicx.callbacks. verbose: False prints nothing. Returns the History. Raises
        FloatingPointError on divergence; the last finite weights stay.
        """
        watchers = CallbackList(self, epochs, verbose and print_every, callbacks)
        data, classes = targets.make_data(self, X, y, sample_weight, class_weight)
        data, held_out = targets.hold_out(self, data, classes, validation_data, validation_split)
        n = len(data.X)
        batches = targets.slices(n, n if batch_size is None else batch_size)
        chunks = targets.slices(len(held_out.X)) if held_out else []
        names = [*self.names, *("val_" + name for name in self.names if held_out)]
        watchers.begin(names)
        self.classes = classes
        for epoch in range(epochs):
            order = self.rng.permutation(n) if shuffle and len(batches) > 1 else None
            rows = batches if order is None else (order[batch] for batch in batches)
            try:
                values = self._run(data, rows, True)
            except FloatingPointError as error:
                where = f"epoch {epoch + 1}, learning rate {self.optimizer.current_lr:g}"
                raise FloatingPointError(f"training diverged in {where}: {error}") from None
            values += self._run(held_out, chunks) if chunks else []
            if watchers.epoch_end(epoch, dict(zip(names, values, strict=True))):
                break
        watchers.tell("on_train_end")
        return self.history

    train = fit  # the name in the original

    @np.errstate(all="ignore")
    def train_on_batch(self, X, y, classes=None):
        """One update on all of X; the loss before it. `classes` names labels that y may lack.

        FloatingPointError, with the weights as they were, if a number is not finite.
        """
        data, known = targets.make_data(self, X, y, classes=classes)
        values = self._run(data, [slice(0, len(data.X))], True)
        self.classes = known
        return values[0]
