"""`python -m benchmarks.compare BASE HEAD`: is HEAD slower than BASE?

Compares two recorded runs, or two git revisions that are measured now, in turns.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.analyse.revision_comparison import (
    Difference,
    SideComparison,
    judge_counts,
    judge_round,
)
from benchmarks.analyse.sequential import FIRST_LOOK
from benchmarks.errors import UsageError, format_count
from benchmarks.measure import interleave, machine, sides
from benchmarks.measure.revision import (
    Revision,
    check_committed,
    find_repository,
    find_revision,
    measure_package,
)
from benchmarks.measure.workspace import Workspace
from benchmarks.options import (
    format_duration,
    make_parser,
    parse_duration,
    read_folder,
    read_text,
)
from benchmarks.paths import find_run, write_atomically
from benchmarks.streams import report_errors, run_command

OK, WORSE = 0, 3
FORMATS = ("text", "md")
SIDES = {"base": "base", "head": "head", "twin": "base"}  # side -> whose files it runs
EXAMPLE = """\
examples:
  python -m benchmarks.compare HEAD~1 HEAD                 the last commit
  python -m benchmarks.compare v0.2.0 HEAD --budget 10m    smaller differences are found
  python -m benchmarks.compare main HEAD --format md       for a comment on a pull request
  python -m benchmarks.compare RUN1 RUN2                   two recorded runs

exit code: 0 nothing is worse, or undecided; 2 wrong usage; 3 something is worse
"""


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    what = "Compare two recorded runs, or two git revisions measured in turns."
    made = make_parser("compare", what, EXAMPLE)
    made.add_argument("base", metavar="BASE", type=read_text, help="a run (folder or name), or a"
                      " git revision")  # fmt: skip
    made.add_argument("head", metavar="HEAD", type=read_text, help="what is judged, of the same"
                      " kind")  # fmt: skip
    made.add_argument("--budget", default="3m", help="how long revisions are measured at most"
                      " (3m); it ends earlier when all is decided")  # fmt: skip
    made.add_argument("--system", type=read_text, help="(mapicx; of recorded runs: all)")
    made.add_argument("--format", default="text", choices=FORMATS)
    made.add_argument("--save", type=Path, metavar="FILE", help="write every figure as JSON, for"
                      " benchmarks.history")  # fmt: skip
    made.add_argument("--cross-machine", action="store_true", help="compare runs of different"
                      " machines anyway")  # fmt: skip
    made.add_argument("--results", type=read_folder, default=Path("results"), metavar="DIR")
    return made


@report_errors(ValueError, OSError)
def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit code: 0 nothing worse, 2 wrong usage, 3 something worse."""
    options = build_parser().parse_args(argv)
    comparison, facts = compare(options)
    show(comparison, options.format)
    if options.save is not None:
        from benchmarks.render.revision_comparison import write_json

        write_atomically(options.save, write_json(comparison, facts))
    return WORSE if comparison.is_worse else OK


def compare(options: argparse.Namespace) -> tuple[SideComparison, dict[str, Any]]:
    """Compare the two sides; return the comparison, and facts about its measurement."""
    budget_s = parse_duration(options.budget)
    base, head = (
        find_run(name, options.results) or _require_revision(name, options.results)
        for name in (options.base, options.head)
    )
    if isinstance(base, Path) and isinstance(head, Path):
        return compare_recorded([base, head], options), {}
    if isinstance(base, Revision) and isinstance(head, Revision):
        check_committed(base)
        check_committed(head)
        return compare_revisions(base, head, options.system or "mapicx", budget_s)
    raise UsageError(
        f"{options.base if isinstance(base, Path) else options.head} is a recorded run and the"
        " other side a revision; name two of one kind"
    )


def _require_revision(name: str, results: Path) -> Revision:
    revision = find_revision(name, find_repository(Path.cwd()))
    if revision is None:
        raise UsageError(
            f"{name!r} is neither a recorded run nor a git revision; name a folder of {results},"
            " or what git rev-parse knows"
        )
    return revision


def compare_recorded(runs: list[Path], options: argparse.Namespace) -> SideComparison:
    """Compare two runs by their rows."""
    import benchmarks
    from benchmarks.analyse.run_comparison import CONTROL, compare_runs

    tables = [benchmarks.load(run) for run in runs]
    if options.system is not None:
        tables = [rows[rows["system"].isin([options.system, CONTROL])] for rows in tables]
    names = (runs[0].resolve().name, runs[1].resolve().name)
    return compare_runs(tables[0], tables[1], names, options.cross_machine)


def compare_revisions(
    base: Revision, head: Revision, system: str, budget_s: float
) -> tuple[SideComparison, dict[str, Any]]:
    """Measure two revisions in turns until all is decided or the budget is used up."""
    began = time.perf_counter()
    with Workspace() as workspace:
        folder, revisions = workspace.folder, {"base": base, "head": head}
        for name, revision in revisions.items():
            revision.write(folder / name)
        spec = sides.write_spec(system, folder / "data")
        sides_by_name = {}
        for name, source in SIDES.items():
            scratch = folder / f"scratch-{name}"
            scratch.mkdir()
            label = revisions[source].label
            sides_by_name[name] = sides.Side(label, folder / source, scratch, spec)
        try:
            counts = {name: side.ask("counts") for name, side in sides_by_name.items()}
            for name, side in sides_by_name.items():
                sides.check_files(side, system, counts[name]["files"])
                counts[name] |= count_more(side)
            sides.calibrate(spec, counts["base"])
            timed: dict[str, Difference] = {}
            remaining_s = budget_s - (time.perf_counter() - began)
            samples = interleave.measure_rounds(
                sides_by_name,
                budget_s=remaining_s,
                clock=time.perf_counter,
                rng=random.Random(),
                find_undecided=lambda samples: _judge_round(timed, samples),
            )
        except sides.Broken as error:
            raise UsageError(
                f"the revisions cannot be compared on {system}: {error}; both must hold the"
                " contract of baselines/contract.py and a system of this name"
            ) from None
    for name, answers in samples.processes.items():
        for key in ("peak_bytes", "accuracy", "modules"):
            counts[name][key] = [answer[key] for answer in answers]
    differences = (*timed.values(), *judge_counts(counts))
    remarks = [f"{format_count(samples.rounds, 'round')} of at most {samples.max_rounds} in"
               f" {format_duration(time.perf_counter() - began)}; system {system}."]  # fmt: skip
    if samples.rounds < FIRST_LOOK:
        remarks.append(f"Times are judged from {FIRST_LOOK} rounds on: use a larger --budget.")
    if base.commit == head.commit:
        remarks.append("Both sides are the same commit.")
    comparison = SideComparison(
        base.label, head.label, differences, "base again", tuple(remarks), sequential=True
    )
    return comparison, list_facts(base, head, samples)


def count_more(side: sides.Side) -> dict[str, Any]:
    """Count what mode `counts` does not: NumPy's calls, and the size of the package."""
    try:
        numpy = side.ask("numpy")
    except sides.Broken:  # a system that inspects NumPy's functions goes without this count
        numpy = {}
    package = side.folder / "mapicx"
    return numpy | ({"package_bytes": measure_package(package)} if package.is_dir() else {})


def list_facts(base: Revision, head: Revision, samples: interleave.Samples) -> dict[str, Any]:
    """Return where and when two revisions were measured, for the record."""
    environment = machine.environment()
    return {
        "base_commit": base.commit,
        "head_commit": head.commit,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rounds": samples.rounds,
        "machine_id": machine.identify_machine(environment),
        "environment": {key: environment[key] for key in ("cpu", "cores", "system", "python")},
        "versions": {"numpy": machine.installed_versions().get("numpy")},
    }


def _judge_round(timed: dict[str, Difference], samples: interleave.Samples) -> list[str]:
    """Return the undecided quantities, and report progress on stderr."""
    undecided = judge_round(timed, samples)
    names = [timed[name].rule.heading for name in undecided]
    print(
        f"round {samples.rounds} of at most {samples.max_rounds};"
        f" undecided: {', '.join(names) or 'nothing'}",
        file=sys.stderr,
        flush=True,
    )
    return undecided


def show(comparison: SideComparison, form: str) -> None:
    """Print the comparison."""
    from benchmarks.render.markdown import write_markdown
    from benchmarks.render.revision_comparison import make_document
    from benchmarks.render.terminal_document import print_document

    document = make_document(comparison)
    if form == "md":
        print(write_markdown(document), end="")
    else:
        print_document(document)


if __name__ == "__main__":
    run_command(main)
