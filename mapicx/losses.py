"""The losses: how far the output is from the target, and the gradient of that.

Arrays are (outputs, samples); `weights` (samples,) sum to 1, so that each loss is the weighted mean
over samples, sum(w l) / sum(w). In all three the gradient enters the network as (output - target) *
weight times a constant: cross-entropy is paired with the activation that makes it so (Bishop 2006,
section 4.3.6) and computed from its input x, the logits, so that it is finite for all finite x.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mapicx.layers import Layer, Sigmoid, Softmax


class Loss:
    """What the losses share."""

    activation: type[Layer] = Layer  # what the last layer must be; a Softmax or Sigmoid is fused
    classifies = True
    independent = False  # whether each output is a yes or no of its own
    factor = 1.0
    value: Callable[..., Any]  # the loss, given the last layer, its output, targets and weights

    def gradient_calls(self, call: Callable, output: Any, targets: Any, weights: Any) -> Any:
        """State the gradient with respect to the output, or to the input of `activation`."""
        d, factor = np.empty_like(targets), self.factor / (len(targets) if self.independent else 1)
        call(np.subtract, output, targets, d)
        call(np.multiply, d, weights, d)
        if factor != 1:
            call(np.multiply, d, np.array(factor, d.dtype), d)
        return d

    def decide(self, outputs: Any) -> Any:
        """The class index of each sample, or yes or no for each of several outputs."""
        return outputs > 0.5 if self.independent else outputs.argmax(0)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class CategoricalCrossentropy(Loss):
    """-sum(t log softmax(x)) = log(sum(exp(x))) - sum(t x), after a Softmax layer."""

    activation = Softmax

    def value(self, last: Any, output: Any, targets: Any, weights: Any) -> Any:
        return np.log(last.sums).dot(weights) - np.vdot(targets * weights, last.shifted)


class BinaryCrossentropy(Loss):
    """-t log p - (1 - t) log(1 - p) = log(1 + exp(x)) - t x, after a Sigmoid; mean over outputs."""

    activation = Sigmoid
    independent = True

    def value(self, last: Any, output: Any, targets: Any, weights: Any) -> Any:
        return (np.logaddexp(0, last.x) - targets * last.x).dot(weights).mean()


class MeanSquaredError(Loss):
    """(y - t)^2, the mean over samples and outputs."""

    classifies = False
    independent = True
    factor = 2.0

    def value(self, last: Any, output: Any, targets: Any, weights: Any) -> Any:
        return np.square(output - targets).dot(weights).mean()


LOSSES: dict[str, type[Loss]] = {
    "categorical_crossentropy": CategoricalCrossentropy,
    "binary_crossentropy": BinaryCrossentropy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
}
