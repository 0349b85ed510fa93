"""The data sets of a run: drawn once, in a separate process, and kept until the run ends."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from baselines.contract import Workload
from benchmarks.measure import process
from benchmarks.measure.data import read_ceiling
from benchmarks.measure.exit_status import describe_exit
from benchmarks.plan import workloads as catalogue


class DataFailed(Exception):
    """A data set could not be made; the text says why."""


class DataSets:
    """Draws of workloads, each in its own folder within a temporary one.

    Parameters
    ----------
    source : Path
        The file of a user's table; None for built-in data sets.
    timeout : float
        Seconds per draw after which drawing is abandoned.
    """

    def __init__(self, source: Path | None, timeout: float) -> None:
        self.source, self.timeout = source, timeout
        self._temporary = tempfile.TemporaryDirectory(prefix="mapicx-data-")
        self.folder = Path(self._temporary.name)
        self._generating = threading.Lock()
        self._ceilings: dict[str, float | None] = {}  # by data set

    def close(self) -> None:
        """Remove all draws."""
        self._temporary.cleanup()

    def find(self, workload: Workload, seeds: Sequence[int], dtype: str) -> list[Path]:
        """Return the folders of these draws, creating those that do not exist yet."""
        digest = catalogue.digest_workload(workload)
        folders = {seed: self.folder / f"{digest}-{seed}-{dtype}" for seed in seeds}
        key = workload.dataset + json.dumps(workload.dataset_args, sort_keys=True)
        with self._generating:
            missing = {seed: folder for seed, folder in folders.items() if not folder.exists()}
            half = {seed: folder.with_suffix(".part") for seed, folder in missing.items()}
            if missing:
                spec = {
                    "folders": {str(folder): seed for seed, folder in half.items()},
                    "workload": dataclasses.asdict(workload),
                    "dtype": dtype,
                    "source": str(self.source) if self.source else None,
                    "ceiling": self._ceilings.get(key),  # it can take seconds to find
                }
                timeout = self.timeout * len(missing)
                end = process.run_module("benchmarks.measure.data", spec, timeout=timeout)
                if end.kill_reason == "timeout":
                    raise DataFailed(
                        f"the data could not be drawn within {timeout:g} s; give a longer --timeout"
                    )
                if end.exit_code != 0:
                    raise DataFailed(f"the data could not be drawn: {describe_exit(end)}")
                self._ceilings[key] = read_ceiling(next(iter(half.values())))
                for seed, folder in missing.items():
                    half[seed].rename(folder)
        return list(folders.values())
