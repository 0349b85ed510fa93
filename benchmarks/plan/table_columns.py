"""The columns of a user's table, checked: numbers, texts and a target that can be learnt.

The process that makes the data reads the file again and comes to the same columns. A text is taken
for a number only if nothing is lost by it; what is neither is refused with a way out.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from typing import TYPE_CHECKING, Any

from benchmarks.errors import UsageError, quote_names

if TYPE_CHECKING:
    import pandas

TASKS = ("classification", "regression")
MOST_WHOLE_CLASSES = 20  # whole numbers with more values than this are a quantity
MOST_TEXTS = 50  # values of a text column: each becomes an input of the network
FEW_TEXTS = 10  # beyond, a value must stand in two rows on average, or there is nothing to learn
FEWEST_ROWS = 20
FEWEST_OF_A_CLASS = 4  # a quarter of them is one test row
LONGEST_CLASS = 200  # characters: its name stands on the screen and in the report
LARGEST = 1e100  # its square must be finite, or nothing can be standardised
EXACT = 2**53  # beyond, neighbouring whole numbers are the same float

# What people write for a missing number, in lower case. Among texts they are values like others.
MARKS = frozenset(
    ("", "?", "-", "--", ".", "na", "n/a", "#n/a", "<na>", "nan", "nil", "none", "null", "missing")
)
CODE = re.compile(r"[+-]?0\d+")  # a leading zero: a label, not a quantity
WHOLE = re.compile(r"[+-]?\d+")
SIGNS = re.compile(r"[,\s'_%$€£−]")  # in "1,037", "12 %" or "$5"
DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([ T].*)?|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})")
ID_NAME = re.compile(r"(?:.*[^a-z])?(?:id|uuid|guid|index|row)|unnamed: 0|.*[a-z]I[dD]")


@dataclasses.dataclass(frozen=True)
class Columns:
    """The checked columns of a table: floats, texts with their categories, and the target.

    `classes` are the target's values in order, as text; empty for regression. `dropped` have one
    value, `ids` number or name the rows; both are left out.
    """

    numeric: dict[str, Any]  # name -> (n,) float64
    texts: dict[str, Any]  # name -> (n,) of text
    target: Any  # (n,) int64 class indices, or float64
    classes: list[str]
    dropped: list[str]
    ids: list[str] = dataclasses.field(default_factory=list)

    @property
    def categories(self) -> dict[str, list[str]]:
        """Values of each text column over the whole table, so that widths never change."""
        return {name: sorted(set(column)) for name, column in self.texts.items()}

    @property
    def inputs(self) -> int:
        """Width of the preprocessed table."""
        return len(self.numeric) + sum(map(len, self.categories.values()))


@dataclasses.dataclass(frozen=True)
class Missing:
    """The missing values of one column."""

    what: str  # "column 'x'" or "the target 'x'"
    count: int
    first: int  # row, from 0
    mark: str  # how the first is written

    def __str__(self) -> str:
        written = f", written {self.mark!r}" if self.mark else ""
        return (
            f"{self.what} has {count_of(self.count, 'missing value')}{written}, the first in row"
            f" {self.first + 1} of the data"
        )


def count_of(number: int, noun: str) -> str:
    """Such as "1 row" or "2,000 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def check_columns(frame: pandas.DataFrame, target: str, task: str | None = None) -> Columns:
    """The columns that will be learnt from. The same frame always gives the same columns."""
    if target not in frame.columns:
        near = difflib.get_close_matches(target, frame.columns, n=3, cutoff=0.4)
        raise UsageError(
            f"there is no column {target!r}; did you mean {quote_names(near or frame)}?"
        )
    if len(frame) < FEWEST_ROWS:
        raise UsageError(f"the table has {len(frame)} rows; at least {FEWEST_ROWS} are needed")
    values = _values(frame[target], f"the target {target!r}", is_target=True)
    missing = [values] if isinstance(values, Missing) else []
    numeric: dict[str, Any] = {}
    texts: dict[str, Any] = {}
    dropped: list[str] = []
    ids: list[str] = []
    for name in frame.columns:
        if name == target:
            continue
        if _names_rows(name, frame[name]):
            ids.append(name)
            continue
        column = _values(frame[name], f"column {name!r}")
        if isinstance(column, Missing):
            missing.append(column)
        elif len(set(column.tolist())) == 1:
            dropped.append(name)
        else:
            (numeric if column.dtype.kind == "f" else texts)[name] = column
    if missing:
        raise UsageError(_advice(missing))
    if frame[target].dtype.kind == "b" and task == "regression":
        values = (values == "True").astype(float)
    labels, classes = _target(values, target, task)
    if not numeric and not texts:
        raise UsageError(
            f"beside the target {target!r} no column has more than one value"
            + (f" ({quote_names(ids)} only name the rows)" if ids else "")
        )
    return Columns(numeric, texts, labels, classes, dropped, ids)


def _advice(missing: list[Missing]) -> str:
    """All columns with missing values at once, and what can be done."""
    listed = "; ".join(map(str, missing[:10]))
    more = f"; and so have {len(missing) - 10} more columns" if len(missing) > 10 else ""
    return (
        f"{listed}{more}. Leave these rows or columns out, or fill them before, for instance with"
        " pandas: table.fillna(table.median(numeric_only=True))"
    )


def _names_rows(name: str, column: pandas.Series) -> bool:
    """Whether a column is called an ID and has another value in every row."""
    if not (ID_NAME.fullmatch(name) or ID_NAME.fullmatch(name.lower())):
        return False
    return column.dtype.kind != "f" and bool(column.is_unique)


def _values(column: pandas.Series, what: str, is_target: bool = False) -> Any:
    """As finite float64 (booleans 0 and 1, in a target texts), as text, or what is Missing.

    UsageError for anything else.
    """
    import numpy as np
    import pandas
    from pandas.api import types

    if isinstance(column.dtype, pandas.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if types.is_datetime64_any_dtype(column):
        raise UsageError(_dates(what, str(column.iloc[0])))
    is_missing = column.isna().to_numpy()
    if types.is_bool_dtype(column) and not is_missing.any():
        flags = column.to_numpy(bool)
        return np.where(flags, "True", "False").astype(object) if is_target else flags * 1.0
    if types.is_numeric_dtype(column) and not types.is_complex_dtype(column):
        if is_missing.all() and not is_target:
            return np.zeros(len(column))  # an empty column: the same in every row
        if is_missing.any():
            return Missing(what, int(is_missing.sum()), int(is_missing.argmax()), "")
        if column.dtype.kind not in "iu" or -EXACT <= column.min() <= column.max() <= EXACT:
            return _finite(column.to_numpy(np.float64), what)
    elif not types.is_string_dtype(column) and not (
        types.is_object_dtype(column) and set(map(type, column[~is_missing])) <= SCALARS
    ):
        raise UsageError(f"{what} is of type {column.dtype}; expected numbers, booleans or text")
    texts = ["" if no else str(value) for no, value in zip(is_missing, column, strict=True)]
    return _from_texts(np.array(texts, dtype=object), what, is_target)


SCALARS = {str, bool, int, float}


def _from_texts(column: Any, what: str, is_target: bool) -> Any:
    """Texts as float64 if they are numbers through and through, as they are if they are values."""
    import numpy as np
    import pandas

    stripped = pandas.Series([text.strip() for text in column], dtype=object)
    numbers = pandas.to_numeric(stripped, errors="coerce").to_numpy(np.float64)
    is_mark = stripped.str.lower().isin(MARKS).to_numpy()
    is_number = ~np.isnan(numbers) & ~is_mark
    is_text = ~is_number & ~is_mark
    different = len(set(column.tolist()))
    if is_number.any() and not is_text.any():
        if is_mark.any():
            first = int(is_mark.argmax())
            return Missing(what, int(is_mark.sum()), first, stripped[first])
        numbers = _finite(numbers, what)
        if not _loses(stripped, numbers, different, is_target):
            return numbers
        if not is_target and different > MOST_TEXTS:
            raise UsageError(
                f"{what} holds whole numbers such as {stripped[0]!r} that differ only beyond 2**53"
                " or in leading zeros, so numbers cannot tell them apart: leave it out if it names"
                " the rows, or write smaller numbers"
            )
        return column
    empty = stripped == ""
    if is_target and empty.any():
        return Missing(what, int(empty.sum()), int(empty.argmax()), "")
    if is_number.sum() > is_text.sum() and len(set(numbers[is_number])) > MOST_WHOLE_CLASSES:
        first = int(is_text.argmax())
        raise UsageError(
            f"{what} holds numbers but for {count_of(int(is_text.sum()), 'text')} such as"
            f" {column[first]!r} in row {first + 1} of the data; write numbers, or leave these"
            " rows out"
        )
    _refuse_disguised(stripped[~is_mark], what, is_target)
    most = min(MOST_TEXTS, max(FEW_TEXTS, len(column) // 2))
    if different > most and not is_target:
        raise UsageError(
            f"{what} holds {different} different texts such as {column[0][:30]!r}; in"
            f" {len(column):,} rows at most {most} can be told apart: leave it out, group its"
            " values, or write numbers"
        )
    return column


def _loses(texts: pandas.Series, numbers: Any, different: int, is_target: bool) -> bool:
    """Whether numbers would be fewer than what is written: leading zeros, or beyond 2**53."""
    import numpy as np

    if not texts.str.fullmatch(WHOLE).all():
        return False
    codes, beyond = texts.str.fullmatch(CODE).any(), (np.abs(numbers) >= EXACT).any()
    if codes and different <= (MOST_WHOLE_CLASSES if is_target else MOST_TEXTS):
        return True
    return bool(codes or beyond) and len(set(numbers.tolist())) < different


def _refuse_disguised(texts: pandas.Series, what: str, is_target: bool) -> None:
    """UsageError for dates, and for numbers with signs or commas in them."""
    if is_target or texts.empty:
        return
    if texts.str.fullmatch(DATE).all():
        raise UsageError(_dates(what, texts.iloc[0]))
    bare = texts.str.replace(SIGNS, "", regex=True)
    if bare.str.fullmatch(r"[+-]?\d+(\.\d*)?").all():
        signed = texts[bare != texts]
        raise UsageError(
            f"{what} holds numbers written such as {signed.iloc[0]!r}; write plain numbers, with a"
            " point for decimals and without separators, units or currency"
        )


def _dates(what: str, example: str) -> str:
    return (
        f"{what} holds dates such as {example[:20]!r}, which are no quantity; write what matters of"
        " them as numbers (days since the first, month, day of the week), or leave it out"
    )


def _finite(numbers: Any, what: str) -> Any:
    """The numbers, if each has a finite square."""
    import numpy as np

    wrong = ~(np.abs(numbers) <= LARGEST)
    if wrong.any():
        raise UsageError(
            f"{what} has {count_of(int(wrong.sum()), 'value')} infinite or beyond {LARGEST:g}, the"
            f" first in row {wrong.argmax() + 1} of the data; replace them or leave these rows out"
        )
    return numbers


def _target(values: Any, name: str, task: str | None) -> tuple[Any, list[str]]:
    """Class indices and names, or numbers and an empty list."""
    import numpy as np

    is_text = values.dtype.kind != "f"
    distinct, indices, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(distinct) == 1:
        raise UsageError(
            f"the target {name!r} is {_name_class(distinct[0])!r} in every row; there is nothing to"
            " learn"
        )
    if task is None:
        few = len(distinct) <= MOST_WHOLE_CLASSES and not is_text and (distinct % 1 == 0).all()
        task = "classification" if is_text or few else "regression"
    longest = max((str(value) for value in distinct), key=len) if is_text else ""
    if len(longest) > LONGEST_CLASS:
        raise UsageError(
            f"the target {name!r} holds a text of {len(longest):,} characters, beginning"
            f" {longest[:20]!r}; a class may have {LONGEST_CLASS}"
        )
    if task == "regression":
        if is_text:
            raise UsageError(
                f"the target {name!r} holds text such as {distinct[0]!r}; regression needs numbers"
            )
        return values, []
    rare = counts.argmin()
    if counts[rare] < FEWEST_OF_A_CLASS:
        several = f" ({len(distinct)} different values: is it a quantity? then --task regression)"
        raise UsageError(
            f"class {_name_class(distinct[rare])!r} of the target {name!r} has"
            f" {count_of(int(counts[rare]), 'row')}; at least {FEWEST_OF_A_CLASS} are needed for"
            f" training and test{'' if is_text else several}"
        )
    return indices.reshape(-1).astype(np.int64), [_name_class(value) for value in distinct]


def _name_class(value: Any) -> str:
    """A class as text: whole numbers without a point."""
    return f"{value:.15g}" if isinstance(value, float) else str(value)
