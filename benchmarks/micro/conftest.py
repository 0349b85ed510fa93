"""Choose the system and set up its process: one framework per process, one per call.

Settings that affect arithmetic and threads are fixed before any library is loaded, as in the
worker of a trial: none of the machine's own settings, one thread, one core.
"""

from __future__ import annotations

import os

import pytest

from benchmarks.measure import threads


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --system NAME and --workload NAME.

    Parameters
    ----------
    parser : pytest.Parser
        The pytest command-line parser.
    """
    group = parser.getgroup("mapicx")
    group.addoption("--system", default="mapicx", help="the system to time (mapicx)")
    group.addoption("--workload", default="step-2-64-3-b300-sgd", help="from workloads.toml")


def pytest_configure(config: pytest.Config) -> None:
    """Give this process the environment of a trial, which libraries read when they load.

    Parameters
    ----------
    config : pytest.Config
        Unused: the environment is the same for every system.
    """
    wanted = threads.child_environment(1, ".", "", os.environ)
    for name in threads.changed_variables(os.environ):
        if name not in wanted:
            del os.environ[name]
    os.environ.update({name: wanted[name] for name in threads.POOLS})
    threads.pin(1)
