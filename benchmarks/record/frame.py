"""Rows as a pandas DataFrame, and as table.csv."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Container, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.paths import find_runs
from benchmarks.record.rows import judge_lines
from benchmarks.record.schema import FIELDS, Field

if TYPE_CHECKING:
    import pandas


def load(path: str | os.PathLike[str]) -> pandas.DataFrame:
    """Rows of one run or of every run below a folder, typed after the schema, parity joined.

    Lines that are damaged, repeated or of no planned trial are left out; `find_damage` names them.
    """
    import pandas

    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no folder {path}; run `python -m benchmarks.run` first")
    with _no_collection():
        # Each row is taken apart while it is at hand: of many rows half the time.
        rows = [
            tuple(map(row.get, FIELDS))
            for run in find_runs(path)
            for _, row, fault in judge_lines(run)
            if row is not None and not fault
        ]
        columns = zip(*rows, strict=True) if rows else [()] * len(FIELDS)
        frame = pandas.DataFrame(
            {
                field.name: _make_series(field, list(column))
                for field, column in zip(FIELDS.values(), columns, strict=True)
            }
        )
    return join_parity(frame)


def _make_series(field: Field, values: list[Any]) -> pandas.Series:
    """A column; what is no value of its field, as versions before this recorded some, is null."""
    import pandas

    nested = field.kind != "list" and not {list, dict}.isdisjoint(map(type, values))
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        if not nested:  # of which pandas makes more than one dimension
            return pandas.Series(values, dtype=field.dtype)
    known = [None if field.find_fault(value) else value for value in values]
    return pandas.Series(known, dtype=field.dtype)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Without the garbage collector, which would look through all rows again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def join_parity(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Give each row the verdict of its system's parity trial of the same run and recipe."""
    key, proven = ["run_id", "system", "recipe"], ["comparable", "parity_max_abs"]
    parity = frame.loc[frame["measure"] == "parity", key + proven].drop_duplicates(key)
    joined = frame.drop(columns=proven).merge(parity, on=key, how="left")
    return joined[list(FIELDS)]


def format_table(run: Path, columns: Container[str] | None = None) -> str:
    """The rows of a run as table.csv has them.

    columns: fields that stand in an older table; others are left out where they hold nothing.
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


def disarm(text: str) -> str:
    """A text that a spreadsheet shows and does not compute."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
