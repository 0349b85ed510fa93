"""The losses: how far the output is from the target, and the gradient of that.

For all three the gradient where it enters the network is (output - target) * weight, times a constant,
because cross-entropy is paired with the activation that makes it so (Bishop 2006, section 4.3.6).
`weights` (samples,) sum to 1, so a loss is the weighted mean over samples: sum(w l) / sum(w).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mapicx.layers import Array, Call, Layer, Sigmoid, Softmax


class Loss:
    """What a loss states: its calls, and the activation that the last layer must have (or None)."""

    activation: type[Layer] | None = None
    classifies = True
    independent = False  # whether each output is a question of its own, of yes or no

    def loss_calls(
        self, call: Call, last: Any, output: Array, targets: Array, weights: Array, loss: Array
    ) -> None:
        """Leave the mean loss of output and targets (outputs, samples) in the 0-d array `loss`."""
        raise TypeError(f"{type(self).__name__} does not say how its loss is computed")

    def factor(self, outputs: int) -> float:
        """The constant in the gradient."""
        return 1.0

    def gradient_calls(self, call: Call, output: Array, targets: Array, weights: Array) -> Array:
        """State the gradient with respect to the output, or to the input of `activation`."""
        d, factor = np.empty(output.shape, output.dtype), self.factor(len(output))
        call(np.subtract, output, targets, d)
        call(np.multiply, d, weights, d)
        if factor != 1:
            call(np.multiply, d, np.array(factor, d.dtype), d)
        return d

    def hit_calls(self, call: Call, output: Array, targets: Array, hits: Array) -> None:
        """Leave in the boolean array `hits` whether each prediction is right."""
        predicted, actual = np.empty(hits.shape, bool), np.empty(hits.shape, bool)
        half = np.array(0.5, output.dtype)
        call(np.greater, output, half, predicted)
        call(np.greater, targets, half, actual)
        call(np.equal, predicted, actual, hits)

    def hit_shape(self, outputs: int, samples: int) -> tuple[int, ...]:
        """How many predictions there are to be right or wrong."""
        return outputs, samples

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def mean_calls(call: Call, values: Array, weights: Array, mean: Array) -> None:
    """Leave the mean over outputs, weighted over samples, of `values` (outputs, samples) in `mean`."""
    outputs = len(values)
    per_output = np.empty(outputs, values.dtype)
    call(np.dot, values, weights, per_output)
    call(np.dot, np.full(outputs, 1 / outputs, values.dtype), per_output, mean)


class CategoricalCrossentropy(Loss):
    """-sum(t log softmax(x)), after a Softmax layer; t holds one class per sample or soft targets.

    Computed from the logits as log(sum(exp(x))) - sum(t x): finite for all finite logits.
    """

    activation = Softmax

    def loss_calls(
        self, call: Call, last: Any, output: Array, targets: Array, weights: Array, loss: Array
    ) -> None:
        weighted, logs = np.empty(targets.shape, targets.dtype), np.empty_like(weights)
        hit = np.zeros((), loss.dtype)
        call(np.multiply, targets, weights, weighted)
        call(np.dot, weighted.reshape(-1), last.shifted.reshape(-1), hit)
        call(np.log, last.sums, logs)
        call(np.dot, logs, weights, loss)
        call(np.subtract, loss, hit, loss)

    def hit_calls(self, call: Call, output: Array, targets: Array, hits: Array) -> None:
        predicted, actual = np.empty(hits.shape, np.intp), np.empty(hits.shape, np.intp)
        call(output.argmax, 0, predicted)
        call(targets.argmax, 0, actual)
        call(np.equal, predicted, actual, hits)

    def hit_shape(self, outputs: int, samples: int) -> tuple[int, ...]:
        return (samples,)


class BinaryCrossentropy(Loss):
    """-t log p - (1 - t) log(1 - p), p = sigmoid(x), after a Sigmoid layer; the mean over outputs.

    Computed from the logits as log(1 + exp(x)) - t x: finite for all finite logits.
    """

    activation = Sigmoid
    independent = True

    def loss_calls(
        self, call: Call, last: Any, output: Array, targets: Array, weights: Array, loss: Array
    ) -> None:
        losses, product = (
            np.empty(targets.shape, targets.dtype),
            np.empty(targets.shape, targets.dtype),
        )
        call(np.logaddexp, np.zeros((), loss.dtype), last.x, losses)
        call(np.multiply, targets, last.x, product)
        call(np.subtract, losses, product, losses)
        mean_calls(call, losses, weights, loss)

    def factor(self, outputs: int) -> float:
        return 1 / outputs


class MeanSquaredError(Loss):
    """(y - t)^2, the mean over samples and outputs."""

    classifies = False

    def loss_calls(
        self, call: Call, last: Any, output: Array, targets: Array, weights: Array, loss: Array
    ) -> None:
        squares = np.empty(targets.shape, targets.dtype)
        call(np.subtract, output, targets, squares)
        call(np.square, squares, squares)
        mean_calls(call, squares, weights, loss)

    def factor(self, outputs: int) -> float:
        return 2 / outputs


LOSSES: dict[str, type[Loss]] = {
    "categorical_crossentropy": CategoricalCrossentropy,
    "binary_crossentropy": BinaryCrossentropy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
}
