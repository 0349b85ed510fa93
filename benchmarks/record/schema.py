"""Every field of a row, declared once: type, unit, direction, heading and meaning.

Validation, dtypes, table headings and the report's glossary are read from this table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmarks.errors import CONTROL


class Field(NamedTuple):
    """One column. `better` is "lower", "higher" or "" (not a score)."""

    name: str
    kind: str  # a key of KINDS
    unit: str
    better: str
    heading: str
    meaning: str

    @property
    def dtype(self) -> str:
        """The pandas dtype for the field, missing values included."""
        return KINDS[self.kind].dtype

    def find_fault(self, value: object) -> str | None:
        """Return why this is not a valid value, as the end of a sentence; None if it is."""
        if value is None:
            return None
        if not isinstance(value, KINDS[self.kind].types) or (
            isinstance(value, bool) and self.kind != "boolean"
        ):
            return f"is {_shorten(value)}; expected {KINDS[self.kind].expected}"
        if isinstance(value, (int, float)):
            if not math.isfinite(value) or abs(value) >= 2**63:
                return f"is {_shorten(value)}; expected a finite number of at most 63 bits"
            if value < 0 and self.name not in SIGNED:
                return f"is {_shorten(value)}; expected none below 0"
            if value > 1 and self.name in SHARES:
                return f"is {_shorten(value)}; expected a share, at most 1"
        if isinstance(value, str) and not _is_plain(value):
            return f"is {_shorten(value)}; expected text without control characters"
        if isinstance(value, list) and not all(
            type(part) is int or (isinstance(part, str) and _is_plain(part)) for part in value
        ):
            return f"is {_shorten(value)}; expected a list of texts or whole numbers"
        return None


class FieldKind(NamedTuple):
    """How values of a kind are held and checked. expected: in a sentence about a wrong value."""

    dtype: str
    types: tuple[type, ...]
    expected: str


KINDS = {
    "text": FieldKind("string", (str,), "text"),
    "integer": FieldKind("Int64", (int,), "a whole number"),
    "number": FieldKind("float64", (int, float), "a number"),
    "boolean": FieldKind("boolean", (bool,), "true or false"),
    "list": FieldKind("object", (list,), "a list"),
}
SIGNED = ("exit_code", "r2_test", "time_exit_s", "time_start_s")  # two clocks may differ a little
SHARES = ("accuracy_train", "accuracy_test", "balanced_accuracy_test", "auc_test", "ceiling")


def _is_plain(text: str) -> bool:
    return CONTROL.search(text) is None


def _shorten(value: object) -> str:
    """Shorten a value so that it fits into a sentence."""
    text = CONTROL.sub("?", str(value)[:1000])
    return repr(text if len(text) <= 40 else text[:39] + "…")


STATUSES = {
    "ok": "the trial ran to its end",
    "unavailable": "the framework is not installed or cannot be imported",
    "timeout": "killed by the harness for time",
    "oom": "killed by the harness for memory",
    "crashed": "an exception, an exit code or a signal",
    "diverged": "loss or weights are not finite",
    "invalid": "wrong shape, no usable row, or a thread cap that did not take",
}
MEASURES = ("time", "memory", "accuracy", "parity")


# fmt: off
FIELDS = {row[0]: Field(*row) for row in (
    ("trial_id", "text", "", "", "trial", "hash of system, workload, seed, threads, measure, dtype, repeat"),
    ("run_id", "text", "", "", "run", "the run's folder; begins with its UTC time"),
    ("machine_id", "text", "", "", "machine", "hash of CPU model, cores, memory, kernel, Python"),
    ("block", "integer", "", "", "block", "0 before the first block, then 1, 2, ..."),
    ("order", "integer", "", "", "order", "place in the run's sequence of trials"),
    ("system", "text", "", "", "system", "what was measured"),
    ("family", "text", "", "", "family", "network, classical, bound or control"),
    ("system_version", "text", "", "", "version", "versions of the distributions it requires"),
    ("system_digest", "text", "", "", "system digest", "hash of the file that defines the system"),
    ("workload", "text", "", "", "workload", "data set, network and recipe"),
    ("workload_digest", "text", "", "", "workload digest", "hash of the workload's definition"),
    ("recipe", "text", "", "", "recipe", "activation-optimizer-loss-l2-decay; parity joins on it"),
    ("seed", "integer", "", "", "seed", "draws data, start weights and batch order"),
    ("repeat", "integer", "", "", "repeat", "of a short process within a block, counted from 0"),
    ("measure", "text", "", "", "measure", "time, memory, accuracy or parity"),
    ("threads", "integer", "", "", "threads", "cores the process was allowed"),
    ("dtype", "text", "", "", "dtype", "floating-point type of data and weights"),
    ("status", "text", "", "", "status", "how the trial ended"),
    ("reason", "text", "", "", "reason", "one sentence if status is not ok"),
    ("exit_code", "integer", "", "", "exit code", "of the process; -N: ended by signal N"),
    ("started_at", "text", "", "", "started", "UTC time at exec"),
    ("time_start_s", "number", "s", "lower", "start", "exec to the moment before load(): interpreter and harness"),
    ("time_import_s", "number", "s", "lower", "import", "load(): import the framework"),
    ("time_data_s", "number", "s", "lower", "data", "reading the data set's files"),
    ("time_build_s", "number", "s", "lower", "build", "model, optimizer, converted data"),
    ("time_train_cold_s", "number", "s", "lower", "training, cold", "the first training in the process, compilation included"),
    ("time_train_warm_s", "number", "s", "lower", "training, warm", "median of the trainings after the first, each after reset()"),
    ("time_train_warm_low_s", "number", "s", "lower", "training, warm, lower quartile", "of the warm trainings"),
    ("warm_trainings", "integer", "", "", "warm trainings", "how many the median is of; each is in the trial's arrays"),
    ("time_step_warm_s", "number", "s", "lower", "step, warm", "training, warm, divided by steps"),
    ("time_predict_s", "number", "s", "lower", "prediction", "all test rows at once"),
    ("time_predict_one_s", "number", "s", "lower", "prediction, one row", "median of repeated predictions of one row"),
    ("time_exit_s", "number", "s", "lower", "exit", "the worker's last line to the end of the process"),
    ("time_total_s", "number", "s", "lower", "total", "exec to exit, less warm repeats, scoring and grid"),
    ("time_bare_s", "number", "s", "lower", "bare interpreter", "noop only: python -c pass in the same environment, right after"),
    ("time_record_s", "number", "s", "lower", "recording", "noop only: writing the previous row to disk"),
    ("cpu_s", "number", "s", "lower", "CPU time", "user and system time from exec to the end of the prediction"),
    ("memory_import_peak_bytes", "integer", "B", "lower", "import peak", "highest resident set while importing"),
    ("memory_import_anon_bytes", "integer", "B", "lower", "import, anonymous", "private pages after the import"),
    ("memory_import_file_bytes", "integer", "B", "lower", "import, file-backed", "mapped library pages after the import"),
    ("memory_build_peak_bytes", "integer", "B", "lower", "build peak", "highest resident set while reading data and building"),
    ("memory_train_peak_bytes", "integer", "B", "lower", "training peak", "highest resident set while training"),
    ("memory_train_increment_bytes", "integer", "B", "lower", "training increment", "training peak less the resident set before it"),
    ("memory_peak_bytes", "integer", "B", "lower", "peak memory", "highest resident set of the whole process (VmHWM)"),
    ("memory_sampled_peak_bytes", "integer", "B", "lower", "sampled peak", "the highest of memory-profiler's samples, every 10 ms"),
    ("memory_samples", "integer", "", "", "memory samples", "how many samples the curve has; 0: all were lost"),
    ("modules_imported", "integer", "", "lower", "modules imported", "Python modules beyond the bare interpreter's and the harness's, at the end of a memory trial"),
    ("shared_objects", "integer", "", "lower", "shared objects", "distinct shared libraries (.so) in the process's memory, at the end of a memory trial"),
    ("memory_method", "text", "", "", "memory method", "where the peaks were read"),
    ("accuracy_train", "number", "", "higher", "training accuracy", "share of right labels, training rows"),
    ("accuracy_test", "number", "", "higher", "test accuracy", "share of right labels, an independent large draw"),
    ("balanced_accuracy_test", "number", "", "higher", "balanced accuracy", "mean over classes of the share found of each, test rows; 1 / classes is guessing"),
    ("auc_test", "number", "", "higher", "AUC", "area under the ROC curve, test rows (of several classes: one against the rest, mean); 0.5 is guessing"),
    ("loss_train", "number", "", "lower", "training loss", "mean cross-entropy (regression: mean squared error)"),
    ("loss_test", "number", "", "lower", "test loss", "mean cross-entropy (regression: mean squared error)"),
    ("mse_test", "number", "", "lower", "test MSE", "mean squared error, regression only"),
    ("r2_test", "number", "", "higher", "test R2", "coefficient of determination, regression only"),
    ("ceiling", "number", "", "", "ceiling", "accuracy of the Bayes rule on fresh points, where known"),
    ("parity_max_abs", "number", "", "lower", "parity", "largest difference from numpy-plain, losses and weights, 20 updates, float64"),
    ("comparable", "boolean", "", "", "comparable", "parity within tolerance; null: not checked"),
    ("parameters", "integer", "", "", "parameters", "numbers that were trained"),
    ("steps", "integer", "", "", "steps", "updates, by the framework's own counter"),
    ("samples_seen", "integer", "", "", "samples seen", "rows that went through training"),
    ("compilations", "integer", "", "", "compilations", "programs compiled in the first training"),
    ("compiled_again", "boolean", "", "", "compiled again", "something was compiled after reset()"),
    ("gemm_gflops", "number", "GFLOP/s", "higher", "product", "one float32 product of 1024 by 1024, its own matmul"),
    ("blas", "text", "", "", "BLAS", "thread pools found by threadpoolctl in the parity or matmul trial"),
    ("threads_seen", "integer", "", "", "threads seen", "largest pool that the system reported"),
    ("load_average", "number", "", "", "load", "of the machine, over one minute, before the trial"),
    ("steal_s", "number", "s", "lower", "steal", "time the hypervisor took from the machine during the trial"),
    ("context_switches", "integer", "", "", "switches", "involuntary context switches of the process"),
    ("shared", "boolean", "", "", "shared", "other trials might run on other cores meanwhile; such times are not compared"),
    ("cores", "list", "", "", "cores", "the cores that the process was bound to"),
    ("cpu_mhz", "number", "MHz", "", "clock", "mean clock of all cores before the trial, where the system shows it"),
    ("distributions", "list", "", "", "distributions", "installed packages that the process had loaded"),
)}
# fmt: on


# Known to the harness before a trial begins; a measured process must not supply these.
IDENTITY = (
    "trial_id", "run_id", "machine_id", "block", "order", "system", "family", "system_version",
    "system_digest", "workload", "workload_digest", "recipe", "seed", "repeat", "measure", "threads",
    "dtype",
)  # fmt: skip


def find_fault(row: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a row, as a sentence without a full stop; None if nothing is."""
    for name, value in row.items():
        fault = FIELDS[name].find_fault(value) if name in FIELDS else "is not a field of a row"
        if fault:
            return f"{_shorten(name)[1:-1]} {fault}"
    if row.get("status") not in STATUSES:
        return f"status is {_shorten(row.get('status'))}; expected one of {', '.join(STATUSES)}"
    return None


def validate(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with all fields, in order. Raise ValueError, with a message, for a bad one."""
    fault = find_fault(row)
    if fault:
        raise ValueError(f"a row cannot be recorded: {fault}")
    return {name: row.get(name) for name in FIELDS}
