"""Read a user's file as named columns, or raise UsageError with a sentence that says why not.

.csv and .tsv (UTF-8, one header line; also gzipped, .csv.gz), .parquet and .npz. Nothing in the
file is executed: pickled objects are refused. pandas is imported on first use.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.errors import UsageError
from benchmarks.plan.table_arrays import read_npz, read_parquet
from benchmarks.plan.table_text import MAX_FILE_SIZE, read_csv

if TYPE_CHECKING:
    import pandas

WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
READERS: dict[str, Callable[[bytes], Any]] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": read_parquet,
    ".npz": read_npz,
}


def read_file(path: Path) -> tuple[pandas.DataFrame, str]:
    """Return the table and the SHA-256 of the file. UsageError if it is not a table."""
    content = _read_bytes(path)
    try:
        table = READERS[_find_format(path)](_unpack(content) if _is_packed(path) else content)
    except UsageError as error:
        raise UsageError(f"{path.name!r} {error}") from None
    if not len(table):
        raise UsageError(f"{path.name!r} has a header and no rows")
    return table, hashlib.sha256(content).hexdigest()


def resolve_path(path: str) -> Path:
    """Return the absolute path of a file that a user named. UsageError if that leads nowhere."""
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links or a zero byte
        raise UsageError(f"{path[-80:]!r} leads to no file; name the table's file") from None


def check_same_file(path: str, digest: str) -> Path:
    """Return the absolute path of a file. UsageError unless it has this SHA-256."""
    source = resolve_path(path)
    if hashlib.sha256(_read_bytes(source)).hexdigest() != digest:
        raise UsageError(
            f"{source.name!r} is not the file that the run was planned with (its SHA-256 differs);"
            " give that file, or start a new run"
        )
    return source


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _find_format(path: Path) -> str:
    """Return the suffix that gives the format, in lower case: .csv for table.csv.gz, too."""
    return Path(path.stem if _is_packed(path) else path.name).suffix.lower()


def _read_bytes(path: Path) -> bytes:
    try:
        return _check_and_read(path)
    except OSError as error:
        name = path.name if len(path.name) <= 80 else f"{path.name[:80]}..."
        raise UsageError(f"{name!r} cannot be read ({error.strerror})") from None


def _check_and_read(path: Path) -> bytes:
    known = ", ".join(READERS)
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "not a regular file"
        raise UsageError(f"{path.name!r} is {what}; give a file that ends with one of {known}")
    if not path.is_file():
        near = sorted(other.name for other in path.parent.glob(f"*{path.suffix}"))[:3]
        raise UsageError(
            f"there is no file {path.name!r}"
            + (f"; its folder has {', '.join(map(repr, near))}" if near else "")
        )
    if _find_format(path) in WORKBOOKS:
        raise UsageError(
            f"{path.name!r} is a workbook; save its sheet as CSV in UTF-8 and give that file"
        )
    if _find_format(path) not in READERS:
        raise UsageError(
            f"{path.name!r} ends with none of {known}; save the table as CSV in UTF-8, with one"
            " header line"
        )
    content = path.read_bytes()
    if not content.strip():
        raise UsageError(f"{path.name!r} is empty; expected a header line and rows")
    return content


def _unpack(content: bytes) -> bytes:
    try:
        with gzip.open(io.BytesIO(content)) as file:
            unpacked = file.read(MAX_FILE_SIZE + 1)
    except (OSError, EOFError, zlib.error):
        raise UsageError("is not a complete gzip file, although its name says so") from None
    if len(unpacked) > MAX_FILE_SIZE:
        raise UsageError(f"holds more than {MAX_FILE_SIZE / 2**30:.0f} GiB; take a sample of rows")
    return unpacked
