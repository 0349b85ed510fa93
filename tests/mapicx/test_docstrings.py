"""The examples in the docstrings of the package run and give what they show."""

import doctest
import importlib
import pkgutil

import pytest

import mapicx

MODULES = [name for _, name, _ in pkgutil.iter_modules(mapicx.__path__) if name != "__main__"]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_run(name):
    if name == "sklearn":
        pytest.importorskip("sklearn")
    module = importlib.import_module(f"mapicx.{name}")
    assert doctest.testmod(module).failed == 0


def test_there_are_examples_of_the_main_names():
    for name in ("Mapicx", "NeuralNetwork", "Layer", "Dense", "SGD", "Adam", "EarlyStopping"):
        assert ">>>" in getattr(mapicx, name).__doc__, name
