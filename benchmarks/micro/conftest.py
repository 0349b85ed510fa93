"""Chooses the system: one framework per process, so one `--system` per call."""

from __future__ import annotations

import dataclasses
import os

import pytest

import baselines
from benchmarks.measure import data, threads
from benchmarks.plan import workloads


def pytest_addoption(parser):
    """--system NAME and --workload NAME."""
    group = parser.getgroup("mapicx")
    group.addoption("--system", default="mapicx", help="the system to time (mapicx)")
    group.addoption("--workload", default="step-2-64-3-b300-sgd", help="from workloads.toml")


def pytest_configure(config):
    """One thread, and none of the machine's settings; libraries read these when they load."""
    wanted = threads.child_environment(1, ".", "", os.environ)
    for name in set(os.environ) - set(wanted):
        if name in threads.changed_variables(os.environ):
            del os.environ[name]
    for name in threads.POOLS:
        os.environ[name] = wanted[name]
    threads.pin(1)


@pytest.fixture(scope="session")
def trained(request, tmp_path_factory):
    """The chosen system, built and trained once, with its data and start weights."""
    name = request.config.getoption("--system")
    known = workloads.workloads()
    chosen = request.config.getoption("--workload")
    if name not in baselines.names():
        raise workloads.unknown("system", name, baselines.names())
    if chosen not in known:
        raise workloads.unknown("workload", chosen, known)
    workload = dataclasses.replace(known[chosen], epochs=100)
    folder = tmp_path_factory.mktemp("data")
    data.make(folder, workload, 0, "float32")
    system = baselines.system(name)(workload, seed=0, threads=1, dtype="float32")
    refusal = system.supports(workload)
    if refusal:
        raise workloads.UsageError(f"{name} does not run {chosen}: {refusal}")
    system.load()
    drawn, weights = data.Drawn(folder, workload), data.read_weights(folder)
    system.build(drawn, weights)
    system.train()
    return system, drawn, weights
