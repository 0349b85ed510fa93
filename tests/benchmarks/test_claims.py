"""The ledger of claims: verdicts, the page, README's sentences, and other runs against it."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.analyse import stats
from benchmarks.analyse.claims import FAILS, HOLDS, UNKNOWN, judge
from benchmarks.analyse.queries import MEASURED
from benchmarks.analyse.stats import Estimate
from benchmarks.plan import claims as ledger
from benchmarks.plan.claims import ENGINE, ORIGINAL, Claim, Reading, read_claims
from benchmarks.plan.workloads import read_workloads
from benchmarks.render import claims as page
from benchmarks.render import figures
from benchmarks.render.material import material
from benchmarks.render.published import sentences
from benchmarks.report import main, tracked_runs
from tests.benchmarks.synthetic import SYSTEMS, WORKLOAD, rows, run_folder

ROOT = Path(__file__).resolve().parents[2]
WORDS = {HOLDS, FAILS, UNKNOWN}
KEPT = ("mapicx", "torch-eager", "torch-fused", "tf-loop", "svm-rbf-tuned", "bayes-rule")
FEW = {name: SYSTEMS[name] for name in (*KEPT, "mapicx-again")}
BOTH = FEW | {ORIGINAL: ("network", 0.2, 0.2, 50, 0.80)}


def installation(size, *distributions):
    return {
        "installed_bytes": size,
        "installed_distributions": len(distributions) if size else None,
        "distributions": dict.fromkeys(distributions, 1),
    }


FOOTPRINT = {
    ENGINE: installation(50e6, "mapicx", "numpy"),
    ORIGINAL: installation(90e6, "mapicx", "numpy", "nnfs"),
    "tf-loop": installation(2.3e9, "tensorflow", "numpy"),
    "keras-fit": installation(None),
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(figures, "FIGURES", ())
    monkeypatch.setattr(stats, "RESAMPLES", 99)  # of intervals only the order matters here


def evidence_of(folder):
    return page.evidence(material(folder))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    made = rows(8, BOTH, distributions=["numpy"])
    results = tmp_path_factory.mktemp("results")
    return evidence_of(run_folder(results, made, footprint=FOOTPRINT))


def asked(run, program=ENGINE, facts=None, **query):
    query = {"name": "r", "form": "ratio", "workload": "spiral", **query}
    return judge(Reading(**query), program, [run], facts or {})


# The ledger itself ---------------------------------------------------------------------------


def test_every_query_asks_for_what_can_be_measured_or_counted():
    known, counted = read_workloads(), page.facts()
    for claim in read_claims():
        for reading in claim.readings:
            assert reading.form == "recorded" or reading.metric in {*MEASURED, *counted}
            assert not reading.workload or reading.workload in known


def test_every_sentence_of_the_article_is_there():
    said = " ".join(c.sentence for c in read_claims() if c.source != "readme")
    for number in ("0.4 %", "2.3 to 3.5 %", "40 times", "33 times", "100 times lighter", "2.3 GB",
                   "under 500", "nothing but NumPy", "100 times faster", "train faster",
                   "comparable", "0.967", "0.995", "0.972", "0.928"):  # fmt: skip
        assert number in said


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("name = 'a'\nsource = 'readme'\nreadings = []", "no key 'sentence'"),
        ("name = 'a'\nsource = 'rumour'\nsentence = 's'\nreadings = []", "choose from article"),
        ("form = 'guess'", "choose from ratio"),
        ("form = 'value'\nmetric = 'm'", "exactly one of at_least"),
        ("form = 'value'\nmetric = 'm'\nat_most = 1\nat_least = 0", "exactly one of"),
        ("form = 'ratio'\nmetric = 'm'\nat_most = 1", "need `to`"),
        ("form = 'recorded'\nworkload = 'w'", "needs a workload and its fields"),
        ("form = 'value'\nmetrics = 'm'", "unknown keys ['metrics']"),
    ],
)
def test_a_bad_entry_is_explained(tmp_path, entry, said):
    path = tmp_path / "claims.toml"
    if not entry.startswith("name"):
        entry = f"name='a'\nsource='readme'\nsentence='s'\nreadings=[{{name='r'}}]\n{entry}"
    path.write_text(f"[[claim]]\n{entry}\n")
    with pytest.raises(ValueError, match=re.escape(said)):
        read_claims(path)


# Verdicts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "verdict"),
    [
        ({"low": 4}, HOLDS),
        ({"low": 7}, FAILS),
        ({"high": 4}, FAILS),
        ({"low": 7, "tolerance": 2}, HOLDS),
    ],
)
def test_a_ratio_is_judged_by_its_whole_interval(run, limit, verdict):
    found = asked(run, of="best PyTorch", to="program", metric="memory_peak_bytes", **limit)
    assert found.estimate.value == pytest.approx(230 / 40, rel=0.02)
    assert found.verdict == verdict and found.systems == "torch-eager / mapicx"


def test_a_limit_inside_the_interval_cannot_be_told(run):
    query = {"of": "best TensorFlow", "to": "program", "metric": "time_total_s"}
    middle = asked(run, low=2, **query).estimate
    assert asked(run, low=middle.value, **query).verdict == UNKNOWN
    assert asked(run, low=middle.low, **query).verdict == HOLDS


def test_too_few_blocks_cannot_be_told(tmp_path):
    few = evidence_of(run_folder(tmp_path, rows(5, FEW)))
    found = asked(few, of="best PyTorch", to="program", metric="time_total_s", low=2)
    assert found.estimate.known and found.verdict == UNKNOWN


def test_each_program_has_its_own_verdict(run):
    query = {"form": "difference", "of": "program", "to": "best PyTorch", "metric": "accuracy_test"}
    near = {"low": -0.02, "high": 0.02}
    assert asked(run, ENGINE, **query, **near).verdict == HOLDS
    assert asked(run, ORIGINAL, **query, **near).verdict == FAILS


def test_every_is_as_good_as_its_worst(tmp_path):
    both = FEW | {"logistic-regression": SYSTEMS["logistic-regression"]}
    found = evidence_of(run_folder(tmp_path, rows(6, both)))
    query = {"form": "difference", "of": "program", "metric": "accuracy_test", "low": 0.2}
    every, best = (asked(found, to=f"{word} classical", **query) for word in ("every", "best"))
    assert every.verdict == best.verdict == FAILS and "svm-rbf-tuned" in every.systems
    worst = asked(found, to="logistic-regression", **query)
    assert worst.verdict == HOLDS


def test_a_system_whose_parity_failed_stands_for_no_framework(tmp_path):
    made = rows(6, FEW)
    for row in made:
        if row["measure"] == "parity" and row["system"] == "torch-eager":
            row["comparable"] = False
    found = evidence_of(run_folder(tmp_path, made))
    assert "torch-fused" in asked(found, of="best PyTorch", to="program",
                                  metric="memory_peak_bytes", low=1).systems  # fmt: skip


def test_faster_is_only_said_beyond_the_noise(tmp_path):
    close = {name: FEW[name] for name in ("mapicx", "mapicx-again")}
    close |= {"torch-eager": ("network", 0.16, 0.055, 41, 0.865)}
    found = evidence_of(run_folder(tmp_path, rows(12, close, noise=0.1)))
    query = {"of": "torch-eager", "to": "program", "metric": "time_import_s"}
    assert asked(found, low=1, **query).verdict == UNKNOWN


def test_footprint_is_counted_not_estimated(run):
    size = {"workload": "", "metric": "installed_bytes"}
    found = asked(run, of="best TensorFlow", to="program", low=40, **size)
    assert found.estimate == Estimate(46, 46, 46, 1, "single") and found.verdict == HOLDS
    assert (
        asked(run, form="value", of="best TensorFlow", low=2.3e9, high=2.3e9, **size).verdict
        == HOLDS
    )
    beyond = {"form": "count", "workload": "", "metric": "installed_beyond_numpy", "high": 0}
    assert [asked(run, p, **beyond).verdict for p in (ENGINE, ORIGINAL)] == [HOLDS, FAILS]
    loaded = {"form": "count", "metric": "loaded_beyond_numpy", "high": 0}
    assert asked(run, **loaded).verdict == HOLDS


def test_what_is_absent_is_not_measured(run):
    for query in ({"workload": "moons"}, {"of": "best JAX"}, {"metric": "loaded_moons"}):
        query = {"of": "best PyTorch", "to": "program", "metric": "time_total_s", **query}
        assert asked(run, low=0, **query).verdict == UNKNOWN


def test_recorded_fields_are_compared(run):
    query = {"form": "recorded", "recorded": {"train_rows": 300, "dataset_args": {"classes": 3}}}
    assert asked(run, **query).verdict == HOLDS
    query["recorded"]["train_rows"] = 400
    assert asked(run, **query).verdict == FAILS
    assert asked(run, workload="moons", **query).verdict == UNKNOWN


def test_the_newest_run_that_can_tell_is_the_evidence(run, tmp_path):
    newer = evidence_of(run_folder(tmp_path, rows(2, FEW, run_id="20260202T030405-newer")))
    reading = Reading("r", "ratio", "time_total_s", "best PyTorch", "program", "spiral", low=2)
    assert judge(reading, ENGINE, [run, newer], {}).run == run.name
    peak = Reading("r", "ratio", "memory_import_peak_bytes", "x", "program", "spiral", low=2)
    assert judge(peak, ENGINE, [run, newer], {}).verdict == UNKNOWN


# The page, README, other runs ------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with one run and what `python -m benchmarks.report` writes from it."""
    base = tmp_path_factory.mktemp("checkout")
    run_folder(base / "results", rows(6, FEW), "20260102T030405-first")
    (base / "README.md").write_text("It needs NumPy\nand nothing else.\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(base)
        patch.setattr(figures, "FIGURES", ())
        patch.setattr(stats, "RESAMPLES", 99)
        assert main([]) == 0
    return base


@pytest.fixture
def checkout(made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path / "c")
    monkeypatch.chdir(tmp_path / "c")
    return tmp_path / "c"


def problems(folder):
    return page.problems(tracked_runs(folder / "results"), folder / "reports", folder / "README.md")


def test_the_page_has_every_reading_and_a_verdict_alone(checkout):
    text = (checkout / "reports/claims.md").read_text()
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    body = [line for line in lines if not line.startswith(("| ---", "| sentence"))]
    assert len(body) == sum(len(claim.readings) for claim in read_claims())
    assert {line.split("|")[-2].strip() for line in body} == WORDS
    assert "did not reproduce under the reading" in text
    page.write(tracked_runs(checkout / "results"), checkout)
    assert (checkout / "claims.md").read_text() == text


def test_check_names_the_sentence_without_evidence(checkout, capsys):
    assert main(["--check"]) == 3
    said = capsys.readouterr().out
    assert '"It needs NumPy and nothing else.", which is not measured' in said
    (checkout / "README.md").write_text("Nothing is said here.\n")
    assert main(["--check"]) == 0


def test_the_sentence_that_rows_contradict_is_named(checkout):
    workloads = {"spiral": WORKLOAD | {"train_rows": 400}}
    made = rows(1, FEW, run_id="20260302T030405-later")
    run_folder(checkout / "results", made, workloads=workloads)
    sentence = next(c.sentence for c in read_claims() if c.name == "readme-setup")
    (checkout / "README.md").write_text(sentence)
    assert any(f'"{sentence}", which does not hold' in said for said in problems(checkout))


@pytest.mark.parametrize("name", ["claims.md", "claims.csv"])
def test_an_edited_page_is_stale(checkout, name):
    (checkout / "README.md").unlink()
    assert problems(checkout) == []
    path = checkout / "reports" / name
    path.write_text(path.read_text().replace(FAILS, HOLDS))
    assert problems(checkout) == [f"reports/{name} differs from what the tracked runs give"]


def published(folder, *, blocks=8, **made):
    return material(run_folder(folder, rows(blocks, made.pop("systems", FEW), **made)))


def test_another_run_is_compared_with_what_was_published(tmp_path):
    first = run_folder(tmp_path / "results", rows(8, FEW))
    page.write([first], tmp_path)
    stored = tmp_path / "claims.csv"
    other = {"run_id": "20260202T030405-other", "seed": 5}
    alike = sentences(published(tmp_path / "a", **other), stored)
    number = re.match(r"(\d+) of (\d+) published verdicts hold on your machine\.", alike[0])
    assert number and number[1] == number[2] and int(number[1]) > 5 and len(alike) == 1

    heavy = FEW | {"torch-eager": ("network", 1.6, 0.25, 4000, 0.865)}
    heavy |= {"torch-fused": ("network", 1.6, 0.25, 4000, 0.865)}
    differs = sentences(published(tmp_path / "b", systems=heavy, **other), stored)
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
    page.write([run_folder(tmp_path / "results", rows(8, FEW))], tmp_path)
    run = published(tmp_path / "a", run_id="20260202T030405-other", **changed)
    assert sentences(run, tmp_path / "claims.csv") == [
        "This run measures none of the published verdicts."
    ]


def test_the_publishing_run_says_that_it_is_its_own_evidence(tmp_path):
    first = run_folder(tmp_path / "results", rows(8, FEW))
    page.write([first], tmp_path)
    (said,) = sentences(material(first), tmp_path / "claims.csv")
    assert re.match(r"\d+ published verdicts come from this very run", said)
    table = pd.read_csv(tmp_path / "claims.csv")
    decided = table["published"].eq("yes") & table["verdict"].ne(UNKNOWN)
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
    assert len(set(names)) == len(names) and all(isinstance(c, Claim) for c in read_claims())
    assert set(ledger.SUBJECTS.values()) == {ORIGINAL, ENGINE}
