"""Checks of what users give; ValueError says what to write instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mapicx.layers import Layer

TINY = 1e-300
RANDOM = {"rng", "random"}  # what draws
FLOATS = (np.float64, np.float32)
# (least, below) of each option of an optimizer
RANGES = {
    **dict.fromkeys(("lr", "epsilon", "clipnorm"), (TINY, np.inf)),
    **dict.fromkeys(("momentum", "rho", "beta_1", "beta_2"), (0, 1)),
    **dict.fromkeys(("decay", "weight_decay"), (0, np.inf)),
}
# Of other libraries.
OTHER_NAMES = {
    "learning_rate": "lr",
    "alpha": "lr",
    "eps": "epsilon",
    "global_clipnorm": "clipnorm",
}
NAMES_OF_LOSSES = {
    "sparse_categorical_crossentropy": "categorical_crossentropy (it takes class indices, too)",
    "bce": "binary_crossentropy",
    "cross_entropy": "categorical_crossentropy",
}


def require(holds: Any, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def choose(kind: str, name: Any, choices: Any) -> Any:
    known = isinstance(name, str) and name.lower() in choices
    hint = NAMES_OF_LOSSES.get(str(name).lower()) if kind == "loss" else None
    advice = f"write {hint}" if hint else f"choose one of: {', '.join(choices)}"
    require(known, f"unknown {kind} {name!r}; {advice}")
    return choices[name.lower()] if isinstance(choices, dict) else name.lower()


def by_name(*classes: type, **more: type) -> dict[str, Any]:
    return {kind.__name__.lower(): kind for kind in classes} | more


def check_metrics(metrics: Any) -> list[str]:
    names = [metrics] if isinstance(metrics, str) else metrics or ()
    return list(dict.fromkeys(choose("metric", name, ["accuracy"]) for name in names))


def choose_object(kind: str, name: Any, choices: dict[str, Any], base: type) -> Any:
    return name if isinstance(name, base) else choose(kind, name, choices)()


def refuse_unknown(owner: str, unknown: Mapping[str, Any], known: Sequence[str]) -> None:
    for name, value in unknown.items():
        meant = OTHER_NAMES.get(name)
        say = (
            f"write {owner}({meant}={value!r})" if meant in known else f"it has {', '.join(known)}"
        )
        raise TypeError(f"{owner} has no option {name!r}; {say}")


def check_number(name: str, value: Any, least: float, below: float = np.inf) -> float:
    """The value as a float, if least <= value < below (or both infinite)."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, complex)
    fits = number and least <= value and (value < below or below == np.inf)
    require(fits, f"{name} is {value!r}; give a number of at least {least:g}, below {below:g}")
    return float(value)


def check_options(owner: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The options of an optimizer as plain numbers, from the arguments of its constructor."""
    known = [name for name in arguments if name in RANGES or name == "nesterov"]
    refuse_unknown(owner, arguments.get("unknown", {}), known)
    checked: dict[str, Any] = {}
    for name in sorted(known, key=["lr", "decay"].__contains__, reverse=True):
        value = arguments[name]
        if name == "nesterov":
            require(isinstance(value, bool | np.bool), f"nesterov is {value!r}; give True or False")
            checked[name] = bool(value)
        elif name == "clipnorm" and value is None:
            checked[name] = None
        else:
            checked[name] = check_number(name, value, *RANGES[name])
            require(np.isfinite(checked[name]), f"{name} is {value!r}; give a finite number")
    return checked


def check_count(name: str, value: Any) -> int:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    require(whole and value >= 1, f"{name} is {value!r}; give a whole number of at least 1")
    return int(value)


def check_parts(kind: type, parts: Sequence[Any]) -> None:
    right = parts and all(isinstance(part, kind) for part in parts)
    require(right, f"{parts!r} will not do; give at least one {kind.__name__} object")
    alone = len(set(map(id, parts))) == len(parts)
    require(alone, "a layer stands twice; make one for each place")


def check_sizes(layers: Sequence[Layer]) -> tuple[int | None, int | None]:
    """(features in, values out) of layers, None where only data can tell."""
    sized = (layer for layer in layers if layer.n_features or not layer.keeps_width)
    first = next((layer.n_features for layer in sized), None)
    width = None
    for layer in layers:
        fits = width in (None, layer.n_features or width)
        require(fits, f"{layer!r} follows a layer that gives {width} values; make them equal")
        width = layer.n_neurons or (width if layer.keeps_width else None)
    return first, width


def check_network(parts: dict[type, list[Any]]) -> tuple[int | None, int | None]:
    """(features in, values out) of layers, one loss and one optimizer."""
    for kind, objects in parts.items():
        check_parts(kind, objects)
    layers, (loss,), _ = parts.values()
    sizes = check_sizes(layers)
    wanted, last = loss.activation, layers[-1]
    named = f"{type(loss).__name__} needs {wanted.__name__} as the last layer, not {last!r}"
    require(isinstance(last, wanted), f"{named}; end with activation={wanted.__name__!r}")
    require(
        wanted.__name__ == "Layer" or takes_xp(last),
        f"{last!r} ends the network without `xp`; let both its methods take it",
    )
    require(
        sizes[1] != 1 or loss.independent,
        "one Softmax output is always 1; for two classes give two outputs, or one Sigmoid output "
        "with loss='binary_crossentropy'",
    )
    return sizes


def check_dtype(dtype: Any) -> np.dtype[Any]:
    known = (float, *FLOATS, "float32", "float64")
    require(dtype in known, f"dtype is {dtype!r}; choose float32 or float64")
    checked: np.dtype[Any] = np.dtype(dtype)
    return checked


def make_rng(seed: Any) -> np.random.Generator:
    try:
        rng = np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise ValueError(f"seed is {seed!r}; give None or a whole number from 0") from error
    # Files and Dropout know PCG64; another kind seeds one.
    usual = type(rng.bit_generator).__name__ == "PCG64"
    return rng if usual else np.random.default_rng(rng.integers(2**63))


def is_finite(values: Any) -> bool:
    # Half the time of isfinite, felt where one row is predicted.
    total = float(np.vdot(values, values))
    return total - total == 0 or bool(np.isfinite(values).all())


def check_finite(values: Any, name: str) -> None:
    if not is_finite(values):
        raise ValueError(f"{name} has NaN, or numbers too large for {values.dtype}; replace them")


def is_masked(values: Any) -> bool:
    """Whether values are hidden; without importing numpy.ma (2 MB)."""
    if isinstance(values, list | tuple):
        return any(map(is_masked, values))
    return isinstance(values, np.ndarray) and hasattr(values, "filled")


def is_real(value: Any) -> bool:
    """Whether it is one real number, of any library."""
    other = str | bytes | complex | np.complexfloating | np.datetime64 | np.timedelta64 | np.ndarray
    return hasattr(value, "__float__") and not isinstance(value, other)


def to_numbers(values: Any, name: str, dtype: Any) -> Any:
    """Values as a finite array of `dtype`; ValueError if they are none."""
    if isinstance(values, np.ndarray) and values.dtype == dtype and type(values) is np.ndarray:
        check_finite(values, name)  # the usual case: nothing to convert
        return values
    require(not is_masked(values), f"{name} is masked; give {name}.filled(...)")
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{name} is not made of numbers, row by row: {error}") from None
    if array.dtype.kind == "O":
        strange = [v for v in array.ravel() if not is_real(v)]
        kind = type(strange[0]).__name__ if strange else ""
        require(not strange, f"{name} holds a {kind}, {strange[:1]}; give numbers")
    fits = array.dtype.kind in "biufO"
    require(
        fits, f"{name} is of type {array.dtype}, which is not made of numbers; give real numbers"
    )
    with np.errstate(over="ignore", invalid="ignore"):  # too large: infinite, and refused below
        array = array.astype(dtype)
    check_finite(array, name)
    return array


def check_outputs(outputs: Any) -> Any:
    if not is_finite(outputs):
        raise FloatingPointError(
            "the outputs are not finite: X or the weights are too large; scale X, or use "
            "dtype='float64'"
        )
    return outputs


def takes_xp(layer: Any) -> bool:
    """Whether a layer is to be recorded."""
    codes = [getattr(method, "__code__", None) for method in (layer.forward, layer.backward)]
    return all(
        code and "xp" in code.co_varnames[: code.co_argcount] and not RANDOM & {*code.co_names}
        for code in codes
    )


def not_replayable(layer: str, what: str) -> ValueError:
    return ValueError(
        f"{layer}: {what} cannot be replayed; use NumPy functions that take `out`, or leave `xp` "
        "out of forward and backward: then the layer is called in every step"
    )


def show(self: Any) -> str:
    kinds = bool | int | float | str
    names = getattr(self, "options", None) or [
        n for n, v in vars(self).items() if isinstance(v, kinds)
    ]
    return f"{type(self).__name__}({', '.join(f'{n}={getattr(self, n)!r}' for n in names)})"


def find_late(name: str) -> Any:
    if name in ("MapicxClassifier", "MapicxRegressor"):  # only these need scikit-learn
        from mapicx import sklearn

        return getattr(sklearn, name)
    if name == "Sequential":
        raise ImportError("mapicx has no Sequential; write Mapicx().add(2, 64).add(64, 3, ...)")
    raise AttributeError(f"module 'mapicx' has no attribute {name!r}")
