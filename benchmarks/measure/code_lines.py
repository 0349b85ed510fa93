"""How large the engine is: code lines counted from its source, without running it.

A code line holds at least one token that is neither comment nor docstring.
"""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "mapicx"
# Conveniences that training a network does not need; the rest is the core.
COMPANIONS = {
    "datasets.py",
    "gradcheck.py",
    "sklearn.py",
    "__main__.py",
    "files.py",
    "callbacks.py",
    "targets.py",
}
CORE_LIMIT, PACKAGE_LIMIT = 500, 900
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


def code_lines(source: str) -> int:
    """Lines of Python source that hold code."""
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


def counts(package: Path = PACKAGE) -> dict[str, int]:
    """Code lines per file of the package, by name."""
    return {
        str(path.relative_to(package)): code_lines(path.read_text(encoding="utf-8"))
        for path in sorted(package.rglob("*.py"))
    }


def core_and_package(package: Path = PACKAGE) -> tuple[int, int]:
    """Code lines of the core, and of the whole package."""
    found = counts(package)
    return sum(n for name, n in found.items() if name not in COMPANIONS), sum(found.values())
