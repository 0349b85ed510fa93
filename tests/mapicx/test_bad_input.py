"""Bad input raises ValueError with a sentence and changes nothing."""

import json
import pickle
import zipfile

import numpy as np
import pytest

import mapicx
from mapicx import (
    SGD,
    Adam,
    BinaryCrossentropy,
    Dense,
    Dropout,
    EarlyStopping,
    Layer,
    LeakyReLU,
    Mapicx,
    MeanSquaredError,
    NeuralNetwork,
    ReLU,
    Softmax,
)

X = np.random.default_rng(0).standard_normal((12, 2)).astype(np.float32)
Y = np.arange(12) % 3


def make(loss="categorical_crossentropy", outputs=3, last="softmax"):
    model = Mapicx(seed=0).add(2, 4).add(4, outputs, activation=last)
    return model.compile(SGD(0.1, momentum=0.9), loss)


NAN = np.where(np.arange(24).reshape(12, 2) == 3, np.nan, X)
FITS = {
    "rows of X": (X[:5], Y, {}),
    "columns of X": (X[:, :1], Y, {}),
    "flat X": (X[:, 0], Y, {}),
    "empty X": (X[:0], Y[:0], {}),
    "NaN in X": (NAN, Y, {}),
    "infinity in X": (X * np.inf, Y, {}),
    "too large for float32": (X.astype(float) * 1e300, Y, {}),
    "words in X": ([["a", "b"]], [0], {}),
    "negative label": (X, Y - 1, {}),
    "label too large": (X, Y + 1, {}),
    "label with a fraction": (X, Y + 0.5, {}),
    "NaN label": (X, np.where(Y == 1, np.nan, Y), {}),
    "complex labels": (X, Y + 1j, {}),
    "two strings for three": (X, np.array(["a", "b"])[Y % 2], {}),
    "booleans for three": (X, Y == 0, {}),
    "scalar y": (X, 1, {}),
    "soft rows that do not sum to 1": (X, np.full((12, 3), 0.5), {}),
    "soft rows below 0": (X, np.tile([-1.0, 1.0, 1.0], (12, 1)), {}),
    "soft rows too narrow": (X, np.full((12, 2), 0.5), {}),
    "cube y": (X, np.ones((12, 3, 1)), {}),
    "epochs 0": (X, Y, {"epochs": 0}),
    "epochs 1.5": (X, Y, {"epochs": 1.5}),
    "batch_size 0": (X, Y, {"batch_size": 0}),
    "batch_size True": (X, Y, {"batch_size": True}),
    "split 1": (X, Y, {"validation_split": 1}),
    "split too small": (X, Y, {"validation_split": 0.001}),
    "both validations": (X, Y, {"validation_split": 0.5, "validation_data": (X, Y)}),
    "bad validation": (X, Y, {"validation_data": (X, Y + 1)}),
    "short weights": (X, Y, {"sample_weight": [1.0]}),
    "negative weights": (X, Y, {"sample_weight": -np.ones(12)}),
    "zero weights": (X, Y, {"sample_weight": np.zeros(12)}),
    "NaN weights": (X, Y, {"sample_weight": np.full(12, np.nan)}),
    "unknown class in weights": (X, Y, {"class_weight": {7: 1.0}}),
    "class weights no dict": (X, Y, {"class_weight": "equal"}),
    "class weights below 0": (X, Y, {"class_weight": {0: -1.0}}),
    "masked X": (np.ma.masked_greater(X, 0.5), Y, {}),
    "complex X": (X + 1j, Y, {}),
    "dates in X": (np.zeros((12, 2), "M8[s]"), Y, {}),
    "digits as strings": (X.astype(str), Y, {}),
    "None in X": ([[0.0, None]] * 12, Y, {}),
    "ragged X": ([[0.0], [0.0, 1.0]] * 6, Y, {}),
    "masked y": (X, np.ma.masked_equal(Y, 1), {}),
    "a missing label": (X, np.array(["a", "b", None] * 4, object), {}),
    "labels of two kinds": (X, np.array(["a", 1, 2] * 4, object), {}),
    "bytes as labels": (X, np.array([b"a", b"b", b"c"] * 4), {}),
    "dates as labels": (X, np.zeros(12, "M8[s]"), {}),
    "words as weights": (X, Y, {"sample_weight": ["a"] * 12}),
    "validation data without y": (X, Y, {"validation_data": X}),
    "half a pair": (X, Y, {"validation_data": (X,)}),
    "callback for other arguments": (X, Y, {"callbacks": [lambda epoch, logs: None]}),
    "callback no function": (X, Y, {"callbacks": [3]}),
    "monitor not recorded": (X, Y, {"callbacks": [EarlyStopping()]}),
}


@pytest.mark.parametrize("case", FITS)
def test_fit_refuses_and_changes_nothing(case):
    model, (a, b, options) = make(), FITS[case]
    model.fit(X, Y, verbose=False)
    before = pickle.dumps((model.network.parameters, model.rng, model.history.history))
    with pytest.raises(ValueError, match=r"\w+ \w+ \w+"):
        model.fit(a, b, verbose=False, **options)
    if "split" not in case:  # the rows to hold out are drawn before it is known that none is due
        after = pickle.dumps((model.network.parameters, model.rng, model.history.history))
        assert after == before
    assert model.network.optimizer.iterations == 1


def test_other_losses_refuse_their_bad_targets():
    binary = make("binary_crossentropy", 1, "sigmoid")
    for y in (Y, Y * 2.0 - 1, np.array(["a", "b", "c"])[Y]):
        with pytest.raises(ValueError):
            binary.fit(X, y, verbose=False)
    with pytest.raises(ValueError):
        make("binary_crossentropy", 3, "sigmoid").fit(X, Y, verbose=False)
    for y in (np.array(["a", "b", "c"])[Y], np.ones((12, 3)), Y * np.nan):
        with pytest.raises(ValueError):
            make("mse", 1, "linear").fit(X, y, verbose=False)


def test_labels_must_be_among_those_known():
    model = make()
    names = np.array(["a", "b", "c"])
    model.fit(X, names[Y], verbose=False)
    for y in (Y, np.array(["a", "b", "x"])[Y]):
        with pytest.raises(ValueError, match="not among"):
            model.fit(X, y, verbose=False)
    with pytest.raises(ValueError, match="4 labels for 3"):
        make().partial_fit(X, Y, classes=[0, 1, 2, 3])


CALLS = {
    "unknown layer": lambda: Mapicx().add(2, 3, layer="LSTM"),
    "unknown activation": lambda: Mapicx().add(2, 3, activation="anything"),
    "unknown init": lambda: Mapicx().add(2, 3, init="magic"),
    "unknown optimizer": lambda: make().compile("lbfgs"),
    "unknown loss": lambda: make().compile("sgd", "hinge"),
    "unknown metric": lambda: make().compile(metrics=["auc"]),
    "unknown metric of a network": lambda: NeuralNetwork(
        [Dense(2, 3), Softmax()], mapicx.CategoricalCrossentropy(), SGD(), metrics=["precision"]
    ),
    "sizes that do not fit": lambda: Mapicx().add(2, 3).add(4, 1),
    "no neurons": lambda: Mapicx().add(2, 0),
    "half a feature": lambda: Mapicx().add(2.5, 3),
    "rate 1": lambda: Mapicx().add(0, 0, layer="Dropout", rate=1.0),
    "rate below 0": lambda: Dropout(-0.1),
    "rate in words": lambda: Dropout("half"),
    "slope 2": lambda: LeakyReLU(2),
    "lr 0": lambda: SGD(0.0),
    "lr NaN": lambda: SGD(float("nan")),
    "momentum 1": lambda: SGD(momentum=1.0),
    "decay below 0": lambda: SGD(decay=-1),
    "beta_1 1": lambda: Adam(beta_1=1.0),
    "clipnorm below 0": lambda: Adam(clipnorm=-1.0),
    "weight decay below 0": lambda: Adam(weight_decay=-1.0),
    "patience below 0": lambda: EarlyStopping(patience=-1),
    "no layers": lambda: Mapicx().compile(),
    "dtype": lambda: Mapicx(dtype="int32").add(2, 2, activation="Softmax").compile(),
    "seed": lambda: Mapicx(seed=-1),
    "fit before compile": lambda: Mapicx().add(2, 3).fit(X, Y),
    "predict before compile": lambda: Mapicx().predict(X),
    "loss without its activation": lambda: Mapicx().add(2, 3).compile(),
    "layer twice": lambda: NeuralNetwork([r := ReLU(), r], MeanSquaredError(), SGD()),
    "layer that is none": lambda: NeuralNetwork([3], MeanSquaredError(), SGD()),
    "loss that is none": lambda: NeuralNetwork([ReLU()], "mse", SGD()),
    "optimizer that is none": lambda: NeuralNetwork([ReLU()], MeanSquaredError(), "sgd"),
    "sigmoid wanted": lambda: NeuralNetwork([Dense(2, 1), Softmax()], BinaryCrossentropy(), SGD()),
    "backward first": lambda: make().network.backward(Y),
    "too few weights": lambda: make().set_weights([]),
    "weights that do not fit": lambda: make().set_weights([np.ones((2, 2))] * 4),
    "NaN weights": lambda: make().set_weights([w * np.nan for w in make().get_weights()]),
    "predict NaN": lambda: make().predict(NAN),
    "one softmax output": lambda: Mapicx().add(2, 1, activation="Softmax").compile(),
    "sparse loss of Keras": lambda: make("sparse_categorical_crossentropy"),
    "nesterov as a word": lambda: SGD(nesterov="yes"),
    "endless learning rate": lambda: SGD(float("inf")),
    "print_every below 0": lambda: make().fit(X, Y, print_every=-1),
    "class weights of a regression": lambda: make("mse", 1, "linear").fit(
        X, Y / 2, class_weight={0: 5.0}, verbose=False
    ),
}


@pytest.mark.parametrize("case", CALLS)
def test_calls_refuse_with_a_sentence(case):
    with pytest.raises(ValueError, match=r"\w+ \w+ \w+"):
        CALLS[case]()


def test_a_layer_needs_its_two_methods():
    class Half(Layer):
        def forward(self, inputs, training=False):
            return inputs

    with pytest.raises(TypeError, match="backward"):
        Half()


def test_a_keyword_of_another_library_is_answered_with_ours():
    with pytest.raises(TypeError, match=r"write Adam\(lr=0.01\)"):
        Adam(learning_rate=0.01)
    with pytest.raises(TypeError, match="no option 'speed'"):
        SGD(speed=3)
    with pytest.raises(ImportError, match=r"Mapicx\(\)"):
        from mapicx import Sequential  # noqa: F401


def test_outputs_that_overflow_are_refused():
    model = Mapicx(seed=0).add(2, 64).add(64, 64).add(64, 3, activation="Softmax").compile()
    huge = np.full((1, 2), 3e38, np.float32)
    with np.errstate(all="ignore"):
        for call in (model.predict, model.predict_classes, lambda X: model.score(X, [0])):
            with pytest.raises(FloatingPointError, match="not finite"):
                call(huge)


def test_a_compile_that_fails_leaves_the_model_as_it_was():
    model = make()
    model.fit(X, Y, verbose=False)
    before = model.predict(X)
    with pytest.raises(ValueError):
        model.compile("sgd", "mse", metrics=["auc"])
    np.testing.assert_array_equal(model.predict(X), before)
    assert model.network.optimizer.iterations == 1


def rewrite(source, target, change):
    """Copy a saved model, its members passed through `change(name, bytes)`."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)


def npy(values, allow_pickle=False):
    import io

    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=allow_pickle)
    return buffer.getvalue()


def change_header(**changes):
    def change(name, content):
        if name != "header.npy":
            return content
        import io

        header = json.loads(str(np.load(io.BytesIO(content))))
        return npy(np.array(json.dumps(header | changes)))

    return change


MEMBERS = {
    "parameters missing": lambda n, c: None if n == "parameters.npy" else c,
    "state missing": lambda n, c: None if n == "state0.npy" else c,
    "header missing": lambda n, c: None if n == "header.npy" else c,
    "objects": lambda n, c: npy(np.array([{}]), True) if n == "parameters.npy" else c,
    "wrong shape": lambda n, c: npy(np.zeros(3, "f4")) if n == "parameters.npy" else c,
    "wrong type": lambda n, c: npy(np.zeros(27, "i4")) if n == "parameters.npy" else c,
    "NaN": lambda n, c: npy(np.full(27, np.nan, "f4")) if n == "parameters.npy" else c,
    "header no text": lambda n, c: npy(np.zeros(())) if n == "header.npy" else c,
    "header no JSON": lambda n, c: npy(np.array("{")) if n == "header.npy" else c,
    "short member": lambda n, c: c[:-4] if n == "parameters.npy" else c,
    "other format": change_header(format="mapicx model 99"),
    "unknown layer": change_header(layers=[{"class": "Evil", "attributes": {}, "shapes": {}}]),
    "unknown optimizer": change_header(optimizer=["os.system", {}, 0]),
    "endless states": change_header(states=5),
    "list": change_header(layers=3),
}


@pytest.mark.parametrize("case", MEMBERS)
def test_load_refuses_files_that_were_changed(case, tmp_path):
    model = make()
    model.fit(X, Y, verbose=False)
    model.save(tmp_path / "good.npz")
    rewrite(tmp_path / "good.npz", tmp_path / "bad.npz", MEMBERS[case])
    with pytest.raises(ValueError, match="mapicx model"):
        mapicx.load(tmp_path / "bad.npz")
    rewrite(tmp_path / "good.npz", tmp_path / "same.npz", lambda name, content: content)
    np.testing.assert_array_equal(mapicx.load(tmp_path / "same.npz").predict(X), model.predict(X))


def test_load_refuses_what_is_no_model(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(FileNotFoundError):
        mapicx.load(path)
    make().save(path)
    whole = path.read_bytes()
    for content in (b"", b"some text", pickle.dumps({}), whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="mapicx model"):
            mapicx.load(path)
    with pytest.raises(ValueError):
        mapicx.load(tmp_path)


def test_load_does_not_unpack_a_zip_bomb(tmp_path):
    path = tmp_path / "bomb"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.npy", b"\0" * 50_000_000)
    with pytest.raises(ValueError, match="compressed"):
        mapicx.load(path)


def test_saving_twice_is_whole_and_leaves_no_other_file(tmp_path):
    model = make()
    for _ in range(2):
        model.save(tmp_path / "model")
    assert [file.name for file in tmp_path.iterdir()] == ["model"]
    with pytest.raises(ValueError, match="not compiled"):
        Mapicx().save(tmp_path / "other")
