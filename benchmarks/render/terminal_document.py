"""Print a document on a terminal or in a log, with rich."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text as RichText

from benchmarks.render.document import Block, Document, Items, Paragraph, Section, Table
from benchmarks.render.numbers import format_cell


def print_document(
    part: Document | Section, console: Console | None = None, before: str = ""
) -> None:
    """Print titles, paragraphs, lists and tables; pictures are left out."""
    console = console or Console()
    console.print(RichText(before + part.title, style="bold"))
    _print_blocks(part.blocks, console)
    for section in part.sections:
        print_document(section, console, "\n")


def _print_blocks(blocks: Iterable[Block], console: Console) -> None:
    for block in blocks:
        if isinstance(block, Table):
            if block.rows:
                console.print(_make_table(block))
            console.print(RichText("".join(format_cell(note) for note in block.notes)))
        elif isinstance(block, Items):
            for item in block.items:
                console.print(RichText(f"- {format_cell(item)}"))
        elif isinstance(block, Paragraph):
            console.print(RichText(format_cell(block.text)))


def _make_table(table: Table) -> RichTable:
    made = RichTable()
    for column in table.columns:
        made.add_column(column.heading, justify="right" if column.numeric else "left")
    for row in table.rows:
        made.add_row(*(RichText(format_cell(cell)) for cell in row))
    return made
