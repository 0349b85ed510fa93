"""What a system is, in one line, for lists: read from its source or metadata, never imported."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

from baselines import BUILT_IN, plug_ins

HERE = Path(__file__).parent


def describe_system(name: str) -> str:
    """The first line of what a system's class says of itself; of a plug-in, its package's.

    Parameters
    ----------
    name : str
        A built-in system, or one of another installed package.

    Returns
    -------
    str
        One line, empty if nothing is said.

    Examples
    --------
    >>> describe_system("noop")
    'Does nothing: what it costs is the harness.'
    """
    if name not in BUILT_IN:
        point = plug_ins.find_entry_points()[name]
        summary = point.dist.metadata["Summary"] if point.dist is not None else None
        return summary or ""
    module, attribute = BUILT_IN[name]
    tree = _parse(module)
    (found,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == attribute)
    text = ast.get_docstring(found) or ast.get_docstring(tree) or ""
    line = " ".join(text.partition("\n\n")[0].split())
    title, _, rest = line.partition(": ")
    return rest[:1].upper() + rest[1:] if title == name else line  # a module's own docstring


@functools.cache
def _parse(module: str) -> ast.Module:
    path = HERE / f"{module.rpartition('.')[2]}.py"
    return ast.parse(path.read_text(encoding="utf-8"))
