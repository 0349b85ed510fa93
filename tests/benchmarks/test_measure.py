"""One trial: what the worker measures is what happened, and nothing leaks in or out."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from sklearn import metrics

import baselines
from benchmarks.errors import describe_os_error, strip_paths
from benchmarks.measure import data, machine, memory, outcome, parity, score, threads
from benchmarks.measure.local_executor import Local
from benchmarks.paths import ROOT
from benchmarks.plan import datasets, workloads
from benchmarks.plan.trials import Trial

MEBIBYTE = 2**20
SPIRAL = dataclasses.replace(workloads.read_workloads()["spiral"], epochs=20)


def trial(system, measure="time", family="network", threads=1, seed=0):
    dtype = "float64" if measure == "parity" else "float32"
    return Trial(system, family, "spiral", seed, threads, measure, dtype, 1, 0, SPIRAL.recipe, "")


@pytest.fixture(scope="module")
def measure(tmp_path_factory):
    """Run one trial in a fresh process and give its row."""
    folder = tmp_path_factory.mktemp("arrays")
    names = list(baselines.BUILT_IN)
    facts = {"run_id": "r", "machine_id": "m", "versions": machine.installed_versions()}
    executor = Local(
        {"spiral": SPIRAL}, dict.fromkeys(names, ("mapicx", "numpy")), facts, timeout=120
    )

    def run(system, measure="time", extras=False, **options):
        one = trial(system, measure, **options)
        return executor.run_trial(one, folder / f"{one.trial_id}.npz", extras=extras)

    yield run
    executor.close()


def test_the_phases_explain_the_total(measure):
    row = measure("numpy-plain")
    phases = ("start", "import", "data", "build", "train_cold", "predict", "exit")
    explained = sum(row[f"time_{phase}_s"] for phase in phases)
    assert abs(row["time_total_s"] - explained) <= max(0.05 * row["time_total_s"], 0.02)


def test_the_process_that_measures_mapicx_loads_no_distribution_but_numpy(measure):
    for kind in ("time", "memory", "accuracy"):
        row = measure("mapicx", kind)
        assert row["status"] == "ok", row["reason"]
        assert row["distributions"] == ["numpy"]


def test_a_time_row_has_no_memory_and_a_memory_row_no_time(measure):
    time_row, memory_row = measure("mapicx"), measure("mapicx", "memory")
    assert not [key for key in time_row if key.startswith("memory") and time_row[key] is not None]
    assert not [
        key for key in memory_row if key.startswith("time_") and memory_row[key] is not None
    ]
    for row in (time_row, memory_row):
        assert 0.3 < row["accuracy_test"] <= 1 and row["parameters"] == SPIRAL.parameter_count
        assert (row["steps"], row["samples_seen"]) == (20, 20 * 300)


def test_the_same_trial_twice_predicts_the_same(measure):
    first, second = measure("mapicx"), measure("mapicx")
    assert first["accuracy_test"] == second["accuracy_test"]
    assert first["loss_train"] == second["loss_train"]


def test_parity_of_the_reference_with_itself_is_exact(measure):
    row = measure("numpy-plain", "parity")
    assert row["parity_max_abs"] == 0 and row["comparable"] is True
    assert row["threads_seen"] == 1


def test_the_controls_measure_what_is_known(measure):
    rows = [
        {"block": 1, "reason": None, "measure": kind, **measure(name, kind, family="control")}
        for name, kind in (
            ("noop", "time"), ("sleep", "time"), ("matmul", "time"), ("allocate", "memory"),
        )
    ]  # fmt: skip
    assert outcome.find_defects(rows) == []


def test_impossible_controls_are_named():
    rows = [
        {"system": "sleep", "measure": "time", "status": "ok", "block": 1, "reason": None,
         "time_train_cold_s": 0.001},
        {"system": "allocate", "measure": "memory", "status": "ok", "block": 2, "reason": None,
         "memory_train_increment_bytes": 0},
        {"system": "noop", "measure": "time", "status": "crashed", "block": 1, "reason": "gone"},
    ]  # fmt: skip
    found = outcome.find_defects(rows)
    assert len(found) == 3
    assert "1 ms" in found[0] and "0.0 MiB" in found[1] and "gone" in found[2]


FAT_PARENT = """
import json, sys
ballast = bytearray(b"x" * (300 * 2**20))
from benchmarks.measure import process
import os
code = "from benchmarks.measure.memory import HighWater; import json, os, sys\\n" \\
       "h = HighWater()\\n" \\
       "with h.phase('train'): pass\\n" \\
       "os.write(int(sys.argv[1]), json.dumps(h.highest).encode())"
end = process.run(lambda pipe, _: [sys.executable, "-c", code, str(pipe)],
                  environment=dict(os.environ), folder=os.getcwd(), timeout=60)
print(end.message.decode())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="VmHWM is a Linux figure")
def test_a_parent_of_300_mib_does_not_show_in_its_child(root):
    done = subprocess.run(
        [sys.executable, "-c", FAT_PARENT], capture_output=True, text=True, cwd=root, timeout=60
    )
    assert int(done.stdout) < 60 * MEBIBYTE, done.stderr


SPIKE = """
import json
from benchmarks.measure.memory import HighWater, read_memory
h = HighWater()
with h.phase("before"): pass
with h.phase("train"):
    spike = bytearray(b"x" * (80 * 2**20)); del spike
with h.phase("predict"): pass
print(json.dumps([h.before["train"], h.peaks["train"], h.peaks["predict"]]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="VmHWM is a Linux figure")
def test_a_spike_of_80_mib_is_seen_and_belongs_to_its_phase_alone(root):
    done = subprocess.run(
        [sys.executable, "-c", SPIKE], capture_output=True, text=True, cwd=root, timeout=60
    )
    before, during, after = json.loads(done.stdout)
    assert during - before >= 79 * MEBIBYTE
    assert after - before < 20 * MEBIBYTE


def test_the_memory_curve_lies_below_the_kernels_peak(measure):
    row = measure("numpy-plain", "memory")
    assert 0.5 * row["memory_peak_bytes"] < row["memory_sampled_peak_bytes"]
    assert row["memory_sampled_peak_bytes"] <= 1.05 * row["memory_peak_bytes"]
    assert row["memory_train_peak_bytes"] <= row["memory_peak_bytes"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are a POSIX matter")
def test_a_harness_stopped_while_it_starts_a_child_knows_it():
    program = """
import os, signal, sys
from benchmarks.measure import process, signals

def stopped(pipe, started):
    os.kill(os.getpid(), signal.SIGCONT)  # what follows every stop
    return ["-c", "pass"]

signals.handle_signals()
calm = process.run_python(lambda pipe, started: ["-c", "pass"], timeout=60)
print(calm.suspended, process.run_python(stopped, timeout=60).suspended)
"""
    end = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert end.stdout.split() == ["False", "True"], end.stderr


def test_a_trial_sees_none_of_the_machines_settings():
    inherited = {"OPENBLAS_CORETYPE": "Haswell", "OMP_NUM_THREADS": "7", "PYTHONPATH": "mine",
                 "MALLOC_ARENA_MAX": "1", "HOME": "x", "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
    made = threads.child_environment(2, "scratch", "root", inherited)
    assert "OPENBLAS_CORETYPE" not in made and "MALLOC_ARENA_MAX" not in made
    assert "PYTHONDONTWRITEBYTECODE" not in made
    assert made["OMP_NUM_THREADS"] == made["OPENBLAS_NUM_THREADS"] == "2"
    assert made["PYTHONPATH"] == os.pathsep.join(["root", "mine"])
    assert made["HOME"] == "x"


def test_more_cpu_time_than_cores_is_a_defect(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0}, raising=False)
    assert threads.find_cap_defect(1, cpu_s=1.0, wall_s=1.0) is None
    assert "2.0 cores" in threads.find_cap_defect(1, cpu_s=2.0, wall_s=1.0)
    assert threads.find_cap_defect(1, cpu_s=0.02, wall_s=0.01) is None  # too short to judge
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    assert "2 cores, not on 1" in threads.find_cap_defect(1, 0, 0)


def test_data_are_the_same_for_a_seed_and_another_draw_for_another(tmp_path):
    draws = {}
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        data.write_data(tmp_path / name, SPIRAL, seed, "float32")
        draws[name] = data.Data(tmp_path / name, SPIRAL)
    assert np.array_equal(draws["a"].X_train, draws["b"].X_train)
    assert not np.array_equal(draws["a"].X_train, draws["c"].X_train)
    one = draws["a"]
    assert one.X_train.shape == (300, 2) and one.X_test.shape == (3000, 2)
    assert one.X_train.dtype == np.float32 and one.n_classes == 3
    assert sorted(np.bincount(one.y_train)) == [100, 100, 100]
    assert not {map(tuple, one.X_train)} & {map(tuple, one.X_test)}


def test_start_weights_are_he_normal(tmp_path):
    rng = np.random.default_rng(0)
    W1, b1, W2, b2 = data.draw_weights((400, 300, 200), rng, "float64")
    assert W1.shape == (400, 300) and b2.shape == (200,) and not b1.any()
    assert np.isclose(W1.std(), np.sqrt(2 / 400), rtol=0.02)
    assert np.isclose(W2.std(), np.sqrt(2 / 300), rtol=0.02)


def test_batches_cover_every_row_once_an_epoch_in_an_order_of_the_seed(tmp_path):
    work = dataclasses.replace(SPIRAL, batch_size=64, shuffle=True, epochs=3)
    data.write_data(tmp_path / "d", work, 0, "float32")
    drawn = data.Data(tmp_path / "d", work)
    epochs = [np.concatenate(drawn.batches(epoch)) for epoch in range(3)]
    assert all(np.array_equal(np.sort(epoch), np.arange(300)) for epoch in epochs)
    assert not np.array_equal(epochs[0], epochs[1])
    assert [len(batch) for batch in drawn.batches(0)] == [64, 64, 64, 64, 44]


def test_the_full_batch_is_one_slice(tmp_path):
    data.write_data(tmp_path / "d", SPIRAL, 0, "float32")
    assert data.Data(tmp_path / "d", SPIRAL).batches(0) == [slice(None)]


def test_the_ceiling_of_the_spiral_is_what_integration_gives():
    # 0.9098 by exact integration over the angle at every radius.
    assert abs(datasets.find_ceiling("spiral", SPIRAL.dataset_args) - 0.9098) < 0.002


def test_the_posterior_is_calibrated_on_fresh_points():
    entry = datasets.DATASETS["spiral"]
    X, y = entry.make(60_000, np.random.default_rng(1), **SPIRAL.dataset_args)
    p = entry.posterior(X, **SPIRAL.dataset_args)
    assert np.allclose(p.sum(1), 1)
    for low in (0.5, 0.6, 0.7, 0.8, 0.9):
        chosen = (p.max(1) >= low) & (p.max(1) < low + 0.1)
        hits = (p.argmax(1) == y)[chosen]
        assert abs(hits.mean() - p.max(1)[chosen].mean()) < 4 * 0.5 / np.sqrt(chosen.sum()) + 0.005


def test_a_reduced_parity_workload_uses_values_that_float32_holds():
    small = parity.reduce_workload(workloads.read_workloads()["step-784-2048-2048-10-b1024-adam"])
    assert small.layers == (784, 16, 16, 10) and small.train_rows == 64
    for name in ("lr", "momentum", "l2", "decay", "beta_1", "beta_2", "epsilon"):
        value = getattr(small, name)
        assert float(np.float32(value)) == value, name
    assert parity.reduce_workload(SPIRAL).recipe == SPIRAL.recipe


@pytest.mark.parametrize(
    ("values", "error"),
    [
        (np.zeros((3, 1)), score.Invalid),
        (np.zeros(4), score.Invalid),
        (np.array(["a", "b", "c"]), score.Invalid),
        (np.array([1, np.nan, 2]), score.Diverged),
    ],
)
def test_an_answer_that_cannot_be_scored_is_refused(values, error):
    with pytest.raises(error):
        score.check_values(values, (3,), "predict")


def test_cross_entropy_of_certainty_and_of_ignorance():
    y = np.array([0, 1])
    assert score.measure_cross_entropy(np.eye(2), y) == pytest.approx(0)
    assert score.measure_cross_entropy(np.full((2, 2), 0.5), y) == pytest.approx(np.log(2))
    assert score.measure_cross_entropy(None, y) is None


@pytest.mark.parametrize("classes", [2, 4])
def test_scores_of_unbalanced_classes_are_scikit_learns(classes):
    rng = np.random.default_rng(classes)
    y = rng.choice(classes, 400, p=np.arange(classes, 0, -1) / sum(range(classes + 1)))
    p = np.exp(rng.normal(size=(400, classes)) + np.eye(classes)[y]).round(1)  # with ties
    p /= p.sum(axis=1, keepdims=True)
    wanted = metrics.roc_auc_score(y, p[:, 1] if classes == 2 else p, multi_class="ovr")
    assert score.measure_auc(p.astype(np.float32), y) == pytest.approx(wanted, abs=1e-3)
    wanted = metrics.balanced_accuracy_score(y, p.argmax(axis=1))
    assert score.measure_balanced_accuracy(p.argmax(axis=1), y) == pytest.approx(wanted)
    assert score.measure_auc(np.full((400, classes), 0.5), y) == 0.5
    assert score.measure_auc(None, y) is score.measure_auc(p, np.zeros(400, int)) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("open /home/someone/secret/file.txt failed", "open file.txt failed"),
        ("open results/run/arrays/a.npz failed", "open a.npz failed"),
        ("two\nlines", "two lines"),
        ("ratio 3/4 stays", "ratio 3/4 stays"),
        ("cannot open /home/alice: denied", "cannot open ~: denied"),
        (r"no C:\Users\bob\Desktop\my file.txt", "no my file.txt"),
        (r"C:\Users\bob is missing", "~ is missing"),
        ("/home/alice/My Documents/x.py", "x.py"),
        ("\x1b]0;title\x07 and \x1b[31mred", "]0;title and [31mred"),
    ],
)
def test_reasons_hold_no_folders_and_are_one_line(text, shown):
    assert strip_paths(text) == shown


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (OSError(13, "Permission denied", "/home/alice/a.csv"), "Permission denied: a.csv"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("the folder is gone"), "the folder is gone"),
    ],
)
def test_what_the_system_says_is_quoted_with_a_file_if_it_names_one(error, shown):
    assert describe_os_error(error) == shown


def test_the_environment_holds_no_name_of_host_or_user():
    import getpass
    import platform

    text = json.dumps([machine.environment(), machine.installed_versions(), machine.digest_code()])
    assert platform.node() not in text
    assert os.path.expanduser("~") not in text or os.path.expanduser("~") == "/"
    if len(getpass.getuser()) > 3 and getpass.getuser() != "root":
        assert getpass.getuser() not in text


def test_the_command_is_kept_without_folders():
    assert machine.shorten_command(["--results", "/data/someone/r"]) == (
        "python -m benchmarks.run --results r"
    )


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("--target km/h --data /data/someone/x.csv", "--target km/h --data x.csv"),
        ("--data=/data/someone/x.csv --target a", "--data=x.csv --target a"),
        ("--executor dask://10.0.0.1:8786", "--executor dask://HOST:PORT"),
    ],
)
def test_only_paths_and_hosts_are_shortened(typed, kept):
    assert machine.shorten_command(typed.split()) == f"python -m benchmarks.run {kept}"
    assert machine.shorten_command(["--target", "house price"]).endswith("--target 'house price'")


def test_memory_of_a_kernel_without_a_peak_is_the_resident_set(monkeypatch):
    monkeypatch.setattr(memory, "_has_high_water", lambda: False)
    probe = memory.HighWater()
    with probe.phase("train"):
        pass
    assert probe.list_fields()["memory_peak_bytes"] > MEBIBYTE


def test_memory_elsewhere_than_on_linux_says_how_it_was_read(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert memory._method() == memory.WORKING_SET
    monkeypatch.setattr(sys, "platform", "darwin")
    assert memory._method() == memory.RESIDENT
    probe = memory.HighWater()
    with probe.phase("train"):
        pass
    assert probe.list_fields()["memory_peak_bytes"] > MEBIBYTE


def test_a_clock_that_jumps_back_costs_the_curve_and_not_the_trial(tmp_path):
    class Curve(memory.Sampler):
        def __init__(self):
            self._samples = [(100.0, 1.0), (101.0, 1.0)]
            self._thread = threading.Thread()
            self._thread.start()

    assert Curve().save(50.0, 99.0, tmp_path / "a.npz") == {"memory_samples": 0}
    kept = Curve().save(200.0, 99.0, tmp_path / "a.npz")
    assert kept == {"memory_sampled_peak_bytes": 2**20, "memory_samples": 2}


def test_a_row_names_its_cores_and_their_clock(measure):
    row = measure("noop", family="control")
    assert len(row["cores"]) == 1
    assert row["cpu_mhz"] is None or row["cpu_mhz"] > 100
