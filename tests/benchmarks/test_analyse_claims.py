"""The ledger of claims: every reading is judged by what the rows of runs can tell."""

import re

import pytest

from benchmarks.analyse.claims import MEASURED, Ruling, judge
from benchmarks.analyse.run_data import read_run_data
from benchmarks.analyse.stats import Estimate
from benchmarks.plan.claims import ENGINE, ORIGINAL, Reading, read_claims
from benchmarks.plan.workloads import read_workloads
from benchmarks.render.claims import count_facts
from tests.benchmarks.synthetic import SYSTEMS, rows, run_folder

HOLDS, FAILS = Ruling.HOLDS, Ruling.FAILS
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


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    made = rows(8, BOTH, distributions=["numpy"])
    results = tmp_path_factory.mktemp("results")
    return read_run_data(run_folder(results, made, footprint=FOOTPRINT))


def asked(run, program=ENGINE, facts=None, **query):
    query = {"name": "r", "form": "ratio", "workload": "spiral", **query}
    return judge(Reading(**query), program, [run], facts or {})


# The ledger itself ---------------------------------------------------------------------------


def test_every_query_asks_for_what_can_be_measured_or_counted():
    known, counted = read_workloads(), count_facts()
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
    assert found.ruling == verdict and found.systems == ("torch-eager", "mapicx")


def test_a_limit_inside_the_interval_cannot_be_told(run):
    query = {"of": "best TensorFlow", "to": "program", "metric": "time_total_s"}
    middle = asked(run, low=2, **query).estimate
    assert asked(run, low=middle.value, **query).ruling is Ruling.UNDECIDED
    assert asked(run, low=middle.low, **query).ruling == HOLDS


def test_too_few_blocks_cannot_be_told(tmp_path):
    few = read_run_data(run_folder(tmp_path, rows(2, FEW)))
    found = asked(few, of="best PyTorch", to="program", metric="time_total_s", low=2)
    assert found.estimate.known and found.ruling is Ruling.UNDECIDED


def test_each_program_has_its_own_verdict(run):
    query = {"form": "difference", "of": "program", "to": "best PyTorch", "metric": "accuracy_test"}
    near = {"low": -0.02, "high": 0.02}
    assert asked(run, ENGINE, **query, **near).ruling == HOLDS
    assert asked(run, ORIGINAL, **query, **near).ruling == FAILS


def test_every_is_as_good_as_its_worst(tmp_path):
    both = FEW | {"logistic-regression": SYSTEMS["logistic-regression"]}
    found = read_run_data(run_folder(tmp_path, rows(6, both)))
    query = {"form": "difference", "of": "program", "metric": "accuracy_test", "low": 0.2}
    every, best = (asked(found, to=f"{word} classical", **query) for word in ("every", "best"))
    assert every.ruling == best.ruling == FAILS and "svm-rbf-tuned" in every.systems
    worst = asked(found, to="logistic-regression", **query)
    assert worst.ruling == HOLDS


def test_a_system_whose_parity_failed_stands_for_no_framework(tmp_path):
    made = rows(6, FEW)
    for row in made:
        if row["measure"] == "parity" and row["system"] == "torch-eager":
            row["comparable"] = False
    found = read_run_data(run_folder(tmp_path, made))
    assert "torch-fused" in asked(found, of="best PyTorch", to="program",
                                  metric="memory_peak_bytes", low=1).systems  # fmt: skip


def test_faster_is_only_said_where_the_interval_excludes_equality(tmp_path):
    close = {"mapicx": FEW["mapicx"], "torch-eager": ("network", 0.151, 0.055, 41, 0.865)}
    found = read_run_data(run_folder(tmp_path, rows(6, close, noise=0.1)))
    query = {"of": "torch-eager", "to": "program", "metric": "time_import_s"}
    assert asked(found, low=1, **query).ruling is Ruling.UNDECIDED


def test_footprint_is_counted_not_estimated(run):
    size = {"workload": "", "metric": "installed_bytes"}
    found = asked(run, of="best TensorFlow", to="program", low=40, **size)
    assert found.estimate == Estimate(46, 46, 46, 1, "single") and found.ruling == HOLDS
    assert (
        asked(run, form="value", of="best TensorFlow", low=2.3e9, high=2.3e9, **size).ruling
        == HOLDS
    )
    beyond = {"form": "count", "workload": "", "metric": "installed_beyond_numpy", "high": 0}
    assert [asked(run, p, **beyond).ruling for p in (ENGINE, ORIGINAL)] == [HOLDS, FAILS]
    loaded = {"form": "count", "metric": "loaded_beyond_numpy", "high": 0}
    assert asked(run, **loaded).ruling == HOLDS


def test_what_is_absent_is_not_measured(run):
    for query in ({"workload": "moons"}, {"of": "best JAX"}, {"metric": "loaded_moons"}):
        query = {"of": "best PyTorch", "to": "program", "metric": "time_total_s", **query}
        assert asked(run, low=0, **query).ruling is Ruling.NOT_MEASURED


def test_recorded_fields_are_compared(run):
    query = {"form": "recorded", "recorded": {"train_rows": 300, "dataset_args": {"classes": 3}}}
    assert asked(run, **query).ruling == HOLDS
    query["recorded"]["train_rows"] = 400
    assert asked(run, **query).ruling == FAILS
    assert asked(run, workload="moons", **query).ruling is Ruling.NOT_MEASURED


def test_the_newest_run_that_can_tell_is_the_evidence(run, tmp_path):
    newer = read_run_data(run_folder(tmp_path, rows(2, FEW, run_id="20260202T030405-newer")))
    reading = Reading("r", "ratio", "time_total_s", "best PyTorch", "program", "spiral", low=2)
    assert judge(reading, ENGINE, [run, newer], {}).run == run.name
    peak = Reading("r", "ratio", "memory_import_peak_bytes", "x", "program", "spiral", low=2)
    assert judge(peak, ENGINE, [run, newer], {}).ruling is Ruling.NOT_MEASURED
