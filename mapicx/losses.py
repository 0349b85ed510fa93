"""The losses: how far the output is from the target, and the gradient of that.

Arrays are (outputs, samples); `weights` (samples,) sum to 1, so that each loss is the weighted mean
over samples, sum(w l) / sum(w). In all three the gradient enters the network as (output - target) *
weight times a constant: cross-entropy is paired with the activation that makes it so (Bishop 2006,
section 4.3.6) and computed from its input x, the logits, so that it is finite for all finite x.
"""

import numpy as np

from mapicx.layers import Layer, Sigmoid, Softmax


class Loss:
    """What the losses share: each has a `value` and, by `gradient_calls`, its gradient.

    `call`, the same object as `plan`, is the batch's Plan in replay.py.
    """

    # What the last layer must be. Its slope is part of the gradient here, and the way back leaves
    # that layer out; Layer: it may be any, and none is left out.
    activation = Layer
    classifies = True
    independent = False  # whether each output is a question of its own, and the mean is over all
    factor = 1  # the constant of the gradient

    def value(self, plan, kept):
        """The mean loss of a plan's output; `kept` are the arrays of the last layer's formulas."""

    def gradient_calls(self, call):
        """State the gradient with respect to the output, or to the input of `activation`."""
        factor = self.factor / (len(call.targets) if self.independent else 1)
        scaling = "" if factor == 1 else f", d = d * {factor!r}"
        arrays = {"y": call.output, "t": call.targets, "w": call.weights}
        return call("d = y - t, d = d * w" + scaling, **arrays)["d"]

    def decide(self, outputs):
        """The class index of each sample, or yes or no for each of several outputs."""
        return outputs > 0.5 if self.independent else outputs.argmax(0)


class CategoricalCrossentropy(Loss):
    """-sum(t log softmax(x)) = log(sum(exp(x))) - sum(t x), after a Softmax layer."""

    activation = Softmax

    def value(self, plan, kept):
        right = np.vdot(plan.targets * plan.weights, kept["shifted"])
        return np.log(kept["sums"]).dot(plan.weights) - right


class BinaryCrossentropy(Loss):
    """-t log p - (1 - t) log(1 - p) = log(1 + exp(x)) - t x, after a Sigmoid; mean over outputs."""

    activation = Sigmoid
    independent = True

    def value(self, plan, kept):
        return (np.logaddexp(0, kept["x"]) - plan.targets * kept["x"]).dot(plan.weights).mean()


class MeanSquaredError(Loss):
    """(y - t)^2, the mean over samples and outputs."""

    classifies = False
    independent = True
    factor = 2

    def value(self, plan, kept):
        return np.square(plan.output - plan.targets).dot(plan.weights).mean()


LOSSES = {"categorical_crossentropy": CategoricalCrossentropy, "mse": MeanSquaredError}
LOSSES |= {"binary_crossentropy": BinaryCrossentropy, "mean_squared_error": MeanSquaredError}
