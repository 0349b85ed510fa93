"""Tables and text for LaTeX: booktabs, nothing from rows is taken for a command."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "−": "$-$",
    "×": r"$\times$",
    "µ": r"\textmu{}",
    "†": r"\dag{}",
    "‡": r"\ddag{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "…": r"\ldots{}",
} | {char: f"\\{char}" for char in "&%$#_{}"}
CELLS = re.compile(r"(?<!\\)\|")
ESCAPED = re.compile(r"\\(.)")


def escape(text: str) -> str:
    """Literal text of a LaTeX document; characters that plain LaTeX lacks become "?"."""
    return "".join(SPECIAL.get(c, c if c.isascii() else "?") for c in text)


def plain(cell: str) -> str:
    """A markdown cell of this project as the text it shows."""
    return html.unescape(ESCAPED.sub(r"\1", cell.strip().replace("**", "")))


def table(lines: Iterable[str], label: str) -> list[str]:
    """A `table*` with booktabs rules from the lines of a markdown table and the text below it.

    The text becomes the caption, so that the table stands alone.
    """
    lines = list(lines)
    rows = [CELLS.split(line)[1:-1] for line in lines if line.startswith("|")]
    said = " ".join(plain(line) for line in lines if line and not line.startswith("|"))
    head, _, *body = rows
    text = [r"\begin{table*}", r"\centering", rf"\caption{{{escape(said)}}}"]
    text += [rf"\label{{tab:{label}}}", r"\resizebox{\linewidth}{!}{%"]
    text += [rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}", r"\toprule", _row(head)]
    text += [r"\midrule", *(_row(row) for row in body), r"\bottomrule", r"\end{tabular}}"]
    return [*text, r"\end{table*}"]


def _row(cells: Iterable[str]) -> str:
    return " & ".join(escape(plain(cell)) for cell in cells) + r" \\"
