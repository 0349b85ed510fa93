"""The benchmark suite: plan -> measure -> record -> analyse -> render.

`benchmarks.load(path)` returns the recorded rows as a pandas DataFrame. pandas is imported on
first use, because the process that measures imports this package too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    import pandas


def load(path: str | os.PathLike[str]) -> pandas.DataFrame:
    """Return the rows of one run, or of every run below a folder.

    Every field of record/schema.py is a column with its dtype; `comparable` and `parity_max_abs`
    are joined from the parity rows on (run_id, system, recipe). FileNotFoundError if `path` does
    not exist.
    """
    from benchmarks.record.frame import load as load_rows

    return load_rows(path)
