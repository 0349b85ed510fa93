"""How large the engine is: code lines counted from its source, without running it.

A code line holds at least one token that is neither comment nor docstring.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.paths import ROOT

PACKAGE = ROOT / "mapicx"
# Modules without mathematics: checks, data, files, conveniences. All others are the core, so a new
# module counts towards it until it is named here.
COMPANIONS = {
    "__main__.py", "callbacks.py", "data.py", "datasets.py", "files.py", "gradcheck.py",
    "sklearn.py", "validation.py",
}  # fmt: skip
CORE_LIMIT = 500
ENTRANCES = ("network.py", "model.py")  # these and their imports are enough to train a network
BLANK = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class CodeLines(NamedTuple):
    """Code lines of three parts of a package, each contained in the next."""

    core: int  # the mathematics; only this has a limit
    training: int  # everything that training a network loads
    package: int


def count_code_lines(package: Path = PACKAGE) -> CodeLines:
    """Count the core of the engine, what training a network loads, and the whole package."""
    lines = {
        str(path.relative_to(package)): count_in_source(path.read_text(encoding="utf-8"))
        for path in package.rglob("*.py")
    }
    core = lines.keys() - COMPANIONS
    training = core | find_imports(package, [name for name in ENTRANCES if name in lines])
    return CodeLines(
        core=sum(lines[name] for name in core),
        training=sum(lines[name] for name in training),
        package=sum(lines.values()),
    )


def count_in_source(source: str) -> int:
    """Count the lines of Python source that hold code."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {
        number
        for token in tokens
        if token.type not in BLANK
        for number in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            text = node.body[0]
            lines -= set(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    return len(lines)


def find_imports(package: Path, modules: Iterable[str]) -> set[str]:
    """Return the files of a package that are loaded with some of its modules, these included.

    Only the imports at the top of each file are followed: those in functions run when called, and
    those for a type checker never run.
    """
    loaded: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in loaded:
            loaded.add(name)
            waiting += _imported_files(package, name)
    return loaded


def _imported_files(package: Path, name: str) -> Iterator[str]:
    """Yield files of the package that one of its files imports by `from mapicx... import ...`."""
    for node in ast.parse((package / name).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            top, _, module = node.module.partition(".")
            names = [module] if module else [alias.name for alias in node.names]
            if top == package.name:
                yield from (f"{name}.py" for name in names if (package / f"{name}.py").exists())
