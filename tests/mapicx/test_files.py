"""Model files: nothing in them can run code, hang or take more memory than they hold."""

import io
import json
import os
import stat
import threading
import zipfile

import numpy as np
import pytest

import mapicx
from mapicx import SGD, Adam, Layer, Mapicx

X = np.random.default_rng(0).standard_normal((12, 2)).astype(np.float32)
Y = np.arange(12) % 3


class Square(Layer):
    keeps_width = True

    def __init__(self):
        self.power = 2

    def forward(self, inputs, training=False):
        self.inputs = inputs
        return inputs**self.power

    def backward(self, dvalues):
        return self.power * self.inputs * dvalues


def make(own=False, optimizer=None):
    model = Mapicx(seed=0).add(2, 4, activation=Square() if own else "leakyrelu")
    model.add(0, layer="Dropout", rate=0.2).add(4, 3, activation="softmax")
    model.compile(optimizer or Adam(0.01)).fit(X, Y, verbose=False)
    return model


def edit(source, target, change):
    """Copy a saved model with another header."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "header.npy":
                header = json.loads(str(np.load(io.BytesIO(content))))
                change(header)
                buffer = io.BytesIO()
                np.save(buffer, np.array(json.dumps(header)))
                content = buffer.getvalue()
            new.writestr(name, content)


def set_layer(index, **changes):
    def change(header):
        header["layers"][index].update(changes)

    return change


def set_options(**options):
    return lambda header: header["optimizer"][1].update(options)


HEADERS = {
    "a method of a built-in layer": set_layer(1, options={"slope": 0.1, "forward": "x"}),
    "an option that is none": set_layer(0, options={"n_features": 2, "n_neurons": 4, "rng": 1}),
    "dropout 5": set_layer(2, options={"rate": 5}),
    "dropout NaN": set_layer(2, options={"rate": float("nan")}),
    "a huge Dense": set_layer(0, options={"n_features": 30000, "n_neurons": 30000, "init": "he"}),
    "huge shapes": set_layer(0, shapes={"weights": [30000, 30000], "biases": [1, 30000]}),
    "missing shapes": set_layer(0, shapes={}),
    "negative shapes": set_layer(0, shapes={"weights": [-2, -4], "biases": [1, 4]}),
    "shapes of another layer": set_layer(1, shapes={"weights": [2, 4]}),
    "an unknown class": set_layer(0, **{"class": "os.system"}),
    "8,000 layers": lambda h: h.update(layers=h["layers"][1:2] * 8000),
    "no layers": lambda h: h.update(layers=[]),
    "a negative rate": set_options(lr=-1.0),
    "a rate that is no number": set_options(lr=float("nan")),
    "an option that Adam lacks": set_options(momentum=0.9),
    "an unknown optimizer": lambda h: h.update(optimizer=["exec", {"lr": 1, "decay": 0}]),
    "negative iterations": lambda h: h.update(iterations=-1),
    "half an iteration": lambda h: h.update(iterations=0.5),
    "two labels for three outputs": lambda h: h.update(classes=["a", "b"]),
    "labels out of order": lambda h: h.update(classes=["b", "a", "c"]),
    "a label twice": lambda h: h.update(classes=["a", "a", "b"]),
    "another loss": lambda h: h.update(loss="BinaryCrossentropy"),
    "another generator": lambda h: h["rng"].update(bit_generator="MT19937"),
    "a generator's state that is text": lambda h: h["rng"].update(state="x"),
    "the format of an older version": lambda h: h.update(format="mapicx model 1"),
    "states that are missing": lambda h: h.update(states=1),
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_header_that_was_changed_is_refused(case, tmp_path):
    make().save(tmp_path / "good")
    edit(tmp_path / "good", tmp_path / "bad", HEADERS[case])
    with pytest.raises(ValueError, match="mapicx model"):
        mapicx.load(tmp_path / "bad")


def test_attributes_of_a_users_layer_cannot_be_its_methods(tmp_path):
    make(own=True).save(tmp_path / "good")
    with pytest.raises(ValueError, match=r"load\(path, layers={.Square.: Square}\)"):
        mapicx.load(tmp_path / "good")
    for options in ({"forward": "x"}, {"__class__": "x"}, {"power": [1]}, {"a b": 1}):
        edit(tmp_path / "good", tmp_path / "bad", set_layer(1, options=options))
        with pytest.raises(ValueError, match="mapicx model"):
            mapicx.load(tmp_path / "bad", layers={"Square": Square})
    model = mapicx.load(tmp_path / "good", layers={"Square": Square})
    assert model.layers[1].power == 2
    np.testing.assert_array_equal(model.predict(X), make(own=True).predict(X))


def test_a_rate_that_a_schedule_has_set_to_0_comes_back(tmp_path):
    model = make(optimizer=SGD(0.1, momentum=0.9))
    model.optimizer.lr = 0.0
    model.save(tmp_path / "m")
    assert mapicx.load(tmp_path / "m").optimizer.lr == 0.0


def test_a_link_stays_a_link_and_the_mode_stays(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    os.chmod(tmp_path / "real", 0o640)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real.part").write_bytes(b"mine")
    make().save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o640
    assert (tmp_path / "real.part").read_bytes() == b"mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "real", "real.part"]
    mapicx.load(tmp_path / "link")


def test_what_is_no_ordinary_file_is_neither_read_nor_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, "/dev/null"):
        with pytest.raises(ValueError, match="file"):
            mapicx.load(path)
        with pytest.raises(ValueError, match="file"):
            make().save(path)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_save_that_fails_leaves_the_older_file_and_nothing_else(tmp_path, monkeypatch):
    model = make()
    model.save(tmp_path / "m")
    before = (tmp_path / "m").read_bytes()

    def full(*arrays, **named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="space"):
        model.save(tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_three_threads_may_save_to_one_path(tmp_path):
    model, errors = make(), []

    def work():
        try:
            for _ in range(40):
                model.save(tmp_path / "m")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    np.testing.assert_array_equal(mapicx.load(tmp_path / "m").predict(X), model.predict(X))


def mutate(content, rng):
    """A few bytes changed, removed or repeated."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        place = int(rng.integers(len(data)))
        kind = rng.integers(3)
        if kind == 0:
            data[place] = int(rng.integers(256))
        elif kind == 1:
            del data[place : place + int(rng.integers(1, 40))]
        else:
            data[place:place] = data[place : place + int(rng.integers(1, 40))]
    return bytes(data)


def check_use(path, layers=None):
    """Whatever loads can predict, be trained and be saved; everything else is a ValueError."""
    try:
        model = mapicx.load(path, layers=layers)
    except ValueError:
        return
    try:
        with np.errstate(all="ignore"):
            model.predict(X)
            labels = (
                np.arange(12) % 3 if model.classes is None else model.classes[np.arange(12) % 3]
            )
            model.fit(X, labels, verbose=False)
    except FloatingPointError:
        return
    model.save(path)


@pytest.mark.parametrize("seed", range(3))
def test_mutated_files_are_refused_or_work(tmp_path, seed):
    rng = np.random.default_rng(seed)
    make(own=seed == 1, optimizer=[Adam(0.01), SGD(0.1, momentum=0.9), SGD(0.1)][seed]).save(
        tmp_path / "good"
    )
    whole = (tmp_path / "good").read_bytes()
    for _ in range(150):
        (tmp_path / "bad").write_bytes(mutate(whole, rng))
        check_use(tmp_path / "bad", {"Square": Square})


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_many_mutated_files_are_refused_or_work(tmp_path, seed):
    rng = np.random.default_rng(seed)
    make(own=seed % 2 == 0).save(tmp_path / "good")
    whole = (tmp_path / "good").read_bytes()
    for _ in range(2000):
        (tmp_path / "bad").write_bytes(mutate(whole, rng))
        check_use(tmp_path / "bad", {"Square": Square})
