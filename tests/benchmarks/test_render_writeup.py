"""What a write-up takes: LaTeX that compiles, a methods paragraph, figures as vectors."""

import re
import shutil
import subprocess

import pytest

from benchmarks.render import latex, report
from tests.benchmarks.synthetic import SYSTEMS, ladder_rows, rows, run_folder

NASTY = "a&b_%#{}~^$|x"
DOCUMENT = r"""\documentclass{article}
\usepackage{booktabs,graphicx}
\begin{document}
\input{methods}
\input{tables}
\includegraphics[width=\linewidth]{dots.pdf}
\cite{x}
\end{document}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    base = tmp_path_factory.mktemp("paper")
    systems = {name: SYSTEMS[name] for name in ("mapicx", "torch-eager", "mapicx-again")}
    systems[NASTY] = ("network", 1.0, 1.0, 50, 0.8)
    made = rows(6, systems)
    for row in made:
        row["trial_id"] = re.sub(r"[^\w-]", "", row["trial_id"])
    run = run_folder(base / "results", made)
    return report.write(run, base / "o", formats=["md", "csv", "latex"]).parent


def test_nothing_from_rows_is_a_command(folder):
    text = (folder / "tables.tex").read_text()
    assert text.isascii() and r"a\&b\_\%\#\{\}\textasciitilde{}\textasciicircum{}\$" in text
    rows_of_table = [line for line in text.splitlines() if line.endswith(r" \\")]
    assert len({len(re.findall(r"(?<!\\)&", line)) for line in rows_of_table}) == 1
    assert r"\toprule" in text and r"\label{tab:spiral-1}" in text


def test_the_methods_paragraph_names_what_a_reviewer_asks_for(folder):
    said = (folder / "methods.md").read_text()
    for part in ("a processor, 2 cores", "numpy 2.4.6", "thread setting 1", "6 of time",
                 "95 % intervals", "3 network systems 3 reproduced", "outlier"):  # fmt: skip
        assert part in said, part
    assert "@software{mapicx-2026" in (folder / "run.bib").read_text()


def test_figures_stand_as_vectors_and_the_summary_as_a_table(folder):
    for kind in ("png", "svg", "pdf", "csv"):
        assert (folder / f"dots.{kind}").stat().st_size > 100
    head, *lines = (folder / "summary.csv").read_text().splitlines()
    assert "time_total_s_low" in head and len(lines) == 3


def test_a_rebuild_keeps_the_formats_and_their_bytes(folder, tmp_path):
    run = folder.parents[1] / "results" / folder.name
    shutil.copytree(folder, tmp_path / "o" / folder.name)
    again = report.write(run, tmp_path / "o").parent
    for path in folder.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name
    assert report.stale_files(run, folder.parent) == []
    (folder / "methods.tex").write_text("better")
    assert "methods.tex differs" in report.stale_files(run, folder.parent)[0]


def test_the_ladder_goes_into_latex_too(tmp_path):
    made, workloads = ladder_rows(blocks=1, shapes=1)
    run = run_folder(tmp_path / "r", made, workloads=workloads)
    path = report.write(run, tmp_path / "o", pictures=False, formats=["latex"])
    text = (path.parent / "tables.tex").read_text()
    assert r"\label{tab:steps}" in text and "no interval was formed" in (
        path.parent / "methods.tex").read_text()  # fmt: skip


def test_characters_that_latex_lacks_do_not_stop_it():
    assert latex.escape("5 µs × – é") == r"5 \textmu{}s $\times$ -- ?"


@pytest.mark.slow
def test_it_compiles(folder, tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    shutil.copytree(folder, tmp_path / "t")
    (tmp_path / "t" / "main.tex").write_text(DOCUMENT.replace("\\cite{x}\n", ""))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"]
    done = subprocess.run(command, cwd=tmp_path / "t", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
