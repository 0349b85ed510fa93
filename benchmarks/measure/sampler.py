"""memory-profiler's curve of a process, sampled from outside, beside the kernel's figures."""

from __future__ import annotations

import contextlib
import subprocess
import threading

import psutil
from memory_profiler import memory_usage  # here, so that the first curve does not wait for it


class Sampler:
    """Samples a child in the parent, by a thread of its own.

    No fork and no sampler inside the measured process; what is shorter than the interval of
    10 ms is missed, which is why the kernel's figure is the headline.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._samples: list[tuple[float, float]] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended before its first sample
            self._samples = memory_usage(self._process, interval=0.01, timestamps=True)

    def curve(self, until: float | None) -> list[tuple[float, int]]:
        """(wall-clock seconds since the epoch, bytes), up to `until`."""
        self._thread.join(timeout=5)
        mebibyte = 1024 * 1024
        return [
            (moment, int(size * mebibyte))
            for size, moment in self._samples
            if size > 0 and (until is None or moment <= until)
        ]
