"""Runs on a Dask cluster: a real scheduler and real workers, which are killed in the middle."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

import benchmarks
from benchmarks.analyse.metrics import METRICS
from benchmarks.analyse.samples import collect_samples, pair
from benchmarks.measure import connection
from benchmarks.measure.cluster_workers import read_places
from benchmarks.measure.workspace import find_processes
from benchmarks.run import main
from tests.benchmarks.processes import PLUGIN, ROOT, run, start, until_rows

distributed = pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform == "win32", reason="signals and locks are a POSIX matter"),
]
# What differs between two runs of the same trials, beside times.
OF_THE_MOMENT = (
    "run_id", "machine_id", "order", "started_at", "cpu_s", "load_average", "steal_s", "cores",
    "context_switches", "cpu_mhz", "gemm_gflops", "shared",
)  # fmt: skip
EXCLUSIVE, TRIAL = ("--nthreads", 1, "--resources", "exclusive=1"), ("--nthreads", 2)


class Machines:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, folder, *workers):
        self.folder, self.processes = folder, []
        folder.mkdir()
        self.file = folder / "scheduler.json"
        self.scheduler = self._start(
            "dask_scheduler", "--host", "127.0.0.1", "--port", 0, "--no-dashboard", "--no-show",
        )  # fmt: skip
        self.workers = [self.add_worker(*options) for options in workers]
        end = time.monotonic() + 60
        while not self._read_address() and time.monotonic() < end:
            time.sleep(0.05)
        self.executor = self._read_address().replace("tcp", "dask")

    def _read_address(self):
        """Of the scheduler; empty until it has written its file to the end."""
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            return json.loads(self.file.read_text())["address"]
        return ""

    def add_worker(self, *options, core=None):
        return self._start(
            "dask_worker", "--no-dashboard", "--local-directory", self.folder, *options, core=core
        )

    def _start(self, module, *options, core=None):
        words = ["--scheduler-file", self.file, *options]
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", *map(str, words)],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": PLUGIN},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=None if core is None else lambda: os.sched_setaffinity(0, {core}),
        )
        self.processes.append(process)
        return process

    def close(self):
        for process in self.processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                for one in [*psutil.Process(process.pid).children(recursive=True), process]:
                    with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                        one.kill()
            process.wait()


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    """One worker that declares itself exclusive, and one for everything else."""
    made = Machines(tmp_path_factory.mktemp("dask") / "cluster", EXCLUSIVE, TRIAL)
    yield made
    made.close()


def wait_for_workers(machines, count):
    client = distributed.Client(machines.executor.replace("dask", "tcp"), set_as_default=False)
    with contextlib.closing(client):
        client.wait_for_workers(count, timeout=60)


def read(folder):
    """The rows of the only run below a folder, and its description."""
    (path,) = (folder / "results").glob("*/trials.jsonl")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return rows, json.loads((path.parent / "run.json").read_text()), path.parent


def assert_complete(folder):
    rows, description, _ = read(folder)
    assert sorted(row["trial_id"] for row in rows) == sorted(description["plan"])
    return rows


def find_trial(worker):
    """Wait for the process of a trial below a worker; the process that a nanny looks after."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(worker.pid).children():
                below = child.children(recursive=True)
                if any("benchmarks.measure.worker" in one.cmdline() for one in below):
                    return child
        time.sleep(0.02)
    raise AssertionError("no trial began")


def test_rows_are_those_of_a_local_run_in_all_but_times_and_machine(command, machines, tmp_path):
    options = ("--systems", "mapicx,numpy-plain", "--seeds", 2, "--measures", "accuracy,parity")
    found = {}
    for name, where in (("here", ()), ("there", ("--executor", machines.executor))):
        done = run(command, tmp_path / name, *options, *where)
        assert done.returncode == 0, done.stderr
        rows, description, folder = read(tmp_path / name)
        found[name] = {row["trial_id"]: row for row in rows}, folder
        assert len(rows) == len(description["plan"]) == 6
    for trial_id, here in found["here"][0].items():
        there = found["there"][0][trial_id]
        for field, value in here.items():
            if field not in OF_THE_MOMENT and not field.startswith("time_"):
                assert there[field] == value, field
        arrays = [folder / "arrays" / f"{trial_id}.npz" for _, folder in found.values()]
        assert arrays[0].exists() == arrays[1].exists()
        if arrays[0].exists():
            with np.load(arrays[0]) as one, np.load(arrays[1]) as other:
                assert all((one[name] == other[name]).all() for name in one.files)
    known = json.loads((found["there"][1] / "machines.json").read_text())
    assert {row["machine_id"] for row in found["there"][0].values()} == known.keys()
    assert all(facts["environment"]["cores"] for facts in known.values())
    assert "127.0.0.1" not in description["command"]


def test_a_block_whose_worker_is_killed_is_timed_again_as_a_whole(machines, tmp_path):
    process = start(
        tmp_path, "--systems", "fair", "--measures", "time", "--seeds", 1,
        "--executor", machines.executor,
    )  # fmt: skip
    find_trial(machines.workers[0]).kill()  # its nanny starts another one
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    rows = assert_complete(tmp_path)
    assert {row["status"] for row in rows} == {"ok"} and not any(row["shared"] for row in rows)
    assert next(r["time_bare_s"] for r in rows if r["system"] == "noop") > 0


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="needs two cores, of which a worker can be given one",
)
def test_a_block_is_timed_on_one_machine_and_ratios_stay_within_machines(tmp_path):
    """A worker that is allowed one core and one that is allowed all count as two machines."""
    two = Machines(tmp_path / "two", EXCLUSIVE)
    try:
        two.add_worker(*EXCLUSIVE, core=min(os.sched_getaffinity(0)))
        wait_for_workers(two, 2)
        process = start(
            tmp_path, "--systems", "mapicx,numpy-plain", "--measures", "time", "--seeds", 4,
            "--executor", two.executor,
        )  # fmt: skip
        output, _ = process.communicate(timeout=300)
    finally:
        two.close()
    assert process.returncode == 0, output
    rows, _, folder = read(tmp_path)
    of_block = {}
    for row in rows:
        of_block.setdefault(row["block"], set()).add(row["machine_id"])
    assert len(of_block) == 4 and all(len(found) == 1 for found in of_block.values())
    known = json.loads((folder / "machines.json").read_text())
    assert set.union(*of_block.values()) == known.keys() and len(known) == 2
    assert sorted(facts["environment"]["cores"] for facts in known.values())[0] == 1
    frame = benchmarks.load(folder)
    samples = {
        name: collect_samples(frame[frame["system"].eq(name)], METRICS["time_total_s"])
        for name in ("numpy-plain", "mapicx")
    }
    ratios, bases = pair(samples["numpy-plain"], samples["mapicx"])
    assert len(ratios) == len(bases) == 4
    text = (tmp_path / "reports" / folder.name / "report.html").read_text()
    assert all(machine_id in text for machine_id in known)


@pytest.mark.slow
def test_a_trial_that_ends_every_worker_is_given_up_and_the_others_go_on(command, tmp_path):
    """A worker of one thread: what runs beside such a trial would be ended with it."""
    alone = Machines(tmp_path / "alone", ("--nthreads", 1))
    try:
        done = run(
            command, tmp_path, "--systems", "fair,fault-assassin", "--measures", "accuracy",
            "--seeds", 1, "--executor", alone.executor,
        )  # fmt: skip
    finally:
        alone.close()
    assert done.returncode == 1, done.stderr
    rows = {row["system"]: row for row in assert_complete(tmp_path)}
    assert rows["fair"]["status"] == "ok"
    assert rows["fault-assassin"]["status"] == "crashed"
    assert "3 times" in rows["fault-assassin"]["reason"]


def test_a_scheduler_that_is_lost_ends_the_run_which_then_goes_on(command, machines, tmp_path):
    lost = Machines(tmp_path / "lost", TRIAL)
    try:
        process = start(
            tmp_path, "--systems", "fair", "--measures", "memory", "--seeds", 8,
            "--executor", lost.executor,
        )  # fmt: skip
        folder = until_rows(tmp_path, 3)
        lost.scheduler.kill()
        output, _ = process.communicate(timeout=60)
    finally:
        lost.close()
    assert process.returncode == 1, output
    assert "connection to the Dask scheduler" in output and "was lost" in output
    assert f"--resume {folder.name}" in output and "--executor dask://" in output
    before = (folder / "trials.jsonl").read_bytes()
    done = run(command, tmp_path, "--resume", folder.name, "--executor", machines.executor)
    assert done.returncode == 0, done.stderr
    assert (folder / "trials.jsonl").read_bytes().startswith(before)
    assert_complete(tmp_path)


@pytest.mark.slow
def test_an_interrupt_of_a_cluster_of_ones_own_leaves_nothing(tmp_path):
    (tmp_path / "tmp").mkdir()
    process = start(
        tmp_path, "--systems", "fair", "--measures", "memory", "--seeds", 9,
        "--executor", "dask", TMPDIR=str(tmp_path / "tmp"),
    )  # fmt: skip
    folder = until_rows(tmp_path, 3)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "--executor dask" in output and list((tmp_path / "reports").glob("*/report.md"))
    assert list(find_processes(tmp_path / "tmp")) == []
    rows = benchmarks.load(folder)
    assert rows["trial_id"].is_unique and set(rows["status"]) == {"ok"} and len(rows) < 27


def test_workers_that_cannot_serve_a_run_are_refused_before_it(
    machines, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(connection, "CONNECT_S", 1.0)
    copy = tmp_path / "checkout"
    for name in ("mapicx", "baselines", "benchmarks"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    with (copy / "mapicx" / "__init__.py").open("a") as file:
        file.write("# another version\n")
    options = ["--systems", "noop", "--measures", "accuracy", "--seeds", "1"]
    for where, said in (
        (("--executor", machines.executor, "--worker-path", copy), "other code in 'mapicx'"),
        (("--executor", machines.executor, "--worker-path", tmp_path), "no checkout"),
        (("--executor", "dask://127.0.0.1:1"), "dask scheduler --port 1"),
    ):
        assert main([*options, *map(str, where), "--results", str(tmp_path / "results")]) == 2
        assert said in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--executor", "slurm"])
    assert "dask://HOST:PORT" in capsys.readouterr().err
    assert not list((tmp_path / "results").glob("*/run.json"))


def test_times_are_refused_where_no_worker_is_exclusive(tmp_path, capsys):
    shared = Machines(tmp_path / "shared", TRIAL)
    try:
        words = ["--systems", "noop", "--measures", "time", "--executor", shared.executor]
        assert main([*words, "--results", str(tmp_path / "results")]) == 2
    finally:
        shared.close()
    assert "--resources 'exclusive=1'" in capsys.readouterr().err


@pytest.mark.slow
def test_ten_thousand_trials_keep_the_client_small_and_fast(machines, tmp_path):
    began, log = time.monotonic(), (tmp_path / "log").open("w+")
    process = start(
        tmp_path, "--systems", "noop", "--measures", "accuracy", "--seeds", 10_000,
        "--executor", machines.executor, stdout=log,
    )  # fmt: skip
    until_rows(tmp_path, 10_000, limit=500)
    seconds, peak = time.monotonic() - began, 0
    with contextlib.suppress(FileNotFoundError):  # the report is not what is asked about
        status = Path(f"/proc/{process.pid}/status").read_text()
        peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    process.wait(600)
    print(f"{10_000 / seconds:.0f} rows a second, client {peak:.0f} MiB")
    log.close()
    assert process.returncode == 0, (tmp_path / "log").read_text()[-2000:]
    assert 0 < peak < 300 and seconds < 10_000 / 20
    assert_complete(tmp_path)


def test_places_are_what_workers_declare_or_their_threads():
    def worker(threads, **resources):
        return {"nthreads": threads, "resources": resources}

    declared = read_places({"a": worker(1, exclusive=1), "b": worker(9, trial=8), "c": worker(4)})
    assert declared.exclusive == {"a"} and declared.others == {"b": 8} and declared.declared
    undeclared = read_places({"a": worker(1, exclusive=1), "c": worker(4)})
    assert undeclared.others == {"c": 4} and not undeclared.declared
    alone = read_places({"a": worker(1, exclusive=1), "b": worker(1, exclusive=1)})
    assert alone.others == {"a": 1, "b": 1} and not alone.disturbing and declared.disturbing
