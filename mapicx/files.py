"""Models on disk: a zip of plain .npy members and a text header; nothing in it can run code."""

import numpy as np

from mapicx.layers import ACTIVATIONS, KINDS
from mapicx.losses import LOSSES
from mapicx.optimizers import OPTIMIZERS

FORMAT = "mapicx model 1"
HEADER_LIMIT = 1 << 20  # bytes
BUILT_IN = {kind.__name__: kind for kind in (*KINDS.values(), *ACTIVATIONS.values())}


def save(model, path) -> None:
    """Write a compiled Mapicx model with its optimizer and random state."""
    import io
    import json
    import os
    import zipfile

    network = model.network
    optimizer, classes = network.optimizer, network.classes
    header = {
        "format": FORMAT,
        "dtype": network.dtype.name,
        "layers": [describe(layer) for layer in network.layers],
        "loss": type(network.loss).__name__,
        "metrics": network.names[1:],
        "optimizer": [type(optimizer).__name__, optimizer.options, optimizer.iterations],
        "states": len(optimizer.state),
        "rng": network.rng.bit_generator.state,
        "classes": None if classes is None else classes.tolist(),
    }
    members = {"header": np.array(json.dumps(header)), "parameters": network.parameters}
    members |= {f"state{number}": state for number, state in enumerate(optimizer.state)}
    unfinished = f"{os.fspath(path)}.part"  # a save that is cut short leaves an older file whole
    with zipfile.ZipFile(unfinished, "w") as archive:
        for name, values in members.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, values, allow_pickle=False)
            archive.writestr(name + ".npy", buffer.getvalue())
    os.replace(unfinished, path)


def describe(layer) -> dict:
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
    import os
    import zipfile

    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no file {os.fspath(path)!r}")
    try:
        with zipfile.ZipFile(path) as archive:
            header = json.loads(str(read_member(archive, "header", (), None)))
            model = rebuild(header, layers or {})
            vector = model.network.parameters
            names = [f"state{number}" for number in range(header["states"])]
            arrays = [
                read_member(archive, n, vector.shape, vector.dtype) for n in ["parameters", *names]
            ]
            vector[:], model.network.optimizer.state = arrays[0], arrays[1:]
        return model
    except Exception as error:  # whatever a strange file makes go wrong
        raise ValueError(f"{os.fspath(path)!r} is no whole mapicx model: {error!r}") from error


def read_member(archive, name: str, shape, dtype):
    """An array, checked against what it must be before its values are read."""
    import io

    info = archive.getinfo(name + ".npy")
    allowed = 4096 + (shape[0] * dtype.itemsize if shape else HEADER_LIMIT)
    if info.compress_type != 0 or info.file_size > allowed:
        raise ValueError(f"{name} is compressed, or larger than {allowed} bytes")
    content = io.BytesIO(archive.read(info))
    np.lib.format.read_magic(content)
    found_shape, _, found_dtype = np.lib.format.read_array_header_1_0(content)
    if found_shape != shape or (found_dtype != dtype if shape else found_dtype.kind != "U"):
        raise ValueError(f"{name} has shape {found_shape} and type {found_dtype}")
    values = np.frombuffer(content.read(), found_dtype).reshape(shape)
    if shape and not np.isfinite(values).all():
        raise ValueError(f"{name} has NaN or infinite values")
    return values.copy()


def rebuild(header: dict, own_layers: dict):
    """The model of a header, its parameters still 0."""
    from mapicx.model import Mapicx

    if header["format"] != FORMAT:
        raise ValueError(f"the format is {header['format']!r}, not {FORMAT!r}")
    model = Mapicx(dtype=header["dtype"])
    for description in header["layers"]:
        kind = own_layers.get(description["class"]) or BUILT_IN[description["class"]]
        layer = kind.__new__(kind)
        vars(layer).update(description["attributes"])
        for name, shape in description["shapes"].items():
            setattr(layer, name, np.zeros(shape, header["dtype"]))
        model.add(layer)
    name, options, iterations = header["optimizer"]
    optimizer = OPTIMIZERS[name.lower()](**options)
    losses = {loss.__name__: loss for loss in LOSSES.values()}
    model.compile(optimizer, losses[header["loss"]](), header["metrics"])
    optimizer.iterations = iterations
    model.rng.bit_generator.state = header["rng"]
    model.network.classes = header["classes"] and np.array(header["classes"])
    return model
