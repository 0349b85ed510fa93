"""The temporary folder of a run, and the guard that removes it when the harness is killed.

All temporary files of a harness and its trials are in one folder. Each trial's processes have it
in their environment (TMPDIR), which their daemons inherit, so leftover processes are found by it.
The guard is a separate process that waits for the harness to end, then ends what is left and
removes the folder: even after SIGKILL, for which no handler is possible.

    python workspace.py FOLDER      the guard: waits for the end of its input
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "mapicx-trials-"
LOCK = ".lock"  # held by the harness while it lives
ROUNDS = 20  # of ending processes, which may have started others in between


class Workspace:
    """A temporary folder for everything that is made until `close`, guarded until then."""

    def __init__(self) -> None:
        remove_leftovers(Path(tempfile.gettempdir()))
        self._outside = tempfile.tempdir
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock = _lock(self.folder / LOCK)
        self._guard = subprocess.Popen(
            [sys.executable, "-P", __file__, str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # so that what ends the harness does not end the guard
        )
        tempfile.tempdir = str(self.folder)

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End what is left of the trials and remove the folder."""
        tempfile.tempdir = self._outside
        if self._lock is not None:
            os.close(self._lock)
        if self._guard.stdin is not None:
            self._guard.stdin.close()  # which is what the guard waits for
        self._guard.wait()


def clear(folder: Path) -> None:
    """End the processes whose TMPDIR is within this folder, and remove it."""
    end_processes(folder)
    shutil.rmtree(folder, ignore_errors=True)


def end_processes(folder: Path) -> None:
    """End every process whose TMPDIR is within a folder, daemons too."""
    for _ in range(ROUNDS):
        remaining = [pid for pid in find_processes(folder) if pid != os.getpid()]
        if not remaining:
            return
        for pid in remaining:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def find_processes(folder: Path) -> Iterator[int]:
    """Yield the live processes of this user whose TMPDIR is within a folder."""
    if sys.platform.startswith("linux"):
        prefix = f"TMPDIR={folder}/".encode()
        for environ in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                lines = environ.read_bytes().split(b"\0")
                if any((line + b"/").startswith(prefix) for line in lines):
                    yield int(environ.parent.name)
        return
    import psutil

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if Path(process.environ().get("TMPDIR", "/")).is_relative_to(folder):
                yield process.pid


def remove_leftovers(folder: Path) -> None:
    """Clear workspaces whose harness and guard are both gone."""
    for workspace in folder.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if workspace.is_symlink() or workspace.stat().st_uid != _user():
                continue
            lock = _lock(workspace / LOCK)
            if lock is not None:
                clear(workspace)
                os.close(lock)


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0  # Windows, where st_uid is 0


def _lock(path: Path) -> int | None:
    """Return an open descriptor that holds the lock; None if another process holds it."""
    try:
        import fcntl
    except ImportError:  # Windows: there a folder in use cannot be removed
        return None
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


if __name__ == "__main__":
    for number in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, number):
            signal.signal(getattr(signal, number), signal.SIG_IGN)
    sys.stdin.buffer.read()
    clear(Path(sys.argv[1]))
