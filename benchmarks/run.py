"""python -m benchmarks.run: plan trials, measure each in a fresh process, record, report.

Exit codes: 0 every planned trial ok (or unavailable and not requested by name); 1 a trial failed,
as its row says, or the run could not go on, as stderr says; 2 wrong usage; 4 no trial gave an ok
row; 5 controls with known answers (sleep, allocate) gave impossible ones; 130 interrupted.
Precedence 130, 2, 4, 1, 5, 0.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import tuning
from benchmarks.errors import MachineFault, UsageError, format_count
from benchmarks.measure import machine
from benchmarks.measure.connection import connect, read_executor
from benchmarks.measure.executor import Executor
from benchmarks.measure.local_executor import Local
from benchmarks.measure.new_run import DEFAULTS, THIS_MACHINE, Run, plan_run
from benchmarks.measure.outcome import choose_exit_code, count_complete_blocks, find_missing
from benchmarks.measure.resume import resume_run
from benchmarks.measure.scheduler import Scheduler
from benchmarks.measure.signals import handle_signals
from benchmarks.measure.workspace import Workspace
from benchmarks.options import (
    make_parser,
    read_folder,
    read_names,
    read_positive,
    read_seeds,
    read_text,
)
from benchmarks.paths import require_folder
from benchmarks.plan import suites
from benchmarks.plan.durations import Durations
from benchmarks.plan.table_columns import FILLS, TASKS
from benchmarks.render.announcement import announce_run, describe_plan, list_choices
from benchmarks.streams import INTERRUPTED, report_errors, run_command, say

README = Path("README.md")
MAX_NAMED = 6  # systems named in a sentence; more are only counted
EXAMPLE = """examples:
  python -m benchmarks.run                                  the spiral, every system, 15 minutes
  python -m benchmarks.run --preset smoke                   one block, few epochs, a short look
  python -m benchmarks.run --systems mapicx,torch-eager --seeds 10 --threads 1,all
  python -m benchmarks.run --suite scaling --workloads scaling-width --threads 1,all
  python -m benchmarks.run --preset full --plan             29 seeds, 12 blocks of time: how long?
  python -m benchmarks.run --data wine.csv --target class   your own table (.csv, .parquet, .npz)
  python -m benchmarks.run --data churn.csv --target left --missing median --drop customer_no
  python -m benchmarks.run --workload-file mine.toml        your own networks and recipes
  python -m benchmarks.run --resume 20260101T120000-spiral-ab12 --budget 1h
"""


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    what = "Train matching networks in several frameworks and measure what each costs."
    result = make_parser("run", what, EXAMPLE)
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
        "--workload-file",
        type=Path,
        metavar="FILE.toml",
        help="workloads of your own, in the format of benchmarks/plan/workloads.toml",
    )
    add(
        "--data",
        type=read_text,
        metavar="FILE",
        help="train on your own table: .csv, .tsv, .csv.gz, .parquet or .npz",
    )
    add("--target", metavar="COLUMN", help="the column of --data that is to be predicted")
    add("--task", choices=TASKS, help="of --data (default: what its target looks like)")
    add("--missing", choices=FILLS, help="of --data: fill missing numbers by the training rows'"
        " median, do that and add an input that says where, or drop rows")  # fmt: skip
    add("--drop", action="append", metavar="COLUMN", help="of --data: do not learn from this column"
        " (may be repeated)")  # fmt: skip
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
    add("--measures", type=read_names, metavar="time,memory", help="time, memory, accuracy, parity")
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


@report_errors(OSError)
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = build_parser().parse_args(arguments)
    if options.list:
        return _print(list_choices())
    if options.suite == tuning.SUITE:
        return tuning.run_tuning(options, arguments)
    if options.readme and not README.exists():
        raise UsageError(f"there is no {README} in this folder; run the command from the checkout")
    with Workspace():
        run = resume_run(options) if options.resume else plan_run(options, arguments)
        if options.plan:
            pace = machine.measure_pace()
            durations = Durations(run.workloads, machine.count_cores(), pace=pace)
            return _print(describe_plan(run, durations))
        return _execute(run, options)


def _execute(run: Run, options: argparse.Namespace) -> int:
    """Prepare the executor and the folders, then measure."""
    executor = _open_executor(run, options)
    store = run.store
    try:
        # The pace of a cluster's workers is not that of this machine.
        pace = machine.measure_pace() if options.executor == THIS_MACHINE else 1.0
        durations = Durations(run.workloads, *executor.count_parallel(), pace=pace)
        require_folder("results", options.results if run.is_new else store.run.parent)
        require_folder("reports", options.reports)
        if run.is_new:
            store.create(run.description)
        with store.lock():
            if run.forced:
                versions = machine.installed_versions(itertools.chain(*run.requires.values()))
                store.note_forced(run.forced, versions, machine.digest_code())
            return _measure(run, options, executor, durations)
    except KeyboardInterrupt:
        if run.is_new:
            store.remove_empty()
        raise
    finally:
        executor.close()


def _open_executor(run: Run, options: argparse.Namespace) -> Executor:
    """Return the executor of the trials. UsageError if a cluster cannot run them."""
    if options.executor != THIS_MACHINE:
        return connect(run, options)
    return Local(
        run.workloads,
        run.requires,
        _list_facts(run),
        timeout=options.timeout,
        memory_limit=options.memory_limit and int(options.memory_limit * 2**20),
        source=run.source,
        side_by_side=run.side_by_side,
    )


def _list_facts(run: Run) -> dict[str, Any]:
    """Return what the rows measured now say of the run, the machine and its versions."""
    facts = {key: run.description[key] for key in ("run_id", "machine_id", "versions")}
    if run.forced:  # they may have changed
        environment = machine.environment()
        facts["machine_id"] = machine.identify_machine(environment)
        facts["versions"] = machine.installed_versions(itertools.chain(*run.requires.values()))
        machine_facts = {"versions": facts["versions"], "environment": environment}
        run.store.note_machine(facts["machine_id"], machine_facts)
    return facts


def _measure(
    run: Run, options: argparse.Namespace, executor: Executor, durations: Durations
) -> int:
    """Measure the missing trials, then report, even after Ctrl-C if there is a row."""
    from benchmarks.render.terminal import Screen

    store = run.store
    end, had_rows = "fault", len(store.rows())
    try:
        _print(announce_run(run, durations))
        with Screen(store, len(run.plan) - had_rows, run.blocks) as screen:
            complete = Scheduler(store, executor, durations, screen).run(run.plan, run.budget_s)
            end = "complete" if complete else "budget"
    except KeyboardInterrupt:
        end = "interrupt"
        if not store.rows():
            raise
        say("Interrupted.")
    except (MachineFault, OSError) as error:
        end = "fault"
        reason = getattr(error, "strerror", None) or str(error)
        say(
            f"The run ended early: {reason}. Its {len(store.rows())} rows are kept. Fix that, then"
            f" continue with {run.resume_command}",
            file=sys.stderr,
        )
        return 1
    finally:
        with contextlib.suppress(OSError):  # the disk itself may be full
            store.note_end(end)
    rows = store.rows()
    try:
        _report(run, options, end == "complete")
    except KeyboardInterrupt:
        say(
            f"Interrupted. {len(rows)} rows are kept; this writes the report:"
            f" python -m benchmarks.report {shlex.quote(str(store.run))}"
        )
        return INTERRUPTED
    if end == "budget":
        done = count_complete_blocks(run.plan, rows)
        say(
            f"The budget ended this run after {format_count(done, 'whole block')} of {run.blocks}."
            f" To continue: {run.resume_command} --budget 1h"
        )
    if end == "interrupt":
        say(f"{len(rows)} rows are kept. To continue: {run.resume_command}")
        return INTERRUPTED
    code, reasons = choose_exit_code(rows, run.description["named"], ran=len(rows) > had_rows)
    for reason in reasons:
        say(reason, file=sys.stderr)
    return code


def _print(lines: Iterable[str]) -> int:
    for line in lines:
        say(line)
    return 0


def _report(run: Run, options: argparse.Namespace, complete: bool) -> None:
    from benchmarks.render.numbers import join_words
    from benchmarks.render.readme import update_readme
    from benchmarks.render.report import write_report

    say("The report is being written.")
    run.store.write_table()
    written = write_report(run.store.run, options.reports)
    _print(f"- {sentence}" for sentence in written.answer)
    missing = [
        f"{measure} of {', '.join(names) if len(names) <= MAX_NAMED else f'{len(names)} systems'}"
        for measure, names in find_missing(run.plan, run.store.rows()).items()
    ]
    if missing:
        say(f"Without a figure: {join_words(missing)}; the report says why.")
    verdicts = written.verdicts if complete and not run.side_by_side else []
    say("\n  ".join([f"Report: {written.short}", str(written.full), *verdicts]))
    if options.readme:
        try:
            update_readme(README, options.results, run.store.run)
        except (OSError, ValueError) as error:
            say(f"{README} was not changed: {error}", file=sys.stderr)


if __name__ == "__main__":
    handle_signals()
    run_command(main)
