"""The losses: how far the output is from the target, and the gradient of that.

Arrays are (samples, outputs); `sample_weight` (samples, 1) sums to 1: a loss is a weighted mean.
The gradient is always (output - target) * weight times a constant: cross-entropy is paired with the
activation that makes it so (Bishop 2006, section 4.3.6) and computed from its inputs x, the logits,
which keeps it finite.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from mapicx.data import Array
from mapicx.layers import Layer, Sigmoid, Softmax
from mapicx.validation import by_name, show


class Loss(ABC):
    """A mean loss and its gradient."""

    # The last layer needed; `backward` includes its derivative. Layer: any, not included.
    activation: Any = Layer
    classifies = True  # targets are classes
    independent = False  # accuracy counts each output by itself

    @abstractmethod
    def forward(self, last: Any, targets: Array, sample_weight: Array, xp: Any = np) -> Any:
        """The mean loss, (1, 1), after a forward pass of the `last` layer."""

    def backward(self, output: Array, targets: Array, sample_weight: Array, xp: Any = np) -> Any:
        """The gradient wrt the logits, or the output (`activation = Layer`)."""
        return (output - targets) * sample_weight

    __repr__ = show


class CategoricalCrossentropy(Loss):
    """-sum(t log softmax(x)) = log(sum(exp(x))) - sum(t x) for targets of sum 1, after a Softmax.

    Examples
    --------
    >>> softmax = Softmax()
    >>> p = softmax.forward(np.zeros((1, 2)))
    >>> loss = CategoricalCrossentropy().forward(softmax, np.array([[1, 0]]), np.ones((1, 1)))
    >>> bool(np.isclose(loss, np.log(2)))
    True
    """

    activation = Softmax

    def forward(self, last: Any, targets: Array, sample_weight: Array, xp: Any = np) -> Any:
        true = xp.sum(targets * last.shifted, axis=1, keepdims=True)
        losses = xp.log(last.sums) - true
        return xp.matmul(sample_weight.T, losses)  # the weighted mean


class BinaryCrossentropy(Loss):
    """-t log p - (1 - t) log(1 - p) = log(1 + exp(x)) - t x, after a Sigmoid; mean over outputs.

    Examples
    --------
    >>> BinaryCrossentropy().backward(np.array([[0.5]]), np.array([[1]]), np.ones((1, 1)))
    array([[-0.5]])
    """

    activation = Sigmoid
    independent = True

    def forward(self, last: Any, targets: Array, sample_weight: Array, xp: Any = np) -> Any:
        losses = xp.logaddexp(0, last.inputs) - targets * last.inputs
        means = xp.matmul(sample_weight.T, losses)
        return xp.sum(means, axis=1, keepdims=True) / targets.shape[1]

    def backward(self, output: Array, targets: Array, sample_weight: Array, xp: Any = np) -> Any:
        return (output - targets) * (sample_weight / targets.shape[1])


class MeanSquaredError(Loss):
    """(y - t)^2, the mean over samples and outputs.

    Examples
    --------
    >>> MeanSquaredError().backward(np.array([[0.5]]), np.array([[1]]), np.ones((1, 1)))
    array([[-1.]])
    """

    classifies = False
    independent = True

    def forward(self, last: Any, targets: Array, sample_weight: Array, xp: Any = np) -> Any:
        errors = last.output - targets
        means = xp.matmul(sample_weight.T, errors * errors)
        return xp.sum(means, axis=1, keepdims=True) / targets.shape[1]

    def backward(self, output: Array, targets: Array, sample_weight: Array, xp: Any = np) -> Any:
        return (output - targets) * (sample_weight * (2 / targets.shape[1]))


LOSSES = by_name(mse=MeanSquaredError, mean_squared_error=MeanSquaredError)
LOSSES |= {"binary_crossentropy": BinaryCrossentropy}
LOSSES |= {"categorical_crossentropy": CategoricalCrossentropy}
