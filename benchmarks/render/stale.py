"""Find what no longer agrees with the rows it was made from: README, reports, table.csv.

Everything is remade in a temporary folder and compared; the files themselves are not changed.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.paths import TABLE
from benchmarks.record.frame import format_table
from benchmarks.record.rows import find_damage
from benchmarks.render import write_up
from benchmarks.render.readme import find_stale_parts
from benchmarks.render.report import find_report_folder, write_report

PICTURES = (".png", ".svg", ".pdf")  # not compared: they differ between Matplotlib versions


@dataclasses.dataclass
class Findings:
    """What was found: faults, and files that cannot be checked here."""

    faults: list[str] = dataclasses.field(default_factory=list)
    unchecked: list[str] = dataclasses.field(default_factory=list)


def find_stale(readme: Path, results: Path, reports: Path, runs: Sequence[Path] = ()) -> Findings:
    """Check README's parts, the rows and table.csv of `runs`, and their reports in `reports`."""
    found = Findings()
    if readme.exists():
        found.faults += find_stale_parts(readme, results)
    else:
        found.faults.append(f"there is no {readme.name} in this folder, so its tables are missing")
    for run in runs:
        where = f"{results.name}/{run.name}"
        found.faults += [f"{where}: {damage}" for damage in find_damage(run)]
        found.faults += _find_links(run, where)
        found.faults += _find_stale_table(run, where)
        report = find_stale_files(run, reports)
        found.faults += report.faults
        found.unchecked += report.unchecked
    return found


def _find_links(folder: Path, where: str) -> list[str]:
    """Return a sentence for a folder that is a symbolic link, or for each one inside it."""
    if folder.is_symlink():
        return [f"{where} is a link; put the folder itself there"]
    links = sorted(path for path in folder.rglob("*") if path.is_symlink())
    return [f"{where}/{path.relative_to(folder)} is a link; put the file itself there"
            for path in links]  # fmt: skip


def _find_stale_table(run: Path, where: str) -> list[str]:
    """Return a sentence if table.csv differs from the rows. It may be missing: it is optional."""
    path = run / TABLE
    if not path.exists():
        return []
    current = path.read_bytes()
    columns = current.partition(b"\n")[0].decode(errors="replace").split(",")
    if current == format_table(run, columns).encode():
        return []
    return [f"{where}/{TABLE} differs from what the run's rows give"]


def find_stale_files(run_dir: Path, reports: Path) -> Findings:
    """Return a sentence for each file of a run's report that differs from its rows."""
    current = find_report_folder(run_dir, reports)
    where = f"reports/{run_dir.name}"
    if not current.is_dir():
        advice = "`python -m benchmarks.report` writes it"
        return Findings([f"{where} is missing; {advice}"])
    links = _find_links(current, where)
    if links:
        return Findings(links)
    with tempfile.TemporaryDirectory() as scratch:
        fresh = find_report_folder(run_dir, Path(scratch))
        fresh.mkdir(parents=True)
        _copy_pictures(current, fresh)
        formats = write_up.find_formats(current)
        written = write_report(
            run_dir, Path(scratch), pictures=False, formats=formats, published=reports
        )
        faults = [
            f"{where}/{one.name}{kind} is missing"
            for one in written.pictures
            for kind in (".png", ".csv")
            if not (fresh / f"{one.name}{kind}").exists()
        ]
        names = {path.name for folder in (current, fresh) for path in folder.iterdir()}
        for name in sorted(names):
            ours, theirs = current / name, fresh / name
            if not theirs.exists():
                faults.append(f"{where}/{name} does not belong to this report; remove it")
            elif not ours.exists():
                faults.append(f"{where}/{name} is missing")
            elif ours.suffix not in PICTURES and _read(ours) != _read(theirs):
                faults.append(f"{where}/{name} differs from what the run's rows give")
    without = [f"{one.name}.csv" for one in written.pictures if one.digest and not written.arrays]
    unchecked = [
        f"{where}: {', '.join(without)} cannot be checked, because the run's arrays are not here;"
        " report.html has their SHA-256"
    ]
    return Findings(faults, unchecked if without else [])


def _copy_pictures(current: Path, fresh: Path) -> None:
    """Copy what a report reuses: pictures, and the data of those that need arrays.

    A CSV that can be made from rows is overwritten later.
    """
    for picture in current.glob("*.png"):
        for kind in (*PICTURES, ".csv"):
            path = picture.with_suffix(kind)
            if path.is_file():
                shutil.copy(path, fresh)


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
