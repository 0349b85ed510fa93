"""What a recorded layer computes is never that of an earlier step: right, or refused."""

import numpy as np
import pytest

from mapicx import SGD, Dense, Layer, Mapicx, Softmax, Tanh
from mapicx.data import takes_xp
from mapicx.datasets import spiral_data

X, Y = spiral_data(20, 3, seed=0)
OUT = np.linspace(1, 2, 4)


def zeros_filled(layer, x, xp):
    z = xp.zeros_like(x)
    z += x
    return z


def full_of_a_mean(layer, x, xp):
    return x + xp.full_like(x, xp.mean(x))


def written_out(layer, x, xp):
    z = xp.ones((len(x), 4))
    xp.tanh(x, out=z)
    return z * 1


# forward of a layer with `weights` (1, 4), a plain attribute, an array and a whole table.
FORWARDS = {
    "concatenate": lambda self, x, xp: xp.concatenate([x, x])[: len(x)],
    "concatenate of NumPy": lambda self, x, xp: np.concatenate([x, x])[: len(x)],
    "stack": lambda self, x, xp: xp.sum(xp.stack([x, x]), axis=0),
    "where of arrays": lambda self, x, xp: np.where(x > 0, x, 0),
    "mean in maximum": lambda self, x, xp: xp.maximum(x, xp.mean(x)),
    "minimum of a mean": lambda self, x, xp: xp.minimum(x, x.mean() * 2),
    "zeros filled": zeros_filled,
    "full of a mean": full_of_a_mean,
    "written out": written_out,
    "weights doubled": lambda self, x, xp: x * (2 * self.weights),
    "weights negated": lambda self, x, xp: x * -self.weights,
    "weights turned": lambda self, x, xp: x * (self.weights.T + 1).T,
    "weights in NumPy": lambda self, x, xp: x * np.tanh(self.weights),
    "weights normed": lambda self, x, xp: x * (self.weights / np.sqrt(np.sum(self.weights**2))),
    "gain": lambda self, x, xp: x * self.gain,
    "array": lambda self, x, xp: x * self.array,
    "array changed": lambda self, x, xp: x * (self.array * 3),
    "table by index": lambda self, x, xp: x + self.table[np.argmax(x, axis=1)],
    "table by a mask": lambda self, x, xp: x * self.table[x.shape[1]],
    "mean of truth": lambda self, x, xp: x * (x > 0).mean(),
    "mean of truth by axis": lambda self, x, xp: x * (x > 0).mean(axis=0),
    "mean, var, std": lambda self, x, xp: (x - x.mean(axis=0)) / (x.std(axis=0) + x.var() + 1),
    "largest of all": lambda self, x, xp: x - xp.max(x),
    "largest of all by NumPy": lambda self, x, xp: x - np.max(x),
    "largest of rows": lambda self, x, xp: x - x.max(axis=1, keepdims=True),
    "least": lambda self, x, xp: x - x.min(axis=0),
    "largest from 0": lambda self, x, xp: x - x.max(axis=1, keepdims=True, initial=0.5),
    "sum from 1": lambda self, x, xp: x * np.sum(x, axis=0, initial=1.0),
    "sum in float32": lambda self, x, xp: x * np.sum(x, axis=1, keepdims=True, dtype="float32"),
    "sum where": lambda self, x, xp: x * np.sum(x, axis=1, keepdims=True, where=x > 0),
    "add where": lambda self, x, xp: np.add(x, x, where=x > 0, out=x * 1),
    "any": lambda self, x, xp: x * (x > 1).any(axis=0),
    "argmax": lambda self, x, xp: x * x.argmax(axis=1, keepdims=True),
    "argmax of all": lambda self, x, xp: x * x.argmax(),
    "argmax of NumPy": lambda self, x, xp: x * np.argmax(x, axis=1, keepdims=True),
    "nonzero": lambda self, x, xp: x * len(x.nonzero()[0]),
    "trace": lambda self, x, xp: x * x.trace(),
    "dot": lambda self, x, xp: x.dot(self.square),
    "clip": lambda self, x, xp: x.clip(-0.5, 0.5),
    "clip of NumPy": lambda self, x, xp: np.clip(x, -0.5, 0.5),
    "a mask": lambda self, x, xp: x * x[x > 0].sum(),
    "power": lambda self, x, xp: x**2 + abs(x) ** 1.5,
    "single value": lambda self, x, xp: x * x[0, 1] + self.array[0],
    "largest of a value": lambda self, x, xp: xp.maximum(x, x[0, 0]),
    "list of numbers": lambda self, x, xp: x * [1, 2, 3, 4.5],
    "list with a value": lambda self, x, xp: x * [1, 2, 3, x[0, 0]],
    "dot of NumPy": lambda self, x, xp: np.dot(x, self.square) + xp.dot(x, self.array[:, None]),
    "vector dot": lambda self, x, xp: x * xp.dot(x, self.array)[:, None],
    "chance of NumPy": lambda self, x, xp: x + 0 * np.random.default_rng(0).normal(),
}


class Called(Layer):
    """A layer that is called in every step, since it takes no xp."""

    keeps_width = True

    def __init__(self, function):
        self.function = function
        self.weights = np.linspace(0.5, 1, 4).reshape(1, 4)
        self.gain, self.array, self.square = 1.0, np.linspace(1, 2, 4), np.eye(4) * 2
        self.table = np.arange(20.0).reshape(5, 4) / 20

    def forward(self, inputs, training=False):
        self.inputs = inputs
        return self.function(self, inputs, np)

    def backward(self, dvalues):
        self.dweights = np.sum(dvalues * self.inputs, axis=0, keepdims=True)
        return dvalues * self.weights


class Recorded(Called):
    def forward(self, inputs, training=False, xp=np):
        self.inputs = inputs
        return self.function(self, inputs, xp)

    def backward(self, dvalues, xp=np):
        self.dweights = xp.sum(dvalues * self.inputs, axis=0, keepdims=True)
        return dvalues * self.weights


def turn(model, epoch, logs):
    layer = model.layers[1]
    layer.gain = 1.0 + epoch
    layer.array = layer.array + 1
    layer.table *= 0.9


def train(kind, function, eager=False):
    model = Mapicx(seed=0, dtype="float64", eager=eager).add(2, 4, activation=None)
    model.add(kind(function)).add(4, 3, activation="Softmax").compile(SGD(0.05))
    model.fit(X, Y, 4, batch_size=20, verbose=False, callbacks=turn)
    return [model.parameters, model.predict(X), np.array(model.history.history["loss"])]


@pytest.mark.parametrize("case", FORWARDS)
def test_a_recorded_layer_is_the_layer_that_is_called_or_is_refused(case):
    wanted = train(Called, FORWARDS[case])
    try:
        got = train(Recorded, FORWARDS[case])
    except ValueError as error:
        assert "Recorded: " in str(error) and "cannot be replayed" in str(error)
        return
    for one, two in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-12)


SHOULD_BE_RECORDED = ["mean in maximum", "zeros filled", "weights doubled", "weights negated",
                      "gain", "array changed", "mean of truth", "mean, var, std", "written out",
                      "largest of all", "largest from 0", "sum from 1", "any", "single value",
                      "list of numbers", "dot of NumPy", "vector dot"]  # fmt: skip


@pytest.mark.parametrize("case", SHOULD_BE_RECORDED)
def test_what_numpy_can_repeat_is_recorded(case):
    train(Recorded, FORWARDS[case])


class Article(Layer):
    """A dense layer as the article writes it, with xp: np.dot, and gradients without `out`."""

    def __init__(self, n, m, dot="dot", out=False):
        self.weights, self.biases = np.linspace(-1, 1, n * m).reshape(n, m), np.zeros((1, m))
        self.n_features, self.n_neurons, self.dot, self.out = n, m, dot, out

    def forward(self, inputs, training=False, xp=np):
        self.inputs = inputs
        return getattr(xp, self.dot)(inputs, self.weights) + self.biases

    def backward(self, dvalues, xp=np):
        outs = {"out": self.dbiases} if self.out else {}
        self.dweights = getattr(xp, self.dot)(self.inputs.T, dvalues)
        self.dbiases = xp.sum(dvalues, axis=0, keepdims=True, **outs)
        return getattr(xp, self.dot)(dvalues, self.weights.T)


@pytest.mark.parametrize("dot", ["dot", "matmul"])
@pytest.mark.parametrize("out", [False, True])
@pytest.mark.parametrize("eager", [False, True])
def test_a_dense_layer_as_the_article_writes_it_trains_as_ours(dot, out, eager):
    parameters = []
    for kind in (Article, Dense):
        layers = [Article(2, 8, dot, out), Tanh(), Article(8, 3, dot, out)]
        model = Mapicx(seed=0, dtype="float64", eager=eager)
        for layer in layers:
            if kind is Dense and isinstance(layer, Article):
                dense = Dense(layer.n_features, layer.n_neurons)
                dense.weights, dense.biases = layer.weights, layer.biases
                layer = dense
            model.add(layer)
        model.add(Softmax()).compile(SGD(0.1)).fit(X, Y, 5, batch_size=20, verbose=False)
        parameters.append(model.parameters)
    np.testing.assert_allclose(*parameters, rtol=1e-12)


class Noise(Layer):
    keeps_width = True

    def forward(self, inputs, training=False, xp=np):
        noise = self.rng.standard_normal(inputs.shape) if training else 0
        self.seen = [*getattr(self, "seen", []), noise]
        return inputs + noise

    def backward(self, dvalues, xp=np):
        return dvalues * 1


def test_a_layer_that_draws_is_called_in_every_step():
    layer = Noise()
    assert not takes_xp(layer)
    model = Mapicx(seed=0).add(2, 4).add(layer).add(4, 3, activation="Softmax").compile()
    model.fit(X, Y, 5, verbose=False)
    assert len({float(noise[0, 0]) for noise in layer.seen}) == 5


class Ends(Layer):
    """A last layer without xp, which reads its output on the way back."""

    keeps_width = True

    def forward(self, inputs, training=False):
        self.output = np.tanh(inputs)
        return self.output

    def backward(self, dvalues):
        assert type(self.output) is np.ndarray
        return dvalues * (1 - self.output * self.output)


def test_a_last_layer_without_xp_sees_its_own_arrays():
    parameters = []
    for last in (Ends(), Tanh()):
        model = Mapicx(seed=0, dtype="float64").add(2, 8).add(8, 2, activation=last)
        model.compile(SGD(0.1), "mse").fit(X, X[:, ::-1], 5, batch_size=20, verbose=False)
        parameters.append(model.parameters)
    np.testing.assert_allclose(*parameters, rtol=1e-12)


class OwnSoftmax(Softmax):
    def forward(self, inputs, training=False):
        return super().forward(inputs, training)

    def backward(self, dvalues):
        return super().backward(dvalues)


class XpSoftmax(Softmax):
    def forward(self, inputs, training=False, xp=np):
        return super().forward(inputs * 1, training, xp)


def test_an_activation_of_a_cross_entropy_takes_xp():
    with pytest.raises(ValueError, match=r"OwnSoftmax.*without `xp`"):
        Mapicx().add(2, 3, activation=OwnSoftmax()).compile()
    one = Mapicx(seed=0).add(2, 3, activation=XpSoftmax()).compile()
    two = Mapicx(seed=0).add(2, 3, activation="softmax").compile()
    for model in (one, two):
        model.fit(X, Y, 3, verbose=False)
    np.testing.assert_array_equal(one.parameters, two.parameters)
    assert one.evaluate(X, Y) == two.evaluate(X, Y)


def test_settings_that_come_and_go_do_not_bring_back_an_older_recording():
    layer = Recorded(FORWARDS["array changed"])
    model = (
        Mapicx(seed=0, dtype="float64").add(2, 4, activation=None).add(layer).compile(loss="mse")
    )
    for factor in range(1, 30):
        layer.array = np.full(4, float(factor))
        np.testing.assert_allclose(model.predict(X), model.predict(X * 0.5) * 2, rtol=1e-6)
        expected = (X @ model.layers[0].weights + model.layers[0].biases) * factor * 3
        np.testing.assert_allclose(model.predict(X), expected, rtol=1e-12)


def test_dense_layers_have_no_settings():
    # Each would be looked up in every step.
    model = Mapicx().add(Dense(2, 8)).add(8, 3, activation="Softmax").compile()
    assert model.network._batches.settings == []
