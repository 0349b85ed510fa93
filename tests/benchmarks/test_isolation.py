"""A framework finds what its own installation would hold, whatever else is installed here."""

import json
import subprocess
import sys
from importlib import metadata

import baselines
from benchmarks.measure.dependencies import hidden_modules

CODE = """
import importlib.metadata, importlib.util, json, sys
from benchmarks.measure.worker import hide
hide(**json.loads(sys.argv[1]))
found = {name: importlib.util.find_spec(name) is not None for name in sys.argv[2].split(",")}
try:
    importlib.metadata.version("pandas")
    found["version"] = True
except importlib.metadata.PackageNotFoundError:
    found["version"] = importlib.metadata.version("scikit-learn")
try:
    import pandas
    found["imported"] = True
except ModuleNotFoundError as error:
    found["imported"] = error.name
print(json.dumps(found))
"""
ASKED = ("numpy", "scipy", "sklearn", "joblib", "pandas", "torch", "json", "mapicx", "benchmarks")


def seen(requires):
    done = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(hidden_modules(requires)), ",".join(ASKED)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_what_is_not_required_does_not_exist():
    found = seen(("scikit-learn",))
    missing = {name for name in ASKED if not found[name]}
    assert missing - {"mapicx"} == {"pandas", "torch"}  # it may be there without being installed
    assert found["imported"] == "pandas" and found["version"] == metadata.version("scikit-learn")


def test_every_built_in_system_keeps_what_it_requires():
    modules = {"scikit-learn": "sklearn"}
    for name in baselines.BUILT_IN:
        requires = tuple(baselines.system(name).requires)
        gone = hidden_modules(requires)["modules"]
        assert not {modules.get(one, one) for one in requires} & set(gone), name
        assert "numpy" not in gone and "pandas" in gone, name
