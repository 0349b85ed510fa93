"""Tests of the engine where there is NumPy alone: `python .ci/engine.py [numpy==2.0.*]`.

Makes a virtual environment with NumPy, pytest and hypothesis, and runs the files of tests/mapicx
that import nothing else. Standard library only, the same on every system.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KNOWN = {"mapicx", "numpy", "pytest", "hypothesis", "tests"} | sys.stdlib_module_names


def find_foreign(path: Path) -> set[str]:
    """What a file imports anywhere beyond NumPy and the test tools."""
    foreign = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        foreign |= {name.split(".")[0] for name in names} - KNOWN
    return foreign


def main(numpy: str = "numpy") -> int:
    """Exit code of pytest."""
    chosen = []
    for path in sorted((ROOT / "tests" / "mapicx").glob("test_*.py")):
        foreign = find_foreign(path)
        if foreign:
            print(f"left out: {path.name}, which imports {', '.join(sorted(foreign))}")
        else:
            chosen.append(str(path))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / ("Scripts" if os.name == "nt" else "bin") / "python"
        install = [python, "-m", "pip", "install", "--quiet", numpy, "pytest", "hypothesis"]
        subprocess.run(install, check=True)
        subprocess.run([python, "-m", "pip", "list"], check=True)
        return subprocess.run([python, "-m", "pytest", "-q", *chosen], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
