"""Mapicx: the face of the package; add layers, compile, fit, predict."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from mapicx.callbacks import History
from mapicx.layers import ACTIVATIONS, Array, Dense, Dropout, Layer, check_sizes, choose
from mapicx.losses import LOSSES, Loss
from mapicx.network import NeuralNetwork, make_rng
from mapicx.optimizers import OPTIMIZERS, Optimizer
from mapicx.targets import to_classes, to_labels
from mapicx.training import fit


class Mapicx:
    """A network built layer by layer.

    `seed` (None or a whole number) decides everything that is left to chance; `dtype` is float32 or
    float64. X is (samples, features) throughout. y holds class indices, strings, booleans, or one
    column per output. Whatever is wrong raises ValueError saying so, and changes nothing.
    """

    def __init__(self, seed: Any = None, dtype: Any = "float32") -> None:
        make_rng(seed)
        self.seed, self.dtype = seed, dtype
        self.layers: list[Layer] = []
        self._network: NeuralNetwork | None = None
        self.history = History()

    def add(
        self,
        n_features: Any = None,
        n_neurons: Any = None,
        layer: str = "Dense",
        activation: Any = "Relu",
        rate: float = 0.0,
        *,
        init: str = "he",
    ) -> Mapicx:
        """Add a Dense layer and its activation, a Dropout layer of `rate`, or a layer object.

        `activation` is a name, a layer object, or None (as "linear"). Compile afterwards.
        """
        new: list[Layer] = [n_features]
        if not isinstance(n_features, Layer):
            kind = choose("layer", layer, {"dense": Dense, "dropout": Dropout})
            new = [Dropout(rate)] if kind is Dropout else [Dense(n_features, n_neurons, init=init)]
            if kind is Dense and isinstance(activation, Layer):
                new.append(activation)
            elif kind is Dense and activation is not None:
                make = choose("activation", activation, ACTIVATIONS)
                new += [] if make is None else [make()]
        check_sizes([*self.layers, *new])
        self.layers += new
        self._network = None
        return self

    def compile(
        self,
        optimizer: Any = "sgd",
        loss: Any = "categorical_crossentropy",
        metrics: Sequence[str] = ("accuracy",),
    ) -> Mapicx:
        """Make the network; weights that exist already are kept, the optimizer starts clean."""
        if isinstance(optimizer, str):
            optimizer = choose("optimizer", optimizer, OPTIMIZERS)()
        if not isinstance(loss, Loss):
            loss = choose("loss", loss, LOSSES)()
        for metric in metrics:
            choose("metric", metric, {"accuracy": None, "loss": None})
        rng = self.seed if self._network is None else self._network.rng
        network = NeuralNetwork(self.layers, loss, optimizer, seed=rng, dtype=self.dtype)
        network.metrics = tuple(metric.lower() for metric in metrics)
        if self._network is not None:
            network.classes = self._network.classes
        self._network = network
        return self

    @property
    def network(self) -> NeuralNetwork:
        """The network behind the face; ValueError before compile."""
        if self._network is None:
            raise ValueError("the model is not compiled; call compile() after the last add()")
        return self._network

    def fit(
        self, X: Any, y: Any, epochs: int = 1, print_every: int = 100, **options: Any
    ) -> History:
        """Train for `epochs` passes over X and y; return what was recorded.

        print_every: epochs between lines of progress. Keyword-only options:
        batch_size=None: samples per update, None for all; the last batch may be shorter.
        shuffle=True: a new order in each epoch. validation_data=None: a pair (X, y).
        validation_split=0.0: share of the samples drawn at random, per class, for validation.
        sample_weight=None: (samples,). class_weight=None: a dict from labels to weights.
        callbacks=(): see mapicx.callbacks. verbose=True: False prints nothing.
        Raises FloatingPointError on divergence; the model keeps its last finite weights.
        """
        return fit(self, self.network, X, y, epochs, print_every, **options)

    def train_on_batch(self, X: Any, y: Any) -> float:
        """One update on X and y; the loss before it."""
        data, self.network.classes = self.network.make_data(X, y)
        return self.network.train_step(data)[0]

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Mapicx:
        """One update on X and y; `classes` names all labels when y may lack some."""
        network = self.network
        known = None if classes is None else to_classes(classes, network.n_neurons)
        data, network.classes = network.make_data(X, y, classes=known)
        network.train_step(data)
        return self

    def predict(self, X: Any) -> Array:
        """The outputs (samples, outputs): probabilities, or values of a regression."""
        return self.network.predict(X)

    def predict_classes(self, X: Any) -> Array:
        """The most probable label per sample; for several yes/no outputs 0 or 1 for each."""
        network, outputs = self.network, self.predict(X)
        if not network.loss.classifies:
            raise ValueError("a regression has no classes; use predict()")
        if network.loss.independent and outputs.shape[1] > 1:
            return (outputs > 0.5).astype(np.intp)
        labels = to_labels(outputs.T)
        return labels if network.classes is None else network.classes[labels]

    def evaluate(self, X: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
        """{"loss": ..., "accuracy": ...} with dropout off; the accuracy as in compile's metrics."""
        data, _ = self.network.make_data(X, y, sample_weight)
        loss, accuracy = self.network.evaluate_data(data, self.network.counts_hits)
        return {"loss": loss, "accuracy": accuracy} if self.network.counts_hits else {"loss": loss}

    def score(self, X: Any, y: Any) -> float:
        """The accuracy of a classification, R^2 of a regression (1 is perfect, 0 as good as the mean)."""
        data, _ = self.network.make_data(X, y)
        loss, accuracy = self.network.evaluate_data(data, self.network.loss.classifies)
        if self.network.loss.classifies:
            return accuracy
        variance = float(data.targets.var(1).mean())
        return 1 - loss / variance if variance else float(loss == 0)

    def get_weights(self) -> list[Array]:
        """Copies [W1 (n_in, n_out), b1 (1, n_out), ...]."""
        return self.network.get_weights()

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Copy weights in, as `get_weights` gives them; biases may be (n_out,)."""
        self.network.set_weights(weights)

    def summary(self) -> str:
        """Print, and return, a table of layers and parameters."""
        sizes = [sum(part.size for part in layer.arrays().values()) for layer in self.layers]
        lines = [
            f"{layer!r:<40}{size:>12,}" for layer, size in zip(self.layers, sizes, strict=True)
        ]
        text = "\n".join(
            [f"{'layer':<40}{'parameters':>12}", *lines, f"{'total':<40}{sum(sizes):>12,}"]
        )
        print(text)
        return text

    def save(self, path: Any) -> None:
        """Write the model to a file that `mapicx.load` reads; training resumes from it bit for bit."""
        from mapicx.files import save

        save(self, path)

    def __copy__(self) -> Mapicx:
        return copy.deepcopy(self)

    def __repr__(self) -> str:
        return f"Mapicx({self.layers!r})"
