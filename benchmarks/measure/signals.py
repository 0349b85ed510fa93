"""What signals mean to the harness: to end, or to continue after it was stopped (Ctrl-Z).

If the harness was stopped or the machine slept, a child's time cannot be told from the pause, so
its trial is measured again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time

MAX_NAP_S = 0.05  # of the machine; two clocks may differ by this much without one
_signals: int | None = None  # a pipe to which the C handler of every signal writes its number
_continued = 0  # how often this process continued after it was stopped
_counting = threading.Lock()
_interrupted = False


class Suspension:
    """Tells whether anything was suspended since this object was made."""

    def __init__(self) -> None:
        self._continued, self._asleep_s = _count_continued(), _read_asleep_s()

    def happened(self) -> bool:
        """Return whether the harness was stopped or the machine slept."""
        slept = _read_asleep_s() - self._asleep_s > MAX_NAP_S
        return slept or _count_continued() != self._continued


def handle_signals() -> None:
    """Make TERM and HUP end this process as Ctrl-C does, and notice when it was stopped."""

    def interrupt(number: int, frame: object) -> None:
        global _interrupted
        _interrupted = True
        raise KeyboardInterrupt

    handlers = {
        **dict.fromkeys(("SIGINT", "SIGTERM", "SIGHUP"), interrupt),
        "SIGCONT": lambda number, frame: None,
    }
    for name, handler in handlers.items():
        number = getattr(signal, name, None)  # Windows has few of them
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, handler)
    global _signals
    _signals, writer = os.pipe()
    for descriptor in (_signals, writer):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)


def check_interrupted() -> None:
    """Raise KeyboardInterrupt if a signal requested the end.

    Python drops the exception that the handler raises where none can propagate: in a finalizer, or
    in the import system's own callbacks.
    """
    if _interrupted:
        raise KeyboardInterrupt


def _count_continued() -> int:
    """Return how often this process continued so far; any thread may ask."""
    global _continued
    with _counting, contextlib.suppress(BlockingIOError):
        while _signals is not None:
            numbers = os.read(_signals, 4096)
            _continued += numbers.count(getattr(signal, "SIGCONT", 0))
    return _continued


def _read_asleep_s() -> float:
    """Return the seconds that the machine has slept since boot; 0 where that is unknown."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
