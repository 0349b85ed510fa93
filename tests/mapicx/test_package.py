"""The package as a whole: its size, what it imports, what importing it does."""

import ast
import inspect
import io
import pathlib
import subprocess
import sys
import tokenize

import mapicx
from benchmarks.measure.code_lines import count_code_lines

FOLDER = pathlib.Path(mapicx.__file__).parent
FILES = sorted(FOLDER.rglob("*.py"))


def test_the_core_stays_under_500_code_lines():
    assert count_code_lines(FOLDER).core < 500


def test_no_line_is_dense():
    for path in FILES:
        source = path.read_text()
        assert all(len(line) <= 100 for line in source.splitlines()), path
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        assert not any(token.string == ";" for token in tokens if token.type == tokenize.OP), path


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def test_nothing_is_imported_but_numpy_and_the_standard_library():
    for path in FILES:
        for name in imported(path):
            top = name.split(".")[0]
            known = top in sys.stdlib_module_names or top in {"numpy", "mapicx"}
            assert known or (path.name == "sklearn.py" and top == "sklearn"), (path, name)
            assert top not in {"ctypes", "threading", "multiprocessing"}, (path, name)
            assert not any(part.startswith("_") for part in name.split(".") if part != "__future__")


def test_there_is_no_generated_code_and_no_global_state():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            assert not isinstance(node, ast.Global), path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"exec", "eval", "compile", "__import__"}, path


def test_import_is_light_and_leaves_numpy_alone():
    program = """
import sys, numpy as np
before, kept = set(sys.modules), (np.dot, np.zeros, np.geterr())
import mapicx
new = {name.split(".")[0] for name in set(sys.modules) - before}
print(sorted(new - set(sys.stdlib_module_names) - {"numpy"}))
heavy = {"json", "zipfile", "dataclasses", "inspect", "numpy.random"}
print(sorted(heavy & (set(sys.modules) - before)))
print((np.dot, np.zeros, np.geterr()) == kept)
"""
    run = [sys.executable, "-c", program]
    lines = subprocess.run(run, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines == ["['mapicx']", "[]", "True"]


NAMES = """
    Mapicx NeuralNetwork Layer Dense Dropout ReLU LeakyReLU Sigmoid Tanh Softmax
    CategoricalCrossentropy BinaryCrossentropy MeanSquaredError
    SGD RMSprop Adam AdamW EarlyStopping History load
"""


def test_all_names_are_there_and_documented():
    assert mapicx.__version__ == "0.2.0"
    for name in NAMES.split():
        public = getattr(mapicx, name)
        assert public.__doc__, name
        for method, value in vars(public).items():
            if callable(value) and method[0] != "_":
                assert inspect.getdoc(getattr(public, method)), (name, method)
