"""Peak memory of a process: read from the kernel by itself, and sampled by its parent.

`VmHWM` in /proc/self/status is the highest resident set of this address space and starts at zero
at exec; writing 5 to /proc/self/clear_refs resets it to the current value. `ru_maxrss` is never
used, because it is inherited at exec: a parent of 150 MB would make every child 150 MB. This file
imports little, because it is part of what it measures.

memory-profiler's curve complements the kernel's figures. It misses what is shorter than its
interval, so the kernel's figure is the headline.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess

KERNEL, WORKING_SET, RESIDENT = "VmHWM per phase", "psutil peak working set", "psutil RSS"


class HighWater:
    """Peak resident set of each phase of this process, in bytes.

    Only Linux can reset the peak: elsewhere a phase's peak is the peak so far (Windows) or the
    resident set at its end (macOS); the field `memory_method` says which.
    """

    def __init__(self) -> None:
        self.peaks: dict[str, int] = {}
        self.before: dict[str, int] = {}
        self.after: dict[str, dict[str, int | None]] = {}
        self.highest = 0

    @contextlib.contextmanager
    def phase(self, name: str) -> Any:
        """Measure the `with` block under this name."""
        self.highest = max(self.highest, read_memory()["peak"] or 0)
        _reset()
        self.before[name] = read_memory()["resident"] or 0
        try:
            yield
        finally:
            self.after[name] = read_memory()
            self.peaks[name] = self.after[name]["peak"] or 0
            self.highest = max(self.highest, self.peaks[name])

    def list_fields(self) -> dict[str, Any]:
        """Return the row's memory fields; None for a phase that was not reached."""
        imported = self.after.get("import", {})
        built = [self.peaks[name] for name in ("data", "build") if name in self.peaks]
        trained = self.peaks.get("train")
        return {
            "memory_import_peak_bytes": self.peaks.get("import"),
            "memory_import_anon_bytes": imported.get("anon"),
            "memory_import_file_bytes": imported.get("file"),
            "memory_build_peak_bytes": max(built, default=None),
            "memory_train_peak_bytes": trained,
            "memory_train_increment_bytes": (
                None if trained is None else max(0, trained - self.before["train"])
            ),
            "memory_peak_bytes": self.highest,
            "memory_method": _method(),
        }


def read_memory() -> dict[str, int | None]:
    """Return the resident set and its peak, with anonymous and file-backed parts, in bytes."""
    if _method() == KERNEL:
        with open("/proc/self/status") as status:
            lines = dict(line.split(":", 1) for line in status)
        names = {"resident": "VmRSS", "peak": "VmHWM", "anon": "RssAnon", "file": "RssFile"}
        return {
            key: 1024 * int(lines[name].split()[0]) for key, name in names.items() if name in lines
        }
    import psutil

    info = psutil.Process().memory_info()
    peak = getattr(info, "peak_wset", info.rss)
    return {"resident": info.rss, "peak": peak, "anon": None, "file": None}


def _method() -> str:
    if sys.platform.startswith("linux") and _has_high_water():
        return KERNEL
    return WORKING_SET if sys.platform == "win32" else RESIDENT


@functools.cache
def _has_high_water() -> bool:
    """Return whether the kernel keeps a peak and resets it; those of some sandboxes do not."""
    with open("/proc/self/status") as status:
        return "VmHWM:" in status.read() and os.access("/proc/self/clear_refs", os.W_OK)


def _reset() -> None:
    if _method() == KERNEL:
        with open("/proc/self/clear_refs", "w") as control:
            control.write("5")


class Sampler:
    """Samples a child every 10 ms from a thread of the parent: no fork, and no sampler inside the
    measured process.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._samples: list[tuple[float, float]] = []  # wall-clock seconds, MiB
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        import psutil
        from memory_profiler import memory_usage

        # Samples are written to this object as they come, because memory-profiler's return value is
        # lost if the process ends while it is being sampled.
        with contextlib.suppress(psutil.NoSuchProcess):
            memory_usage(self._process, interval=0.01, timestamps=True, stream=self)

    def write(self, line: str) -> None:
        """Take a line of memory-profiler's format: MEM, mebibytes, seconds since the epoch."""
        kind, size, moment = line.split()
        if kind == "MEM":
            self._samples.append((float(moment), float(size)))

    def flush(self) -> None:
        """Do nothing: no sample is buffered."""

    def save(self, until: float | None, began: float, arrays: Path) -> dict[str, int]:
        """Write the curve up to `until` to the trial's arrays; return row fields.

        until, began: seconds since the epoch; the curve's times count from `began`.
        """
        import numpy as np

        self._thread.join(timeout=5)
        curve = [
            (moment, int(size * 2**20))
            for moment, size in self._samples
            if size > 0 and (until is None or moment <= until)
        ]
        if not curve:
            return {"memory_samples": 0}
        part = arrays.with_suffix(".part")
        with part.open("wb") as file:
            np.savez_compressed(
                file,
                memory_s=np.array([moment - began for moment, _ in curve]),
                memory_bytes=np.array([size for _, size in curve]),
            )
        part.replace(arrays)
        sampled = max(size for _, size in curve)
        return {"memory_sampled_peak_bytes": sampled, "memory_samples": len(curve)}
