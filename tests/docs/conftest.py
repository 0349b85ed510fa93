"""The playground as a reader meets it: built, served, and open in a browser."""

from __future__ import annotations

import functools
import http.server
import importlib.util
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLAYGROUND = ROOT / "docs" / "playground"


def _load(name: str) -> ModuleType:
    """A file of docs/playground as a module; the folder is no package."""
    spec = importlib.util.spec_from_file_location(name, PLAYGROUND / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def playground() -> ModuleType:
    """docs/playground/playground.py, in this Python."""
    return _load("playground")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the built page, with local copies of Pyodide and NumPy."""
    folder = tmp_path_factory.mktemp("site")
    build = _load("build")
    try:
        build.fetch_runtime()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"Pyodide and NumPy cannot be fetched here: {error}")
    build.build(folder, local=True)
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture(scope="session")
def chromium(browser: Any) -> Any:
    """The distribution's Chromium; of the one Playwright that a process may have."""
    return browser
