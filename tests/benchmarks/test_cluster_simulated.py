"""A hundred workers, of which some die: the client is real, the cluster is made up.

No machine at hand has a hundred workers. What they would send, and when, is known; so threads
send it, and what is measured is what the client costs and what the deaths cost.
"""

import dataclasses
import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from baselines.contract import Workload
from benchmarks.measure.cluster import Cluster
from benchmarks.measure.scheduler import Scheduler
from benchmarks.plan.durations import Durations
from benchmarks.plan.trials import Trial
from benchmarks.record.rows import read_rows
from benchmarks.record.store import Store
from tests.benchmarks.synthetic import WORKLOAD

WORKERS, TRIALS, DEATHS, TRIAL_S = 100, 10_000, 0.05, 0.1


class Future:
    """What the client's `submit` gives back."""

    status = "pending"

    def __init__(self):
        self.callbacks = []

    def add_done_callback(self, function):
        self.callbacks.append(function)

    def end(self):
        self.status = "finished"
        for function in self.callbacks:
            function(self)

    def result(self):
        return {"lines": [], "failure": None}

    def cancel(self):
        pass


class Client:
    """A cluster whose workers each die with a probability of `DEATHS` during a unit."""

    def __init__(self):
        self.random, self.pool = random.Random(0), ThreadPoolExecutor(WORKERS)
        self.busy_s, self.lost_s, self.deaths = 0.0, 0.0, 0
        self.counting = threading.Lock()

    def subscribe_topic(self, topic, handle):
        self.handle = handle

    def scheduler_info(self, n_workers):
        worker = {"resources": {"trial": 1}, "nthreads": 1}
        return {"workers": {f"tcp://10.0.0.{i}:1": worker for i in range(WORKERS)}}

    def submit(self, task, program, spec, folder, topic, token, stream, **where):
        future = Future()
        self.pool.submit(self.work, json.loads(spec), token, future)
        return future

    def work(self, spec, token, future):
        while True:
            self.handle((0.0, {"unit": token}))
            trials = spec["trials"]
            with self.counting:
                dies = self.random.random() < DEATHS
                last = self.random.randrange(len(trials)) if dies else len(trials)
            for trial in trials[:last]:
                time.sleep(TRIAL_S)
                row = {**trial, "run_id": "simulated", "machine_id": "m", "status": "ok"}
                line = json.dumps({"row": row, "seconds": TRIAL_S})
                self.handle((0.0, {"unit": token, "line": line}))
            with self.counting:
                self.busy_s += last * TRIAL_S
                self.lost_s += dies * last * TRIAL_S  # Dask gives the whole unit to another worker
                self.deaths += dies
            if not dies:
                break
        future.end()

    def close(self, timeout):
        self.pool.shutdown()


class Listener:
    def on_trial_start(self, trial, left_s): ...

    def on_trial_end(self, trial, row, seconds): ...

    def on_stage_end(self, block): ...


@pytest.mark.slow
def test_a_hundred_workers_of_which_one_in_twenty_units_kills_one(tmp_path, capsys):
    workload = Workload(**WORKLOAD)
    first = Trial(
        system="noop", family="control", workload=workload.name, seed=0, threads=1,
        measure="accuracy", dtype="float32", block=1, order=0, recipe="r", workload_digest="d",
    )  # fmt: skip
    plan = [dataclasses.replace(first, seed=i, order=i) for i in range(TRIALS)]
    store, client = Store(tmp_path / "20260101T000000-simulated"), Client()
    description = {"run_id": "simulated", "plan": [trial.trial_id for trial in plan]}
    store.create(description)
    cluster = Cluster(
        client, {"run_id": "simulated"}, {workload.name: WORKLOAD}, "/checkout", "10.0.0.1:8786",
        side_by_side=False, note=store.note_machine,
    )  # fmt: skip
    before, began = psutil.Process().memory_info().rss, time.perf_counter()
    durations = Durations({workload.name: workload}, *cluster.count_parallel())
    assert Scheduler(store, cluster, durations, Listener()).run(plan, None)
    seconds = time.perf_counter() - began
    grown = (psutil.Process().memory_info().rss - before) / 2**20
    cluster.close()
    rows = list(read_rows(store.run))
    assert sorted(row["trial_id"] for row in rows) == sorted(description["plan"])
    assert {row["status"] for row in rows} == {"ok"}
    assert client.deaths > 0
    with capsys.disabled():
        print(
            f"\n{TRIALS / seconds:.0f} rows a second, the client grew by {grown:.0f} MiB;"
            f" {client.deaths} workers died, {100 * client.lost_s / client.busy_s:.1f} % of the"
            " workers' time was measured twice"
        )
