"""Shared by all tests: where the project is, and how its commands are run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores, and NumPy's threads spin
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
pytest_plugins = ["tests.browser"]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def command():
    """Run `python -m MODULE ARGUMENTS` in the project's folder, as a user would."""

    def run(module: str, *arguments: object, timeout: float = 300, **variables: str):
        return subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    return run
