"""Tables, text and figures for LaTeX: booktabs; nothing from rows can act as a command."""

from __future__ import annotations

import math

import pandas as pd

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
    "[": "{[}",  # after a line break it would start an option
} | {char: f"\\{char}" for char in "&%$#_{}"}
PAGE = 112  # characters of \footnotesize across a page, slightly shrunk
WRAPPED = 30  # longer text wraps
SLACK = 0.25  # of a page: an excess up to this is shrunk, not made a panel of its own
BROKEN = 18  # a longer heading breaks before its parenthesis
SHRUNK = r"""\par\medskip
\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%
"""
INCLUDED = r"\includegraphics[width=\linewidth,height=0.8\textheight,keepaspectratio]"


def escape(text: str) -> str:
    """Escape text for LaTeX; characters that plain LaTeX lacks become "?"."""
    return "".join(SPECIAL.get(c, c if c.isascii() else "?") for c in text)


def write_cell(cell: Cell) -> str:
    """Write a cell, escaped."""
    return escape(" ".join(format_cell(cell).split()))


def write_table(table: Table, label: str, caption: str) -> str:
    """Write a `table*` with booktabs rules; its notes end the caption, which thus stands alone.

    A table too wide for the page is split into stacked panels, each starting with the first
    column, and shrunk if still too wide.
    """
    notes = "".join(format_cell(note) for note in table.notes)
    columns, head = table.columns, [_write_heading(column) for column in table.columns]
    cells = pd.DataFrame([map(write_cell, row) for row in table.rows], columns=head)
    longest = [max(map(len, column), default=0) for column in cells.to_numpy().T]
    places = [_choose_place(*both) for both in zip(columns, longest, strict=True)]
    panels = ""
    for panel in _split_panels(columns, longest):
        styler = cells.iloc[:, panel].style.hide(axis="index")
        text = styler.to_latex(column_format="".join(places[i] for i in panel), hrules=True)
        panels += SHRUNK + text.rstrip() + "}\n"
    return (
        "\\begin{table*}\n\\centering\\footnotesize\n"
        f"\\caption{{{escape(f'{caption} {notes}'.strip())}}}\n\\label{{tab:{label}}}\n"
        f"{panels}\\end{{table*}}\n"
    )


def _choose_place(column: Column, longest: int) -> str:
    """Align numbers right and words left; long cells wrap, ragged at the opposite edge."""
    if longest <= WRAPPED:
        return "r" if column.numeric else "l"
    ragged = "left" if column.numeric else "right"
    return rf">{{\ragged{ragged}\arraybackslash}}p{{{WRAPPED / 2:g}em}}"


def _split_panels(columns: tuple[Column, ...], longest: list[int]) -> list[list[int]]:
    """Group columns into panels; a column of ratios stays with the column it belongs to."""
    widths = [
        max(*map(len, _break(column.heading)), min(most, WRAPPED))
        for column, most in zip(columns, longest, strict=True)
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


def _write_heading(column: Column) -> str:
    first, *rest = [escape(part) for part in _break(column.heading)]
    side = "r" if column.numeric else "l"
    return rf"\shortstack[{side}]{{{first} \\ {rest[0]}}}" if rest else first


def _break(heading: str) -> list[str]:
    """Break a long heading into two lines."""
    first, bracket, rest = heading.partition(" (")
    return [first, f"({rest}"] if bracket and len(heading) > BROKEN else [heading]


def write_figure(file: str, caption: str) -> str:
    """Write a `figure*` for a picture file beside the document."""
    return (
        f"\\begin{{figure*}}\n\\centering\n{INCLUDED}{{{file}.pdf}}\n"
        f"\\caption{{{escape(caption)}}}\n\\label{{fig:{file}}}\n\\end{{figure*}}\n"
    )
