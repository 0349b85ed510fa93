"""A user's file as named columns, or a sentence that says why not.

.csv (UTF-8, commas, one header line), .parquet and .npz. Nothing in the file is executed: pickled
objects are refused. pandas is imported on first use.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.errors import UsageError

if TYPE_CHECKING:
    import pandas

LONGEST_NAME = 200  # of a column; longer ones are no names but a sign of another kind of file
MOST_COLUMNS = 50_000  # of more the checks alone take minutes
LARGEST_ARRAY = 4 * 2**30  # bytes
NO_NAME = "__index_level_"  # begins the name that parquet gives to an index without one
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_file(path: Path) -> tuple[pandas.DataFrame, str]:
    """The table and the SHA-256 of the file. UsageError if it is not a table."""
    content = _content(path)
    try:
        table = READERS[path.suffix.lower()](content)
    except UsageError as error:
        raise UsageError(f"{path.name!r} {error}") from None
    if not len(table):
        raise UsageError(f"{path.name!r} has a header and no rows")
    return table, hashlib.sha256(content).hexdigest()


def check_same_file(path: str, digest: str) -> Path:
    """The absolute path of a file that must have this SHA-256, else UsageError."""
    file = resolve_path(path)
    if hashlib.sha256(_content(file)).hexdigest() != digest:
        raise UsageError(
            f"{file.name!r} is not the file that the run was planned with (its SHA-256 differs);"
            " give that file, or start a new run"
        )
    return file


def resolve_path(path: str) -> Path:
    """The absolute path of a file; UsageError if it cannot name one."""
    try:
        resolved = Path(path).resolve()
        resolved.exists()
    except (OSError, RuntimeError, ValueError) as error:  # too long, a loop of links, a zero byte
        reason = getattr(error, "strerror", None) or "it leads nowhere"
        raise UsageError(f"--data {Path(path).name[:40]!r} is no file's name ({reason})") from None
    return resolved


def _content(path: Path) -> bytes:
    """The bytes of a file that may be a table."""
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "no ordinary file"
        raise UsageError(
            f"{path.name!r} is {what}; give a file that ends with .csv, .parquet or .npz"
        )
    if not path.is_file():
        near = sorted(other.name for other in path.parent.glob(f"*{path.suffix}"))[:3]
        raise UsageError(
            f"there is no file {path.name!r}"
            + (f"; its folder has {', '.join(map(repr, near))}" if near else "")
        )
    if path.suffix.lower() not in READERS:
        raise UsageError(f"{path.name!r} ends with none of {', '.join(READERS)}; give one of these")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path.name!r} cannot be read ({error.strerror})") from None
    if not content.strip():
        raise UsageError(f"{path.name!r} is empty; expected a header line and rows")
    return content


def _csv(content: bytes) -> pandas.DataFrame:
    import pandas

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
    try:
        header = next(filter(None, csv.reader(io.StringIO(text))), [])
    except csv.Error as error:
        raise UsageError(f"is not a table separated by commas ({error})") from None
    _check_names(header)
    if len(header) == 1:
        for separator, spoken in SEPARATORS.items():
            if separator in header[0]:
                raise UsageError(
                    f"has one column, {header[0]!r}, and seems to be separated by {spoken};"
                    " save the table with commas"
                )
        raise UsageError(f"has one column, {header[0]!r}; expected a target and features")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # rows longer than the header
            return pandas.read_csv(io.StringIO(text), low_memory=False, index_col=False)
    except (ValueError, OverflowError, pandas.errors.ParserWarning) as error:
        # ParserError is a ValueError: "Expected 3 fields in line 5, saw 4".
        told = " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ")
        raise UsageError(f"has rows that do not fit its header: {told}") from None


def _parquet(content: bytes) -> pandas.DataFrame:
    """By polars, or by what pandas finds where polars is not installed.

    polars comes first because it is loaded here alone: pandas imports pyarrow wherever that is
    installed, which adds 33 MiB and 0.2 s to every scikit-learn process that is measured. And a
    damaged file ends in an exception, where fastparquet ends the process.
    """
    if content[:4] != b"PAR1" or content[-4:] != b"PAR1":
        raise UsageError("is not a whole parquet file, whatever its name says")
    try:
        table = _by_polars(content)
    except (UsageError, KeyboardInterrupt):
        raise
    except ImportError:
        raise UsageError(
            "is a parquet file, which is read with the help of polars; install it with:"
            " python -m pip install polars, or save the table as CSV"
        ) from None
    except BaseException as error:  # a panic of polars is no Exception
        said = " ".join(str(error).split("\n")[0].split())[:100]
        raise UsageError(f"cannot be read as parquet ({said})") from None
    # Writers keep an index without a name as a column of this name; it counts rows.
    table = table.drop(columns=[name for name in map(str, table) if name.startswith(NO_NAME)])
    _check_names(list(table.columns))
    return table


def _by_polars(content: bytes) -> pandas.DataFrame:
    import pandas

    try:
        import polars
    except ImportError:
        table = pandas.read_parquet(io.BytesIO(content))
        # A named index was a column of the file.
        table = table.reset_index(drop=not any(table.index.names))
        return table.rename(columns=str)
    frame = polars.read_parquet(io.BytesIO(content))
    columns = {}
    for column in frame.get_columns():
        if column.dtype.is_nested():
            raise UsageError(
                f"holds a column {column.name!r} of type {column.dtype}; expected numbers,"
                " booleans or text"
            )
        is_decimal = isinstance(column.dtype, polars.Decimal)
        columns[column.name] = (column.cast(polars.Float64) if is_decimal else column).to_numpy()
    return pandas.DataFrame(columns)


def _npz(content: bytes) -> pandas.DataFrame:
    """One-dimensional arrays are columns; X of two dimensions gives X_0, X_1, ..."""
    import numpy as np
    import pandas

    columns: list[tuple[str, Any]] = []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist():
                _check_header(archive, member)
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            for name in arrays.files:
                columns += _columns_of(name, arrays[name])
    except UsageError:
        raise
    except Exception:  # a damaged archive ends in any of a dozen
        raise UsageError(
            "is not an archive of plain arrays as numpy.savez writes it (pickled objects are"
            " refused)"
        ) from None
    _check_names([name for name, _ in columns])
    lengths = {name: len(column) for name, column in columns}
    if len(set(lengths.values())) > 1:
        (first, rows), other = next(iter(lengths.items())), list(lengths)
        other_name = next(name for name in other if lengths[name] != rows)
        raise UsageError(
            f"holds arrays of different lengths: {first!r} has {rows} rows,"
            f" {other_name!r} {lengths[other_name]}"
        )
    return pandas.DataFrame(dict(columns))


def _check_header(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """ValueError if an array is not as long as its header says: before anything is allocated."""
    from numpy.lib import format as npy

    with archive.open(member) as file:
        version = npy.read_magic(file)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read_header(file)
        size = math.prod(shape) * dtype.itemsize
        if dtype.hasobject or not dtype.itemsize or size != member.file_size - file.tell():
            raise ValueError("an array that is not as long as its header says")
        if size > LARGEST_ARRAY:
            raise UsageError(f"holds an array of {size / 2**30:.1f} GiB; at most 4 are read")


def _columns_of(name: str, array: Any) -> list[tuple[str, Any]]:
    if array.dtype.kind not in "biufU":
        raise UsageError(
            f"holds an array {name!r} of type {array.dtype}; expected numbers, booleans or text"
        )
    if array.ndim == 1:
        return [(name, array)]
    if array.ndim == 2:
        return [(f"{name}_{i}", array[:, i]) for i in range(array.shape[1])]
    raise UsageError(f"holds an array {name!r} of {array.ndim} dimensions; expected one or two")


def _check_names(names: list[str]) -> None:
    """Every column has a name of its own."""
    if not names:
        raise UsageError("holds no columns")
    if len(names) > MOST_COLUMNS:
        raise UsageError(f"has {len(names):,} columns; at most {MOST_COLUMNS:,} can be learnt from")
    for place, name in enumerate(names, start=1):
        if not name.strip():
            raise UsageError(
                f"has no name for column {place}; name it, or leave it out if it counts the rows"
            )
        if len(name) > LONGEST_NAME:
            raise UsageError(
                f"has a column name of {len(name)} characters, beginning {name[:20]!r}; at most"
                f" {LONGEST_NAME} are accepted, or the first line is no header"
            )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UsageError(f"has more than one column named {twice[0]!r}; give each its own name")


READERS: dict[str, Callable[[bytes], Any]] = {".csv": _csv, ".parquet": _parquet, ".npz": _npz}
