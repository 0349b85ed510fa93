"""Tables and text for LaTeX: booktabs, nothing from rows is taken for a command."""

from __future__ import annotations

import html
import math
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
    "[": "{[}",  # behind a line's end it would begin an option
} | {char: f"\\{char}" for char in "&%$#_{}"}
CELLS = re.compile(r"(?<!\\)\|")
PAGE = 112  # characters of \footnotesize that a page takes, somewhat shrunk
WRAPPED = 30  # a column of longer text wraps
SLACK = 0.25  # of a page: so much is rather shrunk than made a panel of its own
BROKEN = 18  # a longer heading breaks before its bracket
ESCAPED = re.compile(r"\\(.)")


def escape(text: str) -> str:
    """Literal text of a LaTeX document; characters that plain LaTeX lacks become "?"."""
    return "".join(SPECIAL.get(c, c if c.isascii() else "?") for c in text)


def plain(cell: str) -> str:
    """A markdown cell of this project as the text it shows."""
    return html.unescape(ESCAPED.sub(r"\1", cell.strip().replace("**", "")))


def table(lines: Iterable[str], label: str) -> list[str]:
    """A `table*` with booktabs rules from the lines of a markdown table and the text below it.

    The text becomes the caption, so that the table stands alone. A table too wide for a page is
    stacked in panels, each beginning with the first column, and shrunk where still too wide.
    """
    lines = list(lines)
    rows = [[plain(cell) for cell in CELLS.split(line)[1:-1]] for line in lines if line[:1] == "|"]
    said = " ".join(plain(line) for line in lines if line and not line.startswith("|"))
    text = [r"\begin{table*}", r"\centering\footnotesize", rf"\caption{{{escape(said)}}}"]
    text += [rf"\label{{tab:{label}}}"]
    for columns in _panels(rows):
        text += [r"\par\medskip", *_panel(rows, columns)]
    return [*text, r"\end{table*}"]


def _widths(rows: list[list[str]]) -> list[int]:
    """Characters that a column takes; its heading may break before a bracket, long text wraps."""
    heads = [max(map(len, _broken(cell))) for cell in rows[0]]
    cells = [max((len(row[i]) for row in rows[2:]), default=0) for i in range(len(heads))]
    return [max(head, min(cell, WRAPPED)) for head, cell in zip(heads, cells, strict=True)]


def _panels(rows: list[list[str]]) -> list[list[int]]:
    """Which columns stand side by side; a column of ratios stays with what it is a ratio of."""
    widths = _widths(rows)
    groups: list[list[int]] = []
    for i, heading in enumerate(rows[0][1:], start=1):
        if groups and heading.startswith(("×", "against")):
            groups[-1].append(i)
        else:
            groups.append([i])
    room = max(1, PAGE - widths[0])
    count = max(1, math.ceil(sum(widths[1:]) / room - SLACK))
    panels: list[list[int]] = [[0]]
    for group in groups:
        taken = sum(widths[i] for i in panels[-1][1:])
        if len(panels) < count and taken and taken + sum(widths[i] for i in group) > room:
            panels.append([0])
        panels[-1] += group
    return panels


def _panel(rows: list[list[str]], columns: list[int]) -> list[str]:
    head, rule, *body = rows
    places = ""
    for i in columns:
        long = max((len(row[i]) for row in body), default=0) > WRAPPED
        right = rule[i].endswith(":")
        place = f"p{{{WRAPPED / 2:g}em}}" if long else "r" if right else "l"
        ragged = r">{\raggedleft\arraybackslash}" if right else r">{\raggedright\arraybackslash}"
        places += ragged + place if long else place
    text = [r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"]
    text += [rf"\begin{{tabular}}{{{places}}}", r"\toprule"]
    text += [" & ".join(_heading(head[i], rule[i]) for i in columns) + r" \\", r"\midrule"]
    text += [" & ".join(escape(row[i]) for i in columns) + r" \\" for row in body]
    return [*text, r"\bottomrule", r"\end{tabular}}"]


def _heading(cell: str, rule: str) -> str:
    parts = [escape(part) for part in _broken(cell)]
    if len(parts) == 1:
        return parts[0]
    side = "r" if rule.endswith(":") else "l"
    return rf"\shortstack[{side}]{{" + r" \\ ".join(parts) + "}"


def _broken(cell: str) -> list[str]:
    """A long heading in two lines."""
    first, bracket, rest = cell.partition(" (")
    return [first, f"({rest}"] if bracket and len(cell) > BROKEN else [cell]


def figure(file: str, caption: str) -> list[str]:
    """A `figure*` of a picture beside the document."""
    text = [r"\begin{figure*}", r"\centering"]
    size = r"width=\linewidth,height=0.8\textheight,keepaspectratio"
    text += [rf"\includegraphics[{size}]{{{file}.pdf}}", rf"\caption{{{escape(caption)}}}"]
    return [*text, rf"\label{{fig:{file}}}", r"\end{figure*}"]
