"""Numbers of NumPy, weights that a data type cannot hold, and which weights are the best."""

import numpy as np
import pytest

import mapicx
from mapicx import SGD, Adam, AdamW, Dense, Dropout, EarlyStopping, LeakyReLU, Mapicx, RMSprop
from mapicx.datasets import spiral_data

X, Y = spiral_data(20, 3, seed=0)
OPTIONS = {"lr": 0.05, "decay": 0.001, "weight_decay": 0.0005, "clipnorm": 0.5}
OPTIMIZERS = {
    SGD: OPTIONS | {"momentum": 0.75, "nesterov": True},
    RMSprop: OPTIONS | {"rho": 0.75, "epsilon": 1e-6},
    Adam: OPTIONS | {"beta_1": 0.75, "beta_2": 0.9375, "epsilon": 1e-6},
    AdamW: OPTIONS | {"beta_1": 0.75, "beta_2": 0.9375, "epsilon": 1e-6},
}
SCALARS = [np.float32, np.float64, np.float16]


def make(optimizer=None, dtype="float32", rate=0.25, slope=0.125, width=8):
    model = Mapicx(seed=0, dtype=dtype).add(2, width, activation=LeakyReLU(slope))
    return model.add(Dropout(rate)).add(width, 3, activation="Softmax").compile(optimizer or "sgd")


@pytest.mark.parametrize("scalar", SCALARS)
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_options_of_numpy_are_those_of_python(kind, scalar, tmp_path):
    given = {n: v if v is True else scalar(v) for n, v in OPTIMIZERS[kind].items()}
    plain = {n: v if v is True else float(v) for n, v in given.items()}
    given["nesterov"] = np.True_ if "nesterov" in given else None
    models = []
    for options in ({n: v for n, v in given.items() if v is not None}, plain):
        model = make(kind(**options))
        model.fit(X, Y, 3, batch_size=16, verbose=False)
        model.save(tmp_path / "m")
        loaded = mapicx.load(tmp_path / "m")
        loaded.fit(X, Y, 3, batch_size=16, verbose=False)
        assert {n: getattr(loaded.optimizer, n) for n in plain} == plain
        assert all(type(getattr(loaded.optimizer, n)) in (float, bool) for n in plain)
        models.append(loaded)
    np.testing.assert_array_equal(models[0].parameters, models[1].parameters)


@pytest.mark.parametrize("scalar", SCALARS)
def test_options_of_layers_may_be_numpys(scalar, tmp_path):
    width = np.int16(8)
    models = [make(rate=scalar(0.25), slope=scalar(0.125), width=width), make()]
    for model in models:
        model.fit(X, Y, 3, verbose=False)
    models[0].save(tmp_path / "m")
    models.append(mapicx.load(tmp_path / "m"))
    for model in models:
        model.fit(X, Y, 3, verbose=False)
    np.testing.assert_array_equal(models[0].parameters, models[1].parameters)
    np.testing.assert_array_equal(models[2].parameters, models[1].parameters)
    dense = Dense(np.uint8(200), np.uint8(200))
    assert (type(dense.n_features), type(dense.n_neurons)) == (int, int)


@pytest.mark.parametrize("scalar", SCALARS)
def test_a_rate_of_numpy_that_a_callback_sets_is_saved(scalar, tmp_path):
    def halve(model, epoch, logs):
        model.optimizer.lr = scalar(0.5)
        model.layers[2].rate = scalar(0.5)

    model = make()
    model.fit(X, Y, 2, callbacks=halve, verbose=False)
    model.save(tmp_path / "m")
    loaded = mapicx.load(tmp_path / "m")
    assert (loaded.optimizer.lr, loaded.layers[2].rate) == (0.5, 0.5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [None, 16])
def test_all_that_is_reported_are_plain_floats(dtype, batch_size):
    model = make(dtype=dtype)
    stop = EarlyStopping(patience=9)
    seen = []
    weights = np.linspace(0, 1, len(X), dtype=np.float32)
    options = {"validation_data": (X, Y), "batch_size": batch_size, "sample_weight": weights}
    callbacks = [stop, lambda model, epoch, logs: seen.extend(logs.values()) or np.False_]
    history = model.fit(X, Y, 2, callbacks=callbacks, verbose=False, **options)
    values = [value for column in history.history.values() for value in column]
    values += [*model.evaluate(X, Y).values(), *model.evaluate(X, Y, weights).values(), *seen]
    values += [model.score(X, Y), model.train_on_batch(X, Y), stop.best]
    assert {type(value) for value in values} == {float}
    assert len(history.epoch) == 2
    regression = Mapicx(seed=0, dtype=dtype).add(2, 1, activation=None).compile("sgd", "mse")
    assert type(regression.score(X, X[:, 0])) is type(regression.evaluate(X, X[:, 0])["loss"])
    assert type(regression.score(X, X[:, 0])) is float


@pytest.mark.parametrize("answer", [np.True_, True, np.bool(1)])
def test_a_callback_stops_with_any_truth_value(answer):
    history = make().fit(X, Y, 5, callbacks=lambda model, epoch, logs: answer, verbose=False)
    assert len(history.epoch) == 1


@pytest.mark.parametrize("scale", [1e-50, 1e-39, 1e-300, 1e37, 1e39, 1e300])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [None, 16])
def test_weights_count_by_their_proportions(scale, dtype, batch_size):
    weights, models = np.linspace(1, 2, len(X)), []
    for factor in (1, scale):
        model = make(Adam(0.01), dtype)
        options = {"batch_size": batch_size, "verbose": False}
        history = model.fit(X, Y, 3, sample_weight=weights * factor, **options).history
        models.append([model.parameters, *history.values()])
        models[-1].append([*model.evaluate(X, Y, weights * factor).values()])
    for one, two in zip(*models, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-6)


def test_weights_that_vanish_beside_others_count_nothing():
    small = np.where(np.arange(len(X)) % 2, 1.0, 1e-50)
    parameters = []
    for weights in (small, np.where(small == 1, 1.0, 0.0)):
        model = make(Adam(0.01))
        history = model.fit(X, Y, 3, sample_weight=weights, verbose=False).history
        assert np.isfinite(history["loss"]).all()
        parameters.append(model.parameters)
    np.testing.assert_array_equal(*parameters)


@pytest.mark.parametrize("batch_size", [16, 1])
def test_batches_whose_weights_vanish_change_nothing_to_nan(batch_size):
    weights = np.full(len(X), 1e-50)
    weights[:3] = 1
    options = {"batch_size": batch_size, "shuffle": False, "verbose": False}
    model = make()
    history = model.fit(X, Y, 3, sample_weight=weights, **options).history
    assert np.isfinite(history["loss"]).all() and np.isfinite(model.parameters).all()


@pytest.mark.parametrize("factor", [1e-50, 1e39])
def test_class_weights_count_by_their_proportions(factor):
    parameters = []
    for scale in (1, factor):
        model = make(Adam(0.01))
        weights = {0: 1 * scale, 1: 2 * scale, 2: 3 * scale}
        model.fit(X, Y, 3, class_weight=weights, verbose=False)
        parameters.append(model.parameters)
    np.testing.assert_allclose(*parameters, rtol=1e-4, atol=1e-6)


# A rate that overshoots more and more: the first epochs have the lowest loss.
LINE = np.array([[1.0], [2.0], [3.0]])


def follow(monitor, batch_size, **options):
    """A fit with the best weights restored, and the parameters before it and after each epoch."""
    model = Mapicx(seed=0, dtype="float64").add(1, 1, activation=None).compile(SGD(0.3), "mse")
    model.set_weights([[[2.001]], [[0.0]]])
    passed = [model.parameters.copy()]
    note = lambda model, epoch, logs: passed.append(model.parameters.copy())  # noqa: E731
    stop = EarlyStopping(monitor, patience=99, restore_best_weights=True)
    options |= {"batch_size": batch_size, "shuffle": False, "verbose": False}
    history = model.fit(LINE, 2 * LINE, 4, callbacks=[note, stop], **options).history
    return model, passed, int(np.argmin(history[monitor])), stop


def test_the_training_loss_of_one_batch_is_that_of_the_weights_before():
    model, passed, best, stop = follow("loss", None)
    np.testing.assert_array_equal(model.parameters, passed[best])
    assert model.evaluate(LINE, 2 * LINE)["loss"] == pytest.approx(stop.best)


def test_the_training_loss_of_several_batches_belongs_to_the_end_of_the_epoch():
    model, passed, best, _ = follow("loss", 1)
    np.testing.assert_array_equal(model.parameters, passed[best + 1])


@pytest.mark.parametrize("batch_size", [None, 1])
def test_the_validation_loss_is_that_of_the_weights_after_the_epoch(batch_size):
    data = (LINE, 2 * LINE)
    model, passed, best, stop = follow("val_loss", batch_size, validation_data=data)
    np.testing.assert_array_equal(model.parameters, passed[best + 1])
    assert model.evaluate(*data)["loss"] == stop.best
