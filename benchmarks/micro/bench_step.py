"""Time a hundred training steps, and the prediction of one row and of all test rows.

    python -m pytest benchmarks/micro --system mapicx --benchmark-save=mapicx
    python -m pytest benchmarks/micro --system torch-eager --benchmark-compare

Save and compare with pytest-benchmark's own options. A quick look, not a verdict: those come from
`python -m benchmarks.run`, which interleaves fresh processes.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import baselines
from benchmarks.errors import UsageError, check_known
from benchmarks.measure.data import Data, read_weights, write_data
from benchmarks.plan.workloads import read_workloads

STEPS = 100


class Trained(NamedTuple):
    """A system that was built and trained once, with its data and initial weights."""

    system: Any
    data: Data
    weights: list[Any]


@pytest.fixture(scope="session")
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train the system named on the command line. Raise UsageError for unknown names."""
    name, chosen = (request.config.getoption(option) for option in ("--system", "--workload"))
    known = read_workloads()
    check_known("system", [name], baselines.names())
    check_known("workload", [chosen], known)
    workload = dataclasses.replace(known[chosen], epochs=STEPS)
    folder = tmp_path_factory.mktemp("data")
    write_data(folder, workload, 0, "float32")
    kind: Any = baselines.system(name)
    system = kind(workload, seed=0, threads=1, dtype="float32")
    refusal = system.supports(workload)
    if refusal:
        raise UsageError(f"{name} does not run {chosen}: {refusal}")
    system.load()
    data, weights = Data(folder, workload), read_weights(folder)
    system.build(data, weights)
    system.train()
    return Trained(system, data, weights)


def test_hundred_training_steps(benchmark: BenchmarkFixture, trained: Trained) -> None:
    """Time STEPS training steps; a single step takes a hundredth of this."""
    system, _, weights = trained
    benchmark.pedantic(
        system.train, setup=lambda: system.reset(weights), rounds=20, iterations=1, warmup_rounds=1
    )
    benchmark.extra_info["steps"] = system.steps


def test_predict_one_row(benchmark: BenchmarkFixture, trained: Trained) -> None:
    """Time the prediction of one row, the cost of serving one request."""
    benchmark(trained.system.predict, trained.data.X_test[:1])


def test_predict_test_rows(benchmark: BenchmarkFixture, trained: Trained) -> None:
    """Time the prediction of all test rows at once."""
    benchmark(trained.system.predict, trained.data.X_test)
