"""What is typed after an option of a command, read and checked; and durations for people."""

from __future__ import annotations

import re

from benchmarks.errors import UsageError

UNITS = {"s": 1, "m": 60, "h": 3600}


def split_names(text: str | None) -> list[str]:
    """The names in a comma-separated option, in order, each once."""
    return list(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))


def format_duration(seconds: float) -> str:
    """A duration for people: 45 s, 3 min 20 s, 2 h 05 min."""
    whole = round(seconds)
    if whole < 90:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def parse_duration(text: str | float | None) -> float | None:
    """A duration such as 90s, 8m or 2h in seconds; a bare number is seconds."""
    if text is None or isinstance(text, (int, float)):
        return text
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", text)
    if not match or float(match[1]) == 0:
        raise UsageError(f"{text!r} is no duration; write 90s, 8m or 2h")
    return float(match[1]) * UNITS.get(match[2], 1)
