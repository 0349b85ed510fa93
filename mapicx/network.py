"""The network: layers, a loss and an optimizer, held together by one vector of parameters."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from mapicx import callbacks
from mapicx import data as d
from mapicx.data import Array, Batch, plain
from mapicx.layers import Layer
from mapicx.losses import Loss
from mapicx.optimizers import Optimizer
from mapicx.recorder import Recorder
from mapicx.validation import check_dtype, check_metrics, check_network, make_rng, require


class NeuralNetwork:
    """Layers that are trained together, and become this network's own; ValueError if unfit.

    By hand: `net.forward(X, training=True)`, `net.backward(y)`, `net.update_params()`; `train` does
    this once an epoch.

    Parameters
    ----------
    layers : list of Layer
    loss_activation : Loss
        Cross-entropy wants its activation as the last layer.
    optimizer : Optimizer
    seed, dtype, eager, metrics : see Mapicx

    Attributes
    ----------
    parameters, gradients : ndarray (n,)
        In the order of `get_weights`; the layers' arrays are views of them.

    Examples
    --------
    >>> from mapicx import SGD, CategoricalCrossentropy, Dense, NeuralNetwork, ReLU, Softmax
    >>> from mapicx.datasets import spiral_data
    >>> X, y = spiral_data(100, 3, seed=0)
    >>> layers = [Dense(2, 16), ReLU(), Dense(16, 3), Softmax()]
    >>> net = NeuralNetwork(layers, CategoricalCrossentropy(), SGD(0.1), seed=0)
    >>> net.parameters.size
    99
    """

    parameters, gradients = d.Vector(), d.Vector()
    classes: Array | None = None  # the labels of the outputs, or None: indices

    def __init__(self, layers: list[Layer], loss_activation: Loss, optimizer: Optimizer, *,
                 seed: Any = None, dtype: Any = "float32", eager: bool = False,
                 metrics: Any = ("accuracy",)) -> None:  # fmt: skip
        self.dtype, self.rng, self.eager = check_dtype(dtype), make_rng(seed), eager
        self.layers, self.loss, self.optimizer = list(layers), loss_activation, optimizer
        parts: Any = {Layer: self.layers, Loss: [self.loss], Optimizer: [optimizer]}
        self.n_features, self.n_neurons = check_network(parts)
        metrics = check_metrics(metrics)
        self.names = ["loss", *(metrics if self.loss.classifies else ())]  # what is recorded
        self.history = callbacks.History()
        for layer in self.layers:
            layer.rng = self.rng
            layer.initialise(self.rng)
        vectors = [array.ravel() for layer in self.layers for array in layer.parameters().values()]
        self._parameters: Array = np.concatenate([[], *vectors]).astype(self.dtype)
        d.attach(optimizer, self)
        self._bind()

    def _bind(self) -> None:
        """Make the layers' arrays views of the vectors; forget what was recorded."""
        self._gradients: Array = np.zeros_like(self._parameters)
        self._views, self._decays = d.bind_arrays(self.layers, self._parameters, self._gradients)
        self._batches, self._last = d.Batches(self, Recorder), cast(Any, None)

    def __getstate__(self) -> dict[str, Any]:
        kept = {name: value for name, value in vars(self).items() if name[0] != "_"}
        return {**kept, "_parameters": self._parameters}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._bind()  # a copy of a view is no view

    __copy__ = d.copy_deep

    def get_weights(self) -> list[Array]:
        """Copies of the parameters, [W1 (n_in, n_out), b1 (1, n_out), ...].

        Examples
        --------
        >>> [array.shape for array in net.get_weights()]
        [(2, 16), (1, 16), (16, 3), (1, 3)]
        """
        return [array.copy() for layer in self.layers for array in layer.parameters().values()]

    def set_weights(self, weights: Any) -> None:
        """Copy in arrays in the order of `get_weights`; biases may be (n_out,).

        ValueError if shapes do not fit or a number is not finite.

        Examples
        --------
        >>> net.set_weights(net.get_weights())
        """
        self.parameters = d.to_vector(weights, self.get_weights(), self.dtype)

    def _forward(self, batch: Batch) -> None:
        """Forward: what one layer gives, the next one takes."""
        values = batch.recorder.track(batch.inputs)
        for layer in batch.layers:
            batch.passed.append(values)
            method = batch.forward_of(layer)
            values = batch.recorder.apply(layer, method, values, batch.training)
        batch.finish(values)

    def _forward_and_loss(self, batch: Batch) -> None:
        """Forward, and the mean loss from what the last layer left."""
        self._forward(batch)
        targets, weights = map(batch.recorder.track, (batch.targets, batch.weights))
        batch.loss = plain(self.loss.forward(batch.last, targets, weights, batch.recorder))

    def _backward(self, batch: Batch) -> None:
        """Backward: the gradient takes the same way in reverse."""
        xp = batch.recorder
        output, targets, weights = map(xp.track, (batch.output, batch.targets, batch.weights))
        dvalues = self.loss.backward(output, targets, weights, xp)
        # The gradient of a cross-entropy is already that by the logits: its activation is left out.
        stop = None if self.loss.activation is Layer else -1
        for layer, views in reversed([*zip(batch.layers, self._views, strict=True)][:stop]):
            dvalues = xp.apply(layer, layer.backward, dvalues)
            batch.returned.append(dvalues)
            d.store_gradients(layer, views, xp)  # of layers that did not write them in place
        # Nobody reads the gradient by X: a tenth of a step of 784-2048-2048-10.
        d.drop_product(xp.calls, dvalues)

    def forward(self, X: Any, training: bool = False) -> Array:
        """The outputs (samples, outputs) for X (samples, features); dropout only in training.

        The layers' `inputs` and `output` show the arrays of this pass until the next one.

        Examples
        --------
        >>> net.forward(X).shape
        (300, 3)
        """
        data = d.Data(d.to_inputs(X, self))
        if self._last is not None:
            self._batches.give(self._last)
        purpose = "by hand, training" if training else "by hand"
        self._last = batch = self._batches.take(purpose, data, slice(0, len(data.X)))
        batch.run("forward", self._forward)
        passed = [*batch.passed, batch.output]
        for layer, inputs, output in zip(self.layers, passed[:-1], passed[1:], strict=True):
            layer.inputs, layer.output = plain(inputs), plain(output)
        return np.array(batch.output, order="C")

    def backward(self, y: Any) -> None:
        """Fill `gradients`: of the mean loss of the outputs of the last `forward` against y.

        Examples
        --------
        >>> outputs = net.forward(X, training=True)
        >>> net.backward(y)
        """
        batch = self._last
        require(batch, "there is nothing to go back from; call forward(X) first")
        data, self.classes = d.make_data(self, batch.inputs, y)
        data.load(batch, slice(0, len(data.X)))
        batch.run("backward", self._backward)
        for layer, dinputs in zip(self.layers, batch.returned[::-1], strict=False):
            layer.dinputs = plain(dinputs) if dinputs is not batch.returned[-1] else cast(Any, None)

    def update_params(self) -> None:
        """Let the optimizer take one step by `gradients`; FloatingPointError if it is too large.

        Examples
        --------
        >>> loss = net.loss_and_gradients(X, y)
        >>> net.update_params()
        """
        d.refresh_options(self.optimizer)
        self.optimizer.step(self._parameters, self._gradients, self._decays, self.eager)

    def loss_and_gradients(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The mean loss over all of X, dropout off; fills `gradients`.

        sample_weight: (samples,); the mean is sum(w loss) / sum(w), here and everywhere.

        Examples
        --------
        >>> loss = net.loss_and_gradients(X, y)
        """
        data, self.classes = d.make_data(self, X, y, sample_weight)
        batch = self._batches.take("gradients", data, slice(0, len(data.X)))
        batch.run("forward", self._forward_and_loss)
        batch.run("backward", self._backward)
        self._batches.give(batch)
        return float(batch.loss.item())

    predict, evaluate, train = callbacks.predict, callbacks.evaluate, callbacks.train
