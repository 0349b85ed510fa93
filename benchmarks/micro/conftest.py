"""Chooses the system, and how its process may run: one framework per process, one per call.

What decides arithmetic and threads is settled before any library is loaded, as the worker of a
trial does it: none of the machine's own settings, one thread, one core.
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
        The command line of pytest.
    """
    group = parser.getgroup("mapicx")
    group.addoption("--system", default="mapicx", help="the system to time (mapicx)")
    group.addoption("--workload", default="step-2-64-3-b300-sgd", help="from workloads.toml")


def pytest_configure(config: pytest.Config) -> None:
    """Give this process the environment of a trial; libraries read it when they load.

    Parameters
    ----------
    config : pytest.Config
        Not used: the same holds for every system.
    """
    wanted = threads.child_environment(1, ".", "", os.environ)
    for name in threads.changed_variables(os.environ):
        if name not in wanted:
            del os.environ[name]
    os.environ.update({name: wanted[name] for name in threads.POOLS})
    threads.pin(1)
