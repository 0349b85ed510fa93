"""Machine, versions and code: the environment block of run.json.

Privacy: variables are recorded by allow-list; no host name, user name, home path or index
address is recorded. Facts that cannot be read are None.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import platform
import re
import secrets
import shlex
import statistics
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import baselines
from benchmarks.errors import MachineFault
from benchmarks.measure import process, threads
from benchmarks.measure.container import read_kernel_file
from benchmarks.paths import ROOT, ask_git
from benchmarks.plan.durations import TABLE

# Variables that affect measurements and say nothing about a person.
ALLOWED = (
    *threads.POOLS, "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_DYNAMIC", "OMP_WAIT_POLICY",
    "KMP_BLOCKTIME", "MALLOC_ARENA_MAX", "PYTHONHASHSEED", "PYTHONOPTIMIZE", "CI",
)  # fmt: skip
# Distributions that affect figures; their versions are part of every run.
DISTRIBUTIONS = (
    "numpy", "scipy", "scikit-learn", "torch", "tensorflow-cpu", "tensorflow", "keras", "jax",
    "jaxlib", "pandas", "memory-profiler", "psutil", "threadpoolctl", "matplotlib",
)  # fmt: skip
PACKAGES = ("mapicx", "baselines", "benchmarks")
CPU = "/proc/cpuinfo"
STARTS = 10  # of an interpreter with NumPy, which tell the machine's pace
PATH_OPTIONS = (
    "--data", "--workload-file", "--results", "--reports", "--worker-path", "--resume",
)  # fmt: skip
GOVERNOR = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
HUGE_PAGES = "/sys/kernel/mm/transparent_hugepage/enabled"


def environment() -> dict[str, Any]:
    """Return everything about machine and interpreter that is needed to judge the figures."""
    return {
        "cpu": read_cpu_model(),
        "cores": count_cores(),
        "memory_bytes": _memory_bytes(),
        "system": platform.system(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "libc": " ".join(platform.libc_ver()).strip() or None,
        "virtualised": is_virtualised(),
        "frequency_governor": read_kernel_file(GOVERNOR) or None,
        "transparent_huge_pages": read_kernel_file(HUGE_PAGES) or None,
        "python": platform.python_version(),
        "python_build": f"{platform.python_implementation()}, {platform.python_compiler()}",
        "variables": {name: os.environ[name] for name in ALLOWED if name in os.environ},
        "variables_hidden_from_trials": [
            name for name in threads.changed_variables(os.environ) if name in ALLOWED
        ],
        "commit": ask_git(ROOT, "rev-parse", "HEAD"),
        "uncommitted_changes": _has_changes(),
    }


def installed_versions(required: Iterable[str] = ()) -> dict[str, str]:
    """Return installed versions of the distributions that affect figures, and mapicx's own.

    required: further distributions, which the systems of a run require.
    """
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for name in dict.fromkeys([*DISTRIBUTIONS, *sorted(required)]):
        with contextlib.suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions | {"mapicx": _own_version()}


def identify_machine(facts: dict[str, Any]) -> str:
    """Hash what must be equal before two timings are compared."""
    keys = ("cpu", "cores", "memory_bytes", "kernel", "machine", "python")
    text = json.dumps([facts[key] for key in keys])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def digest_code() -> dict[str, str]:
    """Hash each package's code and the plan files."""
    packages = {name: _digest((ROOT / name).rglob("*.py")) for name in PACKAGES}
    tables = [*(ROOT / "benchmarks" / "plan").glob("*.toml"), ROOT / "baselines" / "tuned.toml"]
    return packages | {path.name: _digest([path]) for path in sorted(tables)}


def digest_system(name: str) -> str | None:
    """Hash the file that defines a built-in system; None for a plug-in."""
    if name not in baselines.BUILT_IN:
        return None
    module = ROOT / Path(*baselines.BUILT_IN[name][0].split(".")).with_suffix(".py")
    return hashlib.sha256(module.read_bytes()).hexdigest()[:12] if module.exists() else None


def count_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_cpu_model() -> str | None:
    """Return the processor's model name."""
    named = re.search(r"^model name[ \t]*:(.*)", read_kernel_file(CPU), re.MULTILINE)
    return named[1].strip() if named else platform.processor() or None


def is_virtualised() -> bool | None:
    """Return whether this is a virtual machine; None where the system does not tell."""
    facts = read_kernel_file(CPU)
    return " hypervisor" in facts if facts else None


def read_steal_s() -> float | None:
    """Return seconds the hypervisor has taken from this machine's cores so far; None: unknown."""
    import psutil

    return getattr(psutil.cpu_times(), "steal", None)


def read_clock_mhz() -> float | None:
    """Return the mean clock of the cores now; None where the system does not show it."""
    clocks = re.findall(r"^cpu MHz\s*:\s*([\d.]+)", read_kernel_file(CPU), re.MULTILINE)
    return sum(map(float, clocks)) / len(clocks) if clocks else None


def measure_pace() -> float:
    """Estimate how many times as long as in durations.toml trials will take here.

    A second of starts says only so much about the minutes to come, in which a core changes its
    speed by a third and more; so the estimate is the geometric mean of what was seen and 1.
    """
    ends = [
        process.run_python(lambda *_: ["-c", "import numpy"], timeout=60) for _ in range(STARTS)
    ]
    seen = statistics.fmean(end.ended - end.started for end in ends) / float(TABLE["start"])
    return math.sqrt(seen)


def check_disk(*folders: Path) -> None:
    """Raise MachineFault if a file of 1 MiB cannot be written into one of these folders.

    Otherwise a full disk or a limit on file sizes would be blamed on what is measured.
    """
    for folder in folders:
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(bytes(2**20))
                file.flush()
        except OSError as error:
            what = "temporary files" if str(folder) == tempfile.gettempdir() else "results"
            raise MachineFault(
                f"the folder of {what} cannot be written ({error.strerror})"
            ) from None


def _digest(paths: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:12]


def _own_version() -> str:
    """Read the version from a file: the harness does not load what it measures."""
    import tomllib

    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def _has_changes() -> bool | None:
    """Return whether code differs from the commit; results and reports do not count."""
    changed = ask_git(ROOT, "status", "--porcelain", "--", *PACKAGES, "pyproject.toml")
    return None if changed is None else bool(changed)


def describe_start(kind: str, arguments: list[str]) -> dict[str, Any]:
    """Return the head of a new run's description: its name, when it began, and its command.

    kind: the suite or table, which becomes part of the name.
    """
    now = datetime.now(UTC)
    return {
        "format": 1,
        "run_id": f"{now:%Y%m%dT%H%M%S}-{kind}-{secrets.token_hex(2)}",
        "created_at": now.isoformat(timespec="seconds"),
        "command": shorten_command(arguments),
    }


def shorten_command(arguments: list[str]) -> str:
    """Return the command with paths shortened to file names, and without host names."""
    short, option = [], ""
    for part in arguments:
        inside = part.startswith("--") and "=" in part  # --option=value
        name, _, value = part.partition("=") if inside else (option, "", part)
        value = Path(value).name if name in PATH_OPTIONS else value
        value = re.sub(r"(dask://).*", r"\1HOST:PORT", value)
        short.append(f"{name}={value}" if inside else value)
        option = part
    return f"python -m benchmarks.run {shlex.join(short)}".rstrip()


def compile_packages() -> None:
    """Write bytecode now, so that no trial pays for compiling this project's sources."""
    import compileall

    for name in PACKAGES:
        compileall.compile_dir(str(ROOT / name), quiet=2)
