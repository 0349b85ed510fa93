"""The sections of a report after the first screen: each a function from material to lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from benchmarks.analyse.controls import noop_overhead
from benchmarks.analyse.memory_floor import memory_floor
from benchmarks.analyse.metrics import METRICS, margin_words
from benchmarks.analyse.summary import estimate_of
from benchmarks.record.schema import FIELDS, STATUSES
from benchmarks.render import break_even
from benchmarks.render.curves import MEMORY_PEAKS, TIME_PHASES
from benchmarks.render.escape import markdown, table
from benchmarks.render.material import Material
from benchmarks.render.numbers import MIB, NOTHING, quantity
from benchmarks.render.tables import ordered, phase_table
from benchmarks.render.words import LIMITS, METHOD, RULES, VERDICT_WORDS

MEMORY_PARTS = (
    "memory_import_anon_bytes",
    "memory_import_file_bytes",
    *MEMORY_PEAKS,
    "memory_train_increment_bytes",
    "memory_sampled_peak_bytes",
)
SAID = {True: "holds", False: "**does not hold**", None: "not shown"}
LONG = 160  # a longer value of the environment is cut


def phases(material: Material, place: tuple[str, int]) -> list[str]:
    """Where time and memory go, and the work behind them."""
    lines = material.at(place)
    names = [*TIME_PHASES, "time_total_s", "cpu_s"]
    text = ["### Accuracy", "", *_accuracy(lines), ""]
    text += ["### Time by phase", "", *phase_table(lines, names)]
    used = ["time_step_warm_s", "time_predict_s", "time_predict_one_s"]
    text += ["", "### One step, one prediction", "", *phase_table(lines, used)]
    text += ["", "### From how many steps on a faster step has repaid a slower start", ""]
    text += break_even.section(material, place)
    text += ["", "### Memory by phase", "", *phase_table(lines, MEMORY_PARTS)]
    return [*text, "", *_floor(material, place), "", "### Work and parity", "", *_work(lines)]


def _accuracy(lines: pd.DataFrame) -> list[str]:
    """Scores with the evidence behind their verdicts."""
    score = "accuracy_test" if lines["accuracy_test"].notna().any() else "r2_test"
    lines = ordered(lines[lines[score].notna()])
    if lines.empty:
        return ["No score was recorded."]
    body = []
    for _, line in lines.iterrows():
        difference = estimate_of(line, f"{score}_difference")
        chances = [line[f"{score}_{part}"] for part in ("p", "p_equal")]
        share = line[f"{score}_p_greater"]
        body.append(
            [
                markdown(line["system"]),
                quantity(estimate_of(line, "accuracy_train").alone()),
                quantity(estimate_of(line, score)),
                quantity(difference, 0.01, signed=True),
                NOTHING if pd.isna(share) else f"{share:.2f}",
                *(NOTHING if pd.isna(p) else f"{p:.2g}" for p in chances),
                line[f"{score}_verdict"] or NOTHING,
            ]
        )
    head = ["system", FIELDS["accuracy_train"].heading, FIELDS[score].heading]
    head += ["difference to mapicx (points)", "share of seeds above mapicx"]
    return table([*head, "p, no difference", "p, not equivalent", "verdict"], body)


def _floor(material: Material, place: tuple[str, int]) -> list[str]:
    try:
        workload = material.run["workloads"][place[0]]
        kinds = material.frame.loc[material.frame["workload"].eq(place[0]), "dtype"].dropna()
        parts = memory_floor(workload, kinds.mode().iloc[0] if len(kinds) else "float32")
    except (KeyError, TypeError, ValueError):
        return ["The run does not describe this workload, so no memory floor is computed."]
    said = ", ".join(f"{name} {size / MIB:.3g}" for name, size in parts.items() if name != "sum")
    return [f"Computed floor of the training: {parts['sum'] / MIB:.3g} MiB ({said})."]


def _work(lines: pd.DataFrame) -> list[str]:
    networks = ordered(lines[lines["family"].eq("network")])
    if networks.empty:
        return ["No network system has a row."]
    body = []
    for _, line in networks.iterrows():
        parity = line["parity"]
        size = NOTHING if parity is None or pd.isna(parity) else f"{float(parity):.1e}"
        comparable = line["comparable"]
        known = comparable is not None and not pd.isna(comparable)
        proven = ("yes" if comparable else "**no**") if known else "not checked"
        product = quantity(estimate_of(line, "gemm_gflops").alone())
        work = markdown(line["work"]) or "same"
        body.append([markdown(line["system"]), size, proven, work, product])
    head = ["system", FIELDS["parity_max_abs"].heading, "comparable", "work"]
    return table([*head, f"{FIELDS['gemm_gflops'].heading} (GFLOP/s)"], body)


def what_was_run(material: Material) -> list[str]:
    """Command, counts, seeds, machine."""
    run, frame = material.run, material.frame
    statuses = frame["status"].value_counts().sort_index()
    counts = ", ".join(f"{status} {n}" for status, n in statuses.items()) or "no rows"
    planned = len(run.get("plan") or ())
    blocks = frame.loc[frame["measure"].eq("time"), "block"].nunique()
    memory = frame.loc[frame["measure"].eq("memory"), "block"].nunique()
    facts = {
        "command": run.get("command"),
        "suite, preset": ", ".join(str(run.get(k)) for k in ("suite", "preset") if run.get(k)),
        "started": run.get("created_at"),
        "rows": f"{len(frame)} of {planned} planned trials ({counts})",
        "blocks": f"{blocks} of time, {memory} of memory",
        "memory": ", ".join(sorted(frame["memory_method"].dropna().unique())),
        "seeds": ", ".join(str(seed) for seed in run.get("seeds") or ()),
        "machines": ", ".join(sorted(frame["machine_id"].dropna().unique())),
        "margins": ", ".join(f"{k} {v:g}" for k, v in sorted(material.margins.items())),
    }
    text = [f"- {name}: {markdown(value)}" for name, value in facts.items() if value]
    text += _table(run.get("table") or {})
    for entry in material.forced:
        text.append(f"- **resumed by force**: {_forced(entry, run)}")
    for name, digest in sorted((run.get("digests") or {}).items()):
        text.append(f"- digest of {markdown(name)}: {markdown(digest)}")
    if run.get("side_by_side"):
        text.append("- timed trials ran side by side: their times are a look, not a comparison.")
    text += [f"- warning: {markdown(warning)}" for warning in run.get("warnings") or ()]
    if frame["machine_id"].nunique() > 1:
        text.append("- several machines: times and memory are compared within one machine only.")
    return text


def _table(facts: dict[str, Any]) -> list[str]:
    """What is known of a user's table, and what was chosen for it."""
    if not facts:
        return []
    columns = facts.get("columns") or ()
    count = len(columns) if isinstance(columns, list) else columns
    size = f"{facts.get('rows', 0):,} rows, {count} columns"
    text = [f"- table: {markdown(facts.get('file'))}, {size}"]
    return text + [f"- table: {markdown(note)}" for note in facts.get("notes") or ()]


def _forced(entry: dict[str, Any], run: dict[str, Any]) -> str:
    """What had changed since the plan when the run went on, and in what."""
    said = f"{markdown(', '.join(entry.get('changed') or ()))} had changed since the plan"
    parts = []
    for name in ("versions", "digests"):
        now, then = entry.get(name) or {}, run.get(name) or {}
        for key in sorted(now.keys() | then.keys()):
            if now.get(key) != then.get(key):
                change = f"{then.get(key, 'absent')} to {now.get(key, 'absent')}"
                parts.append(markdown(f"{key} from {change}"))
    return said + (f" ({'; '.join(parts)})" if parts else "") + "; rows before and after may differ"


def controls(material: Material) -> list[str]:
    """What the harness itself costs and how much two runs of one system differ."""
    lines = material.at(None, shown=False)
    lines = lines[lines["family"].eq("control")]
    if lines.empty:
        return ["The run has no controls, so its noise is not known."]
    body = []
    for _, line in lines.sort_values(["workload", "threads", "system"]).iterrows():
        total = quantity(estimate_of(line, "time_total_s"))
        idle = line["system"] in ("noop", "allocate")
        train = NOTHING if idle else quantity(estimate_of(line, "time_train_cold_s"))
        peak = quantity(estimate_of(line, "memory_peak_bytes"), MIB)
        ratio = quantity(estimate_of(line, "time_total_s_ratio"))
        twin = line["system"] == "mapicx-again"
        names = [markdown(line["system"]), markdown(line["workload"])]
        body.append([*names, total, train, peak, ratio if twin else NOTHING])
    head = ["control", "workload", "total (s)", "training (s)", "peak memory (MiB)", "× mapicx"]
    said = "`mapicx-again` is the A/A twin: its ratio is noise."
    overhead = noop_overhead(material.frame)
    if overhead.known:
        said += f" A trial that does nothing takes {quantity(overhead)} s more than a bare"
        said += " interpreter, from exec to its row on disk."
    return [*table(head, body), "", said]


def checks(material: Material) -> list[str]:
    """The findings, one row each."""
    if not material.findings:
        return ["There was nothing to check."]
    body = [
        [markdown(f.name), markdown(f.workload), str(f.threads), SAID[f.holds], markdown(f.detail)]
        for f in material.findings
    ]
    return table(["check", "workload", "threads", "verdict", "evidence"], body, numbers=False)


def left_out(material: Material) -> list[str]:
    """Skipped systems, failed rows and unfinished trials, each with its reason."""
    text = []
    for skipped in material.run.get("skipped") or ():
        where, why = markdown(skipped.get("workload")), markdown(skipped.get("reason"))
        text.append(f"- skipped: {markdown(skipped.get('system'))} on {where}: {why}")
    bad = material.frame[material.frame["status"].ne("ok")]
    keys = ["system", "workload", "measure", "status", "reason"]
    for key, rows in bad.fillna({"reason": ""}).groupby(keys, sort=True):
        system, workload, measure, status, reason = (markdown(part) for part in key)
        said = f"{status} ({STATUSES.get(str(key[3]), '')})"
        text.append(
            f"- failed: {system} on {workload}, {measure}, {len(rows)} rows: {said}: {reason}"
        )
    missing = len(set(material.run.get("plan") or ()) - set(material.frame["trial_id"]))
    if missing:
        text.append(f"- not run: {missing} planned trials; a budget or an interrupt ended the run.")
    return text or ["Nothing was skipped, nothing failed."]


def method(material: Material) -> list[str]:
    """How numbers came about, and where the rules of careful benchmarking are kept."""
    margin = margin_words(METRICS["accuracy_test"], material.margins["accuracy"])
    said = METHOD.format(accuracy=margin).rstrip().splitlines()
    rules = table(["rule", "demands", "kept by"], [list(rule) for rule in RULES], numbers=False)
    intro = "Hoefler and Belli's twelve rules (Scientific benchmarking of parallel computing"
    return [*said, "", f"{intro} systems, SC 2015):", "", *rules]


def limits(_: Material) -> list[str]:
    """What the numbers do not show."""
    return [f"- {limit}" for limit in LIMITS]


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """(dotted name, text) of every leaf of a nested dict."""
    if isinstance(value, dict):
        for key in value:
            yield from flat(value[key], f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list):
        yield prefix, ", ".join(str(part) for part in value) or "none"
    else:
        yield prefix, "not known" if value is None else str(value) or "none"


def environment(material: Material) -> list[str]:
    """Everything that run.json says about machine and versions."""
    found = list(flat(material.run.get("environment") or {}))
    found += [(f"version of {k}", str(v)) for k, v in (material.run.get("versions") or {}).items()]
    if not found:
        return ["The run recorded no environment."]
    cut = [(k, v if len(v) <= LONG else v[: LONG - 1] + "…") for k, v in found]
    rows = [[markdown(name), markdown(value)] for name, value in sorted(cut)]
    return table(["what", "value"], rows, numbers=False)


def glossary(material: Material) -> list[str]:
    """Meaning of every heading, from the schema; and the verdict words."""
    shown = [name for name in FIELDS if name in METRICS or FIELDS[name].better]
    shown = [name for name in shown if material.frame[name].notna().any()] or shown
    text = [f"- *{FIELDS[name].heading}*: {markdown(FIELDS[name].meaning)}" for name in shown]
    return text + [f"- *{word}*: {meaning}" for word, meaning in VERDICT_WORDS]
