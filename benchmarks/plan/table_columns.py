"""The columns of a user's table, checked: numbers, texts and a target that can be learnt.

The process that makes the data reads the file again and comes to the same columns.
"""

from __future__ import annotations

import dataclasses
import difflib
from typing import TYPE_CHECKING, Any

from benchmarks.errors import UsageError, quote_names

if TYPE_CHECKING:
    import pandas

TASKS = ("classification", "regression")
MOST_WHOLE_CLASSES = 20  # whole numbers with more values than this are a quantity
MOST_TEXTS = 50  # values of a text column: each becomes an input of the network
FEWEST_ROWS = 20
FEWEST_OF_A_CLASS = 4  # a quarter of them is one test row
LONGEST_CLASS = 200  # characters: its name stands on the screen and in the report
LARGEST = 1e100  # its square must be finite, or nothing can be standardised


@dataclasses.dataclass(frozen=True)
class Columns:
    """The checked columns of a table: floats, texts with their categories, and the target.

    `classes` are the target's values in order, as text; empty for regression.
    """

    numeric: dict[str, Any]  # name -> (n,) float64
    texts: dict[str, Any]  # name -> (n,) of text
    target: Any  # (n,) int64 class indices, or float64
    classes: list[str]
    dropped: list[str]

    @property
    def categories(self) -> dict[str, list[str]]:
        """Values of each text column over the whole table, so that widths never change."""
        return {name: sorted(set(column)) for name, column in self.texts.items()}

    @property
    def inputs(self) -> int:
        """Width of the preprocessed table."""
        return len(self.numeric) + sum(map(len, self.categories.values()))


def check_columns(frame: pandas.DataFrame, target: str, task: str | None = None) -> Columns:
    """The columns that will be learnt from. The same frame always gives the same columns."""
    import numpy as np

    if target not in frame.columns:
        near = difflib.get_close_matches(target, frame.columns, n=3, cutoff=0.4)
        raise UsageError(
            f"there is no column {target!r}; did you mean {quote_names(near or frame)}?"
        )
    if len(frame) < FEWEST_ROWS:
        raise UsageError(f"the table has {len(frame)} rows; at least {FEWEST_ROWS} are needed")
    values = _values(frame[target], f"the target {target!r}")
    if frame[target].dtype.kind == "b" and task != "regression":
        values = np.array(["False", "True"], dtype=object)[values.astype(int)]
    labels, classes = _target(values, target, task)
    numeric: dict[str, Any] = {}
    texts: dict[str, Any] = {}
    dropped: list[str] = []
    for name in frame.columns:
        if name == target:
            continue
        column = _values(frame[name], f"column {name!r}")
        different = len(set(column.tolist()))
        if different == 1:
            dropped.append(name)
        elif column.dtype.kind == "f":
            numeric[name] = column
        elif different <= MOST_TEXTS:
            texts[name] = column
        else:
            numeric[name] = _as_numbers(name, column)
    if not numeric and not texts:
        raise UsageError(f"beside the target {target!r} no column has more than one value")
    return Columns(numeric, texts, labels, classes, dropped)


def _values(column: pandas.Series, what: str) -> Any:
    """As finite float64 (booleans 0 and 1) or as text; UsageError for anything else."""
    import numpy as np
    import pandas
    from pandas.api import types

    missing = column.isna().to_numpy()
    if missing.any():
        raise UsageError(
            f"{what} has {missing.sum()} missing values, the first in row {missing.argmax() + 1}"
            " (in a .csv also NA, NaN, None and null); fill them or leave these rows out"
        )
    if isinstance(column.dtype, pandas.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if types.is_numeric_dtype(column) and not types.is_complex_dtype(column):
        return _finite(column.to_numpy(np.float64), what)
    if types.is_string_dtype(column):
        return np.array(column.tolist(), dtype=object)
    if types.is_object_dtype(column) and set(map(type, column)) <= {str, bool, int, float}:
        return np.array([str(value) for value in column], dtype=object)
    raise UsageError(f"{what} is of type {column.dtype}; expected numbers, booleans or text")


def _finite(numbers: Any, what: str) -> Any:
    """The numbers, if each has a finite square."""
    import numpy as np

    wrong = ~(np.abs(numbers) <= LARGEST)
    if wrong.any():
        raise UsageError(
            f"{what} has {wrong.sum()} values that are infinite or beyond {LARGEST:g}, the"
            f" first in row {wrong.argmax() + 1}; replace them or leave these rows out"
        )
    return numbers


def _as_numbers(name: str, column: Any) -> Any:
    """A column of too many texts, if all are numbers, such as integers beyond 64 bits.

    If only most of them are, the others are the mistake.
    """
    import numpy as np
    import pandas

    numbers = pandas.to_numeric(pandas.Series(column), errors="coerce")
    is_text = numbers.isna().to_numpy()
    if not is_text.any():
        return _finite(numbers.to_numpy(np.float64), f"column {name!r}")
    if is_text.mean() < 0.5:
        raise UsageError(
            f"column {name!r} holds numbers but for {is_text.sum()} texts such as"
            f" {column[is_text.argmax()]!r} in row {is_text.argmax() + 1}; write numbers, or leave"
            " these rows out"
        )
    raise UsageError(
        f"column {name!r} holds {len(set(column))} different texts; at most {MOST_TEXTS} can be"
        " told apart: leave it out, group its values, or write numbers"
    )


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
            f"class {_name_class(distinct[rare])!r} of the target {name!r} has {counts[rare]} rows;"
            f" at least {FEWEST_OF_A_CLASS} are needed for training and test"
            + (several if not is_text and len(distinct) > MOST_WHOLE_CLASSES else "")
        )
    return indices.reshape(-1).astype(np.int64), [_name_class(value) for value in distinct]


def _name_class(value: Any) -> str:
    """A class as text: whole numbers without a point."""
    return f"{value:.15g}" if isinstance(value, float) else str(value)
