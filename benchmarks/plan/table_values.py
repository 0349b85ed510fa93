"""Read the values of one column of a user's table: numbers, texts, or what is missing.

A text is taken for a number only if nothing is lost by it; what is neither is refused, with a way
out.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

from benchmarks.errors import UsageError, format_count

if TYPE_CHECKING:
    import pandas

MAX_WHOLE_CLASSES = 20  # whole numbers with more values than this are a quantity
MAX_TEXTS = 50  # values of a text column: each becomes an input of the network
FEW_TEXTS = 10  # above this, a value must occur in two rows on average to be learnt
MAX_VALUE = 1e100  # its square must be finite, or nothing can be standardised
EXACT = 2**53  # above this, neighbouring whole numbers are the same float
SCALARS = {str, bool, int, float}

# What people write for a missing number, in lower case. Among texts it is an ordinary value.
MARKS = frozenset(
    ("", "?", "-", "--", ".", "na", "n/a", "#n/a", "<na>", "nan", "nil", "none", "null", "missing")
)
CODE = re.compile(r"[+-]?0\d+")  # a leading zero: a label, not a quantity
WHOLE = re.compile(r"[+-]?\d+")
SIGNS = re.compile(r"[,\s'_%$€£−]")  # in "1,037", "12 %" or "$5"
DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([ T].*)?|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})")


@dataclasses.dataclass(frozen=True)
class Missing:
    """The missing values of one column."""

    what: str  # "column 'x'" or "the target 'x'"
    where: Any  # (n,) booleans
    mark: str = ""  # how the first of them is written
    numbers: Any = None  # (n,) float64 with NaN; None for texts, missing only from a target

    @property
    def count(self) -> int:
        """How many rows lack a value."""
        return int(self.where.sum())

    def __str__(self) -> str:
        written = f", written {self.mark!r}" if self.mark else ""
        return (
            f"{self.what} has {format_count(self.count, 'missing value')}{written}, the first in"
            f" {name_row(self.where.argmax())}"
        )


def name_row(index: int) -> str:
    """Name a row as a reader of the file counts it: line 9 of a file is row 8."""
    return f"row {index + 1} (without the header)"


def read_values(column: pandas.Series, what: str, is_target: bool = False) -> Any:
    """Return finite float64 (booleans as 0 and 1, or as texts in a target), text, or Missing.

    UsageError for anything else.
    """
    import numpy as np
    import pandas
    from pandas.api import types

    if isinstance(column.dtype, pandas.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if types.is_datetime64_any_dtype(column):
        raise UsageError(_describe_dates(what, str(column.iloc[0])))
    is_missing = column.isna().to_numpy()
    if types.is_bool_dtype(column) and not is_missing.any():
        flags = column.to_numpy(bool)
        return np.where(flags, "True", "False").astype(object) if is_target else flags * 1.0
    if types.is_numeric_dtype(column) and not types.is_complex_dtype(column):
        if is_missing.all() and not is_target:
            return np.zeros(len(column))  # an empty column: the same in every row
        if is_missing.any():
            numbers = column.to_numpy(np.float64, na_value=np.nan)
            return Missing(what, is_missing, numbers=_check_finite(numbers, what, is_missing))
        if column.dtype.kind not in "iu" or -EXACT <= column.min() <= column.max() <= EXACT:
            return _check_finite(column.to_numpy(np.float64), what)
    elif not types.is_string_dtype(column) and not (
        types.is_object_dtype(column) and set(map(type, column[~is_missing])) <= SCALARS
    ):
        raise UsageError(f"{what} is of type {column.dtype}; expected numbers, booleans or text")
    texts = ["" if no else str(value) for no, value in zip(is_missing, column, strict=True)]
    return _from_texts(np.array(texts, dtype=object), what, is_target)


def _from_texts(column: Any, what: str, is_target: bool) -> Any:
    """Return texts as float64 if all are numbers, or unchanged if they are categories."""
    import numpy as np
    import pandas

    stripped = pandas.Series([text.strip() for text in column], dtype=object)
    numbers = pandas.to_numeric(stripped, errors="coerce").to_numpy(np.float64)
    is_mark = stripped.str.lower().isin(MARKS).to_numpy()
    is_number = ~np.isnan(numbers) & ~is_mark
    is_text = ~is_number & ~is_mark
    different = len(set(column.tolist()))
    if is_number.any() and not is_text.any():
        numbers = _check_finite(numbers, what, is_mark)
        if is_mark.any():
            numbers = np.where(is_mark, np.nan, numbers)
            return Missing(what, is_mark, stripped[int(is_mark.argmax())], numbers)
        if not _loses_information(stripped, numbers, different, is_target):
            return numbers
        if not is_target and different > MAX_TEXTS:
            raise UsageError(
                f"{what} holds whole numbers such as {stripped[0]!r} that differ only beyond 2**53"
                " or in leading zeros, so numbers cannot tell them apart: leave it out with --drop"
                " if it names the rows, or write smaller numbers"
            )
        return column
    empty = stripped == ""
    if is_target and empty.any():
        return Missing(what, empty.to_numpy())
    if is_number.sum() > is_text.sum() and len(set(numbers[is_number])) > MAX_WHOLE_CLASSES:
        first = int(is_text.argmax())
        raise UsageError(
            f"{what} holds numbers except for {format_count(int(is_text.sum()), 'text')} such as"
            f" {column[first]!r} in {name_row(first)}; write numbers, or leave these"
            f" rows out{'' if is_target else ' or the column (--drop)'}"
        )
    _refuse_disguised(stripped[~is_mark], what, is_target)
    most = min(MAX_TEXTS, max(FEW_TEXTS, len(column) // 2))
    if different > most and not is_target:
        raise UsageError(
            f"{what} holds {different} different texts such as {column[0][:30]!r}; in"
            f" {len(column):,} rows at most {most} can be told apart: leave it out with --drop,"
            " group its values, or write numbers"
        )
    return column


def _loses_information(texts: pandas.Series, numbers: Any, different: int, is_target: bool) -> bool:
    """Return whether conversion to numbers loses something: leading zeros, or beyond 2**53."""
    import numpy as np

    if not texts.str.fullmatch(WHOLE).all():
        return False
    codes, beyond = texts.str.fullmatch(CODE).any(), (np.abs(numbers) >= EXACT).any()
    if codes and different <= (MAX_WHOLE_CLASSES if is_target else MAX_TEXTS):
        return True
    return bool(codes or beyond) and len(set(numbers.tolist())) < different


def _refuse_disguised(texts: pandas.Series, what: str, is_target: bool) -> None:
    """Raise UsageError for dates, and for numbers with separators, units or currency."""
    if is_target or texts.empty:
        return
    if texts.str.fullmatch(DATE).all():
        raise UsageError(_describe_dates(what, texts.iloc[0]))
    bare = texts.str.replace(SIGNS, "", regex=True)
    if bare.str.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?").all():
        signed = texts[bare != texts]
        raise UsageError(
            f"{what} holds numbers written such as {signed.iloc[0]!r}; write plain numbers, with a"
            " point for decimals and without separators, units or currency"
        )


def _describe_dates(what: str, example: str) -> str:
    return (
        f"{what} holds dates such as {example[:20]!r}, which are not quantities; write what matters"
        " of them as numbers (days since the first, month, day of the week), or leave it out with"
        " --drop"
    )


def _check_finite(numbers: Any, what: str, is_missing: Any = False) -> Any:
    """Return the numbers. UsageError unless all that are not missing have a finite square."""
    import numpy as np

    wrong = ~((np.abs(numbers) <= MAX_VALUE) | is_missing)
    if wrong.any():
        raise UsageError(
            f"{what} has {format_count(int(wrong.sum()), 'value')} infinite or beyond"
            f" {MAX_VALUE:g}, the first in {name_row(wrong.argmax())}; replace them or leave these"
            " rows out"
        )
    return numbers
