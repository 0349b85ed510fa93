"""Start a child, read what it sends, and end it, whatever it does.

The child is exec'd, never forked from this process's memory, in its own process group. One loop
waits for the row's pipe, stderr and the child's end, so that a flood, a closed pipe or a
grandchild that keeps the pipe open cannot block it.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measure import threads, workspace
from benchmarks.measure.signals import Suspension
from benchmarks.paths import ROOT

GRACE_S = 2.0  # between TERM and KILL
CHUNK = 65536  # bytes per read
MAX_STDERR = 4000  # bytes kept, from its end
MAX_MESSAGE = 16 * 1024 * 1024
POLL_S = 0.01  # between checks of the child where the system does not report its end
MAX_PAUSE_S = 3600.0  # the system refuses to wait for weeks
MEMORY_POLL_S = 0.05  # between readings of the group's memory, if it has a limit
_alive: set[subprocess.Popen[bytes]] = set()


class ProcessEnd(NamedTuple):
    """How a child ended.

    `kill_reason` is "", "timeout" or "oom"; times are perf_counter seconds.
    """

    message: bytes
    stderr: str
    exit_code: int | None
    kill_reason: str
    started: float
    ended: float
    suspended: bool = False


class _Reader:
    """Reads a pipe without blocking, keeps its last bytes, and passes on each whole line."""

    def __init__(
        self, descriptor: int, limit: int, on_line: Callable[[bytes], None] | None = None
    ) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor, self.kept = descriptor, b""
        self.lines = 0  # passed on so far
        self._limit, self._on_line, self._rest = limit, on_line, b""

    def read(self) -> bool:
        """Read once; False if nothing was available."""
        try:
            part = os.read(self.descriptor, CHUNK)
        except BlockingIOError:
            return False
        self.kept = (self.kept + part)[-self._limit :]
        if self._on_line is not None:
            *whole, self._rest = (self._rest + part)[-self._limit :].split(b"\n")
            for line in whole:
                self.lines += 1
                self._on_line(line)
        return bool(part)

    def drain(self) -> None:
        """Read what is left, up to MAX_MESSAGE bytes."""
        for _ in range(MAX_MESSAGE // CHUNK):
            if not self.read():
                break


def run_module(module: str, spec: Mapping[str, Any], **options: Any) -> ProcessEnd:
    """Run `python -m module SPEC` in a trial's environment; options are those of `run_python`.

    SPEC is `spec` as JSON, with "pipe", the descriptor for the module's answer, and "exec_at", the
    `perf_counter` time of its start.
    """

    def arguments(pipe: int, started: float) -> list[str]:
        return ["-m", module, json.dumps({**spec, "pipe": pipe, "exec_at": started})]

    return run_python(arguments, **options)


def run_python(
    arguments: Callable[[int, float], list[str]],
    *,
    cores: int = 1,
    variables: Mapping[str, str] | None = None,
    **options: Any,
) -> ProcessEnd:
    """Run an interpreter in a trial's environment; the project is found through PYTHONPATH.

    cores: threads that its libraries may use. variables: of the environment, for this trial only.
    options: those of `run`.
    """
    with tempfile.TemporaryDirectory(prefix="mapicx-trial-", ignore_cleanup_errors=True) as scratch:
        try:
            return run(
                lambda pipe, started: [sys.executable, "-P", *arguments(pipe, started)],
                environment={**_make_environment(cores, scratch), **(variables or {})},
                folder=scratch,
                **options,
            )
        finally:
            workspace.end_processes(Path(scratch))  # daemons, which left the group


def _make_environment(cores: int, scratch: str) -> dict[str, str]:
    """Return a trial's environment; the project itself is found through PYTHONPATH."""
    path = str(ROOT)
    if os.pathsep in path:  # which would split it in two
        link = Path(scratch) / "project"
        link.symlink_to(ROOT, target_is_directory=True)
        path = str(link)
    return threads.child_environment(cores, scratch, path, os.environ)


def run(
    command: Callable[[int, float], list[str]],
    *,
    environment: dict[str, str],
    folder: str,
    timeout: float,
    memory_limit: int | None = None,
    on_start: Callable[[subprocess.Popen[bytes]], None] | None = None,
    on_line: Callable[[bytes], None] | None = None,
) -> ProcessEnd:
    """Run `command(pipe, started)` for at most `timeout` seconds from its start or last line.

    `memory_limit`: bytes at which the child is killed. `on_start` is called with the process as
    soon as it exists, `on_line` with each line of the answer as it comes. KeyboardInterrupt kills
    the child and propagates to the caller.
    """
    reader, writer = os.pipe()
    suspension = Suspension()  # before the clock is read, so that a stop during the start counts
    started = time.perf_counter()
    try:
        process = subprocess.Popen(
            command(writer, started),
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(writer,),
            start_new_session=True,
        )
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    _alive.add(process)
    try:
        if on_start is not None:
            on_start(process)
        pipe = _Reader(reader, MAX_MESSAGE, on_line)
        return _supervise(process, pipe, started, suspension, timeout, memory_limit)
    finally:
        kill(process)
        _alive.discard(process)
        os.close(reader)
        if process.stderr is not None:
            process.stderr.close()


def _supervise(
    process: subprocess.Popen[bytes],
    pipe: _Reader,
    started: float,
    suspension: Suspension,
    timeout: float,
    memory_limit: int | None,
) -> ProcessEnd:
    """Read the child's pipes until it ends, or kill it at a limit."""
    assert process.stderr is not None
    stderr = _Reader(process.stderr.fileno(), MAX_STDERR)
    readers = {reader.descriptor: reader for reader in (pipe, stderr)}
    kill_reason, lines, restarted = "", 0, started
    with selectors.DefaultSelector() as selector, _end_of(process) as end:
        for descriptor in readers:
            selector.register(descriptor, selectors.EVENT_READ)
        if end is not None:
            selector.register(end, selectors.EVENT_READ)
        while process.poll() is None:
            left = restarted + timeout - time.perf_counter()
            if left <= 0:
                kill_reason = "timeout"
            elif memory_limit is not None and group_memory(process.pid) > memory_limit:
                kill_reason = "oom"
            if kill_reason:
                break
            pause = left if end is not None else POLL_S
            if memory_limit is not None:
                pause = min(pause, MEMORY_POLL_S)
            for key, _ in selector.select(min(left, pause, MAX_PAUSE_S)):
                if key.fd in readers and not readers[key.fd].read():
                    selector.unregister(key.fd)
            if pipe.lines > lines:
                lines, restarted = pipe.lines, time.perf_counter()
        ended = time.perf_counter()
    kill(process)  # also the rest of its group, which could write forever
    if kill_reason:
        ended = time.perf_counter()
    for reader in readers.values():  # the last output is still in the pipes
        reader.drain()
    time.sleep(0.001)  # so that a SIGCONT that came with the end is counted
    return ProcessEnd(
        pipe.kept,
        stderr.kept.decode(errors="replace"),
        process.returncode,
        kill_reason,
        started,
        ended,
        suspension.happened(),
    )


@contextlib.contextmanager
def _end_of(process: subprocess.Popen[bytes]):
    """Yield a descriptor that becomes readable when the process ends; None if unsupported."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End the whole process group: TERM, then KILL for what is left of it."""
    if process.poll() is None:
        _signal(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
    _signal(process.pid, signal.SIGKILL)  # also grandchildren that outlive their parent
    process.wait()


def kill_all() -> None:
    """Kill every child at once, when the harness was interrupted."""
    for process in list(_alive):
        _signal(process.pid, signal.SIGKILL)


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def group_memory(group: int) -> int:
    """Return the resident bytes of all processes in the group."""
    import psutil

    total = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group:
                total += process.memory_info().rss
    return total
