"""Answer "do I need a framework for this, and what does it cost?" in a few sentences.

They follow from estimates and verdicts and cover need, accuracy, time from start to end by phase,
and memory.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np

from benchmarks.analyse import stats
from benchmarks.analyse.equal_work import format_shape
from benchmarks.analyse.frameworks import BASE, NO_FRAMEWORK, PLAIN, PROGRAM
from benchmarks.analyse.metrics import METRICS, PHASES
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.samples import pair_by_block
from benchmarks.analyse.summary import Case, Line, find_best_variants
from benchmarks.analyse.system_comparison import Comparison
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

EQUAL_OR_LESS = {Kind.EQUIVALENT, Kind.LESS}  # verdicts on a score
AS_MUCH = {"time_total_s": "long from start to end", "memory_peak_bytes": "much memory"}
SHOWN = 0.1  # phases that take a smaller share of the total are named together


def answer(data: RunData) -> list[str]:
    """Return sentences about the run's headline case, the most important first."""
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
            f"After {format_count(cap, 'epoch')} this run only checks that everything works: scores"
            " and times of networks are those of a training that was cut short."
        ]
    sentences = describe_case(data, case)
    if data.workload_count > 1:
        sentences += [_compare_over_workloads(data), _count_scores(data)]
    else:
        sentences.append(break_even.describe_break_even(data, case))
    return [sentence for sentence in sentences if sentence]


def describe_case(data: RunData, case: Case) -> list[str]:
    """Say whether a framework is needed, then give accuracy, time and memory."""
    describers = (describe_need, describe_scores, describe_time, describe_memory)
    return [sentence for describe in describers if (sentence := describe(data, case))]


def describe_scores(data: RunData, case: Case) -> str:
    """Compare scores: mapicx, the other networks, the best classical model and the ceiling."""
    lines, score, base = data.lines(case), data.score(case), data.base(case)
    if base is None or not base.has(score):
        return ""
    heading = METRICS[score].heading
    text = f"On {_name_task(data, case)} {BASE} reaches a {heading} of {_show(base, score)}"
    others = [x for x in lines if x.family == "network" and x.system != BASE and x.has(score)]
    if others:
        # Prefer the paired difference: a system may have fewer seeds than mapicx.
        gaps = [(x, x.against(score).estimate) for x in others]
        spread = [base.value(score) + g.value if g.known else x.value(score) for x, g in gaps]
        between = f"{format_number(min(spread))} to {format_number(max(spread))}"
        one = f"the other network, {others[0].system}, reaches {_show(others[0], score)}"
        text += (
            f"; {one if len(others) == 1 else f'the {len(others)} other networks reach {between}'}"
        )
        text += f" (each compared with {BASE}: {_count_verdicts(others, score)})"
    best = find_best_classical(lines, score)
    if best is not None:
        text += f"; the best classical model, {best.system}, {_show(best, score)}"
        text += f" ({format_verdict(best.against(score).verdict, METRICS[score])})"
    ceiling = data.ceiling(case)
    if score == "accuracy_test" and math.isfinite(ceiling):
        text += f"; no classifier can exceed {ceiling:.3f} on average"
    return text + "."


def _name_task(data: RunData, case: Case) -> str:
    facts = data.workloads.get(case.workload) or {}
    if not facts.get("layers"):
        return case.workload
    shape = format_shape(facts["layers"])
    return f"{case.workload} ({facts['train_rows']:,} training rows, a {shape} network)"


def _show(line: Line, metric: str) -> str:
    return format_estimate(line.estimate(metric), bounds=False)


def _count_verdicts(lines: Iterable[Line], metric: str) -> str:
    """Format as "7 equivalent within 1 point, 3 undecided", or "all ..." if they agree."""
    verdicts = [line.against(metric).verdict for line in lines]
    few = "with too few seeds for a verdict"
    counts = Counter(
        few if verdict.kind is Kind.TOO_FEW else format_verdict(verdict, METRICS[metric])
        for verdict in verdicts
    )
    if len(verdicts) > 1 and len(counts) == 1:
        return f"all {next(iter(counts))}"
    return ", ".join(f"{n} {word}" for word, n in sorted(counts.items()))


def describe_need(data: RunData, case: Case) -> str:
    """Say whether a framework is needed, and what the cheapest one costs."""
    score, costs = data.score(case), ("time_total_s", "memory_peak_bytes")
    rivals = {
        cost: [x for x in _find_frameworks(data, case, cost) if x.framework != PROGRAM]
        for cost in costs
    }
    networks = [line for line in data.lines(case) if line.family == "network"]
    others = [line for line in networks if line.framework not in NO_FRAMEWORK]
    kinds = {x.against(score).verdict.kind for x in others}
    if not all(rivals.values()) or not kinds:
        return ""
    if Kind.MORE in kinds:
        better = [x for x in others if x.against(score).verdict.kind is Kind.MORE]
        best = max(better, key=lambda x: (x.value(score), x.system))
        return f"{best.system} scores higher than {BASE}: {_show(best, score)}."
    parts = []
    for cost, word in zip(costs, ("time from start to end", "memory"), strict=True):
        cheapest = min(rivals[cost], key=lambda line: _ratio(line, cost))
        comparison = cheapest.against(cost)
        if comparison.verdict.kind is Kind.LESS:
            ratio = _show_ratio(comparison)
            return f"{cheapest.system} takes less {word}: {ratio} times that of {BASE}."
        unsure = "" if comparison.verdict.decided else f" ({_describe_doubt(comparison, cost)})"
        parts.append(f"{_show_ratio(comparison)} times as {AS_MUCH[cost]}{unsure}")
    where = "here" if data.workload_count == 1 else f"on {case.workload}"
    conclusion = f"needed {where}: none trains a network that scores higher than {BASE}'s"
    if kinds - EQUAL_OR_LESS:
        conclusion = f"shown to score higher than {BASE} {where}"
    return f"No framework is {conclusion}; each takes at least {join_words(parts)}."


def _describe_doubt(comparison: Comparison, metric: str) -> str:
    """Say why a comparison of costs shows nothing."""
    if comparison.verdict.kind is Kind.TOO_FEW:
        return "too few blocks for a verdict"
    return format_verdict(comparison.verdict, METRICS[metric])


def _find_frameworks(data: RunData, case: Case, metric: str) -> list[Line]:
    """Find the best variant of each framework that is comparable with mapicx."""
    best = find_best_variants(data.lines(case), metric)
    for name in NO_FRAMEWORK - {PROGRAM}:  # shown in the tables only
        best.pop(name, None)
    return [line for line in best.values() if line.against(metric).estimate.known]


def _ratio(line: Line, metric: str) -> float:
    return line.against(metric).estimate.value


def _show_ratio(comparison: Comparison) -> str:
    return format_estimate(comparison.estimate, bounds=False)


def describe_time(data: RunData, case: Case) -> str:
    """Give time by phase: mapicx, each framework's best variant, the best classical model."""
    name = "time_total_s"
    base = data.base(case)
    if base is None or not base.has(name):
        return ""
    rivals = _find_rivals(data, case, name)
    text = f"From start to end a fresh process takes {format_with_unit(base.estimate(name), 's')}"
    text += f" with {BASE}"
    if rivals:
        text += f" and {_format_rivals(rivals, name, 'as long')}"
    return f"{text}{_describe_phases(base, rivals)}."


def describe_memory(data: RunData, case: Case) -> str:
    """Give the peak memory of the same systems."""
    name = "memory_peak_bytes"
    base = data.base(case)
    if base is None or not base.has(name):
        return ""
    text = f"Memory peaks at {format_with_unit(base.estimate(name), 'B')} with {BASE}"
    rivals = _find_rivals(data, case, name)
    return f"{text} and at {_format_rivals(rivals, name, 'that')}." if rivals else f"{text}."


def _find_rivals(data: RunData, case: Case, metric: str) -> list[Line]:
    classical = find_best_classical(data.lines(case), data.score(case))
    rivals = _find_frameworks(data, case, metric)
    if classical is not None and classical.against(metric).estimate.known:
        rivals.append(classical)
    return sorted(rivals, key=lambda line: (_ratio(line, metric), line.system))


def _format_rivals(rivals: list[Line], metric: str, than: str) -> str:
    """Say "6.0 times as long with JAX (jax-scan) and 8.9 with PyTorch (torch-manual)"."""
    few = all(line.against(metric).verdict.kind is Kind.TOO_FEW for line in rivals)
    parts: list[str] = []
    for line in rivals:
        comparison = line.against(metric)
        about = [] if line.framework.replace(" ", "-") == line.system else [line.system]
        if comparison.verdict.kind in (Kind.UNDECIDED, Kind.EQUIVALENT, Kind.TOO_FEW) and not few:
            about.append(_describe_doubt(comparison, metric))
        times = "" if parts else f" times {than}"
        named = f" ({', '.join(about)})" if about else ""
        parts.append(f"{_show_ratio(comparison)}{times} with {line.framework}{named}")
    return join_words(parts) + (" (too few blocks for a verdict)" if few else "")


def _describe_phases(base: Line, rivals: Iterable[Line]) -> str:
    """Say ". Of this time mapicx spends 59 % on ... and 41 % on the rest; the others ..."."""
    shares = {name: round(100 * _find_share(base, names)) for name, names in PHASES.items()}
    named = {name: share for name, share in shares.items() if share > 100 * SHOWN}
    small = ", ".join(name for name in shares if name not in named)
    if 100 > sum(named.values()) > 0:  # so that they add up
        named["the rest" + (f" ({small})" if small else "")] = 100 - sum(named.values())
    if not named:
        return ""
    parts = join_words(f"{share} % on {name}" for name, share in named.items())
    text = f". Of this time {BASE} spends {parts}"
    trained = [line for line in rivals if line.has("time_train_cold_s")]
    first = sorted({round(100 * _find_share(line, PHASES["training"])) for line in trained})
    if not first:
        return text
    others = f"{first[0]} to {first[-1]}" if len(first) > 1 else f"{first[0]}"
    return f"{text}; the others spend {others} % of theirs on the first training"


def _find_share(line: Line, metrics: Iterable[str]) -> float:
    """Return the share of the time from start to end that these metrics take."""
    spent = sum(line.value(metric) for metric in metrics if line.has(metric))
    return spent / line.value("time_total_s")


def _compare_over_workloads(data: RunData) -> str:
    """Average the best variant's ratio over workloads (geometric mean), in blocks that have all."""
    metric, parts = METRICS["time_train_warm_s"], []
    cases = [case for case in data.cases if data.base(case) is not None]
    best = {case: find_best_variants(data.lines(case), metric.name) for case in cases}
    for framework in sorted({name for found in best.values() for name in found} - {BASE, PLAIN}):
        columns = []
        for case, found in best.items():
            line = found.get(framework)
            if line is not None and not line.other_work:
                both = (data.collect(case, name, metric) for name in (line.system, BASE))
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
    """Count verdicts on the other networks' and the classical models' scores over all workloads."""
    parts = []
    for family, whom in (("network", "other networks"), ("classical", "classical models")):
        lines = [(case, x) for case in data.cases for x in data.lines(case) if x.family == family]
        words = Counter(
            format_verdict(x.against(data.score(case)).verdict, METRICS[data.score(case)])
            for case, x in lines
            if x.system != BASE and x.against(data.score(case)).estimate.known
        )
        if words:
            verdicts = ", ".join(f"{n} {word}" for word, n in sorted(words.items()))
            parts.append(f"of {sum(words.values())} scores of {whom} {verdicts}")
    if not parts:
        return f"Too few seeds to compare scores on the {data.workload_count} workloads."
    return f"Against {BASE} over all {data.workload_count} workloads, {'; '.join(parts)}."
