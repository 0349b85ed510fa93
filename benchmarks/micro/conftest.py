"""Chooses the system: one framework per process, so one `--system` per call."""

from __future__ import annotations

import dataclasses
import os

import pytest

import baselines
from benchmarks.errors import UsageError, unknown_name
from benchmarks.measure import threads
from benchmarks.measure.data import Data, generate_data, read_weights
from benchmarks.plan.workloads import read_workloads


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
    known = read_workloads()
    chosen = request.config.getoption("--workload")
    if name not in baselines.names():
        raise unknown_name("system", name, baselines.names())
    if chosen not in known:
        raise unknown_name("workload", chosen, known)
    workload = dataclasses.replace(known[chosen], epochs=100)
    folder = tmp_path_factory.mktemp("data")
    generate_data(folder, workload, 0, "float32")
    system = baselines.system(name)(workload, seed=0, threads=1, dtype="float32")
    refusal = system.supports(workload)
    if refusal:
        raise UsageError(f"{name} does not run {chosen}: {refusal}")
    system.load()
    drawn, weights = Data(folder, workload), read_weights(folder)
    system.build(drawn, weights)
    system.train()
    return system, drawn, weights
