"""What one training step costs, from the smallest network to the largest, and where it goes.

A rung is one workload and thread setting of suite `steps`. Ratios are mapicx / peer within one
block: below 1 mapicx is faster. A step less the products of its framework is "everything else".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from benchmarks.analyse import stats
from benchmarks.analyse.frameworks import BASE, framework
from benchmarks.analyse.metrics import METRICS, UNDECIDED
from benchmarks.analyse.samples import Sample, paired, samples
from benchmarks.analyse.stats import Estimate
from benchmarks.analyse.step_parts import PRODUCTS
from benchmarks.analyse.verdicts import of_ratio

PREFIX = "step-"  # how the workloads of the ladder are called
STEP = METRICS["time_step_warm_s"]
# Systems whose loop runs in Python, step by step, as mapicx's does; and the loop in one program.
STEPWISE = (
    "torch-eager",
    "torch-fused",
    "torch-compile",
    "tf-function",
    "tf-xla",
    "keras-fit-tuned",
    "sklearn-mlp",
    "jax-jit",
)
WHOLE_LOOP = "jax-scan"


class Step(NamedTuple):
    """One system on one rung, in seconds; ratio: mapicx / system."""

    system: str
    framework: str
    step: Estimate
    rest: Estimate  # step less the framework's own products, paired in blocks
    ratio: Estimate
    verdict: str  # on mapicx: "faster", "slower", "equivalent within x", "undecided" or ""
    checked: bool  # shown to train the same network


class Rung(NamedTuple):
    """One workload: its shape and every step that was measured, mapicx first."""

    workload: str
    threads: int
    shape: str
    batch: int
    optimizer: str
    steps: dict[str, Step]
    products: dict[str, Estimate]  # by control

    @property
    def peer(self) -> Step | None:
        """The fastest step-wise peer that mapicx can be compared with."""
        peers = [self.steps[name] for name in STEPWISE if name in self.steps]
        peers = [step for step in peers if step.ratio.known]
        return min(peers, key=lambda step: (step.step.value, step.system), default=None)

    @property
    def share(self) -> float | None:
        """NumPy's products as a share of mapicx's step; None if one was not measured."""
        own = self.products.get(PRODUCTS[BASE])
        if own is None or BASE not in self.steps:
            return None
        return own.value / self.steps[BASE].step.value


def rungs(
    frame: pd.DataFrame,
    summary: pd.DataFrame,
    workloads: Mapping[str, Mapping[str, Any]],
    margin: float,
) -> list[Rung]:
    """The ladder of a run, in the order of `workloads`; [] if the run has none."""
    found = []
    for name, workload in workloads.items():
        rows = frame[frame["workload"].eq(name)] if name.startswith(PREFIX) else frame.iloc[:0]
        for threads, part in rows.groupby("threads", sort=True):
            place = summary["workload"].eq(name) & summary["threads"].eq(threads)
            rung = _rung(part, summary[place], workload, margin)
            if rung.steps:
                found.append(rung._replace(workload=name, threads=int(str(threads))))
    return found


def _rung(
    rows: pd.DataFrame, lines: pd.DataFrame, workload: Mapping[str, Any], margin: float
) -> Rung:
    drawn = {str(name): samples(part, STEP) for name, part in rows.groupby("system", sort=True)}
    drawn = {name: values for name, values in drawn.items() if values}
    names = lines.loc[lines["family"].eq("network"), "system"].tolist()
    names.sort(key=lambda name: (name != BASE, name))
    by_name = lines.set_index("system")
    return Rung(
        workload="",
        threads=0,
        shape="-".join(str(width) for width in workload["layers"]),
        batch=int(workload["batch_size"] or workload["train_rows"]),
        optimizer=str(workload["optimizer"]),
        steps={n: _step(n, drawn, by_name.loc[n], margin) for n in names if n in drawn},
        products={
            control: stats.median_interval(list(drawn[control].values()))
            for control in dict.fromkeys(PRODUCTS.values())
            if control in drawn
        },
    )


def _step(name: str, drawn: Mapping[str, Sample], line: pd.Series, margin: float) -> Step:
    values, ratio, verdict = drawn[name], Estimate(), ""
    noise = float(line[f"{STEP.name}_noise"])
    # The summary forms a ratio only where parity and equal work allow it.
    if name != BASE and pd.notna(line[f"{STEP.name}_ratio"]):
        ratio = stats.paired_ratio(*paired(drawn[BASE], values))
        verdict = of_ratio(ratio, STEP, noise, margin) or UNDECIDED
    products = drawn.get(PRODUCTS.get(framework(name), ""), {})
    step, part = paired(values, products)
    return Step(
        name,
        framework(name),
        stats.median_interval(list(values.values())),
        stats.median_interval(step - part),
        ratio,
        verdict,
        bool(pd.notna(line["comparable"])),
    )
