"""One model may predict in several threads, within callbacks and within layers, and be copied."""

import copy
import os
import pickle
import threading

import numpy as np
import pytest

import mapicx as mx
from mapicx.datasets import spiral_data

X, Y = spiral_data(40, 3, seed=0)


class Gate(mx.Layer):
    """A user's layer that keeps what forward computed, without `xp`."""

    keeps_width = True

    def forward(self, inputs, training=False):
        self.gate = 1 / (1 + np.exp(-inputs))
        self.output = inputs * self.gate
        return self.output

    def backward(self, dvalues):
        return dvalues * (self.gate + self.output * (1 - self.gate))


def make(activation="relu"):
    model = mx.Mapicx(seed=0).add(2, 32, activation=activation).add(32, 3, activation="Softmax")
    return model.compile(mx.Adam(0.01)).fit(X, Y, 3, verbose=False) and model


def run_threads(work, n=8):
    errors = []

    def guarded(i):
        try:
            work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors[0]


@pytest.mark.parametrize("activation", ["relu", "gate"])
def test_eight_threads_give_what_one_gives(activation):
    model = make(Gate() if activation == "gate" else "relu")
    rows = [X[i : i + 1 + i % 5] for i in range(40)]
    predicted = [model.predict(row) for row in rows]
    scored = [model.evaluate(X[i:], Y[i:]) for i in range(10)]

    def work(i):
        for k in range(300):
            j = (k * 7 + i * 13) % len(rows)
            np.testing.assert_array_equal(model.predict(rows[j]), predicted[j])
            if k % 10 == 0:
                assert model.evaluate(X[j % 10 :], Y[j % 10 :]) == scored[j % 10]

    run_threads(work)


def test_a_prediction_within_training_changes_nothing():
    plain, curious = make(), make()
    seen = []

    def look(model, epoch, logs):
        seen.append(model.predict(X))
        model.evaluate(X, Y)
        pickle.loads(pickle.dumps(model)).fit(X, Y, 1, verbose=False)
        copy.deepcopy(model).fit(X, Y, 1, verbose=False)

    curious.fit(X, Y, 4, batch_size=32, callbacks=look, verbose=False)
    plain.fit(X, Y, 4, batch_size=32, verbose=False)
    np.testing.assert_array_equal(plain.parameters, curious.parameters)
    np.testing.assert_array_equal(seen[-1], curious.predict(X))


def test_a_model_may_be_a_layer_of_another():
    inner = make()

    class Inner(mx.Layer):
        n_features, n_neurons = 2, 3

        def forward(self, inputs, training=False):
            return inner.predict(inputs)

        def backward(self, dvalues):
            return np.zeros((len(dvalues), 2))

    before = inner.parameters.copy()
    outer = mx.Mapicx(seed=0).add(Inner()).add(3, 3, activation="Softmax").compile(mx.SGD(0.5))
    losses = outer.fit(X, Y, 20, batch_size=16, verbose=False).history["loss"]
    assert losses[-1] < losses[0]
    np.testing.assert_array_equal(inner.parameters, before)


class Running(mx.Layer):
    """A layer with a state of its own: the running mean of what it saw in training."""

    keeps_width = True
    mean = 0.0

    def forward(self, inputs, training=False):
        if training:
            self.mean = 0.9 * self.mean + 0.1 * inputs.mean(0)
        return inputs - self.mean

    def backward(self, dvalues):
        return dvalues


def test_a_layers_own_state_is_that_of_training():
    layer = Running()
    model = mx.Mapicx(seed=0).add(layer).add(2, 3, activation="Softmax").compile()
    model.fit(X + 1, Y, 5, verbose=False)
    mean = layer.mean.copy()
    first = model.predict(X)
    np.testing.assert_array_equal(layer.mean, mean)
    model.fit(X + 1, Y, 5, verbose=False)
    assert (layer.mean > mean).all()
    assert not np.array_equal(first, model.predict(X))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_predicts_and_trains():
    model = make()
    expected = model.predict(X)
    child = os.fork()
    if child == 0:
        right = np.array_equal(model.predict(X), expected)
        model.fit(X, Y, 1, verbose=False)
        os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_two_models_may_share_the_object_of_an_optimizer():
    shared = mx.Adam(0.01)
    one = mx.Mapicx(seed=0).add(2, 3, activation="Softmax").compile(shared)
    one.fit(X, Y, 3, verbose=False)
    two = mx.Mapicx(seed=5).add(2, 3, activation="Softmax").compile(shared)
    two.fit(X, Y, 3, verbose=False)
    one.fit(X, Y, 3, verbose=False)
    alone = mx.Mapicx(seed=0).add(2, 3, activation="Softmax").compile(mx.Adam(0.01))
    alone.fit(X, Y, 6, verbose=False)
    np.testing.assert_array_equal(one.parameters, alone.parameters)
    assert one.optimizer.iterations == 6 and two.optimizer.iterations == 3
