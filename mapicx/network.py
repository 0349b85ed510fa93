"""The network: layers, a loss and an optimizer, held together by one vector of parameters."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from mapicx import targets
from mapicx.callbacks import CallbackList, History
from mapicx.layers import Dense, Layer, is_own
from mapicx.losses import Loss
from mapicx.optimizers import Optimizer
from mapicx.replay import Plan, Tape

CHUNK = 1024  # rows predicted at once: the arrays of wide layers then stay in the cache
PLANS = 6  # batch sizes whose arrays are kept
DIVERGED = "training diverged in {where}: {why}; the last finite weights stay; lower the rate"


def layer_calls(layer: Layer, name: str) -> Callable:
    """What states a layer's calls: for one with a forward of its own, Layer's wrapping of it."""
    return partial(getattr(Layer, name), layer) if is_own(layer) else getattr(layer, name)


class NeuralNetwork:
    """Layers that are trained together. They become this network's own.

    Inputs are (samples, features), outputs (samples, outputs). `parameters` and `gradients` are
    vectors of `dtype` in the order of `get_weights`; the layers' arrays are views of them. Cross-
    entropy wants its activation as the last layer. ValueError if things do not fit together.
    """

    def __init__(
        self, layers, loss_activation: Loss, optimizer: Optimizer, *, seed=None, dtype="float32"
    ) -> None:
        self.layers, self.loss, self.optimizer = list(layers), loss_activation, optimizer
        self.dtype = targets.check_dtype(dtype)
        for kind, parts in ((Layer, self.layers), (Loss, [self.loss]), (Optimizer, [optimizer])):
            targets.check_parts(kind, parts)
        self.n_features, self.n_neurons = targets.check_sizes(self.layers, is_own)
        targets.check_last(self.layers[-1], self.loss)
        self.rng = targets.make_rng(seed)
        self.classes: Any = None  # the labels of the outputs; None: their indices
        self.metrics: tuple[str, ...] = ("accuracy",)
        self.history = History()
        for layer in self.layers:
            layer.rng = self.rng
            if isinstance(layer, Dense) and layer.weights is None:
                layer.initialise(self.rng)
        vectors = [values.reshape(-1) for values in self._arrays()]
        self.parameters = np.concatenate([[], *vectors]).astype(self.dtype)
        self.optimizer.reset()
        self._bind()

    def _bind(self) -> None:
        """Make the layers' arrays views of the vectors; drop the plans, which held older ones."""
        self.gradients, start = np.zeros_like(self.parameters), 0
        for layer in self.layers:
            start = layer.bind(self.parameters, self.gradients, start)
        named = [item for layer in self.layers for item in layer.arrays().items()]
        masks = [np.full(values.size, name == "weights") for name, values in named]
        self._decays = np.concatenate([np.zeros(0, bool), *masks])
        self._plans: dict[Any, Plan] = {}
        self._current: Plan | None = None

    def __getstate__(self) -> dict[str, Any]:
        # A copy of a view is no view, so the layers of a copy are bound to its vector anew.
        return {n: v for n, v in vars(self).items() if n not in ("_plans", "_current", "_decays")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._bind()

    def __copy__(self) -> NeuralNetwork:
        return copy.deepcopy(self)

    def _arrays(self) -> list[Any]:
        return [values for layer in self.layers for values in layer.arrays().values()]

    def get_weights(self) -> list[Any]:
        """Copies of the parameters: weights (n_in, n_out) and biases (1, n_out), layer by layer."""
        return [values.copy() for values in self._arrays()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Copy in arrays in the order of `get_weights`; biases may be (n_out,)."""
        for mine, given in zip(
            self._arrays(), targets.check_arrays(weights, self._arrays()), strict=True
        ):
            mine[...] = given

    def _state_forward(self, plan: Plan, call: Tape) -> None:
        """Forward: what one layer gives, the next one takes."""
        values = plan.x
        for layer in self.layers:
            given, values = values, layer_calls(layer, "forward_calls")(call, values, plan.training)
            if not is_own(layer):
                layer.inputs, layer.output = given.T, values.T
        plan.output = values

    def _state_backward(self, plan: Plan, call: Tape) -> None:
        """Backward: the gradient takes the same way in reverse."""
        d = self.loss.gradient_calls(call, plan.output, plan.targets, plan.weights)
        for layer in reversed(self.layers[: None if self.loss.activation is Layer else -1]):
            first = layer is self.layers[0]
            d = layer_calls(layer, "backward_calls")(call, d, not first)
            layer.dinputs = None if first else d.T

    def update_params(self) -> None:
        """Let the optimizer take one step by `gradients`."""
        self.optimizer.step(self.parameters, self.gradients, self._decays)

    def _plan(self, features: int, samples: int, training: bool, weighted: bool = False) -> Plan:
        """The arrays and tapes for such a batch; from now on the layers show these arrays."""
        key = (features, samples, training, weighted)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= PLANS:
                del self._plans[next(iter(self._plans))]
            plan = self._plans[key] = Plan(features, samples, training, self.dtype)
        if plan is not self._current:
            if self._current:
                self._current.views = [{n: vars(x).get(n) for n in x.views} for x in self.layers]
            for layer, arrays in zip(self.layers, plan.views, strict=False):
                vars(layer).update(arrays)
            self._current = plan
        return plan

    def _loss_of(self, data: targets.Data, rows: Any, training: bool) -> tuple[Plan, float, float]:
        """Go forward on some rows of data: the plan, the mean loss, how many are told right."""
        samples = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
        plan = self._plan(data.X.shape[1], samples, training, data.weights is not None)
        plan.load(data, rows)
        plan.run("forward", self._state_forward)
        loss = float(self.loss.value(self.layers[-1], plan.output, plan.targets, plan.weights))
        if not self.counts_hits:
            return plan, loss, 0
        hits = self.loss.decide(plan.output) == self.loss.decide(plan.targets)
        return plan, loss, int(np.count_nonzero(hits)) * samples / hits.size

    def train_step(self, data: targets.Data, rows: Any) -> tuple[float, float, float]:
        """One update on some rows: the loss before it, how many were told right, their weight.

        Raises FloatingPointError, with the parameters as they were, when a number is not finite.
        """
        plan, loss, hits = self._loss_of(data, rows, True)
        if not loss - loss == 0:
            raise FloatingPointError("the loss is not finite")
        plan.run("backward", self._state_backward)
        if plan.total:
            self.update_params()
        return loss, hits, plan.total

    def forward(self, X: Any, training: bool = False) -> Any:
        """The outputs (samples, outputs) for X (samples, features); dropout only in training."""
        X = targets.to_inputs(X, self.n_features, self.dtype)
        plan = self._plan(X.shape[1], len(X), training)
        np.copyto(plan.x, X.T)
        plan.loaded = None
        plan.run("forward", self._state_forward)
        return plan.output.T.copy()

    def backward(self, y: Any) -> None:
        """Fill `gradients`: of the mean loss of the outputs of the last `forward` against y."""
        plan = self._current
        if plan is None or plan.output is None:
            raise ValueError("there is nothing to go back from; call forward(X) first")
        data, self.classes = targets.make_data(self, plan.x.T, y)
        plan.load(data, slice(0, plan.samples))
        plan.run("backward", self._state_backward)

    def loss_and_gradients(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The mean loss over all of X, dropout off; fills `gradients`."""
        data, self.classes = targets.make_data(self, X, y, sample_weight)
        plan, loss, _ = self._loss_of(data, slice(0, len(data.X)), False)
        plan.run("backward", self._state_backward)
        return loss

    def predict(self, X: Any) -> Any:
        """The outputs (samples, outputs), by chunks of rows."""
        X = targets.to_inputs(X, self.n_features, self.dtype)
        if len(X) <= CHUNK:
            return self.forward(X)
        return np.concatenate([self.forward(X[i : i + CHUNK]) for i in range(0, len(X), CHUNK)])

    @property
    def counts_hits(self) -> bool:
        """Whether there is an accuracy to record."""
        return self.loss.classifies and "accuracy" in self.metrics

    def _means(self, parts: Iterable[tuple[float, float, float]], samples: int) -> list[float]:
        """[loss] or [loss, accuracy] of all samples from (loss, hits, weight) of the batches."""
        loss_sum = hit_sum = weight_sum = 0.0
        for loss, hits, weight in parts:
            loss_sum += loss * weight
            hit_sum += hits
            weight_sum += weight
        means = [loss_sum / weight_sum, hit_sum / samples]
        return means if self.counts_hits else means[:1]

    def evaluate_data(self, data: targets.Data) -> list[float]:
        """[loss] or [loss, accuracy] of checked data, dropout off."""
        n = len(data.X)
        chunks = [slice(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)]
        found = (self._loss_of(data, rows, False) for rows in chunks)
        return self._means(((loss, hits, plan.total) for plan, loss, hits in found), n)

    def train(self, X, y, epochs=1, print_every=100, *, batch_size=None, shuffle=True, **options):
        """Train for exactly `epochs` passes; options and result as in `Mapicx.fit`."""
        model, verbose = options.pop("model", self), options.pop("verbose", True)
        epochs = targets.check_count("epochs", epochs)
        watchers = CallbackList(options.pop("callbacks", ()), verbose and print_every, epochs)
        size = 1 << 62 if batch_size is None else targets.check_count("batch_size", batch_size)
        data, held_out, classes = targets.training_data(self, X, y, **options)
        n = len(data.X)
        batches = [slice(start, min(start + size, n)) for start in range(0, n, size)]
        names = ["loss", "accuracy"] if self.counts_hits else ["loss"]
        names += ["val_" + name for name in names] if held_out else []
        watchers.begin(model, History(names))
        self.classes = classes
        with np.errstate(all="ignore"):  # what is not finite raises
            for epoch in range(epochs):
                order = self.rng.permutation(n) if shuffle and size < n else None
                rows = batches if order is None else (order[batch] for batch in batches)
                try:
                    values = self._means((self.train_step(data, batch) for batch in rows), n)
                except FloatingPointError as error:
                    where = f"epoch {epoch + 1}, learning rate {self.optimizer.current_lr:g}"
                    raise FloatingPointError(DIVERGED.format(where=where, why=error)) from None
                values += self.evaluate_data(held_out) if held_out else []
                if watchers.epoch_end(model, epoch, dict(zip(names, values, strict=True))):
                    break
        watchers.end(model)
        return model.history
