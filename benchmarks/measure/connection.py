"""Connect a run to a Dask cluster: an existing one, or a new one on this machine."""

from __future__ import annotations

import argparse
import contextlib
import logging
import re
import tempfile
from argparse import ArgumentTypeError
from typing import Any

from benchmarks.errors import UsageError
from benchmarks.measure import cluster, machine
from benchmarks.measure.cluster_workers import PATIENCE_S, START
from benchmarks.measure.exit_status import install_command
from benchmarks.measure.new_run import THIS_MACHINE, Run
from benchmarks.paths import ROOT

DASK = "dask"
ADDRESS = re.compile(r"dask://((?:[\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5})/?")
CONNECT_S = 10.0


def read_executor(text: str) -> str:
    """Check what --executor names: local, dask or dask://HOST:PORT."""
    if text not in (THIS_MACHINE, DASK) and not ADDRESS.fullmatch(text):
        raise ArgumentTypeError(
            f"{text!r} is not an executor; write {THIS_MACHINE}, {DASK} or dask://HOST:PORT"
        )
    return text


def connect(run: Run, options: argparse.Namespace) -> cluster.Cluster:
    """Return an executor for the missing trials of a run. UsageError says why there is none."""
    try:
        import distributed
    except ImportError:
        raise UsageError(
            f"--executor {options.executor} needs Dask; {install_command(['distributed'])}"
        ) from None
    for name in list(logging.root.manager.loggerDict):  # the run itself reports what matters
        if name.startswith(("distributed", "tornado", "asyncio")):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with contextlib.ExitStack() as stack:
        owned = None
        if options.executor == DASK:
            owned = stack.enter_context(contextlib.closing(_start_cluster(distributed)))
            address, least = owned.scheduler_address.rpartition("//")[2], len(owned.worker_spec)
        else:
            address, least = ADDRESS.fullmatch(options.executor)[1], 1  # type: ignore[index]
        client = stack.enter_context(_open_client(distributed, address, least))
        executor = cluster.Cluster(
            client,
            {
                "run_id": run.description["run_id"],
                "digests": machine.digest_code(),
                "versions": machine.installed_versions(),
                "requires": {name: list(names) for name, names in run.requires.items()},
                "timeout": options.timeout,
                "memory_limit": options.memory_limit and int(options.memory_limit * 2**20),
                "source": str(run.source.resolve()) if run.source else None,
            },
            run.description["workloads"],
            options.worker_path or str(ROOT),
            address,
            side_by_side=run.side_by_side,
            note=run.store.note_machine,
            owned=owned,
        )
        executor.check(run.store.list_missing(run.plan))
        stack.pop_all()
    return executor


def _start_cluster(distributed: Any) -> Any:
    """Start a single-threaded worker for every core; one of them declares itself exclusive."""
    common = {
        "nthreads": 1,
        "memory_limit": None,  # trials use memory outside the worker's process
        "local_directory": tempfile.mkdtemp(prefix="mapicx-dask-"),
        "dashboard": False,
        "silence_logs": logging.CRITICAL,
        # Ctrl-C in this terminal is for the run, which cancels its units and reports.
        "preload": ["import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"],
    }
    resources = [{"trial": 1, "exclusive": 1}] + [{"trial": 1}] * (machine.count_cores() - 1)
    workers = {
        number: {"cls": distributed.Nanny, "options": {**common, "resources": declared}}
        for number, declared in enumerate(resources)
    }
    scheduler = {
        "cls": distributed.Scheduler,
        "options": {"host": "127.0.0.1", "port": 0, "dashboard": False},
    }
    return distributed.SpecCluster(workers, scheduler, silence_logs=logging.CRITICAL)


def _open_client(distributed: Any, address: str, least: int) -> Any:
    """Open a client, once `least` workers have connected."""
    try:
        client = distributed.Client(f"tcp://{address}", timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError):
        raise UsageError(
            f"no Dask scheduler answers at {address}; start one there with `dask scheduler --port"
            f" {address.rpartition(':')[2]}`, or use this machine's cores with --executor {DASK}"
        ) from None
    try:
        client.wait_for_workers(least, timeout=PATIENCE_S)
    except TimeoutError:
        client.close()
        start = START.format(address=address, resources="exclusive=1 trial=1")
        raise UsageError(
            f"the scheduler at {address} had no worker within {PATIENCE_S:g} s; start one"
            f" with `{start}` in an environment like this one"
        ) from None
    return client
