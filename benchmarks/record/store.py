"""Rows on disk. Nothing recorded is ever lost or rewritten."""

from __future__ import annotations

import contextlib
import gc
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.paths import ARRAYS, FORCED, ROWS, RUN, TABLE, find_runs, write_atomically
from benchmarks.record.schema import FIELDS, validate

if TYPE_CHECKING:
    import pandas


def read_rows(run: Path) -> Iterator[dict[str, Any]]:
    """The rows of one run. A last line that a crash cut short is left out."""
    path = Path(run) / ROWS
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                yield json.loads(line)
            except ValueError as error:
                raise ValueError(
                    f"line {number} of {path.name} in run {path.parent.name} is not JSON ({error});"
                    " the file was changed by something else: restore it from a copy"
                ) from None


def read_run(run: Path) -> dict[str, Any]:
    """run.json of one run. FileNotFoundError with a sentence if it is not a run."""
    try:
        return json.loads((Path(run) / RUN).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no run at {run}: it has no {RUN}") from None


class Store:
    """The folder of one run, for the process that writes it."""

    def __init__(self, run: Path) -> None:
        self.run = Path(run).absolute()  # trials write arrays here from folders of their own

    def create(self, description: dict[str, Any]) -> None:
        """Make the folder and write run.json. OSError if it cannot be written."""
        (self.run / ARRAYS).mkdir(parents=True, exist_ok=False)
        write_atomically(self.run / RUN, json.dumps(description, indent=1) + "\n")

    def append(self, row: dict[str, Any]) -> None:
        """Add one row; it is on disk when this returns."""
        line = json.dumps(validate(row), allow_nan=False, separators=(",", ":")) + "\n"
        descriptor = os.open(self.run / ROWS, os.O_RDWR | os.O_CREAT, 0o644)
        with os.fdopen(descriptor, "r+b") as file:
            file.seek(_end_of_last_line(file))
            file.truncate()
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())

    def note_forced(
        self, changes: list[str], versions: dict[str, str], digests: dict[str, str]
    ) -> None:
        """Record that a run went on although something had changed since its plan."""
        entry = {"changed": changes, "versions": versions, "digests": digests}
        with (self.run / FORCED).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def rows(self) -> list[dict[str, Any]]:
        """What has been recorded so far."""
        return list(read_rows(self.run))

    def array_path(self, trial_id: str) -> Path:
        """Where the arrays of a trial belong."""
        return self.run / ARRAYS / f"{trial_id}.npz"

    def write_table(self) -> None:
        """Rebuild table.csv from the rows."""
        table = load(self.run)
        for name, field in FIELDS.items():
            if field.kind == "list":
                table[name] = table[name].map(
                    lambda parts: " ".join(map(str, parts)) if isinstance(parts, list) else ""
                )
        write_atomically(self.run / TABLE, table.to_csv(index=False, lineterminator="\n"))


def _end_of_last_line(file: Any) -> int:
    """Offset behind the last newline: what lies beyond was torn by a crash."""
    position = file.seek(0, os.SEEK_END)
    while position:
        start = max(0, position - 65536)
        file.seek(start)
        found = file.read(position - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        position = start
    return 0


def load(path: str | os.PathLike[str]) -> pandas.DataFrame:
    """Rows of one run or of every run below a folder, typed after the schema, parity joined."""
    import pandas

    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no folder {path}; run `python -m benchmarks.run` first")
    with _no_collection():
        # Each row is taken apart while it is at hand: of many rows half the time.
        rows = [tuple(map(row.get, FIELDS)) for run in find_runs(path) for row in read_rows(run)]
        columns = zip(*rows, strict=True) if rows else [()] * len(FIELDS)
        frame = pandas.DataFrame(
            {
                name: pandas.Series(list(column), dtype=field.dtype)
                for (name, field), column in zip(FIELDS.items(), columns, strict=True)
            }
        )
    return _with_parity(frame)


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


def _with_parity(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Give each row the verdict of its system's parity trial of the same run and recipe."""
    key, proven = ["run_id", "system", "recipe"], ["comparable", "parity_max_abs"]
    parity = frame.loc[frame["measure"] == "parity", key + proven].drop_duplicates(key)
    joined = frame.drop(columns=proven).merge(parity, on=key, how="left")
    return joined[list(FIELDS)]
