"""Tables, text and figures for LaTeX: booktabs, nothing from rows is taken for a command."""

from __future__ import annotations

import math

from benchmarks.render.document import Cell, Column, Table
from benchmarks.render.numbers import format_cell

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
    "∞": r"$\infty$",
    "[": "{[}",  # behind a line's end it would begin an option
} | {char: f"\\{char}" for char in "&%$#_{}"}
PAGE = 112  # characters of \footnotesize that a page takes, somewhat shrunk
WRAPPED = 30  # a column of longer text wraps
SLACK = 0.25  # of a page: so much is rather shrunk than made a panel of its own
BROKEN = 18  # a longer heading breaks before its bracket


def escape(text: str) -> str:
    """Literal text of a LaTeX document; characters that plain LaTeX lacks become "?"."""
    return "".join(SPECIAL.get(c, c if c.isascii() else "?") for c in text)


def write_cell(cell: Cell) -> str:
    """A cell, escaped."""
    return escape(" ".join(format_cell(cell).split()))


def write_table(table: Table, label: str, caption: str) -> list[str]:
    """A `table*` with booktabs rules; its notes end the caption, so that it stands alone.

    A table too wide for a page is stacked in panels, each beginning with the first column, and
    shrunk where still too wide.
    """
    notes = "".join(format_cell(note) for note in table.notes)
    text = [r"\begin{table*}", r"\centering\footnotesize"]
    text += [rf"\caption{{{escape(f'{caption} {notes}'.strip())}}}", rf"\label{{tab:{label}}}"]
    cells = [[write_cell(cell) for cell in row] for row in table.rows]
    for panel in _split_panels(table.columns, cells):
        text += [r"\par\medskip", *_write_panel(table.columns, cells, panel)]
    return [*text, r"\end{table*}"]


def _find_longest(cells: list[list[str]], i: int) -> int:
    return max((len(row[i]) for row in cells), default=0)


def _split_panels(columns: tuple[Column, ...], cells: list[list[str]]) -> list[list[int]]:
    """Which columns stand side by side; a column of ratios stays with what it is a ratio of."""
    widths = [
        max(max(map(len, _break(column.heading))), min(_find_longest(cells, i), WRAPPED))
        for i, column in enumerate(columns)
    ]
    groups: list[list[int]] = []
    for i, column in enumerate(columns[1:], start=1):
        if groups and column.heading.startswith(("×", "against")):
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


def _write_panel(
    columns: tuple[Column, ...], cells: list[list[str]], panel: list[int]
) -> list[str]:
    places = ""
    for i in panel:
        side = "right" if not columns[i].numeric else "left"  # which edge is ragged
        place = "r" if columns[i].numeric else "l"
        if _find_longest(cells, i) > WRAPPED:
            place = rf">{{\ragged{side}\arraybackslash}}p{{{WRAPPED / 2:g}em}}"
        places += place
    text = [r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"]
    text += [rf"\begin{{tabular}}{{{places}}}", r"\toprule"]
    text += [" & ".join(_write_heading(columns[i]) for i in panel) + r" \\", r"\midrule"]
    text += [" & ".join(row[i] for i in panel) + r" \\" for row in cells]
    return [*text, r"\bottomrule", r"\end{tabular}}"]


def _write_heading(column: Column) -> str:
    parts = [escape(part) for part in _break(column.heading)]
    if len(parts) == 1:
        return parts[0]
    return rf"\shortstack[{'r' if column.numeric else 'l'}]{{" + r" \\ ".join(parts) + "}"


def _break(heading: str) -> list[str]:
    """A long heading in two lines."""
    first, bracket, rest = heading.partition(" (")
    return [first, f"({rest}"] if bracket and len(heading) > BROKEN else [heading]


def write_figure(file: str, caption: str) -> list[str]:
    """A `figure*` of a picture beside the document."""
    text = [r"\begin{figure*}", r"\centering"]
    size = r"width=\linewidth,height=0.8\textheight,keepaspectratio"
    text += [rf"\includegraphics[{size}]{{{file}.pdf}}", rf"\caption{{{escape(caption)}}}"]
    return [*text, rf"\label{{fig:{file}}}", r"\end{figure*}"]
