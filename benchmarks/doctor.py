"""python -m benchmarks.doctor: what about this machine makes timings untrustworthy.

Prints plain sentences: what was found, why it matters, what to do, and what could not be checked.
It gives advice and judges no run, so it exits 0 whatever it finds.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from benchmarks.measure import container, machine, threads
from benchmarks.measure.dependencies import ALTERNATIVES
from benchmarks.measure.exit_status import EXTRAS
from benchmarks.options import make_parser
from benchmarks.paths import ROOT
from benchmarks.streams import run_command

LOAD_S = 1.0  # for which other programs are watched
EXAMPLE = """examples:
  python -m benchmarks.doctor
  OPENBLAS_CORETYPE=Haswell python -m benchmarks.doctor      names the variable
"""


class Finding(NamedTuple):
    """level: "distorts" (timings are wrong here), "note" or "unknown" (could not be checked)."""

    level: str
    text: str


Check = Callable[[], Iterator[Finding]]


def check_variables(environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Find variables that cap threads or force a BLAS kernel."""
    for name in threads.changed_variables(environment):
        value = environment[name]
        if name == "OPENBLAS_CORETYPE":
            yield Finding(
                "distorts",
                f"OPENBLAS_CORETYPE={value} forces a BLAS kernel and can halve NumPy's speed;"
                " trials do not see it, but programs that you time by hand do: unset it",
            )
        elif name in threads.POOLS:
            yield Finding(
                "note", f"{name}={value} caps threads; trials set their own, so it has no effect"
            )
        else:
            yield Finding("note", f"{name}={value} is hidden from trials")


def check_load() -> Iterator[Finding]:
    """Check for other work on the machine now; this process sleeps meanwhile."""
    import psutil

    busy = psutil.cpu_percent(interval=LOAD_S) / 100 * (psutil.cpu_count() or 1)
    cores = machine.count_cores()
    if busy > 0.3 * cores:
        yield Finding(
            "distorts",
            f"other programs keep {busy:.1f} cores busy, of {cores} that trials may use: stop them"
            " or wait",
        )


def check_frequency() -> Iterator[Finding]:
    """Check for a clock frequency that follows the load."""
    governor = container.read_kernel_file(machine.GOVERNOR)
    if not governor:
        yield Finding("unknown", "frequency scaling: the system shows no governor")
    elif governor != "performance":
        yield Finding(
            "distorts",
            f"the frequency governor is {governor}: the clock follows the load;"
            " set it to performance while you measure (cpupower frequency-set -g performance)",
        )


def check_memory() -> Iterator[Finding]:
    """Check for little free memory, or swap in use."""
    import psutil

    free = psutil.virtual_memory().available / 2**30
    if free < 2:
        yield Finding(
            "distorts",
            f"{free:.1f} GiB of memory are free; a TensorFlow trial needs about 1: close programs",
        )
    used = psutil.swap_memory().used / 2**20
    if used > 100:
        yield Finding(
            "distorts", f"{used:.0f} MiB of swap are in use: peaks of memory will read too low"
        )


def check_container() -> Iterator[Finding]:
    """Check for a quota of CPU time, or a limit on memory."""
    limits = container.read_limits()
    for text in container.describe_limits(limits, machine.count_cores()):
        yield Finding("distorts", text)


def check_cores() -> Iterator[Finding]:
    """Check for too few cores to keep the harness off the measured one."""
    if machine.count_cores() < 2:
        yield Finding(
            "distorts", "there is one core: the harness shares it with what it measures; use two"
        )
    if not hasattr(os, "sched_setaffinity"):
        yield Finding("unknown", "pinning: this system cannot bind a process to cores")


def check_virtualisation() -> Iterator[Finding]:
    """Check for a hypervisor that takes time away."""
    virtualised = machine.is_virtualised()
    if virtualised is None:
        yield Finding("unknown", "whether this is a virtual machine")
    elif virtualised:
        yield Finding(
            "note",
            "this is a virtual machine: neighbours may slow it; compare ratios within one run,"
            " not seconds between runs",
        )


def check_compiler() -> Iterator[Finding]:
    """Check for the C++ compiler that torch.compile needs on the CPU."""
    if not any(shutil.which(name) for name in ("g++", "clang++", "c++", "cl")):
        yield Finding(
            "note", "there is no C++ compiler: torch-compile will fail; install g++ or clang++"
        )


def check_frameworks() -> Iterator[Finding]:
    """Find frameworks that are missing or differ from the pinned versions."""
    pinned = dict(_pins())
    versions = machine.installed_versions((*EXTRAS, *ALTERNATIVES.values()))
    for name, extra in EXTRAS.items():
        if name in ALTERNATIVES.values():
            continue  # either will do
        present = versions.get(name) or versions.get(ALTERNATIVES.get(name, name))
        if present is None:
            yield Finding(
                "note",
                f"{name} is not installed, its rows will say unavailable:"
                f' python -m pip install -c constraints.txt -e ".[{extra}]"',
            )
            continue
        pin = pinned.get(name)
        if pin is not None and present.split("+")[0] != pin:
            yield Finding(
                "note",
                f"{name} is {present}; the published runs were made with {pin}:"
                " figures may differ for that reason alone",
            )


def check_newer_releases() -> Iterator[Finding]:
    """Find frameworks for which pip knows a newer release."""
    versions = machine.installed_versions(EXTRAS)
    installed = {name: versions[name] for name in EXTRAS if name in versions}
    with concurrent.futures.ThreadPoolExecutor(len(installed) or 1) as pool:
        known = dict(zip(installed, pool.map(_ask_pip, installed), strict=True))
    silent = [name for name, release in known.items() if release is None]
    if silent:
        yield Finding("unknown", f"the newest release of {', '.join(silent)}: pip could not tell")
    for name, release in known.items():
        present = installed[name].split("+")[0]
        if release is not None and release != present:
            yield Finding("note", f"{name} is {present}; the newest that pip knows is {release}")


def _ask_pip(name: str) -> str | None:
    command = [sys.executable, "-m", "pip", "index", "versions", name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.match(r"\S+ \(([^)]+)\)", done.stdout)
    return match[1] if match else None


def check_blas() -> Iterator[Finding]:
    """Find frameworks whose BLAS is far slower than another's here, from recorded rows."""
    import pandas

    import benchmarks

    here = machine.identify_machine(machine.environment())
    try:
        rows = benchmarks.load("results")
        own = rows[rows["machine_id"].eq(here)]
        speed = own.groupby("system")["gemm_gflops"].median().dropna()
    except FileNotFoundError:
        speed = pandas.Series(dtype=float)
    if speed.empty:
        yield Finding(
            "unknown", "the frameworks' matrix products: results/ has no figures of this machine"
        )
    for name, value in speed.items():
        if value < 0.5 * speed.max():
            yield Finding(
                "note",
                f"the matrix product of {name} reached {value:.0f} GFLOP/s where {speed.idxmax()}"
                f" reached {speed.max():.0f}: its BLAS may not know this processor",
            )


CHECKS: tuple[Check, ...] = (
    check_variables, check_load, check_frequency, check_memory, check_container, check_cores,
    check_virtualisation, check_compiler, check_frameworks, check_newer_releases, check_blas,
)  # fmt: skip
HEADINGS = {
    "distorts": "This makes timings untrustworthy:",
    "note": "Good to know:",
    "unknown": "This could not be checked:",
}


def _pins() -> Iterator[tuple[str, str]]:
    path = ROOT / "constraints.txt"
    for line in path.read_text().splitlines() if path.exists() else ():
        name, separator, pinned = line.partition("==")
        if separator:
            yield name.strip(), pinned.strip()


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    what = "Say what about this machine makes timings untrustworthy, and what to do."
    return make_parser("doctor", what, EXAMPLE)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    build_parser().parse_args(argv)
    findings = [finding for check in CHECKS for finding in check()]
    for level, heading in HEADINGS.items():
        texts = [finding.text for finding in findings if finding.level == level]
        if texts:
            print(heading, *(f"  - {text}." for text in texts), sep="\n")
    if not any(finding.level == "distorts" for finding in findings):
        print("Nothing was found that makes timings untrustworthy.")
    return 0


if __name__ == "__main__":
    run_command(main)
