"""Read a user's text file as named columns: separators, header, quotation marks, decimal signs."""

from __future__ import annotations

import csv
import io
import itertools
import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from benchmarks.errors import UsageError
from benchmarks.plan.table_columns import check_names

if TYPE_CHECKING:
    import pandas

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
MAX_FILE_SIZE = 2**31  # bytes after unpacking: a gzip file of 2 MiB could hold that many
LOOKED_AT = 1000  # rows examined to tell a header from a row
# Where commas do not separate cells, as in "1,5;2,25", a comma is the decimal sign.
DECIMAL_COMMA = re.compile(r"(?:^|[;\t|])\s*[+-]?\d+,\d+\s*(?:[;\t|]|$)", re.M)
DECIMAL_POINT = re.compile(r"(?:^|[;\t|])\s*[+-]?\d+\.\d+\s*(?:[;\t|]|$)", re.M)
LEADING_ZERO = re.compile(r"(?:^|[,;\t|\"])[+-]?0\d+(?:[,;\t|\"]|$)", re.M)


def read_csv(content: bytes) -> pandas.DataFrame:
    import pandas

    text = _decode(content)
    csv.field_size_limit(MAX_FILE_SIZE)  # long cells get their own message later
    first = re.sub(r'"[^"]*"', "", text.lstrip("\n").partition("\n")[0])
    separator = max(SEPARATORS, key=first.count)  # the first of equals
    try:
        header = next(_iterate_rows(text, separator), (0, []))[1]
        rows = itertools.islice(_iterate_rows(text, separator), 1, LOOKED_AT)
        sample = [row for _, row in rows]
        if '"' in text:
            _check_quotes(text, separator, len(header))
    except csv.Error as error:
        raise UsageError(f"is not a table separated by {SEPARATORS[separator]} ({error})") from None
    if _is_data(header, sample):
        line = separator.join(header)
        raise UsageError(
            f"seems to have no header: its first line is {line[:60]!r}; put a line with the names"
            " of the columns before it"
        )
    check_names(header)
    if len(header) == 1:
        raise UsageError(
            f"has one column, {header[0]!r}; expected a target and features, separated by commas,"
            " semicolons, tabs or bars, and no line above their names"
        )
    decimal = "," if separator != "," and DECIMAL_COMMA.search(text) else "."
    if decimal == "," and DECIMAL_POINT.search(text):
        raise UsageError(
            "has numbers with commas and others with points, so that either may separate thousands;"
            " write all with one decimal sign and without separators"
        )
    options: dict[str, Any] = {
        "sep": separator, "decimal": decimal, "na_values": [""], "keep_default_na": False,
        "low_memory": False, "index_col": False, "skipinitialspace": True,
    }  # fmt: skip
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # rows longer than the header
            table = pandas.read_csv(io.StringIO(text), **options)
            if LEADING_ZERO.search(text):
                _keep_zeros(table, pandas.read_csv(io.StringIO(text), dtype=str, **options))
    except (ValueError, OverflowError, pandas.errors.ParserWarning) as error:
        # ParserError is a ValueError: "Expected 3 fields in line 5, saw 4".
        reason = " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ")
        raise UsageError(f"has rows that do not fit its header: {reason}") from None
    if decimal == ",":  # with a mark for missing, pandas leaves the whole column as it was
        for name in table.columns[[pandas.api.types.is_string_dtype(table[n]) for n in table]]:
            table[name] = table[name].str.replace(r"^([+-]?\d+),(\d+)$", r"\1.\2", regex=True)
    if separator != ",":
        table.attrs["read"] = f"separated by {SEPARATORS[separator]}" + (
            ", with decimal commas" if decimal == "," else ""
        )
    return table


def _decode(content: bytes) -> str:
    """Decode UTF-8, with the line ends of any system."""
    if b"\0" in content:
        raise UsageError("holds zero bytes, so it is not text; save the table as CSV in UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"is not UTF-8 text (byte 0x{content[error.start]:02x} in line {line});"
            " save the table as CSV in UTF-8"
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _iterate_rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Iterate over the rows that are not empty, each with the number of its last line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    return ((reader.line_num, row) for row in reader if row)


def _keep_zeros(table: pandas.DataFrame, texts: pandas.DataFrame) -> None:
    """Restore texts where numbers lost leading zeros: 01 and 1 may be two codes."""
    for name in table.columns:
        if table[name].dtype.kind in "iuf" and texts[name].str.fullmatch(r"[+-]?0\d+").any():
            table[name] = texts[name]


def _check_quotes(text: str, separator: str, columns: int) -> None:
    """Raise UsageError for a cell in quotation marks that has swallowed whole rows."""
    before = 0
    for line, row in _iterate_rows(text, separator):
        if line - before > 1:
            for cell in row:
                inner = cell.split("\n")[1:-1]
                if inner and all(part.count(separator) >= columns - 1 for part in inner):
                    raise UsageError(
                        f"has a quotation mark that opens in line {before + 1} and swallows the"
                        f" lines up to {line}; close it, or double it if it belongs to the text"
                    )
        before = line


def _is_data(header: list[str], rows: list[list[str]]) -> bool:
    """Return whether the first line is a row like those below it, not the names of the columns.

    It is if its texts all occur below in their own columns, or if all its cells are numbers that do
    not rise, as years, wavelengths and counted columns do.
    """
    texts = [k for k, cell in enumerate(header) if cell.strip() and not _is_number(cell)]
    below = [{row[k] for row in rows if k < len(row)} for k in texts]
    if texts:
        return len(header) > 1 and all(header[k] in b for k, b in zip(texts, below, strict=True))
    numbers = [float(cell) for cell in header if cell.strip()]
    rises = all(a < b for a, b in itertools.pairwise(numbers))
    return len(numbers) > 1 and not rises


def _is_number(cell: str) -> bool:
    try:
        return abs(float(cell)) < float("inf")
    except ValueError:
        return False
