"""Did two systems do the same work? Only then may their step times be divided."""

from __future__ import annotations

import pandas as pd

COUNTED = ("parameters", "steps", "samples_seen", "dtype")
DIFFERENT = "different work"
HEADINGS = {"samples_seen": "samples seen"}


def counted(rows: pd.DataFrame) -> dict[str, object]:
    """What the framework's own counters say: the value that all ok rows share.

    None: no row counted it. A tuple: the rows disagree.
    """
    found: dict[str, object] = {}
    for field in COUNTED:
        values = sorted(rows[field].dropna().unique())
        found[field] = None if not values else values[0] if len(values) == 1 else tuple(values)
    return found


def differing(work: dict[str, object], base: dict[str, object]) -> list[str]:
    """Names of what differs between two systems; what neither counted does not differ."""
    return [HEADINGS.get(field, field) for field in COUNTED if work[field] != base[field]]
