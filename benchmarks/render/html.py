"""Write a document as one self-contained HTML file; report.html.j2 has its look and behaviour.

Nothing is fetched from the network. Jinja2 escapes all text.
"""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup, escape

from benchmarks.render.csv import format_csv
from benchmarks.render.document import Code, Document, Link, Strong
from benchmarks.render.numbers import Marks, find_sort_key, format_cell

TEMPLATE = Path(__file__).with_name("report.html.j2")
LONG = 6  # rows: a shorter table needs no filter
LEFT_OUT = ("cores", "distributions", "blas")  # list fields; trials.jsonl has them
MARKS: Marks = {
    Link: Markup('<a href="{0.target}">{0.text}</a>').format,
    Code: Markup("<code>{0.text}</code>").format,
    Strong: Markup("<strong>{0.text}</strong>").format,
}
DIGITS = 6  # of numbers in the rows for download; trials.jsonl has all digits


def write_html(document: Document, folder: Path, rows: pd.DataFrame) -> str:
    """Return the whole document.

    Parameters
    ----------
    document : Document
        The document to write.
    folder : Path
        Where NAME.svg of each picture is; missing pictures are left out.
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
        "kind_of": lambda block: type(block).__name__,
        "piece": lambda text: Markup(format_cell(text, MARKS, escape)),
        "sort_key": find_sort_key,
        "svg": lambda picture: _read_svg(folder / f"{picture.name}.svg"),
        "anchor": lambda title: re.sub(r"\W+", "-", title.lower()).strip("-"),
        "long": LONG,
    }
    shown = rows.dropna(axis="columns", how="all").drop(columns=list(LEFT_OUT), errors="ignore")
    csv = format_csv(shown, DIGITS).replace("</", "<\\/")  # keep it from closing its element
    template = environment.get_template(TEMPLATE.name)
    return template.render(document=document, csv=Markup(csv), name=folder.name)


def _read_svg(path: Path) -> Markup:
    return Markup(path.read_text(encoding="utf-8")) if path.exists() else Markup("")
