"""Rows as a pandas DataFrame, and as table.csv."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Container, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.paths import find_runs
from benchmarks.record.rows import read_rows
from benchmarks.record.schema import FIELDS, Field

if TYPE_CHECKING:
    import pandas


def load(path: str | os.PathLike[str]) -> pandas.DataFrame:
    """Load the rows of one run, or of all runs below a folder, typed by the schema, parity joined.

    Lines that are damaged, repeated or not of a planned trial are skipped; see `find_damage`.
    """
    import pandas

    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no folder {path}; run `python -m benchmarks.run` first")
    with _no_collection():
        # Unpacking each row as it is read halves the time for many rows.
        rows = [tuple(map(row.get, FIELDS)) for run in find_runs(path) for row in read_rows(run)]
        columns = zip(*rows, strict=True) if rows else [()] * len(FIELDS)
        frame = pandas.DataFrame(
            {
                field.name: _make_series(field, list(column))
                for field, column in zip(FIELDS.values(), columns, strict=True)
            }
        )
    return join_parity(frame)


def _make_series(field: Field, values: list[Any]) -> pandas.Series:
    """Make a column; invalid values, which earlier versions could record, become null."""
    import pandas

    nested = field.kind != "list" and not {list, dict}.isdisjoint(map(type, values))
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        if not nested:  # pandas would make more than one dimension of nested values
            return pandas.Series(values, dtype=field.dtype)
    known = [None if field.find_fault(value) else value for value in values]
    return pandas.Series(known, dtype=field.dtype)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Turn off the garbage collector, which would scan all rows again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def join_parity(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Give each row the verdict of its system's parity trial in the same run and recipe."""
    key, proven = ["run_id", "system", "recipe"], ["comparable", "parity_max_abs"]
    parity = frame.loc[frame["measure"] == "parity", key + proven].drop_duplicates(key)
    joined = frame.drop(columns=proven).merge(parity, on=key, how="left")
    return joined[list(FIELDS)]


def format_table(run: Path, columns: Container[str] | None = None) -> str:
    """Format the rows of a run as table.csv.

    columns: fields of an older table; fields not among them are omitted if they are empty.
    """
    table = load(run)
    for name, field in FIELDS.items():
        if columns is not None and name not in columns and table[name].isna().all():
            table = table.drop(columns=name)
            continue
        if field.kind == "list":
            table[name] = table[name].map(
                lambda parts: " ".join(map(str, parts)) if isinstance(parts, list) else ""
            )
        if field.kind in ("text", "list"):
            table[name] = table[name].map(disarm, na_action="ignore")
    return table.to_csv(index=False, lineterminator="\n")


def disarm(value: Any) -> Any:
    """Return a value for a cell; text that a spreadsheet would evaluate gets an apostrophe."""
    unsafe = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if unsafe else value
