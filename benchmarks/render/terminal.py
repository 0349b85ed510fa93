"""What a run shows while it runs: a table that is complete after every block, and the time left.

On a terminal a live table (rich); elsewhere plain lines, so that logs stay readable.
"""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from benchmarks.options import format_duration
from benchmarks.plan.trials import Trial
from benchmarks.record.store import Store, load

# heading, metric, size of the unit
COLUMNS = (
    ("test accuracy", "accuracy_test", 1.0),
    ("test R2", "r2_test", 1.0),
    ("training, warm (s)", "time_train_warm_s", 1.0),
    ("total, cold (s)", "time_total_s", 1.0),
    ("peak memory (MiB)", "memory_peak_bytes", 2.0**20),
)


class Screen:
    """Listens to a campaign. Redraws only between trials: drawing must not disturb a clock."""

    def __init__(self, store: Store, trials: int, blocks: int, console: Console | None = None):
        self.console = console or Console()
        self._store, self._trials, self._blocks = store, trials, blocks
        self._began, self._count = time.perf_counter(), 0
        self._tables: list[Table] = []
        self._failures: list[str] = []
        self._live: Live | None = None

    def __enter__(self) -> Screen:
        if self.console.is_terminal:
            self._live = Live(console=self.console, auto_refresh=False, transient=False)
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live is not None:
            self._live.update(Group(*self._tables), refresh=True)
            self._live.stop()
            return
        for table in self._tables:
            self.console.print(table)

    def begins(self, trial: Trial, left_s: float) -> None:
        """Say what is measured now and how long everything will still take."""
        if self._live is None:
            return
        elapsed = format_duration(time.perf_counter() - self._began)
        line = Text(
            f"block {trial.block} of {self._blocks}, trial {self._count + 1} of {self._trials}:"
            f" {trial.system}, {trial.workload}, {trial.measure}"
            f"   {elapsed} so far, about {format_duration(left_s)} left"
        )
        failed = [Text(text, style="red") for text in self._failures[-5:]]
        self._live.update(Group(*self._tables, *failed, line), refresh=True)

    def ended(self, trial: Trial, row: dict[str, Any], seconds: float) -> None:
        """One line per trial where lines are kept; failures are kept everywhere."""
        self._count += 1
        reason = f" ({row['reason']})" if row.get("reason") else ""
        if row["status"] != "ok":
            self._failures.append(f"{trial.system}, {trial.measure}: {row['status']}{reason}")
        if self._live is None:
            self.console.print(
                f"[{self._count}/{self._trials}] block {trial.block} {trial.workload}"
                f" {trial.system} {trial.measure}: {row['status']}{reason}, {seconds:.1f} s",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )

    def part_complete(self, block: int) -> None:
        """Redraw the table from every row on disk: after the times of a block, and after it."""
        if block:
            self._tables = tables(self._store)


def tables(store: Store) -> list[Table]:
    """One table per case: medians over the blocks so far."""
    from benchmarks.analyse.summary import summarise
    from benchmarks.errors import format_count
    from benchmarks.render.numbers import format_estimate

    made = []
    for case, lines in summarise(load(store.run)).items():
        shown = [line for line in lines.values() if line.family != "control"]
        blocks = max((line.estimate("time_total_s").n for line in shown), default=0)
        title = f"{case.workload}, {format_count(case.threads, 'thread')}, medians of"
        table = Table(title=f"{title} {format_count(blocks, 'block')}", title_justify="left")
        table.add_column("system")
        columns = [one for one in COLUMNS if any(line.has(one[1]) for line in shown)] or COLUMNS
        for heading, *_ in columns:
            table.add_column(heading, justify="right")
        for line in shown:
            cells = [
                format_estimate(line.estimate(name), scale, bounds=False) if line.has(name) else ""
                for _, name, scale in columns
            ]
            if not any(cells):
                cells[0] = ", ".join(f"{k} {n}" for k, n in line.counts.by_status.items())
            table.add_row(line.system, *cells)
        made.append(table)
    return made
