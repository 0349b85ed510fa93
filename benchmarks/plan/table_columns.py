"""Check the columns of a user's table: numbers, texts and a target that can be learnt.

The process that makes the data reads the file again and gets the same columns.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchmarks.errors import UsageError, format_count, quote_names
from benchmarks.plan.table_values import MAX_WHOLE_CLASSES, Missing, read_values

if TYPE_CHECKING:
    import pandas

TASKS = ("classification", "regression")
# What becomes of missing numbers. Each choice also leaves out rows without a target.
FILLS = {
    "median": "the median of its training rows takes their place",
    "indicator": "the median of its training rows takes their place, and an input of its own says"
    " where",
    "drop": "rows with one are left out",
}
MIN_ROWS = 20
MIN_OF_A_CLASS = 4  # a quarter of them is one test row
MAX_CLASS_LENGTH = 200  # characters: its name appears on the screen and in the report
MAX_NAME_LENGTH = 200  # of a column; a longer one is a sign of another kind of file
MAX_COLUMNS = 50_000  # with more, the checks alone take minutes
MAX_LISTED = 10  # columns whose missing values are described in full
ID_NAME = re.compile(r"(?:.*[^a-z])?(?:id|uuid|guid|index|row)|unnamed: 0|.*[a-z]I[dD]")


@dataclasses.dataclass(frozen=True)
class Columns:
    """The checked columns of a table: floats, texts with their categories, and the target.

    `classes` are the target's values in order, as text; empty for regression. `dropped` have one
    value, `ids` number or name the rows; both are left out. `suspects` are numeric columns that are
    learnt from although they may be IDs.
    """

    numeric: dict[str, Any]  # name -> (n,) float64
    texts: dict[str, Any]  # name -> (n,) of text
    target: Any  # (n,) int64 class indices, or float64
    classes: list[str]
    dropped: list[str]
    ids: list[str] = dataclasses.field(default_factory=list)
    suspects: list[str] = dataclasses.field(default_factory=list)
    gaps: dict[str, int] = dataclasses.field(default_factory=dict)  # numeric -> missing values
    has_indicators: bool = False  # one more input for each column with gaps

    @property
    def categories(self) -> dict[str, list[str]]:
        """Values of each text column over the whole table, so that widths never change."""
        return {name: sorted(set(column)) for name, column in self.texts.items()}

    @property
    def inputs(self) -> int:
        """Width of the preprocessed table."""
        indicators = len(self.gaps) if self.has_indicators else 0
        return len(self.numeric) + indicators + sum(map(len, self.categories.values()))


def check_names(names: list[str]) -> None:
    """Raise UsageError unless every column has its own name."""
    if not names:
        raise UsageError("holds no columns")
    if len(names) > MAX_COLUMNS:
        raise UsageError(f"has {len(names):,} columns; at most {MAX_COLUMNS:,} can be learnt from")
    for place, name in enumerate(names, start=1):
        if not name.strip():
            raise UsageError(
                f"has no name for column {place}; name it, or leave it out if it counts the rows"
            )
        if len(name) > MAX_NAME_LENGTH:
            raise UsageError(
                f"has a column name of {len(name)} characters, beginning {name[:20]!r}; at most"
                f" {MAX_NAME_LENGTH} are accepted, or the first line is not a header"
            )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UsageError(f"has more than one column named {twice[0]!r}; give each its own name")


def check_columns(
    frame: pandas.DataFrame,
    target: str,
    task: str | None = None,
    fill: str | None = None,
    leave_out: Sequence[str] = (),
) -> Columns:
    """Return the columns to learn from. The same frame always gives the same columns.

    Parameters
    ----------
    frame : pandas.DataFrame
        The contents of the file.
    target : str
        The column to predict.
    task : str, optional
        One of TASKS; by default what the target looks like.
    fill : str, optional
        One of FILLS: what becomes of missing values. By default they are an error.
    leave_out : sequence of str
        Columns not to learn from.
    """
    for name in (target, *leave_out):
        if name not in frame.columns:
            near = difflib.get_close_matches(name, frame.columns, n=3, cutoff=0.4)
            raise UsageError(
                f"there is no column {name!r}; did you mean {quote_names(near or frame)}?"
            )
    if target in leave_out:
        raise UsageError(f"the target {target!r} cannot be left out; name another --target")
    frame = frame.drop(columns=list(leave_out))
    whole = len(frame)
    if fill is not None:
        frame = _leave_out_rows(frame, target, fill)
    if len(frame) < MIN_ROWS:
        rest = " without the rows that miss values" if len(frame) < whole else ""
        raise UsageError(f"the table has {len(frame)} rows{rest}; at least {MIN_ROWS} are needed")
    values = read_values(frame[target], f"the target {target!r}", is_target=True)
    missing = [values] if isinstance(values, Missing) else []
    numeric: dict[str, Any] = {}
    texts: dict[str, Any] = {}
    gaps: dict[str, int] = {}
    dropped: list[str] = []
    ids: list[str] = []
    for name in frame.columns:
        if name == target:
            continue
        if _names_rows(name, frame[name]):
            ids.append(name)
            continue
        column = read_values(frame[name], f"column {name!r}")
        if isinstance(column, Missing):
            missing.append(column)
            if fill == "median" and len(set(column.numbers[~column.where].tolist())) == 1:
                dropped.append(name)
            else:
                numeric[name], gaps[name] = column.numbers, column.count
        elif len(set(column.tolist())) == 1:
            dropped.append(name)
        else:
            (numeric if column.dtype.kind == "f" else texts)[name] = column
    if missing and fill is None:
        raise UsageError(_suggest(missing))
    if frame[target].dtype.kind == "b" and task == "regression":
        values = (values == "True").astype(float)
    labels, classes = _read_target(values, target, task)
    if not numeric and not texts:
        raise UsageError(
            f"beside the target {target!r} no column has more than one value"
            + (f" ({quote_names(ids)} only name the rows)" if ids else "")
        )
    suspects = [name for name in numeric if _may_name_rows(name, frame[name])]
    return Columns(
        numeric, texts, labels, classes, dropped, ids, suspects, gaps, fill == "indicator"
    )


def _leave_out_rows(frame: pandas.DataFrame, target: str, fill: str) -> pandas.DataFrame:
    """Leave out rows that lack the target or, if `fill` is "drop", any value."""
    import numpy as np

    is_missing = np.zeros(len(frame), bool)
    for name in frame.columns if fill == "drop" else [target]:
        what = f"the target {name!r}" if name == target else f"column {name!r}"
        if name == target or not _names_rows(name, frame[name]):
            values = read_values(frame[name], what, is_target=name == target)
            if isinstance(values, Missing):
                is_missing |= values.where
    return frame[~is_missing].reset_index(drop=True) if is_missing.any() else frame


def _suggest(missing: list[Missing]) -> str:
    """Name all columns with missing values at once, and what can be done."""
    listed = "; ".join(map(str, missing[:MAX_LISTED]))
    rest = ", ".join(f"{column.what} {column.count}" for column in missing[MAX_LISTED:])
    return (
        f"{listed}{f'; and {rest}' if rest else ''}. Add --missing median (fills them with the"
        " column's median of the training rows), --missing indicator (that, and an input that says"
        " where) or --missing drop (leaves these rows out); --drop COLUMN leaves a column out. Rows"
        " without a target are left out with any --missing"
    )


def _names_rows(name: str, column: pandas.Series) -> bool:
    """Return whether a column is named like an ID and has a different value in every row."""
    if not (ID_NAME.fullmatch(name) or ID_NAME.fullmatch(name.lower())):
        return False
    return column.dtype.kind != "f" and bool(column.is_unique)


def _may_name_rows(name: str, column: pandas.Series) -> bool:
    """Return whether numbers are named like an ID, or count the rows: gapless or monotonic."""
    if ID_NAME.fullmatch(name) or ID_NAME.fullmatch(name.lower()):
        return True
    if column.dtype.kind not in "iu" or not column.is_unique:
        return False
    no_gaps = int(column.max()) - int(column.min()) == len(column) - 1
    return no_gaps or column.is_monotonic_increasing or column.is_monotonic_decreasing


def _read_target(values: Any, name: str, task: str | None) -> tuple[Any, list[str]]:
    """Return class indices and names, or numbers and an empty list."""
    import numpy as np

    is_text = values.dtype.kind != "f"
    distinct, indices, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(distinct) == 1:
        raise UsageError(
            f"the target {name!r} is {_name_class(distinct[0])!r} in every row; there is nothing to"
            " learn"
        )
    if task is None:
        few = len(distinct) <= MAX_WHOLE_CLASSES and not is_text and (distinct % 1 == 0).all()
        task = "classification" if is_text or few else "regression"
    longest = max((str(value) for value in distinct), key=len) if is_text else ""
    if len(longest) > MAX_CLASS_LENGTH:
        raise UsageError(
            f"the target {name!r} holds a text of {len(longest):,} characters, beginning"
            f" {longest[:20]!r}; a class may have {MAX_CLASS_LENGTH}"
        )
    if task == "regression":
        if is_text:
            raise UsageError(
                f"the target {name!r} holds text such as {distinct[0]!r}; regression needs numbers"
            )
        return values, []
    rare = counts.argmin()
    if counts[rare] < MIN_OF_A_CLASS:
        several = f" ({len(distinct)} different values: is it a quantity? then --task regression)"
        raise UsageError(
            f"class {_name_class(distinct[rare])!r} of the target {name!r} has"
            f" {format_count(int(counts[rare]), 'row')}; at least {MIN_OF_A_CLASS} are needed"
            f" for training and test{'' if is_text else several}"
        )
    return indices.reshape(-1).astype(np.int64), [_name_class(value) for value in distinct]


def _name_class(value: Any) -> str:
    """Return a class as text: whole numbers without a decimal point."""
    return f"{value:.15g}" if isinstance(value, float) else str(value)
