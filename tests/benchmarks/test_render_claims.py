"""claims.md, what README says, and other runs against what was published."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.analyse.claims import Ruling
from benchmarks.analyse.run_data import read_run_data
from benchmarks.plan.claims import ENGINE, ORIGINAL, SUBJECTS, read_claims
from benchmarks.render import agreement, figures
from benchmarks.render import claims as page
from benchmarks.report import main, tracked_runs
from tests.benchmarks.synthetic import SYSTEMS, WORKLOAD, rows, run_folder

ROOT = Path(__file__).resolve().parents[2]
HOLDS, FAILS = Ruling.HOLDS.value, Ruling.FAILS.value
KEPT = ("mapicx", "torch-eager", "torch-fused", "tf-loop", "svm-rbf-tuned", "bayes-rule")
FEW = {name: SYSTEMS[name] for name in (*KEPT, "mapicx-again")}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with one run and what `python -m benchmarks.report` writes from it."""
    base = tmp_path_factory.mktemp("checkout")
    run_folder(base / "results", rows(6, FEW), "20260102T030405-first")
    (base / "README.md").write_text("The engine needs NumPy\nand nothing else.\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(base)
        patch.setattr(figures, "FIGURES", ())
        assert main([]) == 0
    return base


@pytest.fixture
def checkout(made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path / "c")
    monkeypatch.chdir(tmp_path / "c")
    monkeypatch.setattr(figures, "FIGURES", ())
    return tmp_path / "c"


def find_problems(folder):
    return page.find_problems(
        tracked_runs(folder / "results"), folder / "reports", folder / "README.md"
    )


def test_the_page_has_every_reading_and_a_verdict_alone(checkout):
    text = (checkout / "reports/claims.md").read_text()
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    body = [line for line in lines if not line.startswith(("| ---", "| sentence"))]
    assert len(body) == sum(len(claim.readings) for claim in read_claims())
    assert {line.split("|")[-2].strip() for line in body} <= {one.value for one in Ruling}
    page.write_claims(tracked_runs(checkout / "results"), checkout)
    assert (checkout / "claims.md").read_text() == text


def test_check_names_the_sentence_without_evidence(checkout, capsys):
    assert main(["--check"]) == 3
    said = capsys.readouterr().out
    assert '"The engine needs NumPy and nothing else.", which is not measured' in said
    (checkout / "README.md").write_text("It needs NumPy and little else.\n")
    assert main(["--check"]) == 3
    said = capsys.readouterr().out
    assert said.count('README.md does not say "The engine needs NumPy and nothing else."') == 1


def test_the_sentence_that_rows_contradict_is_named(checkout):
    workloads = {"spiral": WORKLOAD | {"train_rows": 400}}
    made = rows(1, FEW, run_id="20260302T030405-later")
    run_folder(checkout / "results", made, workloads=workloads)
    sentence = next(c.sentence for c in read_claims() if c.name == "readme-setup")
    (checkout / "README.md").write_text(sentence)
    assert any(f'"{sentence}", which does not hold' in said for said in find_problems(checkout))


@pytest.mark.parametrize("name", ["claims.md", "claims.csv"])
def test_an_edited_page_is_stale(checkout, name):
    (checkout / "README.md").unlink()
    assert find_problems(checkout) == []
    path = checkout / "reports" / name
    path.write_text(path.read_text().replace(FAILS, HOLDS))
    assert find_problems(checkout) == [f"reports/{name} differs from what the tracked runs give"]


def compare(folder, reports, *, blocks=8, **made):
    """What a run with these rows says of the verdicts published in a folder."""
    run = run_folder(folder, rows(blocks, made.pop("systems", FEW), **made))
    return agreement.describe_published(read_run_data(run), agreement.read_published(reports))


def test_another_run_is_compared_with_what_was_published(tmp_path):
    first = run_folder(tmp_path / "results", rows(8, FEW))
    page.write_claims([first], tmp_path)
    other = {"run_id": "20260202T030405-other", "seed": 5}
    alike = compare(tmp_path / "a", tmp_path, **other)
    number = re.match(r"(\d+) of (\d+) published verdicts hold on your machine\.", alike[0])
    assert number and number[1] == number[2] and int(number[1]) > 5 and len(alike) == 1

    heavy = FEW | {"torch-eager": ("network", 1.6, 0.25, 4000, 0.865)}
    heavy |= {"torch-fused": ("network", 1.6, 0.25, 4000, 0.865)}
    differs = compare(tmp_path / "b", tmp_path, systems=heavy, **other)
    assert any(
        "33 times" in line and f"Published: {FAILS}; here: {HOLDS}" in line for line in differs
    )
    (kept, total) = re.match(r"(\d+) of (\d+)", differs[0]).groups()
    assert total == number[2] and len(differs) - 1 == int(total) - int(kept) > 0


@pytest.mark.parametrize(
    "changed",
    [
        {"workload_digest": "d9"},
        {"blocks": 2, "memory_blocks": 1},
        {"systems": {name: FEW[name] for name in ("mapicx", "mapicx-again")}},
    ],
)
def test_what_a_run_cannot_tell_is_not_counted(tmp_path, changed):
    page.write_claims([run_folder(tmp_path / "results", rows(8, FEW))], tmp_path)
    said = compare(tmp_path / "a", tmp_path, run_id="20260202T030405-other", **changed)
    assert said == ["This run measures none of the published verdicts."]


def test_the_publishing_run_says_that_it_is_its_own_evidence(tmp_path):
    first = run_folder(tmp_path / "results", rows(8, FEW))
    page.write_claims([first], tmp_path)
    (said,) = agreement.describe_published(read_run_data(first), agreement.read_published(tmp_path))
    assert re.match(r"\d+ published verdicts come from this very run", said)
    table = pd.read_csv(tmp_path / "claims.csv")
    decided = table["published"].eq("yes") & table["verdict"].isin([HOLDS, FAILS])
    assert said.startswith(f"{(table[decided]['run'] == first.name).sum()} ")


# This repository's README ----------------------------------------------------------------------

NUMBER = re.compile(
    r"\d|\b(two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|hundred)\b", re.I
)
NO_NUMBER = re.compile(r"`[^`]*`|\[[^\]]*\]\([^)]*\)|\b\d+\.\d+\.\d+\b")  # code, links, versions


def prose(text):
    """Sentences outside of tables, code, headings and comments, white space as one blank."""
    text = re.sub(r"<!-- mapicx:table.*?<!-- /mapicx:table -->", "", text, flags=re.S)
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    kept = [line for line in text.splitlines() if not re.match(r"#|\||    |!\[", line)]
    for paragraph in re.split(r"\n\s*\n|\n- ", "\n".join(kept)):
        yield from re.split(r"(?<=[.?:])\s+(?=[A-Z*`\[])", " ".join(paragraph.split()))


def unclaimed(text):
    """Sentences with a number that the ledger does not quote."""
    quoted = [claim.sentence for claim in read_claims() if claim.source == "readme"]
    return [
        sentence
        for sentence in prose(text)
        if NUMBER.search(NO_NUMBER.sub("", sentence)) and not any(sentence in q for q in quoted)
    ]


def test_every_number_in_readme_is_a_claim():
    assert unclaimed((ROOT / "README.md").read_text()) == []


def test_a_number_without_a_claim_is_found():
    assert unclaimed("# T 3\n\nIt is fast. It is 12 times\nfaster. See `x 3`, version 0.1.0.") == [
        "It is 12 times faster."
    ]
    assert unclaimed("- It takes three hours.\n- Yes.") == ["- It takes three hours."]


def test_every_claim_on_readme_quotes_it():
    standing = " ".join((ROOT / "README.md").read_text().split())
    for claim in read_claims():
        assert claim.source != "readme" or claim.sentence in standing


def test_claim_names_are_unique():
    names = [claim.name for claim in read_claims()]
    assert len(set(names)) == len(names)
    assert set(SUBJECTS.values()) == {ORIGINAL, ENGINE}
