"""Facts about the systems, gathered once per framework in a process of its own."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")},
    "PYTHONPATH": str(ROOT),
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
}


def python(*arguments):
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, *arguments], env=ENVIRONMENT, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@cache
def _examined(group, names):
    output = python("tests/baselines/subject.py", group, *names)
    return json.loads(output.splitlines()[-1])


@pytest.fixture
def examined():
    return _examined


@pytest.fixture
def run_python():
    return python
