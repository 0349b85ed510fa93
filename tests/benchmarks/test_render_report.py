"""A report says what its rows say, from any subset of rows, and the same twice."""

import itertools
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.analyse.stats import Estimate
from benchmarks.measure.code_lines import count_in_source
from benchmarks.record.store import Store
from benchmarks.render import report
from benchmarks.render.escape import cell, markdown
from benchmarks.render.material import material
from benchmarks.render.numbers import quantity, unit
from benchmarks.render.tables import result_table
from tests.benchmarks.synthetic import SYSTEMS, WORKLOAD, rows, run_folder

GOLDEN = Path(__file__).with_name("golden_table.md")
NASTY = "a|b<i>=`c`*d*_e_[f](g)\n# h"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    base = tmp_path_factory.mktemp("full")
    run = run_folder(base / "results", rows(), arrays=True)
    return report.write(run, base / "reports")


def quick(run, reports):
    """The text of a report whose figures are written as CSV only."""
    return report.write(run, reports, pictures=False).read_text()


def test_first_screen_holds_answer_and_table_within_25_lines(written):
    lines = written.read_text().splitlines()
    screen = lines[: lines.index(next(line for line in lines if line.startswith("## ")))]
    assert len([line for line in screen if line]) <= 25 and len(screen) <= 26
    assert 1 <= sum(bool(re.match(r"\d\. ", line)) for line in screen) <= 5
    names = [line.split("|")[1].strip() for line in screen if line.startswith("| ")]
    assert names[:3] == ["system", "---", "mapicx"]
    assert {"torch-fused", "tf-loop", "bayes-rule", "majority-class"} <= set(names)


def test_the_table_is_the_golden_one(written):
    found = material(written.parents[2] / "results" / written.parent.name)
    made = "\n".join(result_table(found, ("spiral", 1))) + "\n"
    assert made == GOLDEN.read_text(), "if the change is meant, write this text to the golden file"


def test_controls_never_stand_in_the_result_table(written):
    found = material(written.parents[2] / "results" / written.parent.name)
    text = "\n".join(result_table(found, ("spiral", 1)))
    assert "noop" not in text and "mapicx-again" not in text and "| sleep" not in text


def test_the_cost_of_the_harness_is_printed(written):
    assert re.search(r"takes 0\.0\d+ \(.*\) s more than a bare interpreter", written.read_text())


def test_bounds_train_nothing_and_cost_no_multiple_of_anything(written):
    line = next(x for x in written.read_text().splitlines() if x.startswith("| bayes-rule"))
    assert {line.split("|")[column].strip() for column in (5, 6, 7, 9)} == {"–"}


def test_one_block_gives_ratios_and_no_verdict(tmp_path):
    text = quick(run_folder(tmp_path / "r", rows(1)), tmp_path / "o").split("## Checks")[0]
    assert "undecided" not in text and "No verdict on time below 6 blocks." in text
    assert re.search(r"torch-eager [\d.]+ times|torch-fused [\d.]+ times", text)
    assert "()" not in text


def test_statistical_terms_stand_in_the_method_section_only(written):
    text = written.read_text()
    start, end = text.index("## Method"), text.index("## What this does not show")
    outside = text[:start] + text[end:]
    assert not re.search(r"\b(Holm|TOST|BCa|bootstrap)\b", outside)


def test_limits_begin_with_the_three_that_matter_most(written):
    text = written.read_text().split("## What this does not show")[1]
    limit = "CPU only, these machines, one contestant was written by the suite's authors."
    assert text.strip().startswith(f"- {limit}")


def test_every_figure_has_its_data_beside_it(written):
    pictures = re.findall(r"!\[[^\]]*\]\((\S+)\)", written.read_text())
    assert len(pictures) == 6
    for picture in pictures:
        path = written.parent / picture
        assert path.stat().st_size > 5000 and path.with_suffix(".csv").stat().st_size > 100


def test_two_rebuilds_give_the_same_bytes(written, tmp_path):
    run = written.parents[2] / "results" / written.parent.name
    again = report.write(run, tmp_path, pictures=False)  # pictures: see test_render_writeup.py
    for path in again.parent.iterdir():
        assert path.read_bytes() == (written.parent / path.name).read_bytes(), path.name


def test_no_rows_give_a_valid_report(tmp_path):
    path = report.write(run_folder(tmp_path / "results", []), tmp_path / "reports")
    assert "no rows" in path.read_text() and "## Method" in path.read_text()


@pytest.mark.parametrize("count", [1, 9, 40])
def test_a_report_can_be_written_after_any_row(tmp_path, count):
    made = rows(3)[:count]
    run = run_folder(tmp_path / "results", made, plan=[row["trial_id"] for row in rows(3)])
    text = quick(run, tmp_path / "o")
    assert "not run:" in text and "nan" not in text and "None" not in text


def test_failed_rows_stand_in_the_table_and_in_the_list(tmp_path):
    made = rows(2)
    for row in made:
        if row["system"] == "keras-fit":
            row |= {"status": "timeout", "reason": "killed after 120 s"}
    text = quick(run_folder(tmp_path / "r", made), tmp_path / "o")
    assert re.search(r"\| keras-fit \|.*timeout", text)
    assert "failed: keras-fit on spiral" in text and "killed after 120 s" in text


def test_a_planned_system_without_rows_is_not_left_out(tmp_path):
    made = [row for row in rows(2) if row["system"] != "torch-fused"]
    trials = [dict(row) for row in rows(2)]
    run = run_folder(tmp_path / "r", made, trials=trials)
    text = quick(run, tmp_path / "o")
    assert re.search(r"\| torch-fused \| –.*not run \|", text)


def test_skipped_systems_stand_with_their_reason(tmp_path):
    skipped = [{"system": "sklearn-mlp", "workload": "spiral", "reason": "no dropout"}]
    run = run_folder(tmp_path / "r", rows(1), skipped=skipped)
    assert "skipped: sklearn-mlp on spiral: no dropout" in quick(run, tmp_path / "o")


def test_without_mapicx_nothing_is_compared(tmp_path):
    systems = {name: SYSTEMS[name] for name in ("torch-eager", "noop")}
    text = quick(run_folder(tmp_path / "r", rows(2, systems)), tmp_path / "o")
    assert "mapicx has no usable row" in text and "torch-eager" in text


def test_mixed_machines_are_said_and_not_pooled(tmp_path):
    made = rows(6)
    for row in made:
        row["machine_id"] = f"machine-{row['block'] % 2}"
    text = quick(run_folder(tmp_path / "r", made), tmp_path / "o")
    assert "several machines" in text and "2 machines" in text


@pytest.mark.parametrize(("count", "pictures"), [(2, {"dots"}), (5, set())])
def test_pictures_are_not_repeated_for_each_workload(tmp_path, count, pictures):
    few = {name: SYSTEMS[name] for name in ("mapicx", "torch-eager")}
    names = ["spiral", *(f"other{chr(97 + i)}" for i in range(1, count))]
    made = [row for name in names for row in rows(1, few, workload=name, parity=False)]
    workloads = {name: WORKLOAD | {"name": name} for name in names}
    run = run_folder(tmp_path / "r", made, workloads=workloads)
    path = report.write(run, tmp_path / "o", pictures=False)
    drawn = {p.stem for p in path.parent.glob("*.csv")}
    assert {n.removeprefix("otherb-1-") for n in drawn if n.startswith("otherb-")} == pictures
    assert "spiral-1-time" in drawn and path.read_text().count("## Every system") == count
    assert report.stale_files(run, tmp_path / "o") == []


def test_a_forced_resumption_is_told(tmp_path):
    run = run_folder(tmp_path / "r", rows(1))
    Store(run).note_forced(["versions"], {"numpy": "2.5.0"}, {"suites.toml": "abc"})
    text = quick(run, tmp_path / "o")
    assert "versions had changed since the plan (numpy from 2.4.6 to 2.5.0)" in text


def test_systems_with_an_order_of_their_own_are_named_where_the_workload_shuffles(tmp_path):
    said = "In an order of their own, not the harness's: mapicx, sklearn-mlp."
    for shuffle in (True, False):
        extra = {"workloads": {"spiral": WORKLOAD | {"shuffle": shuffle}}}
        extra["own_order"] = ["mapicx", "sklearn-mlp", "keras-fit-tuned"]
        run = run_folder(tmp_path / f"r{shuffle}", rows(1), **extra)
        assert (said in quick(run, tmp_path / f"o{shuffle}")) is shuffle


def test_nothing_from_rows_becomes_markup(tmp_path):
    systems = {"mapicx": SYSTEMS["mapicx"], NASTY: ("network", 1.0, 1.0, 50, 0.8)}
    made = rows(2, systems)
    made[-1] |= {"status": "crashed", "reason": "<script>|x|`y`"}
    for row in made:
        row["trial_id"] = re.sub(r"\W", "", row["trial_id"])
    run = run_folder(tmp_path / "r", made, command="run <b>|x", warnings=["# <b>"])
    path = report.write(run, tmp_path / "o")
    text = path.read_text()
    assert "<i>" not in text and "<script>" not in text and "<b>" not in text
    counts = [
        len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        for line in text.splitlines()
    ]
    assert "| a\\|b" in text
    assert all(a == b for a, b in itertools.pairwise(counts) if a and b)


@pytest.mark.parametrize("text", ["=cmd|x", "+1", "-1", "@x", "\tx"])
def test_csv_cells_are_no_formulas(text):
    assert cell(text).startswith("'") and cell(-1.5) == -1.5


def test_markdown_keeps_plain_names_bare():
    assert (
        markdown("svm-rbf-tuned") == "svm-rbf-tuned" and markdown("time_total_s") == "time_total_s"
    )
    assert markdown("a\nb\x00c") == "a b c" and markdown(None) == ""


def test_digits_are_no_finer_than_the_bounds():
    interval = lambda *values: quantity(Estimate(*values, 6, "interval"))  # noqa: E731
    assert interval(0.86432, 0.8551, 0.8687) == "0.864 (0.855–0.869)"
    assert interval(0.86432, 0.80, 0.92) == "0.86 (0.80–0.92)"
    assert interval(5172.3, 4905.1, 5338.9) == "5170 (4910–5340)"
    assert interval(7.0, 1.0, 90.0) == "7 (1–90)"
    assert quantity(Estimate(1.23456, 1.23456, 1.23456, 1, "single")) == "1.23"
    assert quantity(Estimate(2.0, 1.0, 3.0, 3, "range")) == "2.0 [1.0–3.0]"
    assert quantity(Estimate()) == "–"


def test_units_fit_the_values():
    assert unit("s", [0.067, 0.14, 0.24])[1] == "ms"
    assert unit("s", [2e-5, 9e-5])[1] == "µs" and unit("s", [0.2, 30.0])[1] == "s"
    assert unit("B", [1])[1] == "MiB"


def test_reports_of_local_runs_stay_local(tmp_path):
    run = run_folder(tmp_path / "results" / "local", rows(1, {"mapicx": SYSTEMS["mapicx"]}))
    assert report.write(run, tmp_path / "o").parent.parent == tmp_path / "o" / "local"


def test_broken_arrays_cost_a_figure_not_the_report(tmp_path):
    run = run_folder(tmp_path / "r", rows(1), arrays=True)
    for path in (run / "arrays").iterdir():
        path.write_bytes(path.read_bytes()[:50])
    text = quick(run, tmp_path / "o")
    assert "dots.png" in text and "boundaries.png" not in text


def test_a_thousand_rows_are_reported_within_20_seconds(tmp_path):
    run = run_folder(tmp_path / "r", rows(40, memory_blocks=33), arrays=True)
    begin = time.process_time()  # one thread: what the clock shows where no neighbour computes
    report.write(run, tmp_path / "o")
    assert time.process_time() - begin < 20


def test_analysis_imports_no_framework():
    code = (
        "import sys, benchmarks.report, benchmarks.render.report, benchmarks.render.readme\n"
        "bad = {'torch', 'tensorflow', 'keras', 'jax', 'sklearn', 'matplotlib'}\n"
        "print(sorted(bad & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_code_lines_leave_out_blanks_comments_and_docstrings():
    head = '"""Doc.\n\nmore."""\n\n# note\nx = 1  # why\n\n'
    source = head + 'def f():\n    "doc"\n    return """a\nb"""\n'
    assert count_in_source(source) == 4


def test_many_workloads_are_answered_together(tmp_path):
    few = {name: SYSTEMS[name] for name in ("mapicx", "torch-eager", "svm-rbf-tuned")}
    made = [row for name in ("spiral", "moons") for row in rows(8, few, workload=name)]
    workloads = {name: WORKLOAD | {"name": name} for name in ("spiral", "moons")}
    text = quick(run_folder(tmp_path / "r", made, workloads=workloads), tmp_path / "o")
    screen = text.split("## ")[0]
    assert "geometric mean of paired ratios over workloads: PyTorch" in screen
    fifth = screen.splitlines()[6]
    assert fifth.startswith("5. Against mapicx over all 2 workloads, of 2 scores of other networks")
    assert "of 2 scores of classical models" in fifth
    assert fifth.count("equivalent within") == fifth.count("equivalent within 1 point")


def test_mixed_versions_are_said(tmp_path):
    made = rows(2)
    for row in made:
        if row["system"] == "torch-fused":
            row["system_version"] = f"torch 2.{row['block']}"
    text = quick(run_folder(tmp_path / "r", made), tmp_path / "o")
    assert "2 versions" in next(line for line in text.splitlines() if line.startswith("| torch-f"))
