"""The first screen's answer: at most five sentences, each generated from estimates and verdicts."""

from __future__ import annotations

import math

import pandas as pd

from benchmarks.analyse import stats
from benchmarks.analyse.checks import ceiling_of
from benchmarks.analyse.frameworks import BASE, best_variants
from benchmarks.analyse.metrics import EQUIVALENT, METRICS, UNDECIDED
from benchmarks.analyse.samples import paired, samples
from benchmarks.analyse.summary import estimate_of
from benchmarks.analyse.verdicts import enough
from benchmarks.render import break_even, crossover, ladder, own_table
from benchmarks.render.escape import markdown
from benchmarks.render.material import Material
from benchmarks.render.numbers import quantity, unit
from benchmarks.render.tables import score_of

MOST = 5
OWN = "table"  # data set of a run on a user's table
TOO_FEW = "no verdict, too few blocks"


def answer(material: Material) -> list[str]:
    """Sentences for the run's headline workload, the most important first."""
    place = material.headline
    if place is None:
        return ["No trial has ended yet: this run has no rows."]
    if material.ladder and BASE in material.ladder[0].steps:
        return ladder.sentences(material.ladder)[:MOST]
    if material.crossings:
        return crossover.sentences(material.crossings)[:MOST]
    base = material.base(place)
    if base is None:
        where = markdown(place[0])
        return [f"{BASE} has no usable row on {where}, so nothing is compared with it."]
    if material.workload(place[0]).get("dataset") == OWN:
        return own_table.sentences(material, place, base)[:MOST]
    costs = {metric: _cost(material, place, base, metric) for metric in _COSTS}
    last = break_even.sentence(material, place) or _classical(material, place)
    workloads = {name for name, _ in material.places}
    if len(workloads) > 1:
        costs["time_train_warm_s"] = _many(material) or costs["time_train_warm_s"]
        last = _scores_of_many(material, len(workloads))
    said = [_accuracy(material, place, base), *costs.values(), last]
    return [sentence for sentence in said if sentence][:MOST]


# metric: how the sentence begins
_COSTS = {
    "time_total_s": "From the start of a fresh process to its end {base} takes {value}",
    "time_train_warm_s": "The training alone, repeated in a warm process, takes {base} {value}",
    "memory_peak_bytes": "The process of {base} peaks at {value}",
}


def _accuracy(material: Material, place: tuple[str, int], base: pd.Series) -> str:
    name = "accuracy_test" if pd.notna(base["accuracy_test"]) else "r2_test"
    estimate = estimate_of(base, name)
    if not estimate.known:
        return ""
    lines = material.at(place)
    others = lines[lines["family"].eq("network") & lines["system"].ne(BASE) & lines[name].notna()]
    verdicts = others[f"{name}_verdict"].fillna("")
    equal = int(verdicts.str.startswith(EQUIVALENT).sum())
    unsure = int(verdicts.isin(["", UNDECIDED]).sum())
    differ = len(others) - equal - unsure
    kind = "test accuracy" if name == "accuracy_test" else "test R2"
    said = f"On {markdown(place[0])} {BASE} reaches a {kind} of {quantity(estimate)}"
    if len(others) and verdicts.eq("").all():
        said += f"; too few seeds to compare the {len(others)} other network systems"
    elif len(others):
        word = next((v for v in verdicts if v.startswith(EQUIVALENT)), "equivalent")
        word = word if equal else "equivalent"
        said += f"; of the {len(others)} other network systems {equal} are {word}"
        said += f", {differ} differ and {unsure} are undecided"
    ceiling = ceiling_of(material.rows(place))
    if name == "accuracy_test" and math.isfinite(ceiling):
        said += f"; no classifier can exceed {ceiling:.3f} on average"
    return said + "."


def _cost(material: Material, place: tuple[str, int], base: pd.Series, name: str) -> str:
    estimate = estimate_of(base, name)
    if not estimate.known:
        return ""
    scale, of = unit(METRICS[name].unit, [estimate.value])
    said = _COSTS[name].format(base=BASE, value=f"{quantity(estimate, scale)} {of}")
    parts, verdicts = [], []
    for _, line in best_variants(material.at(place), name).iterrows():
        ratio = estimate_of(line, f"{name}_ratio")
        if line["system"] == BASE or not ratio.known or line["work"]:
            continue
        # Bounds stand in the table below; the value here has the digits that they support.
        value = quantity(ratio.alone())
        judged = enough(ratio, METRICS[name])
        verdicts.append(line[f"{name}_verdict"] if judged else TOO_FEW)
        parts.append(f"{markdown(line['system'])} {value} times as much")
    if not parts:
        return said + "."
    if len(set(verdicts)) == 1 and len(verdicts) > 1:
        parts[-1] += f" ({'' if verdicts[0] == TOO_FEW else 'all '}{verdicts[0]})"
    else:
        parts = [f"{part} ({verdict})" for part, verdict in zip(parts, verdicts, strict=True)]
    return said + ", each framework's best variant: " + ", ".join(parts) + "."


def _classical(material: Material, place: tuple[str, int]) -> str:
    lines = material.at(place)
    lines = lines[lines["family"].eq("classical") & lines["accuracy_test"].notna()]
    if lines.empty:
        return ""
    best = lines.sort_values(["accuracy_test", "system"], ascending=[False, True]).iloc[0]
    score = quantity(estimate_of(best, "accuracy_test"))
    verdict = best["accuracy_test_verdict"]
    said = f"The best classical model, {markdown(best['system'])}, reaches {score}"
    if verdict:
        said += f" ({verdict} than {BASE})" if verdict in ("higher", "lower") else f" ({verdict})"
    total = estimate_of(best, "time_total_s")
    if total.known:
        scale, of = unit("s", [total.value])
        said += f" in {quantity(total, scale)} {of}, which is different work"
    return said + "."


def _scores_of_many(material: Material, workloads: int) -> str:
    """Over all workloads: how the other networks and the classical models score."""
    parts = []
    for family, whom in (("network", "other networks"), ("classical", "classical models")):
        verdicts = pd.concat([_verdicts_at(material, place, family) for place in material.places])
        if verdicts.ne("").any():
            equal = sorted(set(verdicts[verdicts.str.startswith(EQUIVALENT)]))  # one per margin
            counts = {w: verdicts.eq(w).sum() for w in (*equal, "higher", "lower", UNDECIDED)}
            said = ", ".join(f"{n} {word}" for word, n in counts.items() if n)
            parts.append(f"of {verdicts.ne('').sum()} scores of {whom} {said}")
    if not parts:
        return f"Too few seeds to compare scores on the {workloads} workloads."
    return f"Against {BASE} over all {workloads} workloads, {'; '.join(parts)}."


def _verdicts_at(material: Material, place: tuple[str, int], family: str) -> pd.Series:
    """One verdict on the score per system of a family, "" where there is none."""
    lines = material.at(place)
    lines = lines[lines["family"].eq(family) & lines["system"].ne(BASE)]
    return lines[f"{score_of(material, place)}_verdict"].fillna("")


def _many(material: Material) -> str:
    """Geometric mean over workloads of each framework's best variant, where all blocks have it."""
    metric, parts = METRICS["time_train_warm_s"], []
    places = [place for place in material.places if material.base(place) is not None]
    best = [best_variants(material.at(place), metric.name) for place in places]
    frameworks = sorted({f for table in best for f in table["framework"]} - {BASE})
    for framework in frameworks:
        columns = []
        for place, table in zip(places, best, strict=True):
            line = table[table["framework"].eq(framework)]
            if line.empty or line["work"].iloc[0]:
                continue
            rows = material.rows(place)
            both = (line["system"].iloc[0], BASE)
            columns.append(paired(*(samples(rows[rows["system"].eq(s)], metric) for s in both)))
        shortest = min((len(a) for a, _ in columns), default=0)
        if len(columns) < 2 or not shortest:
            continue
        a, b = (pd.DataFrame([c[i][:shortest] for c in columns]).T.to_numpy() for i in (0, 1))
        mean = stats.geometric_mean_ratio(a, b)
        parts.append(f"{markdown(framework)} {quantity(mean)} over {len(columns)}")
    if not parts:
        return ""
    return (
        f"Training time of each framework's best variant as a multiple of {BASE}'s,"
        f" geometric mean of paired ratios over workloads: {', '.join(parts)}."
    )
