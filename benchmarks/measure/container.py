"""Limits that a container or service manager sets for this process: Linux control groups v1 and v2.

A CPU quota stops a process for part of every tenth of a second, and a memory limit ends it without
a message; neither can be seen from inside a trial.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
NO_LIMIT = 2**60  # bytes; v1 writes a huge number for "none"


class Limits(NamedTuple):
    """`cpus`, in units of one core's time, and `memory_bytes`."""

    cpus: float | None = None
    memory_bytes: int | None = None


def read_limits(root: Path = ROOT, membership: Path = MEMBERSHIP) -> Limits:
    """Return the tightest limits of this process's groups; None if there is no limit or group."""
    cpus: list[float] = []
    memory: list[int] = []
    for folder in _find_folders(root, membership):
        quota, _, period = read_kernel_file(folder / "cpu.max").partition(" ")
        quota = quota or read_kernel_file(folder / "cpu.cfs_quota_us")
        period = period or read_kernel_file(folder / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit():
            cpus.append(int(quota) / int(period))
        for name in ("memory.max", "memory.limit_in_bytes"):
            text = read_kernel_file(folder / name)
            if text.isdigit() and int(text) < NO_LIMIT:
                memory.append(int(text))
    return Limits(min(cpus, default=None), min(memory, default=None))


def _find_folders(root: Path, membership: Path) -> Iterator[Path]:
    """Yield the folder of each group that this process is in, and those above it."""
    for line in read_kernel_file(membership).splitlines():
        _, controllers, path = line.split(":", 2)
        for base in (root / controllers if controllers else root, root / "unified"):
            folder = base / path.lstrip("/")
            for parent in (folder, *folder.parents):
                if parent.is_relative_to(base) and parent.is_dir():
                    yield parent


def read_kernel_file(path: Path | str) -> str:
    """Return the text of a kernel file, without the last newline; "" if it cannot be read."""
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def describe_limits(limits: Limits, cores: int) -> list[str]:
    """Return a sentence for each limit that distorts what is measured."""
    sentences = []
    if limits.cpus is not None and limits.cpus < cores:
        sentences.append(
            f"this process may use {limits.cpus:g} CPUs of {cores}: trials are stopped for part of"
            " every tenth of a second, so times mislead; raise the quota"
        )
    if limits.memory_bytes is not None and limits.memory_bytes < 3 * 2**30:
        sentences.append(
            f"this process may use {limits.memory_bytes / 2**20:,.0f} MiB of memory: larger trials"
            " will be ended by SIGKILL; a TensorFlow trial needs about 1,024 MiB"
        )
    return sentences
