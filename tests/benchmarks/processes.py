"""The real command as a process of its own, with the plug-ins that stand in the folder plugin/."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLUGIN = str(Path(__file__).parent / "plugin")


def run(command, folder, *options):
    """A whole run, to its end."""
    return command(
        "benchmarks.run", "--results", folder / "results", "--reports", folder / "reports",
        *options, PYTHONPATH=PLUGIN,
    )  # fmt: skip


def _heed_signals():
    """Whoever runs the tests, as nohup or in the background, may have had signals ignored."""
    for name in ("SIGINT", "SIGHUP", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def start(folder, *options, stdout=subprocess.PIPE, **variables):
    """Begin a run; its output is read by `communicate`, unless it goes to a file."""
    return subprocess.Popen(
        [
            sys.executable, "-m", "benchmarks.run", "--results", folder / "results",
            "--reports", folder / "reports", *map(str, options),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": PLUGIN, **variables},
        stdout=stdout,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=None if sys.platform == "win32" else _heed_signals,
    )  # fmt: skip


def until_rows(folder, count, limit=60):
    """Wait for rows on disk; the run's folder."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        files = list((folder / "results").glob("*/trials.jsonl"))
        if files and files[0].read_bytes().count(b"\n") >= count:
            return files[0].parent
        time.sleep(0.02)
    raise AssertionError(f"no {count} rows within {limit} s")
