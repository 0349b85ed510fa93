"""The network: layers, a loss and an optimizer, held together by one vector of parameters."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from mapicx.callbacks import History
from mapicx.layers import (
    Array,
    Dense,
    Layer,
    check_sizes,
    is_own,
    own_backward_calls,
    own_forward_calls,
)
from mapicx.losses import Loss
from mapicx.optimizers import Optimizer
from mapicx.replay import Plan, Tape
from mapicx.targets import Data, check_finite, to_inputs, to_targets, to_weights
from mapicx.training import fit

CHUNK = 1024  # rows that are predicted at once: the arrays of a wide layer then stay in the cache
PLANS = 6  # batch sizes whose arrays are kept


def count_rows(rows: Any, samples: int) -> int:
    """How many rows of `samples` a selection takes: None for all, a slice, or indices."""
    return (
        samples if rows is None else len(range(samples)[rows] if isinstance(rows, slice) else rows)
    )


def make_rng(seed: Any) -> Any:
    """The model's one source of chance; `seed` is None, a whole number or a Generator."""
    if isinstance(seed, bool) or (isinstance(seed, int | np.integer) and seed < 0):
        raise ValueError(f"seed is {seed!r}; give None or a whole number of at least 0")
    try:
        return np.random.default_rng(seed)
    except TypeError:
        raise ValueError(f"seed is {seed!r}; give None or a whole number of at least 0") from None


class NeuralNetwork:
    """Layers trained together.

    `parameters` and `gradients` are vectors of `dtype`, in the order of `get_weights`; the layers'
    arrays are views of them. Inputs are (samples, features), outputs (samples, outputs).
    `loss_activation` is the loss; cross-entropy needs its activation as the last layer. The layers
    become this network's own. Raises ValueError when layers do not fit together.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        loss_activation: Loss,
        optimizer: Optimizer,
        *,
        seed: Any = None,
        dtype: Any = "float32",
    ) -> None:
        if np.dtype(dtype) not in (np.float32, np.float64):
            raise ValueError(f"dtype is {dtype!r}; choose float32 or float64")
        self.dtype = np.dtype(dtype)
        self.layers = list(layers)
        self.loss, self.optimizer = loss_activation, optimizer
        self._check()
        self.n_features, self.n_neurons = check_sizes(self.layers)
        self.classes: Array | None = None
        self.metrics: tuple[str, ...] = ("accuracy",)
        self.history = History()
        self.rng = make_rng(seed)
        for layer in self.layers:
            if isinstance(layer, Dense) and layer.block is None:
                layer.initialise(self.rng, self.dtype)
            layer.rng = self.rng
        arrays = [values.reshape(-1) for values in self._arrays()]
        self.parameters = np.concatenate(arrays or [[]], dtype=self.dtype, casting="same_kind")
        self.optimizer.reset()
        self._bind()

    def _check(self) -> None:
        if not self.layers or not all(isinstance(layer, Layer) for layer in self.layers):
            raise ValueError(f"layers is {self.layers!r}; give a list with at least one layer")
        for kind, part in ((Loss, self.loss), (Optimizer, self.optimizer)):
            if not isinstance(part, kind):
                raise ValueError(
                    f"{part!r} is no {kind.__name__.lower()}; give an object of that kind"
                )
        if len({id(layer) for layer in self.layers}) < len(self.layers):
            raise ValueError("a layer stands twice in the network; make one for each place")
        for layer in self.layers:
            if not is_own(layer) and not hasattr(layer, "forward_calls"):
                raise ValueError(f"{type(layer).__name__} needs the methods forward and backward")
        needed = self.loss.activation
        if needed is not None and not isinstance(self.layers[-1], needed):
            raise ValueError(
                f"{self.loss!r} needs {needed.__name__} as the last layer, not {self.layers[-1]!r}"
            )

    @property
    def counts_hits(self) -> bool:
        """Whether accuracy is recorded."""
        return self.loss.classifies and "accuracy" in self.metrics

    # ---- one vector ----------------------------------------------------------------------------

    def _arrays(self) -> list[Array]:
        """Each trained array, in the order of the vector."""
        return [values for layer in self.layers for values in layer.arrays().values()]

    def _bind(self) -> None:
        """Make the layers' arrays views of the vectors; forget all plans, whose arrays they were."""
        self.gradients = np.zeros_like(self.parameters)
        start = 0
        for layer in self.layers:
            start = layer.bind(self.parameters, self.gradients, start)
        self._decays = None
        if self.optimizer.weight_decay:  # it acts on weights, not on biases
            arrays = [item for layer in self.layers for item in layer.arrays().items()]
            self._decays = np.concatenate(
                [np.full(v.size, n == "weights") for n, v in arrays] or [[]]
            )
        self._plans: dict[Any, Plan] = {}
        self._current: Plan | None = None

    def get_weights(self) -> list[Array]:
        """Copies of the parameters: weights (n_in, n_out) and biases (1, n_out) of each layer."""
        return [values.copy() for values in self._arrays()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Copy in a list as `get_weights` gives it; biases may be (n_out,). ValueError if it does not fit."""
        targets = self._arrays()
        if len(weights) != len(targets):
            raise ValueError(f"{len(weights)} arrays given; the network has {len(targets)}")
        arrays = [np.asarray(values, self.dtype) for values in weights]
        for number, (values, target) in enumerate(zip(arrays, targets, strict=True)):
            if values.shape != target.shape and (1, *values.shape) != target.shape:
                raise ValueError(
                    f"array {number} has shape {values.shape}; expected {target.shape}"
                )
            check_finite(values, f"array {number}")
        for values, target in zip(arrays, targets, strict=True):
            target[...] = values

    def __getstate__(self) -> dict[str, Any]:
        # A view does not survive pickling or copying as a view; the layers' arrays are made again.
        left_out = ("gradients", "_plans", "_current", "_decays")
        return {name: value for name, value in vars(self).items() if name not in left_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._bind()

    def __copy__(self) -> NeuralNetwork:
        return copy.deepcopy(self)  # a shallow copy would share its vector with the original

    # ---- one step --------------------------------------------------------------------------------

    def _state_forward(self, plan: Plan, call: Tape) -> None:
        """Forward: what a layer gives is what the next one takes."""
        values = plan.x
        for layer in self.layers:
            if is_own(layer):
                values = own_forward_calls(layer, call, values, plan.training)
            else:
                layer.inputs, values = values.T, layer.forward_calls(call, values, plan.training)
                layer.output = values.T
        plan.output = values

    def _state_backward(self, plan: Plan, call: Tape) -> None:
        """Backward: the gradient goes through the layers in reverse."""
        d = self.loss.gradient_calls(call, plan.output, plan.targets, plan.weights)
        for layer in reversed(self.layers[: -1 if self.loss.activation else None]):
            if is_own(layer):
                d = own_backward_calls(layer, call, d)
            else:
                d = layer.backward_calls(call, d, layer is not self.layers[0])
                layer.dinputs = None if layer is self.layers[0] else d.T

    def _state_loss(self, plan: Plan, call: Tape) -> None:
        last, weights = self.layers[-1], plan.weights
        self.loss.loss_calls(call, last, plan.output, plan.targets, weights, plan.loss)

    def _state_hits(self, plan: Plan, call: Tape) -> None:
        plan.hits = np.empty(self.loss.hit_shape(*plan.output.shape), bool)
        self.loss.hit_calls(call, plan.output, plan.targets, plan.hits)

    def _plan(self, features: int, samples: int, training: bool) -> Plan:
        """The arrays and tapes for such a batch, which become the ones that the layers show."""
        key = (features, samples, training)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= PLANS:
                del self._plans[next(iter(self._plans))]
            plan = self._plans[key] = Plan(features, samples, training, self.dtype)
        if plan is not self._current:
            built_in = [layer for layer in self.layers if not is_own(layer)]
            if self._current is not None:
                self._current.keep_views(built_in)
            plan.restore_views()
            self._current = plan
        return plan

    def update_params(self) -> None:
        """Let the optimizer take one step along `gradients`."""
        self.optimizer.step(self.parameters, self.gradients, self._decays)

    def _load(self, data: Data, rows: Any, training: bool) -> tuple[Plan, float]:
        """The plan for these rows, loaded with them, and the sum of their weights."""
        samples = count_rows(rows, len(data))
        plan = self._plan(data.X.shape[1], samples, training)
        if rows is not None or plan.loaded is not data:  # a full batch is loaded once per training
            plan.load_inputs(data.X, rows)
            plan.total = plan.load_targets(data, rows)
            plan.loaded = data if rows is None else None
        return plan, plan.total

    def _measure(self, plan: Plan, count_hits: bool) -> tuple[float, float]:
        """The mean loss and the number of right predictions of a plan that has gone forward.

        With several yes/no outputs a prediction counts by the share of them that is right.
        """
        plan.run("loss", self._state_loss)
        if not count_hits:
            return plan.loss.item(), 0.0
        plan.run("hits", self._state_hits)
        return plan.loss.item(), np.count_nonzero(plan.hits) * len(plan.weights) / plan.hits.size

    def train_step(
        self, data: Data, rows: Any = None, count_hits: bool = False
    ) -> tuple[float, float, float]:
        """One update on the chosen rows: (loss before it, right predictions, sum of weights).

        Raises FloatingPointError, with the parameters as they were, if loss or gradient is not finite.
        """
        plan, total = self._load(data, rows, True)
        if total == 0:
            return 0.0, 0.0, 0.0  # every row weighs nothing
        plan.run("forward", self._state_forward)
        loss, hits = self._measure(plan, count_hits)
        if not loss - loss == 0:
            raise FloatingPointError("the loss is not finite")
        plan.run("backward", self._state_backward)
        self.update_params()
        return loss, hits, total

    # ---- what users call ---------------------------------------------------------------------------

    def forward(self, X: Any, training: bool = False) -> Array:
        """The outputs (samples, outputs) for X (samples, features); dropout acts only in training."""
        return self._forward_rows(to_inputs(X, self.n_features, self.dtype), training)

    def backward(self, y: Any) -> None:
        """Fill `gradients` with those of the mean loss of the last `forward` against targets y."""
        plan = self._current
        if plan is None or plan.output is None:
            raise ValueError("backward needs the values of a forward pass; call forward(X) first")
        X = plan.x.T
        plan.load_targets(self.make_data(X, y)[0])
        plan.loaded = None
        plan.run("backward", self._state_backward)

    def loss_and_gradients(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The mean loss over all of X, dropout off; fills `gradients`. For optimizers from elsewhere."""
        data, self.classes = self.make_data(X, y, sample_weight=sample_weight)
        plan, _ = self._load(data, None, False)
        plan.run("forward", self._state_forward)
        loss, _ = self._measure(plan, False)
        plan.run("backward", self._state_backward)
        return loss

    def make_data(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        class_weight: Any = None,
        classes: Any = None,
    ) -> tuple[Data, Array | None]:
        """Checked arrays, and the labels of the outputs (None for class indices)."""
        X = to_inputs(X, self.n_features, self.dtype)
        if self.n_neurons is None:  # a user's layer that does not say how many values it gives
            self.n_neurons = self.forward(X[:1]).shape[1]
        known = self.classes if classes is None else classes
        targets, known = to_targets(y, len(X), self.n_neurons, self.loss, known, self.dtype)
        data = Data(X, targets)
        data.weights = to_weights(sample_weight, class_weight, data, known, self.dtype)
        return data, known

    def _forward_rows(self, X: Array, training: bool) -> Array:
        plan = self._plan(X.shape[1], len(X), training)
        plan.load_inputs(X)
        plan.run("forward", self._state_forward)
        return plan.output.T.copy()

    def predict(self, X: Any) -> Array:
        """The outputs (samples, outputs), computed in chunks of rows; dropout off."""
        X = to_inputs(X, self.n_features, self.dtype)
        if len(X) <= CHUNK:
            return self._forward_rows(X, False)
        chunks = (X[start : start + CHUNK] for start in range(0, len(X), CHUNK))
        return np.concatenate([self._forward_rows(chunk, False) for chunk in chunks])

    def evaluate_data(self, data: Data, count_hits: bool) -> list[float]:
        """The mean loss and the share of right predictions over checked data; dropout off."""
        loss_sum = hit_sum = weight_sum = 0.0
        for start in range(0, len(data), CHUNK):
            plan, weight = self._load(data, slice(start, start + CHUNK), False)
            plan.run("forward", self._state_forward)
            loss, hits = self._measure(plan, count_hits)
            loss_sum += loss * weight
            hit_sum += hits
            weight_sum += weight
        return [loss_sum / weight_sum, hit_sum / len(data)]

    def train(
        self, X: Any, y: Any, epochs: int = 1, print_every: int = 100, **options: Any
    ) -> History:
        """Train for exactly `epochs` passes; options as in `Mapicx.fit`."""
        return fit(self, self, X, y, epochs, print_every, **options)
