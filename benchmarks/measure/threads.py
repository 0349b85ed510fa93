"""Limit the threads of a trial in every way available, then check the limit.

Variables inherited from the machine are removed from the child's environment (OPENBLAS_CORETYPE
alone can halve NumPy's speed) and those that matter are set explicitly.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Mapping
from typing import Any

SCRUBBED = (
    "OPENBLAS_", "NVPL_", "MKL_", "OMP_", "KMP_", "BLIS_", "VECLIB_", "NUMEXPR_", "TF_", "XLA_",
    "MALLOC_", "TORCHINDUCTOR_", "PYTORCH_", "JAX_", "KERAS_", "GOTO_", "NPY_", "ATEN_", "GLIBC_",
)  # fmt: skip
# A worker reads cached bytecode, as installed programs do; -X and -W options are set by us alone.
DROPPED = (
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONTRACEMALLOC",
    "PYTHONPROFILEIMPORTTIME",
    "PYTHONWARNINGS",
    "PYTHONMALLOC",
    "PYTHONDEVMODE",
)
POOLS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS", "TF_NUM_INTRAOP_THREADS",
)  # fmt: skip


def child_environment(threads: int, scratch: str, path: str, inherited: Mapping[str, str]) -> dict:
    """Return the whole environment of a trial. Caches and temporary files live in `scratch`."""
    kept = {
        key: value
        for key, value in inherited.items()
        if not key.startswith(SCRUBBED) and key not in DROPPED
    }
    return {
        **kept,
        **dict.fromkeys(POOLS, str(threads)),
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_DYNAMIC": "FALSE",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "KERAS_BACKEND": "tensorflow",
        "KERAS_HOME": scratch,  # a user's keras.json must not change the arithmetic
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
        "TORCHINDUCTOR_CACHE_DIR": os.path.join(scratch, "inductor"),
        "TMPDIR": scratch,
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(part for part in (path, kept.get("PYTHONPATH")) if part),
    }


def changed_variables(inherited: Mapping[str, str]) -> list[str]:
    """Return the names of the machine's variables that are hidden from trials."""
    return sorted(key for key in inherited if key.startswith(SCRUBBED) or key in DROPPED)


def pin(threads: int, slot: int = 0) -> list[int] | None:
    """Bind this process to `threads` cores; None where the system has no affinity.

    Slots count from the last of the fast cores, because interrupts and the harness itself favour
    the first.
    """
    if not hasattr(os, "sched_setaffinity"):
        return None
    chosen = list_cores()[slot * threads : (slot + 1) * threads]
    os.sched_setaffinity(0, chosen)
    return chosen


def list_cores() -> list[int]:
    """Return the cores that this process may use, in the order of their slots."""
    if not hasattr(os, "sched_getaffinity"):
        return list(range(os.cpu_count() or 1))
    return sorted(os.sched_getaffinity(0), key=_rank, reverse=True)


def _rank(core: int) -> tuple[int, int]:
    """Return how fast a core is among those of this processor, then its number.

    A processor may mix fast and slow cores: ARM reports a cpu_capacity, Intel lists the slow ones
    as cpu_atom.
    """
    try:
        with open(f"/sys/devices/system/cpu/cpu{core}/cpu_capacity") as file:
            return int(file.read()), core
    except (OSError, ValueError):
        return int(core not in _slow_cores()), core


@functools.cache
def _slow_cores() -> set[int]:
    try:
        with open("/sys/devices/cpu_atom/cpus") as file:
            ranges = [part.split("-") for part in file.read().strip().split(",")]
        return {core for ends in ranges for core in range(int(ends[0]), int(ends[-1]) + 1)}
    except (OSError, ValueError):
        return set()


def find_cap_defect(threads: int, cpu_s: float, wall_s: float) -> str | None:
    """Return a sentence if the process shows more threads than it was given, else None."""
    if hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) > threads:
        return f"the process may run on {len(os.sched_getaffinity(0))} cores, not on {threads}"
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_num_threads"):
        count = torch.get_num_threads()
        if count != threads:
            return f"torch runs {count} threads where {threads} were asked for"
    # Below a third of a second the CPU-time clock is too coarse to judge by.
    if wall_s > 0.3 and cpu_s > (threads + 0.3) * wall_s:
        return f"training used {cpu_s / wall_s:.1f} cores where {threads} were asked for"
    return None


def inspect_pools(threads: int) -> dict[str, Any]:
    """Return what threadpoolctl finds in this process, and a defect if a pool is too large."""
    import threadpoolctl

    pools = threadpoolctl.threadpool_info()
    largest = max((pool["num_threads"] for pool in pools), default=None)
    text = "; ".join(
        " ".join(
            str(pool[key]) for key in ("internal_api", "version", "architecture") if pool.get(key)
        )
        for pool in pools
    )
    defect = None
    if largest is not None and largest > threads:
        defect = f"a thread pool has {largest} threads where {threads} were asked for"
    return {"blas": text or None, "threads_seen": largest, "defect": defect}
