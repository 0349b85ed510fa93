"""A document as one self-contained HTML file: report.html.j2 has its look and its behaviour.

Nothing is fetched from anywhere. Jinja2 escapes all text.
"""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup

from benchmarks.render.csv import format_csv
from benchmarks.render.document import (
    Block,
    Code,
    Document,
    Items,
    Link,
    Paragraph,
    Picture,
    Strong,
    Table,
)
from benchmarks.render.numbers import find_sort_key, format_cell

TEMPLATE = Path(__file__).with_name("report.html.j2")
LONG = 6  # rows: a shorter table needs no filter
LEFT_OUT = ("cores", "distributions", "blas")  # lists, which stand in trials.jsonl
DIGITS = 6  # of the rows for download; trials.jsonl has all


def write_html(document: Document, folder: Path, rows: pd.DataFrame) -> str:
    """The whole document.

    Parameters
    ----------
    document : Document
        What is shown.
    folder : Path
        Where NAME.svg of each picture lies; a picture that is missing there is left out.
    rows : pandas.DataFrame
        The run's rows, for download.
    """
    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FileSystemLoader(TEMPLATE.parent),
    )
    environment.globals |= {
        "kind_of": _name_kind,
        "piece": _write_piece,
        "sort_key": find_sort_key,
        "svg": lambda picture: _read_svg(folder / f"{picture.name}.svg"),
        "anchor": _make_anchor,
        "long": LONG,
    }
    shown = rows.dropna(axis="columns", how="all").drop(columns=list(LEFT_OUT), errors="ignore")
    csv = format_csv(shown, DIGITS).replace("</", "<\\/")  # must not end the element that holds it
    template = environment.get_template(TEMPLATE.name)
    return template.render(document=document, csv=Markup(csv), name=folder.name)


def _name_kind(block: Block) -> str:
    kinds = {Paragraph: "paragraph", Items: "items", Table: "table", Picture: "picture"}
    return kinds[type(block)]


def _write_piece(text: object) -> Markup:
    """A piece of text or a cell as HTML."""
    if isinstance(text, tuple):
        return Markup("").join(_write_piece(piece) for piece in text)
    if isinstance(text, Link):
        return Markup('<a href="{}">{}</a>').format(text.target, text.text)
    if isinstance(text, Code):
        return Markup("<code>{}</code>").format(text.text)
    if isinstance(text, Strong):
        return Markup("<strong>{}</strong>").format(text.text)
    return Markup.escape(format_cell(text))  # type: ignore[arg-type]


def _read_svg(path: Path) -> Markup:
    return Markup(path.read_text(encoding="utf-8")) if path.exists() else Markup("")


def _make_anchor(title: str) -> str:
    return re.sub(r"\W+", "-", title.lower()).strip("-")
