"""The answer for a user's own table: who scores as well, and what each costs."""

from __future__ import annotations

import pandas as pd

from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.metrics import EQUIVALENT
from benchmarks.analyse.summary import estimate_of
from benchmarks.render import break_even
from benchmarks.render.escape import markdown
from benchmarks.render.material import Material
from benchmarks.render.numbers import MIB, quantity, time_unit
from benchmarks.render.tables import score_of

MOST = 6  # systems named in one sentence


def sentences(material: Material, place: tuple[str, int], base: pd.Series) -> list[str]:
    """At most five, the most important first."""
    name = score_of(material, place)
    lines = material.at(place)
    lines = lines[lines["family"].isin(["network", "classical"]) & lines[name].notna()]
    others = lines[lines["system"].ne(BASE)]
    alike = others[others[f"{name}_verdict"].str.startswith(EQUIVALENT)]
    higher = others[others[f"{name}_verdict"].eq("higher")]
    said = [_score(material, base, name), _verdicts(others, name)]
    said.append(_costs(base, alike if len(alike) else others, bool(len(alike))))
    said.append(break_even.sentence(material, place))
    said.append(_cheapest(pd.concat([lines[lines["system"].eq(BASE)], alike, higher])))
    return [sentence for sentence in said if sentence]


def _score(material: Material, base: pd.Series, name: str) -> str:
    facts, estimate = material.run.get("table") or {}, estimate_of(base, name)
    about = f" ({facts['rows']:,} rows, target '{markdown(facts['target'])}')" if facts else ""
    kind = "test accuracy" if name == "accuracy_test" else "test R2"
    return (
        f"On {markdown(facts.get('file') or base['workload'])}{about} {BASE} reaches a {kind} of"
        f" {quantity(estimate)} over {estimate.n} split{'s' if estimate.n != 1 else ''}."
    )


def _verdicts(others: pd.DataFrame, name: str) -> str:
    """Which systems are equivalent in score, which are not."""
    if others.empty:
        return ""
    verdicts = others[f"{name}_verdict"].fillna("")
    if verdicts.eq("").all():
        whom = (
            f"the {len(others)} other systems"
            if len(others) > 1
            else markdown(others["system"].iloc[0])
        )
        return f"The splits are too few to compare the scores of {whom} with that of {BASE}."
    parts = []
    for word in sorted(set(verdicts) - {""}, key=lambda w: (not w.startswith(EQUIVALENT), w)):
        chosen = others[verdicts.eq(word)]
        ranked = chosen.sort_values([name, "system"], ascending=[False, True])["system"]
        parts.append(f"{word}: {', '.join(markdown(system) for system in ranked)}")
    return f"Scores against {BASE}: {'; '.join(parts)}."


def _costs(base: pd.Series, others: pd.DataFrame, alike: bool) -> str:
    """Time and memory of mapicx and of the cheapest others."""
    known = others[others["time_total_s"].notna()].sort_values(["time_total_s", "system"])
    if pd.isna(base["time_total_s"]) or known.empty:
        return ""
    whom = "the systems equivalent in score" if alike else "the other systems"
    if len(known) > MOST:
        whom = f"the {MOST} fastest of {whom}"
    parts = [f"{markdown(line['system'])} {_cost(line)}" for _, line in known.head(MOST).iterrows()]
    return f"From start to end of a fresh process {BASE} takes {_cost(base)}; {whom}: " + (
        ", ".join(parts) + "."
    )


def _cost(line: pd.Series) -> str:
    scale, of = time_unit([line["time_total_s"]])
    said = f"{quantity(estimate_of(line, 'time_total_s').alone(), scale)} {of}"
    memory = estimate_of(line, "memory_peak_bytes")
    return said + (f" and {quantity(memory.alone(), MIB)} MiB" if memory.known else "")


def _cheapest(lines: pd.DataFrame) -> str:
    """Among those whose score is shown to be as good."""
    lines = lines[lines["time_total_s"].notna()]
    if len(lines) < 2:
        return ""
    least = {
        what: markdown(lines.sort_values([column, "system"])["system"].iloc[0])
        for what, column in (("time", "time_total_s"), ("memory", "memory_peak_bytes"))
        if lines[column].notna().all()
    }
    if not least:
        return ""
    others = lines.loc[lines["system"].ne(BASE), "system"]
    whom = f"the {len(others)} systems" if len(others) > 1 else f"{markdown(others.iloc[0])},"
    whom = f"Of {BASE} and {whom} shown to score as well or higher"
    if len(set(least.values())) == 1:
        return f"{whom}, {next(iter(least.values()))} takes the least {' and '.join(least)}."
    parts = [f"{name} takes the least {what}" for what, name in least.items()]
    return f"{whom}, {' and '.join(parts)}."
