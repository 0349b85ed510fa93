"""A report as values: sections of paragraphs, lists, tables and figures.

Writers (markdown.py, html.py, latex.py, terminal_document.py) turn one document into text. A cell
is a value with its format. Nothing in a document is escaped, and no writer parses another's output.
"""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

from benchmarks.analyse.stats import Estimate

TEXTS = tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))


@dataclasses.dataclass(frozen=True)
class Quantity:
    """An estimate and how to show it.

    Attributes
    ----------
    estimate : Estimate
        The value with its bounds.
    scale : float
        Size of the unit in which it is shown.
    signed : bool
        Whether positive values get a plus sign.
    bounds : bool
        Whether the bounds follow the value.
    suffix : str
        Text after the number, such as a unit or a multiplication sign.
    """

    estimate: Estimate
    scale: float = 1.0
    signed: bool = False
    bounds: bool = True
    suffix: str = ""


@dataclasses.dataclass(frozen=True)
class Link:
    """Text that links to a file beside the report or to a section of it."""

    text: str
    target: str


@dataclasses.dataclass(frozen=True)
class Code:
    """Text to be typed, such as a command."""

    text: str


@dataclasses.dataclass(frozen=True)
class Strong:
    """Text to be emphasised."""

    text: str


Piece = str | Quantity | Link | Code | Strong
Text = Piece | tuple[Piece, ...]
Cell = Text | None


@dataclasses.dataclass(frozen=True)
class Column:
    """Heading of a column, and whether it holds numbers (right-aligned)."""

    heading: str
    numeric: bool = True


@dataclasses.dataclass(frozen=True)
class Table:
    """Columns, rows of cells, and notes that explain them."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[Text, ...] = ()

    def shows(self, kind: str) -> bool:
        """Whether any number in the table has bounds of this kind."""
        return any(
            isinstance(piece, Quantity) and piece.bounds and piece.estimate.kind == kind
            for row in self.rows
            for cell in row
            for piece in (cell if isinstance(cell, tuple) else (cell,))
        )


@dataclasses.dataclass(frozen=True)
class Picture:
    """A figure: NAME.png, NAME.svg and, with the numbers behind it, NAME.csv beside the report.

    digest: SHA-256 of NAME.csv, if it cannot be regenerated from rows alone.
    """

    name: str
    caption: str
    digest: str = ""


@dataclasses.dataclass(frozen=True)
class Paragraph:
    """One paragraph of running text."""

    text: Text


@dataclasses.dataclass(frozen=True)
class Items:
    """A list of items."""

    items: tuple[Text, ...]
    ordered: bool = False


Block = Paragraph | Items | Table | Picture


@dataclasses.dataclass(frozen=True)
class Section:
    """A titled part of a document."""

    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()
    unfolded: bool = False  # stays open where a writer folds sections


@dataclasses.dataclass(frozen=True)
class Document:
    """A title, the blocks before the first heading, and sections."""

    title: str
    blocks: tuple[Block, ...]
    sections: tuple[Section, ...] = ()


def make_table(
    head: list[str] | tuple[str, ...],
    rows: list[list[Cell]],
    notes: tuple[Text, ...] = (),
    words: tuple[int, ...] = (),
) -> Table:
    """Make a table whose first column, and those at the positions `words`, hold text."""
    columns = tuple(Column(title, i > 0 and i not in words) for i, title in enumerate(head))
    return Table(columns, tuple(map(tuple, rows)), notes)
