"""Write access to the folder of a run. Nothing recorded is ever lost or rewritten."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.errors import UsageError
from benchmarks.paths import (
    ARRAYS,
    ENDED,
    FORCED,
    MACHINES,
    ROWS,
    RUN,
    TABLE,
    lock_file,
    write_atomically,
)  # fmt: skip
from benchmarks.plan.trials import Trial
from benchmarks.record.frame import format_table
from benchmarks.record.rows import read_machines, read_rows
from benchmarks.record.schema import validate


class Store:
    """The folder of one run, for the process that writes it."""

    def __init__(self, run: Path) -> None:
        self.run = Path(run).absolute()  # trials write arrays here from their own working folders

    def create(self, description: dict[str, Any]) -> None:
        """Make the folder and write run.json. Raise OSError if it cannot be written.

        A run on a user's table reveals its columns, so only the owner may read that run.
        """
        private = "table" in description
        (self.run / ARRAYS).mkdir(parents=True, exist_ok=False)
        if private:
            self.run.chmod(0o700)
        write_atomically(self.run / RUN, json.dumps(description, indent=1) + "\n", private=private)

    def remove_empty(self) -> None:
        """Remove the folder of a run that has no row."""
        if not self.rows():
            shutil.rmtree(self.run, ignore_errors=True)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from measuring this run. Raise UsageError if one already is."""
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
        """Record that a run was continued despite changes since it was planned."""
        self._note(FORCED, {"changed": changes, "versions": versions, "digests": digests})

    def note_end(self, how: str) -> None:
        """Record how an invocation that measured ended, one of ENDS."""
        self._note(ENDED, {"how": how, "rows": len(self.rows())})

    def _note(self, name: str, entry: dict[str, Any]) -> None:
        with (self.run / name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def note_machine(self, machine_id: str, facts: dict[str, Any]) -> None:
        """Record the environment of a cluster machine that contributes rows."""
        known = read_machines(self.run)
        if known.get(machine_id) != facts:
            text = json.dumps(known | {machine_id: facts}, indent=1) + "\n"
            write_atomically(self.run / MACHINES, text)

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows recorded so far."""
        return list(read_rows(self.run))

    def list_missing(self, plan: Iterable[Trial]) -> list[Trial]:
        """Return the trials of a plan that have no row yet, in its order."""
        recorded = {row["trial_id"] for row in self.rows()}
        return [trial for trial in plan if trial.trial_id not in recorded]

    def array_path(self, trial_id: str) -> Path:
        """Return the path for the arrays of a trial."""
        return self.run / ARRAYS / f"{trial_id}.npz"

    def write_table(self) -> None:
        """Rebuild table.csv from the rows."""
        write_atomically(self.run / TABLE, format_table(self.run))


def _end_of_last_line(file: Any) -> int:
    """Return the offset after the last newline; anything beyond was truncated by a crash."""
    position = file.seek(0, os.SEEK_END)
    while position:
        start = max(0, position - 65536)
        file.seek(start)
        newline = file.read(position - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        position = start
    return 0
