"""reports/<run>/: report.md for two minutes, report.html for two hours, figures and their CSV.

Works for any subset of rows, even none; the same rows give the same bytes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from benchmarks.analyse.metrics import PHASES
from benchmarks.analyse.run_data import RunData, read_run_data
from benchmarks.analyse.summary import Case
from benchmarks.errors import format_count
from benchmarks.paths import LOCAL, write_atomically
from benchmarks.plan.table import describe_table
from benchmarks.record.rows import find_damage, is_local, read_run
from benchmarks.render import (
    agreement,
    break_even,
    crossover,
    evidence,
    footprint,
    html,
    method,
    provenance,
    steps,
    write_up,
)
from benchmarks.render.answer import answer
from benchmarks.render.document import (
    TEXTS,
    Block,
    Code,
    Document,
    Items,
    Link,
    Paragraph,
    Picture,
    Section,
    Table,
)
from benchmarks.render.figures import draw_figures
from benchmarks.render.headline import make_headline_table
from benchmarks.render.markdown import write_markdown
from benchmarks.render.results import make_phase_table, make_result_table

SHORT, FULL = "report.md", "report.html"
FIGURES_SHOWN = 2  # in the short form
MAX_TABLE_ROWS = 16  # rows in the short form
MEMORY_PARTS = (
    "memory_import_anon_bytes",
    "memory_import_file_bytes",
    "memory_import_peak_bytes",
    "memory_build_peak_bytes",
    "memory_train_peak_bytes",
    "memory_peak_bytes",
    "memory_train_increment_bytes",
    "memory_sampled_peak_bytes",
)
TIME_PARTS = (*(name for names in PHASES.values() for name in names), "time_total_s", "cpu_s")
USED = ("time_step_warm_s", "time_predict_s", "time_predict_one_s")


@dataclasses.dataclass(frozen=True)
class Written:
    """A written report: its files, figures, answer, and sentences on published verdicts."""

    short: Path
    full: Path
    pictures: list[Picture]
    arrays: bool  # whether the run's arrays were available
    answer: list[str]
    verdicts: list[str]


def write_report(
    run_dir: Path,
    reports: Path,
    pictures: bool = True,
    formats: Iterable[str] = (),
    published: Path | None = None,
) -> Written:
    """Write the report of one run below `reports`.

    Parameters
    ----------
    run_dir, reports : Path
        The run, and where reports go. Reports of runs in a folder `local` go to a folder `local`,
        which is never tracked.
    pictures : bool
        Whether to draw figures; if False, those already in the folder are used.
    formats : iterable of str
        Of write_up.FORMATS, in addition to those the report already has.
    published : Path, optional
        The folder with the verdicts to compare with, if not `reports`.
    """
    data = read_run_data(Path(run_dir))
    folder = find_report_folder(Path(run_dir), Path(reports))
    folder.mkdir(parents=True, exist_ok=True)
    formats = {*formats, *write_up.find_formats(folder)}
    kinds = ("pdf",) if "latex" in formats else ()
    drawn = draw_figures(data, folder, pictures, kinds)
    verdicts = agreement.describe_published(
        data, agreement.read_published(published or Path(reports))
    )
    write_up.write_files(data, folder, formats, drawn)
    write_atomically(folder / SHORT, write_markdown(make_short(data, drawn)))
    full = make_full(data, drawn, agreement.make_section(verdicts))
    write_atomically(folder / FULL, html.write_html(full, folder, data.frame))
    shown = [picture for several in drawn.values() for picture in several]
    return Written(folder / SHORT, folder / FULL, shown, data.has_arrays, answer(data), verdicts)


def find_report_folder(run_dir: Path, reports: Path) -> Path:
    """Return the folder for the report of a run."""
    run_dir = run_dir.resolve()
    inside = reports / LOCAL if is_local(run_dir, read_run(run_dir)) else reports
    return inside / run_dir.name


def make_headline(data: RunData, intervals: str = "") -> Table | None:
    """Make the table of the first screen; None if the run has no rows.

    intervals: the file with the intervals, if they are in another one.
    """
    if data.sweep:
        return steps.make_compact_table(data.sweep)
    if data.crossings:
        return crossover.make_compact_table(data.crossings)
    if data.headline is None or not data.lines(data.headline):
        return None
    return make_headline_table(data, data.headline, intervals)


def make_short(data: RunData, drawn: dict[Case, list[Picture]]) -> Document:
    """Make the short form: answer, one table, two figures, what to doubt, how to reproduce."""
    blocks: list[Block] = [Items(tuple(answer(data)), ordered=True)]
    table = make_headline(data, FULL)
    if table is not None:
        if len(table.rows) > MAX_TABLE_ROWS:
            more: tuple = (f" The other {len(table.rows) - MAX_TABLE_ROWS} rows are in ",
                           Link(FULL, FULL), ".")  # fmt: skip
            notes = (*table.notes, *more)
            table = dataclasses.replace(table, rows=table.rows[:MAX_TABLE_ROWS], notes=notes)
        blocks.append(table)
    for picture in [p for pictures in drawn.values() for p in pictures][:FIGURES_SHOWN]:
        blocks += [picture, Paragraph((f"{picture.caption} ", Link("Data", f"{picture.name}.csv")))]
    doubts = [*_find_doubts(data), *TEXTS["limits"][:3]]
    command = Code(str(data.run.get("command") or "python -m benchmarks.run"))
    rebuild = Code(f"python -m benchmarks.report {data.name}")
    reproduce = (
        Items(
            (
                (f"Measure it again{_name_folder(data)}: ", command, "."),
                ("Rebuild this report from its rows: ", rebuild, "."),
                ("Every system, all intervals, method and environment: ", Link(FULL, FULL), "."),
            )
        ),
    )
    table_notes = describe_table(data.run)
    about = [Section("What was made of the table", (Items(tuple(table_notes)),))]
    return Document(
        f"Benchmark report {data.name}",
        tuple(blocks),
        (
            *(about if table_notes else ()),
            Section("Checks that failed", tuple(provenance.describe_checks(data, True))),
            Section("What to doubt", (Items(tuple(doubts)),)),
            Section("How to reproduce", reproduce),
        ),
    )


def _name_folder(data: RunData) -> str:
    """Say where a command that names a file works: no folder is recorded, for privacy."""
    files = [(data.run.get(key) or {}).get("file") for key in ("table", "workload_file")]
    return "".join(f" in the folder of {name}" for name in files if name)


def _find_doubts(data: RunData) -> list[str]:
    """List what casts doubt on the numbers of this run."""
    open_ = [finding for finding in data.findings if finding.holds is None]
    doubts = [f"Not shown on {f.case.workload}: {f.name} ({f.detail})." for f in open_[:3]]
    doubts += provenance.describe_twin(data, doubtful_only=bool(data.crossings or data.sweep))[:3]
    if data.failed:
        doubts.append(f"{format_count(data.failed, 'trial')} of {len(data.frame)} failed.")
    if data.missing:
        doubts.append(f"{format_count(data.missing, 'planned trial')} not run.")
    lost = int(data.frame["memory_samples"].eq(0).sum())
    if lost:
        doubts.append(
            f"{format_count(lost, 'memory trial')} lost every sample of the curve;"
            " the kernel's peak, which the tables show, is not affected."
        )
    doubts += [str(warning) for warning in data.run.get("warnings") or ()][:5]
    doubts += [f"{sentence}." for sentence in find_damage(data.folder)[:3]]
    if data.run.get("side_by_side"):
        doubts.append("Timed trials ran side by side: their times cannot be compared.")
    if data.forced:
        doubts.append("The run was resumed with --force after something had changed.")
    return doubts


def make_full(
    data: RunData, drawn: dict[Case, list[Picture]], published: Section | None
) -> Document:
    """Make the full form: everything, in sections."""
    table = make_headline(data)
    first = drawn.get(data.headline, []) if data.headline else []
    blocks: list[Block] = [Items(tuple(answer(data)), ordered=True)]
    blocks += [table] if table is not None else []
    sections = [Section("Figures", tuple(first), unfolded=True)] if first else []
    unproven = [p for pictures in drawn.values() for p in pictures if p.digest]
    if unproven:
        sections.append(Section("Figures drawn from arrays", (_list_digests(unproven),)))
    if data.sweep:
        parts = steps.make_sections(data.sweep)
        sections.append(Section(steps.TITLE, sections=parts, unfolded=True))
    if data.crossings:
        parts = crossover.make_sections(data.crossings)
        sections.append(Section(crossover.TITLE, sections=parts, unfolded=True))
    sections += [_describe_case(data, case, drawn.get(case, [])) for case in data.cases]
    found = (footprint.make_section(data), steps.make_loops_section(data), published)
    sections += [section for section in found if section is not None]
    sections += [
        Section(title, tuple(blocks_of(data)))
        for title, blocks_of in (
            ("What was run and where", provenance.describe_run),
            ("Checks", provenance.describe_checks),
            ("Controls and noise", provenance.describe_controls),
            ("Skipped, failed and not run", provenance.describe_missing),
            ("Method", method.describe_method),
            ("What this does not show", method.describe_limits),
            ("Environment", provenance.describe_environment),
            ("Glossary", method.describe_words),
        )
    ]
    return Document(f"Benchmark report {data.name}", tuple(blocks), tuple(sections))


def _list_digests(pictures: Iterable[Picture]) -> Items:
    """List the digests of figure data that rows alone cannot give, so that changes show."""
    return Items(tuple(f"{p.name}.csv has the SHA-256 {p.digest}" for p in pictures))


def _describe_case(data: RunData, case: Case, pictures: list[Picture]) -> Section:
    """Describe every system of a case: results, and where time and memory go."""
    title = f"Every system: {case.workload}, {format_count(case.threads, 'thread')}"
    shown = tuple(pictures) if case != data.headline else ()
    blocks: tuple[Block, ...] = (make_result_table(data, case), *shown)
    parts: tuple[Section, ...] = ()
    if not data.crossings:  # for a run over sizes, only the steps matter
        parts = tuple(_describe_phases(data, case))
    return Section(title, blocks, parts, unfolded=len(data.cases) == 1)


def _describe_phases(data: RunData, case: Case) -> Iterable[Section]:
    lines = data.lines(case)
    nothing = Paragraph("Nothing was measured.")
    yield Section("Accuracy", (evidence.tabulate_scores(data, case) or nothing,))
    yield Section("Time by phase", (make_phase_table(lines, TIME_PARTS) or nothing,))
    yield Section("One step, one prediction", (make_phase_table(lines, USED) or nothing,))
    title = "Steps after which a faster step has repaid a slower start"
    yield Section(title, tuple(break_even.make_blocks(data, case)))
    memory = make_phase_table(lines, MEMORY_PARTS) or nothing
    yield Section("Memory by phase", (memory, provenance.describe_floor(data, case.workload)))
    yield Section("Work and parity", (evidence.tabulate_work(data, case) or nothing,))
