"""`python -m benchmarks.report`: rebuild reports and README tables from stored rows.

Nothing is measured and no row is changed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.errors import UsageError, check_known
from benchmarks.options import make_parser, read_folder, read_names, split_names
from benchmarks.paths import RUN, ask_git, find_runs, require_run
from benchmarks.record.rows import is_local, read_run
from benchmarks.streams import report_errors, run_command, say

OK, USAGE, STALE, NOTHING = 0, 2, 3, 4
README = Path("README.md")
EXAMPLE = """\
examples:
  python -m benchmarks.report                       claims.md, and every git-tracked run's report
  python -m benchmarks.report 20260102T030405-quick rebuild one report
  python -m benchmarks.report RUN --readme          and move README's tables to that run
  python -m benchmarks.report RUN --format md,latex for write-ups: LaTeX tables, methods, figures
  python -m benchmarks.report --check               exit 3 if README, claims or a report is stale
"""


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    made = make_parser("report", "Rebuild reports and README tables from stored rows.", EXAMPLE)
    made.add_argument("run", nargs="?", metavar="RUN", help="a run's folder or its name")
    made.add_argument("--readme", action="store_true", help="rewrite README's tables; with RUN:"
                      " move them to that run")  # fmt: skip
    made.add_argument("--check", action="store_true", help="write nothing; exit 3 if README, a"
                      " report or a claim differs from the rows")  # fmt: skip
    made.add_argument("--release", action="store_true", help="with --check: also exit 3 if a table"
                      " of README was measured with different code")  # fmt: skip
    made.add_argument("--format", type=read_names, default="md", metavar="md,csv,latex",
                      help="csv: the summary as a table; latex: booktabs tables, a methods"
                      " paragraph, a BibTeX entry, and figures as SVG and PDF too")  # fmt: skip
    made.add_argument("--results", type=read_folder, default=Path("results"), metavar="DIR")
    made.add_argument("--reports", type=read_folder, default=Path("reports"), metavar="DIR")
    return made


@report_errors(ValueError, OSError)
def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit code: 0 done, 2 wrong usage, 3 something is stale, 4 no rows to report."""
    options = build_parser().parse_args(argv)
    if options.release and not options.check:
        raise UsageError("--release needs --check; write both")
    if not options.results.is_dir():
        return _say(f"there is no folder {options.results}; `python -m benchmarks.run` makes one",
                    NOTHING if options.run is None else USAGE)  # fmt: skip
    run = None if options.run is None else require_run(options.run, options.results)
    if not options.check:
        return rebuild(run, options)
    try:
        return check(run, options)
    except (ValueError, FileNotFoundError) as error:  # a run that cannot be read
        return _say(str(error), STALE)


def rebuild(run: Path | None, options: argparse.Namespace) -> int:
    """Write reports, then README's tables if requested."""
    from benchmarks.render.claims import write_claims
    from benchmarks.render.readme import update_readme
    from benchmarks.render.report import write_report
    from benchmarks.render.write_up import FORMATS

    formats = split_names(options.format)
    check_known("format", formats, FORMATS)
    if options.readme and not README.exists():
        raise ValueError(f"there is no {README} in this folder; run the command from the checkout")
    if options.readme and run is None:
        written = update_readme(README, options.results)
        return _say(f"{README}: {', '.join(written) or 'no table markers'}")
    runs = [run] if run is not None else tracked_runs(options.results)
    if not runs:
        return _say(_nothing(options.results), NOTHING)
    if run is None:  # first, because the reports below cite its verdicts
        _say(str(write_claims(runs, options.reports)))
    for path in runs:
        report = write_report(path, options.reports, formats=formats)
        _say("\n  ".join([str(report.short), str(report.full), *report.verdicts]))
    if options.readme:
        _say(f"{README}: {', '.join(update_readme(README, options.results, run))}")
    return OK


def check(run: Path | None, options: argparse.Namespace) -> int:
    """Compare README, claims and reports with the rows; write nothing."""
    from benchmarks.render.claims import find_problems
    from benchmarks.render.readme import find_outdated_parts
    from benchmarks.render.stale import find_stale

    tracked = tracked_runs(options.results)
    runs = [run] if run is not None else tracked
    result = find_stale(README, options.results, options.reports, runs)
    gone = [where for where in _list_runs(options.results) if not (where / RUN).exists()]
    stale = [f"{where} is tracked by git and has no {RUN}" for where in gone]
    stale += result.faults + find_problems(tracked, options.reports, README)
    if options.release:
        stale += find_outdated_parts(README, options.results)
    for sentence in [*result.unchecked, *stale]:
        _say(sentence)
    if stale:
        return _say("`python -m benchmarks.report` and `--readme` rewrite what is stale", STALE)
    return _say(f"{README}, the claims and the reports of {len(runs)} runs agree with their rows")


def tracked_runs(results: Path) -> list[Path]:
    """Return the runs that git tracks, oldest first; outside a git checkout, every run.

    Runs on users' tables are left out, wherever they are.
    """
    return sorted((run for run in _list_runs(results) if _is_public(run)), key=lambda run: run.name)


def _list_runs(results: Path) -> list[Path]:
    """Return the runs that git tracks, even if their files are gone; without git, those present."""
    listed = ask_git(results, "ls-files", "-z", "--", f"*/{RUN}")
    if listed is None:
        return find_runs(results)
    return [(results / name).parent for name in listed.split("\0") if name]


def _is_public(run: Path) -> bool:
    if not (run / RUN).exists():
        return False
    try:
        return not is_local(run, read_run(run))
    except ValueError:  # damaged: reported when it is read
        return not is_local(run, {})


def _nothing(results: Path) -> str:
    names = [found.name for found in find_runs(results)]
    if not names:
        return f"{results} holds no run; `python -m benchmarks.run` records one"
    return f"git tracks no run in {results}; name one: {', '.join(names[-3:])}"


def _say(sentence: str, code: int = OK) -> int:
    say(sentence, file=sys.stderr if code in (USAGE, NOTHING) else sys.stdout)
    return code


if __name__ == "__main__":
    run_command(main)
