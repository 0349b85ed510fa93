"""The answer to "do I need a framework for this, and what does it cost?" in a few sentences.

Each is made from estimates and verdicts: accuracy, time from start to end by phase, memory.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np

from benchmarks.analyse import stats
from benchmarks.analyse.checks import find_ceiling
from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.metrics import METRICS, PHASES
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.samples import collect_samples, pair_by_block
from benchmarks.analyse.summary import Case, Line, find_best_variants
from benchmarks.analyse.verdicts import Kind
from benchmarks.errors import format_count
from benchmarks.plan.suites import PRESETS
from benchmarks.render import break_even, crossover, own_table, steps
from benchmarks.render.numbers import (
    format_estimate,
    format_number,
    format_verdict,
    format_with_unit,
    join_words,
)
from benchmarks.render.results import find_best_classical

PLAIN = "plain NumPy"
SHOWN = 0.1  # a phase of a smaller part of the whole is not named


def answer(data: RunData) -> list[str]:
    """Sentences about the run's headline case, the most important first."""
    case = data.headline
    if case is None:
        return ["No trial has ended yet: this run has no rows."]
    if data.sweep and BASE in data.sweep[0].steps:
        return steps.describe_sweep(data.sweep)
    if data.crossings:
        return crossover.describe_crossings(data.crossings)
    if data.is_own_table(case):
        return own_table.answer_own_table(data, case)
    if data.base(case) is None:
        return [f"{BASE} has no usable row on {case.workload}, so nothing is compared with it."]
    cap = PRESETS.get(str(data.run.get("preset")), {}).get("epochs")
    if cap:
        return [
            f"After {format_count(cap, 'epoch')} this is a check that everything works, and no"
            " result: scores and times are those of a training that was cut short."
        ]
    said = [describe_scores(data, case), describe_time(data, case), describe_memory(data, case)]
    if len({one.workload for one in data.cases}) > 1:
        said += [_compare_over_workloads(data), _count_scores(data)]
    else:
        said.append(break_even.describe_break_even(data, case))
    return [sentence for sentence in said if sentence]


def describe_scores(data: RunData, case: Case) -> str:
    """Who learns as well as mapicx, the best classical model, and the ceiling."""
    lines, score, base = data.lines(case), data.score(case), data.base(case)
    if base is None or not base.has(score):
        return ""
    kind = "test accuracy" if score == "accuracy_test" else "test R2"
    said = f"On {_name_task(data, case)} {BASE} reaches a {kind} of {_show(base, score)}"
    others = [x for x in lines if x.family == "network" and x.system != BASE and x.has(score)]
    if others:
        # By the paired difference where there is one: a system may have fewer seeds than mapicx.
        gaps = [(x, x.against(score).estimate) for x in others]
        spread = [base.value(score) + g.value if g.known else x.value(score) for x, g in gaps]
        between = f"{format_number(min(spread))} to {format_number(max(spread))}"
        one = f"the other network, {others[0].system}, {_show(others[0], score)}"
        said += f"; {one if len(others) == 1 else f'the {len(others)} other networks {between}'}"
        said += f" ({_count_verdicts(others, score)}, each against {BASE})"
    best = find_best_classical(lines, score)
    if best is not None:
        said += f"; the best classical model, {best.system}, {_show(best, score)}"
        said += f" ({format_verdict(best.against(score).verdict, METRICS[score])})"
    ceiling = find_ceiling(data.rows(case))
    if score == "accuracy_test" and math.isfinite(ceiling):
        said += f"; no classifier can exceed {ceiling:.3f} on average"
    return said + "."


def _name_task(data: RunData, case: Case) -> str:
    facts = data.workloads.get(case.workload) or {}
    if not facts.get("layers"):
        return case.workload
    shape = "-".join(map(str, facts["layers"]))
    return f"{case.workload} ({facts['train_rows']:,} training rows, a {shape} network)"


def _show(line: Line, metric: str) -> str:
    return format_estimate(line.estimate(metric), bounds=False)


def _count_verdicts(lines: Iterable[Line], metric: str) -> str:
    """ "7 equivalent within 1 point, 3 undecided"; "all ..." if they agree."""
    verdicts = [line.against(metric).verdict for line in lines]
    counts = Counter(format_verdict(verdict, METRICS[metric]) for verdict in verdicts)
    if len(verdicts) > 1 and len(counts) == 1:
        return f"all {next(iter(counts))}"
    return ", ".join(f"{n} {word}" for word, n in sorted(counts.items()))


def describe_time(data: RunData, case: Case) -> str:
    """Start to end by phase: mapicx, each framework's best variant, the best classical model."""
    name = "time_total_s"
    base = data.base(case)
    if base is None or not base.has(name):
        return ""
    rivals = _find_rivals(data, case, name)
    parts = [f"{format_with_unit(base.estimate(name), 's')} with {BASE}"]
    parts += [_format_rival(line, name) for line in rivals]
    said = f"From start to end a fresh process takes {join_words(parts)}"
    return f"{said}{_describe_phases(base, rivals)}."


def describe_memory(data: RunData, case: Case) -> str:
    """Peak memory of the same systems."""
    name = "memory_peak_bytes"
    base = data.base(case)
    if base is None or not base.has(name):
        return ""
    parts = [f"{format_with_unit(base.estimate(name), 'B')} with {BASE}"]
    parts += [_format_rival(line, name) for line in _find_rivals(data, case, name)]
    return f"Memory peaks at {join_words(parts)}."


def _find_rivals(data: RunData, case: Case, metric: str) -> list[Line]:
    lines = data.lines(case)
    best = find_best_variants(lines, metric)
    for name in (BASE, PLAIN):  # which is no framework, and has its row in the tables
        best.pop(name, None)
    classical = find_best_classical(lines, data.score(case))
    rivals = [*best.values(), *([classical] if classical is not None else [])]
    rivals = [line for line in rivals if line.against(metric).estimate.known]
    return sorted(rivals, key=lambda line: (line.value(metric), line.system))


def _format_rival(line: Line, metric: str) -> str:
    """ "4.0 s with PyTorch (torch-fused, 21 ×)"."""
    found = line.against(metric)
    value = format_with_unit(line.estimate(metric), METRICS[metric].unit)
    about = [] if line.framework == line.system else [line.system]
    about.append(f"{format_estimate(found.estimate, bounds=False)} ×")
    if found.verdict.kind is Kind.TOO_FEW:
        about.append("too few blocks for a verdict")
    elif found.verdict.kind in (Kind.UNDECIDED, Kind.EQUIVALENT):
        about.append(format_verdict(found.verdict, METRICS[metric]))
    return f"{value} with {line.framework} ({', '.join(about)})"


def _describe_phases(base: Line, rivals: Iterable[Line]) -> str:
    """ "; of this mapicx spends 59 % on start and import, the others 3 % (a) to 41 % (b)"."""
    shares = {name: _find_share(base, metrics) for name, metrics in PHASES.items()}
    parts = [f"{_percent(share)} on {name}" for name, share in shares.items() if share > SHOWN]
    if not parts:
        return ""
    said = f"; of this {BASE} spends {join_words(parts)}"
    trained = [line for line in rivals if line.has("time_train_cold_s")]
    training = sorted((_find_share(line, PHASES["training"]), line.system) for line in trained)
    if not training:
        return said
    ends = [f"{_percent(share)} ({name})" for share, name in (training[0], training[-1])]
    others = f"{ends[0]} to {ends[1]}" if len(training) > 1 else ends[0]
    return f"{said}, the others {others} on their first training"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _find_share(line: Line, metrics: Iterable[str]) -> float:
    """The part of the time from start to end that these take."""
    spent = sum(line.value(metric) for metric in metrics if line.has(metric))
    return spent / line.value("time_total_s")


def _compare_over_workloads(data: RunData) -> str:
    """Geometric mean over workloads of each framework's best variant, of blocks that have all."""
    metric, parts = METRICS["time_train_warm_s"], []
    cases = [case for case in data.cases if data.base(case) is not None]
    best = {case: find_best_variants(data.lines(case), metric.name) for case in cases}
    for framework in sorted({name for found in best.values() for name in found} - {BASE, PLAIN}):
        columns = []
        for case, found in best.items():
            line = found.get(framework)
            if line is not None and not line.other_work:
                rows = data.rows(case)
                both = (
                    collect_samples(rows[rows["system"].eq(name)], metric)
                    for name in (line.system, BASE)
                )
                columns.append(pair_by_block(*both))
        common = set.intersection(*map(set, columns)) if len(columns) > 1 else set()
        if common:
            pairs = np.array([[column[key] for column in columns] for key in sorted(common)])
            mean = stats.geometric_mean_ratio(pairs[..., 0], pairs[..., 1])
            parts.append(f"{framework} {format_estimate(mean)} over {len(columns)}")
    if not parts:
        return ""
    return (
        f"Training time of each framework's best variant as a multiple of {BASE}'s,"
        f" geometric mean of paired ratios over workloads: {', '.join(parts)}."
    )


def _count_scores(data: RunData) -> str:
    """Over all workloads: how the other networks and the classical models score."""
    parts = []
    for family, whom in (("network", "other networks"), ("classical", "classical models")):
        lines = [(case, x) for case in data.cases for x in data.lines(case) if x.family == family]
        words = Counter(
            format_verdict(x.against(data.score(case)).verdict, METRICS[data.score(case)])
            for case, x in lines
            if x.system != BASE and x.against(data.score(case)).estimate.known
        )
        if words:
            said = ", ".join(f"{n} {word}" for word, n in sorted(words.items()))
            parts.append(f"of {sum(words.values())} scores of {whom} {said}")
    workloads = len({case.workload for case in data.cases})
    if not parts:
        return f"Too few seeds to compare scores on the {workloads} workloads."
    return f"Against {BASE} over all {workloads} workloads, {'; '.join(parts)}."
