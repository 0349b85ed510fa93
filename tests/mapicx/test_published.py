"""Losses, activations and optimizers give the numbers in the test tables of Keras and ONNX."""

import numpy as np
import pytest

import mapicx as mx
from tests.mapicx.golden import published

LOSSES = {
    "mse": (mx.MeanSquaredError, []),
    "cce": (mx.CategoricalCrossentropy, [mx.Softmax]),
    "bce": (mx.BinaryCrossentropy, [mx.Sigmoid]),
}
LOGITS = {"log": np.log, "logit": lambda p: np.log(p / (1 - p)), "": lambda x: x}


@pytest.mark.parametrize("case", published.LOSSES, ids=lambda case: f"{case[0]} {case[1]}")
def test_losses(case):
    _, name, inputs, y, weights, expected, atol = case
    kind, _, form = name.partition(" ")
    loss, last = LOSSES[kind]
    X, y = LOGITS[form](np.array(inputs, float)), np.array(y)
    passing = mx.Dense(X.shape[1], X.shape[1])
    layers = [passing, *(layer() for layer in last)]
    network = mx.NeuralNetwork(layers, loss(), mx.SGD(), dtype="float64")
    network.set_weights([np.eye(X.shape[1]), np.zeros(X.shape[1])])
    scale = 1 if weights is None else np.mean(weights)
    ours = network.evaluate(X, y, weights)["loss"] * scale
    assert ours == pytest.approx(expected, rel=0, abs=atol)


@pytest.mark.parametrize("case", published.ACTIVATIONS, ids=lambda case: f"{case[0]} {case[1]}")
def test_activations(case):
    _, name, options, inputs, expected, atol = case
    output = getattr(mx, name)(**options).forward(np.array([inputs], float))
    np.testing.assert_allclose(output, [expected], rtol=0, atol=atol)


@pytest.mark.parametrize("case", published.OPTIMIZERS, ids=lambda case: f"{case[0]} {case[1]}")
def test_optimizers(case):
    _, name, options, state, start, gradients, expected, atol = case
    optimizer, w = getattr(mx, name)(**options), np.array(start, float)
    if state is not None:
        optimizer.state = [-optimizer.lr * np.array(state)]
    for gradient in gradients:
        optimizer.step(w, np.array(gradient, float), np.ones(len(w), bool))
    np.testing.assert_allclose(w, expected, rtol=0, atol=atol)


def test_dense_by_keras():
    """layers/core/dense_test.py, test_dense_correctness, of Keras 3.15.1."""
    network = mx.NeuralNetwork([mx.Dense(2, 2), mx.ReLU()], mx.MeanSquaredError(), mx.SGD())
    network.set_weights([[[1.0, -2.0], [3.0, -4.0]], [5.0, -6.0]])
    assert network.predict([[-1.0, 2.0]]).tolist() == [[10.0, 0.0]]


def test_inverse_time_decay_by_keras():
    """optimizers/schedules/learning_rate_schedule_test.py, InverseTimeDecayTest.test_decay."""
    optimizer = mx.SGD(0.1, decay=0.96 / 10)
    for step in range(11):
        assert optimizer.current_lr == pytest.approx(0.1 / (1 + step / 10 * 0.96), rel=1e-12)
        optimizer.step(np.ones(1), np.ones(1), np.zeros(1, bool))
        optimizer.iterations = step + 1
