"""`python -m benchmarks.report`: exit codes, sentences, README tables and staleness."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.plan.claims import read_claims
from benchmarks.record.store import Store
from benchmarks.render import claims, figures, readme
from benchmarks.render.document import make_table
from benchmarks.render.readme import SOURCES, find_stale_parts
from benchmarks.render.stale import find_stale
from benchmarks.report import main, tracked_runs
from tests.benchmarks.synthetic import SYSTEMS, rows, run_folder, scaling_rows, sweep_rows

FEW = {name: SYSTEMS[name] for name in ("mapicx", "torch-eager", "bayes-rule", "mapicx-again")}
NAME, LATER = "20260102T030405-first", "20260302T030405-second"
STEPS = "20260402T030405-steps"
TEXT = """# Title

<!-- mapicx:table answer run={run} -->
<!-- /mapicx:table -->

<!-- mapicx:table spiral run={run} -->
<!-- /mapicx:table -->

![Boundaries](reports/{run}/boundaries.png)

<!-- mapicx:table engine -->
<!-- /mapicx:table -->

end
"""


def _stand(patch, folder):
    """In the folder, without figures (test_render_report.py) and claims (test_render_claims.py)."""
    patch.chdir(folder)
    patch.setattr(figures, "FIGURES", ())
    patch.setattr(readme, "REQUIRED", ("answer", "spiral", "engine"))
    about_others = [claim for claim in read_claims() if claim.source != "readme"]
    patch.setattr(claims, "read_claims", lambda: about_others)
    patch.setitem(SOURCES, "engine", lambda: make_table(["engine"], [["whole package"]]))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    base = tmp_path_factory.mktemp("checkout")
    for number, name in enumerate((NAME, LATER)):
        run = run_folder(base / "results", rows(6, FEW, run_id=name, seed=number), name)
        Store(run).write_table()
    (base / "README.md").write_text(TEXT.format(run=NAME))
    with pytest.MonkeyPatch.context() as patch:
        _stand(patch, base)
        assert main([]) == 0
        assert main(["--readme"]) == 0
    return base


@pytest.fixture
def checkout(made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path / "c")
    _stand(monkeypatch, tmp_path / "c")
    return tmp_path / "c"


def test_what_was_just_written_is_not_stale(checkout, capsys):
    text = (checkout / "README.md").read_text()
    assert "| mapicx | 0.86" in text and "| whole package |" in text and text.endswith("end\n")
    assert main(["--check"]) == 0
    assert not (checkout / "reports/latest.md").exists()


def test_readme_is_rewritten_from_the_run_that_its_marker_names(checkout):
    before = (checkout / "README.md").read_text()
    assert main(["--readme"]) == 0
    assert (checkout / "README.md").read_text() == before


def test_a_report_of_a_run_does_not_move_readme(checkout):
    before = (checkout / "README.md").read_text()
    assert main([LATER]) == 0
    assert (checkout / "README.md").read_text() == before


def test_readme_with_a_run_moves_tables_and_links(checkout):
    assert main([LATER, "--readme"]) == 0
    text = (checkout / "README.md").read_text()
    assert f"spiral run={LATER}" in text and NAME not in text
    assert main(["--check"]) == 0


@pytest.mark.parametrize(
    ("answer", "draw", "row"),
    [
        (
            "steps",
            lambda: sweep_rows(blocks=1, shapes=1),
            "mapicx's median step is below",
        ),
        (
            "crossover",
            lambda: scaling_rows(blocks=1, widths=(64, 128)),
            "- Per training step, against PyTorch: along width",
        ),
    ],
    ids=["steps", "crossover"],
)
def test_only_tables_of_which_the_run_has_rows_move(checkout, answer, draw, row):
    readme = checkout / "README.md"
    marker = f"<!-- mapicx:table {answer} run=none -->\n<!-- /mapicx:table -->\n"
    readme.open("a").write(marker + "![l](reports/none/x.png)\n")
    drawn, workloads = draw()
    run_folder(checkout / "results", drawn, STEPS, workloads=workloads)
    assert main([STEPS, "--readme"]) == 0
    text = readme.read_text()
    assert f"{answer} run={STEPS}" in text and row in text
    assert f"spiral run={NAME}" in text and f"reports/{NAME}/boundaries.png" in text
    assert f"reports/{STEPS}/x.png" in text
    assert main([LATER, "--readme"]) == 0
    text = readme.read_text()
    assert f"{answer} run={STEPS}" in text and f"spiral run={LATER}" in text
    assert not find_stale_parts(readme, checkout / "results")


def test_release_without_check_rebuilds_nothing(checkout, capsys):
    assert main(["--release"]) == 2
    assert "--release needs --check" in capsys.readouterr().err


def test_a_run_without_any_tables_rows_moves_nothing(checkout, capsys):
    made, workloads = sweep_rows(blocks=1, shapes=1)
    run_folder(checkout / "results", made, STEPS, workloads=workloads)
    before = (checkout / "README.md").read_text()
    assert main([STEPS, "--readme"]) == 2
    assert "has no row of workload spiral" in capsys.readouterr().err
    assert (checkout / "README.md").read_text() == before


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("| mapicx | 0.8", "| mapicx | 0.9", "the row of mapicx is missing or differs"),
        ("| torch-eager |", "| torch-better |", "the row of torch-eager is missing"),
        ("takes ", "needs ", "table answer: the text"),
        ("Score: mean", "Score: sum", "text or the order"),
        ("<!-- /mapicx:table -->", "", "complete"),
        (f"run={NAME}", "run=20250101T000000-gone", "is absent"),
    ],
)
def test_an_edited_readme_is_stale(checkout, old, new, said):
    path = checkout / "README.md"
    path.write_text(path.read_text().replace(old, new, 1))
    assert any(said in sentence for sentence in find_stale_parts(path, checkout / "results"))


def test_a_removed_row_is_stale(checkout, capsys):
    path = checkout / "README.md"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("| torch-eager")))
    assert main(["--check"]) == 3
    assert "the row of torch-eager is missing" in capsys.readouterr().out


def test_an_edited_report_is_stale(checkout, capsys):
    path = checkout / "reports" / NAME / "report.md"
    path.write_text(path.read_text() + "better\n")
    assert main(["--check"]) == 3
    assert f"reports/{NAME}/report.md differs" in capsys.readouterr().out


def test_an_edited_html_report_is_stale(checkout, capsys):
    path = checkout / "reports" / NAME / "report.html"
    path.write_text(path.read_text().replace("0.86", "0.96", 1))
    assert main(["--check"]) == 3
    assert f"reports/{NAME}/report.html differs" in capsys.readouterr().out


def _edit(path, old="0.8", new="0.9"):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def _replace_by_link(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def _delete_part(path):
    before, _, rest = path.read_text().partition("<!-- mapicx:table spiral")
    path.write_text(before + rest.partition("<!-- /mapicx:table -->\n")[2])


def _repeat_row(path):
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines, lines[-1]]))


def _add_file(path):
    path.write_text("more")


RESULTS, REPORT = f"results/{NAME}", f"reports/{NAME}"
# What was done to a file -> the sentence that names it.
TAMPERED = {
    "a table of README is gone": ("README.md", _delete_part, "README.md has no table spiral"),
    "table.csv edited": (
        f"{RESULTS}/table.csv", _edit, f"{RESULTS}/table.csv differs from what the run's rows",
    ),
    "a file more in a report": (f"{REPORT}/more.txt", _add_file, "more.txt does not belong to"),
    "a figure more in a report": (f"{REPORT}/more.svg", _add_file, "more.svg does not belong to"),
    "a report is a link": (REPORT, _replace_by_link, f"{REPORT} is a link"),
    "a file of a report is a link": (
        f"{REPORT}/report.md", _replace_by_link, "report.md is a link",
    ),
    "a run is a link": (RESULTS, _replace_by_link, f"{RESULTS} is a link"),
    "a report is a file": (
        REPORT, lambda path: (shutil.rmtree(path), _add_file(path)), f"{REPORT} is missing",
    ),
    "a row is repeated": (f"{RESULTS}/trials.jsonl", _repeat_row, "repeats the trial of line"),
    "rows are gone": (
        f"{RESULTS}/ended.jsonl", lambda path: path.write_text('{"how":"budget","rows":99}\n'),
        "rows of the 99 that were there when the run ended",
    ),
    "README is gone": ("README.md", lambda path: path.unlink(), "there is no README.md"),
}  # fmt: skip


@pytest.mark.parametrize("case", TAMPERED)
def test_what_was_tampered_with_is_named(checkout, case):
    name, tamper, said = TAMPERED[case]
    tamper(checkout / name)
    places = (Path("README.md"), Path("results"), Path("reports"), [Path("results") / NAME])
    found = find_stale(*places).faults
    assert any(said in sentence for sentence in found), found


def test_a_run_that_cannot_be_read_is_stale(checkout, capsys):
    for command in (["init", "-q"], ["add", "-f", RESULTS]):
        subprocess.run(["git", *command], check=True, capture_output=True)
    path = checkout / RESULTS / "run.json"
    path.write_text("{")
    assert main(["--check"]) == 3
    assert "run.json of run" in capsys.readouterr().out
    path.unlink()
    assert main(["--check"]) == 3
    assert f"{RESULTS} is tracked by git and has no run.json" in capsys.readouterr().out


def test_a_repeated_row_changes_no_number(checkout, capsys):
    before = (checkout / REPORT / "report.md").read_text()
    _repeat_row(checkout / RESULTS / "trials.jsonl")
    assert main(["--check", NAME]) == 3
    assert "is left out" in capsys.readouterr().out
    assert main([NAME]) == 0
    after = (checkout / REPORT / "report.md").read_text()
    assert before.split("## What to doubt")[0] == after.split("## What to doubt")[0]
    assert "repeats the trial" in after


@pytest.mark.parametrize("how", ["budget", "interrupt", "complete", None])
def test_why_trials_are_missing_is_what_was_recorded(checkout, how):
    run = checkout / RESULTS
    rows_ = (run / "trials.jsonl").read_text().splitlines(keepends=True)
    (run / "trials.jsonl").write_text("".join(rows_[:-7]))
    if how:
        Store(run).note_end(how)
    assert main([NAME]) == 0
    text = (checkout / REPORT / "report.html").read_text()
    words = {"budget": "the budget ended", "interrupt": "an interrupt ended", None: "not recorded"}
    assert "not run: 7 planned trials; " in text
    assert words.get(how, "have been removed since") in text
    assert all(other not in text for key, other in words.items() if key != how)


def test_a_run_on_a_users_table_stays_private_wherever_it_lies(checkout, capsys):
    mine = "20260402T030405-mine"
    made = rows(1, FEW, run_id=mine)
    run_folder(checkout / "results", made, mine, table={"file": "a.csv", "rows": 9, "target": "t"})
    assert mine not in [run.name for run in tracked_runs(checkout / "results")]
    assert main([mine]) == 0
    assert (checkout / "reports/local" / mine).exists()
    assert not (checkout / "reports" / mine).exists()
    _edit(checkout / "README.md", f"spiral run={NAME}", f"spiral run={mine}")
    assert main(["--readme"]) == 2 and main([mine, "--readme"]) == 2


def test_what_a_damaged_run_says_is_printed_without_control_characters(checkout, capsys):
    _edit(checkout / "README.md", f"spiral run={NAME}", "spiral run=\x1b[31mred")
    main(["--check", NAME])
    said = capsys.readouterr().out
    assert "[31mred" in said and "\x1b" not in said


def test_check_writes_nothing(checkout):
    files = {p: p.stat().st_mtime_ns for p in checkout.rglob("*") if p.is_file()}
    main(["--check"])
    assert files == {p: p.stat().st_mtime_ns for p in checkout.rglob("*") if p.is_file()}


def test_an_unknown_run_names_the_nearest(checkout, capsys):
    assert main(["20260102T030405-frist"]) == 2
    assert NAME in capsys.readouterr().err


def test_wrong_options_exit_2(checkout):
    for arguments, code in ((["--nonsense"], 2), (["--help"], 0)):
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert end.value.code == code


def test_an_empty_results_folder_exits_4(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([]) == 4
    (tmp_path / "results").mkdir()
    assert main([]) == 4
    assert "holds no run" in capsys.readouterr().err


def test_a_missing_readme_is_said(checkout, capsys):
    (checkout / "README.md").unlink()
    assert main(["--readme"]) == 2
    assert "README.md" in capsys.readouterr().err


def test_a_run_on_a_users_table_does_not_go_into_readme(checkout, capsys):
    run_folder(checkout / "results/local", rows(1, FEW), "20260402T030405-mine")
    assert main(["20260402T030405-mine", "--readme"]) == 2
    assert main(["20260402T030405-mine"]) == 0
    assert (checkout / "reports/local/20260402T030405-mine/report.md").exists()


def test_only_tracked_runs_are_rebuilt_in_a_git_checkout(checkout, capsys):
    for command in (["init", "-q"], ["add", "-f", f"results/{NAME}"]):
        subprocess.run(["git", *command], check=True, capture_output=True)
    shutil.rmtree(checkout / "reports")
    assert main([]) == 0
    assert [p.name for p in (checkout / "reports").iterdir() if p.is_dir()] == [NAME]


def test_a_table_says_what_has_changed_since_its_run_and_a_release_refuses_it(checkout, capsys):
    path = checkout / "results" / NAME / "run.json"
    description = json.loads(path.read_text())
    description["digests"] = {"mapicx": "of-another-engine"}
    path.write_text(json.dumps(description))
    assert main([]) == 0 and main(["--readme"]) == 0
    assert "Changed since this run: the engine." in (checkout / "README.md").read_text()
    assert main(["--check"]) == 0
    assert main(["--check", "--release"]) == 3
    assert f"changed since run {NAME}: the engine" in capsys.readouterr().out
