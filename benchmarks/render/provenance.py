"""Sections on the origin of a run: what was run and where, controls, checks, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.analyse.checks import estimate_overhead
from benchmarks.analyse.equal_work import compute_memory_floor
from benchmarks.analyse.frameworks import AGAIN, BASE
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.stats import MIN_FOR_MEAN, median_interval
from benchmarks.errors import format_count
from benchmarks.plan.table import describe_table
from benchmarks.record.rows import read_ends, read_machines
from benchmarks.record.schema import STATUSES
from benchmarks.render.document import (
    Block,
    Cell,
    Items,
    Paragraph,
    Quantity,
    Strong,
    Text,
    make_table,
)
from benchmarks.render.numbers import MIB, NOTHING, format_estimate

HOLDS = {True: "holds", False: "does not hold", None: "not shown"}
IDLE = ("noop", "allocate")
TWIN = {"time_total_s": "total", "time_train_warm_s": "training"}  # what the twin is judged by
LONG = 160  # longer values of the environment are truncated


def describe_run(data: RunData) -> list[Block]:
    """Describe command, counts, seeds and machine."""
    run, frame = data.run, data.frame
    statuses = frame["status"].value_counts().sort_index()
    counts = ", ".join(f"{status} {n}" for status, n in statuses.items()) or "no rows"
    planned = len(run.get("plan") or ())
    facts = {
        "command": run.get("command"),
        "suite, preset": ", ".join(str(run.get(k)) for k in ("suite", "preset") if run.get(k)),
        "started": run.get("created_at"),
        "rows": f"{len(frame)} of {planned} planned trials ({counts})",
        "blocks": f"{data.blocks()} of time, {data.blocks('memory')} of memory",
        "memory": ", ".join(sorted(frame["memory_method"].dropna().unique())),
        "seeds": ", ".join(str(seed) for seed in run.get("seeds") or ()),
        "machines": ", ".join(sorted(frame["machine_id"].dropna().unique())),
        "margins": ", ".join(f"{k} {v:g}" for k, v in sorted(data.margins.items())),
    }
    items: list[Text] = [f"{name}: {value}" for name, value in facts.items() if value]
    items += [f"table: {line}" for line in describe_table(run)]
    items += [
        (Strong("resumed by force"), f": {_describe_forced(entry, run)}") for entry in data.forced
    ]
    items += [f"digest of {k}: {v}" for k, v in sorted((run.get("digests") or {}).items())]
    if run.get("side_by_side"):
        items.append("timed trials ran side by side: their times cannot be compared.")
    items += [f"warning: {warning}" for warning in run.get("warnings") or ()]
    if frame["machine_id"].nunique() > 1:
        items.append(
            "several machines: ratios of times and memory are formed within each machine. From"
            f" {MIN_FOR_MEAN} machines on, an interval is over machines, each with the mean of"
            " its blocks; of two machines, over their blocks, and says nothing of other machines."
        )
    return [Items(tuple(items)), *_describe_machines(data)]


def _describe_machines(data: RunData) -> list[Block]:
    """Tabulate the machines that contributed rows, with their times, if there are several."""
    machines = data.frame.dropna(subset=["machine_id"]).groupby("machine_id")
    if len(machines) < 2:
        return []
    known = {str(data.run.get("machine_id")): data.run} | read_machines(data.folder)
    rows: list[list[Cell]] = []
    for name, frame in machines:
        facts = (known.get(str(name)) or {}).get("environment") or {}
        memory = facts.get("memory_bytes")
        times = frame[frame["measure"].eq("time") & frame["status"].eq("ok")]
        own = times.loc[times["system"].eq(BASE), "time_total_s"].dropna()
        rows.append(
            [
                str(name),
                str(facts.get("cpu") or NOTHING),
                str(facts.get("cores") or NOTHING),
                f"{memory / 2**30:.1f}" if memory else NOTHING,
                str(facts.get("kernel") or NOTHING),
                str(len(frame)),
                str(times["block"].nunique()),
                Quantity(median_interval(own)) if len(own) else NOTHING,
            ]
        )
    head = ("machine", "processor", "cores", "memory (GiB)", "kernel", "rows", "blocks of time")
    return [make_table((*head, f"{BASE}, total (s)"), rows, words=(1, 4))]


def _describe_forced(entry: dict[str, Any], run: dict[str, Any]) -> str:
    """Say what had changed since the plan when the run was continued."""
    text = f"{', '.join(entry.get('changed') or ())} had changed since the plan"
    parts = []
    for name in ("versions", "digests"):
        now, then = entry.get(name) or {}, run.get(name) or {}
        for key in sorted(now.keys() | then.keys()):
            if now.get(key) != then.get(key):
                was, became = then.get(key, "absent"), now.get(key, "absent")
                parts.append(f"{key} from {was} to {became}")
    changes = f" ({'; '.join(parts)})" if parts else ""
    return f"{text}{changes}; rows before and after may differ"


def describe_controls(data: RunData) -> list[Block]:
    """Say what the harness itself costs and how much two runs of one system differ."""
    lines = [x for x in data.lines(controls=True) if x.family == "control"]
    if not lines:
        return [Paragraph("The run has no controls, so its noise is not known.")]
    rows: list[list[Cell]] = []
    for line in sorted(lines, key=lambda x: (x.case, x.system)):
        idle = line.system in IDLE
        train = NOTHING if idle else Quantity(line.estimate("time_train_cold_s"))
        ratio = line.against("time_total_s").estimate
        rows.append(
            [
                line.system,
                line.case.workload,
                Quantity(line.estimate("time_total_s")),
                train,
                Quantity(line.estimate("memory_peak_bytes"), MIB),
                Quantity(ratio) if line.system == AGAIN else NOTHING,
            ]
        )
    head = ("control", "workload", "total (s)", "training (s)", "peak memory (MiB)", "× mapicx")
    blocks: list[Block] = [make_table(head, rows, words=(1,))]
    text = " ".join(describe_twin(data))
    overhead = estimate_overhead(data.frame)
    if overhead.known:
        text += f" A trial that does nothing takes {format_estimate(overhead)} s more than a bare"
        text += " interpreter, from exec to its row on disk."
    return [*blocks, Paragraph(text)]


def describe_twin(data: RunData, doubtful_only: bool = False) -> list[str]:
    """Say how far mapicx, measured under a second name, differs from itself in each case."""
    found = []
    for line in (x for x in data.lines(controls=True) if x.system == AGAIN):
        ratios = {
            words: line.against(name).estimate
            for name, words in TWIN.items()
            if line.against(name).estimate.known
        }
        off = [words for words, ratio in ratios.items() if ratio.kind == "interval"
               and not ratio.low <= 1 <= ratio.high]  # fmt: skip
        if off or (ratios and not doubtful_only):
            shown = ", ".join(f"{words} {format_estimate(r)}" for words, r in ratios.items())
            text = f"Noise: mapicx measured against itself on {line.case.workload}: {shown}"
            text += "; this should be 1, so differences of that size are noise" if off else ""
            ranges = [ratio.n for ratio in ratios.values() if ratio.kind == "range"]
            text += (
                f" (lowest and highest of {format_count(max(ranges), 'block')})" if ranges else ""
            )
            found.append(f"{text}.")
    return found


def describe_checks(data: RunData, failed_only: bool = False) -> list[Block]:
    """Tabulate the findings, one row each; optionally only those that do not hold."""
    shown = [finding for finding in data.findings if not failed_only or finding.holds is False]
    if not shown:
        none = "No check failed." if data.findings else "There was nothing to check."
        return [Paragraph(none)]
    rows: list[list[Cell]] = [
        [
            finding.name,
            finding.case.workload,
            str(finding.case.threads),
            HOLDS[finding.holds],
            finding.detail,
        ]
        for finding in shown
    ]
    head = ("check", "workload", "threads", "verdict", "evidence")
    return [make_table(head, rows, words=(1, 3, 4))]


def describe_missing(data: RunData) -> list[Block]:
    """List skipped systems, failed rows and unfinished trials, each with its reason."""
    items: list[Text] = [
        f"skipped: {entry.get('system')} on {entry.get('workload')}: {entry.get('reason')}"
        for entry in data.run.get("skipped") or ()
    ]
    bad = data.frame[data.frame["status"].ne("ok")]
    keys = ["system", "workload", "measure", "status", "reason"]
    for key, rows in bad.fillna({"reason": ""}).groupby(keys, sort=True):
        system, workload, measure, status, reason = (str(part) for part in key)
        items.append(
            f"failed: {system} on {workload}, {measure}, {len(rows)} rows: {status}"
            f" ({STATUSES.get(status, '')}): {reason}"
        )
    if data.missing:
        items.append(f"not run: {format_count(data.missing, 'planned trial')}; {_tell_end(data)}.")
    return [Items(tuple(items or ["Nothing was skipped, nothing failed."]))]


def _tell_end(data: RunData) -> str:
    """Say why planned trials have no rows, if the run recorded how it ended."""
    ends = read_ends(data.folder)
    how = {
        "budget": "the budget ended the run",
        "interrupt": "an interrupt ended the run",
        "fault": "a fault of the machine ended the run",
        "complete": "the run was complete, so their rows have been removed since",
    }
    return how[ends[-1]["how"]] if ends else "how the run ended was not recorded"


def describe_floor(data: RunData, workload: str) -> Paragraph:
    """Say how much memory the training needs in any framework."""
    kinds = data.frame.loc[data.frame["workload"].eq(workload), "dtype"].dropna()
    try:
        dtype = str(kinds.mode().iloc[0]) if len(kinds) else "float32"
        parts = compute_memory_floor(data.workloads[workload], dtype)
    except (KeyError, TypeError, ValueError):
        return Paragraph("The run does not describe this workload, so its floor is not known.")
    sizes = ", ".join(f"{name} {size / MIB:.3g}" for name, size in parts.items() if name != "sum")
    return Paragraph(f"Computed floor of the training: {parts['sum'] / MIB:.3g} MiB ({sizes}).")


def describe_environment(data: RunData) -> list[Block]:
    """List everything that run.json says about machine and versions."""
    found = list(_flatten(data.run.get("environment") or {}))
    found += [(f"version of {k}", str(v)) for k, v in (data.run.get("versions") or {}).items()]
    if not found:
        return [Paragraph("The run recorded no environment.")]
    rows: list[list[Cell]] = [
        [name, value if len(value) <= LONG else value[: LONG - 1] + "…"]
        for name, value in sorted(found)
    ]
    return [make_table(("what", "value"), rows, words=(1,))]


def _flatten(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield (dotted name, text) for every leaf of a nested dict."""
    if isinstance(value, dict):
        for key in value:
            yield from _flatten(value[key], f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list):
        yield prefix, ", ".join(str(part) for part in value) or "none"
    else:
        yield prefix, "not known" if value is None else str(value) or "none"
