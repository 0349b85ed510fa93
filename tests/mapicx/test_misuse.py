"""Misuse and rare uses: each is refused with a sentence, or done right."""

import copy
import json
import os
import pickle
import threading
import zipfile

import numpy as np
import pandas as pd
import pytest

import mapicx
from mapicx import (
    SGD,
    Adam,
    CategoricalCrossentropy,
    Dropout,
    EarlyStopping,
    Layer,
    LeakyReLU,
    Mapicx,
    MapicxClassifier,
    MapicxRegressor,
    NeuralNetwork,
    RMSprop,
    load,
)
from mapicx.datasets import spiral_data
from mapicx.optimizers import Optimizer

X, Y = spiral_data(20, 3, seed=0)


def make(optimizer="sgd", seed=0, dtype="float32", **options):
    model = Mapicx(seed=seed, dtype=dtype).add(2, 8, **options).add(8, 3, activation="Softmax")
    return model.compile(optimizer)


# Rates that a callback sets


@pytest.mark.parametrize("value", [np.nan, -0.1, np.inf, "0.1", None])
@pytest.mark.parametrize("name", ["lr", "decay"])
@pytest.mark.parametrize("optimizer", [SGD, Adam, RMSprop])
def test_a_rate_that_is_none_is_refused_before_the_next_update(optimizer, name, value):
    model = make(optimizer())
    seen = []

    def change(model, epoch, logs):
        seen.append(model.parameters.copy())
        setattr(model.optimizer, name, value)

    with pytest.raises(ValueError, match=name):
        model.fit(X, Y, 5, callbacks=change, verbose=False)
    assert len(seen) == 1
    np.testing.assert_array_equal(model.parameters, seen[0])
    with pytest.raises(ValueError, match=name):
        model.train_on_batch(X, Y)


def test_a_schedule_may_end_at_0_or_next_to_it():
    model = make(SGD(0.1))
    for rate in (1e-320, 0.0):
        model.optimizer.lr = rate
        before = model.parameters.copy()
        model.fit(X, Y, 2, verbose=False)
        np.testing.assert_array_equal(model.parameters, before)


@pytest.mark.parametrize("optimizer", [Adam, RMSprop])
def test_an_epsilon_that_the_data_type_rounds_to_0_is_refused(optimizer):
    with pytest.raises(ValueError, match="epsilon is 1e-50"):
        make(optimizer(epsilon=1e-50)).fit(X, Y, verbose=False)
    model = make(optimizer(epsilon=1e-50), dtype="float64").fit(X, Y, 3, verbose=False)
    assert np.isfinite(model.history["loss"]).all()


def test_squares_of_adam_that_would_overflow_are_found_before(tmp_path):
    model = Mapicx(seed=0).add(2, 1, activation=None).compile(Adam(1e-3), "mse")
    model.parameters[:] = 1
    before = model.parameters.copy()
    with pytest.raises(FloatingPointError, match="gradient"):
        model.fit(X * 1e17, X[:, 0], 3, verbose=False)  # finite losses and gradients
    np.testing.assert_array_equal(model.parameters, before)
    model.save(tmp_path / "m")
    load(tmp_path / "m")


@pytest.mark.parametrize("change", [("rate", 1.5), ("rate", -0.1), ("slope", 5), ("slope", -1)])
@pytest.mark.parametrize("eager", [False, True])
def test_a_layers_option_out_of_range_is_refused(change, eager, tmp_path):
    name, value = change
    layer = Dropout(0.1) if name == "rate" else LeakyReLU(0.1)
    model = Mapicx(seed=0, eager=eager).add(2, 8).add(layer).add(8, 3, activation="Softmax")
    model.compile().fit(X, Y, verbose=False)
    setattr(layer, name, value)
    with pytest.raises(ValueError, match=name):
        model.fit(X, Y, verbose=False)
    with pytest.raises(ValueError, match=name):
        model.save(tmp_path / "m")


# Targets and labels


def test_a_validation_split_needs_weight_on_both_sides():
    for weights in (np.eye(len(X))[0], np.eye(len(X))[0] + np.eye(len(X))[1]):
        model = make()
        before = model.parameters.copy()
        with pytest.raises(ValueError, match="weights are all zero"):
            model.fit(X, Y, sample_weight=weights, validation_split=0.05, verbose=False)
        np.testing.assert_array_equal(model.parameters, before)


@pytest.mark.parametrize("labels", [["a", "b", "c"], [1.5, 2.5, 3.5], [False, True]])
@pytest.mark.parametrize("kind", [list, lambda x: np.array(x, object), pd.Series])
def test_classes_may_come_in_any_array(labels, kind):
    model = Mapicx(seed=0).add(2, 8).add(8, len(labels), activation="Softmax").compile()
    y = np.array(labels)[Y % len(labels)]
    model.partial_fit(X[:5], y[:5], classes=kind(labels))
    assert set(model.predict_classes(X)) <= set(labels)


@pytest.mark.parametrize("classes", [["a", "b"], ["a", "b", "c", "d"], ["a", None, "c"]])
def test_classes_must_fit_one_hot_targets_too(classes):
    for y in (np.eye(3)[Y], Y):
        with pytest.raises(ValueError, match=r"labels for 3 outputs|one kind"):
            make().partial_fit(X, y, classes=classes)


def test_a_regression_and_several_yes_no_outputs_have_no_classes():
    for loss, last in (("mse", None), ("binary_crossentropy", "Sigmoid")):
        model = Mapicx(seed=0).add(2, 2, activation=last).compile(loss=loss)
        with pytest.raises(ValueError, match="takes no classes"):
            model.partial_fit(X, (X > 0).astype(int), classes=[0, 1])


@pytest.mark.parametrize("weight", ["balanced", {0: 2.0}])
def test_class_weight_needs_one_class_per_sample(weight):
    model = Mapicx(seed=0).add(2, 2, activation="Sigmoid").compile(loss="binary_crossentropy")
    with pytest.raises(ValueError, match="one class per sample"):
        model.fit(X, (X > 0).astype(int), class_weight=weight, verbose=False)


@pytest.mark.parametrize("missing", [float("nan"), None, np.nan, pd.NA, np.ma.masked])
@pytest.mark.parametrize("labels", [["a", "b", "c"], [0, 1, 2], [True, False, True]])
def test_a_list_with_a_missing_label_is_refused(missing, labels):
    y = [labels[i] for i in Y]
    y[7] = missing
    for given in (y, tuple(y), [[label] for label in y]):
        with pytest.raises(ValueError, match=r"y holds|y is masked|y has NaN"):
            make().fit(X, given, verbose=False)


def test_masked_rows_in_a_list_are_refused():
    rows = [np.ma.array(row, mask=[False, i == 3]) for i, row in enumerate(X)]
    with pytest.raises(ValueError, match="X is masked"):
        make().fit(rows, Y, verbose=False)
    cells = [[float(a), np.ma.masked if i == 3 else float(b)] for i, (a, b) in enumerate(X)]
    with pytest.raises(ValueError, match="X is masked"):
        make().fit(cells, Y, verbose=False)


def test_a_table_may_have_columns_of_any_name():
    table = pd.DataFrame(X, columns=["filled", "mask"])
    one, two = make(), make()
    one.fit(table, Y, verbose=False)
    two.fit(X, Y, verbose=False)
    np.testing.assert_array_equal(one.parameters, two.parameters)


def test_lists_of_labels_are_arrays_of_labels():
    for y in (Y.tolist(), tuple(Y.tolist()), [*Y], np.eye(3)[Y].tolist(), list(np.eye(3)[Y])):
        one, two = make(), make()
        one.fit(X, y, 2, verbose=False)
        two.fit(X, Y, 2, verbose=False)
        np.testing.assert_array_equal(one.parameters, two.parameters)
    with pytest.raises(ValueError, match="y has shape"):
        make().fit(X, [], verbose=False)


def test_targets_beyond_the_data_type_are_refused_and_large_ones_score():
    model = Mapicx(seed=0).add(2, 1, activation=None).compile(loss="mse")
    column = X[:, 0].astype(float)
    for action in (model.fit, model.evaluate, model.score, model.train_on_batch):
        with pytest.raises(ValueError, match=r"y has .*too large for float32"):
            action(X, column * 1e60)
    model.set_weights([[[1e20], [0]], [0]])
    assert model.score(X, column * 1e20) > 0.999999
    assert model.score(X, X[:, 1] * 1e20) < 0.5
    wide = Mapicx(seed=0, dtype="float64").add(2, 1, activation=None).compile(loss="mse")
    wide.set_weights([[[1e200], [0]], [0]])
    assert wide.score(X, column * 1e200) > 0.999999


# Models


def test_attributes_of_the_network_are_not_shadowed():
    model = make()
    model.parameters = 0.5
    assert (model.network.parameters == 0.5).all()
    model.gradients = np.ones(model.gradients.size)
    assert (model.network.gradients == 1).all()
    for name in ("optimizer", "loss", "classes", "layers", "dtype", "eager", "network"):
        with pytest.raises(AttributeError, match=name):
            setattr(model, name, None)
    with pytest.raises(AttributeError, match="optimizer"):
        Mapicx().optimizer = SGD()
    with pytest.raises(ValueError, match="not compiled"):
        Mapicx().parameters = 0
    model.note = "mine"
    assert copy.copy(model).note == pickle.loads(pickle.dumps(model)).note == "mine"


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_the_optimizer_of_a_copy_is_the_copys(way):
    model = make(Adam())
    model.fit(X, Y, 3, verbose=False)
    twin = way(model)
    other = make(twin.optimizer, seed=1)
    assert twin.optimizer is not other.optimizer
    assert (twin.optimizer.iterations, other.optimizer.iterations) == (3, 0)
    for one in (model, twin):
        one.fit(X, Y, 3, verbose=False)
    np.testing.assert_array_equal(model.parameters, twin.parameters)


def test_an_optimizer_that_goes_from_network_to_network_leaves_each_its_own():
    shared = Adam()
    one = make(shared)
    one.fit(X, Y, 3, verbose=False)
    two = make(shared, seed=1)
    three = make(one.optimizer, seed=2)
    assert len({id(model.optimizer) for model in (one, two, three)}) == 3
    assert [model.optimizer.iterations for model in (one, two, three)] == [3, 0, 0]


GENERATORS = [np.random.MT19937, np.random.Philox, np.random.SFC64, np.random.PCG64DXSM]


@pytest.mark.parametrize("kind", GENERATORS)
def test_other_generators_drop_as_much_and_can_be_saved(kind, tmp_path):
    def trained():
        model = make(seed=np.random.Generator(kind(0)), layer="Dense")
        model.add(Dropout(0.25)).compile(loss="mse")
        model.fit(X, np.eye(3)[Y], 3, verbose=False)
        return model

    model = trained()
    np.testing.assert_array_equal(model.parameters, trained().parameters)
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(load(tmp_path / "m").predict(X), model.predict(X))
    net = NeuralNetwork([Dropout(0.25)], mapicx.MeanSquaredError(), SGD(), seed=kind(0))
    kept = np.count_nonzero(net.forward(np.ones((1000, 50)), training=True)) / 50_000
    assert abs(kept - 0.75) < 0.01


def test_a_metric_counts_once():
    model = Mapicx(seed=0).add(2, 3, activation="Softmax").compile(metrics=["accuracy"] * 2)
    assert list(model.fit(X, Y, 2, verbose=False).history) == ["loss", "accuracy"]
    assert list(model.evaluate(X, Y)) == ["loss", "accuracy"]


def test_early_stopping_has_words_before_training():
    stop = EarlyStopping(patience=3)
    assert str(stop) == repr(stop)
    assert "monitor='val_loss'" in repr(stop) and "patience=3" in repr(stop)


# Files


class Slow(SGD):
    """An optimizer of a user."""


class Own(Optimizer):
    def __init__(self, lr=0.1, decay=0.0):
        super().__init__(vars())

    def update(self, w, g, state, rates, xp):
        w -= g * rates[0]


class Half(CategoricalCrossentropy):
    """A loss of a user."""


Namesake = type("Tanh", (Layer,), {
    "keeps_width": True,
    "forward": lambda self, inputs, training=False: inputs * 1,
    "backward": lambda self, dvalues: dvalues * 1,
})  # fmt: skip


@pytest.mark.parametrize("optimizer", [Slow(), Own()])
def test_an_optimizer_of_a_user_cannot_be_saved(optimizer, tmp_path):
    with pytest.raises(ValueError, match=type(optimizer).__name__):
        make(optimizer).save(tmp_path / "m")
    assert not os.listdir(tmp_path)


def test_a_loss_of_a_user_cannot_be_saved(tmp_path):
    model = Mapicx().add(2, 3, activation="Softmax").compile(loss=Half())
    with pytest.raises(ValueError, match="Half"):
        model.save(tmp_path / "m")


def test_a_layer_that_has_the_name_of_ours_cannot_be_saved(tmp_path):
    model = Mapicx().add(2, 3, activation=None).add(Namesake()).add(3, 3, activation="Softmax")
    with pytest.raises(ValueError, match="Tanh has the name"):
        model.compile().save(tmp_path / "m")


@pytest.mark.parametrize("name, value", [("lr", -1.0), ("lr", np.nan), ("beta_1", 1.5)])
def test_options_out_of_range_are_not_saved(name, value, tmp_path):
    model = make(Adam())
    setattr(model.optimizer, name, value)
    with pytest.raises(ValueError, match=name):
        model.save(tmp_path / "m")


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    model = make()
    model.parameters[3] = np.nan
    with pytest.raises(ValueError, match="the model has NaN"):
        model.save(tmp_path / "m")
    assert not os.listdir(tmp_path)


def test_a_save_changes_no_permissions_of_other_threads_files(tmp_path):
    model = make()
    old = os.umask(0o022)
    done = threading.Event()

    def save():
        for number in range(200):
            model.save(tmp_path / f"{number % 3}.npz")
        done.set()

    try:
        thread = threading.Thread(target=save)
        thread.start()
        modes, number = set(), 0
        while not done.is_set():
            number += 1
            path = tmp_path / f"other{number}"
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o666))
            modes.add(path.stat().st_mode & 0o777)
            path.unlink()
        thread.join()
        assert modes == {0o644}
        assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.npz")} == {0o644}
    finally:
        os.umask(old)


def test_what_is_saved_can_be_loaded_and_goes_on(tmp_path):
    model = make(Adam(), layer="Dense", activation=LeakyReLU(np.float32(0.25)))
    model.fit(X, Y, 3, batch_size=7, verbose=False)
    model.save(tmp_path / "m")
    with zipfile.ZipFile(tmp_path / "m") as archive:
        header = json.loads(str(np.load(archive.open("header.npy"))))
    assert header["rng"]["bit_generator"] == "PCG64"
    loaded = load(tmp_path / "m")
    for one in (model, loaded):
        one.fit(X, Y, 3, batch_size=7, verbose=False)
    np.testing.assert_array_equal(model.parameters, loaded.parameters)


class Widening(Layer):
    """A layer that does not say how many values it gives."""

    def __init__(self):
        self.weights = np.ones((3, 5))

    def forward(self, inputs, training=False):
        self.inputs = inputs
        return inputs @ self.weights

    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues
        return dvalues @ self.weights.T


def test_a_layer_that_leaves_its_width_open_can_be_saved(tmp_path):
    model = Mapicx(seed=0).add(2, 3).add(Widening()).compile(loss="mse")
    model.fit(X, np.eye(5)[Y], 2, verbose=False)
    model.save(tmp_path / "m")
    loaded = load(tmp_path / "m", layers={"Widening": Widening})
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


class Prepared(Mapicx):
    """A model of a user that makes itself."""

    def __init__(self, classes=3):
        super().__init__(seed=0)
        self.classes = classes
        self.add(2, 4).add(4, classes, activation="Softmax")


def test_a_subclass_of_mapicx_can_be_saved(tmp_path):
    model = Prepared().compile()
    model.save(tmp_path / "m")
    loaded = load(tmp_path / "m")
    assert type(loaded) is Mapicx
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


class Branching(Layer):
    """A layer that needs eager=True, and counts its calls."""

    keeps_width = True
    calls = 0

    def forward(self, inputs, training=False, xp=np):
        self.calls += 1
        return inputs * (2 if xp.sum(inputs) > 0 else 1)

    def backward(self, dvalues, xp=np):
        return dvalues * 2


def test_a_layer_that_needs_eager_can_be_saved(tmp_path):
    model = Mapicx(seed=0, eager=True).add(2, 3).add(Branching()).compile(loss="mse")
    model.fit(X, np.eye(3)[Y], 2, verbose=False)
    calls = model.layers[-1].calls
    model.save(tmp_path / "m")
    loaded = load(tmp_path / "m", layers={"Branching": Branching})
    assert model.layers[-1].calls == loaded.layers[-1].calls == calls
    assert not loaded.gradients.any()


class Jitter(Layer):
    """A layer that reads an array of its constructor in training alone."""

    keeps_width = True

    def __init__(self):
        self.table = np.array([0.9, 1.1, 1.0])

    def forward(self, inputs, training=False):
        return inputs * self.table if training else inputs

    def backward(self, dvalues):
        return dvalues


def test_a_layer_that_could_not_be_trained_again_is_not_saved(tmp_path):
    model = Mapicx(seed=0).add(2, 3).add(Jitter()).compile(loss="mse")
    with pytest.raises(ValueError, match=r"no attribute .table."):
        model.save(tmp_path / "m")


# Estimators


def test_a_class_weight_may_name_a_class_that_a_batch_lacks():
    weight = {0: 1.0, 1: 3.0, 2: 0.5}
    one = MapicxClassifier(8, class_weight=weight, random_state=0)
    two = MapicxClassifier(8, random_state=0)
    part = Y != 1
    one.partial_fit(X[part], Y[part], classes=[0, 1, 2])
    two.partial_fit(X[part], Y[part], [0, 1, 2], np.array([1, 3, 0.5])[Y[part]])
    np.testing.assert_allclose(one.predict_proba(X), two.predict_proba(X))


def test_weights_that_a_user_gives_stay_as_they_are():
    weights = np.linspace(1, 2, len(X))
    before = weights.copy()
    MapicxClassifier(8, epochs=1, class_weight={1: 3.0}).fit(X, Y, sample_weight=weights)
    MapicxClassifier(8, epochs=1, class_weight="balanced").fit(X, Y, sample_weight=weights)
    np.testing.assert_array_equal(weights, before)


def test_class_weight_takes_the_labels_of_strings():
    names = np.array(["a", "b", "c"])[Y]
    one = MapicxClassifier(8, epochs=3, class_weight={"b": 3.0}, random_state=0).fit(X, names)
    two = MapicxClassifier(8, epochs=3, random_state=0).fit(X, names, 1 + 2.0 * (names == "b"))
    np.testing.assert_allclose(one.predict_proba(X), two.predict_proba(X))
    with pytest.raises(ValueError, match="class_weight"):
        MapicxClassifier(8, class_weight={"d": 2.0}).fit(X, names)
    more = {"a": 1.0, "b": 3.0, "c": 1.0, "of another fold": 2.0}
    three = MapicxClassifier(8, epochs=3, class_weight=more, random_state=0).fit(X, names)
    np.testing.assert_array_equal(one.predict_proba(X), three.predict_proba(X))


@pytest.mark.parametrize("wrong", [{"lr": -1.0}, {"hidden_layer_sizes": 0}, {"lr": 1e30}])
def test_a_first_partial_fit_that_fails_leaves_no_estimator_half_fitted(wrong):
    for kind, options in ((MapicxClassifier, {"classes": [0, 1, 2]}), (MapicxRegressor, {})):
        estimator = kind(8, random_state=0)
        good = {name: estimator.get_params()[name] for name in wrong}
        estimator.set_params(**wrong)
        with pytest.raises((ValueError, FloatingPointError)):
            for _ in range(5):
                estimator.partial_fit(X * 1e3, Y, **options)
                assert wrong == {"lr": 1e30}
        fitted = hasattr(estimator, "model_")
        assert fitted == (hasattr(estimator, "classes_") or hasattr(estimator, "_shape"))
        if not fitted:
            estimator.set_params(**good)
            estimator.partial_fit(X, Y, **options)
            estimator.predict(X)


def test_a_first_partial_fit_without_classes_can_be_mended():
    estimator = MapicxClassifier(8, random_state=0)
    with pytest.raises(ValueError, match="not among"):
        estimator.partial_fit(X, Y, classes=[0, 1])
    estimator.partial_fit(X, Y, classes=[0, 1, 2]).predict(X)
