"""Model files: nothing in them can run code, hang or take more memory than they hold."""

import copy
import io
import json
import math
import os
import stat
import subprocess
import sys
import threading
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

import mapicx
from mapicx import SGD, Adam, AdamW, Layer, Mapicx, RMSprop

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


def replace(source, target, **members):
    """Copy a saved model with other contents of some members."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, members.get(name.removesuffix(".npy"), old.read(name)))


def replace_text(source, target, text):
    """Copy a saved model with another text as its header."""
    buffer = io.BytesIO()
    np.save(buffer, np.array(text))
    replace(source, target, header=buffer.getvalue())


def edit(source, target, change):
    """Copy a saved model with another header."""
    with np.load(source) as archive:
        header = json.loads(str(archive["header"]))
    change(header)
    replace_text(source, target, json.dumps(header))


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
    "no features": set_layer(0, shapes={"weights": [0, 4], "biases": [1, 12]}),
    "shapes that are truth values": set_layer(0, shapes={"weights": [2, 4], "biases": [True, 4]}),
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
    "a label that is infinite": lambda h: h.update(classes=[0, 1, math.inf]),
    "a label that is NaN": lambda h: h.update(classes=[0, 1, math.nan]),
    "a metric many times": lambda h: h.update(metrics=["accuracy"] * 100_000),
    "more iterations than a float counts": lambda h: h.update(iterations=10**400),
    "another loss": lambda h: h.update(loss="BinaryCrossentropy"),
    "another generator": lambda h: h["rng"].update(bit_generator="MT19937"),
    "a generator's state that is text": lambda h: h["rng"].update(state="x"),
    "the format of an older version": lambda h: h.update(format="mapicx model 1"),
    "states that are missing": lambda h: h.update(states=1),
    "states that are not mentioned": lambda h: h.update(states=0),
    "fewer states than none": lambda h: h.update(states=-1),
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_header_that_was_changed_is_refused(case, tmp_path):
    make().save(tmp_path / "good")
    edit(tmp_path / "good", tmp_path / "bad", HEADERS[case])
    with pytest.raises(ValueError, match="mapicx model"):
        mapicx.load(tmp_path / "bad")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 5000, "9" * 5000, "[]", "null", ""])
def test_a_header_that_is_no_description_is_refused(text, tmp_path):
    make().save(tmp_path / "good")
    replace_text(tmp_path / "good", tmp_path / "bad", text)
    with pytest.raises(ValueError, match="mapicx model"):
        mapicx.load(tmp_path / "bad")


def test_a_file_of_an_older_version_is_named_as_such(tmp_path):
    make().save(tmp_path / "new")
    edit(tmp_path / "new", tmp_path / "old", HEADERS["the format of an older version"])
    with pytest.raises(ValueError, match=r"format is 'mapicx model 1', not 'mapicx model 2'"):
        mapicx.load(tmp_path / "old")


CLAIMS = {
    "a shape beyond the file": ("<f4", (2**27,)),
    "a shape beyond the memory": ("<f4", (2**40,)),
    "a shape beyond all memory": ("<f4", (2**70,)),
    "a long text": ("<U500000000", (1,)),
    "no bytes at all": ("<f4", (0, 2**62)),
    "objects": ("|O", (8,)),
    "objects in fields": ([("a", "|O")], (8,)),
}


def test_a_compressed_file_is_refused_before_it_is_read(tmp_path):
    make().save(tmp_path / "good")
    with zipfile.ZipFile(tmp_path / "good") as old:
        members = {name: old.read(name) for name in old.namelist()}
    content = io.BytesIO()
    np.save(content, np.array("x" * 5_000_000))
    with zipfile.ZipFile(tmp_path / "bad", "w", zipfile.ZIP_DEFLATED) as new:
        for name in members:
            new.writestr(name, content.getvalue() if name == "header.npy" else members[name])
    del content
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="compressed"):
            mapicx.load(tmp_path / "bad")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_file_that_was_cut_off_anywhere_is_refused(tmp_path):
    make().save(tmp_path / "good")
    content = (tmp_path / "good").read_bytes()
    lengths = {*range(40), *range(0, len(content), 17), *range(len(content) - 40, len(content))}
    for length in lengths:
        (tmp_path / "bad").write_bytes(content[:length])
        with pytest.raises(ValueError, match="no whole mapicx model"):
            mapicx.load(tmp_path / "bad")


@pytest.mark.parametrize("place", range(22))
def test_a_changed_end_of_the_zip_is_refused_or_works(place, tmp_path):
    make().save(tmp_path / "good")
    content = bytearray((tmp_path / "good").read_bytes())
    assert content[-22:-18] == b"PK\5\6"
    for value in (0, 1, 127, 128, 255):
        content[len(content) - 22 + place] = value
        (tmp_path / "bad").write_bytes(content)
        check_use(tmp_path / "bad")


@pytest.mark.parametrize("before,after", [(b"x" * 9, b""), (b"", b"x" * 9), (b"PK\5\6" * 9, b"PK")])
def test_bytes_around_a_model_do_no_harm(before, after, tmp_path):
    make().save(tmp_path / "good")
    (tmp_path / "bad").write_bytes(before + (tmp_path / "good").read_bytes() + after)
    check_use(tmp_path / "bad")


@pytest.mark.parametrize("member", ["header", "parameters", "state0"])
@pytest.mark.parametrize("claim", CLAIMS)
def test_what_an_array_claims_takes_no_memory(claim, member, tmp_path):
    make().save(tmp_path / "good")
    kind, shape = CLAIMS[claim]
    content = io.BytesIO()
    description = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(content, description)
    replace(tmp_path / "good", tmp_path / "bad", **{member: content.getvalue() + bytes(64)})
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="mapicx model"):
            mapicx.load(tmp_path / "bad")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


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


class Table(Square):
    """A constructor's attribute that a file cannot hold, and one that forward sets."""

    def __init__(self):
        super().__init__()
        self.table, self.last = np.eye(4), np.zeros(4)

    def forward(self, inputs, training=False):
        self.last = inputs @ self.table
        return super().forward(self.last, training)


def test_attributes_that_a_layer_needs_are_there_or_are_named(tmp_path):
    make(own=True).save(tmp_path / "good")
    edit(tmp_path / "good", tmp_path / "bad", set_layer(1, options={}))
    with pytest.raises(ValueError, match=r"no attribute .power.; a file holds"):
        mapicx.load(tmp_path / "bad", layers={"Square": Square})
    model = Mapicx(seed=0).add(2, 4, activation=Table()).add(4, 3, activation="softmax").compile()
    with pytest.raises(ValueError, match=r"no attribute .table.; a file holds"):
        model.save(tmp_path / "table")
    assert not (tmp_path / "table").exists()
    Table.table = np.eye(4)
    model.save(tmp_path / "table")


KINDS = {
    "adam": lambda: make(),
    "own layer": lambda: make(own=True),
    "momentum": lambda: make(optimizer=SGD(0.1, momentum=0.9, nesterov=True)),
    "sgd": lambda: make(optimizer=SGD(0.1)),
    "rmsprop": lambda: make(optimizer=RMSprop(clipnorm=1.0)),
    "adamw": lambda: make(optimizer=AdamW()),
    "text labels": lambda: train(
        np.array(list("abc"))[Y], 3, "softmax", "categorical_crossentropy"
    ),
    "yes or no": lambda: train(Y > 0, 1, "sigmoid", "binary_crossentropy"),
    "regression": lambda: train(X, 2, "linear", "mse", dtype="float64"),
}


def train(y, outputs, last, loss, dtype="float32"):
    model = Mapicx(seed=0, dtype=dtype).add(2, 4, activation="tanh")
    model.add(4, outputs, activation=last).compile(Adam(0.01), loss)
    model.fit(X, y, verbose=False)
    return model


def targets_for(model):
    """Targets that a model of KINDS can be trained on."""
    outputs = model.network.n_neurons
    if not model.loss.classifies:
        return np.resize(X, (12, outputs))
    if model.classes is None:
        indices = Y % max(outputs, 2)
        return indices if not model.loss.independent or outputs == 1 else np.eye(outputs)[indices]
    return model.classes[Y % len(model.classes)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_model_goes_on_as_the_saved_one(kind, tmp_path):
    model = KINDS[kind]()
    for _ in range(2):
        model.save(tmp_path / "m")
        loaded = mapicx.load(tmp_path / "m", layers={"Square": Square})
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
        for each in (model, loaded):
            each.fit(X, targets_for(each), 3, batch_size=5, verbose=False)
        np.testing.assert_array_equal(loaded.parameters, model.parameters)
        model = loaded


def test_labels_in_bytes_are_refused_before_training():
    with pytest.raises(ValueError, match=r"y\.astype\(str\)"):
        make().fit(X, np.array(list("abc"), "S")[Y], verbose=False)


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


def test_a_model_that_cannot_be_written_down_leaves_no_file(tmp_path):
    model = make()
    model.optimizer.lr = math.nan
    with pytest.raises(ValueError):
        model.save(tmp_path / "m")
    assert not [*tmp_path.iterdir()]


FULL_DISK = """
import os, resource, sys
import mapicx
model = mapicx.load("m")
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
try:
    model.save("m")
except OSError:
    sys.exit(7)
"""


def test_a_full_disk_leaves_the_older_file_and_nothing_else(tmp_path):
    make().save(tmp_path / "m")
    before = (tmp_path / "m").read_bytes()
    root = Path(mapicx.__file__).parents[1]
    child = [sys.executable, "-B", "-c", FULL_DISK]
    done = subprocess.run(child, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(root)})
    assert done.returncode == 7
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


VALUES = [None, True, False, 0, 1, -1, 2, 3, 4, 1.5, 1e308, -1e308, 1e-320, math.nan, math.inf]
VALUES += [10**30, "", "x", "SGD", "Dense", "Softmax", "lr", "\0", "accuracy", [], {}, [1], [[]]]
VALUES += [{"a": 1}, [2, 4], [1, 4], ["a", "b", "c"], ["__class__"], "forward", [0, 2**40]]


def find_places(value, place=()):
    """Each place in a header, but those of a user's layer: its attributes are its own affair."""
    inside = value.items() if isinstance(value, dict) else ()
    inside = enumerate(value) if isinstance(value, list) else inside
    if not (isinstance(value, dict) and value.get("class") == "Square"):
        for key, part in inside:
            yield (*place, key)
            yield from find_places(part, (*place, key))


def mutate_header(header, rng):
    """One or two entries changed, removed or added."""
    for _ in range(int(rng.integers(1, 3))):
        places = [*find_places(header)]
        *way, key = places[rng.integers(len(places))]
        part, kind = header, rng.random()
        for step in way:
            part = part[step]
        value = copy.deepcopy(VALUES[rng.integers(len(VALUES))])
        if kind < 0.15:
            del part[key]
        elif kind < 0.25 and isinstance(part, dict):
            part[str(VALUES[rng.integers(len(VALUES))])] = value
        else:
            part[key] = value
        if not header:
            return


@np.errstate(all="ignore")
def check_use(path):
    """Whatever loads can predict, be trained and be saved; everything else is a ValueError.

    All within five seconds of CPU time. Returns whether it was loaded.
    """
    start = time.process_time()
    try:
        model = mapicx.load(path, layers={"Square": Square})
    except ValueError:
        assert time.process_time() - start < 5
        return False
    try:
        model.predict(X)
        model.fit(X, targets_for(model), verbose=False)
    except FloatingPointError:
        pass
    model.save(path)
    mapicx.load(path, layers={"Square": Square})
    assert time.process_time() - start < 5
    return True


def attack(folder, rng):
    """Whether a file that was changed somewhere, of some kind, is loaded."""
    for kind in KINDS:
        if not (folder / kind).exists():
            KINDS[kind]().save(folder / kind)
    good, bad = folder / [*KINDS][rng.integers(len(KINDS))], folder / "bad"
    if rng.random() < 0.5:
        bad.write_bytes(mutate(good.read_bytes(), rng))
    else:
        edit(good, bad, lambda header: mutate_header(header, rng))
    return check_use(bad)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(3))
def test_changed_files_are_refused_or_work(tmp_path, seed):
    rng = np.random.default_rng(seed)
    loaded = [attack(tmp_path, rng) for _ in range(200)]
    assert 0 < sum(loaded) < len(loaded)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_many_changed_files_are_refused_or_work(tmp_path):
    seed = int(os.environ.get("MAPICX_FUZZ_SEED", time.time_ns() % 10**6))
    print(f"MAPICX_FUZZ_SEED={seed}")
    rng, end = np.random.default_rng(seed), time.monotonic() + 60
    while time.monotonic() < end:
        attack(tmp_path, rng)
