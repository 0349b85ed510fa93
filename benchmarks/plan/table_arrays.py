"""Read a user's file of arrays as named columns: .parquet and .npz."""

from __future__ import annotations

import io
import math
import zipfile
from typing import TYPE_CHECKING, Any

from benchmarks.errors import UsageError
from benchmarks.plan.table_columns import check_names

if TYPE_CHECKING:
    import pandas

NO_NAME = "__index_level_"  # prefix of the name that parquet gives to an unnamed index
MAX_ARRAY_SIZE = 4 * 2**30  # bytes


def read_parquet(content: bytes) -> pandas.DataFrame:
    """Read with polars or, if it is not installed, with what pandas finds.

    polars comes first because it is loaded only here: pandas imports pyarrow wherever that is
    installed, which adds 33 MiB and 0.2 s to every scikit-learn process that is measured. Also, a
    damaged file makes polars raise an exception, whereas fastparquet ends the process.
    """
    if content[:4] != b"PAR1" or content[-4:] != b"PAR1":
        raise UsageError("is not a whole parquet file, whatever its name says")
    try:
        table = _read_frame(content)
    except (UsageError, KeyboardInterrupt):
        raise
    except ImportError:
        raise UsageError(
            "is a parquet file, which is read with the help of polars; install it with:"
            " python -m pip install polars, or save the table as CSV"
        ) from None
    except BaseException as error:  # a panic of polars is not an Exception
        reason = " ".join(str(error).split("\n")[0].split())[:100]
        raise UsageError(f"cannot be read as parquet ({reason})") from None
    # Writers keep an unnamed index, which counts rows, as a column with this prefix.
    table = table.drop(columns=[name for name in map(str, table) if name.startswith(NO_NAME)])
    check_names(list(table.columns))
    return table


def _read_frame(content: bytes) -> pandas.DataFrame:
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


def read_npz(content: bytes) -> pandas.DataFrame:
    """Read 1-D arrays as columns; a 2-D array X gives X_0, X_1, ..."""
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
    except Exception:  # zipfile, zlib and numpy raise a dozen types for a damaged file
        raise UsageError(
            "is not an archive of plain arrays as numpy.savez writes it (pickled objects are"
            " refused)"
        ) from None
    check_names([name for name, _ in columns])
    lengths: dict[int, str] = {}  # length -> the first column that has it
    for name, column in columns:
        lengths.setdefault(len(column), name)
    if len(lengths) > 1:
        (rows, first), (other_rows, other), *_ = lengths.items()
        raise UsageError(
            f"holds arrays of different lengths: {first!r} has {rows} rows, {other!r} {other_rows}"
        )
    return pandas.DataFrame(dict(columns))


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


def _check_header(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Raise ValueError, before allocating, if an array is not as long as its header says."""
    from numpy.lib import format as npy

    with archive.open(member) as file:
        version = npy.read_magic(file)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read_header(file)
        size = math.prod(shape) * dtype.itemsize
        if dtype.hasobject or not dtype.itemsize or size != member.file_size - file.tell():
            raise ValueError("an array that is not as long as its header says")
        if size > MAX_ARRAY_SIZE:
            raise UsageError(f"holds an array of {size / 2**30:.1f} GiB; at most 4 are read")
