"""Models on disk: a zip of plain .npy members and a text header; nothing in it can run code.

Layers, losses and optimizers come back through their constructors, which check their options.
"""

import math
import os
import stat
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from mapicx.data import Array, copy_deep, refresh_options
from mapicx.layers import ACTIVATIONS, LAYERS, Layer
from mapicx.losses import LOSSES
from mapicx.optimizers import OPTIMIZERS
from mapicx.validation import check_finite, require

Model = TypeVar("Model")
FORMAT = "mapicx model 2"
BUILT_IN = {kind.__name__: kind for kind in (*LAYERS.values(), *ACTIVATIONS.values())}
# What a constructor takes.
OPTIONS = {
    "Dense": ("n_features", "n_neurons", "init"),
    "Dropout": ("rate",),
    "LeakyReLU": ("slope",),
}
PLAIN = bool | int | float | str | None


def write_model(path: Any, network: Any, new_model: Callable[..., Any]) -> None:
    import json

    optimizer = network.optimizer
    known = type(optimizer) in OPTIMIZERS.values() and type(network.loss) in LOSSES.values()
    parts = f"{type(optimizer).__name__} and {type(network.loss).__name__}"
    require(known, f"a file holds no optimizer or loss of yours ({parts}); keep get_weights()")
    header = {
        "format": FORMAT,
        "dtype": network.dtype.name,
        "layers": [describe(layer) for layer in network.layers],
        "loss": type(network.loss).__name__,
        "metrics": network.names[1:],
        "optimizer": [
            type(optimizer).__name__,
            {n: getattr(optimizer, n) for n in optimizer.options},
        ],
        "iterations": optimizer.iterations,
        "states": len(optimizer.state),
        "rng": network.rng.bit_generator.state,
        "classes": None if network.classes is None else network.classes.tolist(),
    }
    refresh_options(optimizer)  # checks them
    text = json.dumps(header, default=to_plain, allow_nan=False)
    states: Any = {f"state{number}": state for number, state in enumerate(optimizer.state)}
    target = os.path.realpath(path)
    exists = os.path.exists(target)
    require(
        not exists or os.path.isfile(target),
        f"{os.fspath(path)!r} is no ordinary file; give the path of a file to write",
    )
    unfinished = os.path.join(os.path.dirname(target), f".mapicx-{os.urandom(8).hex()}")
    out = open(unfinished, "xb")  # noqa: SIM115  # ours alone
    try:
        with out:
            np.savez(out, header=text, parameters=network.parameters, **states)
        kinds = {type(a).__name__: type(a) for a in network.layers}
        own = {name: kind for name, kind in kinds.items() if name not in BUILT_IN}
        read_model(unfinished, new_model, own)  # what cannot be read is no model
        if exists:
            os.chmod(unfinished, stat.S_IMODE(os.stat(target).st_mode))
        os.replace(unfinished, target)
    except BaseException as error:
        os.unlink(unfinished)
        raise (error.__cause__ or error) from None


def to_plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise ValueError(f"a model with {value!r} cannot be saved; keep it out of labels and options")


def describe(layer: Layer) -> dict[str, Any]:
    name = type(layer).__name__
    own = type(layer) not in BUILT_IN.values()
    require(not own or name not in BUILT_IN, f"your {name} has the name of a layer of mapicx")
    names = OPTIONS.get(name, ()) if name in BUILT_IN else tuple(vars(layer))
    kinds = PLAIN | np.integer | np.floating | np.bool
    options = {n: v for n, v in vars(layer).items() if n in names and isinstance(v, kinds)}
    shapes = {name: values.shape for name, values in layer.parameters().items()}
    return {"class": name, "options": options, "shapes": shapes}


def read_model(path: Any, new_model: Callable[..., Model], layers: dict[str, type[Layer]]) -> Model:
    import json
    import zipfile

    name = os.fspath(path)
    require(
        stat.S_ISREG(os.stat(path).st_mode),
        f"{name!r} is no ordinary file; give the path of a file to read",
    )
    try:
        with zipfile.ZipFile(path) as archive:
            # What is read takes no more memory than the file.
            members = archive.infolist()
            size = sum(member.compress_size for member in members)
            stored = not any(member.compress_type for member in members)
            require(stored and size <= os.path.getsize(path), "it is compressed")
            header = json.loads(str(read_array(archive, "header")))
            names = ["parameters", *(f"state{number}" for number in range(len(members) - 2))]
            require(header["states"] == len(members) - 2, "its states do not fit its optimizer")
            model = new_model(dtype=str(header["dtype"]))
            rebuild(model, header, [read_array(archive, n) for n in names], layers)
            return model
    except MemoryError:
        raise
    except Exception as error:  # whatever a strange file causes
        raise ValueError(f"{name!r} is no whole mapicx model: {error}") from error


def read_array(archive: Any, name: str) -> Array:
    """An array; numpy.load would first allocate what its header claims."""
    with archive.open(name + ".npy") as member:
        np.lib.format.read_magic(member)
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
        return np.frombuffer(bytearray(member.read()), dtype).reshape(shape)


def rebuild(
    model: Any, header: dict[str, Any], vectors: list[Array], own: dict[str, type[Layer]]
) -> None:
    """Fill a model from a header and vectors."""
    require(header["format"] == FORMAT, f"the format is {header['format']!r}, not {FORMAT!r}")
    parameters, *states = vectors
    for vector in vectors:
        fits = vector.dtype == model.dtype and vector.shape == (parameters.size,)
        require(fits, "its vectors differ in length or type")
        check_finite(vector, "the model")
    descriptions = header["layers"]
    require(0 < len(descriptions) <= 1000, f"it has {len(descriptions)} layers")
    shapes = [shape for a in descriptions for shape in a["shapes"].values()]
    whole = all(type(n) is int and n >= 0 for shape in shapes for n in shape)
    fits = whole and sum(map(math.prod, shapes)) == parameters.size
    require(fits, "its parameters do not fit its layers")
    stop = 0
    for description in descriptions:
        layer = make_layer(description, own)
        for name, shape in description["shapes"].items():
            start, stop = stop, stop + math.prod(shape)
            setattr(layer, name, parameters[start:stop].reshape(shape))
        model.layers.append(layer)
    kind, options = header["optimizer"]
    rates = {name: float(options[name]) for name in ("lr", "decay")}  # a schedule may end at 0
    require(all(0 <= rate < np.inf for rate in rates.values()), f"its rates are {rates}")
    optimizer = OPTIMIZERS[str(kind).lower()](**{**options, "lr": rates["lr"] or 1.0})
    losses = {loss.__name__: loss for loss in LOSSES.values()}
    require(header["metrics"] in ([], ["accuracy"]), "its metrics are unknown")
    model.compile(optimizer, losses[header["loss"]](), header["metrics"])
    require(model.parameters.size == parameters.size, "its parameters do not fit its layers")
    optimizer.lr = rates["lr"]
    require(len(states) in (0, len(optimizer.slots)), "its states do not fit its optimizer")
    negative = any(state.min(initial=0) < 0 for state in states[-1:])
    require(kind == "SGD" or not negative, "its squares are negative")
    steps = header["iterations"]
    counted = type(steps) is int and 0 <= steps <= 2**53  # a float counts no further
    require(counted, f"its iterations are {steps}")
    optimizer.iterations, optimizer.state = steps, states
    model.rng.bit_generator.state = header["rng"]
    model.rng.bit_generator.random_raw(0)
    try_model(model.network)
    model.network.classes = read_classes(header["classes"], model.network.n_neurons)


@np.errstate(all="ignore")
def try_model(network: Any) -> None:
    """ValueError unless the layers run, those of a copy."""
    if not network.n_features:
        return
    trial, row = copy_deep(network), np.zeros((1, network.n_features))
    trial.eager = True
    try:
        outputs = trial.forward(row)
        trial.forward(row, training=True)
        trial.backward(np.eye(1, outputs.shape[1]))
    except Exception as error:
        advice = "a file holds numbers, texts, weights and biases"
        raise ValueError(f"its layers do not run: {error}; {advice}") from error


def make_layer(description: dict[str, Any], own: dict[str, type[Layer]]) -> Layer:
    name, options, shapes = (description[key] for key in ("class", "options", "shapes"))
    if name in BUILT_IN and name not in own:
        layer: Layer = BUILT_IN[name](**options)
        n, m = layer.n_features, layer.n_neurons
        wanted = {"weights": [n, m], "biases": [1, m]} if name == "Dense" else {}
        require(shapes == wanted, f"{layer!r} has arrays of shapes {shapes}")
        return layer
    require(name in own, f"it has a layer of yours; write load(path, layers={{{name!r}: {name}}})")
    layer = own[name].__new__(own[name])
    for option, value in options.items():
        taken = getattr(own[name], option, None)
        fits = option.isidentifier() and not callable(taken) and not isinstance(taken, property)
        require(fits and option[:2] != "__", f"{name} cannot have an attribute {option!r}")
        require(isinstance(value, PLAIN), f"{name}.{option} is {value!r}")
        setattr(layer, option, value)
    require(set(shapes) <= {"weights", "biases"}, f"{name} has arrays {sorted(shapes)}")
    return layer


def read_classes(labels: Any, outputs: int | None) -> Array | None:
    if labels is None:
        return None
    classes = np.array(labels)
    fits = classes.shape == (max(2, outputs or 0),) and classes.dtype.kind in "Ubiuf"
    fits = fits and np.array_equal(np.unique(classes), classes)  # sorted, each once
    finite = classes.dtype.kind == "U" or np.isfinite(classes).all()
    require(fits and finite, f"its labels are {labels}")
    return classes
