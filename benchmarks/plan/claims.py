"""Read claims.toml: sentences with numbers, each with its possible readings as small queries.

A key of a claim is the default for its readings. A reading has the keys

    form        ratio | difference | value | count | recorded
    metric      what is compared or counted: a field of a row, an entry of a run's footprint, or
                (count) a fact about this repository
    of, to      systems: PROGRAM stands for the program that the sentence is judged on; "best X"
                for the best variant of framework X or of the classical models; "every classical"
                for each of these; otherwise a system's name. ratio: of / to,
                difference: of - to, value and count: of alone
    workload    on which data, network and recipe (row fields only)
    at_least, at_most, between, equals    what the sentence says, in the metric's own unit
    tolerance   deviation (in the same unit) that still counts as equal; rounding, usually
    recorded    instead of a metric and limit: fields of the workload as run.json holds them
    subject     the program that the verdict is about, if it is not the claim's
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
from pathlib import Path
from typing import Any

CLAIMS = Path(__file__).with_name("claims.toml")
PROGRAM, BEST, EVERY = "program", "best ", "every "
ORIGINAL, ENGINE = "mapicx-0.1.0", "mapicx"
# The source of a sentence, and the program that the sentence is therefore about.
SUBJECTS = {"article": ORIGINAL, "article-readme": ORIGINAL, "readme": ENGINE}
FORMS = ("ratio", "difference", "value", "count", "recorded")
LIMITS = ("at_least", "at_most", "between", "equals")


@dataclasses.dataclass(frozen=True)
class Reading:
    """One way to understand a sentence, as a query over rows."""

    name: str
    form: str
    metric: str = ""
    of: str = PROGRAM
    to: str = ""
    workload: str = ""
    threads: int = 1
    low: float = -math.inf  # what the sentence says, without the tolerance
    high: float = math.inf
    tolerance: float = 0.0
    subject: str = ""
    recorded: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def about_program(self) -> bool:
        """Whether the number depends on the program on which the sentence is judged."""
        return PROGRAM in (self.of, self.to)


@dataclasses.dataclass(frozen=True)
class Claim:
    """One sentence, who made it, and its readings."""

    name: str
    source: str
    sentence: str
    readings: tuple[Reading, ...]


def read_claims(path: Path = CLAIMS) -> list[Claim]:
    """Return every claim of the ledger, in order. ValueError describes a bad entry."""
    table = tomllib.loads(path.read_text("utf-8"))
    claims = [_read_claim(entry) for entry in table.get("claim", ())]
    keys = [(claim.name, reading.name) for claim in claims for reading in claim.readings]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"claim {key[0]!r} has the reading {key[1]!r} twice; rename one")
    return claims


def _read_claim(entry: dict[str, Any]) -> Claim:
    entry = dict(entry)
    try:
        name, source, sentence = (entry.pop(key) for key in ("name", "source", "sentence"))
        readings = entry.pop("readings")
    except KeyError as error:
        named = entry.get("name") or entry.get("sentence") or "without a name"
        raise ValueError(f"claim {named!r} has no key {error}; every claim needs it") from None
    if source not in SUBJECTS:
        raise ValueError(f"claim {name!r} has source {source!r}; choose from {', '.join(SUBJECTS)}")
    made = tuple(
        _read_reading(name, SUBJECTS[source], _read_defaults(entry, reading) | reading)
        for reading in readings
    )
    return Claim(name, source, sentence, made)


def _read_defaults(entry: dict[str, Any], reading: dict[str, Any]) -> dict[str, Any]:
    """Return the claim's keys, without its limit for a reading that has its own."""
    own = any(limit in reading for limit in LIMITS)
    return {key: value for key, value in entry.items() if not (own and key in LIMITS)}


def _read_reading(claim: str, subject: str, entry: dict[str, Any]) -> Reading:
    entry.setdefault("subject", subject)
    where = f"claim {claim!r}, reading {entry.get('name')!r}"
    given = {key: entry.pop(key) for key in LIMITS if key in entry}
    known = {field.name for field in dataclasses.fields(Reading)} - {"low", "high"}
    if unknown := sorted(entry.keys() - known):
        allowed = sorted(known | set(LIMITS))
        raise ValueError(f"{where} has unknown keys {unknown}; known are {', '.join(allowed)}")
    if entry.get("form") not in FORMS:
        raise ValueError(f"{where} has form {entry.get('form')!r}; choose from {', '.join(FORMS)}")
    if entry["form"] == "recorded":
        if given or not entry.get("recorded") or not entry.get("workload"):
            raise ValueError(f"{where} is recorded: it needs a workload and its fields, no limit")
        return Reading(**entry)
    if len(given) != 1 or not entry.get("metric"):
        raise ValueError(f"{where} needs a metric and exactly one of {', '.join(LIMITS)}")
    if (entry["form"] in ("ratio", "difference")) != bool(entry.get("to")):
        raise ValueError(f"{where}: ratio and difference need `to`, the other forms have none")
    ((limit, stated),) = given.items()
    low = {"at_least": stated, "equals": stated}.get(limit, -math.inf)
    high = {"at_most": stated, "equals": stated}.get(limit, math.inf)
    if limit == "between":
        low, high = stated
    return Reading(**entry, low=float(low), high=float(high))
