"""Answer for a user's own table: which system to use, its cost, and how certain that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.metrics import METRICS
from benchmarks.analyse.own_table import Choice, choose_system, find_overfitted, is_unbalanced
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.summary import Case, Line
from benchmarks.analyse.system_comparison import Comparison
from benchmarks.analyse.verdicts import Kind
from benchmarks.render import break_even
from benchmarks.render.numbers import (
    format_estimate,
    format_number,
    format_verdict,
    format_with_unit,
    join_some,
    join_words,
)
from benchmarks.render.results import count_replicates, find_best_classical

ENOUGH = 6  # splits for a recommendation
MAX_NAMED = 6  # systems named in one sentence
AGAINST = {
    Kind.MORE: "above that",
    Kind.LESS: "below that",
    Kind.UNDECIDED: "not shown to differ from that",
}
ORDER = (Kind.EQUIVALENT, Kind.MORE, Kind.UNDECIDED, Kind.LESS, Kind.TOO_FEW)


def answer_own_table(data: RunData, case: Case) -> list[str]:
    """Return sentences, the most important first."""
    choice, table, score = choose_system(data, case), data.table, data.score(case)
    sentences = [
        _describe_floor(data, case, choice, table),
        _recommend(choice, table, score, len(data.run.get("seeds") or ())),
        _describe_rivals(choice, score),
        _describe_costs(data, case, choice),
        _describe_balanced(choice, table),
        _describe_overfitting(choice, score),
        break_even.describe_break_even(data, case),
    ]
    return [sentence for sentence in sentences if sentence]


def name_floor(table: Mapping[str, Any]) -> str:
    """Name what a system does that has learnt nothing: "always answering 'no'"."""
    counts, classes = table.get("class_rows") or (), table.get("classes") or ()
    if table.get("task") == "regression":
        return "always answering the mean"
    if len(counts) != len(classes) or not counts:
        return "always answering the most frequent class"
    return f"always answering '{classes[counts.index(max(counts))]}'"


def _describe_floor(data: RunData, case: Case, choice: Choice, table: Mapping[str, Any]) -> str:
    """Compare the constant answer, the best classical model and mapicx, in this order."""
    score = data.score(case)
    about = f" ({table['rows']:,} rows, target '{table['target']}')" if table else ""
    text = f"On {table.get('file') or case.workload}{about}"
    parts = []
    if choice.floor.known:
        parts.append(f"{name_floor(table)} has a {METRICS[score].heading} of {_show(choice.floor)}")
    classical = find_best_classical(data.lines(case), score)
    base = data.base(case)
    if classical is not None:
        reached = _describe_score(classical, choice, score)
        parts.append(f"the best classical model, {classical.system}, {reached}")
    if base is not None and base.has(score):
        parts.append(f"{BASE} {_describe_score(base, choice, score)}")
    if not parts:
        return f"{text} there is no score yet."
    splits = count_replicates(choice.lines, score, "split")
    return f"{text}, over {splits}, {'; '.join(parts)}."


def _describe_score(line: Line, choice: Choice, score: str) -> str:
    """Format as "0.819 (0.80–0.83), below that", where "that" is a constant answer's score."""
    found = choice.against_floor.get(line.system, Comparison())
    text = format_estimate(line.estimate(score))
    if not found.estimate.known or found.verdict.kind is Kind.TOO_FEW:
        return text
    if found.verdict.kind is Kind.EQUIVALENT:
        return f"{text}, {format_verdict(found.verdict, METRICS[score])} to that"
    return f"{text}, {AGAINST[found.verdict.kind]}"


def _show(estimate: Any) -> str:
    return format_estimate(estimate, bounds=False)


def _recommend(choice: Choice, table: Mapping[str, Any], score: str, planned: int) -> str:
    """Recommend a system in plain words; `planned` is the number of splits of the whole run."""
    if not choice.lines or not choice.floor.known:
        return ""
    top = _show(choice.complete[0].estimate(score))
    alike = [line for line in choice.complete if _show(line.estimate(score)) == top]
    highest = f"{join_words(line.system for line in alike)}, {top}"
    if len(choice.complete) < len(choice.lines):
        highest += f" (of {len(choice.complete)} systems with all splits)"
    if choice.too_few:
        return (
            f"Too few splits for a recommendation; the highest mean so far is that of {highest}."
            + (" Continue this run." if planned >= ENOUGH else f" Measure six: --seeds {ENOUGH}.")
        )
    if choice.best is None or choice.chosen is None:
        undecided = choice.find(choice.against_floor, Kind.UNDECIDED)
        names = join_some([line.system for line in undecided], MAX_NAMED)
        open_ = f"; undecided: {names}" if undecided else ""
        return (
            f"No system beats {name_floor(table)}: the highest mean is that of {highest}, and none"
            f" is shown to be above{open_}. For right answers alone no model is needed here"
            + ("; balanced accuracy and AUC, below, say more." if is_unbalanced(table) else ".")
        )
    best, chosen = choice.best, choice.chosen
    cost = _describe_cost(chosen)
    if chosen is best:
        others = [line.system for line in alike if line is not best]
        shared = f", as is that of {join_words(others)}" if best in alike and others else ""
        return f"Use {best.system} on this table: its score is the highest{shared}{cost}."
    return (
        f"Use {chosen.system} on this table: it is shown to score as well as the best,"
        f" {best.system} ({_show(best.estimate(score))}), and takes the least time of such"
        f" systems{cost}."
    )


def _describe_cost(line: Line) -> str:
    cost = _show_costs(line)
    return f". A fresh process with it takes {cost} from start to end" if cost else ""


def _show_costs(line: Line) -> str:
    parts = [
        format_with_unit(line.estimate(name), METRICS[name].unit)
        for name in ("time_total_s", "memory_peak_bytes")
        if line.has(name)
    ]
    return join_words(parts)


def _describe_rivals(choice: Choice, score: str) -> str:
    """Say how certain the choice is: every other system against the best."""
    if choice.best is None:
        return ""
    parts = []
    for kind in ORDER:
        members = choice.find(choice.against_best, kind)
        if members:
            verdict = choice.against_best[members[0].system].verdict
            names = ", ".join(line.system for line in members)
            parts.append(f"{format_verdict(verdict, METRICS[score])}: {names}")
    if not parts:
        return "Certainty: no other system was measured."
    ahead = choice.against_floor[choice.best.system].estimate
    points = format_estimate(ahead, 0.01) if score == "accuracy_test" else ""
    above = f" It is {points} points above always answering the same." if points else ""
    return (
        f"Certainty: against {choice.best.system}, {'; '.join(parts)} (corrected for so many"
        f" comparisons; all on splits of this one table).{above}"
    )


def _describe_costs(data: RunData, case: Case, choice: Choice) -> str:
    """Give time and memory of mapicx and of the cheapest system as good as the best."""
    base = data.base(case)
    known = [x for x in choice.lines if x.has("time_total_s")]
    if choice.best is not None:
        alike = choice.find(choice.against_best, Kind.EQUIVALENT)
        known = [x for x in known if x is choice.best or x in alike]
    known = [x for x in known if x is not base]
    known.sort(key=lambda x: (x.value("time_total_s"), x.system))
    if base is None or not base.has("time_total_s") or not known:
        return ""
    whom = "those that score as well as the best" if choice.best is not None else "the others"
    if len(known) > MAX_NAMED:
        whom = f"the {MAX_NAMED} fastest of {whom}"
    parts = ", ".join(f"{line.system} {_show_costs(line)}" for line in known[:MAX_NAMED])
    return (
        f"Costs from start to end of a fresh process: {BASE} {_show_costs(base)}; {whom}: {parts}."
    )


def _describe_balanced(choice: Choice, table: Mapping[str, Any]) -> str:
    """Where one class is rare, give scores that a constant answer cannot do well on."""
    if not is_unbalanced(table):
        return ""
    counts, classes = table["class_rows"], table["classes"]
    guess = 1 / len(classes)
    rarest = counts.index(min(counts))
    text = f"Classes are unbalanced ('{classes[rarest]}' has {counts[rarest] / sum(counts):.1%} of"
    text += " the rows), so accuracy alone says little"
    parts = []
    for name, word, floor in (
        ("balanced_accuracy_test", "balanced accuracy", guess),
        ("auc_test", "AUC", 0.5),
    ):
        most = max((x.estimate(name).n for x in choice.lines), default=0)
        able = [x for x in choice.lines if x.has(name) and x.estimate(name).n == most]
        if able:
            best = max(able, key=lambda x: (x.value(name), x.system))
            own = [x for x in able if x.system == BASE and x is not best]
            mine = f", {BASE} {format_number(own[0].value(name))}" if own else ""
            parts.append(
                f"the highest {word} is that of {best.system}, {format_number(best.value(name))}"
                f"{mine} (guessing: {format_number(floor)})"
            )
    return f"{text}: {'; '.join(parts)}." if parts else f"{text}."


def _describe_overfitting(choice: Choice, score: str) -> str:
    """Name the systems that score far better on training rows."""
    found = find_overfitted(choice.lines, score)
    if not found:
        return ""
    kind = METRICS[score].heading.removeprefix("test ")
    parts = [
        f"{line.system} {format_number(train)} and {format_number(line.value(score))}"
        for line, train in sorted(found, key=lambda pair: (pair[0].system != BASE, pair[0].system))
    ]
    more = f" and {len(parts) - MAX_NAMED} more systems" if len(parts) > MAX_NAMED else ""
    return (
        f"Overfitting, {kind} on training and on test rows: {', '.join(parts[:MAX_NAMED])}{more}."
        " The first says nothing about new rows."
    )
