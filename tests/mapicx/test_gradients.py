"""Every gradient agrees with finite differences, in float64 along random directions."""

import numpy as np
import pytest

import mapicx as mx
from mapicx.gradcheck import check_gradients


class Swish(mx.Layer):
    """x * sigmoid(x), as a user would write it."""

    def forward(self, inputs, training=False):
        self.inputs = inputs
        self.gate = 1 / (1 + np.exp(-inputs))
        self.output = inputs * self.gate
        return self.output

    def backward(self, dvalues):
        self.dinputs = dvalues * (self.gate + self.output * (1 - self.gate))
        return self.dinputs


class Affine(mx.Layer):
    """A user's layer with parameters: inputs @ weights * 2 + biases."""

    def __init__(self, n_features, n_neurons):
        rng = np.random.default_rng(5)
        self.n_features, self.n_neurons = n_features, n_neurons
        self.weights = rng.standard_normal((n_features, n_neurons))
        self.biases = np.zeros((1, n_neurons))

    def forward(self, inputs, training=False):
        self.inputs = inputs
        return 2 * inputs @ self.weights + self.biases

    def backward(self, dvalues):
        self.dweights = 2 * self.inputs.T @ dvalues
        self.dbiases = dvalues.sum(0, keepdims=True)
        return 2 * dvalues @ self.weights.T


class DoubledDense(mx.Dense):
    """A user's subclass of a built-in layer."""

    def forward(self, inputs, training=False):
        return 2 * super().forward(inputs, training)

    def backward(self, dvalues):
        return super().backward(2 * dvalues)


MIDDLES = {
    "relu": mx.ReLU,
    "leakyrelu": mx.LeakyReLU,
    "sigmoid": mx.Sigmoid,
    "tanh": mx.Tanh,
    "softmax": mx.Softmax,
    "dropout": lambda: mx.Dropout(0.5),
    "swish": Swish,
    "affine": lambda: Affine(5, 5),
    "doubled": lambda: DoubledDense(5, 5),
}
ENDS = {
    "categorical": (mx.CategoricalCrossentropy, [mx.Softmax], 3),
    "binary": (mx.BinaryCrossentropy, [mx.Sigmoid], 1),
    "binary-3": (mx.BinaryCrossentropy, [mx.Sigmoid], 3),
    "mse": (mx.MeanSquaredError, [], 2),
    "mse-sigmoid": (mx.MeanSquaredError, [mx.Sigmoid], 3),
    "mse-softmax": (mx.MeanSquaredError, [mx.Softmax], 3),
}


def make_targets(end, rng, n, outputs):
    if end == "categorical":
        return rng.integers(0, outputs, n)
    return rng.random((n, outputs))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("middle", MIDDLES)
def test_gradient_is_the_slope_of_the_loss(middle, end, weighted):
    rng = np.random.default_rng(1)
    loss, last, outputs = ENDS[end]
    layers = [mx.Dense(4, 5), MIDDLES[middle](), mx.Dense(5, outputs), *(kind() for kind in last)]
    net = mx.NeuralNetwork(layers, loss(), mx.SGD(), seed=0, dtype="float64")
    X = rng.standard_normal((12, 4))
    weight = {"sample_weight": rng.random(12)} if weighted else {}
    y = make_targets(end, rng, 12, outputs)
    assert check_gradients(net, X, y, **weight) < 1e-6


def test_soft_targets_have_the_right_gradient():
    rng = np.random.default_rng(2)
    net = mx.NeuralNetwork(
        [mx.Dense(4, 3), mx.Softmax()], mx.CategoricalCrossentropy(), mx.SGD(), dtype="float64"
    )
    y = rng.dirichlet(np.ones(3), 10)
    assert check_gradients(net, rng.standard_normal((10, 4)), y) < 1e-6


def test_dropout_gradient_uses_the_mask_of_its_forward_pass():
    layer = mx.Dropout(0.4)
    layer.rng = np.random.default_rng(0)
    X = np.ones((50, 20))
    out = layer.forward(X, training=True)
    assert set(np.unique(out)) == {0.0, out.max()}
    assert out.max() == pytest.approx(1 / 0.6, rel=1e-4)
    np.testing.assert_array_equal(layer.backward(np.ones((50, 20))), out)
    np.testing.assert_array_equal(layer.forward(X), X)
    np.testing.assert_array_equal(layer.backward(X), X)


def test_check_wants_float64():
    net = mx.NeuralNetwork([mx.Dense(2, 2), mx.Softmax()], mx.CategoricalCrossentropy(), mx.SGD())
    with pytest.raises(ValueError, match="float64"):
        check_gradients(net, [[0.0, 1.0]], [0])


def test_a_wrong_backward_is_found():
    class Wrong(Swish):
        def backward(self, dvalues):
            return dvalues

    layers = [mx.Dense(4, 5), Wrong(), mx.Dense(5, 3), mx.Softmax()]
    net = mx.NeuralNetwork(layers, mx.CategoricalCrossentropy(), mx.SGD(), dtype="float64")
    X = np.random.default_rng(0).standard_normal((12, 4))
    assert check_gradients(net, X, np.arange(12) % 3) > 1e-3


def test_built_in_layers_work_alone_like_a_users():
    rng = np.random.default_rng(0)
    X, d = rng.standard_normal((7, 3)), rng.standard_normal((7, 3))
    for kind in (mx.ReLU, mx.LeakyReLU, mx.Sigmoid, mx.Tanh, mx.Softmax):
        layer, h = kind(), 1e-6
        layer.forward(X)
        dinputs = layer.backward(d)
        u = rng.standard_normal(X.shape)
        slope = ((kind().forward(X + h * u) - kind().forward(X - h * u)) * d).sum() / (2 * h)
        assert slope == pytest.approx((dinputs * u).sum(), rel=1e-6)
        assert layer.output.shape == layer.dinputs.shape == (7, 3)
