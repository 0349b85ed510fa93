"""Each public name has an example, which runs and gives what it shows."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import mapicx
from mapicx import SGD, Adam, CategoricalCrossentropy, Dense, Mapicx, NeuralNetwork, ReLU, Softmax
from mapicx.datasets import spiral_data
from mapicx.gradcheck import check_gradients

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
MODULES = [name for _, name, _ in pkgutil.iter_modules(mapicx.__path__) if name != "__main__"]


@pytest.fixture(scope="module")
def names():
    """What the examples of Mapicx and NeuralNetwork leave, from which those of methods go on."""
    X, y = spiral_data(100, 3, seed=0)
    model = Mapicx(seed=0).add(2, 64).add(64, 3, activation="Softmax").compile(Adam(0.05))
    model.fit(X, y, epochs=100, verbose=False)
    layers = [Dense(2, 16), ReLU(), Dense(16, 3), Softmax()]
    net = NeuralNetwork(layers, CategoricalCrossentropy(), SGD(0.1), seed=0)
    return {"X": X, "y": y, "model": model, "net": net}


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_run(name, names, tmp_path, monkeypatch):
    if name == "sklearn":
        pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(f"mapicx.{name}")
    result = doctest.testmod(module, extraglobs=names, optionflags=FLAGS, report=False)
    assert result.failed == 0


def find_public():
    """Each public name, and each method of the two models."""
    yield from ((name, getattr(mapicx, name)) for name in mapicx.__all__)
    yield from ((name, getattr(mapicx, name)) for name in ("MapicxClassifier", "MapicxRegressor"))
    yield from (("spiral_data", spiral_data), ("check_gradients", check_gradients))
    for kind in (Mapicx, NeuralNetwork):
        for name, part in vars(kind).items():
            if name[0] != "_" and (inspect.isfunction(part) or isinstance(part, property)):
                yield f"{kind.__name__}.{name}", part


def test_each_public_name_has_an_example():
    pytest.importorskip("sklearn")
    found = dict(find_public())
    assert {"Mapicx.fit", "Mapicx.network", "NeuralNetwork.train", "load"} <= found.keys()
    assert [name for name, part in found.items() if ">>>" not in (part.__doc__ or "")] == []
