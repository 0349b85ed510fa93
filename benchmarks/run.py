"""python -m benchmarks.run: plan trials, measure each in a fresh process, record, report.

Exit codes: 0 every planned trial ok (or unavailable and not asked for by name); 1 a trial failed,
its row says why; 2 wrong usage; 4 no trial gave an ok row; 5 the controls are impossible on this
machine; 130 interrupted. Precedence 130, 2, 4, 1, 5, 0.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import baselines
from benchmarks import tuning
from benchmarks.errors import MachineFault, UsageError, format_count
from benchmarks.measure import machine
from benchmarks.measure.connection import LOCAL, connect, read_executor
from benchmarks.measure.controls import find_defects
from benchmarks.measure.executors import Local
from benchmarks.measure.process import handle_signals
from benchmarks.measure.resume import resume_run
from benchmarks.measure.runs import DEFAULTS, Run, plan_run
from benchmarks.measure.scheduler import Scheduler
from benchmarks.measure.units import Executor
from benchmarks.measure.workspace import Workspace
from benchmarks.options import (
    format_duration,
    read_folder,
    read_names,
    read_positive,
    read_seeds,
    read_text,
)
from benchmarks.paths import create_folder
from benchmarks.plan import suites
from benchmarks.plan.durations import Durations
from benchmarks.plan.table import describe_table
from benchmarks.plan.table_columns import TASKS
from benchmarks.plan.trials import Trial
from benchmarks.plan.workloads import read_workloads
from benchmarks.streams import keep_printing

EXAMPLE = """examples:
  python -m benchmarks.run                                  the spiral, every system, 15 minutes
  python -m benchmarks.run --preset smoke                   one block, few epochs, a short look
  python -m benchmarks.run --systems mapicx,torch-eager --seeds 10 --threads 1,all
  python -m benchmarks.run --suite scaling --workloads scaling-width --threads 1,all
  python -m benchmarks.run --preset full --plan             29 seeds, 12 blocks of time: how long?
  python -m benchmarks.run --data wine.csv --target class   your own table (.csv, .parquet, .npz)
  python -m benchmarks.run --resume 20260101T120000-spiral-ab12 --budget 1h
"""


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog="python -m benchmarks.run",
        description="Train matching networks in several frameworks and measure what each costs.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = result.add_argument
    add("--suite", type=read_text, help="a named list of workloads (default: spiral)")
    add("--systems", type=read_names, metavar="a,b|all", help="only these systems")
    add(
        "--workloads",
        type=read_names,
        metavar="w",
        help="only these; scaling-width is all its sizes",
    )
    add(
        "--data",
        type=read_text,
        metavar="FILE",
        help="train on your own table: .csv, .parquet or .npz",
    )
    add("--target", metavar="COLUMN", help="the column of --data that is to be predicted")
    add("--task", choices=TASKS, help="of --data (default: what its target looks like)")
    add("--seeds", type=read_seeds, help="number of blocks, one seed each (quick: 6)")
    add("--preset", type=read_text, help=f"{', '.join(suites.PRESETS)} (default: quick)")
    add("--budget", metavar="10m", help="stop after the last whole block that fits: 90s, 8m, 2h")
    add(
        "--threads",
        type=read_names,
        metavar="1",
        help="cores a trial may use; several settings: 1,all",
    )
    add(
        "--timeout",
        type=read_positive,
        default=DEFAULTS["timeout"],
        help="seconds until a trial is stopped (120)",
    )
    add(
        "--memory-limit",
        type=read_positive,
        metavar="MIB",
        help="stop a trial above this much memory",
    )
    add(
        "--measures",
        type=read_names,
        metavar="time,memory",
        help="of time, memory, accuracy, parity",
    )
    add("--results", type=read_folder, default=DEFAULTS["results"], metavar="DIR", help="(results)")
    add("--reports", type=read_folder, default=DEFAULTS["reports"], metavar="DIR", help="(reports)")
    add(
        "--executor",
        type=read_executor,
        default=DEFAULTS["executor"],
        metavar="local|dask|dask://HOST:PORT",
        help="where trials run: here, on a Dask cluster of this machine's cores, or on yours",
    )
    add(
        "--worker-path",
        type=read_text,
        metavar="DIR",
        help="the checkout on the cluster's machines (default: the path of this one)",
    )
    add("--readme", action="store_true", help="move README.md's tables to this run")
    add("--resume", type=read_text, metavar="RUN", help="go on with a run: folder, name or latest")
    add("--force", action="store_true", help="resume even if code, versions or machine changed")
    add(
        "--plan", action="store_true", help="list the trials and the expected time; measure nothing"
    )
    add("--list", action="store_true", help="list systems, workloads, suites and presets")
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = build_parser().parse_args(arguments)
    try:
        if options.list:
            return _list()
        if options.suite == tuning.SUITE:
            return tuning.run_tuning(options, arguments)
        with Workspace():
            run = resume_run(options) if options.resume else plan_run(options, arguments)
            if options.plan:
                return _show_plan(run)
            return _execute(run, options)
    except UsageError as error:
        print(f"{build_parser().prog}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _execute(run: Run, options: argparse.Namespace) -> int:
    """Prepare the folders and whoever measures, then measure."""

    for option, folder in (("results", run.store.run.parent), ("reports", options.reports)):
        try:
            create_folder(folder)
        except OSError as error:
            raise UsageError(
                f"the folder of {option}, '{folder}', cannot be written ({error.strerror});"
                f" give another one with --{option}"
            ) from None
    executor = _open_executor(run, options)
    store = run.store
    try:
        if run.is_new:
            store.create(run.description)
        with store.lock():
            if run.forced:
                store.note_forced(run.forced, machine.installed_versions(), machine.digest_code())
            return _measure(run, options, executor)
    finally:
        executor.close()


def _open_executor(run: Run, options: argparse.Namespace) -> Executor:
    """Whoever measures the trials. UsageError if a cluster cannot."""
    if options.executor != LOCAL:
        return connect(run, options)
    facts = {key: run.description[key] for key in ("run_id", "machine_id", "versions")}
    return Local(
        run.workloads,
        run.requires,
        facts,
        timeout=options.timeout,
        memory_limit=options.memory_limit and int(options.memory_limit * 2**20),
        source=run.source,
        side_by_side=run.side_by_side,
    )


def _measure(run: Run, options: argparse.Namespace, executor: Executor) -> int:
    """Measure what is missing, then report; also after Ctrl-C."""
    from benchmarks.render.terminal import Screen

    store, durations = run.store, Durations(run.workloads, *executor.count_places())
    _announce(run, durations)
    interrupted, complete = False, True
    had_rows = len(store.rows())
    try:
        with Screen(store, len(run.plan) - had_rows, run.blocks) as screen:
            complete = Scheduler(store, executor, durations, screen).run(run.plan, run.budget_s)
    except KeyboardInterrupt:
        interrupted = True
        print("Interrupted; the report of what was measured is being written.", flush=True)
    except (MachineFault, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        print(
            f"The run ended early: {reason}. Its {len(store.rows())} rows are kept. Mend that, then"
            f" continue with {build_parser().prog} {run.resumption}",
            file=sys.stderr,
        )
        return 1
    executor.close()
    rows = store.rows()
    _report(run, options, complete and not interrupted)
    again = f"{build_parser().prog} {run.resumption}"
    if not complete:
        print(f"The budget ended this run. To continue: {again} --budget 1h")
    if interrupted:
        print(f"{len(rows)} rows are kept. To continue: {again}")
        return 130
    return _verdict(rows, run.description["named"], ran=len(rows) > had_rows)


def _announce(run: Run, durations: Durations) -> None:
    from benchmarks.analyse.stats import SMALLEST_FOR_MEAN

    recorded = {row["trial_id"] for row in run.store.rows()}
    missing = [trial for trial in run.plan if trial.trial_id not in recorded]
    expected = durations.expect(missing)
    limit = f", budget {format_duration(run.budget_s)}" if run.budget_s else ""
    if run.budget_s and expected > run.budget_s:
        fitting = _count_fitting_blocks(missing, run.budget_s, durations)
        limit += f", in which about {format_count(fitting, 'block')} will fit"
        if fitting < SMALLEST_FOR_MEAN and "time" in {trial.measure for trial in missing}:
            limit += f" (too few for a verdict, which takes {SMALLEST_FOR_MEAN})"
    print(
        f"{run.store.run.name}: {len(missing)} trials in {format_count(run.blocks, 'block')},"
        f" expected {format_duration(expected)}{limit}",
        flush=True,
    )
    for line in describe_table(run.description):
        print(f"  {line}", flush=True)
    for entry in run.description["skipped"]:
        print(f"  not planned: {entry['system']} on {entry['workload']}: {entry['reason']}")


def _count_fitting_blocks(missing: list[Trial], budget_s: float, durations: Durations) -> int:
    """How many blocks will have run when the budget is spent; the first always will."""
    spent, count = 0.0, 0
    for block, members in itertools.groupby(missing, key=lambda trial: trial.block):
        spent += durations.expect(members)
        if block and count and spent > budget_s:
            break
        count += bool(block)
    return count


def _report(run: Run, options: argparse.Namespace, complete: bool) -> None:
    from benchmarks.render.readme import update_readme
    from benchmarks.render.report import write_report

    run.store.write_table()
    written = write_report(run.store.run, options.reports)
    for sentence in written.answer:
        print(f"- {sentence}")
    for measure, names in _find_missing(run).items():
        print(f"Without a figure in {measure}: {', '.join(names)}; the report says why.")
    verdicts = written.verdicts if complete and not run.side_by_side else []
    print("\n  ".join([f"Report: {written.short}", str(written.full), *verdicts]))
    if options.readme:
        update_readme(Path("README.md"), options.results, run.store.run)


def _find_missing(run: Run) -> dict[str, list[str]]:
    """Measure -> systems that were planned for it and have no ok row."""
    known = {(row["measure"], row["system"]) for row in run.store.rows() if row["status"] == "ok"}
    missing: dict[str, list[str]] = {}
    for measure, system in sorted({(trial.measure, trial.system) for trial in run.plan} - known):
        missing.setdefault(measure, []).append(system)
    return missing


def _verdict(rows: Iterable[dict[str, Any]], named: list[str], *, ran: bool) -> int:
    """The exit code that the rows deserve."""
    rows = list(rows)
    failed = [
        row
        for row in rows
        if row["status"] != "ok" and (row["status"] != "unavailable" or row["system"] in named)
    ]
    if ran and not any(row["status"] == "ok" for row in rows):
        print("No trial gave an ok row.", file=sys.stderr)
        return 4
    if failed:
        for text in dict.fromkeys(
            "{system}, {workload}, {measure}: {status}: {reason}".format_map(row) for row in failed
        ):
            print(text, file=sys.stderr)
        return 1
    defects = find_defects(rows)
    for text in defects:
        print(f"This machine's figures cannot be trusted: {text}.", file=sys.stderr)
    return 5 if defects else 0


def _show_plan(run: Run) -> int:
    durations = Durations(run.workloads, machine.count_cores())
    for line in describe_table(run.description):
        print(line)
    for trial in run.plan:
        print(
            f"{trial.trial_id}  block {trial.block}  {trial.measure:8} {trial.workload}"
            f"  {trial.system}  seed {trial.seed}  {trial.threads} thread(s)"
        )
    for entry in run.description["skipped"]:
        print(f"not planned: {entry['system']} on {entry['workload']}: {entry['reason']}")
    for number, members in itertools.groupby(run.plan, key=lambda trial: trial.block):
        print(_describe_block(number, list(members), durations))
    expected = format_duration(durations.expect(run.plan))
    print(f"{len(run.plan)} trials in {format_count(run.blocks, 'block')}, expected {expected}")
    return 0


def _describe_block(number: int, trials: list[Trial], durations: Durations) -> str:
    """What a block consists of, and how long it will take."""
    parts = []
    for measure, members in itertools.groupby(trials, key=lambda trial: trial.measure):
        counts = Counter(trial.system for trial in members)
        often = ", ".join(f"{n} × {name}" for name, n in counts.most_common() if n > 1)
        said = f"{counts.total()} trials of {measure}, {len(counts)} systems"
        parts.append(f"{said} ({often})" if often and measure == "time" else said)
    expected = format_duration(durations.expect(trials))
    return f"block {number}: {'; '.join(parts)}; expected {expected}"


def _list() -> int:
    print("systems:")
    for name in baselines.names():
        print(f"  {name}{'  (optional)' if name in baselines.OPTIONAL else ''}")
    print("suites:")
    for name, entry in suites.SUITES.items():
        print(f"  {name}: {entry['question']}")
    print("workloads:")
    for name, workload in read_workloads().items():
        shape = "-".join(map(str, workload.layers))
        rows = f"{workload.train_rows} rows"
        print(f"  {name}: {workload.dataset}, {rows}, {shape}, {workload.optimizer}")
    print(f"presets: {', '.join(suites.PRESETS)}")
    return 0


if __name__ == "__main__":
    keep_printing()
    handle_signals()
    sys.exit(main())
