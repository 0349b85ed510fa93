"""Which fields a report estimates, from which trials, and how verdicts on them are worded.

summary.py interprets this table; render/results.py chooses which of the metrics to show.
"""

from __future__ import annotations

import dataclasses
import math

from benchmarks.plan.workloads import read_table
from benchmarks.record.schema import FIELDS

# Fixed before a run is analysed and stored in its run.json, which then takes precedence.
MARGINS: dict[str, float] = read_table("margins.toml")
SCORED = ("time", "memory", "accuracy")
PHASES = {  # of a process from start to end (time_total_s)
    "start and import": ("time_start_s", "time_import_s"),
    "data and build": ("time_data_s", "time_build_s"),
    "training": ("time_train_cold_s",),
    "prediction and exit": ("time_predict_s", "time_exit_s"),
}


@dataclasses.dataclass(frozen=True)
class Metric:
    """One estimated field. Unit and meaning are in record/schema.py under the same name."""

    name: str
    measures: tuple[str, ...]  # trials that supply it, in order of preference
    estimator: str  # "median" (95 % interval), "range" (hardly varies) or "mean" (over seeds)
    compare: str = ""  # "ratio" to or "difference" from the base system, or "" for neither
    less: str = ""  # verdict when the system's value is below the base's ...
    more: str = ""  # ... and when it is above
    margin: str = ""  # key of MARGINS
    scale: tuple[float, float] = (-math.inf, math.inf)  # limits to which intervals are clipped
    trained: bool = False  # meaningless for a system that is not trained

    @property
    def heading(self) -> str:
        """Its name in tables."""
        return FIELDS[self.name].heading

    @property
    def unit(self) -> str:
        """Its unit in rows."""
        return FIELDS[self.name].unit

    @property
    def depends_on_machine(self) -> bool:
        """Whether it is a cost, never pooled over machines; only scores use the mean."""
        return self.estimator != "mean"


def _score(name: str, least: float, most: float, compared: bool = False) -> Metric:
    if not compared:
        return Metric(name, SCORED, "mean", scale=(least, most))
    words = "difference", "lower", "higher", "accuracy"
    return Metric(name, SCORED, "mean", *words, scale=(least, most))


def _time(name: str, trained: bool = False) -> Metric:
    return Metric(name, ("time",), "median", "ratio", "faster", "slower", "time", trained=trained)


def _peak(name: str) -> Metric:
    return Metric(name, ("memory",), "range", "ratio", "smaller", "larger", "memory")


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _score("accuracy_test", 0, 1, compared=True),
        _score("accuracy_train", 0, 1),
        _score("balanced_accuracy_test", 0, 1),
        _score("auc_test", 0, 1),
        _score("loss_train", 0, math.inf),
        _score("loss_test", 0, math.inf),
        _score("mse_test", 0, math.inf),
        _score("r2_test", -math.inf, 1, compared=True),
        _time("time_total_s"),
        _time("time_start_s"),
        _time("time_import_s"),
        _time("time_data_s"),
        _time("time_build_s"),
        _time("time_train_cold_s", trained=True),
        _time("time_train_warm_s", trained=True),
        _time("time_step_warm_s", trained=True),
        _time("time_predict_s"),
        _time("time_predict_one_s"),
        _time("time_exit_s"),
        _time("cpu_s"),
        _peak("memory_import_peak_bytes"),
        _peak("memory_build_peak_bytes"),
        _peak("memory_train_peak_bytes"),
        _peak("memory_peak_bytes"),
        _peak("memory_sampled_peak_bytes"),
        # Increments and parts may be close to zero, so no ratio is formed.
        Metric("memory_import_anon_bytes", ("memory",), "range"),
        Metric("memory_import_file_bytes", ("memory",), "range"),
        Metric("memory_train_increment_bytes", ("memory",), "range"),
        Metric("gemm_gflops", ("parity", "time"), "median"),
    )
}
STEP = METRICS["time_step_warm_s"]
