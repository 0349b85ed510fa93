"""What the documentation promises, one test for each promise."""

import copy
import itertools
import pickle
import runpy
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mapicx
from mapicx import (
    SGD,
    Adam,
    AdamW,
    CategoricalCrossentropy,
    Dense,
    Dropout,
    EarlyStopping,
    Layer,
    Mapicx,
    MeanSquaredError,
    NeuralNetwork,
    ReLU,
    RMSprop,
    Softmax,
    load,
)
from mapicx.datasets import spiral_data

X, Y = spiral_data(40, 3, seed=0)


def make(seed=0, optimizer=None, dtype="float32", rate=0.1, metrics=("accuracy",)):
    model = Mapicx(seed=seed, dtype=dtype).add(2, 16)
    if rate:
        model.add(0, 0, layer="Dropout", rate=rate)
    model.add(16, 3, activation="Softmax")
    return model.compile(optimizer or SGD(0.1, momentum=0.9), metrics=metrics)


def test_the_network_program_runs_as_written():
    model = NeuralNetwork(
        layers=[Dense(2, 64), ReLU(), Dropout(0.2), Dense(64, 3), Softmax()],
        loss_activation=CategoricalCrossentropy(),
        optimizer=SGD(lr=1.0, decay=1e-3, momentum=0.9),
        seed=0,
    )
    model.train(X, Y, epochs=1000, print_every=0)
    probabilities = model.forward(X)
    assert probabilities.shape == (120, 3)
    assert (probabilities.argmax(1) == Y).mean() > 0.7
    np.testing.assert_array_equal(probabilities, model.forward(X))


def test_the_mapicx_program_runs_as_written(tmp_path, capsys):
    model = Mapicx(seed=0)
    model.add(2, 128, layer="Dense", activation="Relu")
    model.add(0, 0, layer="Dropout", rate=0.1)
    model.add(128, 3, layer="Dense", activation="Softmax")
    model.compile(optimizer=SGD(lr=0.1))
    history = model.fit(X, Y, epochs=200, print_every=100)
    assert capsys.readouterr().out.count("epoch") == 2
    assert len(history.history["loss"]) == len(history.epoch) == 200
    assert model.network.optimizer.iterations == 200
    assert model.predict(X).shape == (120, 3)
    assert model.predict_classes(X).shape == (120,)
    assert set(model.evaluate(X, Y)) == {"loss", "accuracy"}
    assert model.score(X, Y) == pytest.approx(model.evaluate(X, Y)["accuracy"])
    assert "771" in model.summary()
    model.save(tmp_path / "spiral.npz")
    loaded = mapicx.load(tmp_path / "spiral.npz")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    net = model.network
    loss = net.loss_and_gradients(X, Y)
    assert loss == pytest.approx(model.evaluate(X, Y)["loss"], rel=1e-5)
    net.parameters -= 0.01 * net.gradients
    assert net.loss_and_gradients(X, Y) < loss
    assert repr(model) and repr(history) and repr(net.optimizer) and repr(net.loss)


def test_a_step_by_hand_is_the_step_of_fit():
    one, two = make(rate=0), make(rate=0)
    one.fit(X, Y, epochs=3, verbose=False)
    for _ in range(3):
        two.network.forward(X, training=True)
        two.network.backward(Y)
        two.network.update_params()
    np.testing.assert_array_equal(one.network.parameters, two.network.parameters)


def test_layers_show_their_arrays_by_rows():
    net = make(rate=0.5).network
    net.forward(X[:7], training=True)
    net.backward(Y[:7])
    net.forward(X[:5])
    net.forward(X[:7], training=True)
    net.backward(Y[:7])
    first, relu, dropout, last, softmax = net.layers
    assert first.inputs.shape == (7, 2)
    assert first.dinputs is None
    np.testing.assert_allclose(first.output, X[:7] @ first.weights + first.biases, rtol=1e-5)
    np.testing.assert_array_equal(relu.output, np.maximum(first.output, 0))
    assert dropout.output.shape == relu.dinputs.shape == (7, 16)
    assert last.dweights.shape == (16, 3) and last.dbiases.shape == (1, 3)
    assert softmax.output.shape == (7, 3)
    assert np.shares_memory(first.weights, net.parameters)
    assert np.shares_memory(last.dbiases, net.gradients)


def test_a_gradient_that_nobody_asked_for_is_not_shown_from_an_older_step():
    """Dropout that is off hands on the very gradient by X that the network leaves out."""
    layers = [Dropout(0.5), Dense(2, 16), ReLU(), Dense(16, 3), Softmax()]
    net = NeuralNetwork(layers, CategoricalCrossentropy(), SGD(), seed=0)
    for scale in (1, 2):
        net.forward(X[:7] * scale)
        net.backward(Y[:7])
    assert layers[0].dinputs is None and layers[1].dinputs is None
    assert layers[2].dinputs.shape == (7, 16)


@pytest.mark.parametrize("eager", [False, True])
def test_options_changed_by_hand_count_from_the_next_update(eager):
    layers = [Dense(2, 16), ReLU(), Dense(16, 3), Softmax()]
    net = NeuralNetwork(layers, CategoricalCrossentropy(), SGD(0.1), seed=0, eager=eager)
    net.loss_and_gradients(X, Y)
    net.update_params()
    net.optimizer.weight_decay = 0.5
    before, gradients = net.parameters.copy(), net.gradients.copy()
    net.update_params()
    decays = np.concatenate([np.ones(32), np.zeros(16), np.ones(48), np.zeros(3)])
    step = net.optimizer.current_lr * (gradients + 0.5 * decays * before)
    np.testing.assert_allclose(net.parameters, before - step, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_data_type_stays(dtype):
    model = make(dtype=dtype)
    model.fit(X, Y, epochs=2, batch_size=50, verbose=False)
    assert model.predict(X).dtype == model.network.parameters.dtype == dtype
    assert model.forward(X, training=True).dtype == model.network.gradients.dtype == dtype
    assert {state.dtype.name for state in model.network.optimizer.state} == {dtype}
    for layer in model.layers:
        assert layer.output.dtype == layer.inputs.dtype == dtype


@pytest.mark.parametrize("optimizer", [SGD(0.1), SGD(0.1, momentum=0.9, nesterov=True), RMSprop()])
def test_two_fits_are_one(optimizer):
    twin = copy.deepcopy(optimizer)
    one, two = make(optimizer=optimizer), make(optimizer=twin)
    losses = one.fit(X, Y, 5, batch_size=32, verbose=False).history["loss"]
    parts = [two.fit(X, Y, n, batch_size=32, verbose=False).history["loss"] for n in (2, 3)]
    assert losses == parts[0] + parts[1]
    np.testing.assert_array_equal(one.network.parameters, two.network.parameters)


def via_file(model, path):
    model.save(path / "model.npz")
    return mapicx.load(path / "model.npz")


COPIES = {
    "copy": lambda model, path: copy.copy(model),
    "deepcopy": lambda model, path: copy.deepcopy(model),
    "pickle": lambda model, path: pickle.loads(pickle.dumps(model)),
    "file": via_file,
}


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9), Adam(), AdamW(clipnorm=1.0)])
def test_a_copy_goes_on_bit_for_bit_and_alone(way, optimizer, tmp_path):
    model = make(optimizer=copy.deepcopy(optimizer))
    model.fit(X, Y, 3, batch_size=32, verbose=False)
    twin = COPIES[way](model, tmp_path)
    before = model.network.parameters.copy()
    losses = twin.fit(X, Y, 3, batch_size=32, verbose=False).history["loss"]
    np.testing.assert_array_equal(model.network.parameters, before)
    assert not np.array_equal(twin.network.parameters, before)
    assert losses == model.fit(X, Y, 3, batch_size=32, verbose=False).history["loss"]
    np.testing.assert_array_equal(twin.network.parameters, model.network.parameters)
    network = copy.copy(model.network)
    assert not np.shares_memory(network.layers[0].weights, model.network.parameters)


def test_new_optimizer_has_no_memory_of_the_old_one():
    optimizer = SGD(0.1, momentum=0.9)
    one = make(optimizer=optimizer, rate=0)
    one.fit(X, Y, 5, verbose=False)
    two = make(optimizer=optimizer, rate=0)  # also when two models share the object
    fresh = make(rate=0)
    assert optimizer.iterations == 0
    two.fit(X, Y, 2, verbose=False)
    fresh.fit(X, Y, 2, verbose=False)
    np.testing.assert_array_equal(two.network.parameters, fresh.network.parameters)
    one.train_on_batch(X, Y)
    np.testing.assert_array_equal(two.network.parameters, fresh.network.parameters)


def test_compile_again_keeps_weights_and_layers_can_follow():
    model = make(rate=0)
    model.fit(X, Y, 3, verbose=False)
    weights = model.get_weights()
    model.compile(Adam(), "CATEGORICAL_CROSSENTROPY", metrics=())
    for a, b in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert list(model.fit(X, Y, verbose=False).history) == ["loss"]


def test_short_last_batch_counts_by_its_rows():
    model = make(optimizer=SGD(1e-12), rate=0, dtype="float64")
    history = model.fit(X, Y, 1, batch_size=50, verbose=False).history
    whole = model.evaluate(X, Y)
    assert history["loss"][0] == pytest.approx(whole["loss"], rel=1e-9)
    assert history["accuracy"][0] == pytest.approx(whole["accuracy"], abs=3 / 120)  # ties at 0


def test_weights_count_like_repeated_rows():
    weight = np.arange(120) % 3
    rows = np.repeat(np.arange(120), weight)
    one, two, three = (make(rate=0, dtype="float64") for _ in range(3))
    a = one.fit(X, Y, 20, sample_weight=weight, verbose=False).history["loss"]
    b = two.fit(X[rows], Y[rows], 20, verbose=False).history["loss"]
    np.testing.assert_allclose(a, b, rtol=1e-9)
    np.testing.assert_allclose(one.network.parameters, two.network.parameters, rtol=1e-9)
    three.fit(X, Y, 20, sample_weight=np.ones(120), class_weight={0: 1.0}, verbose=False)
    fit = make(rate=0, dtype="float64")
    fit.fit(X, Y, 20, verbose=False)
    np.testing.assert_allclose(three.network.parameters, fit.network.parameters, rtol=1e-9)
    assert one.evaluate(X, Y, weight)["loss"] == pytest.approx(
        two.evaluate(X[rows], Y[rows])["loss"]
    )


def test_class_weight_is_the_sample_weight_of_its_class():
    one, two = make(), make()
    weight = np.array([3.0, 1.0, 0.0])
    one.fit(X, Y, 3, batch_size=7, class_weight={0: 3, 2: 0}, verbose=False)
    two.fit(X, Y, 3, batch_size=7, sample_weight=weight[Y], verbose=False)
    np.testing.assert_array_equal(one.network.parameters, two.network.parameters)
    two.fit(X, Y, 1, batch_size=7, shuffle=False, sample_weight=Y == 0, verbose=False)


LABELS = {
    "strings": np.array(["ada", "bob", "cleo"])[Y],
    "objects": np.array(["ada", "bob", "cleo"], dtype=object)[Y],
    "list": Y.tolist(),
    "column": Y[:, None],
    "one-hot": np.eye(3)[Y],
    "floats": Y.astype(float),
}


@pytest.mark.parametrize("form", LABELS)
def test_all_forms_of_labels_train_alike(form):
    one, two = make(), make()
    one.fit(X, Y, 3, validation_split=0.2, verbose=False)
    two.fit(X, LABELS[form], 3, validation_split=0.2, verbose=False)
    np.testing.assert_array_equal(one.network.parameters, two.network.parameters)
    if form == "strings":
        names = two.predict_classes(X)
        assert set(names) <= {"ada", "bob", "cleo"}
        assert two.score(X, names) == 1.0
        weights = {"ada": 2.0}
        two.fit(X, LABELS[form], class_weight=weights, verbose=False)


def test_binary_labels_and_several_yes_no_outputs():
    y = Y == 0
    model = Mapicx(seed=0).add(2, 8, activation="tanh").add(8, 1, activation="Sigmoid")
    model.compile("adam", "binary_crossentropy").fit(X, y, 2, class_weight={True: 2}, verbose=False)
    assert model.predict_classes(X).dtype == bool
    assert model.score(X, y) == model.evaluate(X, y)["accuracy"]
    several = (
        Mapicx(seed=0).add(2, 3, activation="Sigmoid").compile("rmsprop", "binary_crossentropy")
    )
    several.fit(X, np.eye(3)[Y], 2, verbose=False)
    assert several.predict_classes(X).shape == (120, 3)
    soft = Mapicx(seed=0).add(2, 1, activation="Sigmoid").compile("sgd", "binary_crossentropy")
    soft.fit(X, np.linspace(0, 1, 120), 2, verbose=False)


def test_regression_records_loss_and_scores_r2():
    target = X @ [[1.0], [2.0]]
    model = Mapicx(seed=0, dtype="float64").add(2, 1, activation="Linear").compile("sgd", "mse")
    model.network.optimizer.lr = 0.5
    history = model.fit(X, target, 200, validation_split=0.1, verbose=False)
    assert list(history.history) == ["loss", "val_loss"]
    assert model.score(X, target[:, 0]) > 0.99
    assert list(model.evaluate(X, target)) == ["loss"]
    assert model.score(X, np.ones(120)) == 0.0
    with pytest.raises(ValueError, match="no classes"):
        model.predict_classes(X)


def test_partial_fit_knows_labels_that_come_later():
    names = np.array(["ada", "bob", "cleo"])
    model = make()
    assert model.partial_fit(X[:5], names[Y[:5]], classes=names) is model
    model.partial_fit(X[-5:], names[Y[-5:]])
    assert isinstance(model.train_on_batch(X, names[Y]), float)


def test_validation_split_is_stratified_and_drawn_from_the_seed():
    order = np.argsort(Y)
    for label in range(
        3
    ):  # a model that always says `label` is right on a third of what is held out
        model = make(optimizer=SGD(1e-12), rate=0)
        model.set_weights([w * 0 for w in model.get_weights()[:-1]] + [np.eye(3)[label]])
        history = model.fit(X[order], Y[order], 1, validation_split=0.25, verbose=False).history
        assert history["accuracy"] == history["val_accuracy"] == [pytest.approx(1 / 3)]
    one, two = (make(seed=4).fit(X, Y, 2, validation_split=0.3, verbose=False) for _ in range(2))
    assert one.history == two.history


def test_validation_data_leaves_training_as_it_was():
    one, two = make(), make()
    one.fit(X, Y, 5, verbose=False)
    history = two.fit(X, Y, 5, validation_data=(X, Y), verbose=False).history
    np.testing.assert_array_equal(one.network.parameters, two.network.parameters)
    assert history["val_loss"][-1] == pytest.approx(two.evaluate(X, Y)["loss"], rel=1e-6)


def test_early_stopping_restores_the_best_weights():
    model = make(optimizer=SGD(3.0), rate=0)
    stop = EarlyStopping("loss", patience=5, restore_best_weights=True)
    kept = [model.get_weights()]  # the loss of an epoch is that of the weights before it
    keep = lambda model, epoch, logs: kept.append(model.get_weights())  # noqa: E731
    losses = model.fit(X, Y, 500, callbacks=[stop, keep], verbose=False).history["loss"]
    assert len(losses) < 500
    assert int(np.argmin(losses)) == stop.best_epoch == len(losses) - 6
    for a, b in zip(kept[stop.best_epoch], model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_early_stopping_lets_accuracy_rise():
    model = make()
    stop = EarlyStopping("val_accuracy", patience=0)
    history = model.fit(X, Y, 50, validation_split=0.2, callbacks=[stop], verbose=False).history
    best = history["val_accuracy"]
    assert len(best) == 50 or best[-1] <= max(best[:-1])


def test_a_callback_may_stop_and_sees_the_model():
    model = make()
    seen = []

    def callback(model, epoch, logs):
        seen.append((epoch, sorted(logs)))
        return epoch == 2

    assert len(model.fit(X, Y, 10, callbacks=[callback], verbose=False).epoch) == 3
    assert seen[0] == (0, ["accuracy", "loss"])
    assert model.history.epoch == [0, 1, 2]


@pytest.mark.parametrize("lr", [1e6, 1e30])
def test_divergence_keeps_the_last_finite_weights(lr):
    model = Mapicx(seed=0).add(2, 8).add(8, 1, activation="Linear").compile(SGD(lr), "mse")
    with pytest.raises(FloatingPointError, match=r"epoch .* learning rate"):
        model.fit(X, X[:, 0] * 1e3, 100, verbose=False)
    assert np.isfinite(model.network.parameters).all()
    assert np.isfinite(model.predict(X[:1] * 0)).all()


def test_gradient_that_overflows_under_a_finite_loss_is_found():
    model = Mapicx(seed=0).add(2, 1, activation="Linear").compile(SGD(0.1), "mse")
    big = X * np.float32(1e30)
    model.set_weights([np.zeros((2, 1)), [0.0]])
    before = model.network.parameters.copy()
    with pytest.raises(FloatingPointError):
        model.train_on_batch(big, np.full(120, 1e12))
    np.testing.assert_array_equal(model.network.parameters, before)


def test_a_loss_that_overflows_is_found():
    model = Mapicx(seed=0).add(2, 1, activation="Linear").compile(SGD(0.1), "mse")
    model.set_weights([np.full((2, 1), 1e30), [0.0]])
    before = model.network.parameters.copy()
    with pytest.raises(FloatingPointError, match="loss is not finite"):
        model.train_on_batch(X * np.float32(1e10), np.ones(120))
    np.testing.assert_array_equal(model.network.parameters, before)


@pytest.mark.parametrize("optimizer", [SGD(0.1, weight_decay=30.0), AdamW(0.1, weight_decay=30.0)])
def test_weight_decay_that_overflows_is_found_in_time(optimizer):
    model = Mapicx(seed=0).add(2, 8, activation="tanh").add(8, 3, activation="Softmax")
    model.compile(copy.deepcopy(optimizer))
    with pytest.raises(FloatingPointError):
        model.fit(X, Y, 400, verbose=False)
    assert np.isfinite(model.network.parameters).all()


def test_a_model_can_be_copied_before_it_is_compiled():
    model = Mapicx(seed=0).add(2, 3, activation="Softmax")
    twin = copy.deepcopy(model)
    for one in (model, twin):
        one.compile(SGD(0.1)).fit(X, Y, 2, verbose=False)
    np.testing.assert_array_equal(model.network.parameters, twin.network.parameters)


def test_interrupted_training_leaves_a_usable_model():
    model = make()

    def interrupt(model, epoch, logs):
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, 10, batch_size=32, callbacks=[interrupt], verbose=False)
    assert len(model.history.epoch) == 3
    model.fit(X, Y, 2, batch_size=32, verbose=False)
    assert np.isfinite(model.predict(X)).all()


def test_a_steady_step_allocates_nothing_that_stays():
    model = make(optimizer=Adam())
    fit = lambda epochs: model.fit(X, Y, epochs, batch_size=32, verbose=False)  # noqa: E731
    fit(5)
    tracemalloc.start()
    fit(5)
    before, _ = tracemalloc.get_traced_memory()
    fit(250)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 250 * 2 * 100  # the recorded floats alone


def test_many_batch_sizes_do_not_pile_up():
    model = make()
    for n in range(1, 20):
        model.predict(X[:n])
    assert len(model.network._batches.kept) <= 6


def test_large_inputs_are_predicted_in_chunks():
    model = make()
    many = np.tile(X, (20, 1))
    np.testing.assert_allclose(model.predict(many)[:120], model.predict(X), rtol=1e-5)
    assert model.evaluate(many, np.tile(Y, 20))["loss"] == pytest.approx(
        model.evaluate(X, Y)["loss"], rel=1e-5
    )


@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_huge_logits_give_finite_losses(scale):
    for last, loss, y in (
        ("Softmax", "categorical_crossentropy", Y),
        ("Sigmoid", "binary_crossentropy", np.eye(3)[Y]),
    ):
        model = Mapicx(seed=0).add(2, 3, activation=last).compile("sgd", loss)
        model.set_weights([np.full((2, 3), scale), np.full(3, scale)])
        assert np.isfinite(model.evaluate(X, y)["loss"])
        assert np.isfinite(model.network.loss_and_gradients(X, y))
        assert np.isfinite(model.network.gradients).all()


class Linear(Layer):
    """A user's layer that says nothing about its sizes."""

    def __init__(self, n_in, n_out):
        self.weights = np.eye(n_in, n_out)
        self.gain = 1.0

    def forward(self, inputs, training=False):
        self.inputs = inputs
        return inputs @ self.weights * self.gain

    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues * self.gain
        return dvalues @ self.weights.T * self.gain


def test_a_users_layer_trains_copies_and_loads(tmp_path):
    model = Mapicx(seed=0).add(Linear(2, 3)).add(Softmax()).compile(SGD(0.5))
    losses = model.fit(X, Y, 100, batch_size=50, verbose=False).history["loss"]
    assert losses[-1] < losses[0]
    assert not np.array_equal(model.layers[0].weights, np.eye(2, 3))
    model.save(tmp_path / "own.npz")
    loaded = mapicx.load(tmp_path / "own.npz", layers={"Linear": Linear})
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    twin = copy.deepcopy(model)
    twin.fit(X, Y, 2, verbose=False)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    with pytest.raises(ValueError, match="Linear"):
        mapicx.load(tmp_path / "own.npz")


@settings(max_examples=25, deadline=None)
@given(
    hidden=st.lists(st.integers(1, 9), max_size=3),
    activation=st.sampled_from(["relu", "leakyrelu", "tanh", "sigmoid", "softmax", "linear"]),
    batch=st.integers(1, 130),
    dtype=st.sampled_from(["float32", "float64"]),
    init=st.sampled_from(["he", "glorot", "normal"]),
    rate=st.floats(0, 0.9),
)
def test_any_network_is_finite_and_deterministic(hidden, activation, batch, dtype, init, rate):
    def train(*epochs):
        model, sizes = Mapicx(seed=1, dtype=dtype), [2, *hidden]
        for n_in, n_out in itertools.pairwise(sizes):
            model.add(n_in, n_out, activation=activation, init=init)
        model.add(layer="Dropout", n_features=0, rate=rate).add(sizes[-1], 3, activation="Softmax")
        model.compile(Adam(0.01))
        for n in epochs:
            model.fit(X, Y, n, batch_size=batch, verbose=False)
        return model.network.parameters

    one = train(3)
    assert np.isfinite(one).all()
    np.testing.assert_array_equal(one, train(3))
    np.testing.assert_array_equal(one, train(1, 2))


def test_the_demonstration_runs(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "mapicx.__main__", raising=False)
    runpy.run_module("mapicx", run_name="__main__")
    out = capsys.readouterr().out
    assert "A" in out and "loss" in out


def test_spiral_data_are_reproducible():
    a, b = spiral_data(10, 4, seed=3), spiral_data(10, 4, seed=3)
    np.testing.assert_array_equal(a[0], b[0])
    assert a[0].shape == (40, 2) and set(a[1]) == {0, 1, 2, 3}
    with pytest.raises(ValueError):
        spiral_data(0)


def test_gradients_of_a_layer_are_those_of_the_last_backward():
    X, y = spiral_data(20, 3, seed=0)
    layers = [Dense(2, 8), ReLU(), Dense(8, 3), Softmax()]
    net = NeuralNetwork(layers, CategoricalCrossentropy(), SGD(0.1), seed=0, dtype="float64")
    for rows in (slice(0, 60), slice(0, 7), slice(0, 60)):  # the first plan is used again
        net.forward(X[rows])
        net.backward(y[rows])
        d = (layers[3].output - np.eye(3)[y[rows]]) / len(y[rows])
        np.testing.assert_allclose(layers[2].dinputs, d @ layers[2].weights.T, atol=1e-12)
        masked = layers[2].dinputs * (layers[1].output > 0)
        np.testing.assert_allclose(layers[1].dinputs, masked, atol=1e-12)
    before = net.gradients.copy()
    net.forward(X)
    net.predict(X[:5])  # another pass in between
    net.backward(y)
    np.testing.assert_allclose(net.gradients, before, atol=1e-12)


def test_backward_without_a_forward_says_so():
    X, y = spiral_data(20, 3, seed=0)
    model = Mapicx(seed=0).add(2, 3, activation="Softmax").compile()
    model.fit(X, y, verbose=False)
    with pytest.raises(ValueError, match="call forward"):
        model.backward(y)
    with pytest.raises(ValueError, match="not compiled"):
        Mapicx().backward(y)


def test_an_activation_that_is_none_is_refused_unless_it_says_so():
    for strange in (ReLU, np.tanh, 3):
        with pytest.raises(ValueError, match="unknown activation"):
            Mapicx().add(2, 3, activation=strange)
    for linear in (None, "linear", "Linear"):
        assert len(Mapicx().add(2, 3, activation=linear).layers) == 1


def test_a_rate_that_a_callback_changed_is_saved(tmp_path):
    X, y = spiral_data(20, 3, seed=0)

    def cool(model, epoch, logs):
        model.optimizer.lr = 0.0 if epoch == 9 else 0.5 / (1 + epoch)

    model = Mapicx(seed=0).add(2, 3, activation="Softmax").compile(SGD(0.5, momentum=0.9))
    for epochs, rate in ((5, 0.1), (10, 0.0)):  # the second time it ends at 0, as schedules do
        model.fit(X, y, epochs, callbacks=[cool], verbose=False)
        model.save(tmp_path / "m.npz")
        loaded = load(tmp_path / "m.npz")
        assert loaded.optimizer.lr == rate and f"lr={rate}" in repr(loaded.optimizer)
        for one in (model, loaded):
            one.fit(X, y, 3, verbose=False)
        np.testing.assert_array_equal(loaded.parameters, model.parameters)


def test_by_hand_a_last_layer_may_leave_its_width_open():
    X, y = spiral_data(20, 3, seed=0)
    own = NeuralNetwork([Linear(2, 3)], MeanSquaredError(), SGD(0.1))
    stated = NeuralNetwork([Linear(2, 3)], MeanSquaredError(), SGD(0.1))
    stated.n_neurons = 3
    for network in (own, stated):
        assert network.forward(X, training=True).shape == (60, 3)
        network.backward(np.eye(3)[y])
        network.update_params()
    np.testing.assert_array_equal(own.parameters, stated.parameters)
    assert own.gradients.any()


def test_options_of_numpy_are_saved(tmp_path):
    X, y = spiral_data(20, 3, seed=0)
    model = Mapicx(seed=0).add(2, 3, activation="Softmax")
    model.compile(SGD(np.float32(0.5))).fit(X, y, verbose=False)
    model.save(tmp_path / "m.npz")
    assert load(tmp_path / "m.npz").optimizer.lr == 0.5
