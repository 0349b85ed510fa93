"""A recorded step is the layers' own lines: same bits, or a sentence that says what cannot be."""

import gc
import itertools
import weakref

import numpy as np
import pytest

from mapicx import SGD, Adam, AdamW, Dense, Layer, Mapicx, RMSprop, Softmax
from mapicx.data import base_of, split_out
from mapicx.datasets import spiral_data
from mapicx.recorder import Recorder

X, Y = spiral_data(20, 3, seed=0)
OPTIMIZERS = {
    "sgd": lambda: SGD(0.1),
    "momentum": lambda: SGD(0.1, decay=1e-2, momentum=0.9),
    "nesterov": lambda: SGD(0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "rmsprop": lambda: RMSprop(0.01, weight_decay=1e-3),
    "adam": lambda: Adam(0.01, clipnorm=0.1),
    "adamw": lambda: AdamW(0.01),
}
LOSSES = {
    "categorical_crossentropy": (3, "softmax", Y),
    "binary_crossentropy": (3, "sigmoid", np.eye(3)[Y]),
    "mse": (2, "linear", X[:, ::-1]),
}
ACTIVATIONS = ["relu", "leakyrelu", "sigmoid", "tanh", "softmax", "linear"]


def train(eager, activation, loss, optimizer, dtype="float32", **options):
    outputs, last, y = LOSSES[loss]
    model = Mapicx(seed=1, dtype=dtype, eager=eager).add(2, 8, activation=activation)
    model.add(0, layer="Dropout", rate=0.3).add(8, outputs, activation=last)
    model.compile(OPTIMIZERS[optimizer](), loss)
    history = model.fit(X, y, 6, verbose=False, **options).history
    return model, [model.parameters, model.predict(X), *map(np.array, history.values())]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_recorded_and_eager_training_give_the_same_bits(loss, optimizer, dtype):
    weights = np.linspace(0, 1, 60)
    for activation, batch, weight in itertools.product(ACTIVATIONS, (None, 7), (None, weights)):
        options = {"batch_size": batch, "sample_weight": weight, "validation_split": 0.2}
        if weight is not None:
            options["validation_split"] = 0.0
        _, one = train(False, activation, loss, optimizer, dtype, **options)
        _, two = train(True, activation, loss, optimizer, dtype, **options)
        for a, b in zip(one, two, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=f"{activation} {options}")


def compiled(layer, eager=False, dtype="float64"):
    model = Mapicx(seed=0, dtype=dtype, eager=eager).add(2, 4, activation=None).add(layer)
    return model.add(4, 3, activation="Softmax").compile(SGD(0.1))


class Own(Layer):
    keeps_width = True

    def forward(self, inputs, training=False, xp=np):
        self.inputs = inputs
        return inputs * 2

    def backward(self, dvalues, xp=np):
        return dvalues * 2


def branch(x, xp):
    return x * 2 if x.sum() > 0 else x * 3


def assign(x, xp):
    y = x * 2
    y[0] = 0
    return y


FORBIDDEN = {
    "where": lambda x, xp: xp.where(x > 0, x, x * 2),
    "a branch": branch,
    "float": lambda x, xp: x * float(x.sum()),
    "assignment": assign,
    "copy": lambda x, xp: x.copy() * 2,
    "fancy index": lambda x, xp: x[np.arange(x.shape[0])] * 2,
    "a mask": lambda x, xp: x[:, [0, 1, 2, 3]] + 1,
    "a constant": lambda x, xp: np.ones(x.shape),
    "max of Python": lambda x, xp: x * max(x[0, 0], 1),
    "item": lambda x, xp: x * x.sum().item(),
    "iteration": lambda x, xp: xp.sum(list(x), axis=0),
    "astype": lambda x, xp: x.astype("float64") * 2,
    "cumulative": lambda x, xp: np.add.accumulate(x),
    "sort": lambda x, xp: xp.sort(x, axis=0),
    "chance": lambda x, xp: x * xp.random.rand(),
    "an unknown name": lambda x, xp: xp.nothing_of_that_name(x),
}


class StrangeForward(Own):
    def __init__(self, strange):
        self.strange = strange

    def forward(self, inputs, training=False, xp=np):
        return self.strange(inputs, xp)


class StrangeBackward(Own):
    def __init__(self, strange):
        self.strange = strange

    def backward(self, dvalues, xp=np):
        return self.strange(dvalues, xp)


@pytest.mark.parametrize("kind", [StrangeForward, StrangeBackward])
@pytest.mark.parametrize("case", FORBIDDEN)
def test_what_cannot_be_replayed_is_refused_with_the_layers_name(case, kind):
    model = compiled(kind(FORBIDDEN[case]))
    before = model.get_weights()
    with pytest.raises(ValueError, match=rf"{kind.__name__}.*cannot be replayed"):
        model.fit(X, Y, 2, verbose=False)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_functions_and_methods_of_recorded_arrays_are_recorded():
    xp = Recorder(np.dtype(float))
    values = np.array([[1.0, -2.0], [3.0, 4.0]])
    x = xp.track(values)
    total = np.add(x.sum(axis=1, keepdims=True), np.max(x, axis=1, keepdims=True)) / x.mean()
    clipped = xp.clip(x, 0, 2) + xp.zeros_like(x)
    values[:] = [[5.0, 6.0], [-7.0, 8.0]]
    for call in xp.calls:
        call()
    expected = (values.sum(1, keepdims=True) + values.max(1, keepdims=True)) / values.mean()
    np.testing.assert_allclose(np.asarray(total), expected)
    np.testing.assert_array_equal(np.asarray(clipped), np.clip(values, 0, 2))
    assert str(np.asarray(total)) == str(total)


def test_eager_layers_may_branch_and_print(capsys):
    def curious(x, xp):
        if x.max() > -1e9 and float(x[0, 0]) < 1e9:
            print(x[:1])
        return x * 2

    eager, recorded = compiled(StrangeForward(curious), eager=True), compiled(Own())
    for model in (eager, recorded):
        model.fit(X, Y, 3, verbose=False)
    assert capsys.readouterr().out.count("[[") == 3
    np.testing.assert_array_equal(eager.parameters, recorded.parameters)


def test_a_layer_with_xp_agrees_with_the_same_layer_without():
    class Without(Layer):
        keeps_width = True

        def forward(self, inputs, training=False):
            return inputs * 2

        def backward(self, dvalues):
            return dvalues * 2

    fits = [compiled(layer) for layer in (Own(), Without())]
    for model in fits:
        model.fit(X, Y, 10, batch_size=7, verbose=False)
    np.testing.assert_array_equal(fits[0].parameters, fits[1].parameters)


class Scale(Layer):
    """Own weights, gradients with or without `out=`."""

    keeps_width = True

    def __init__(self, in_place):
        self.in_place, self.weights = in_place, np.full((1, 4), 2.0)

    def forward(self, inputs, training=False, xp=np):
        self.inputs = inputs
        return inputs * self.weights

    def backward(self, dvalues, xp=np):
        out = self.dweights if self.in_place else None
        self.dweights = xp.sum(dvalues * self.inputs, axis=0, keepdims=True, out=out)
        return dvalues * self.weights


class ScaleCalled(Scale):
    """The same, without `xp`: called in every step."""

    def forward(self, inputs, training=False):
        return super().forward(inputs, training)

    def backward(self, dvalues):
        return super().backward(dvalues)


def test_own_weights_train_with_and_without_out_and_xp():
    ways = itertools.product((Scale, ScaleCalled), (True, False), (True, False))
    fits = [compiled(kind(in_place), eager) for kind, in_place, eager in ways]
    for model in fits:
        model.fit(X, Y, 10, batch_size=7, verbose=False)
    for model in fits:  # without `xp` NumPy adds up in another order
        twin = next(other for other in fits if type(other.layers[1]) is type(model.layers[1]))
        np.testing.assert_array_equal(model.parameters, twin.parameters)
        np.testing.assert_allclose(model.parameters, fits[0].parameters, rtol=1e-12)
    assert not np.array_equal(fits[0].layers[1].weights, np.full((1, 4), 2.0))


class Counting(Own):
    """State from step to step, written in place."""

    def __init__(self):
        self.steps = np.zeros((1, 1))

    def forward(self, inputs, training=False, xp=np):
        if training:
            xp.add(self.steps, 1.0, out=self.steps)
        return inputs * 2


@pytest.mark.parametrize("eager", [True, False])
def test_state_written_with_out_lives_in_both_modes(eager):
    layer = Counting()
    compiled(layer, eager).fit(X, Y, 5, verbose=False)
    assert layer.steps.item() == 5


@pytest.mark.parametrize("name,value", [("lr", 0.5), ("momentum", 0.5), ("weight_decay", 0.1)])
def test_an_option_changed_in_a_callback_takes_effect_alike(name, value):
    def change(model, epoch, logs):
        if epoch == 2:
            setattr(model.optimizer, name, value)

    fits = []
    for eager in (True, False):
        model = Mapicx(seed=0, eager=eager).add(2, 8).add(8, 3, activation="Softmax")
        model.compile(SGD(0.1, momentum=0.9))
        model.fit(X, Y, 6, callbacks=change, verbose=False)
        fits.append(model.parameters)
    unchanged = Mapicx(seed=0).add(2, 8).add(8, 3, activation="Softmax")
    unchanged.compile(SGD(0.1, momentum=0.9)).fit(X, Y, 6, verbose=False)
    np.testing.assert_array_equal(*fits)
    assert not np.array_equal(fits[0], unchanged.parameters)


@pytest.mark.parametrize("during", [True, False])
def test_a_rate_or_slope_that_changes_takes_effect_alike(during):
    fits = []
    for eager in (True, False):
        model = Mapicx(seed=0, eager=eager).add(2, 8, activation="LeakyReLU")
        model.add(0, layer="Dropout", rate=0.1).add(8, 3, activation="Softmax").compile(SGD(0.1))

        def change(model, epoch=1, logs=None):
            if epoch == 1:
                model.layers[1].slope, model.layers[2].rate = 0.5, 0.6

        model.fit(X, Y, 3, callbacks=change if during else None, verbose=False)
        before = model.parameters.copy()
        if not during:
            change(model)
        model.fit(X, Y, 3, verbose=False)
        fits.append(model.parameters)
        assert not np.array_equal(before, model.parameters)
    np.testing.assert_array_equal(*fits)


def test_a_network_that_is_dropped_gives_its_memory_back_at_once():
    def use():
        model, _ = train(False, "relu", "categorical_crossentropy", "adam")
        model.forward(X, training=True)
        model.network.backward(Y)
        batches = [*model.network._batches.kept.values(), model.network._last]
        arrays = [weakref.ref(base_of(batch.output)) for batch in batches]
        return [weakref.ref(model.network), weakref.ref(model.optimizer._slices), *arrays]

    gc.disable()
    try:
        assert {reference() for reference in use()} == {None}
    finally:
        gc.enable()


def test_dense_used_alone_is_plain_numpy():
    layer = Dense(2, 3)
    layer.initialise(np.random.default_rng(0))
    np.testing.assert_array_equal(layer.forward(X), X @ layer.weights + layer.biases)
    assert type(Softmax().forward(X)) is np.ndarray


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_large_batches_share_memory_and_keep_every_bit(activation):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((400, 5)).astype(np.float32), rng.integers(0, 3, 400)
    twins = []
    for eager in (False, True):
        model = Mapicx(seed=0, eager=eager).add(5, 300, activation=activation)
        model.add(300, 200, activation=activation).add(200, 3, activation="Softmax")
        model.compile(Adam(0.01)).fit(X, y, 4, verbose=False)
        twins.append(model)
    np.testing.assert_array_equal(twins[0].parameters, twins[1].parameters)
    (batch,) = (b for key, b in twins[0].network._batches.kept.items() if key[0] == "train")
    owners = {id(base_of(split_out(call)[1])) for part in batch.calls.values() for call in part}
    assert len(owners) < sum(map(len, batch.calls.values()))  # fewer places than calls
