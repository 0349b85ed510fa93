"""`python -m benchmarks.history`: the recorded runs over time, with what changed and when."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.errors import UsageError, check_known
from benchmarks.options import make_parser, read_folder, read_names, split_names
from benchmarks.paths import create_folder
from benchmarks.streams import report_errors, run_command

OK, WORSE = 0, 3
EXAMPLE = """\
examples:
  python -m benchmarks.history                            the runs in results/
  python -m benchmarks.history nightly --check            exit 3 if the newest segment is worse
  python -m benchmarks.history .benchmarks                files of pytest-benchmark or pyperf
  python -m benchmarks.history --format md,html,csv       written to reports/history, with figures
"""


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    made = make_parser(
        "history", "Show recorded figures over time, and where they changed.", EXAMPLE
    )
    made.add_argument("folder", nargs="?", type=read_folder, default=Path("results"),
                      metavar="FOLDER", help="where runs lie (results)")  # fmt: skip
    made.add_argument("--check", action="store_true", help="exit 3 if the newest segment of a"
                      " series is worse than the one before")  # fmt: skip
    made.add_argument("--format", type=read_names, metavar="md,html,csv", help="write these files"
                      " instead of a table on the screen")  # fmt: skip
    made.add_argument("--reports", type=read_folder, default=Path("reports"), metavar="DIR",
                      help="they go to DIR/history (reports)")  # fmt: skip
    return made


@report_errors(OSError)
def main(argv: Sequence[str] | None = None) -> int:
    """Return 0 if done, 2 for wrong usage or a damaged file, 3 if --check finds worse figures."""
    options = build_parser().parse_args(argv)
    from benchmarks.analyse.series import read_history
    from benchmarks.render import history
    from benchmarks.render.terminal_document import print_document

    formats = tuple(split_names(options.format))
    check_known("format", formats, history.FORMATS)
    if not options.folder.is_dir():
        raise UsageError(f"there is no folder {options.folder.name}; name one that holds runs")
    series = read_history(options.folder)
    if formats:
        folder = options.reports / "history"
        create_folder(folder)
        for path in history.write_history(series, folder, formats):
            print(path)
    else:
        print_document(history.make_document(series))
    return WORSE if options.check and any(figures.is_worse for figures in series) else OK


if __name__ == "__main__":
    run_command(main)
