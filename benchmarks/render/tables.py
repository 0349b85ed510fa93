"""The result tables: absolute values with bounds, ratios to mapicx beside them, notes.

The first cell of a row is the bare system name. Controls never stand in a result table.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from benchmarks.analyse.equal_work import DIFFERENT
from benchmarks.analyse.frameworks import BASE, BEGINNERS, best_variants
from benchmarks.analyse.metrics import EQUIVALENT, METRICS, UNDECIDED
from benchmarks.analyse.stats import SMALLEST_N
from benchmarks.analyse.summary import estimate_of
from benchmarks.analyse.verdicts import enough
from benchmarks.record.schema import FIELDS, STATUSES
from benchmarks.render.escape import markdown, table
from benchmarks.render.material import FAMILIES, Material
from benchmarks.render.numbers import NOTHING, quantity, unit_of

MAIN = ("accuracy_test", "time_total_s", "time_train_warm_s", "memory_peak_bytes")
REGRESSION = ("r2_test", "mse_test", *MAIN[1:])
RANKED_BY = "time_total_s"
UNCHECKED, OTHER_WORK = "†", "‡"
BOUNDS = {"bayes-rule": "ceiling", "majority-class": "floor"}


def ordered(lines: pd.DataFrame) -> pd.DataFrame:
    """mapicx, then networks and classical models by total time, then the bounds."""
    rank = lines["family"].map({family: i for i, family in enumerate(FAMILIES)})
    key = pd.DataFrame(
        {
            "other": lines["system"].ne(BASE),
            "rank": rank,
            "time": lines[RANKED_BY].astype(float).fillna(float("inf")),
            "name": lines["system"],
        }
    )
    return lines.loc[key.sort_values(list(key.columns)).index]


def result_table(
    material: Material, place: tuple[str, int], systems: Iterable[str] | None = None
) -> list[str]:
    """Markdown lines of the result table of one (workload, threads), with its footnotes.

    systems: only these, and no row for what is planned but has not run.
    """
    lines = material.at(place)
    if systems is not None:
        lines = lines[lines["system"].isin(set(systems))]
    lines = ordered(lines)
    metrics = _metrics(material, place)
    units = {name: unit_of(lines, name) for name in metrics}
    notes = _Notes(material, place)
    body = [_row(line, metrics, units, notes) for _, line in lines.iterrows()]
    if systems is None:
        absent = material.planned(place).keys() - set(lines["system"])
        width = len(_head(metrics, units, lines))
        for system in sorted(absent):
            body.append([markdown(system), *[NOTHING] * (width - 2), "not run"])
    if not body:
        return ["No trial of this workload has ended."]
    return [*table(_head(metrics, units, lines), body), "", *notes.text()]


def headline_systems(material: Material, place: tuple[str, int], most: int) -> list[str]:
    """mapicx, each framework's best variants, the best classical model, ceiling and floor."""
    lines = material.at(place)
    score = score_of(material, place)
    chosen = [BASE]
    for metric in MAIN[1:]:
        chosen += best_variants(lines, metric)["system"].tolist()
    classical = lines[lines["family"].eq("classical") & lines[score].notna()]
    tail = classical.sort_values([score, "system"], ascending=[False, True])["system"].tolist()[:1]
    tail += [s for s in BOUNDS if s in set(lines["system"])]
    return list(dict.fromkeys(chosen))[: most - len(tail)] + tail


def score_of(material: Material, place: tuple[str, int]) -> str:
    """Field of the score of a place's task."""
    regression = material.workload(place[0]).get("task") == "regression"
    return (REGRESSION if regression else MAIN)[0]


def _metrics(material: Material, place: tuple[str, int]) -> tuple[str, ...]:
    names = REGRESSION if score_of(material, place) == REGRESSION[0] else MAIN
    lines = material.at(place)
    return tuple(name for name in names if lines[name].notna().any()) or names


def _head(metrics: Iterable[str], units: dict, lines: pd.DataFrame) -> list[str]:
    head = ["system"]
    for name in metrics:
        of = units[name][1]
        head.append(FIELDS[name].heading + (f" ({of})" if of else ""))
        if METRICS[name].compare == "ratio":
            noise = lines[f"{name}_noise"].dropna()
            said = f" (A/A noise {noise.iloc[0]:.2f})" if len(noise) else ""
            head.append(f"× {BASE}{said}")
        elif METRICS[name].compare:
            head.append(f"against {BASE}")
    return [*head, "notes"]


def _row(line: pd.Series, metrics: Iterable[str], units: dict, notes: _Notes) -> list[str]:
    cells = [markdown(line["system"])]
    for name in metrics:
        cells.append(notes.seen(quantity(estimate_of(line, name), units[name][0])))
        if METRICS[name].compare:
            cells.append(comparison(line, name, notes))
    return [*cells, notes.of(line)]


def comparison(line: pd.Series, name: str, notes: _Notes) -> str:
    """The cell of a ratio or of a verdict on a score, with its marks."""
    metric = METRICS[name]
    if line["system"] == BASE:
        return "1" if metric.compare == "ratio" else "base"
    verdict = line[f"{name}_verdict"] or ""
    if metric.compare == "difference":
        return verdict or NOTHING
    if pd.notna(line["comparable"]) and not line["comparable"]:
        return "not comparable"
    estimate = estimate_of(line, f"{name}_ratio")
    if not estimate.known:
        return NOTHING
    text = notes.seen(quantity(estimate))
    if verdict.startswith(EQUIVALENT) or (verdict == UNDECIDED and enough(estimate, metric)):
        text += f" {verdict}"
    notes.few |= not enough(estimate, metric) and metric.estimator == "median"
    if line["work"]:
        text += f" {OTHER_WORK}"
    elif line["family"] == "network" and pd.isna(line["comparable"]):
        text += f" {UNCHECKED}"
    return text


class _Notes:
    """The notes column, and the footnotes that its marks and brackets call for."""

    def __init__(self, material: Material, place: tuple[str, int]) -> None:
        self.material, self.place = material, place
        self.cells = ""
        self.few = False  # a ratio stands without a verdict, because there are too few blocks

    def seen(self, text: str) -> str:
        """Remember a cell's text; footnotes explain only what occurs."""
        self.cells += text
        return text

    def of(self, line: pd.Series) -> str:
        """Role, different work and every status that is not ok."""
        said = [BOUNDS[line["system"]]] if line["system"] in BOUNDS else []
        if line["system"] in BEGINNERS and line["family"] == "network":
            said.append("beginner's variant")
        if line["work"]:
            said.append(str(line["work"]))
        statuses = str(line["statuses"])
        if any(status in statuses for status in STATUSES if status != "ok"):
            said.append(statuses)
        if line["machines"] > 1:
            said.append(f"{line['machines']} machines")
        if line["versions"] > 1:
            said.append(f"{line['versions']} versions")
        return self.seen(markdown("; ".join(said)) or "")

    def text(self) -> list[str]:
        """One paragraph."""
        said = [f"Ratios are to {BASE}, paired in blocks; above 1 means more time or memory."]
        if "(" in self.cells:
            said.append("(low–high): 95 % interval.")
        if "[" in self.cells:
            said.append("[low–high]: lowest and highest value, where there are too few blocks")
            said[-1] += " for an interval or the quantity hardly varies."
        if self.few:
            said.append(f"No verdict on time below {SMALLEST_N} blocks.")
        if UNCHECKED in self.cells or self._unchecked():
            said.append(f"{UNCHECKED} not proven to train the same network.")
        own = self._own_order()
        if own:
            said.append(f"In an order of their own, not the harness's: {', '.join(own)}.")
        if DIFFERENT in self.cells:
            said.append(f"{OTHER_WORK} {DIFFERENT}: another method or amount of training.")
        if "several machines" in self.cells:
            said.append("Times and memory of several machines are not pooled.")
        return [" ".join(said)]

    def _own_order(self) -> list[str]:
        """Systems that shuffle the rows by themselves, if the workload shuffles."""
        if not self.material.workload(self.place[0]).get("shuffle"):
            return []
        shown = set(self.material.at(self.place)["system"])
        return [markdown(s) for s in self.material.run.get("own_order") or () if s in shown]

    def _unchecked(self) -> bool:
        lines = self.material.at(self.place)
        lines = lines[lines["family"].eq("network") & lines["system"].ne(BASE)]
        return bool(lines["comparable"].isna().any() and len(lines))


def phase_table(
    lines: pd.DataFrame, names: Iterable[str], extra: Iterable[list[str]] = ()
) -> list[str]:
    """A table of medians without bounds (they stand in the CSV): one row per system."""
    names = [name for name in names if lines[name].notna().any()]
    lines = lines[lines[names].notna().any(axis=1)] if names else lines.iloc[:0]
    if lines.empty:
        return ["Nothing was measured."]
    units = {name: unit_of(lines, name) for name in names}
    head = ["system", *(f"{FIELDS[n].heading} ({units[n][1]})" for n in names)]
    body = []
    for _, line in ordered(lines).iterrows():
        body.append([markdown(line["system"])])
        for name in names:
            body[-1].append(quantity(estimate_of(line, name).alone(), units[name][0]))
    return table(head, body + [list(row) for row in extra])
