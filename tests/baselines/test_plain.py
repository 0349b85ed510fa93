"""numpy-plain is judged from outside: by its size, finite differences and torch's autograd."""

import json
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from baselines.plain import Plain
from benchmarks.measure.conformance_data import BASE, SampleData, start_weights
from benchmarks.measure.conformance_data import prepare_system as made

LOSSES = {
    "cce": {},
    "bce": {"layers": (2, 16, 1)},
    "mse": {"layers": (2, 16, 1), "task": "regression"},
}


def test_plain_is_at_most_80_lines():
    source = Path(sys.modules[Plain.__module__].__file__)
    assert len(source.read_text().splitlines()) <= 80


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_agree_with_finite_differences(loss, activation):
    plain = made(Plain, replace(BASE, activation=activation, **LOSSES[loss]))
    X, y = plain.data.X_train, plain.data.y_train
    _, delta = plain.loss(plain.outputs(X), y)
    grads = plain.backward(delta)
    step, rng = 1e-6, np.random.default_rng(0)
    for parameter, gradient in zip(plain.parameters, grads, strict=True):
        direction = rng.normal(size=parameter.shape)
        values = []
        for sign in (1, -1):
            parameter += sign * step * direction
            values.append(plain.loss(plain.outputs(X), y)[0])
            parameter -= sign * step * direction
        slope = (values[0] - values[1]) / (2 * step)
        assert slope == pytest.approx((gradient * direction).sum(), rel=1e-6, abs=1e-8)


TORCH = """
import json, sys
sys.path.insert(0, "tests/baselines")
import torch
from dataclasses import replace
from benchmarks.measure.conformance_data import BASE, SampleData, start_weights
from test_plain import LOSSES
answers = {}
for loss, changes in LOSSES.items():
    workload = replace(BASE, activation="tanh", **changes)
    data = SampleData(workload)
    weights = [torch.tensor(w, requires_grad=True) for w in start_weights(workload)]
    h = torch.tensor(data.X_train)
    for W, b in zip(weights[:-2:2], weights[1:-2:2]):
        h = torch.tanh(h @ W + b)
    z, y = h @ weights[-2] + weights[-1], torch.tensor(data.y_train)
    f = torch.nn.functional
    value = (
        f.cross_entropy(z, y) if loss == "cce"
        else f.binary_cross_entropy_with_logits(z[:, 0], y.double()) if loss == "bce"
        else f.mse_loss(z[:, 0], y)
    )
    value.backward()
    answers[loss] = [value.item(), [w.grad.tolist() for w in weights]]
print(json.dumps(answers))
"""


def test_losses_and_gradients_agree_with_torch(run_python):
    if find_spec("torch") is None:
        pytest.skip("torch is not installed")
    answers = json.loads(run_python("-c", TORCH))
    for loss, (value, expected) in answers.items():
        plain = made(Plain, replace(BASE, activation="tanh", **LOSSES[loss]))
        found, delta = plain.loss(plain.outputs(plain.data.X_train), plain.data.y_train)
        assert found == pytest.approx(value, abs=1e-14)
        for gradient, theirs in zip(plain.backward(delta), expected, strict=True):
            np.testing.assert_allclose(gradient, theirs, rtol=0, atol=1e-14)


def test_dropout_keeps_the_mean_and_is_off_in_prediction():
    plain = made(Plain, replace(BASE, dropout=0.5, layers=(2, 4000, 3)))
    X = plain.data.X_train
    assert np.array_equal(plain.outputs(X), plain.outputs(X))
    hidden = []
    for training in (False, True):
        plain.outputs(X, training=training)
        hidden.append(plain.inputs[1])
    kept = hidden[1] != 0
    assert np.allclose(hidden[1][kept], 2 * hidden[0][kept])
    assert hidden[1].mean() == pytest.approx(hidden[0].mean(), rel=0.02)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_float32_stays_float32(optimizer):
    plain = made(Plain, replace(BASE, optimizer=optimizer, dropout=0.2, l2=1e-3), dtype="float32")
    plain.train(record=True)
    assert {w.dtype for w in plain.get_weights()} == {np.dtype("float32")}
    assert plain.losses[-1].dtype == plain.outputs(plain.data.X_test).dtype == "float32"


def test_it_learns():
    workload = replace(BASE, optimizer="adam", lr=0.02, epochs=300)
    plain = Plain(workload, seed=0, threads=1, dtype="float64")
    plain.load()
    data = SampleData(workload)
    data.y_train = (data.X_train.sum(axis=1) > 0).astype(int)
    plain.build(data, start_weights(workload))
    plain.train(record=True)
    assert (plain.predict(data.X_train) == data.y_train).all()
    assert plain.losses[-1] < 0.1 * plain.losses[0]
