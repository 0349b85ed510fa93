"""Write a document as Markdown. Text from rows is data and never becomes markup."""

from __future__ import annotations

import re
from collections.abc import Iterable

from benchmarks.render.document import (
    Block,
    Cell,
    Code,
    Document,
    Items,
    Link,
    Paragraph,
    Picture,
    Section,
    Strong,
    Table,
)
from benchmarks.render.numbers import Marks, format_cell

# An underscore within a word is not markup, and names read better without a backslash.
SPECIAL = re.compile(r"([\\`*\[\]|~$])|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escape(value: object) -> str:
    """Escape a value as literal text on one line."""
    text = "".join(ENTITIES.get(c, c) if c.isprintable() else " " for c in str(value))
    text = SPECIAL.sub(lambda found: "\\" + found.group(0), text)
    return text.replace("://", ":&#47;/")


MARKS: Marks = {
    Link: lambda link: f"[{escape(link.text)}]({link.target})",
    Code: lambda code: "`" + code.text.replace("`", "'") + "`",
    Strong: lambda strong: f"**{escape(strong.text)}**",
}


def write_text(text: Cell) -> str:
    """Write a piece of text or a cell, escaped."""
    return format_cell(text, MARKS, escape)


def write_table(table: Table) -> list[str]:
    """Write a table and its notes as lines."""
    head = [escape(column.heading) for column in table.columns]
    rule = ["---:" if column.numeric else "---" for column in table.columns]
    body = [[write_text(cell) for cell in row] for row in table.rows]
    lines = ["| " + " | ".join(part) + " |" for part in (head, rule, *body)]
    if table.notes:
        lines += ["", "".join(write_text(note) for note in table.notes)]
    return lines


def write_blocks(blocks: Iterable[Block], folder: str = "") -> list[str]:
    """Write blocks as lines, with blank lines between. folder: of pictures, with trailing slash."""
    lines: list[str] = []
    for block in blocks:
        if isinstance(block, Paragraph):
            lines.append(write_text(block.text))
        elif isinstance(block, Items):
            marks = (f"{i}." if block.ordered else "-" for i in range(1, len(block.items) + 1))
            lines += [f"{m} {write_text(x)}" for m, x in zip(marks, block.items, strict=True)]
        elif isinstance(block, Picture):
            lines.append(f"![Figure {escape(block.name)}]({folder}{block.name}.png)")
        else:
            lines += write_table(block)
        lines.append("")
    return lines[:-1]


def write_markdown(document: Document) -> str:
    """Write the whole document."""
    return "\n".join(_write_section(document, 1)).rstrip() + "\n"


def _write_section(part: Document | Section, level: int) -> list[str]:
    lines = [f"{'#' * level} {escape(part.title)}", "", *write_blocks(part.blocks), ""]
    for section in part.sections:
        lines += _write_section(section, level + 1)
    return lines
