"""Starts a child, listens to it, and ends it whatever it does.

The child is exec'd, never forked from this process's memory, in a process group of its own. One
loop waits for the row's pipe, for stderr and for the child's end, so a flood, a closed pipe or a
grandchild that keeps the pipe open cannot hold it up.
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
TAIL = 4000  # bytes of stderr worth keeping
LARGEST_MESSAGE = 16 * 1024 * 1024
_alive: set[subprocess.Popen[bytes]] = set()


class Ended(NamedTuple):
    """How a child ended. `killed` is "", "timeout" or "oom"; times are perf_counter seconds."""

    message: bytes
    stderr: str
    exit_code: int | None
    killed: str
    started: float
    ended: float
    suspended: bool = False


def run_module(
    module: str,
    spec: Mapping[str, Any],
    *,
    timeout: float,
    cores: int = 1,
    memory_limit: int | None = None,
    variables: Mapping[str, str] | None = None,
    watch: Callable[[subprocess.Popen[bytes]], None] | None = None,
    hear: Callable[[bytes], None] | None = None,
) -> Ended:
    """Run a module of this project in a trial's environment, and hear what it says.

    Parameters
    ----------
    module : str
        What `python -m` is to run.
    spec : mapping
        What the module is to do; it gets this as JSON, with "pipe", the descriptor for its
        answer, and "exec_at", the `perf_counter` time of its start.
    timeout, memory_limit : float, int
        Seconds and bytes at which the child is killed.
    cores : int
        How many threads its libraries are told to use.
    variables : mapping
        Environment variables of this trial alone.
    watch : callable
        Called with the process as soon as it exists.
    hear : callable
        Called with each line of the answer as it comes; each begins the timeout anew.
    """

    def arguments(pipe: int, started: float) -> list[str]:
        return ["-m", module, json.dumps({**spec, "pipe": pipe, "exec_at": started})]

    return run_python(
        arguments,
        cores=cores,
        variables=variables,
        timeout=timeout,
        memory_limit=memory_limit,
        watch=watch,
        hear=hear,
    )


def run_python(
    arguments: Callable[[int, float], list[str]],
    *,
    cores: int = 1,
    variables: Mapping[str, str] | None = None,
    **options: Any,
) -> Ended:
    """Run an interpreter in a trial's environment; the project is found through PYTHONPATH."""
    with tempfile.TemporaryDirectory(prefix="mapicx-trial-", ignore_cleanup_errors=True) as scratch:
        try:
            return run(
                lambda pipe, started: [sys.executable, "-P", *arguments(pipe, started)],
                environment={**child_environment(cores, scratch), **(variables or {})},
                folder=scratch,
                **options,
            )
        finally:
            workspace.end_processes(Path(scratch))  # daemons, which left the group


def child_environment(cores: int, scratch: str) -> dict[str, str]:
    """A trial's environment; the project itself is found through PYTHONPATH."""
    path = str(ROOT)
    if os.pathsep in path:  # which would cut it in two
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
    watch: Callable[[subprocess.Popen[bytes]], None] | None = None,
    hear: Callable[[bytes], None] | None = None,
) -> Ended:
    """Run `command(pipe, started)` to its end, at most `timeout` seconds, or as many per line.

    `watch` is called with the process as soon as it exists (the memory sampler).
    KeyboardInterrupt kills the child and goes on to the caller.
    """
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    suspension = Suspension()  # before the clock is read: what stops the start counts, too
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
    finally:
        os.close(writer)
    _alive.add(process)
    try:
        if watch is not None:
            watch(process)
        return _attend(process, reader, started, suspension, timeout, memory_limit, hear)
    finally:
        kill(process)
        _alive.discard(process)
        os.close(reader)
        if process.stderr is not None:
            process.stderr.close()


def _attend(
    process: subprocess.Popen[bytes],
    reader: int,
    started: float,
    suspension: Suspension,
    timeout: float,
    memory_limit: int | None,
    hear: Callable[[bytes], None] | None,
) -> Ended:
    assert process.stderr is not None
    os.set_blocking(process.stderr.fileno(), False)
    heard = {reader: b"", process.stderr.fileno(): b""}
    limits = {reader: LARGEST_MESSAGE, process.stderr.fileno(): TAIL}
    killed, lines, latest = "", 0, started
    with selectors.DefaultSelector() as selector, _end_of(process) as end:
        for descriptor in heard:
            selector.register(descriptor, selectors.EVENT_READ)
        if end is not None:
            selector.register(end, selectors.EVENT_READ)
        while process.poll() is None:
            left = latest + timeout - time.perf_counter()
            if left <= 0:
                killed = "timeout"
            elif memory_limit is not None and group_memory(process.pid) > memory_limit:
                killed = "oom"
            if killed:
                break
            # Without a descriptor for the child's end, look at it a hundred times a second.
            pause = 0.01 if end is None or memory_limit is not None else left
            for key, _ in selector.select(min(left, pause)):
                if key.fd in heard and not _listen(key.fd, heard, limits):
                    selector.unregister(key.fd)
            told = _tell(heard[reader], lines, hear)
            lines, latest = told, time.perf_counter() if told > lines else latest
        ended = time.perf_counter()
    if killed:
        kill(process)
        ended = time.perf_counter()
    for descriptor in heard:  # what was written last is still in the pipes
        while len(heard[descriptor]) < LARGEST_MESSAGE and _listen(descriptor, heard, limits):
            pass
    _tell(heard[reader], lines, hear)
    stderr = heard[process.stderr.fileno()].decode(errors="replace")
    time.sleep(0.001)  # for a signal that came with the end
    return Ended(
        heard[reader], stderr, process.returncode, killed, started, ended, suspension.happened()
    )


def _tell(message: bytes, told: int, hear: Callable[[bytes], None] | None) -> int:
    """Pass on the lines that were not told yet; how many there are."""
    if hear is None:
        return told
    whole = message[: message.rfind(b"\n") + 1].splitlines()
    for line in whole[told:]:
        hear(line)
    return len(whole)


def _listen(descriptor: int, heard: dict[int, bytes], limits: dict[int, int]) -> bool:
    """Read what is there, keeping the last bytes; False once nothing more can come now."""
    try:
        part = os.read(descriptor, 65536)
    except BlockingIOError:
        return False
    heard[descriptor] = (heard[descriptor] + part)[-limits[descriptor] :]
    return bool(part)


@contextlib.contextmanager
def _end_of(process: subprocess.Popen[bytes]):
    """A descriptor that becomes readable when the process ends; None where there is none."""
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
    """End the whole process group: TERM, then KILL for whatever is left of it."""
    if process.poll() is None:
        _signal(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
    _signal(process.pid, signal.SIGKILL)  # also grandchildren that outlive their parent
    process.wait()


def kill_all() -> None:
    """End every child at once, for a harness that was interrupted."""
    for process in list(_alive):
        _signal(process.pid, signal.SIGKILL)


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def group_memory(group: int) -> int:
    """Resident bytes of every process in the group."""
    import psutil

    total = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group:
                total += process.memory_info().rss
    return total
