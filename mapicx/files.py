"""Models on disk: a zip of plain .npy members and a text header; nothing in it can run code."""

import math
import os

import numpy as np

from mapicx.layers import ACTIVATIONS, KINDS
from mapicx.losses import LOSSES
from mapicx.optimizers import OPTIMIZERS
from mapicx.targets import check_finite, require

FORMAT = "mapicx model 1"
BUILT_IN = {kind.__name__: kind for kind in (*KINDS.values(), *ACTIVATIONS.values())}


def save(model, path):
    """Write a compiled Mapicx model with its optimizer and random state."""
    import json

    optimizer, classes = model.network.optimizer, model.classes
    now = optimizer.iterations, optimizer.lr, optimizer.decay  # a callback may have changed rates
    states = {f"state{number}": state for number, state in enumerate(optimizer.state)}
    head = {
        "format": FORMAT,
        "dtype": model.dtype.name,
        "layers": [describe(layer) for layer in model.layers],
        "loss": type(model.loss).__name__,
        "metrics": model.names[1:],
        "optimizer": [type(optimizer).__name__, optimizer.options, now],
        "states": len(states),
        "rng": model.rng.bit_generator.state,
        "classes": None if classes is None else classes.tolist(),
    }
    unfinished = f"{os.fspath(path)}.part"  # a save that is cut short leaves an older file whole
    with open(unfinished, "wb") as out:
        np.savez(out, header=json.dumps(head, default=float), parameters=model.parameters, **states)
    os.replace(unfinished, path)


def describe(layer):
    """A layer's class, its plain attributes (numbers, strings, None) and the shapes it trains."""
    plain = {n: v for n, v in vars(layer).items() if isinstance(v, int | float | str | None)}
    shapes = {name: values.shape for name, values in layer.arrays().items()}
    return {"class": type(layer).__name__, "attributes": plain, "shapes": shapes}


def load(path, *, layers=None):
    """The model that `save` wrote to `path`. `layers` maps names to a user's own layer classes.

    Raises FileNotFoundError if there is no file, ValueError if it is not a whole, finite model. A
    user's layer comes back with its plain attributes and weights; its constructor is not called.
    """
    import json

    on_disk = os.path.getsize(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            # Nothing is read that takes more memory than the file takes on disk.
            size = sum(member.file_size for member in archive.zip.infolist())
            require(size <= on_disk, "it is compressed; save never does that")
            header = json.loads(str(archive["header"]))
            states = [archive[f"state{number}"] for number in range(header["states"])]
            return rebuild(header, [archive["parameters"], *states], BUILT_IN | (layers or {}))
    except Exception as error:  # whatever a strange file makes go wrong
        raise ValueError(f"{os.fspath(path)!r} is no whole mapicx model: {error!r}") from error


def rebuild(header, vectors, kinds):
    """The model of a header and of its vectors: the parameters, then the optimizer's state."""
    from mapicx.model import Mapicx

    require(header["format"] == FORMAT, f"the format is {header['format']!r}, not {FORMAT!r}")
    model, stop = Mapicx(dtype=header["dtype"]), 0
    parameters, *states = vectors = np.stack(vectors)  # ValueError unless alike in length
    require(vectors.ndim == 2 and vectors.dtype == model.dtype, "the vectors have another type")
    check_finite(vectors, "a vector")
    for description in header["layers"]:
        kind = kinds[description["class"]]
        layer = kind.__new__(kind)
        vars(layer).update(description["attributes"])
        for name, shape in description["shapes"].items():
            first, stop = stop, stop + math.prod(shape)
            setattr(layer, name, parameters[first:stop].reshape(shape))
        model.add(layer)
    name, options, now = header["optimizer"]
    optimizer = OPTIMIZERS[name.lower()](**options)
    losses = {loss.__name__: loss for loss in LOSSES.values()}
    model.compile(optimizer, losses[header["loss"]](), header["metrics"])
    (optimizer.iterations, optimizer.lr, optimizer.decay), optimizer.state = now, states
    whole = stop == parameters.size and len(states) in (0, len(optimizer.memory))
    require(whole, "the vectors do not fit the layers and the optimizer")
    model.rng.bit_generator.state = header["rng"]
    model.classes = header["classes"] and np.array(header["classes"])
    return model
