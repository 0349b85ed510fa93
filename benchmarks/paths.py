"""Where things are: the checkout, and the files of a recorded run.

results/<run>/run.json      the plan, written once, by rename
results/<run>/trials.jsonl  one row per trial, appended and fsynced as it ends (the truth)
results/<run>/arrays/       losses, probabilities on a grid and memory curves, by trial
results/<run>/table.csv     the rows as a table, parity joined; can be rebuilt at any time
results/<run>/machines.json the environment of each machine of a cluster that gave rows
results/<run>/forced.jsonl  only after --resume --force: what had changed since the plan
results/<run>/ended.jsonl   how each measuring invocation ended, and the number of rows then
results/local/<run>         runs on users' tables, which are never published
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import IO

from benchmarks.errors import UsageError, unknown_name

ROOT = Path(__file__).resolve().parents[1]
RUN, ROWS, TABLE, ARRAYS = "run.json", "trials.jsonl", "table.csv", "arrays"
FORCED, ENDED, MACHINES = "forced.jsonl", "ended.jsonl", "machines.json"
LOCAL = "local"


def ask_git(folder: Path, *arguments: str) -> str | None:
    """Return what git prints in a folder; None if it fails, or is not installed."""
    ask = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(ask, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def find_runs(path: Path) -> list[Path]:
    """Return `path` itself if it is a run, else every run below it, oldest first."""
    if (path / RUN).exists():
        return [path]
    return sorted((file.parent for file in path.rglob(RUN)), key=lambda run: run.name)


def find_run(name: str, results: Path) -> Path | None:
    """Return the run that a path, a name or the path of its report means; None if there is none."""
    given = Path(name)
    for folder in (given, results / given, results / given.name):
        for run in (folder, folder.parent / LOCAL / folder.name):
            if (run / RUN).is_file():
                return run
    return None


def require_run(name: str, results: Path) -> Path:
    """Find a run as `find_run` does; UsageError with the nearest names if there is none."""
    run = find_run(name, results)
    if run is None:
        raise unknown_name("run", name, [found.name for found in find_runs(results)])
    return run


def create_folder(folder: Path) -> None:
    """Make a folder for runs or reports. OSError if it cannot be made or written.

    A new one that git would track gets a .gitignore.
    """
    new = [part for part in (folder, *folder.parents) if not part.exists()]
    if new:
        folder.mkdir(parents=True)
        if _is_tracked_by_git(folder):
            (new[-1] / ".gitignore").write_text("*\n")
    with tempfile.TemporaryFile(dir=folder):
        pass


def require_folder(option: str, folder: Path) -> None:
    """Make the folder that an option names; UsageError if it cannot be written."""
    try:
        create_folder(folder)
    except OSError as error:
        raise UsageError(
            f"the folder of {option}, '{folder}', cannot be written ({error.strerror});"
            f" give another one with --{option}"
        ) from None


def _is_tracked_by_git(folder: Path) -> bool:
    """Return whether git would track a run that is put into a folder."""
    ask = ["git", "-C", str(folder), "check-ignore", "-q", str(folder.resolve() / "run" / RUN)]
    try:
        return subprocess.run(ask, capture_output=True, check=False).returncode == 1
    except OSError:  # no git here, but perhaps where the folder goes next
        return folder.resolve().is_relative_to(ROOT)


def write_atomically(path: Path, text: str, *, private: bool = False) -> None:
    """Write a file by rename, so that a reader sees either the old or the new one.

    private: readable by its owner alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if not private:
            os.chmod(temporary, 0o644)  # mkstemp's 0600 would hide results from other users
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def lock_file(file: IO[bytes], *, wait: bool) -> bool:
    """Lock an open file until it is closed or its process ends; False if another has the lock."""
    try:
        import fcntl
    except ImportError:  # Windows: no lock; one writer at a time is only a request
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
