"""What the harness itself costs."""

from __future__ import annotations

import pandas as pd

from benchmarks.analyse.stats import Estimate, median_interval


def noop_overhead(frame: pd.DataFrame) -> Estimate:
    """Seconds from exec to row on disk of a trial that does nothing, less a bare interpreter."""
    rows = frame[
        frame["system"].eq("noop") & frame["measure"].eq("time") & frame["status"].eq("ok")
    ]
    recording = rows["time_record_s"].fillna(0.0)
    return median_interval(rows["time_total_s"] + recording - rows["time_bare_s"])
