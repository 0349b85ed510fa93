"""What a write-up takes: LaTeX that compiles, a methods paragraph, figures as vectors."""

import re
import shutil
import subprocess

import pytest

from benchmarks.render import latex
from benchmarks.render.document import make_table
from benchmarks.render.report import write_report
from benchmarks.render.stale import find_stale_files
from tests.benchmarks.synthetic import SYSTEMS, rows, run_folder, scaling_rows, sweep_rows

NASTY = "a&b_%#{}~^$|x"
DOCUMENT = r"""\documentclass{article}
\usepackage{array,booktabs,graphicx}
\begin{document}
\input{methods}
\input{tables}
\input{figures}
\cite{mapicx-NAME}
\bibliographystyle{plain}
\bibliography{run}
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
    return write_report(run, base / "o", formats=["md", "csv", "latex"]).short.parent


def test_nothing_from_rows_is_a_command(folder):
    text = (folder / "tables.tex").read_text()
    assert text.isascii() and r"a\&b\_\%\#\{\}\textasciitilde{}\textasciicircum{}\$" in text
    for panel in text.split(r"\toprule")[1:]:
        lines = panel.split(r"\bottomrule")[0].splitlines()
        of_table = [line for line in lines if line.endswith(r" \\")]
        assert len(of_table) == 4  # heading and three networks
        assert len({len(re.findall(r"(?<!\\)&", line)) for line in of_table}) == 1
    assert r"\toprule" in text and r"\label{tab:spiral-1}" in text


def test_the_methods_paragraph_names_what_a_reviewer_asks_for(folder):
    said = (folder / "methods.md").read_text()
    for part in ("a processor, 2 cores", "numpy 2.4.6", "thread setting 1", "6 of time",
                 "95 % intervals", "3 network systems 3 reproduced", "outlier"):  # fmt: skip
        assert part in said, part
    assert "@misc{mapicx-2026" in (folder / "run.bib").read_text()


def test_figures_stand_as_vectors_and_the_summary_as_a_table(folder):
    for kind in ("png", "svg", "pdf", "csv"):
        assert (folder / f"raw-values.{kind}").stat().st_size > 100
    head, *lines = (folder / "summary.csv").read_text().splitlines()
    assert "time_total_s_low" in head and len(lines) == 3


def test_a_rebuild_keeps_the_formats_and_their_bytes(folder, tmp_path):
    run = folder.parents[1] / "results" / folder.name
    shutil.copytree(folder, tmp_path / "o" / folder.name)
    again = write_report(run, tmp_path / "o").short.parent
    for path in folder.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name
    assert find_stale_files(run, folder.parent).faults == []
    (folder / "methods.tex").write_text("better")
    assert "methods.tex differs" in find_stale_files(run, folder.parent).faults[0]


def test_the_sweep_goes_into_latex_too(tmp_path):
    made, workloads = sweep_rows(blocks=1, shapes=1)
    run = run_folder(tmp_path / "r", made, workloads=workloads)
    folder = write_report(run, tmp_path / "o", pictures=False, formats=["latex"]).short.parent
    text = (folder / "tables.tex").read_text()
    assert r"\label{tab:steps}" in text and "no interval was formed" in (
        folder / "methods.tex").read_text()  # fmt: skip


def test_characters_that_latex_lacks_do_not_stop_it():
    assert latex.escape("5 µs × – é") == r"5 \textmu{}s $\times$ -- ?"


def test_captions_stand_alone(folder):
    table, figures = ((folder / f"{name}.tex").read_text() for name in ("tables", "figures"))
    for text in (table, figures):
        assert "Workload spiral (300 training rows, network 2-64-64-3, 300 epochs of adam)" in text
        assert f"Run {folder.name}, 6 blocks on a processor." in text
    shown = re.findall(r"\\includegraphics\[.*?\]\{(.*?)\}", figures)
    assert "raw-values.pdf" in shown and all((folder / name).exists() for name in shown)


def test_a_wide_table_is_stacked_and_no_column_is_lost():
    cells = [f"{'x' * 30}{i}" for i in range(8)]
    text = latex.write_table(make_table(cells, [cells]), "t", "A caption.")
    assert text.count(r"\begin{table*}") == 1 and text.count(r"\begin{tabular}") == 3
    assert all(text.count(cell) == 2 for cell in cells[1:]) and text.count(cells[0]) == 6
    assert latex.escape("[0]") == "{[}0]"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["spiral", "steps", "scaling"])
def test_it_compiles(folder, tmp_path, kind):
    if shutil.which("pdflatex") is None or shutil.which("bibtex") is None:
        pytest.skip("pdflatex and bibtex are not installed")
    if kind != "spiral":
        made, workloads = sweep_rows() if kind == "steps" else scaling_rows(products=True)
        run = run_folder(tmp_path / "r", made, workloads=workloads, suite=kind)
        folder = write_report(run, tmp_path / "o", formats=["latex"]).short.parent
    place = tmp_path / "t"
    shutil.copytree(folder, place)
    (place / "main.tex").write_text(DOCUMENT.replace("NAME", folder.name))
    latex_command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"]
    for command in (latex_command, ["bibtex", "main"], latex_command, latex_command):
        done = subprocess.run(command, cwd=place, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-2000:]
    assert "Warning" not in done.stdout, done.stdout
