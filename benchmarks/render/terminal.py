"""What a run shows in progress: current trial, time left, and a table after every block.

On a terminal this is a live table (rich), redrawn once a second; elsewhere plain lines, so that
logs stay readable.
"""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from benchmarks.analyse.summary import Line, summarise
from benchmarks.errors import format_count
from benchmarks.options import format_duration
from benchmarks.plan.trials import Trial
from benchmarks.record.frame import load
from benchmarks.record.store import Store
from benchmarks.render.numbers import format_estimate
from benchmarks.streams import strip_control

# heading, metric, size of the unit
COLUMNS = (
    ("test accuracy", "accuracy_test", 1.0),
    ("test R2", "r2_test", 1.0),
    ("start to end (s)", "time_total_s", 1.0),
    ("training (ms)", "time_train_warm_s", 1e-3),
    ("peak memory (MiB)", "memory_peak_bytes", 2.0**20),
)
SCORES = ("accuracy_test", "r2_test")
FAILURES_SHOWN = 5


class Screen:
    """Show the progress of a run. Redraws do not run on the core that is being timed."""

    def __init__(self, store: Store, trials: int, blocks: int):
        self.console = Console()
        self._store, self._trials, self._blocks = store, trials, blocks
        self._began, self._count = time.perf_counter(), 0
        self._left = (0.0, self._began)  # estimated seconds left, and when they were estimated
        self._now = ""
        self._tables: list[Table] = []
        self._failures: list[str] = []
        self._live: Live | None = None

    def __enter__(self) -> Screen:
        if self.console.is_terminal:
            self._live = Live(console=self.console, get_renderable=self._draw, refresh_per_second=1)
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live is not None:
            self._now = ""
            self._live.stop()
        else:
            for table in self._tables:
                self.console.print(table)

    def on_trial_start(self, trial: Trial, left_s: float) -> None:
        """Show what is being measured and how long the rest will take."""
        self._left = left_s, time.perf_counter()
        self._now = (
            f"{self._name_block(trial)}, trial {self._count + 1} of {self._trials}:"
            f" {trial.system}, {trial.workload}, {trial.measure}"
        )

    def on_trial_end(self, trial: Trial, row: dict[str, Any], seconds: float) -> None:
        """Record failures; without a live display, also print one line per trial."""
        self._count += 1
        reason = f" ({row['reason']})" if row.get("reason") else ""
        if row.get("comparable") is False:
            reason += ", but not the same network: beyond parity's tolerance"
        if row["status"] != "ok":
            self._failures.append(f"{trial.system}, {trial.measure}: {row['status']}{reason}")
        if self._live is None:
            self.console.print(
                f"[{self._count}/{self._trials}] {self._tell_time()}; {self._name_block(trial)}:"
                f" {trial.system}, {trial.workload}, {trial.measure}: {row['status']}{reason}"
                f" after {seconds:.1f} s",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )

    def on_stage_end(self, block: int) -> None:
        """Rebuild the tables from all rows on disk, after a block's times and after the block."""
        if block:
            self._tables = make_tables(self._store)

    def _name_block(self, trial: Trial) -> str:
        return f"block {trial.block} of {self._blocks}" if trial.block else "before the blocks"

    def _tell_time(self) -> str:
        now = time.perf_counter()
        left = max(0.0, self._left[0] - (now - self._left[1]))
        return f"{format_duration(now - self._began)}, about {format_duration(left)} left"

    def _draw(self) -> RenderableType:
        """Put the progress line first, because overflow is cut off at the bottom of the screen."""
        line = [Text(f"{self._now}   {self._tell_time()}")] if self._now else []
        failed = [Text(text, style="red") for text in self._failures[-FAILURES_SHOWN:]]
        return Group(*line, *failed, *self._tables)


def make_tables(store: Store) -> list[Table]:
    """Make one table per case: medians over the blocks so far, best score first."""
    made = []
    for case, lines in summarise(load(store.run)).items():
        shown = [line for line in lines.values() if line.family != "control"]
        shown.sort(key=_rank)
        blocks = max((line.estimate("time_total_s").n for line in shown), default=0)
        title = f"{case.workload}, {format_count(case.threads, 'thread')}, medians of"
        table = Table(title=f"{title} {format_count(blocks, 'block')}", title_justify="left")
        table.add_column("system", no_wrap=True)
        columns = [one for one in COLUMNS if any(line.has(one[1]) for line in shown)] or COLUMNS
        for heading, *_ in columns:
            table.add_column(heading, justify="right")
        for line in shown:
            cells = [
                format_estimate(line.estimate(name), scale, bounds=False) if line.has(name) else ""
                for _, name, scale in columns
            ]
            if not any(cells):
                cells[0] = ", ".join(f"{k} {n}" for k, n in line.statuses.items())
            table.add_row(*(strip_control(cell) for cell in (line.system, *cells)))
        made.append(table)
    return made


def _rank(line: Line) -> tuple[float, float, str]:
    scores = [line.value(name) for name in SCORES if line.has(name)]
    total = line.value("time_total_s") if line.has("time_total_s") else float("inf")
    return -scores[0] if scores else float("inf"), total, line.system
