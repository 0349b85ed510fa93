"""Which fields of a row the report estimates, from which trials, and in which words it judges.

One table; summary.py interprets it. The verdict words are defined here and nowhere else.
"""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.record.schema import FIELDS

EQUIVALENT, UNDECIDED = "equivalent within", "undecided"


class Metric(NamedTuple):
    """One estimated field. Unit and meaning stand in record/schema.py under the same name."""

    name: str
    measures: tuple[str, ...]  # trials that supply it, the preferred one first
    estimator: str  # "median" (95 % interval), "range" (hardly varies) or "mean" (over seeds)
    compare: str  # "ratio" or "difference" to the base system, or "" for the value alone
    less: str = ""  # verdict when the system's value is below the base's ...
    more: str = ""  # ... and when it is above
    margin: str = ""  # key of MARGINS

    @property
    def unit(self) -> str:
        """Unit as the schema declares it."""
        return FIELDS[self.name].unit


SCORED = ("time", "memory", "accuracy")
TIMES = (
    "time_total_s",
    "time_start_s",
    "time_import_s",
    "time_data_s",
    "time_build_s",
    "time_train_cold_s",
    "time_train_warm_s",
    "time_step_warm_s",
    "time_predict_s",
    "time_predict_one_s",
    "time_exit_s",
    "cpu_s",
)
PEAKS = (
    "memory_import_peak_bytes",
    "memory_build_peak_bytes",
    "memory_train_peak_bytes",
    "memory_peak_bytes",
    "memory_sampled_peak_bytes",
)
# Increments and parts may be nearly zero, so they get no ratio.
PARTS = ("memory_import_anon_bytes", "memory_import_file_bytes", "memory_train_increment_bytes")

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy_test", SCORED, "mean", "difference", "lower", "higher", "accuracy"),
        Metric("accuracy_train", SCORED, "mean", ""),
        Metric("loss_test", SCORED, "mean", ""),
        Metric("mse_test", SCORED, "mean", ""),
        Metric("r2_test", SCORED, "mean", "difference", "lower", "higher", "accuracy"),
        *(Metric(n, ("time",), "median", "ratio", "faster", "slower", "time") for n in TIMES),
        *(Metric(n, ("memory",), "range", "ratio", "smaller", "larger", "memory") for n in PEAKS),
        *(Metric(n, ("memory",), "range", "") for n in PARTS),
        Metric("gemm_gflops", ("parity", "time"), "median", ""),
    )
}

# Fixed before a run is looked at. A run may carry its own in run.json under "margins".
MARGINS = {"accuracy": 0.01, "time": 0.05, "memory": 0.05}


def margin_words(metric: Metric, margin: float) -> str:
    """The margin as it stands behind "equivalent within"."""
    if metric.compare == "ratio":
        return f"{margin * 100:g} %"
    points = margin * 100
    return f"{points:g} point" + ("" if points == 1 else "s")
