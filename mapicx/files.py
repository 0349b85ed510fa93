"""Models on disk: a zip of plain .npy members and a text header; nothing in it can run code."""

from __future__ import annotations

from typing import Any

import numpy as np

from mapicx import layers as layer_module
from mapicx.losses import LOSSES
from mapicx.optimizers import OPTIMIZERS

FORMAT = "mapicx model 1"
HEADER_LIMIT = 1 << 20  # bytes


def save(model: Any, path: Any) -> None:
    """Write a compiled Mapicx model with its optimizer and random state."""
    import io
    import json
    import os
    import zipfile

    network = model.network
    rng_state = network.rng.bit_generator.state
    if rng_state["bit_generator"] != "PCG64":
        raise ValueError("the model's Generator is not a PCG64; give a whole number as seed")
    classes = network.classes
    header = {
        "format": FORMAT,
        "dtype": network.dtype.name,
        "seed": model.seed if isinstance(model.seed, int) else None,
        "layers": [describe(layer) for layer in network.layers],
        "loss": type(network.loss).__name__,
        "metrics": network.metrics,
        "optimizer": [type(network.optimizer).__name__, network.optimizer.options()],
        "iterations": network.optimizer.iterations,
        "states": len(network.optimizer.state),
        "rng": rng_state,
        "classes": None if classes is None else classes.tolist(),
    }
    members = {"header": np.array(json.dumps(header)), "parameters": network.parameters}
    members |= {f"state{number}": state for number, state in enumerate(network.optimizer.state)}
    unfinished = f"{os.fspath(path)}.part"  # a save that is cut short leaves an older file whole
    with zipfile.ZipFile(unfinished, "w") as archive:
        for name, values in members.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, values, allow_pickle=False)
            archive.writestr(name + ".npy", buffer.getvalue())
    os.replace(unfinished, path)


def describe(layer: Any) -> dict[str, Any]:
    """A layer's class, its plain attributes (numbers, strings, None) and the shapes it trains."""
    plain = {n: v for n, v in vars(layer).items() if isinstance(v, int | float | str | None)}
    shapes = {name: values.shape for name, values in layer.arrays().items()}
    return {"class": type(layer).__name__, "attributes": plain, "shapes": shapes}


def load(path: Any, *, layers: Any = None) -> Any:
    """The model that `save` wrote to `path`. `layers` maps names to a user's own layer classes.

    Raises FileNotFoundError if there is no file, ValueError if it is not a whole, finite model. Such a
    layer comes back without its constructor being called: with its plain attributes and its weights.
    """
    import json
    import os
    import zipfile

    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no file {os.fspath(path)!r}")
    try:
        with zipfile.ZipFile(path) as archive:
            header = json.loads(str(read_member(archive, "header", None, None)))
            if header["format"] != FORMAT:
                raise ValueError(f"its format is {header['format']!r}, not {FORMAT!r}")
            model = rebuild(header, layers or {})
            network = model.network
            shape, dtype = network.parameters.shape, network.dtype
            network.parameters[:] = read_member(archive, "parameters", shape, dtype)
            names = [f"state{number}" for number in range(header["states"])]
            network.optimizer.state = [read_member(archive, name, shape, dtype) for name in names]
        return model
    except (KeyError, TypeError, AttributeError, OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"{os.fspath(path)!r} is not a model that mapicx saved: {error}") from None
    except zipfile.BadZipFile as error:
        raise ValueError(f"{os.fspath(path)!r} is not a model that mapicx saved: {error}") from None


def read_member(archive: Any, name: str, shape: Any, dtype: Any) -> Any:
    """An array of the archive, checked against what it must be before its values are looked at."""
    import io

    info = archive.getinfo(name + ".npy")
    allowed = HEADER_LIMIT if shape is None else shape[0] * dtype.itemsize + 4096
    if info.compress_type != 0 or info.file_size > allowed:
        raise ValueError(
            f"member {name} is compressed or has {info.file_size} bytes; at most {allowed} fit"
        )
    content = io.BytesIO(archive.read(info))
    np.lib.format.read_magic(content)
    found_shape, _, found_dtype = np.lib.format.read_array_header_1_0(content)
    wanted = ((), found_dtype) if shape is None else (shape, dtype)
    if (found_shape, found_dtype) != wanted or (shape is None and found_dtype.kind != "U"):
        raise ValueError(f"member {name} is {found_dtype} of shape {found_shape}")
    values = np.frombuffer(content.read(), found_dtype).reshape(found_shape).copy()
    if shape is not None and not np.isfinite(values).all():
        raise ValueError(f"member {name} contains NaN or infinity")
    return values


def rebuild(header: dict[str, Any], own_layers: dict[str, Any]) -> Any:
    """The model of a header, its parameters still 0."""
    from mapicx.model import Mapicx

    built_in = {c.__name__: c for c in vars(layer_module).values() if isinstance(c, type)}
    model = Mapicx(header["seed"], header["dtype"])
    for description in header["layers"]:
        name = description["class"]
        if name not in own_layers and not issubclass(
            built_in.get(name, object), layer_module.Layer
        ):
            raise ValueError(f"it has a layer {name}; load it with layers={{{name!r}: {name}}}")
        kind = own_layers.get(name) or built_in[name]
        layer = kind.__new__(kind)
        vars(layer).update(description["attributes"])
        for array, shape in description["shapes"].items():
            setattr(layer, array, np.zeros(shape, header["dtype"]))
        model.add(layer)
    optimizer, options = header["optimizer"]
    losses = {loss.__name__: loss for loss in LOSSES.values()}
    made = OPTIMIZERS[optimizer.lower()](**options)
    model.compile(made, losses[header["loss"]](), header["metrics"])
    made.iterations = header["iterations"]
    model.network.rng.bit_generator.state = header["rng"]
    if header["classes"] is not None:
        model.network.classes = np.array(header["classes"])
    return model
