"""Mapicx, the face of the package: add layers, compile, fit, predict."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from mapicx.callbacks import History
from mapicx.layers import ACTIVATIONS, KINDS, Dense, Dropout, Layer, is_own
from mapicx.losses import LOSSES
from mapicx.network import NeuralNetwork
from mapicx.optimizers import OPTIMIZERS
from mapicx.targets import check_dtype, check_sizes, choose, make_data, make_rng, to_labels

METRICS = {"accuracy": "accuracy"}


class Mapicx:
    """A network built layer by layer.

    `seed` (None or a whole number) decides all that is left to chance; `dtype` is float32 or
    float64. X is (samples, features); y holds class indices, strings, booleans, or one column per
    output. Anything wrong raises ValueError with a sentence and changes nothing.
    """

    def __init__(self, seed: Any = None, dtype: Any = "float32") -> None:
        self.seed, self.dtype, self.rng = seed, check_dtype(dtype), make_rng(seed)
        self.layers: list[Layer] = []
        self.history = History()
        self._network: NeuralNetwork | None = None

    def add(
        self, n_features, n_neurons=0, layer="Dense", activation="Relu", rate=0.0, *, init="he"
    ) -> Mapicx:
        """Add a Dense layer with its activation, a Dropout layer of `rate`, or a layer object.

        `activation` is a name, a layer object, or None (as "linear": none). Compile afterwards.
        """
        if isinstance(n_features, Layer):
            new = [n_features]
        elif choose("layer", layer, KINDS) is Dropout:
            new = [Dropout(rate)]
        else:
            new = [Dense(n_features, n_neurons, init=init)]
            if isinstance(activation, str) and activation.lower() != "linear":
                activation = choose("activation", activation, ACTIVATIONS)()
            new += [activation] if isinstance(activation, Layer) else []
        check_sizes([*self.layers, *new], is_own)
        self.layers += new
        self._network = None
        return self

    def compile(
        self, optimizer="sgd", loss="categorical_crossentropy", metrics=("accuracy",)
    ) -> Mapicx:
        """Make the network; weights that exist are kept, the optimizer starts clean."""
        if isinstance(optimizer, str):
            optimizer = choose("optimizer", optimizer, OPTIMIZERS)()
        if isinstance(loss, str):
            loss = choose("loss", loss, LOSSES)()
        network = NeuralNetwork(self.layers, loss, optimizer, seed=self.rng, dtype=self.dtype)
        network.metrics = tuple(choose("metric", name, METRICS) for name in metrics)
        network.classes = self._network.classes if self._network else None
        self._network = network
        return self

    @property
    def network(self) -> NeuralNetwork:
        """The network behind the face; ValueError before compile."""
        if self._network is None:
            raise ValueError("the model is not compiled; call compile() after the last add()")
        return self._network

    def fit(self, X: Any, y: Any, epochs=1, print_every=100, **options: Any) -> History:
        """Train for `epochs` passes; print a line every `print_every`. Options, by name:

        batch_size=None: samples per update; None: all; the last batch of an epoch may be shorter.
        shuffle=True: take the samples in a new order in each epoch.
        validation_data=None: a pair (X, y). validation_split=0.0: the share of the samples to
        validate on, drawn at random, alike from each class.
        sample_weight=None: (samples,). class_weight=None: a dict from labels to weights.
        callbacks=(): see mapicx.callbacks. verbose=True: False prints nothing.
        Returns the History. FloatingPointError on divergence; the last finite weights stay.
        """
        return self.network.train(X, y, epochs, print_every, model=self, **options)

    def train_on_batch(self, X: Any, y: Any, classes: Any = None) -> float:
        """One update on all of X; the loss before it. `classes` names labels that y may lack."""
        net = self.network
        data, known = make_data(net, X, y, classes=classes)
        with np.errstate(all="ignore"):
            loss = net.train_step(data, slice(0, len(data.X)))[0]
        net.classes = known
        return loss

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Mapicx:
        """One update on all of X, as `train_on_batch`; returns the model."""
        self.train_on_batch(X, y, classes)
        return self

    def predict(self, X: Any) -> Any:
        """The outputs (samples, outputs): probabilities, or the values of a regression."""
        return self.network.predict(X)

    def predict_classes(self, X: Any) -> Any:
        """The label of each sample; yes or no (1 or 0) for each of several Sigmoid outputs."""
        outputs, net = self.predict(X), self.network
        if not net.loss.classifies:
            raise ValueError("a regression has no classes; use predict()")
        if net.loss.independent and net.n_neurons != 1:
            return (outputs > 0.5).astype(int)
        labels = to_labels(outputs.T)
        return labels if net.classes is None else net.classes[labels]

    def evaluate(self, X: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
        """{"loss": ..., "accuracy": ...} with dropout off; the accuracy if compile asked for it."""
        values = self.network.evaluate_data(make_data(self.network, X, y, sample_weight)[0])
        return dict(zip(("loss", "accuracy"), values, strict=False))

    def score(self, X: Any, y: Any) -> float:
        """The accuracy of a classification; R^2 of a regression (1: perfect, 0: as the mean)."""
        data, _ = make_data(self.network, X, y)
        outputs, loss = self.predict(X).T, self.network.loss
        if loss.classifies:
            return float((loss.decide(outputs) == loss.decide(data.targets)).mean())
        error, spread = np.square(outputs - data.targets).mean(), data.targets.var(1).mean()
        return float(1 - error / spread if spread else error == 0)

    def get_weights(self) -> list[Any]:
        """Copies [W1 (n_in, n_out), b1 (1, n_out), ...]."""
        return self.network.get_weights()

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Copy weights in, in the order of `get_weights`; biases may be (n_out,)."""
        self.network.set_weights(weights)

    def summary(self) -> str:
        """Print, and return, a table of the layers and their numbers of parameters."""
        counts = [sum(a.size for a in layer.arrays().values()) for layer in self.layers]
        rows = [*zip(map(repr, self.layers), counts, strict=True), ("total", sum(counts))]
        text = "\n".join(f"{name:<60}{count:>12,}" for name, count in rows)
        print(text)
        return text

    def save(self, path: Any) -> None:
        """Write a file that `mapicx.load` reads; training resumes from it bit for bit."""
        from mapicx.files import save

        save(self, path)

    def __copy__(self) -> Mapicx:
        return copy.deepcopy(self)

    def __repr__(self) -> str:
        return f"Mapicx({self.layers!r})"
