"""The tutorial runs from top to bottom, and is stored without what running it leaves."""

from __future__ import annotations

import json
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "tutorial.ipynb"


def test_the_notebook_is_stored_without_outputs():
    for cell in json.loads(NOTEBOOK.read_text())["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
        assert set(cell["metadata"]) <= {"tags"}


def test_the_notebook_installs_from_the_projects_own_address(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    address = project.get("urls", {}).get("Repository")
    if address is None:
        pytest.skip("pyproject.toml names no repository yet")
    assert json.dumps(address)[1:-1] in NOTEBOOK.read_text()


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom():
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    for framework in ("torch", "keras", "scipy", "matplotlib", "ipykernel"):
        if find_spec(framework) is None:
            pytest.skip(f"{framework} is not installed")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": str(NOTEBOOK.parent)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=resources).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [o for o in outputs if "image/png" in o.get("data", {})]
    assert len(pictures) >= 4
    complaints = [o["text"] for o in outputs if o.get("name") == "stderr"]
    assert complaints == []
