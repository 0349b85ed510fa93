"""The section on gradients in Python loops: controls, so they stand in no result table."""

from __future__ import annotations

from benchmarks.analyse.loops import LOOPS, VECTORISED, passes
from benchmarks.render.escape import markdown, table
from benchmarks.render.ladder import MICRO
from benchmarks.render.material import Material
from benchmarks.render.numbers import quantity

TITLE = "Gradients in Python loops and vectorised"


def section(found: Material) -> list[str]:
    """A heading, a row for each network and how to read it; [] if the run has no such pair."""
    measured = passes(found.frame, found.run.get("workloads") or ())
    if not measured:
        return []
    body = [
        [
            markdown(one.workload),
            "-".join(str(width) for width in found.workload(one.workload).get("layers") or ()),
            str(one.threads),
            quantity(one.loops, MICRO),
            quantity(one.vectorised, MICRO),
            quantity(one.ratio),
        ]
        for one in measured
    ]
    head = ["workload", "network", "threads", f"{LOOPS} (µs)", f"{VECTORISED} (µs)"]
    said = (
        "One backward pass: the gradients of weights, biases and inputs of every Dense layer, for"
        " all rows at once. Both give the same gradients. The loops run over lists of Python"
        " numbers; vectorised are two products and a sum of NumPy arrays per layer. Ratios are"
        " paired in blocks."
    )
    return [f"## {TITLE}", "", *table([*head, "loops / vectorised"], body), "", said, ""]
