"""Rows on disk. Nothing recorded is ever lost or rewritten.

Who reads for a report leaves out lines that are damaged, repeated or of no planned trial, and names
them: `load` and `find_damage`.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
from collections.abc import Container, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.errors import UsageError, format_count
from benchmarks.paths import (
    ARRAYS,
    ENDED,
    FORCED,
    MACHINES,
    ROWS,
    RUN,
    TABLE,
    find_runs,
    lock_file,
    write_atomically,
)  # fmt: skip
from benchmarks.record.schema import FIELDS, Field, validate

if TYPE_CHECKING:
    import pandas

ENDS = ("complete", "budget", "interrupt", "fault")  # of an invocation: how it came to its end
WHO = ("system", "workload", "seed", "threads", "measure", "block")  # row and plan must agree


def read_rows(run: Path, key: str = "trial_id") -> Iterator[dict[str, Any]]:
    """The rows of one run. A line that is damaged costs that line; `find_damage` names it.

    key: what every row must have to be one.
    """
    for _, row in _read_lines(run, key):
        if row is not None:
            yield row


def find_damage(run: Path) -> list[str]:
    """A sentence for each line of a run's rows that does not count, and for rows that are gone.

    The last line, if a crash has cut it short, is no damage: its trial is run again.
    """
    said, kept = [], 0
    for number, _, fault in _judge_lines(run):
        kept += not fault
        if fault:
            said.append(f"line {number} of {ROWS} {fault} and is left out")
    last = max((end["rows"] for end in read_ends(run)), default=0)
    if kept < last:
        rows = format_count(kept, "row")
        said.append(f"{ROWS} has {rows} of the {last} that were there when the run ended")
    return said


def read_ends(run: Path) -> list[dict[str, Any]]:
    """How each invocation that measured a run ended: `how`, one of ENDS, and `rows`, how many."""
    path = Path(run) / ENDED
    lines = path.read_bytes().splitlines() if path.exists() else []
    found = [_parse_row(line, "rows") for line in lines]
    return [end for end in found if end and end.get("how") in ENDS and type(end["rows"]) is int]


def _judge_lines(run: Path) -> Iterator[tuple[int, dict[str, Any] | None, str]]:
    """Number, row and fault ("" if it counts) of each line that ends."""
    planned, run_id = _read_plan(run)
    seen: dict[str, int] = {}
    for number, row in _read_lines(run, "trial_id"):
        if row is None:
            yield number, None, "is damaged"
            continue
        entry = planned.get(row["trial_id"])
        first = seen.get(row["trial_id"])
        fault = ""
        if run_id is not None and row.get("run_id") != run_id:
            fault = "is of another run"
        elif planned and entry is None:
            fault = "is of no planned trial"
        elif entry and any(row.get(key) != entry[key] for key in WHO if key in entry):
            fault = "is not of the trial that it names"
        elif first is not None:
            fault = f"repeats the trial of line {first}"
        else:
            seen[row["trial_id"]] = number
        yield number, row, fault


def _read_plan(run: Path) -> tuple[dict[str, dict[str, Any]], str | None]:
    """Trials by their id, and the run's own id; empty and None where run.json does not say."""
    try:
        description = read_run(run)
    except (OSError, ValueError):
        return {}, None
    plan, entries = description.get("plan"), description.get("trials")
    planned: dict[str, dict[str, Any]] = {}
    for entry in [*(plan if isinstance(plan, list) else ()),
                  *(entries if isinstance(entries, list) else ())]:  # fmt: skip
        if isinstance(entry, str):
            planned[entry] = {}
        elif isinstance(entry, dict) and entry.get("trial_id") in planned:
            planned[entry["trial_id"]] = entry
    run_id = description.get("run_id")
    return planned, run_id if isinstance(run_id, str) else None


def _read_lines(run: Path, key: str) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Number and row of each line that ends; None for one that is no row."""
    path = Path(run) / ROWS
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.endswith(b"\n"):
                yield number, _parse_row(line, key)


def _parse_row(line: bytes, key: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) and isinstance(row.get(key), (str, int)) else None


def read_run(run: Path) -> dict[str, Any]:
    """run.json of one run. FileNotFoundError or ValueError with a sentence if there is none."""
    try:
        description = json.loads((Path(run) / RUN).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"there is no run at {run}: it has no {RUN}") from None
    except (ValueError, RecursionError):
        description = None
    if not isinstance(description, dict):
        raise ValueError(f"{RUN} of run {Path(run).name} is damaged; restore it from a copy")
    return description


def read_machines(run: Path) -> dict[str, Any]:
    """Machine -> its environment and versions, of a run on a cluster; {} of any other run."""
    try:
        found = json.loads((Path(run) / MACHINES).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


class Store:
    """The folder of one run, for the process that writes it."""

    def __init__(self, run: Path) -> None:
        self.run = Path(run).absolute()  # trials write arrays here from folders of their own

    def create(self, description: dict[str, Any]) -> None:
        """Make the folder and write run.json. OSError if it cannot be written.

        A run on a user's table tells of its columns, so that run is for its owner alone.
        """
        private = "table" in description
        (self.run / ARRAYS).mkdir(parents=True, exist_ok=False)
        if private:
            self.run.chmod(0o700)
        write_atomically(self.run / RUN, json.dumps(description, indent=1) + "\n", private=private)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from measuring this run. UsageError if one does already."""
        with (self.run / RUN).open("r+b") as file:
            if not lock_file(file, wait=False):
                raise UsageError(
                    f"another process is measuring run {self.run.name}; wait for its end, or end it"
                )
            yield

    def append(self, row: dict[str, Any]) -> None:
        """Add one row; it is on disk when this returns."""
        line = json.dumps(validate(row), allow_nan=False, separators=(",", ":")) + "\n"
        descriptor = os.open(self.run / ROWS, os.O_RDWR | os.O_CREAT, 0o644)
        with os.fdopen(descriptor, "r+b") as file:
            lock_file(file, wait=True)  # until the file is closed
            file.seek(_end_of_last_line(file))
            file.truncate()
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())

    def note_forced(
        self, changes: list[str], versions: dict[str, str], digests: dict[str, str]
    ) -> None:
        """Record that a run went on although something had changed since its plan."""
        self._note(FORCED, {"changed": changes, "versions": versions, "digests": digests})

    def note_end(self, how: str) -> None:
        """Record how an invocation that measured came to its end, one of ENDS."""
        self._note(ENDED, {"how": how, "rows": sum(not one[2] for one in _judge_lines(self.run))})

    def _note(self, name: str, entry: dict[str, Any]) -> None:
        with (self.run / name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def note_machine(self, machine_id: str, facts: dict[str, Any]) -> None:
        """Record the environment of a machine of a cluster, which gives rows."""
        known = read_machines(self.run)
        if known.get(machine_id) != facts:
            text = json.dumps(known | {machine_id: facts}, indent=1) + "\n"
            write_atomically(self.run / MACHINES, text)

    def rows(self) -> list[dict[str, Any]]:
        """What has been recorded so far."""
        return list(read_rows(self.run))

    def array_path(self, trial_id: str) -> Path:
        """Where the arrays of a trial belong."""
        return self.run / ARRAYS / f"{trial_id}.npz"

    def write_table(self) -> None:
        """Rebuild table.csv from the rows."""
        write_atomically(self.run / TABLE, format_table(self.run))


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
            table[name] = table[name].map(_disarm, na_action="ignore")
    return table.to_csv(index=False, lineterminator="\n")


def _disarm(text: str) -> str:
    """A text that a spreadsheet shows and does not compute."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _end_of_last_line(file: Any) -> int:
    """Offset behind the last newline: what lies beyond was torn by a crash."""
    position = file.seek(0, os.SEEK_END)
    while position:
        start = max(0, position - 65536)
        file.seek(start)
        newline = file.read(position - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        position = start
    return 0


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
            for _, row, fault in _judge_lines(run)
            if row is not None and not fault
        ]
        columns = zip(*rows, strict=True) if rows else [()] * len(FIELDS)
        frame = pandas.DataFrame(
            {
                field.name: _make_series(field, list(column))
                for field, column in zip(FIELDS.values(), columns, strict=True)
            }
        )
    return _with_parity(frame)


def _make_series(field: Field, values: list[Any]) -> pandas.Series:
    """A column; what is no value of its field, as versions before this recorded some, is null."""
    import pandas

    try:
        return pandas.Series(values, dtype=field.dtype)
    except (TypeError, ValueError, OverflowError):
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


def _with_parity(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Give each row the verdict of its system's parity trial of the same run and recipe."""
    key, proven = ["run_id", "system", "recipe"], ["comparable", "parity_max_abs"]
    parity = frame.loc[frame["measure"] == "parity", key + proven].drop_duplicates(key)
    joined = frame.drop(columns=proven).merge(parity, on=key, how="left")
    return joined[list(FIELDS)]
