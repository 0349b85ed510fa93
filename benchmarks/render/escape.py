"""Text from rows is data: nothing in it becomes markup in markdown or a formula in a table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.paths import write_atomically

# An underscore inside a word is no markup, and names read better without a backslash.
SPECIAL = re.compile(r"([\\`*\[\]|~$])|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def markdown(value: Any) -> str:
    """The value as literal text of one line; missing values are empty."""
    if value is None or (not isinstance(value, (list, dict)) and pd.isna(value)):
        return ""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    text = "".join(ENTITIES.get(c, c) for c in text)
    text = SPECIAL.sub(lambda found: "\\" + found.group(0), text)
    return text.replace("://", ":&#47;/")


def cell(value: Any) -> Any:
    """The value for a CSV cell; text that a spreadsheet would compute gets an apostrophe."""
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return value


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """The table as CSV: ten significant digits, the same bytes for the same values."""
    safe = table.map(cell).rename(columns=cell)
    text = safe.to_csv(index=False, lineterminator="\n", float_format="%.10g")
    write_atomically(path, text)


def table(head: list[str], lines: list[list[str]], numbers: bool = True) -> list[str]:
    """Lines of a markdown table from cells that are already escaped.

    numbers: every column but the first is set to the right.
    """
    rule = ["---"] + ["---:" if numbers else "---"] * (len(head) - 1)
    return ["| " + " | ".join(part) + " |" for part in (head, rule, *lines)]
